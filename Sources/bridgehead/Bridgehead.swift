import AdminAPI
import ArgumentParser
import Foundation

/// The command line: parse, call, print.
///
/// Exit codes: 0 fine, 1 failed or a problem was found, 64 wrong usage.
@main struct Bridgehead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bridgehead",
        abstract: "A directory that stays identical in places that can reach each other only by mail.",
        version: "bridgehead \(ProductVersion.current)",
        groupedSubcommands: [
            CommandGroup(
                name: "Making a DSA:",
                subcommands: [
                    ForestVerbs.self, DomainVerbs.self, JoinVerb.self, MediaVerbs.self, RestoreVerb.self,
                    CAVerbs.self,
                    CertVerbs.self,
                ]
            ),
            CommandGroup(
                name: "Running:",
                subcommands: [
                    ServeVerb.self, BackupVerb.self, WatchVerb.self, HealthcheckVerb.self, ConfigVerbs.self,
                ]
            ),
            CommandGroup(
                name: "Replication and mail:",
                subcommands: [ReplicateVerbs.self, ReplVerbs.self, KCCVerbs.self, MailVerbs.self]
            ),
            CommandGroup(
                name: "The directory:",
                subcommands: [ObjectVerbs.self, ConflictVerbs.self, ImportVerb.self, ExportVerb.self]
            ),
            CommandGroup(name: "Other:", subcommands: [VersionVerb.self]),
        ]
    )

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let problem as ProblemFound {
            Output.error(problem.message, hint: problem.hint)
            Bridgehead.exit(withError: ExitCode(1))
        } catch let error where isOurs(error) {
            let shown = AdminError(error)
            Output.error(shown.message, hint: shown.hint)
            Bridgehead.exit(withError: ExitCode(1))
        } catch {
            endAsParsed(error)
        }
    }

    /// Help and version go to stdout, wrong usage to stderr in the form of all our errors.
    private static func endAsParsed(_ error: any Error) -> Never {
        let code = exitCode(for: error)
        let text = fullMessage(for: error)
        if code == .success {
            if !text.isEmpty { Output.line(text) }
        } else if !text.isEmpty {
            Output.note(text.hasPrefix("Error: ") ? "error: " + text.dropFirst(7) : text)
        }
        exit(withError: code)
    }

    /// ArgumentParser's own errors (usage, help, version) say themselves how to end.
    private static func isOurs(_ error: any Error) -> Bool {
        error is any AdminErrorConvertible
            || Bridgehead.exitCode(for: error) == ExitCode(1) && !(error is ExitCode)
    }
}

/// The verb worked and found something wrong: exit 1.
struct ProblemFound: Error {
    var message: String
    var hint: String?
}

struct VersionVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the program's version."
    )

    func run() { Output.line("bridgehead \(ProductVersion.current)") }
}

#if PLANTED_BUGS
#error("the program is never built with planted bugs")
#endif
