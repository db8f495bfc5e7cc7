import COpenSSL
package import Identifiers

/// Cryptographic messages on octets: sign, encrypt, and back (RFC 5652, RFC 5083).
///
/// Errors name the failing step; OpenSSL's error queue can be empty and is never consulted.
package enum CMS {
    /// Octets of overhead that signature and envelope of one recipient stay under.
    package static let overheadOctetsMax = 16 << 10

    /// SignedData around the content: one signer, SHA-256 (P-384: SHA-384), signed attributes with `time`.
    package static func sign(
        _ content: [UInt8],
        certificate: Certificate,
        key: PrivateKey,
        at time: Timestamp
    ) throws(PKIError) -> [UInt8] {
        let digest = certificate.publicKey.kind == .p384 ? "SHA384" : "SHA256"
        return try takingBuffer("sign the message") { buffer in
            key.handle.withPointer { pointer in
                bh_cms_sign(
                    content,
                    content.count,
                    certificate.der,
                    certificate.der.count,
                    pointer,
                    digest,
                    time.seconds,
                    &buffer
                ) == 1
            }
        }
    }

    /// AuthEnvelopedData: AES-256-GCM, one recipient a certificate.
    package static func encrypt(_ content: [UInt8], to certificates: [Certificate]) throws(PKIError)
        -> [UInt8]
    {
        guard (1...CMSWalk.recipientsMax).contains(certificates.count) else {
            throw .value("\(certificates.count) recipients are out of 1 ... \(CMSWalk.recipientsMax)")
        }
        for certificate in certificates { try certificate.publicKey.requireStrong("the recipient") }
        return try takingBuffer("encrypt the message") { buffer in
            withRecipients(certificates[...], []) { recipients in
                bh_cms_encrypt(content, content.count, recipients, recipients.count, &buffer) == 1
            }
        }
    }

    /// The content of an AuthEnvelopedData that passed `CMSWalk.authEnveloped`.
    package static func decrypt(
        _ der: [UInt8],
        certificate: Certificate,
        key: PrivateKey
    ) throws(CMSFault) -> [UInt8] {
        var buffer = bh_buffer()
        defer { bh_buffer_free(&buffer) }
        let done = key.handle.withPointer { pointer in
            bh_cms_decrypt(der, der.count, certificate.der, certificate.der.count, pointer, &buffer) == 1
        }
        guard done else { throw .altered }
        return buffer.octets
    }

    /// Content and signer of a SignedData that passed `CMSWalk.signed`.
    ///
    /// Only the signature is verified; the chain is the caller's question to `TrustAnchors`.
    package static func verify(_ der: [UInt8]) throws(CMSFault) -> (content: [UInt8], signer: Certificate) {
        var content = bh_buffer()
        var signer = bh_buffer()
        defer {
            bh_buffer_free(&content)
            bh_buffer_free(&signer)
        }
        switch bh_cms_verify(der, der.count, &content, &signer) {
        case bh_verify_good: break
        case bh_verify_no_signer_certificate: throw .noSigner
        case bh_verify_bad_signature: throw .badSignature
        default: throw .malformed("the signed part cannot be read")
        }
        do {
            return (content.octets, try Certificate(der: signer.octets))
        } catch {
            throw CMSFault(error)
        }
    }

    /// Builds the C array inside out: every certificate's octets stay in place while `body` runs.
    private static func withRecipients<Result>(
        _ certificates: ArraySlice<Certificate>,
        _ made: [bh_recipient],
        _ body: ([bh_recipient]) -> Result
    ) -> Result {
        guard let certificate = certificates.first else { return body(made) }
        let digest: StaticString = certificate.publicKey.kind == .p384 ? "SHA384" : "SHA256"
        return certificate.der.withUnsafeBufferPointer { octets in
            digest.utf8Start.withMemoryRebound(to: CChar.self, capacity: digest.utf8CodeUnitCount + 1) {
                name in
                let recipient = bh_recipient(
                    certificate: octets.baseAddress,
                    certificate_count: octets.count,
                    digest: name
                )
                return withRecipients(certificates.dropFirst(), made + [recipient], body)
            }
        }
    }
}
