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
        subcommands: [
            Show.self, Summary.self, Vector.self, Cursors.self, Compare.self, ResyncVerb.self,
            LingeringVerbs.self, Cure.self,
        ]
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

    struct Vector: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Up-to-dateness vectors: whose writes are surely here, and up to which USN."
        )

        @Option(help: "Naming context: a DN or GUID (default: all).") var nc: String?
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            var reply = try await dsa.client().replicationCursors()
            if let nc {
                reply.namingContexts.removeAll {
                    $0.namingContext.lowercased() != nc.lowercased() && "\($0.objectGUID)" != nc.lowercased()
                }
                guard !reply.namingContexts.isEmpty else {
                    throw ProblemFound(
                        message: "this DSA holds no naming context \(nc)",
                        hint: "bridgehead repl vector lists those it holds"
                    )
                }
            }
            for index in reply.namingContexts.indices { reply.namingContexts[index].sources = [] }
            try output.print(reply, text: reply.vectorText)
        }
    }

    struct Compare: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare replicas with a partner over mail; ends with 1 when they differ.",
            discussion: """
                The partner answers with a digest of each object. Compared is what both claim to have; objects \
                with writes still on their way are counted. Two healthy replicas never differ.
                """
        )

        @Argument(help: "Partner: a server's name or DSA GUID.") var partner: String
        @Option(help: "Naming context: a DN or GUID (default: all that both hold).") var nc: String?
        @Option(help: "Seconds to wait for the answer.") var timeout = 600
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reply = try await dsa.client().compare(
                CompareRequest(partner: partner, namingContext: nc, timeoutSeconds: timeout)
            )
            try output.print(reply, text: reply.text)
            guard !reply.isEqual else { return }
            if reply.comparisons.contains(where: { $0.differing > 0 }) {
                throw ProblemFound(
                    message: "replicas differ from \(reply.partner)",
                    hint: "bridgehead object metadata --guid GUID on both shows where"
                )
            }
            throw ProblemFound(
                message: "not every naming context could be compared",
                hint: "bridgehead repl show, bridgehead mail list"
            )
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
