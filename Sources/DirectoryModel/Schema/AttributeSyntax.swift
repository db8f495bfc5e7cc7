/// The form of an attribute's values.
///
/// - Source: RFC 4517 section 3.3; MS-ADTS section 3.1.1.2.2 (the pairs of attributeSyntax and oMSyntax).
package enum AttributeSyntax: String, Hashable, Sendable, CaseIterable {
    case directoryString, printableString, ia5String, numericString, countryString
    case telephoneNumber, postalAddress, deliveryMethod
    case boolean, integer, largeInteger, generalizedTime, utcTime
    case distinguishedName, nameAndOptionalUID, oid
    case octetString, bitString, jpeg, certificate, certificateList
    case distinguishedNameWithBinary, securityDescriptor, securityIdentifier
    /// A syntax that this code has no rules for: any octets, compared as they are.
    case unknown

    package static let attributeValueOctetsMax = 16 * 1024 * 1024

    /// From an `attributeSchema` object.
    ///
    /// `attributeSyntax` is Active Directory's 2.5.5.x, told apart further by `oMSyntax`, or the OID of an
    /// RFC 4517 syntax.
    package init(attributeSyntax: String, oMSyntax: Int?) {
        let prefix = "1.3.6.1.4.1.1466.115.121.1."
        if attributeSyntax.hasPrefix(prefix) {
            self = Self.rfc4517[String(attributeSyntax.dropFirst(prefix.count))] ?? .unknown
        } else if attributeSyntax == "2.5.5.5" {
            self = oMSyntax == 19 ? .printableString : .ia5String
        } else if attributeSyntax == "2.5.5.11" {
            self = oMSyntax == 23 ? .utcTime : .generalizedTime
        } else {
            self = Self.activeDirectory[attributeSyntax] ?? .unknown
        }
    }

    /// Last arcs under 1.3.6.1.4.1.1466.115.121.1 (RFC 4517 and RFC 4523).
    private static let rfc4517: [String: AttributeSyntax] = [
        "3": .directoryString, "6": .bitString, "7": .boolean, "8": .certificate, "9": .certificateList,
        "10": .octetString, "11": .countryString, "12": .distinguishedName, "14": .deliveryMethod,
        "15": .directoryString, "22": .printableString, "24": .generalizedTime, "26": .ia5String,
        "27": .integer, "28": .jpeg, "34": .nameAndOptionalUID, "36": .numericString, "38": .oid,
        "40": .octetString, "41": .postalAddress, "44": .printableString, "50": .telephoneNumber,
        "53": .utcTime,
    ]

    private static let activeDirectory: [String: AttributeSyntax] = [
        "2.5.5.1": .distinguishedName, "2.5.5.2": .oid, "2.5.5.3": .directoryString,
        "2.5.5.4": .directoryString, "2.5.5.6": .numericString, "2.5.5.7": .distinguishedNameWithBinary,
        "2.5.5.8": .boolean, "2.5.5.9": .integer, "2.5.5.10": .octetString, "2.5.5.12": .directoryString,
        "2.5.5.15": .securityDescriptor, "2.5.5.16": .largeInteger, "2.5.5.17": .securityIdentifier,
    ]

    /// Refuses a value that is not of this form, or over `attributeValueOctetsMax`.
    package func check(_ value: [UInt8]) throws(SyntaxError) {
        guard value.count <= Self.attributeValueOctetsMax else {
            throw SyntaxError(
                syntax: self,
                reason: "\(value.count) octets; at most \(Self.attributeValueOctetsMax)"
            )
        }
        if let reason = SyntaxRules.objection(to: value, as: self) {
            throw SyntaxError(syntax: self, reason: reason)
        }
    }

    /// The form in which two values are compared for equality.
    ///
    /// A value that is not of the syntax compares as it is. Without the schema as naming, so do DNs with
    /// other types than the well-known ones.
    package func normalized(
        _ value: [UInt8],
        isCaseSensitive: Bool = false,
        naming: some AttributeNaming = WellKnownNames()
    ) -> [UInt8] {
        switch self {
        case .directoryString, .printableString, .ia5String, .countryString, .deliveryMethod:
            return Self.folded(value, ignoringCase: !isCaseSensitive)
        case .postalAddress:
            let lines = value.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
            return Array(lines.map { Self.folded(Array($0), ignoringCase: true) }.joined(separator: "$".utf8))
        case .numericString:
            return value.filter { $0 != 0x20 }
        case .telephoneNumber:
            return Self.folded(value.filter { $0 != 0x20 && $0 != UInt8(ascii: "-") }, ignoringCase: true)
        case .oid:
            return Array(String(decoding: value, as: UTF8.self).asciiLowercased.utf8)
        case .generalizedTime:
            return GeneralizedTime(value)?.canonical ?? value
        case .distinguishedName, .nameAndOptionalUID:
            return Self.foldedName(value, hasUID: self == .nameAndOptionalUID, naming: naming)
        case .boolean, .integer, .largeInteger, .utcTime, .octetString, .bitString, .jpeg, .certificate,
            .certificateList, .distinguishedNameWithBinary, .securityDescriptor, .securityIdentifier,
            .unknown:
            return value
        }
    }

    /// What rangeLower and rangeUpper bound: an integer's value, a string's characters, else octets.
    func measure(_ value: [UInt8]) -> Int? {
        switch self {
        case .integer, .largeInteger: Int(String(decoding: value, as: UTF8.self))
        case .directoryString: String(decoding: value, as: UTF8.self).unicodeScalars.count
        case .boolean, .generalizedTime, .utcTime, .distinguishedName, .nameAndOptionalUID, .oid: nil
        case .printableString, .ia5String, .numericString, .countryString, .telephoneNumber, .postalAddress,
            .deliveryMethod, .octetString, .bitString, .jpeg, .certificate, .certificateList,
            .distinguishedNameWithBinary, .securityDescriptor, .securityIdentifier, .unknown:
            value.count
        }
    }

    private static func folded(_ value: [UInt8], ignoringCase: Bool) -> [UInt8] {
        NameFolding.folded(value, ignoringCase: ignoringCase) ?? value
    }

    private static func foldedName(
        _ value: [UInt8],
        hasUID: Bool,
        naming: some AttributeNaming
    ) -> [UInt8] {
        let (name, uid) = hasUID ? SyntaxRules.splitUID(value) : (value[...], [])
        guard let text = String(validating: name, as: UTF8.self),
            let dn = try? DistinguishedName(parsing: text, naming: naming)
        else { return value }
        // Keys are length-prefixed, so that no value can imitate a further RDN.
        var octets: [UInt8] = []
        for rdn in dn.rdns {
            let key = rdn.key
            for shift in stride(from: 24, through: 0, by: -8) {
                octets.append(UInt8(truncatingIfNeeded: key.count >> shift))
            }
            octets += key
        }
        return octets + uid
    }
}

/// A value that is not of its attribute's syntax: what is wrong, never the value.
package struct SyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
    package let syntax: AttributeSyntax
    package let reason: String

    package init(syntax: AttributeSyntax, reason: String) {
        self.syntax = syntax
        self.reason = reason
    }

    package var description: String { "not of syntax \(syntax.rawValue): \(reason)" }
}
