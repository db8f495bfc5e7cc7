import AdminAPI
import ArgumentParser
import DomainController
import Foundation

struct BackupVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write a backup of the running DSA into one file.",
        discussion: """
            The file holds the database, the configuration and all private keys: it has mode 0600, and whoever has \
            it is this DSA. It is checked once more after it was written.
            """
    )

    @Option(help: "The file to write.") var out: String
    @OptionGroup var dsa: DSAOptions
    @OptionGroup var output: JSONOption

    func run() async throws {
        let pieces = try await dsa.client().backup()
        let file = try UnfinishedFile(out)
        do {
            var octets = 0
            for try await piece in pieces {
                try file.append(piece)
                octets += piece.count
                if Output.isTerminal { Output.rewrite("\(octets >> 20) MiB") }
            }
            let header = try file.finish { try BackupFile.read($0) }
            if Output.isTerminal { Output.rewrite("") }
            try output.print(
                header,
                text: "\(out): \(header.server) at USN \(header.highestUSN), \(header.files.count) files, "
                    + "\(octets) octets, checked\n"
            )
        } catch {
            file.abandon()
            throw error
        }
    }
}

struct RestoreVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup into a data directory; no DSA may run there.",
        discussion: """
            The database begins a new life under a new invocationID, so partners give back what was written since. \
            A damaged backup is refused before anything is changed. Stop the old DSA first, wherever it runs: \
            of two that speak for one DSA partners refuse the older.
            """
    )

    @Argument(help: "A file that `bridgehead backup` wrote.") var file: String
    @Flag(help: "Replace a newer database; it is kept beside the restored one.") var force = false
    @Flag(
        help:
            "Take back what the own domain lost since the backup from global catalogs, as far as they hold it."
    )
    var fromGC = false
    @OptionGroup var dsa: DSAOptions
    @OptionGroup var output: JSONOption

    func run() async throws {
        let configuration = try dsa.configuration()
        let summary = try await Restoration(
            backup: file,
            dataDirectory: configuration.dataDirectory,
            isForced: force,
            takesFromCatalogs: fromGC
        ).run(log: quietLog(), at: DomainControllerService.systemTime()) { done, all in
            if Output.isTerminal, all > 0 { Output.rewrite("\(min(100, done * 100 / all)) %") }
        }
        if Output.isTerminal { Output.rewrite("") }
        var text = "restored       \(summary.server), as of \(summary.created), USN \(summary.keptUSN)\n"
        text += "invocationID   \(summary.invocationID) (before: \(summary.endedInvocationID))\n"
        for name in summary.keptFiles { text += "kept           \(name), as it was here\n" }
        if let replaced = summary.replaced { text += "old database   \(replaced)\n" }
        try output.print(summary, text: text)
        if !fromGC {
            Output.note(
                "global catalogs that hold more of this domain are built again from here; to take their"
            )
            Output.note("attributes back instead, restore once more: --from-gc --force")
        }
        Output.note("next: bridgehead serve --data \(configuration.dataDirectory)")
    }
}
