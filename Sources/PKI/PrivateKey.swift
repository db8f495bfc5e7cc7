/// The kinds of key that this product makes.
package enum KeyAlgorithm: Sendable, Hashable {
    case p256
    case p384
    /// RSA with so many bits, 2048 ... 8192.
    case rsa(Int)
}

/// A signing and decrypting key, held by OpenSSL.
package struct PrivateKey: Sendable {
    let handle: KeyHandle

    init(handle: KeyHandle) { self.handle = handle }

    package static func generate(_ algorithm: KeyAlgorithm) throws(PKIError) -> PrivateKey {
        throw .library(step: "generate a key")
    }

    /// Reads an unencrypted PEM key (PKCS#8, SEC 1 or PKCS#1).
    package init(pem: String) throws(PKIError) { throw .library(step: "read a key") }
    /// Reads PKCS#8.
    package init(der: [UInt8]) throws(PKIError) { throw .library(step: "read a key") }

    /// PKCS#8, unencrypted: write it to a file of mode 0600 only.
    package var pem: String { get throws(PKIError) { throw .library(step: "write a key") } }

    /// A PKCS#10 request; only its key is ever used, so its subject stays empty.
    package func makeSigningRequest() throws(PKIError) -> SigningRequest { throw .library(step: "sign") }
}

final class KeyHandle: Sendable {}
