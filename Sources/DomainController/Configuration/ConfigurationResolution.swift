import AdminAPI
import InterSiteMessaging

/// Puts the sources over each other, checks every value, and names every problem with its place.
struct ConfigurationResolution {
    private struct Setting {
        var text: String
        var origin: ConfigurationOrigin
    }

    private let sources: ConfigurationSources
    private var settings: [ConfigurationKey: Setting] = [:]
    private(set) var routes: [RouteRule] = []
    private(set) var problems: [ConfigurationProblem] = []

    init(_ sources: ConfigurationSources) { self.sources = sources }

    /// Weakest first, so that the stronger source overwrites.
    mutating func run() {
        if let file = sources.file { read(file.root, below: "", in: file) }
        readEnvironment()
        for (key, setting) in sources.flags.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            set(key, setting.value, .flag(setting.flag))
        }
        for key in ConfigurationKey.allCases where settings[key] != nil && !key.hasEffect {
            warn("\(place(of: key)): \(key.rawValue) has no effect in this version")
        }
    }

    /// The first error, with how many more there are.
    var error: AdminError? {
        let errors = problems.filter { !$0.isWarning }
        guard let first = errors.first else { return nil }
        let rest = errors.count - 1
        return AdminError(
            code: "badConfiguration",
            message: first.message + (rest > 0 ? " (and \(rest) more: bridgehead config check)" : ""),
            hint: first.hint
        )
    }

    // MARK: - Values

    func text(_ key: ConfigurationKey) -> String { settings[key]?.text ?? key.defaultText }

    func optionalText(_ key: ConfigurationKey) -> String? {
        let text = text(key)
        return text.isEmpty ? nil : text
    }

    func integer(_ key: ConfigurationKey) -> Int {
        number(text(key), key.form) ?? number(key.defaultText, key.form) ?? 0
    }

    private func number(_ text: String, _ form: ConfigurationForm) -> Int? {
        switch form {
        case .integer: Int(text)
        case .bytes: ConfigurationForm.bytes(text)
        case .duration: ConfigurationForm.seconds(text)
        case .text, .boolean, .choice, .retry, .mailAddress, .list, .routes: nil
        }
    }

    func values(mailroot: String, adminSocket: String) -> [ConfigurationValue] {
        ConfigurationKey.allCases.map { key in
            let shown =
                switch key {
                case .mailroot: mailroot
                case .adminSocket: adminSocket
                default: text(key)
                }
            return ConfigurationValue(key: key, text: shown, origin: settings[key]?.origin ?? .standard)
        }
    }

    private mutating func set(_ key: ConfigurationKey, _ text: String, _ origin: ConfigurationOrigin) {
        if let objection = key.form.objection(to: text) {
            fail("\(origin.source ?? "default"): \(key.rawValue) \(objection)")
        } else {
            settings[key] = Setting(text: text, origin: origin)
        }
    }

    private func place(of key: ConfigurationKey) -> String { settings[key]?.origin.source ?? "default" }

    private mutating func fail(_ message: String, hint: String? = nil) {
        problems.append(ConfigurationProblem(isWarning: false, message: message, hint: hint))
    }

    private mutating func warn(_ message: String, hint: String? = nil) {
        problems.append(ConfigurationProblem(isWarning: true, message: message, hint: hint))
    }

    // MARK: - File

    private mutating func read(
        _ node: ConfigurationNode,
        below prefix: String,
        in file: ConfigurationSources.File
    ) {
        let here = "\(file.path):\(node.line)"
        let name = prefix.isEmpty ? "the file" : prefix
        guard case .mapping(let pairs, _) = node else {
            if case .empty = node { return }
            return fail("\(here): \(name) must be a mapping of keys to values")
        }
        var seen: Set<String> = []
        for pair in pairs {
            let key = prefix.isEmpty ? pair.key : "\(prefix).\(pair.key)"
            let place = "\(file.path):\(pair.node.line)"
            guard seen.insert(pair.key).inserted else {
                fail("\(place): \(key) is set twice")
                continue
            }
            if let known = ConfigurationKey(rawValue: key) {
                take(pair.node, for: known, .file(path: file.path, line: pair.node.line))
            } else if prefix.isEmpty,
                ConfigurationKey.allCases.contains(where: { $0.rawValue.hasPrefix(key + ".") })
            {
                read(pair.node, below: key, in: file)
            } else {
                fail("\(place): unknown key \(key)", hint: Self.suggestion(for: key))
            }
        }
    }

    private mutating func take(
        _ node: ConfigurationNode,
        for key: ConfigurationKey,
        _ origin: ConfigurationOrigin
    ) {
        let place = origin.source ?? ""
        switch (key.form, node) {
        case (_, .empty):
            fail("\(place): \(key.rawValue) has no value", hint: "remove the line, or give it one")
        case (.routes, .list(let items, _)): takeRoutes(items, origin)
        case (.list, .list(let items, _)):
            var words: [String] = []
            for item in items {
                guard case .scalar(let word, _) = item else {
                    return fail("\(place): \(key.rawValue) must be a list of words")
                }
                words.append(word)
            }
            set(key, words.joined(separator: ","), origin)
        case (.routes, _): fail("\(place): routes must be a list", hint: Self.routeExample)
        case (_, .scalar(let text, _)): set(key, text, origin)
        case (_, .list), (_, .mapping): fail("\(place): \(key.rawValue) must be one value")
        }
    }

    static let routeExample =
        #"for example: routes: [{match: BR3-VAN-DC-01, via: "smtp://relay.example:25", starttls: verify}]"#

    private mutating func takeRoutes(_ items: [ConfigurationNode], _ origin: ConfigurationOrigin) {
        var rules: [RouteRule] = []
        for (index, item) in items.enumerated() {
            guard let rule = route(item, "\(origin.source ?? "routes"): routes[\(index)]") else { continue }
            rules.append(rule)
        }
        routes = rules
        settings[.routes] = Setting(text: rules.map(\.description).joined(separator: "; "), origin: origin)
    }

    private mutating func route(_ item: ConfigurationNode, _ place: String) -> RouteRule? {
        guard case .mapping(let pairs, _) = item else {
            fail("\(place) must be a mapping", hint: Self.routeExample)
            return nil
        }
        var fields: [String: String] = [:]
        var hasAuthentication = false
        for pair in pairs {
            switch (pair.key, pair.node) {
            case ("match", .scalar(let text, _)), ("via", .scalar(let text, _)),
                ("starttls", .scalar(let text, _)):
                fields[pair.key] = text
            case ("auth", _):
                hasAuthentication = true
                warn("\(place).auth has no effect in this version")
            default:
                fail("\(place) has an unknown or malformed key \(pair.key)", hint: Self.routeExample)
                return nil
            }
        }
        guard let match = fields["match"], !match.isEmpty, let via = fields["via"] else {
            fail("\(place) needs match and via", hint: Self.routeExample)
            return nil
        }
        let words = Route.StartTLS.allCases.map(\.rawValue).joined(separator: ", ")
        guard let starttls = Route.StartTLS(rawValue: fields["starttls"] ?? "opportunistic") else {
            fail("\(place).starttls must be one of \(words)")
            return nil
        }
        guard let route = Route(url: via, starttls: starttls) else {
            fail("\(place).via must be smtp://HOST:PORT or smtps://HOST:PORT")
            return nil
        }
        return RouteRule(match: match, via: route, hasAuthentication: hasAuthentication)
    }

    // MARK: - Environment

    /// Variables of our prefix that mean something to the command line rather than to the configuration.
    private static let otherVariables: Set<String> = ["BRIDGEHEAD_CONFIG"]

    private mutating func readEnvironment() {
        var known = Self.otherVariables
        for key in ConfigurationKey.allCases {
            let variable = key.environmentVariable
            known.formUnion([variable, variable + "_FILE"])
            let direct = sources.environment[variable]
            let secret = sources.environment[variable + "_FILE"]
            if direct != nil, secret != nil {
                fail("\(variable) and \(variable)_FILE are both set", hint: "unset one of them")
            } else if let direct {
                take(environment: direct, for: key, variable)
            } else if let secret {
                guard let text = try? sources.readSecret(secret) else {
                    fail("\(variable)_FILE: cannot read \(secret)", hint: "check the path and its mode")
                    continue
                }
                take(
                    environment: text.hasSuffix("\n") ? String(text.dropLast()) : text,
                    for: key,
                    variable + "_FILE"
                )
            }
        }
        // Orchestrators set variables of that prefix for a service of this name, so it is no error.
        for variable in sources.environment.keys.sorted()
        where variable.hasPrefix("BRIDGEHEAD_") && !known.contains(variable) {
            let near = Self.nearest(to: variable, among: ConfigurationKey.allCases.map(\.environmentVariable))
            if let near { warn("\(variable) is not a configuration variable", hint: "did you mean \(near)?") }
        }
    }

    private mutating func take(environment text: String, for key: ConfigurationKey, _ variable: String) {
        let origin = ConfigurationOrigin.environment(variable: variable)
        guard key.form == .routes || key.form == .list else { return set(key, text, origin) }
        do {
            let node = try sources.parse(text)
            if key.form == .list, case .scalar = node {
                set(key, text, origin)
            } else {
                take(node, for: key, origin)
            }
        } catch {
            fail("\(variable): \(error)")
        }
    }

    // MARK: - Suggestions

    static func suggestion(for key: String) -> String? {
        nearest(to: key, among: ConfigurationKey.allCases.map(\.rawValue)).map { "did you mean \($0)?" }
    }

    /// The candidate with the fewest edits, when they are at most a third of the word.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        guard word.utf8.count <= 128 else { return nil }
        let best = candidates.map {
            ($0, distance(Array(word.lowercased().utf8), Array($0.lowercased().utf8)))
        }
        .min { $0.1 < $1.1 }
        guard let best, best.1 <= max(1, word.utf8.count / 3) else { return nil }
        return best.0
    }

    /// Insertions, deletions and replacements between two words.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (index, octet) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in right.enumerated() {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (octet == other ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
