import AdminAPI
import ArgumentParser
import DomainController
import Identifiers
import Logging

/// Lines of verbs that make a DSA: only what went wrong.
func quietLog() -> Logger {
    Logger(label: "bridgehead") { StderrLog(logLevel: .warning, format: .human, label: $0) }
}

func mailAddress(_ text: String?) throws -> MailAddress? {
    guard let text else { return nil }
    guard let address = MailAddress(text) else {
        throw ValidationError("\"\(text)\" is not a mail address of the plain form name@domain.")
    }
    return address
}

struct ForestVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forest",
        abstract: "Make a forest.",
        subcommands: [Create.self]
    )

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the first DSA of a new forest, with schema, configuration, root domain and CA."
        )

        @Argument(help: "DNS name of the forest's root domain, such as reskit.example.") var name: String
        @Option(help: "Name of the server, such as HQ-RES-DC-01.") var server: String
        @Option(help: "Name of its site.") var site = "Default-First-Site-Name"
        @Option(help: "Mail address of the DSA.") var mailAddress: String?
        @Option(help: "Common name of the enterprise CA.") var caName: String?
        @Option(help: "Certificate of a CA that is run elsewhere, PEM: no CA is made here.")
        var externalCa: String?
        @Option(help: "Newest revocation list of that CA, PEM.") var crl: String?
        @OptionGroup var dsa: DSAOptions

        func validate() throws {
            guard (externalCa == nil) == (crl == nil) else {
                throw ValidationError("--external-ca and --crl go together.")
            }
        }

        func run() async throws {
            let configuration = try dsa.configuration()
            var external: ExternalAuthority?
            if let externalCa, let crl {
                external = try ExternalAuthority(
                    certificatePEM: try Input.octets(externalCa, what: "CA certificate"),
                    crlPEM: try Input.octets(crl, what: "revocation list")
                )
            }
            let summary = try await ForestCreation(
                forestName: name,
                serverName: server,
                siteName: site,
                dataDirectory: configuration.dataDirectory,
                mailAddress: try bridgehead.mailAddress(mailAddress),
                caName: caName,
                externalAuthority: external
            ).run(log: quietLog(), at: DomainControllerService.systemTime())
            Output.line("forest         \(name) \(summary.forest)")
            Output.line("DSA            \(site)\\\(server) \(summary.dsaGUID)")
            Output.line("schema         \(summary.schemaObjects) objects")
            Output.line("data           \(summary.dataDirectory)")
            if let enrolment = summary.enrolment {
                enrolment.show()
                Output.note("next: \(enrolment.signing)")
                Output.note("      bridgehead cert install FILE --data \(summary.dataDirectory)")
                Output.note("      bridgehead serve --data \(summary.dataDirectory)")
            } else {
                Output.note("next: bridgehead serve --data \(summary.dataDirectory)")
            }
        }
    }
}

extension EnrolmentSummary {
    /// What a CA that is run elsewhere has to be told.
    func show() {
        Output.line("request        \(request)")
        Output.line("dsaGUID        \(dsaGUID)")
        Output.line("mail           \(mailAddress)")
        Output.line("dns            \(dnsName)")
    }

    var signing: String {
        "own-ca.sh sign CA \(request) --dsa \(dsaGUID) --mail \(mailAddress) --dns \(dnsName) --out FILE"
    }
}

struct DomainVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "domain",
        abstract: "Domains of the forest.",
        subcommands: [Add.self]
    )

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prepare a child domain and its first DSA, and write the join file for it."
        )

        @Argument(help: "DNS name of the new domain, below the forest's root.") var name: String
        @Option(help: "Name of its first server.") var server: String
        @Option(help: "Site of that server; made when it does not exist.") var site: String
        @Option(help: "SMTP site link between the sites; made when it does not exist.") var siteLink: String?
        @Option(help: "Cost of a new site link.") var cost: Int?
        @Option(help: "Mail address of the new DSA.") var mailAddress: String?
        @Option(help: "How the new DSA reaches this one, such as smtp://relay.example:25.") var route: String?
        @Flag(
            help: "Leave schema and configuration out of the file: they come by mail, or with join --media."
        )
        var noMedia = false
        @Option(help: "Where to write the join file (mode 0600); - is stdout.") var out: String
        @OptionGroup var dsa: DSAOptions

        func run() async throws {
            let reply = try await dsa.client().addDomain(
                DomainAddRequest(
                    dnsName: name,
                    serverName: server,
                    siteName: site,
                    siteLink: siteLink,
                    cost: cost,
                    mailAddress: mailAddress,
                    smtpRoute: route,
                    media: noMedia ? false : nil
                )
            )
            try Input.write(reply.joinFile, to: out)
            Output.note("domain \(reply.domain), DSA \(site)\\\(reply.server) \(reply.dsaGUID)")
            Output.note("next: carry \(out) there, then: bridgehead join \(out) --data DIR")
        }
    }
}

struct JoinVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Make a DSA from a join file."
    )

    @Argument(help: "The join file that `domain add` wrote.") var file: String
    @Option(help: "A snapshot that `media create` wrote; what it has is not pulled by mail.") var media:
        String?
    @OptionGroup var dsa: DSAOptions

    func run() async throws {
        let configuration = try dsa.configuration()
        let summary = try await Join(
            joinFile: try Input.octets(file, what: "join file"),
            dataDirectory: configuration.dataDirectory,
            media: media
        ).run(log: quietLog(), at: DomainControllerService.systemTime())
        Output.line("DSA            \(summary.serverName) \(summary.dsaGUID)")
        Output.line("domain         \(summary.domain)")
        Output.line("loaded         \(summary.objects) objects; what is missing comes by mail")
        summary.enrolment.show()
        Output.note("next: have the request signed where the enterprise CA is: bridgehead ca sign")
        Output.note("      or by an external CA: \(summary.enrolment.signing)")
        Output.note(
            "      and published by a partner: bridgehead cert install FILE --server \(summary.serverName)"
        )
        Output.note("      then here: bridgehead cert install FILE --data \(configuration.dataDirectory)")
    }
}
