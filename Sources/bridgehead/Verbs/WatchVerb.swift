import AdminAPI
import ArgumentParser

struct WatchVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Print what happens, as it happens, until ^C.",
        discussion: "With --json, one object a line."
    )

    @Option(help: "Only events of this kind; repeatable.") var kind: [String] = []
    @OptionGroup var dsa: DSAOptions
    @OptionGroup var output: JSONOption

    func run() async throws {
        for try await event in try await dsa.client().events() where kind.isEmpty || kind.contains(event.kind)
        {
            if output.json { try Output.jsonLine(event) } else { Output.line(event.line) }
        }
        throw ProblemFound(message: "the DSA has stopped", hint: nil)
    }
}
