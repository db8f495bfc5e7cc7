import COpenSSL
import SwiftASN1

/// A SubjectPublicKeyInfo and what it says (RFC 5280 section 4.1.2.7).
package struct PublicKey: Sendable, Hashable {
    package let der: [UInt8]
    package let kind: Kind
    /// SHA-1 of the key's bits: what a certificate's subjectKeyIdentifier holds.
    package let keyIdentifier: [UInt8]

    package enum Kind: Sendable, Hashable {
        case p256
        case p384
        /// Bits of the modulus.
        case rsa(Int)
        /// A key that this product neither makes nor trusts: dotted identifier of algorithm or curve.
        case other(String)
    }

    /// Accepted lengths of an RSA modulus.
    package static let rsaBits = 2048...8192

    init(_ element: DERElement) throws(PKIError) {
        der = Array(element.encoded)
        var fields = try element.reader(.sequence, "public key")
        var algorithm = try fields.next("algorithm").reader(.sequence, "public key algorithm")
        let bits = try fields.next("key").bitString("public key bits").bits
        try fields.end()
        keyIdentifier = Digest.sha1(bits)
        let identifier = try algorithm.next("identifier").objectIdentifier("public key algorithm")
        switch identifier {
        case OID.ecPublicKey:
            let parameters = try algorithm.next("curve")
            // Curves written out as parameters have been used to forge signatures: only names count.
            guard parameters.has(.objectIdentifier) else { throw .algorithm("unnamed elliptic curve") }
            let curve = try parameters.objectIdentifier("curve")
            kind = curve == OID.p256 ? .p256 : curve == OID.p384 ? .p384 : .other(curve.description)
        case OID.rsaEncryption:
            var numbers = try DERElement.parse(bits, within: .certificate, what: "RSA key")
                .reader(.sequence, "RSA key")
            let modulus = try numbers.next("modulus").unsignedInteger("RSA modulus", octetsMax: 2048)
            kind = .rsa(modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 8))
        default:
            kind = .other(identifier.description)
        }
    }

    /// Throws for keys outside P-256, P-384 and RSA of `rsaBits`.
    package func requireStrong(_ what: String) throws(PKIError) {
        switch kind {
        case .p256, .p384: return
        case .rsa(let bits) where Self.rsaBits.contains(bits): return
        case .rsa(let bits): throw .weakKey("\(what) has an RSA key of \(bits) bits")
        case .other(let identifier): throw .weakKey("\(what) has a key of the kind \(identifier)")
        }
    }
}

extension PublicKey.Kind: CustomStringConvertible {
    package var description: String {
        switch self {
        case .p256: "P-256"
        case .p384: "P-384"
        case .rsa(let bits): "RSA \(bits)"
        case .other(let identifier): "unknown (\(identifier))"
        }
    }
}

/// The signature algorithms of certificates, requests and lists that we accept.
enum SignatureAlgorithm {
    case ecdsa(digest: String)
    case rsa(digest: String)

    init(_ identifier: ASN1ObjectIdentifier) throws(PKIError) {
        switch identifier {
        case OID.ecdsaWithSHA256: self = .ecdsa(digest: "SHA256")
        case OID.ecdsaWithSHA384: self = .ecdsa(digest: "SHA384")
        case OID.ecdsaWithSHA512: self = .ecdsa(digest: "SHA512")
        case OID.sha256WithRSA: self = .rsa(digest: "SHA256")
        case OID.sha384WithRSA: self = .rsa(digest: "SHA384")
        case OID.sha512WithRSA: self = .rsa(digest: "SHA512")
        default: throw .algorithm(identifier.description)
        }
    }
}

/// SIGNED{...} of X.509: what was signed, how, and the signature.
struct SignedStructure {
    let signedPart: DERElement
    let algorithm: ASN1ObjectIdentifier
    let signature: ArraySlice<UInt8>
    private let what: String

    init(_ bytes: [UInt8], within bounds: DERBounds, what: String) throws(PKIError) {
        var fields = try DERElement.parse(bytes[...], within: bounds, what: what).reader(.sequence, what)
        signedPart = try fields.next("signed part")
        var algorithmFields = try fields.next("signature algorithm").reader(.sequence, "signature algorithm")
        algorithm = try algorithmFields.next("identifier").objectIdentifier("signature algorithm")
        let (unused, bits) = try fields.next("signature").bitString("signature")
        try fields.end()
        guard unused == 0 else { throw .malformed("the signature of \(what) is not of whole octets") }
        signature = bits
        self.what = what
    }

    func verify(with key: PublicKey) throws(PKIError) {
        let digest: String
        switch (try SignatureAlgorithm(algorithm), key.kind) {
        case (.ecdsa(let name), .p256), (.ecdsa(let name), .p384), (.rsa(let name), .rsa): digest = name
        default: throw .badSignature(what)
        }
        let handle = try KeyHandle(publicKey: key.der)
        let signed = Array(signedPart.encoded)
        let signature = Array(self.signature)
        let good = handle.withPointer { pointer in
            bh_key_verify(pointer, digest, signed, signed.count, signature, signature.count) == 1
        }
        guard good else { throw .badSignature(what) }
    }
}
