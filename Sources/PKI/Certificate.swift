package import Identifiers
import SwiftASN1

/// An X.509 v3 certificate; equal when its octets are.
///
/// Reading one proves nothing: `TrustAnchors.issuer(of:)` does.
/// - Source: RFC 5280 section 4.
package struct Certificate: Sendable {
    package let der: [UInt8]
    package let serial: SerialNumber
    /// For people, most specific first: `CN=Reskit Enterprise CA,DC=reskit,DC=example`; empty for a DSA.
    package let issuer: String
    package let subject: String
    package let notBefore: Timestamp
    package let notAfter: Timestamp
    package let publicKey: PublicKey
    package let subjectKeyIdentifier: [UInt8]
    package let authorityKeyIdentifier: [UInt8]
    /// otherName 1.3.6.1.4.1.311.25.1 of the subjectAltName.
    package let dsaGUID: GUID?
    package let mailAddress: String?
    package let dnsName: String?
    /// Dotted object identifiers; empty when the certificate has no extendedKeyUsage.
    package let extendedKeyUsage: [String]
    /// Empty when the certificate has no keyUsage.
    package let keyUsage: KeyUsage
    package let isCA: Bool

    /// The names as encoded: comparing text would let two encodings of one name pass for each other.
    let issuerDER: [UInt8]
    let subjectDER: [UInt8]

    static let label = "CERTIFICATE"

    package init(der: [UInt8]) throws(PKIError) {
        self.der = der
        let signed = try SignedStructure(der, within: .certificate, what: "certificate")
        var fields = try signed.signedPart.reader(.sequence, "certificate")
        var version = try fields.next("version").reader(.context(0), "certificate version")
        guard try version.next("number").smallInteger("certificate version") == 2 else {
            throw .malformed("the certificate is not of version 3")
        }
        serial = SerialNumber(
            octets: try fields.next("serial").unsignedInteger(
                "serial number",
                octetsMax: SerialNumber.octetsMax
            )
        )
        _ = try fields.next("signature algorithm")
        let issuerName = try fields.next("issuer")
        var validity = try fields.next("validity").reader(.sequence, "validity")
        notBefore = try validity.next("notBefore").time("notBefore")
        notAfter = try validity.next("notAfter").time("notAfter")
        let subjectName = try fields.next("subject")
        publicKey = try PublicKey(fields.next("public key"))
        _ = fields.optional(.context(1))
        _ = fields.optional(.context(2))
        let extensions = try CertificateExtensions(fields.optional(.context(3)))
        try fields.end()

        issuer = try DistinguishedText.read(issuerName)
        subject = try DistinguishedText.read(subjectName)
        issuerDER = Array(issuerName.encoded)
        subjectDER = Array(subjectName.encoded)
        subjectKeyIdentifier = extensions.subjectKeyIdentifier
        authorityKeyIdentifier = extensions.authorityKeyIdentifier
        dsaGUID = extensions.dsaGUID
        mailAddress = extensions.mailAddress
        dnsName = extensions.dnsName
        extendedKeyUsage = extensions.extendedKeyUsage
        keyUsage = extensions.keyUsage
        isCA = extensions.isCA
    }

    package init(pem: String) throws(PKIError) {
        try self.init(der: PEM.decode(pem, label: Self.label))
    }

    package var pem: String { PEM.encode(der, label: Self.label) }
    package var fingerprintSHA256: [UInt8] { Digest.sha256(der) }

    /// Both ends belong to the validity.
    package func isValid(at time: Timestamp) -> Bool { notBefore <= time && time <= notAfter }
}

extension Certificate: Hashable {
    package static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }
    package func hash(into hasher: inout Hasher) { hasher.combine(der) }
}

extension Certificate: CustomStringConvertible {
    package var description: String {
        "certificate \(serial) of \(dsaGUID.map { "DSA \($0)" } ?? "\"\(subject)\"")"
    }
}

/// A certificate's serial number: its unsigned octets, most significant first.
package struct SerialNumber: Sendable, Hashable {
    package let octets: [UInt8]

    /// RFC 5280 section 4.1.2.2.
    package static let octetsMax = 20

    /// Leading zeros do not count.
    package init(octets: [UInt8]) {
        let significant = octets.drop { $0 == 0 }
        self.octets = significant.isEmpty ? [0] : Array(significant)
    }

    /// Reads one to 40 hexadecimal digits, colons allowed.
    package init?(hex: String) {
        let digits = hex.utf8.filter { $0 != UInt8(ascii: ":") }.map(Hex.value)
        guard (1...(2 * Self.octetsMax)).contains(digits.count), !digits.contains(nil) else { return nil }
        var values = digits.compactMap(\.self)
        if values.count % 2 != 0 { values.insert(0, at: 0) }
        self.init(octets: stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] })
    }
}

extension SerialNumber: CustomStringConvertible {
    /// Lower-case hexadecimal, two digits an octet.
    package var description: String { Hex.text(octets) }
}

/// RFC 5280 section 4.2.1.3, bit n of the string as bit n here.
package struct KeyUsage: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let digitalSignature = KeyUsage(rawValue: 1 << 0)
    package static let nonRepudiation = KeyUsage(rawValue: 1 << 1)
    package static let keyEncipherment = KeyUsage(rawValue: 1 << 2)
    package static let dataEncipherment = KeyUsage(rawValue: 1 << 3)
    package static let keyAgreement = KeyUsage(rawValue: 1 << 4)
    package static let keyCertSign = KeyUsage(rawValue: 1 << 5)
    package static let crlSign = KeyUsage(rawValue: 1 << 6)
    package static let encipherOnly = KeyUsage(rawValue: 1 << 7)
    package static let decipherOnly = KeyUsage(rawValue: 1 << 8)
}

/// Hexadecimal digits.
package enum Hex {
    package static func text(_ octets: some Collection<UInt8>, separator: String = "") -> String {
        let digits = Array("0123456789abcdef")
        return octets.map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }.joined(separator: separator)
    }

    static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
