import AdminAPI
import DomainController
import InterSiteMessaging
import Testing

@Suite struct `Local configuration` {
    /// A file as its reader hands it over: one line per top-level key.
    private func file(_ pairs: [(String, ConfigurationNode)]) -> ConfigurationSources.File {
        let root = pairs.map { ConfigurationPair(key: $0.0, node: $0.1) }
        return ConfigurationSources.File(path: "bridgehead.yaml", root: .mapping(root, line: 1))
    }

    private func sources(
        flags: [ConfigurationKey: (flag: String, value: String)] = [:],
        environment: [String: String] = [:],
        file: ConfigurationSources.File? = nil
    ) -> ConfigurationSources {
        ConfigurationSources(
            flags: flags,
            environment: environment,
            file: file,
            readSecret: { path in
                guard path == "/run/secrets/port" else { throw AdminError(code: "file", message: "no") }
                return "2526\n"
            },
            parse: { .scalar($0, line: 1) }
        )
    }

    private func smtp(_ key: String, _ value: String) -> (String, ConfigurationNode) {
        ("smtp", .mapping([ConfigurationPair(key: key, node: .scalar(value, line: 3))], line: 2))
    }

    private func route(_ fields: [(String, String)]) -> ConfigurationSources.File {
        let pairs = fields.map { ConfigurationPair(key: $0.0, node: .scalar($0.1, line: 5)) }
        return file([("routes", .list([.mapping(pairs, line: 5)], line: 4))])
    }

    private func errors(_ sources: ConfigurationSources) -> [String] {
        Configuration.problems(in: sources).filter { !$0.isWarning }.map(\.message)
    }

    @Test func `nothing set is every default, and each default has its own form`() throws {
        #expect(Configuration.problems(in: sources()) == [])
        let configuration = try Configuration(sources())
        #expect(configuration.dataDirectory == "/var/lib/bridgehead")
        #expect(configuration.mailroot == "/var/lib/bridgehead/mailroot")
        #expect(configuration.adminSocket == "/var/lib/bridgehead/admin.sock")
        #expect(configuration.smtp.port == 25 && configuration.smtp.messageOctetsMax == 16 << 20)
        #expect(configuration.replication.intervalSeconds == 900)
        #expect(configuration.mail.queueOctetsMax == 4 << 30)
        #expect(configuration.values.map(\.key) == ConfigurationKey.allCases)
        #expect(configuration.values.allSatisfy { $0.origin == .standard })
        for key in ConfigurationKey.allCases where !key.defaultText.isEmpty {
            #expect(key.form.objection(to: key.defaultText) == nil, "\(key.rawValue)")
        }
    }

    @Test func `flag beats environment beats file beats default`() throws {
        let file = file([smtp("port", "1001")])
        let flags: [ConfigurationKey: (flag: String, value: String)] = [.smtpPort: ("--smtp-port", "1003")]
        let environment = ["BRIDGEHEAD_SMTP_PORT": "1002"]
        let byFile = try Configuration(sources(file: file))
        let byEnvironment = try Configuration(sources(environment: environment, file: file))
        let byFlag = try Configuration(sources(flags: flags, environment: environment, file: file))
        #expect([byFile, byEnvironment, byFlag].map(\.smtp.port) == [1001, 1002, 1003])
        let origins = [byFile, byEnvironment, byFlag].map { $0.reply.values.first { $0.key == "smtp.port" } }
        #expect(origins.map { $0?.origin } == ["file", "environment", "flag"])
        #expect(origins.map { $0?.source } == ["bridgehead.yaml:3", "BRIDGEHEAD_SMTP_PORT", "--smtp-port"])
    }

    @Test func `a secret comes from the file that a variable names`() throws {
        let found = try Configuration(
            sources(environment: ["BRIDGEHEAD_SMTP_PORT_FILE": "/run/secrets/port"])
        )
        #expect(found.smtp.port == 2526)
        #expect(
            errors(sources(environment: ["BRIDGEHEAD_SMTP_PORT_FILE": "/nowhere"])) == [
                "BRIDGEHEAD_SMTP_PORT_FILE: cannot read /nowhere"
            ]
        )
        let both = ["BRIDGEHEAD_SMTP_PORT_FILE": "/run/secrets/port", "BRIDGEHEAD_SMTP_PORT": "1"]
        #expect(errors(sources(environment: both)).count == 1)
    }

    @Test func `variables are the keys in capitals`() {
        #expect(
            ConfigurationKey.smtpMessageBytesMax.environmentVariable == "BRIDGEHEAD_SMTP_MESSAGE_BYTES_MAX"
        )
        #expect(ConfigurationKey.smtpLMTP.environmentVariable == "BRIDGEHEAD_SMTP_LMTP")
        #expect(ConfigurationKey.adminSocket.environmentVariable == "BRIDGEHEAD_ADMIN_SOCKET")
        let all = Set(ConfigurationKey.allCases.map(\.environmentVariable))
        #expect(all.count == ConfigurationKey.allCases.count)
    }

    @Test func `an unknown key is an error with the key that was meant`() {
        let problems = Configuration.problems(in: sources(file: file([smtp("prot", "25")])))
        #expect(problems.map(\.message) == ["bridgehead.yaml:3: unknown key smtp.prot"])
        #expect(problems.first?.hint == "did you mean smtp.port?")
        #expect(errors(sources(file: file([("zzzzzzzz", .scalar("1", line: 1))]))).count == 1)
    }

    @Test func `an unknown variable is a warning only when it is nearly one of ours`() {
        let problems = Configuration.problems(
            in: sources(environment: [
                "BRIDGEHEAD_SMTP_PROT": "25", "BRIDGEHEAD_SERVICE_HOST_XYZ": "10.0.0.1",
            ])
        )
        #expect(problems.map(\.isWarning) == [true])
        #expect(problems.first?.hint == "did you mean BRIDGEHEAD_SMTP_PORT?")
    }

    @Test(arguments: [
        ("port", "65536"), ("port", "-1"), ("port", ""), ("port", "0x19"), ("tls", "maybe"),
        ("messageBytesMax", "1KiB"), ("messageBytesMax", "99999999999999999999GiB"),
        ("messageBytesMax", "16MB"),
        ("sessionsMax", "0"),
    ])
    func `a value out of its form is an error that says the form`(key: String, value: String) throws {
        let found = errors(sources(file: file([smtp(key, value)])))
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("bridgehead.yaml:3: smtp.\(key) must ") == true)
    }

    @Test(arguments: [("90", 90), ("90s", 90), ("15m", 900), ("3h", 10_800), ("7d", 604_800)])
    func `times carry their unit`(text: String, seconds: Int) {
        #expect(ConfigurationForm.seconds(text) == seconds)
    }

    @Test(arguments: ["", "m", "1.5h", "-1s", "1 h", "9223372036854775807d", "１m"])
    func `what is no time is none`(text: String) {
        #expect(ConfigurationForm.seconds(text) == nil)
    }

    @Test func `every problem is named, and the first one stops`() {
        let bad = sources(
            environment: ["BRIDGEHEAD_LOG_LEVEL": "loud"],
            file: file([smtp("port", "x"), ("smtp", .scalar("x", line: 9)), ("log", .empty(line: 10))])
        )
        #expect(errors(bad).count == 3)
        let error = #expect(throws: AdminError.self) { try Configuration(bad) }
        #expect(error?.code == "badConfiguration")
        #expect(error?.message.hasSuffix("(and 2 more: bridgehead config check)") == true)
    }

    @Test func `a key without effect is accepted with a warning`() throws {
        let problems = Configuration.problems(in: sources(file: file([smtp("maildir", "/var/mail")])))
        #expect(problems.map(\.isWarning) == [true])
        #expect(problems.first?.message == "bridgehead.yaml:3: smtp.maildir has no effect in this version")
    }

    @Test func `routes are read in order and match names, GUIDs and mail domains`() throws {
        let fields = [
            ("match", "*.vancouver.reskit.example"), ("via", "smtps://[2001:db8::1]"), ("starttls", "verify"),
        ]
        let found = try Configuration(sources(file: route(fields)))
        #expect(
            found.routes.map(\.via) == [
                Route(host: "2001:db8::1", port: 465, starttls: .verify, isImplicitTLS: true)
            ]
        )
        let rule = try #require(found.routes.first)
        #expect(
            rule.matches(
                serverName: "x",
                siteName: "Vancouver",
                dsaGUID: "y",
                mailDomain: "Vancouver.reskit.example"
            )
        )
        #expect(
            rule.matches(
                serverName: "x",
                siteName: "Vancouver",
                dsaGUID: "y",
                mailDomain: "a.vancouver.reskit.example"
            )
        )
        #expect(
            !rule.matches(
                serverName: "x",
                siteName: "Vancouver",
                dsaGUID: "y",
                mailDomain: "xvancouver.reskit.example"
            )
        )
        let byName = RouteRule(match: "br3-van-dc-01", via: rule.via)
        #expect(
            byName.matches(serverName: "BR3-VAN-DC-01", siteName: "Vancouver", dsaGUID: "y", mailDomain: "z")
        )
        #expect(
            RouteRule(match: "*", via: rule.via).matches(
                serverName: "",
                siteName: "Vancouver",
                dsaGUID: "",
                mailDomain: ""
            )
        )
    }

    @Test(arguments: [
        "", "relay", "http://relay", "smtp://", "smtp://:25", "smtp://a:0", "smtp://a:65536", "smtp://a:b",
        "smtp://a b",
        "smtp://[::1", "smtp://[::1]x", "smtp://a:25:26", "smtp://-oProxy=x", "smtp://a/b", "smtp://u@a",
        "smtp://\u{0}", "smtp://a\r\nX:25",
    ])
    func `what is no next hop is refused`(url: String) {
        #expect(Route(url: url) == nil)
        #expect(errors(sources(file: route([("match", "x"), ("via", url)]))).count == 1)
    }

    @Test func `a route without its parts is refused`() {
        #expect(errors(sources(file: route([("match", "x")]))).count == 1)
        #expect(
            errors(sources(file: route([("match", "x"), ("via", "smtp://a"), ("tls", "on")]))).count == 1
        )
        #expect(
            errors(sources(file: route([("match", "x"), ("via", "smtp://a"), ("starttls", "on")]))).count == 1
        )
        #expect(errors(sources(file: file([("routes", .scalar("x", line: 1))]))).count == 1)
    }
}
