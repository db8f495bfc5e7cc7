package import AdminAPI
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle

/// The admin interface on a Unix socket: HTTP with JSON onto an `Administration`.
package struct AdminServer: Service {
    private let administration: any Administration
    private let socket: AdminSocket
    private let log: Logger
    private let onRunning: @Sendable () -> Void

    /// - Parameters:
    ///   - administration: what answers.
    ///   - socketPath: made with mode 0600; at most `AdminLimits.socketPathOctetsMax` octets.
    ///   - log: one line at the start, and errors that are ours.
    ///   - onRunning: called once connections are taken.
    /// - Throws: `AdminError` `socketPathTooLong`.
    package init(
        administration: any Administration,
        socketPath: String,
        log: Logger,
        onRunning: @escaping @Sendable () -> Void = {}
    ) throws(AdminError) {
        self.administration = administration
        socket = try AdminSocket(path: socketPath)
        self.log = log
        self.onRunning = onRunning
    }

    /// Runs until graceful shutdown or cancellation; then open requests end and the socket goes away.
    ///
    /// - Throws: `AdminError` `adminSocketInUse` when another process answers on the socket.
    package func run() async throws {
        try socket.removeStale()
        var quiet = log
        // What it logs of starts, stops and cancelled connections says nothing that ours do not.
        quiet.logLevel = .critical
        let application = Application(
            responder: AdminResponder(administration: administration, log: log),
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: socket.path),
                serverName: "bridgehead"
            ),
            onServerRunning: { [socket, log, onRunning] _ in
                do {
                    guard try socket.restrict() else { return }
                } catch { log.error("\(error)") }
                log.info("admin interface is open", metadata: ["socket": "\(socket.path)"])
                onRunning()
            },
            logger: quiet
        )
        defer { socket.remove() }
        do {
            try await application.run()
        } catch let error as IOError {
            throw AdminError(
                code: "adminSocketUnusable",
                message: "cannot listen on \(socket.path): \(AdminSocket.text(of: error.errnoCode))",
                hint: "check owner and mode of its directory, or choose another --admin-socket"
            )
        }
    }
}
