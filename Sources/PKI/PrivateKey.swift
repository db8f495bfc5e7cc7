import COpenSSL

/// The kinds of key that this product makes.
package enum KeyAlgorithm: Sendable, Hashable {
    case p256
    case p384
    /// RSA with so many bits, 2048 ... 8192.
    case rsa(Int)
}

/// A signing and decrypting key, held by OpenSSL; its text form is written to files of mode 0600 only.
package struct PrivateKey: Sendable {
    let handle: KeyHandle
    package let publicKey: PublicKey

    private init(handle: KeyHandle) throws(PKIError) {
        self.handle = handle
        let info = try takingBuffer("write a public key") { buffer in
            handle.withPointer { bh_key_to_public($0, &buffer) == 1 }
        }
        publicKey = try PublicKey(DERElement.parse(info[...], within: .certificate, what: "public key"))
        try publicKey.requireStrong("the private key's file")
    }

    package static func generate(_ algorithm: KeyAlgorithm) throws(PKIError) -> PrivateKey {
        let pointer: OpaquePointer?
        switch algorithm {
        case .p256: pointer = bh_key_generate_ec("P-256")
        case .p384: pointer = bh_key_generate_ec("P-384")
        case .rsa(let bits):
            guard PublicKey.rsaBits.contains(bits) else { throw .weakKey("an RSA key of \(bits) bits") }
            pointer = bh_key_generate_rsa(UInt32(bits))
        }
        guard let pointer else { throw .library(step: "generate a key") }
        return try PrivateKey(handle: KeyHandle(taking: pointer))
    }

    /// Reads an unencrypted PEM key (PKCS#8, SEC 1 or PKCS#1).
    package init(pem: String) throws(PKIError) {
        let octets = Array(pem.utf8)
        guard octets.count <= PEM.octetsMax, let pointer = bh_key_from_private_pem(octets, octets.count)
        else {
            throw .notPEM(expected: "PRIVATE KEY")
        }
        try self.init(handle: KeyHandle(taking: pointer))
    }

    /// Reads PKCS#8.
    package init(der: [UInt8]) throws(PKIError) {
        guard let pointer = bh_key_from_pkcs8(der, der.count) else {
            throw .malformed("the private key is not PKCS#8")
        }
        try self.init(handle: KeyHandle(taking: pointer))
    }

    /// PKCS#8, unencrypted.
    package var pem: String { get throws(PKIError) { PEM.encode(try der, label: "PRIVATE KEY") } }

    package var der: [UInt8] {
        get throws(PKIError) {
            try takingBuffer("write a private key") { buffer in
                handle.withPointer { bh_key_to_pkcs8($0, &buffer) == 1 }
            }
        }
    }

    /// A PKCS#10 request; only its key is ever used, so its subject stays empty.
    package func makeSigningRequest() throws(PKIError) -> SigningRequest {
        let info = DERWriter.sequence(
            DERWriter.integer(0),
            DERWriter.sequence(),
            publicKey.der,
            DERWriter.tagged(0)
        )
        return try SigningRequest(der: sign(info))
    }

    /// SIGNED{...}: the part, the algorithm and the signature.
    func sign(_ part: [UInt8]) throws(PKIError) -> [UInt8] {
        let digest: String
        switch publicKey.kind {
        case .p384: digest = "SHA384"
        case .p256, .rsa, .other: digest = "SHA256"
        }
        let signature = try takingBuffer("sign") { buffer in
            handle.withPointer { bh_key_sign($0, digest, part, part.count, &buffer) == 1 }
        }
        return DERWriter.sequence(part, signatureAlgorithm, DERWriter.bitString(signature))
    }

    /// The AlgorithmIdentifier that `sign` writes.
    var signatureAlgorithm: [UInt8] {
        switch publicKey.kind {
        case .p384: DERWriter.sequence(DERWriter.objectIdentifier(OID.ecdsaWithSHA384))
        case .rsa: DERWriter.sequence(DERWriter.objectIdentifier(OID.sha256WithRSA), DERWriter.null)
        case .p256, .other: DERWriter.sequence(DERWriter.objectIdentifier(OID.ecdsaWithSHA256))
        }
    }
}

/// A key inside OpenSSL: reference counted there, never changed after it was made, freed with the last copy.
///
/// The address is kept as a number because pointers are not `Sendable`; the object behind it may be used
/// from any thread.
final class KeyHandle: Sendable {
    private let address: UInt

    init(taking pointer: OpaquePointer) { address = UInt(bitPattern: pointer) }

    convenience init(publicKey der: [UInt8]) throws(PKIError) {
        guard let pointer = bh_key_from_public(der, der.count) else {
            throw .malformed("the public key cannot be read")
        }
        self.init(taking: pointer)
    }

    func withPointer<Result>(_ body: (OpaquePointer?) -> Result) -> Result {
        withExtendedLifetime(self) { body(OpaquePointer(bitPattern: address)) }
    }

    deinit { bh_key_free(OpaquePointer(bitPattern: address)) }
}

extension KeyHandle {
    /// Point on the curve; modulus and exponent of RSA in their ranges.
    var isPublicHalfSound: Bool { withPointer { bh_key_public_check($0) == 1 } }
}
