import AdminAPI
import ArgumentParser
import DomainController
import Foundation

struct MailVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mail",
        abstract: "The mail-drop.",
        subcommands: [List.self, Show.self, Release.self, Discard.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the mails of the mailroot's folders.")

        @Argument(help: "Pickup, Queue, Drop, Fragments, Held, Badmail or Archive (default: all).")
        var folder: String?
        @Flag(help: "Only what is held, with its reason.") var held = false
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func validate() throws {
            guard folder == nil || !held else { throw ValidationError("--held is a folder itself.") }
        }

        func run() async throws {
            let files = try await dsa.client().mailList(MailListQuery(folder: held ? "Held" : folder))
            try output.print(files, text: MailText.table(files))
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a held mail as it is.",
            discussion:
                "A part of changes is applied in spite of its reason, as often as this data comes. Ask the owner "
                + "of its source first."
        )

        @Argument(help: "The mail's id.") var id: String
        @Option(help: "Who decides (default: the user that calls).") var by: String?
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let request = MailDecisionRequest(id: id, by: by ?? NSUserName())
            let reply = try await dsa.client().mailRelease(request)
            try output.print(reply, text: reply.line)
        }
    }

    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a held mail into Badmail.",
            discussion:
                "What a part of changes brings stays missing: its source sends it again, and the same data is "
                + "dropped again, until the source's owner changes it there."
        )

        @Argument(help: "The mail's id.") var id: String
        @Option(help: "Who decides (default: the user that calls).") var by: String?
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let request = MailDecisionRequest(id: id, by: by ?? NSUserName())
            let reply = try await dsa.client().mailDiscard(request)
            try output.print(reply, text: reply.line)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Decrypt and verify a mail: header, envelope, hops, signer.",
            discussion:
                "A mail by its id needs the running DSA; a file with --key, --cert and --ca needs none."
        )

        @Argument(help: "The mail's id, or a file together with --key.") var mail: String
        @Flag(help: "What it carries, as text.") var payload = false
        @Option(help: "Private key, PEM.") var key: String?
        @Option(help: "Its certificate, PEM.") var cert: String?
        @Option(help: "The forest's CA certificates, PEM.") var ca: String?
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func validate() throws {
            let given = [key, cert, ca].compactMap { $0 }.count
            guard given == 0 || given == 3 else {
                throw ValidationError("--key, --cert and --ca go together.")
            }
        }

        func run() async throws {
            let reply = try await found()
            try output.print(reply, text: reply.text)
            if reply.verdict == "refused" {
                throw ProblemFound(message: "the mail is refused", hint: nil)
            }
        }

        private func found() async throws -> MailShowReply {
            guard let key, let cert, let ca else {
                return try await dsa.client().mailShow(MailShowQuery(id: mail, payload: payload))
            }
            return try MailInspection.show(
                file: try Input.octets(mail, what: "mail"),
                id: mail,
                keyPEM: try Input.text(key, what: "key"),
                certificatePEM: try Input.text(cert, what: "certificate"),
                authorityPEM: try Input.text(ca, what: "CA certificates"),
                payload: payload
            )
        }
    }
}
