import SwiftASN1

/// Our own look at a message's structure before OpenSSL sees it: one form of each thing, nothing optional.
///
/// OpenSSL accepts tags of one octet, SHA-1, missing signed attributes and any number of signers; it is
/// handed only what passes here. Large contents stay slices: nothing is copied.
package enum CMSWalk {
    package static let recipientsMax = 4
    package static let certificatesMax = 4
    package static let signedAttributesMax = 8
    private static let signersShownMax = 8
    package static let nonceOctets = 12
    package static let tagOctets = 16

    /// What an AuthEnvelopedData shows from outside.
    package struct Envelope: Sendable, Hashable {
        /// Subject key identifiers, in the order of the message.
        package let recipients: [[UInt8]]
    }

    /// Checks an AuthEnvelopedData of AES-256-GCM (RFC 5083, RFC 5084).
    package static func authEnveloped(_ der: [UInt8]) throws(CMSFault) -> Envelope {
        try typed {
            let content = try content(of: der, type: OID.authEnvelopedData, what: "the sealed part")
            var fields = try content.reader(.sequence, "AuthEnvelopedData")
            guard try fields.next("version").smallInteger("AuthEnvelopedData version") == 0 else {
                throw CMSFault.malformed("AuthEnvelopedData is not of version 0")
            }
            let recipientInfos = try fields.next("recipients")
            try checkEncryptedContent(fields.next("encrypted content"))
            // No [1] authenticated and no [2] unauthenticated attributes: nothing of ours writes them.
            let tag = try fields.next("tag").octets(.octetString, "the tag")
            try fields.end()
            guard tag.count == tagOctets else { throw CMSFault.shortTag(octets: tag.count) }
            return Envelope(recipients: try recipients(recipientInfos))
        }
    }

    /// Checks a SignedData with its content inside and one signer (RFC 5652 section 5).
    package static func signed(_ der: [UInt8]) throws(CMSFault) {
        try typed {
            let content = try content(of: der, type: OID.signedData, what: "the signed part")
            var fields = try content.reader(.sequence, "SignedData")
            let version = try fields.next("version").smallInteger("SignedData version")
            try checkDigests(fields.next("digest algorithms"))
            try checkSignedContent(fields.next("content"))
            try checkCertificates(fields.optional(.context(0)))
            // Revocation lists may lie here; nobody looks at them.
            _ = fields.optional(.context(1))
            let signers = try fields.next("signers")
            try fields.end()
            try checkSigner(onlySigner(signers), version: version)
        }
    }

    /// ContentInfo (RFC 5652 section 3): the type, and its content without copying.
    private static func content(of der: [UInt8], type: ASN1ObjectIdentifier, what: String) throws
        -> DERElement
    {
        var fields = try DERElement.parse(der[...], within: .message, what: what).reader(.sequence, what)
        let found = try fields.next("type").objectIdentifier("content type")
        guard found == type else { throw CMSFault.algorithm("\(found) instead of \(type)") }
        var wrapper = try fields.next("content").reader(.context(0), "content")
        let content = try wrapper.next("content")
        try wrapper.end()
        try fields.end()
        return content
    }

    /// An AlgorithmIdentifier whose parameters are absent or NULL.
    private static func plainAlgorithm(_ element: DERElement, _ what: String) throws -> ASN1ObjectIdentifier {
        var fields = try element.reader(.sequence, what)
        let identifier = try fields.next("identifier").objectIdentifier(what)
        if let null = fields.optional(.null) {
            guard try null.octets(.null, what).isEmpty else {
                throw CMSFault.malformed("\(what) has no NULL")
            }
        }
        try fields.end()
        return identifier
    }

    private static func typed<Result>(_ body: () throws -> Result) throws(CMSFault) -> Result {
        do {
            return try body()
        } catch let fault as CMSFault {
            throw fault
        } catch let error as PKIError {
            throw CMSFault(error)
        } catch {
            throw .malformed("the message is not readable")
        }
    }
}

// MARK: - Encrypted

extension CMSWalk {
    private static func checkEncryptedContent(_ element: DERElement) throws {
        var fields = try element.reader(.sequence, "EncryptedContentInfo")
        let type = try fields.next("type").objectIdentifier("encrypted content type")
        guard type == OID.data else { throw CMSFault.algorithm("encrypted content of type \(type)") }
        var algorithm = try fields.next("algorithm").reader(.sequence, "content encryption")
        let cipher = try algorithm.next("cipher").objectIdentifier("content encryption")
        guard cipher == OID.aes256GCM else { throw CMSFault.algorithm("content encryption \(cipher)") }
        var parameters = try algorithm.next("parameters").reader(.sequence, "GCM parameters")
        let nonce = try parameters.next("nonce").octets(.octetString, "GCM nonce")
        guard nonce.count == nonceOctets else {
            throw CMSFault.algorithm("GCM with a nonce of \(nonce.count) octets")
        }
        // Without the field the length would be the default of 12.
        let tagLength = try parameters.optional(.integer)?.smallInteger("GCM tag length") ?? 12
        guard tagLength == tagOctets else { throw CMSFault.shortTag(octets: Int(clamping: tagLength)) }
        try parameters.end()
        try algorithm.end()
        _ = try fields.next("encrypted octets").octets(.context(0), "encrypted octets")
        try fields.end()
    }

    private static func recipients(_ set: DERElement) throws -> [[UInt8]] {
        var infos = try set.reader(.set, "recipients")
        var identifiers: [[UInt8]] = []
        while let info = infos.nextIfAny() {
            guard identifiers.count < recipientsMax else {
                throw CMSFault.recipients("the mail has over \(recipientsMax) recipients")
            }
            identifiers.append(info.has(.context(1)) ? try keyAgreement(info) : try keyTransport(info))
        }
        guard !identifiers.isEmpty else { throw CMSFault.recipients("the mail has no recipient") }
        return identifiers
    }

    /// RSA-OAEP with SHA-256 twice (RFC 3560).
    private static func keyTransport(_ info: DERElement) throws -> [UInt8] {
        guard info.has(.sequence) else { throw CMSFault.recipients("a recipient is of an unknown kind") }
        var fields = try info.reader(.sequence, "recipient")
        guard try fields.next("version").smallInteger("recipient version") == 2 else {
            throw CMSFault.malformed("a key transport recipient is not of version 2")
        }
        let identifier = try keyIdentifier(fields.next("key identifier"))
        var algorithm = try fields.next("key encryption").reader(.sequence, "key encryption")
        let transport = try algorithm.next("algorithm").objectIdentifier("key encryption")
        guard transport == OID.rsaOAEP else { throw CMSFault.algorithm("key transport \(transport)") }
        var parameters = try algorithm.next("parameters").reader(.sequence, "OAEP parameters")
        var hash = try parameters.next("hash").reader(.context(0), "OAEP hash")
        try requireSHA256(hash.next("hash"), "OAEP")
        var mask = try parameters.next("mask").reader(.context(1), "OAEP mask")
        var maskFields = try mask.next("mask").reader(.sequence, "OAEP mask")
        let generator = try maskFields.next("function").objectIdentifier("OAEP mask")
        guard generator == OID.mgf1 else { throw CMSFault.algorithm("OAEP mask \(generator)") }
        try requireSHA256(maskFields.next("hash"), "MGF1")
        try maskFields.end()
        try parameters.end()
        try algorithm.end()
        _ = try fields.next("encrypted key").octets(.octetString, "encrypted key")
        try fields.end()
        return identifier
    }

    private static func requireSHA256(_ algorithm: DERElement, _ what: String) throws {
        let hash = try plainAlgorithm(algorithm, "\(what) hash")
        guard hash == OID.sha256 else { throw CMSFault.algorithm("\(what) with \(hash)") }
    }

    /// Ephemeral-static ECDH with SHA-2 and AES-256 key wrap (RFC 5753 section 3.1).
    private static func keyAgreement(_ info: DERElement) throws -> [UInt8] {
        var fields = try info.reader(.context(1), "recipient")
        guard try fields.next("version").smallInteger("recipient version") == 3 else {
            throw CMSFault.malformed("a key agreement recipient is not of version 3")
        }
        var originator = try fields.next("originator").reader(.context(0), "originator")
        try checkEphemeralKey(originator.next("key"))
        try originator.end()
        var algorithm = try fields.next("key encryption").reader(.sequence, "key encryption")
        let agreement = try algorithm.next("algorithm").objectIdentifier("key agreement")
        guard agreement == OID.ecdhWithSHA256KDF || agreement == OID.ecdhWithSHA384KDF else {
            throw CMSFault.algorithm("key agreement \(agreement)")
        }
        let cipher = try plainAlgorithm(algorithm.next("wrap"), "key wrap")
        try algorithm.end()
        guard cipher == OID.aes256Wrap else { throw CMSFault.algorithm("key wrap \(cipher)") }
        var keys = try fields.next("encrypted keys").reader(.sequence, "encrypted keys")
        try fields.end()
        var key = try keys.next("encrypted key").reader(.sequence, "encrypted key")
        // One information a recipient: several would hide recipients from the count.
        try keys.end()
        var named = try key.next("key identifier").recipientKeyIdentifier()
        let identifier = try named.next("key identifier").octets(.octetString, "key identifier")
        try named.end()
        _ = try key.next("wrapped key").octets(.octetString, "wrapped key")
        try key.end()
        return Array(identifier)
    }

    private static func checkEphemeralKey(_ key: DERElement) throws {
        guard key.has(.context(1)) else { throw CMSFault.algorithm("key agreement without an ephemeral key") }
        var fields = try key.reader(.context(1), "ephemeral key")
        // The curve may be named here; the recipient's key decides which one it is.
        var algorithm = try fields.next("algorithm").reader(.sequence, "ephemeral key algorithm")
        let identifier = try algorithm.next("identifier").objectIdentifier("ephemeral key algorithm")
        guard identifier == OID.ecPublicKey else { throw CMSFault.algorithm("ephemeral key \(identifier)") }
        let point = try fields.next("point").bitString("ephemeral point")
        // One point has several encodings (SEC 1 section 2.3.3); another than the usual one is another mail.
        guard point.unused == 0, point.bits.first == 0x04 else {
            throw CMSFault.malformed("the ephemeral point is not an uncompressed one")
        }
        try fields.end()
    }

    private static func keyIdentifier(_ element: DERElement) throws -> [UInt8] {
        guard element.has(.context(0)) else {
            throw CMSFault.recipients("a recipient is not named by its key identifier")
        }
        return Array(try element.octets(.context(0), "key identifier"))
    }
}

extension DERElement {
    fileprivate func recipientKeyIdentifier() throws -> DERReader {
        guard has(.context(0)) else {
            throw CMSFault.recipients("a recipient is not named by its key identifier")
        }
        return try reader(.context(0), "recipient key identifier")
    }
}

// MARK: - Signed

extension CMSWalk {
    private static func checkSignedContent(_ element: DERElement) throws {
        var fields = try element.reader(.sequence, "EncapsulatedContentInfo")
        let type = try fields.next("type").objectIdentifier("signed content type")
        guard type == OID.data else { throw CMSFault.algorithm("signed content of type \(type)") }
        var wrapper = try fields.next("content").reader(.context(0), "signed content")
        _ = try wrapper.next("octets").octets(.octetString, "signed content")
        try wrapper.end()
        try fields.end()
    }

    private static func checkCertificates(_ set: DERElement?) throws {
        guard var certificates = try set?.reader(.context(0), "certificates") else { throw CMSFault.noSigner }
        var count = 0
        while certificates.nextIfAny() != nil { count += 1 }
        guard count <= certificatesMax else {
            throw CMSFault.malformed("the message carries \(count) certificates")
        }
    }

    private static func onlySigner(_ set: DERElement) throws -> DERElement {
        var signers = try set.reader(.set, "signers")
        guard let signer = signers.nextIfAny() else { throw CMSFault.noSigner }
        var count = 1
        while signers.nextIfAny() != nil { count += 1 }
        guard count == 1 else { throw CMSFault.secondSigner(signers: count) }
        return signer
    }

    private static func checkSigner(_ signer: DERElement, version: UInt64) throws {
        var fields = try signer.reader(.sequence, "signer")
        let signerVersion = try fields.next("version").smallInteger("signer version")
        // Version 3 names the signer by key identifier, version 1 by issuer and serial number.
        let expected: UInt64 = try fields.next("signer identifier").has(.context(0)) ? 3 : 1
        guard signerVersion == expected, version == expected else {
            throw CMSFault.malformed(
                "SignedData of version \(version) has a signer of version \(signerVersion)"
            )
        }
        let digest = try checkDigest(fields.next("digest algorithm"))
        guard let attributes = fields.optional(.context(0)) else { throw CMSFault.noSignedAttributes }
        try checkSignedAttributes(attributes)
        let signature = try plainAlgorithm(fields.next("signature algorithm"), "signature algorithm")
        guard signatures(over: digest).contains(signature) else {
            throw CMSFault.algorithm("\(signature) over \(digest)")
        }
        _ = try fields.next("signature").octets(.octetString, "signature")
        // No [1] unsigned attributes: anybody could have added them.
        try fields.end()
    }

    private static func checkDigests(_ set: DERElement) throws {
        var algorithms = try set.reader(.set, "digest algorithms")
        var count = 0
        while let algorithm = algorithms.nextIfAny() {
            count += 1
            // Two signers may bring two digests; the count of signers has its own verdict.
            guard count <= signersShownMax else {
                throw CMSFault.malformed("the message names over \(signersShownMax) digests")
            }
            try checkDigest(algorithm)
        }
    }

    @discardableResult
    private static func checkDigest(_ algorithm: DERElement) throws -> ASN1ObjectIdentifier {
        let digest = try plainAlgorithm(algorithm, "digest algorithm")
        guard !signatures(over: digest).isEmpty else { throw CMSFault.weakDigest(digest.description) }
        return digest
    }

    /// RSA may be named without its digest, which stands in the signer's own field.
    private static func signatures(over digest: ASN1ObjectIdentifier) -> [ASN1ObjectIdentifier] {
        switch digest {
        case OID.sha256: [OID.ecdsaWithSHA256, OID.sha256WithRSA, OID.rsaEncryption]
        case OID.sha384: [OID.ecdsaWithSHA384, OID.sha384WithRSA, OID.rsaEncryption]
        case OID.sha512: [OID.ecdsaWithSHA512, OID.sha512WithRSA, OID.rsaEncryption]
        default: []
        }
    }

    private static func checkSignedAttributes(_ set: DERElement) throws {
        var attributes = try set.reader(.context(0), "signed attributes")
        var types: [ASN1ObjectIdentifier] = []
        while let attribute = attributes.nextIfAny() {
            var fields = try attribute.reader(.sequence, "signed attribute")
            let type = try fields.next("type").objectIdentifier("signed attribute")
            var values = try fields.next("values").reader(.set, "signed attribute values")
            _ = try values.next("value")
            try values.end()
            try fields.end()
            guard types.count < signedAttributesMax, !types.contains(type) else {
                throw CMSFault.malformed("the signed attributes are too many, or \(type) comes twice")
            }
            types.append(type)
        }
        guard types.contains(OID.contentType), types.contains(OID.messageDigest) else {
            throw CMSFault.noSignedAttributes
        }
    }
}
