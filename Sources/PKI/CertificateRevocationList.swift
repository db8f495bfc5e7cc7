package import Identifiers
import SwiftASN1

/// An X.509 v2 revocation list of a whole CA; partial and delta lists are refused.
///
/// - Source: RFC 5280 section 5.
package struct CertificateRevocationList: Sendable, Hashable {
    package let der: [UInt8]
    package let issuer: String
    /// cRLNumber: never goes back.
    package let number: UInt64
    package let thisUpdate: Timestamp
    package let nextUpdate: Timestamp
    package let revokedSerials: Set<SerialNumber>
    package let authorityKeyIdentifier: [UInt8]

    let issuerDER: [UInt8]

    static let label = "X509 CRL"

    package init(der: [UInt8]) throws(PKIError) {
        self.der = der
        let signed = try SignedStructure(der, within: .revocationList, what: "revocation list")
        var fields = try signed.signedPart.reader(.sequence, "revocation list")
        guard try fields.next("version").smallInteger("revocation list version") == 1 else {
            throw .malformed("the revocation list is not of version 2")
        }
        _ = try fields.next("signature algorithm")
        let issuerName = try fields.next("issuer")
        issuer = try DistinguishedText.read(issuerName)
        issuerDER = Array(issuerName.encoded)
        thisUpdate = try fields.next("thisUpdate").time("thisUpdate")
        nextUpdate = try fields.next("nextUpdate").time("nextUpdate")
        revokedSerials = try Self.readEntries(fields.optional(.sequence))
        var extensions = try fields.next("extensions").reader(.context(0), "revocation list extensions")
        (number, authorityKeyIdentifier) = try Self.readExtensions(extensions.next("list"))
        try fields.end()
    }

    package init(pem: String) throws(PKIError) {
        try self.init(der: PEM.decode(pem, label: Self.label))
    }

    package var pem: String { PEM.encode(der, label: Self.label) }

    /// Throws unless the list is that CA's and its signature verifies.
    package func verify(by issuer: Certificate) throws(PKIError) {
        guard issuer.isCA, issuer.keyUsage.contains(.crlSign) else {
            throw .notAllowed("\(issuer.subject) may not sign revocation lists")
        }
        guard issuerDER == issuer.subjectDER,
            authorityKeyIdentifier.isEmpty || authorityKeyIdentifier == issuer.subjectKeyIdentifier
        else { throw .badSignature("the revocation list") }
        try SignedStructure(der, within: .revocationList, what: "the revocation list")
            .verify(with: issuer.publicKey)
    }

    private static func readEntries(_ list: DERElement?) throws(PKIError) -> Set<SerialNumber> {
        var serials: Set<SerialNumber> = []
        guard var entries = try list?.reader(.sequence, "revoked certificates") else { return serials }
        while let entry = entries.nextIfAny() {
            var fields = try entry.reader(.sequence, "revoked certificate")
            let octets = try fields.next("serial").unsignedInteger(
                "revoked serial number",
                octetsMax: SerialNumber.octetsMax
            )
            serials.insert(SerialNumber(octets: octets))
            _ = try fields.next("date").time("revocation date")
            guard let list = fields.nextIfAny() else { continue }
            for (identifier, critical, _) in try CertificateExtensions.read(list) where critical {
                throw .malformed("a revoked certificate has the unknown critical extension \(identifier)")
            }
        }
        return serials
    }

    private static func readExtensions(_ list: DERElement) throws(PKIError) -> (UInt64, [UInt8]) {
        var number: UInt64?
        var authorityKeyIdentifier: [UInt8] = []
        for (identifier, critical, value) in try CertificateExtensions.read(list) {
            switch identifier {
            case OID.crlNumber:
                number = try DERElement.parse(value, within: .certificate, what: "cRLNumber")
                    .smallInteger("cRLNumber")
            case OID.authorityKeyIdentifier:
                authorityKeyIdentifier = try CertificateExtensions.authorityKeyIdentifier(value)
            default:
                // Delta and partial lists say so in critical extensions.
                guard !critical else {
                    throw .malformed("the revocation list has the unknown critical extension \(identifier)")
                }
            }
        }
        guard let number else { throw .malformed("the revocation list has no cRLNumber") }
        return (number, authorityKeyIdentifier)
    }
}
