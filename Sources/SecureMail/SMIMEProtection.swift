package import Identifiers
package import PKI

/// Bounds of one message, on both ways.
package struct SecureMailLimits: Sendable, Hashable {
    /// Octets of a payload before compression and after inflating.
    package var payloadOctetsMax = 64 << 20
    /// Inflated octets per compressed octet.
    package var inflateRatioMax = 200
    /// Octets of the mail that `seal` may make (the site link's limit).
    package var sealedOctetsMax = 4 << 20
    /// Octets of a mail that `open` looks at.
    package var receivedOctetsMax = 96 << 20

    package init() {}
}

/// A certificate with its private key.
package struct KeyPair: Sendable {
    package let certificate: Certificate
    package let key: PrivateKey

    package init(certificate: Certificate, key: PrivateKey) throws(PKIError) {
        self.certificate = certificate
        self.key = key
    }
}

/// S/MIME as in production: gzip, sign, encrypt, MIME.
package struct SMIMEProtection: MessageProtection {
    let own: KeyPair
    let retired: [KeyPair]
    package let limits: SecureMailLimits

    /// `retiredKeys` still open old mail; nothing is signed with them.
    package init(
        ownCertificate: Certificate, ownKey: PrivateKey, retiredKeys: [KeyPair] = [],
        limits: SecureMailLimits = SecureMailLimits()
    ) throws(PKIError) {
        own = try KeyPair(certificate: ownCertificate, key: ownKey)
        retired = retiredKeys
        self.limits = limits
    }

    package func seal(
        _ payload: [UInt8], envelope: MessageEnvelope, addressing: MailAddressing,
        to recipients: [Certificate], membership: MembershipSnapshot
    ) throws(SealError) -> [UInt8] { throw .noRecipient }

    package func open(
        _ message: [UInt8], membership: MembershipSnapshot,
        isCommitted: (_ message: GUID, _ from: GUID) -> Bool, at now: Timestamp
    ) -> OpenOutcome { .refused(OpenRefusal(code: .notOurs, detail: "")) }
}
