import Glibc
package import Logging
import NIOCore
import NIOPosix
import NIOSSL
package import SMTP
import Synchronization

/// Takes mail from other servers over TCP and answers 250 only for what is durable in Drop.
package final class SMTPListener: Sendable {
    package struct Settings: Sendable {
        /// An address to listen on: `0.0.0.0`, `::1`.
        package var host: String
        /// 0 lets the system choose; see `SMTPListener.port`.
        package var port: Int
        package var server: SMTPServerConfiguration
        package var sessionsMax = 256
        package var sessionsPerSourceMax = 32
        /// A command's time once three quarters of the sessions are taken.
        package var stressCommandSeconds = 30
        /// For STARTTLS, or for TLS from the first octet.
        package var identity: TLSIdentity?
        package var isImplicitTLS = false

        package init(host: String, port: Int, server: SMTPServerConfiguration) {
            self.host = host
            self.port = port
            self.server = server
        }
    }

    /// How long `stop` waits for sessions that store a mail.
    static let stopSecondsMax: Int64 = 10

    /// The port in use.
    package let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let channel: any Channel
    private let sessions: ListenerSessions

    private init(group: MultiThreadedEventLoopGroup, channel: any Channel, sessions: ListenerSessions) {
        self.group = group
        self.channel = channel
        self.sessions = sessions
        port = channel.localAddress?.port ?? 0
    }

    /// - Throws: `SMTPListenerError`.
    package static func start(
        _ settings: Settings,
        mailRoot: MailRoot,
        events: @escaping @Sendable (MailEvent) -> Void,
        log: Logger
    ) async throws(SMTPListenerError) -> SMTPListener {
        let sessions = ListenerSessions(
            settings: settings,
            tls: try ListenerTLS.context(settings.identity),
            mailRoot: mailRoot,
            events: events,
            log: log
        )
        guard settings.identity != nil || !(settings.isImplicitTLS || settings.server.requiresTLS) else {
            throw .identity("TLS is wanted, but there is no certificate")
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.autoRead, value: false)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelInitializer { child in
                    child.eventLoop.makeCompletedFuture { try sessions.admit(child) }
                }
                .bind(host: settings.host, port: settings.port).get()
            let listener = SMTPListener(group: group, channel: channel, sessions: sessions)
            log.info(
                "listening for mail",
                metadata: ["host": "\(settings.host)", "port": "\(listener.port)"]
            )
            return listener
        } catch {
            try? await group.shutdownGracefully()
            throw SMTPListenerError(error, settings)
        }
    }

    /// New sessions show the new certificate.
    package func setIdentity(_ identity: TLSIdentity) throws(SMTPListenerError) {
        sessions.setTLS(try ListenerTLS.context(identity))
    }

    /// Answers 421 to open sessions, lets mails that are being stored finish, and frees the port.
    package func stop() async {
        try? await channel.close()
        await sessions.stop(secondsMax: Self.stopSecondsMax)
        try? await group.shutdownGracefully()
    }
}

enum ListenerTLS {
    static func context(_ identity: TLSIdentity?) throws(SMTPListenerError) -> NIOSSLContext? {
        guard let identity else { return nil }
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(Array(identity.certificatesPEM.utf8))
            let key = try NIOSSLPrivateKey(bytes: Array(identity.keyPEM.utf8), format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) },
                privateKey: .privateKey(key)
            )
            configuration.minimumTLSVersion = .tlsv12
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw .identity("\(error)")
        }
    }
}

/// Why the listener does not listen.
package enum SMTPListenerError: Error, Sendable, Hashable {
    case portBusy(host: String, port: Int)
    case notAllowed(host: String, port: Int)
    case address(host: String, port: Int, reason: String)
    case identity(String)

    init(_ error: any Error, _ settings: SMTPListener.Settings) {
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: self = .portBusy(host: settings.host, port: settings.port)
        case EACCES, EPERM: self = .notAllowed(host: settings.host, port: settings.port)
        default: self = .address(host: settings.host, port: settings.port, reason: "\(error)")
        }
    }
}

extension SMTPListenerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .portBusy(let host, let port): "port \(port) on \(host) is in use by another program"
        case .notAllowed(let host, let port): "listening on \(host) port \(port) is not allowed"
        case .address(let host, let port, let reason): "cannot listen on \(host) port \(port): \(reason)"
        case .identity(let reason): "the listener's certificate or key cannot be used: \(reason)"
        }
    }

    package var hint: String? {
        switch self {
        case .portBusy(_, let port): "see who listens with `ss -ltnp 'sport = :\(port)'`, or set smtp.port"
        case .notAllowed: "ports below 1024 need a privilege: set smtp.port, or grant CAP_NET_BIND_SERVICE"
        case .address: "check smtp.listen and smtp.port"
        case .identity: "check smtp.tls and the files in pki/"
        }
    }
}
