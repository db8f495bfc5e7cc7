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
        guard certificate.publicKey == key.publicKey else { throw .keyMismatch }
        guard !certificate.subjectKeyIdentifier.isEmpty else {
            throw .notAllowed("the certificate \(certificate.serial) has no key identifier")
        }
        self.certificate = certificate
        self.key = key
    }
}

/// S/MIME as in production: gzip, sign, encrypt, MIME; and back with every check.
///
/// Calls compute for milliseconds and block nobody else; one value may be used from many tasks at once.
package struct SMIMEProtection: MessageProtection {
    let own: KeyPair
    /// Ours first, then keys that only open what was sealed to them.
    let keys: [KeyPair]
    package let limits: SecureMailLimits

    /// `retiredKeys` still open old mail; nothing is signed with them.
    package init(
        ownCertificate: Certificate,
        ownKey: PrivateKey,
        retiredKeys: [KeyPair] = [],
        limits: SecureMailLimits = SecureMailLimits()
    ) throws(PKIError) {
        own = try KeyPair(certificate: ownCertificate, key: ownKey)
        keys = [own] + retiredKeys
        self.limits = limits
    }
}
