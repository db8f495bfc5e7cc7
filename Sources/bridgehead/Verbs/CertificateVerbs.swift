import AdminAPI
import ArgumentParser
import DomainController

struct CAVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ca",
        abstract: "The enterprise CA.",
        subcommands: [Sign.self]
    )

    struct Sign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issue a DSA's certificate for the key of its signing request.",
            discussion: "Everything but the key comes from the DSA's directory object."
        )

        @Argument(help: "The signing request, PEM; - is stdin.") var request: String
        @Option(help: "The server's name or DSA GUID.") var server: String
        @Option(help: "Where to write the certificate; - is stdout.") var out = "-"
        @OptionGroup var dsa: DSAOptions

        func run() async throws {
            let reply = try await dsa.client().signRequest(
                SignRequest(
                    signingRequestPEM: try Input.text(request, what: "signing request"),
                    dsa: server
                )
            )
            try Input.write(reply.certificatePEM, to: out, mode: 0o644)
            Output.note("certificate \(reply.serial) for \(reply.server), valid until \(reply.notAfter)")
        }
    }
}

struct CertVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cert",
        abstract: "This DSA's certificates.",
        subcommands: [Show.self, Install.self]
    )

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the certificates in the data directory, and partners' while the DSA runs."
        )

        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let configuration = try dsa.configuration()
            let found: [CertificateReply]
            do {
                found = try await dsa.client().certificates()
            } catch let error as AdminError where error.code == "noDSA" {
                found = try CertificateInventory(dataDirectory: configuration.dataDirectory).list()
            }
            try output.print(found, text: found.map(\.text).joined(separator: "\n"))
        }
    }

    struct Install: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put this DSA's signed certificate beside its key and into the directory.",
            discussion: """
                Works with and without a running DSA. With --server, a running DSA checks and publishes a partner's \
                certificate that an external CA issued.
                """
        )

        @Argument(help: "The certificate, PEM; - is stdin.") var file: String
        @Option(help: "The partner's server name or DSA GUID; default: this DSA.") var server: String?
        @OptionGroup var dsa: DSAOptions

        func run() async throws {
            let configuration = try dsa.configuration()
            let pem = try Input.octets(file, what: "certificate")
            let lines: [String]
            do {
                let request = InstallCertificateRequest(
                    certificatePEM: String(decoding: pem, as: UTF8.self),
                    dsa: server
                )
                lines = try await dsa.client().installCertificate(request).certificate.lines
            } catch let error as AdminError where error.code == "noDSA" && server == nil {
                lines = try await CertificateInstallation(
                    dataDirectory: configuration.dataDirectory,
                    certificatePEM: pem
                ).run()
            }
            for line in lines { Output.line(HumanText.line(line)) }
        }
    }
}
