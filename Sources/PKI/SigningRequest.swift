/// A PKCS#10 request whose self-signature was verified and whose key is strong enough.
package struct SigningRequest: Sendable, Hashable {
    package let der: [UInt8]
    /// SubjectPublicKeyInfo, DER.
    package let publicKey: [UInt8]

    package init(der: [UInt8]) throws(PKIError) { throw .malformed("") }
    package init(pem: String) throws(PKIError) { throw .malformed("") }
    package var pem: String { "" }
}
