/// A directory object of the schema naming context: its name and its values by lower-cased attribute name.
package struct SchemaObject: Hashable, Sendable {
    /// What problems and replacements call it: the DN, or any unique name.
    package var name: String
    package var values: [String: [[UInt8]]]
    /// Stands in for an object that the directory does not hold.
    package var isBuiltin = false

    package init(name: String, values: [String: [[UInt8]]]) {
        self.name = name
        self.values = values
    }

    package init(name: String, attributes: [EntryAttribute]) {
        self.name = name
        values = [:]
        for attribute in attributes {
            values[attribute.name.asciiLowercased, default: []] += attribute.values
        }
    }

    package enum Kind: Hashable, Sendable { case attribute, objectClass, other }

    /// A defunct definition (`isDefunct`) counts as none.
    var kind: Kind { isDefunct ? .other : declaredKind }

    package var declaredKind: Kind {
        let classes = strings("objectclass").map(\.asciiLowercased)
        if classes.contains("attributeschema") { return .attribute }
        return classes.contains("classschema") ? .objectClass : .other
    }

    package var isDefunct: Bool { strings("isdefunct").first?.asciiLowercased == "true" }

    /// The number as it stands there, whatever the syntax makes of it.
    var linkID: Int? { strings("linkid").first.flatMap { Int($0) } }

    /// `systemFlags` bit 4: the object belongs to the base schema.
    var isMarkedBase: Bool { strings("systemflags").first.flatMap { Int($0) }.map { $0 & 16 != 0 } ?? false }

    struct Unusable: Error { let reason: String }

    // MARK: - attributeSchema

    /// Object(DN-String) and Object(Access-Point).
    static let nameWithText = "2.5.5.14"

    func attributeDefinition() throws(Unusable) -> AttributeDefinition {
        let syntaxOID = try required("attributesyntax")
        let equality = strings("equalityrule").first?.asciiLowercased ?? ""
        let syntax = AttributeSyntax(attributeSyntax: syntaxOID, oMSyntax: try integer("omsyntax"))
        var linkID = try integer("linkid").map(Int32.init(clamping:))
        switch syntax {
        case .distinguishedName: break
        // Links that carry octets or text of their own: kept as ordinary values.
        case .distinguishedNameWithBinary: linkID = nil
        case .unknown where syntaxOID == Self.nameWithText: linkID = nil
        default:
            guard linkID == nil else {
                throw Unusable(
                    reason: "has a linkID, but attributeSyntax \(syntaxOID) is no distinguished name"
                )
            }
        }
        return AttributeDefinition(
            oid: try oid("attributeid"),
            name: try displayName(),
            aliases: strings("ldapdisplaynamealias"),
            syntax: syntax,
            isCaseSensitive: syntaxOID == "2.5.5.3" || equality.hasPrefix("caseexact"),
            isSingleValued: try boolean("issinglevalued"),
            searchFlags: Int32(clamping: try integer("searchflags") ?? 0),
            isInPartialAttributeSet: try boolean("ismemberofpartialattributeset"),
            linkID: linkID,
            systemFlags: Int32(clamping: try integer("systemflags") ?? 0),
            isSystemOnly: try boolean("systemonly"),
            rangeLower: try integer("rangelower"),
            rangeUpper: try rangeUpper(),
            superiorName: strings("attributesuperior").first
        )
    }

    /// Active Directory writes 4,294,967,295 as -1 (msDFSR-StagingSizeInMb).
    private func rangeUpper() throws(Unusable) -> Int? {
        guard let upper = try integer("rangeupper") else { return nil }
        let lower = try integer("rangelower") ?? -1
        let isUnsigned = upper < 0 && upper >= Int(Int32.min) && lower >= 0
        return isUnsigned ? upper + (1 << 32) : upper
    }

    // MARK: - classSchema

    func classDefinition() throws(Unusable) -> ClassDefinition {
        let category = try integer("objectclasscategory") ?? 1
        guard let kind = ClassKind(rawValue: category) else {
            throw Unusable(reason: "objectClassCategory is \(category), not 0 to 3")
        }
        let oid = try oid("governsid")
        let name = try displayName()
        let superior = try required("subclassof")
        return ClassDefinition(
            oid: oid,
            name: name,
            aliases: strings("ldapdisplaynamealias"),
            // `top` is its own superior in a directory.
            superiorName: superior.asciiLowercased == name.asciiLowercased || superior == oid.description
                ? nil : superior,
            kind: kind,
            must: strings("mustcontain") + strings("systemmustcontain"),
            may: strings("maycontain") + strings("systemmaycontain"),
            auxiliary: strings("auxiliaryclass") + strings("systemauxiliaryclass"),
            possibleSuperiors: strings("posssuperiors") + strings("systemposssuperiors"),
            rdnAttribute: Self.rdnAttribute(strings("rdnattid").first)
        )
    }

    private static func rdnAttribute(_ name: String?) -> OID {
        name.flatMap { WellKnownNames().oid(named: $0) } ?? .cn
    }

    // MARK: - Values

    func strings(_ name: String) -> [String] {
        (values[name] ?? []).compactMap { String(validating: $0, as: UTF8.self) }
    }

    private func required(_ name: String) throws(Unusable) -> String {
        guard let text = strings(name).first, !text.isEmpty else { throw Unusable(reason: "has no \(name)") }
        return text
    }

    private func oid(_ name: String) throws(Unusable) -> OID {
        let text = try required(name)
        guard let oid = OID(text) else { throw Unusable(reason: "\(name) is not a dotted OID") }
        return oid
    }

    /// lDAPDisplayName, or what Active Directory makes of the cn without one: words joined, the first letter
    /// in lower case (MS-ADTS section 3.1.1.2.3.4).
    private func displayName() throws(Unusable) -> String {
        var name = strings("ldapdisplayname").first ?? ""
        if name.isEmpty, let cn = strings("cn").first {
            let joined = cn.utf8.filter { $0 != UInt8(ascii: "-") && $0 != 0x20 }
            name =
                String(decoding: joined.prefix(1), as: UTF8.self).asciiLowercased
                + String(decoding: joined.dropFirst(), as: UTF8.self)
        }
        guard !name.isEmpty else { throw Unusable(reason: "has neither lDAPDisplayName nor cn") }
        guard AttributeDescription.isDescriptor(name.utf8) else {
            throw Unusable(reason: "its name is not letters, digits and hyphens behind a letter")
        }
        return name
    }

    private func boolean(_ name: String) throws(Unusable) -> Bool {
        switch strings(name).first?.asciiLowercased {
        case nil, "false": return false
        case "true": return true
        default: throw Unusable(reason: "\(name) is neither TRUE nor FALSE")
        }
    }

    func integer(_ name: String) throws(Unusable) -> Int? {
        guard let text = strings(name).first else { return nil }
        guard let value = Int(text) else { throw Unusable(reason: "\(name) is not an integer") }
        // Active Directory writes some 32-bit flags unsigned.
        return value
    }
}

/// The shape of attribute names, OIDs aside (RFC 4512 section 1.4).
enum AttributeDescription {
    static let octetsMax = 512

    /// A letter, then letters, digits and hyphens.
    static func isDescriptor(_ octets: some Collection<UInt8>) -> Bool {
        guard let first = octets.first, isLetter(first), octets.count <= octetsMax else { return false }
        return octets.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// A descriptor or dotted OID, then options such as `;binary`.
    static func isValid(_ octets: some Collection<UInt8>) -> Bool {
        guard octets.count <= octetsMax else { return false }
        let parts = octets.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
        guard let type = parts.first, isDescriptor(type) || isDotted(type) else { return false }
        return parts.dropFirst().allSatisfy { option in
            !option.isEmpty
                && option.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
        }
    }

    static func isDotted(_ octets: some Collection<UInt8>) -> Bool {
        OID(String(decoding: octets, as: UTF8.self)) != nil
    }

    static func isLetter(_ octet: UInt8) -> Bool { (0x61...0x7a).contains(octet | 0x20) }
    static func isDigit(_ octet: UInt8) -> Bool { (0x30...0x39).contains(octet) }
}
