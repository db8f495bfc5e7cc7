import AdminAPI
import ArgumentParser

struct ReplicateVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replicate",
        abstract: "Ask partners for changes.",
        subcommands: [Now.self]
    )

    struct Now: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send requests for changes at once, whatever the schedule says.",
            discussion:
                "With --wait, ends when everything asked for has been applied, or with 1 after --timeout."
        )

        @Argument(help: "Partner: a server's name or DSA GUID (default: all).") var partner: String?
        @Option(help: "Naming context: a DN or GUID (default: all that are pulled).") var nc: String?
        @Flag(help: "Wait until the answers are applied.") var wait = false
        @Option(help: "Seconds to wait.") var timeout = 600
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func validate() throws {
            guard (1...604_800).contains(timeout) else {
                throw ValidationError("--timeout must be from 1 to 604800 seconds.")
            }
        }

        func run() async throws {
            let reply = try await dsa.client().replicateNow(
                ReplicateNowRequest(partner: partner, namingContext: nc, wait: wait, timeoutSeconds: timeout)
            )
            try output.print(reply, text: reply.text)
            if reply.requests.contains(where: { $0.failure != nil }) {
                throw ProblemFound(message: "not every partner could be asked", hint: "bridgehead repl show")
            }
            if wait, !reply.isApplied {
                throw ProblemFound(
                    message: "not everything was applied within \(timeout) s",
                    hint: "the requests stay valid: bridgehead repl show, bridgehead mail list"
                )
            }
        }
    }
}

struct ReplVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repl",
        abstract: "The state of replication.",
        subcommands: [Show.self, Summary.self, Cursors.self]
    )

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Whom this DSA pulls from and how it went, in repadmin's layout; times are UTC."
        )

        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reply = try await dsa.client().replicationNeighbors()
            try output.print(reply, text: reply.text)
        }
    }

    struct Summary: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Largest delay and failures per partner; ends with 1 when something fails."
        )

        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reply = try await dsa.client().replicationSummary()
            try output.print(reply, text: reply.text)
            if !reply.isHealthy {
                throw ProblemFound(message: "replication fails", hint: "bridgehead repl show")
            }
        }
    }

    struct Cursors: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Up-to-dateness vectors, and what was received of each source."
        )

        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reply = try await dsa.client().replicationCursors()
            try output.print(reply, text: reply.text)
        }
    }
}
