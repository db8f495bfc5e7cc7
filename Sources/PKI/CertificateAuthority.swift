package import Identifiers

/// What a DSA's certificate says; it comes from the directory object, never from the request.
package struct DSACertificateProfile: Sendable, Hashable {
    package var dsaGUID: GUID
    package var mailAddress: MailAddress
    package var dnsName: String
    package var validDays: Int

    package init(dsaGUID: GUID, mailAddress: MailAddress, dnsName: String, validDays: Int = 825) {
        self.dsaGUID = dsaGUID
        self.mailAddress = mailAddress
        self.dnsName = dnsName
        self.validDays = validDays
    }
}

/// The forest's enterprise CA: a self-signed certificate and its key.
package struct CertificateAuthority: Sendable {
    package let certificate: Certificate
    package let key: PrivateKey

    /// Takes up a CA from its files; throws when key and certificate do not fit.
    package init(certificate: Certificate, key: PrivateKey) throws(PKIError) {
        self.certificate = certificate
        self.key = key
    }

    /// A new CA; `serial` is 16 random octets.
    package static func create(
        commonName: String, forest: String, algorithm: KeyAlgorithm = .p256, validDays: Int = 3650,
        serial: [UInt8], at now: Timestamp
    ) throws(PKIError) -> CertificateAuthority { throw .library(step: "sign") }

    /// A DSA certificate for the request's key; `serial` is 16 random octets.
    package func issue(
        to profile: DSACertificateProfile, publicKeyOf request: SigningRequest, serial: [UInt8],
        at now: Timestamp
    ) throws(PKIError) -> Certificate { throw .library(step: "sign") }

    package func issueCRL(
        revoked: [(serial: SerialNumber, at: Timestamp)], number: UInt64, at now: Timestamp,
        nextUpdateDays: Int
    ) throws(PKIError) -> CertificateRevocationList { throw .library(step: "sign") }
}
