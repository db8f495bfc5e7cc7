import AdminAPI
import ArgumentParser
import Identifiers

struct ResyncVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resync",
        abstract: "Start a replica over from one partner: the cure after error 8614.",
        discussion: """
            For a replica that was cut off longer than tombstoneLifetime. Everything held stays in use until the \
            partner has shown all it holds. Then objects and link values that the partner once had and has no \
            more (deleted and collected there) go, without trace. What was written here, or came from others, and \
            the partner does not know is kept and replicates afterwards; of an object that was deleted there, \
            changes made here meanwhile go with it, and the event "resynced" names it. To have a copy first: \
            bridgehead export. Deletions that were collected here and never reached the partner come undone.
            """
    )

    @Argument(help: "Naming context: a DN or GUID.") var nc: String
    @Option(help: "Partner: a server's name or DSA GUID.") var from: String
    @OptionGroup var dsa: DSAOptions
    @OptionGroup var output: JSONOption

    func run() async throws {
        let reply = try await dsa.client().resync(ResyncRequest(namingContext: nc, partner: from))
        try output.print(reply, text: reply.text)
    }
}

struct LingeringVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lingering",
        abstract: "Objects that a partner still has, although they were deleted and collected here.",
        subcommands: [List.self, Remove.self]
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What partners sent changes of; ends with 1 when there is something.",
            discussion:
                "Nothing is taken from a part that changes such an object, so that partner stands still."
        )

        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reply = try await dsa.client().lingeringObjects()
            try output.print(reply, text: reply.text)
            if let first = reply.first {
                throw ProblemFound(
                    message: "\(reply.count) objects linger at partners",
                    hint: "at \(first.server): bridgehead repl lingering remove \(first.objectGUID)"
                )
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete an object where it lingers; run it at the server that the list names.",
            discussion: """
                It is an ordinary deletion: it replicates, does nothing where the object is gone already, and can \
                be undone with `object undelete`, which makes the object again everywhere. A read-only replica is \
                cured with `repl resync`.
                """
        )

        @Argument(help: "The object's GUID.") var object: String
        @Flag(help: "Also what stands below it.") var tree = false
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            guard let guid = GUID(object) else { throw ValidationError("\(object) is not a GUID.") }
            let client = try dsa.client()
            if try await client.lingeringObjects().contains(where: { $0.objectGUID == guid }) {
                throw ProblemFound(
                    message: "the object is gone here; it lingers at a partner",
                    hint: "run this at the server that bridgehead repl lingering list names"
                )
            }
            let reply = try await client.originate(
                WriteRequest(operations: [.delete(target: ObjectTarget(objectGUID: guid), tree: tree)])
            )
            try output.print(reply, text: "deleted here; the deletion replicates\n")
        }
    }
}
