package import Identifiers

/// An X.509 v2 revocation list.
package struct CertificateRevocationList: Sendable, Hashable {
    package let der: [UInt8]
    package let issuer: String
    /// cRLNumber: never goes back.
    package let number: UInt64
    package let thisUpdate: Timestamp
    package let nextUpdate: Timestamp
    package let revokedSerials: Set<SerialNumber>

    package init(der: [UInt8]) throws(PKIError) { throw .malformed("") }
    package init(pem: String) throws(PKIError) { throw .malformed("") }
    package var pem: String { "" }
    package func verify(by issuer: Certificate) throws(PKIError) {}
}
