import AdminAPI
import ArgumentParser
import Foundation
import Identifiers
import Topology

struct KCCVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kcc",
        abstract: "The Knowledge Consistency Checker: which connections there should be, and why.",
        subcommands: [Plan.self]
    )

    struct Plan: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Plan connections from an LDIF file of a configuration naming context.",
            discussion: """
                Reads any directory's export, Active Directory's too, with objectGUID among the attributes. Nothing is \
                ever written but the file of --dot. Ends with 1 when a finding is an error.
                """
        )

        @Option(name: .customLong("import"), help: "LDIF; - is stdin.") var file: String
        @Option(help: "The DSA that plans: a server's name or DSA GUID (default: the file's dsServiceName).")
        var server: String?
        @Option(help: "The time of the plan, as 2026-11-30T12:00:00Z (default: now).") var now: String?
        @Flag(help: "Say that nothing is to be written; it never is.") var readonly = false
        @Option(help: "Where to write the trees for Graphviz; - is stdout.") var dot: String?
        @Flag(help: "Reasons, absences and trees, too.") var explain = false
        @Option(help: "Draw among equal bridgeheads by this number, instead of the lowest objectGUID.")
        var seed: UInt64?

        func validate() throws {
            if let now, Timestamp(rfc3339: now) == nil {
                throw ValidationError("--now must be a time such as 2026-11-30T12:00:00Z.")
            }
        }

        func run() throws {
            let snapshot = try snapshot()
            let dsa = try planner(of: snapshot)
            let time =
                now.flatMap { Timestamp(rfc3339: $0) }
                ?? Timestamp(seconds: Int64(Date().timeIntervalSince1970))
            var input = KCCInput(dsa: dsa, now: time)
            input.seed = seed
            input.wantsAbsences = explain
            let plan = KCC.plan(snapshot, input)
            if let dot { try Input.write(DotText.digraph(snapshot, plan), to: dot) }
            let lines = PlanText(snapshot, plan).lines(for: dsa, at: time, explains: explain)
            Output.text(lines.map { HumanText.line($0) + "\n" }.joined())
            let errors = (snapshot.findings + plan.findings).count { $0.severity == .error }
            if errors > 0 {
                throw ProblemFound(
                    message: "\(errors) of the findings are errors",
                    hint: "see the findings at the end of the plan"
                )
            }
        }

        private func snapshot() throws -> TopologySnapshot {
            let handle = try Input.handle(file, what: "LDIF")
            var reader = LDIFTopologyReader()
            while let data = try handle.read(upToCount: Input.pieceOctets), !data.isEmpty {
                reader.feed([UInt8](data)[...])
            }
            return reader.finish()
        }

        private func planner(of snapshot: TopologySnapshot) throws -> Ref<DirectorySystemAgent> {
            if let server {
                if let dsa = snapshot.dsa(named: server) { return dsa }
            } else if let origin = snapshot.origin {
                return origin
            }
            let names = snapshot.servers.prefix(5).map(\.name).joined(separator: ", ")
            throw AdminError(
                code: "notFound",
                message: server.map { "no DSA of the file is called \($0)" }
                    ?? "the file does not say whose it is, by dsServiceName",
                hint: names.isEmpty
                    ? "export CN=Configuration with its sites and servers"
                    : "name one with --server: \(names)\(snapshot.servers.count > 5 ? " ..." : "")"
            )
        }
    }
}
