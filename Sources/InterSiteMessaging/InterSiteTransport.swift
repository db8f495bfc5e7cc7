package import Identifiers

/// One way to carry messages between DSAs: `smtp`, `ip`, a plug-in's own.
package protocol InterSiteTransport: Sendable {
    var name: String { get }
    var properties: TransportProperties { get }

    /// Durable when it returns: from then on the message is sent until it expires.
    ///
    /// - Throws: `TransportError`, or what the partner look-up threw.
    func send(_ message: IntersiteMessage, to address: TransportAddress) async throws -> SendReceipt

    /// Begins to receive; `handler` returns only after the service has committed.
    ///
    /// A handler that throws `MessageRefused` or `MessageHeld` decides the message's fate; after any other
    /// error it is handed over again later.
    func start(receiving handler: @escaping @Sendable (ReceivedMessage) async throws -> Void) async throws

    /// What became of sent messages, from now on.
    func deliveryReports() -> AsyncStream<DeliveryReport>

    /// Ends sending and receiving; nothing that was promised is lost.
    func stop() async
}

/// Where a transport finds a partner.
package struct TransportAddress: Sendable, Hashable {
    package let dsaGUID: GUID

    package init(dsaGUID: GUID) { self.dsaGUID = dsaGUID }
}

/// What a transport does for what it carries.
package struct TransportProperties: Sendable, Hashable {
    package enum Latency: String, Sendable, Hashable {
        case immediate
        case storeAndForward
    }

    package let protectsConfidentiality: Bool
    package let protectsIntegrity: Bool
    /// Of a payload.
    package let payloadOctetsMax: Int
    package let latency: Latency

    package init(
        protectsConfidentiality: Bool,
        protectsIntegrity: Bool,
        payloadOctetsMax: Int,
        latency: Latency
    ) {
        self.protectsConfidentiality = protectsConfidentiality
        self.protectsIntegrity = protectsIntegrity
        self.payloadOctetsMax = payloadOctetsMax
        self.latency = latency
    }
}

/// The end of a sent message, as far as the transport can tell: a relay's acceptance is no delivery.
package struct DeliveryReport: Sendable, Hashable {
    package enum Outcome: Sendable, Hashable {
        case accepted(reply: String)
        case gaveUp(reason: String)
        case expired
        /// A newer message with the same coalescing key took its place.
        case replaced
        /// The next hop takes no mail this large; its limit when it told one.
        case tooLarge(octetsMax: Int?)
    }

    package let fileID: String
    /// Nil when only the sealed mail is left of what was known about it.
    package let messageID: GUID?
    package let partner: GUID
    package let outcome: Outcome
}

/// Why nothing was queued.
package enum TransportError: Error, Sendable, Hashable {
    /// `octetsMax` is of the sealed mail.
    case tooLarge(octets: Int, octetsMax: Int)
    case expired(Timestamp)
    case queueFull(messages: Int, octets: Int)
    case notStarted
    /// An address that is not fit to be put into a command.
    case address(String)
    /// Sealing failed; the sentence is of the sealing.
    case sealing(String)
    case storage(FileError)
}

extension TransportError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLarge(let octets, let octetsMax):
            "the sealed mail of \(octets) octets is over the limit of \(octetsMax)"
        case .expired(let time): "the message expired at \(time)"
        case .queueFull(let messages, let octets):
            "the queue is full: \(messages) messages of \(octets) octets wait"
        case .notStarted: "the transport is not running"
        case .address(let text): "\"\(text)\" cannot be used in a mail command"
        case .sealing(let sentence): "the message could not be sealed: \(sentence)"
        case .storage(let error): "the mail could not be stored: \(error)"
        }
    }

    package var hint: String? {
        switch self {
        case .tooLarge: "cut the changes into smaller parts: replication.partBytes"
        case .queueFull: "partners that never answer fill it: see `bridgehead mail list`"
        case .storage(let error): error.hint
        case .expired, .notStarted, .address, .sealing: nil
        }
    }
}

/// A service's verdict: this message can never be applied; it goes to Badmail with the reason.
package struct MessageRefused: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable word of the `.reason` file.
    package let code: String
    package let description: String

    package init(_ description: String, code: String = "service-refused") {
        self.code = code
        self.description = description
    }
}

/// A service's verdict: not now, perhaps later; it goes to Held with the reason.
package struct MessageHeld: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable word of the `.reason` file.
    package let code: String
    package let description: String
    package let hint: String?
    /// True when only a person may release it; else it is tried again by itself.
    package let needsDecision: Bool
    /// What the sender sends again by itself: of mails with the same key only the newest is kept.
    package let copyKey: String?

    package init(
        _ description: String,
        code: String = "service-held",
        hint: String? = nil,
        needsDecision: Bool = false,
        copyKey: String? = nil
    ) {
        self.code = code
        self.description = description
        self.hint = hint
        self.needsDecision = needsDecision
        self.copyKey = copyKey
    }
}
