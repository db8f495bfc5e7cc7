import AdminAPI
import ArgumentParser

struct ConflictVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conflict",
        abstract: "What concurrent writes lost, and objects that are not where they were put.",
        subcommands: [List.self, Show.self, Restore.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List losing writes, name clashes, objects in LostAndFound, and waiting objects.",
            discussion: "Losing writes have an id; what has none is computed from the directory as it is now."
        )

        @Option(help: "Only of this object: a DN or GUID.") var object: String?
        @Option(help: "attribute, name, lost-and-found or waiting (default: all).") var kind: ConflictKind?
        @Option(help: "Conflicts at most.") var limit = ConflictListQuery.limitDefault
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func validate() throws {
            guard (1...AdminLimits.conflictsMax).contains(limit) else {
                throw ValidationError("--limit must be from 1 to \(AdminLimits.conflictsMax).")
            }
        }

        func run() async throws {
            let query = ConflictListQuery(object: object.map { ObjectTarget($0) }, kind: kind, limit: limit)
            let reply = try await dsa.client().conflicts(query)
            try output.print(reply, text: reply.text)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a losing write with its values, and what stands now."
        )

        @Argument(help: "The conflict's id.") var id: Int64
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reply = try await dsa.client().conflict(ConflictQuery(id: id))
            try output.print(reply, text: reply.text)
        }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the losing values once more.",
            discussion: "A write like any other: the schema is asked, and it travels to all partners."
        )

        @Argument(help: "The conflict's id.") var id: Int64
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reply = try await dsa.client().restoreConflict(ConflictQuery(id: id))
            try output.print(reply, text: reply.text("restored"))
        }
    }
}

extension ConflictKind: ExpressibleByArgument {}
