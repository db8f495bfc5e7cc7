import AdminAPI
import ArgumentParser
import DomainController

struct ConfigVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "The local configuration.",
        subcommands: [Check.self, Show.self]
    )

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Name everything that is wrong with file and environment."
        )

        @OptionGroup var dsa: DSAOptions

        func run() throws {
            let problems = Configuration.problems(in: try dsa.sources())
            for problem in problems {
                Output.line("\(problem.isWarning ? "warning" : "error"): \(HumanText.line(problem.message))")
                if let hint = problem.hint { Output.line("  hint: \(HumanText.line(hint))") }
            }
            let errors = problems.filter { !$0.isWarning }.count
            if errors > 0 {
                throw ProblemFound(message: "\(errors) error(s) in the configuration", hint: nil)
            }
            Output.note("the configuration is fine")
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print every value that `serve` would use."
        )

        @Flag(help: "And where each value came from.") var origin = false
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() throws {
            let reply = try dsa.configuration().reply
            try output.print(reply, text: reply.text(withOrigin: origin))
        }
    }
}
