import SwiftASN1

/// A PKCS#10 request whose self-signature was verified and whose key is strong enough.
///
/// Subject and requested extensions are not even read: a certificate's contents come from the directory.
/// - Source: RFC 2986.
package struct SigningRequest: Sendable, Hashable {
    package let der: [UInt8]
    package let publicKey: PublicKey

    static let label = "CERTIFICATE REQUEST"

    package init(der: [UInt8]) throws(PKIError) {
        self.der = der
        let signed = try SignedStructure(der, within: .certificate, what: "certificate request")
        var fields = try signed.signedPart.reader(.sequence, "certificate request")
        guard try fields.next("version").smallInteger("request version") == 0 else {
            throw .malformed("the certificate request is not of version 1")
        }
        _ = try fields.next("subject")
        publicKey = try PublicKey(fields.next("public key"))
        try publicKey.requireStrong("the certificate request")
        let handle = try KeyHandle(publicKey: publicKey.der)
        guard handle.isPublicHalfSound else {
            throw .weakKey("the certificate request's key is no valid key")
        }
        try signed.verify(with: publicKey)
    }

    package init(pem: String) throws(PKIError) {
        try self.init(der: PEM.decode(pem, label: Self.label))
    }

    package var pem: String { PEM.encode(der, label: Self.label) }
}
