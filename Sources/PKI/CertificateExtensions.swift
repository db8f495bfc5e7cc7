import Identifiers
import SwiftASN1

/// The extensions that this product looks at.
///
/// Unknown critical ones are left to `TrustAnchors.issuer(of:)`, which refuses them.
/// - Source: RFC 5280 section 4.2.
struct CertificateExtensions {
    var subjectKeyIdentifier: [UInt8] = []
    var authorityKeyIdentifier: [UInt8] = []
    var dsaGUID: GUID?
    var mailAddress: String?
    var dnsName: String?
    var extendedKeyUsage: [String] = []
    var keyUsage: KeyUsage = []
    var isCA = false

    static let keyIdentifierOctetsMax = 64
    static let nameOctetsMax = 512

    init(_ tagged: DERElement?) throws(PKIError) {
        guard let tagged else { return }
        var outer = try tagged.reader(.context(3), "extensions")
        let list = try outer.next("list")
        try outer.end()
        for (identifier, _, value) in try Self.read(list) {
            switch identifier {
            case OID.subjectKeyIdentifier: try readSubjectKeyIdentifier(value)
            case OID.authorityKeyIdentifier: try readAuthorityKeyIdentifier(value)
            case OID.keyUsage: try readKeyUsage(value)
            case OID.extendedKeyUsage: try readExtendedKeyUsage(value)
            case OID.basicConstraints: try readBasicConstraints(value)
            case OID.subjectAltName: try readSubjectAltName(value)
            default: break
            }
        }
    }

    /// Extensions in order; one that comes twice is refused.
    static func read(_ list: DERElement) throws(PKIError)
        -> [(identifier: ASN1ObjectIdentifier, critical: Bool, value: ArraySlice<UInt8>)]
    {
        var reader = try list.reader(.sequence, "extensions")
        var extensions: [(ASN1ObjectIdentifier, Bool, ArraySlice<UInt8>)] = []
        while let element = reader.nextIfAny() {
            var fields = try element.reader(.sequence, "extension")
            let identifier = try fields.next("identifier").objectIdentifier("extension")
            let critical = try fields.optional(.boolean)?.octets(.boolean, "critical") == [0xff]
            let value = try fields.next("value").octets(.octetString, "extension value")
            try fields.end()
            guard !extensions.contains(where: { $0.0 == identifier }) else {
                throw .malformed("extension \(identifier) comes twice")
            }
            extensions.append((identifier, critical, value))
        }
        return extensions
    }

    /// The keyIdentifier of an AuthorityKeyIdentifier, empty when it names the key otherwise.
    static func authorityKeyIdentifier(_ value: ArraySlice<UInt8>) throws(PKIError) -> [UInt8] {
        var fields = try DERElement.parse(value, within: .certificate, what: "authorityKeyIdentifier")
            .reader(.sequence, "authorityKeyIdentifier")
        guard let identifier = fields.optional(.context(0)) else { return [] }
        return Array(try identifier.octets(.context(0), "authority key identifier"))
    }

    private mutating func readAuthorityKeyIdentifier(_ value: ArraySlice<UInt8>) throws(PKIError) {
        authorityKeyIdentifier = try Self.authorityKeyIdentifier(value)
    }

    private mutating func readSubjectKeyIdentifier(_ value: ArraySlice<UInt8>) throws(PKIError) {
        let octets = try DERElement.parse(value, within: .certificate, what: "subjectKeyIdentifier")
            .octets(.octetString, "subjectKeyIdentifier")
        guard (1...Self.keyIdentifierOctetsMax).contains(octets.count) else {
            throw .malformed("the subjectKeyIdentifier has \(octets.count) octets")
        }
        subjectKeyIdentifier = Array(octets)
    }

    private mutating func readKeyUsage(_ value: ArraySlice<UInt8>) throws(PKIError) {
        let string = try DERElement.parse(value, within: .certificate, what: "keyUsage").bitString("keyUsage")
        for (index, octet) in string.bits.prefix(2).enumerated() {
            for bit in 0..<8 where octet & (0x80 >> UInt8(bit)) != 0 {
                keyUsage.insert(KeyUsage(rawValue: 1 << UInt16(index * 8 + bit)))
            }
        }
    }

    private mutating func readExtendedKeyUsage(_ value: ArraySlice<UInt8>) throws(PKIError) {
        var purposes = try DERElement.parse(value, within: .certificate, what: "extendedKeyUsage")
            .reader(.sequence, "extendedKeyUsage")
        while let purpose = purposes.nextIfAny() {
            extendedKeyUsage.append(try purpose.objectIdentifier("extendedKeyUsage").description)
        }
    }

    private mutating func readBasicConstraints(_ value: ArraySlice<UInt8>) throws(PKIError) {
        var fields = try DERElement.parse(value, within: .certificate, what: "basicConstraints")
            .reader(.sequence, "basicConstraints")
        isCA = try fields.optional(.boolean)?.octets(.boolean, "cA") == [0xff]
    }

    private mutating func readSubjectAltName(_ value: ArraySlice<UInt8>) throws(PKIError) {
        var names = try DERElement.parse(value, within: .certificate, what: "subjectAltName")
            .reader(.sequence, "subjectAltName")
        while let name = names.nextIfAny() {
            if name.has(.context(0)) {
                try readOtherName(name)
            } else if name.has(.context(1)), mailAddress == nil {
                mailAddress = try Self.text(name.octets(.context(1), "rfc822Name"))
            } else if name.has(.context(2)), dnsName == nil {
                dnsName = try Self.text(name.octets(.context(2), "dNSName"))
            }
        }
    }

    private mutating func readOtherName(_ name: DERElement) throws(PKIError) {
        var fields = try name.reader(.context(0), "otherName")
        guard try fields.next("type").objectIdentifier("otherName") == OID.dsaGUID else { return }
        var value = try fields.next("value").reader(.context(0), "DSA GUID")
        let octets = try value.next("octets").octets(.octetString, "DSA GUID")
        try value.end()
        try fields.end()
        guard let guid = GUID(microsoftOctets: octets) else {
            throw .malformed("the DSA GUID has \(octets.count) octets")
        }
        // With two identities in one certificate, every reader would choose its own.
        guard dsaGUID == nil else { throw .malformed("the certificate names two DSA GUIDs") }
        dsaGUID = guid
    }

    private static func text(_ octets: ArraySlice<UInt8>) throws(PKIError) -> String {
        guard octets.count <= nameOctetsMax, octets.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw .malformed(
                "a name in subjectAltName is over \(nameOctetsMax) octets or not printable ASCII"
            )
        }
        return String(decoding: octets, as: UTF8.self)
    }
}

/// A Name of X.501 as text for people (RFC 4514's order, most specific first).
enum DistinguishedText {
    static func read(_ name: DERElement) throws(PKIError) -> String {
        var relativeNames = try name.reader(.sequence, "name")
        var parts: [String] = []
        while let set = relativeNames.nextIfAny() {
            var attributes = try set.reader(.set, "relative name")
            var values: [String] = []
            while let attribute = attributes.nextIfAny() {
                var fields = try attribute.reader(.sequence, "name attribute")
                let type = try fields.next("type").objectIdentifier("name attribute")
                let value = try fields.next("value")
                values.append("\(OID.nameAttributes[type] ?? type.description)=\(text(of: value))")
            }
            parts.append(values.joined(separator: "+"))
        }
        return parts.reversed().joined(separator: ",")
    }

    /// Whatever could steer a terminal or pass for a separator becomes a question mark.
    private static func text(of value: DERElement) -> String {
        guard case .primitive(let octets) = value.node.content else { return "?" }
        let scalars = String(decoding: octets, as: UTF8.self).unicodeScalars.map { scalar -> Character in
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
                "?"
            default: ",+=\"\\".unicodeScalars.contains(scalar) ? "?" : Character(scalar)
            }
        }
        return String(scalars)
    }
}
