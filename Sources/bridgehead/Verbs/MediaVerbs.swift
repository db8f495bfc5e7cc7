import AdminAPI
import ArgumentParser
import DomainController
import Foundation

struct MediaVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "media",
        abstract: "Snapshots that a new DSA is made from.",
        subcommands: [Create.self]
    )

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a signed snapshot for `join --media`.",
            discussion: """
                Schema and configuration in full, domains as far as the partial attribute set goes. It is \\
                signed, not encrypted: carry it as you would carry the directory.
                """
        )

        @Option(help: "Where to write it (mode 0600).") var out: String
        @Option(help: "Naming context, a DN or GUID; repeatable (default: all that are held in full).")
        var nc: [String] = []
        @OptionGroup var dsa: DSAOptions

        func validate() throws {
            guard out != "-" else { throw ValidationError("--out must be a file.") }
        }

        func run() async throws {
            guard !FileManager.default.fileExists(atPath: out) else {
                throw AdminError(
                    code: "file",
                    message: "\(out) exists already",
                    hint: "remove it, or choose another --out"
                )
            }
            let pieces = try await dsa.client().createMedia(MediaRequest(namingContexts: nc))
            let file = try UnfinishedFile(out)
            let summary: MediaSummary
            do {
                for try await piece in pieces { try file.append(piece) }
                summary = try file.finish { try MediaSummary(path: $0) }
            } catch {
                file.abandon()
                throw error
            }
            for context in summary.header.namingContexts {
                Output.line("\(context.isPartial ? "partial" : "full   ")  \(HumanText.line(context.dn))")
            }
            Output.line("parts    \(summary.parts)")
            Output.note(
                "next: carry \(out) and the join file there, then: bridgehead join FILE --media \(out)"
            )
        }
    }
}
