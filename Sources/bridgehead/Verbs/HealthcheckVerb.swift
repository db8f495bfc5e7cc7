import AdminAPI
import ArgumentParser

struct HealthcheckVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Ask the running DSA whether it works; ends with 1 when a check fails or none answers.",
        discussion: """
            Looks at the database, the listener and the certificate. Replication is shown and does not count: \
            a DSA that cannot reach its partners serves on. `repl summary` ends with 1 for that.
            """
    )

    @OptionGroup var dsa: DSAOptions
    @OptionGroup var output: JSONOption

    func run() async throws {
        let reply = try await dsa.client().health()
        try output.print(reply, text: reply.text)
        guard reply.isServing else {
            throw ProblemFound(
                message: reply.failures.joined(separator: "; "),
                hint: "the DSA's log has more"
            )
        }
    }
}
