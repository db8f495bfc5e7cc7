package import Logging
package import SMTP

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
        /// For STARTTLS, or for TLS from the first octet.
        package var identity: TLSIdentity?
        package var isImplicitTLS = false

        package init(host: String, port: Int, server: SMTPServerConfiguration) {
            self.host = host
            self.port = port
            self.server = server
        }
    }

    /// The port in use.
    package let port: Int

    private init(port: Int) { self.port = port }

    /// - Throws: `SMTPListenerError`.
    package static func start(
        _ settings: Settings,
        mailRoot: MailRoot,
        events: @escaping @Sendable (MailEvent) -> Void,
        log: Logger
    ) async throws(SMTPListenerError) -> SMTPListener { SMTPListener(port: settings.port) }

    /// Answers 421 to open sessions, lets mails that are being stored finish, and frees the port.
    package func stop() async {}
}

/// Why the listener does not listen.
package enum SMTPListenerError: Error, Sendable, Hashable {
    case portBusy(host: String, port: Int)
    case notAllowed(host: String, port: Int)
    case address(host: String, port: Int, reason: String)
    case identity(String)
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
