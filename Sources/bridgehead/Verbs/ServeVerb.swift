import AdminAPI
import ArgumentParser
import Console
import DomainController
import Glibc
import Logging
import ServiceLifecycle
import UnixSignals

struct ServeVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the DSA in the foreground; logs go to stderr.",
        discussion: "SIGTERM and SIGINT stop it cleanly; SIGHUP reads routes and certificates again."
    )

    @OptionGroup var dsa: DSAOptions
    @Option(help: "Port of the SMTP listener.") var smtpPort: Int?
    @Option(help: "trace, debug, info, notice, warning, error, critical.") var logLevel: String?
    @Option(help: "human or json.") var logFormat: String?

    private var flags: [ConfigurationKey: (flag: String, value: String)] {
        var flags: [ConfigurationKey: (flag: String, value: String)] = [:]
        if let smtpPort { flags[.smtpPort] = ("--smtp-port", String(smtpPort)) }
        if let logLevel { flags[.logLevel] = ("--log-level", logLevel) }
        if let logFormat { flags[.logFormat] = ("--log-format", logFormat) }
        return flags
    }

    /// Seconds for open work after SIGTERM; then it is cancelled.
    static let stopSecondsMax = 8

    func run() async throws {
        // A reader of our log or a client that goes away is no reason to end.
        signal(SIGPIPE, SIG_IGN)
        let configuration = try dsa.configuration(flags)
        for problem in Configuration.problems(in: try dsa.sources(flags)) {
            Output.note("warning: \(HumanText.line(problem.message))")
        }
        let log = Logger(label: "bridgehead") { label in
            StderrLog(logLevel: configuration.log.level, format: configuration.log.format, label: label)
        }
        let controller = try await DomainControllerService(configuration: configuration, log: log)
        let admin = try AdminServer(
            administration: controller,
            socketPath: configuration.adminSocket,
            log: log
        )
        let (options, flags) = (dsa, flags)
        let reload = ReloadService(log: log) {
            try await controller.reload(try options.configuration(flags))
        }
        var quiet = log
        quiet.logLevel = max(log.logLevel, .error)
        var services = ServiceGroupConfiguration(
            services: [ControllerService(controller: controller), admin, reload],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: quiet
        )
        services.maximumGracefulShutdownDuration = .seconds(Self.stopSecondsMax)
        try await ServiceGroup(configuration: services).run()
    }
}

private struct ControllerService: Service {
    let controller: DomainControllerService

    func run() async throws { try await controller.run() }
}

/// SIGHUP, as long as the DSA runs.
private struct ReloadService: Service {
    let log: Logger
    let reload: @Sendable () async throws -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in await UnixSignalsSequence(trapping: .sighup) {
                do { try await reload() } catch { log.error("not reloaded: \(error)") }
            }
        }
    }
}
