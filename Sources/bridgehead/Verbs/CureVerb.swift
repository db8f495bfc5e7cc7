import AdminAPI
import ArgumentParser
import Identifiers

extension ReplVerbs {
    struct Cure: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begin a new life of a database that was put back.",
            discussion: """
                A DSA does so by itself, once a day at most; this is for when it waits for a person. Everything that \
                it wrote above the USN kept is written again under a new invocationID; nothing is lost.
                """
        )

        @Flag(help: "Do it.") var force = false
        @Option(help: "The USN kept (default: what the alarm names, else where the DSA started).")
        var keepUsn: Int64?
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func validate() throws {
            guard keepUsn ?? 0 >= 0 else { throw ValidationError("--keep-usn must not be negative.") }
        }

        func run() async throws {
            let client = try dsa.client()
            guard force else {
                let alarms = try await client.replicationNeighbors().alarms
                try output.print(alarms, text: AlarmReply.text(alarms))
                throw ProblemFound(message: "nothing was done", hint: "bridgehead repl cure --force")
            }
            let reply = try await client.cure(CureRequest(keptUSN: keepUsn.map { USN($0) }))
            try output.print(reply, text: reply.text)
        }
    }
}
