package import Identifiers
package import PKI

/// A message that passed every check; only this module makes one.
package struct OpenedMail: Sendable {
    package let envelope: MessageEnvelope
    package let payload: [UInt8]
    package let signer: Certificate
    /// The signer's CA has no revocation list that is new enough: apply schema and configuration only.
    package let crlStale: Bool
    /// Something on the way wrapped our part in a multipart or added text around it.
    package let wasWrapped: Bool

    init(
        envelope: MessageEnvelope,
        payload: [UInt8],
        signer: Certificate,
        crlStale: Bool,
        wasWrapped: Bool
    ) {
        self.envelope = envelope
        self.payload = payload
        self.signer = signer
        self.crlStale = crlStale
        self.wasWrapped = wasWrapped
    }
}

/// What became of a received mail.
package enum OpenOutcome: Sendable {
    case opened(OpenedMail)
    /// A piece of a larger message: half a change when it is taken for a whole one.
    case fragment(OpenedMail)
    /// The service has committed this message before.
    case duplicate(OpenedMail)
    case held(HoldReason)
    case refused(OpenRefusal)
}

extension OpenedMail: CustomStringConvertible {
    /// Without the payload: descriptions go into logs.
    package var description: String {
        "message \(envelope.messageID) of DSA \(envelope.from) for \(envelope.service), \(payload.count) octets"
    }
}

extension OpenOutcome: CustomStringConvertible {
    package var description: String {
        switch self {
        case .opened(let mail): "opened: \(mail)"
        case .fragment(let mail): "fragment: \(mail)"
        case .duplicate(let mail): "duplicate: \(mail)"
        case .held(let reason): "held: \(reason)"
        case .refused(let refusal): "refused (\(refusal.code.rawValue)): \(refusal.detail)"
        }
    }
}

/// Why a good mail has to wait.
package enum HoldReason: Sendable, Hashable {
    /// The signer's DSA is not in our configuration yet.
    case unknownMember(GUID)
    /// `Created` is more than a day ahead of our clock.
    case createdAhead(Timestamp)
    case certificateNotYetValid(Timestamp)

    /// Stable word for files and counters.
    package var code: String {
        switch self {
        case .unknownMember: "unknown-member"
        case .createdAhead: "created-ahead"
        case .certificateNotYetValid: "certificate-not-yet-valid"
        }
    }
}

extension HoldReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownMember(let dsa): "DSA \(dsa) is not in the configuration yet"
        case .createdAhead(let time): "the message was created at \(time), ahead of this clock"
        case .certificateNotYetValid(let time): "the signer's certificate is valid from \(time)"
        }
    }
}
