import Identifiers
package import Logging

/// Moves opaque payloads between services of the same name on two DSAs, over whatever transports there are.
///
/// At least once: a service that needs exactly once records the message's id in its own transaction.
package actor InterSiteMessagingService {
    package typealias Handler = @Sendable (ReceivedMessage) async throws -> Void

    /// Services whose messages nobody but the partner may read or change.
    package static let guardedServices: Set<String> = ["replication", "compare", "enrolment"]

    private let log: Logger
    private var handlers: [String: Handler] = [:]
    private var transports: [String: any InterSiteTransport] = [:]
    private var isStarted = false

    package init(log: Logger) { self.log = log }

    /// Hands messages for that service to `handler` from now on; an earlier handler is replaced.
    ///
    /// The handler returns only after the service has committed.
    package func register(service: String, handler: @escaping Handler) { handlers[service] = handler }

    /// A transport of the same name is replaced; one that is added after `start` is started by its owner.
    package func add(transport: any InterSiteTransport) { transports[transport.name] = transport }

    /// Durable when it returns.
    ///
    /// - Throws: `InterSiteMessagingError`, or what the transport threw.
    package func send(_ message: IntersiteMessage, via transport: String) async throws -> SendReceipt {
        guard let found = transports[transport] else {
            throw InterSiteMessagingError.unknownTransport(transport, known: transports.keys.sorted())
        }
        guard Self.isServiceName(message.service) else {
            throw InterSiteMessagingError.serviceName(message.service)
        }
        let properties = found.properties
        let isGuarded = properties.protectsConfidentiality && properties.protectsIntegrity
        guard isGuarded || !Self.guardedServices.contains(message.service) else {
            throw InterSiteMessagingError.unprotected(transport: transport, service: message.service)
        }
        return try await found.send(message, to: TransportAddress(dsaGUID: message.to))
    }

    /// Starts every transport that was added.
    package func start() async throws {
        isStarted = true
        for transport in transports.values.sorted(by: { $0.name < $1.name }) {
            try await transport.start { [weak self] message in
                guard let self else { throw InterSiteMessagingError.stopped }
                try await self.dispatch(message)
            }
        }
    }

    package func stop() async {
        isStarted = false
        for transport in transports.values { await transport.stop() }
    }

    /// Runs the handler outside this actor, so that messages of all transports go side by side.
    private nonisolated func dispatch(_ message: ReceivedMessage) async throws {
        guard let handler = try await handler(of: message.service) else {
            log.warning(
                "message for a service that nobody registered",
                metadata: ["service": "\(message.service)", "file": "\(message.fileID)"]
            )
            throw MessageRefused(
                "no service \"\(message.service)\" is registered here",
                code: "unknown-service"
            )
        }
        try await handler(message)
    }

    private func handler(of service: String) throws -> Handler? {
        guard isStarted else { throw InterSiteMessagingError.stopped }
        return handlers[service]
    }

    /// 1 to 32 lower-case letters, digits and hyphens.
    private static func isServiceName(_ name: String) -> Bool {
        (1...32).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
            }
    }
}

/// Our own misuse of the messaging service.
package enum InterSiteMessagingError: Error, Sendable, Hashable {
    case unknownTransport(String, known: [String])
    case serviceName(String)
    case unprotected(transport: String, service: String)
    case stopped
}

extension InterSiteMessagingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownTransport(let name, let known):
            "no transport \"\(name)\" (there is: \(known.joined(separator: ", ")))"
        case .serviceName(let name): "\"\(name)\" is no service name"
        case .unprotected(let transport, let service):
            "transport \"\(transport)\" does not protect what it carries, as service \"\(service)\" needs"
        case .stopped: "messaging is stopped"
        }
    }
}
