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
        envelope: MessageEnvelope, payload: [UInt8], signer: Certificate, crlStale: Bool, wasWrapped: Bool
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
    /// The service has committed this message before.
    case duplicate(OpenedMail)
    case held(HoldReason)
    case refused(OpenRefusal)
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

/// Why a mail is refused: a stable code, whose fault it is, and a sentence.
package struct OpenRefusal: Sendable, Hashable, Error {
    package let code: Code
    package let detail: String

    /// Stable words: they stand in `.reason` files, counters and vector files.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        case tooLarge = "too-large"
        case notMIME = "not-mime"
        case notOurs = "not-ours"
        case truncated
        case malformed
        case algorithm
        case shortTag = "short-tag"
        case recipients
        case noKey = "no-key"
        case altered
        case noSigner = "no-signer"
        case secondSigner = "second-signer"
        case weakDigest = "weak-digest"
        case badSignature = "bad-signature"
        case foreignCA = "foreign-ca"
        case wrongEKU = "wrong-eku"
        case wrongKU = "wrong-ku"
        case noIdentity = "no-identity"
        case revoked
        case envelope
        case expired
        case certificateExpired = "certificate-expired"
        case disabled
        case tombstoned
        case wrongFrom = "wrong-from"
        case wrongTo = "wrong-to"
        case wrongForest = "wrong-forest"
        case bomb
        case compression
    }

    package enum Fault: String, Sendable, Hashable {
        /// The carrier damaged or changed the mail.
        case carrier
        /// A partner, or somebody who pretends to be one, broke the rules.
        case peerMisbehaved = "peer-misbehaved"
        /// A partner speaks a dialect that we do not accept.
        case peerIncompatible = "peer-incompatible"
        /// Nobody's: the mail is stray or late.
        case none
    }
}
