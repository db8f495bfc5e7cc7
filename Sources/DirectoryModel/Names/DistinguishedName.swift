/// One step of a distinguished name: an attribute type and one value, as written.
///
/// Equal when the types and the folded values are (`NameFolding`). A value may hold any valid UTF-8.
package struct RDN: Sendable {
    package let type: OID
    package let value: String

    package init(type: OID, value: String) {
        self.type = type
        self.value = value
    }

    /// The value as it is compared.
    package var foldedValue: String { NameFolding.folded(value) }

    /// What clash detection and indexes compare: the type's DER content behind one octet of its length, then
    /// the folded value in UTF-8.
    package var key: [UInt8] {
        var key = [UInt8(truncatingIfNeeded: type.derContent.count)]
        key += type.derContent
        key += NameFolding.folded(Array(value.utf8)) ?? []
        return key
    }

    /// RFC 4514 text with the keyword in upper case, else the schema's name, else the dotted OID.
    package func description(naming: some AttributeNaming) -> String {
        let name = WellKnownNames.keyword(of: type) ?? naming.name(of: type) ?? type.description
        return "\(name)=\(DNText.escaped(value))"
    }
}

extension RDN: Hashable {
    package static func == (left: RDN, right: RDN) -> Bool {
        left.type == right.type && (left.value == right.value || left.foldedValue == right.foldedValue)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        hasher.combine(foldedValue)
    }
}

extension RDN: CustomStringConvertible {
    package var description: String { description(naming: WellKnownNames()) }
}

/// Where an object is said to stand: RDNs, leaf first.
///
/// Only a rendering; the identity is the objectGUID.
///
/// - Source: RFC 4514.
package struct DistinguishedName: Hashable, Sendable {
    package var rdns: [RDN]

    /// The empty name: the root of everything.
    package static let root = DistinguishedName(rdns: [])

    package init(rdns: [RDN]) { self.rdns = rdns }

    /// Reads RFC 4514 text, and what RFC 2253 allowed besides: spaces around `,` and `=`, quoted values.
    package init(parsing text: String, naming: some AttributeNaming) throws(DNError) {
        var parser = try DNText(text)
        rdns = try parser.rdns(naming: naming)
    }

    /// Nil for the root.
    package var parent: DistinguishedName? {
        rdns.isEmpty ? nil : DistinguishedName(rdns: Array(rdns.dropFirst()))
    }

    package var leaf: RDN? { rdns.first }

    package func child(_ rdn: RDN) -> DistinguishedName { DistinguishedName(rdns: [rdn] + rdns) }

    /// Strictly below `ancestor`.
    package func isDescendant(of ancestor: DistinguishedName) -> Bool {
        rdns.count > ancestor.rdns.count && rdns.suffix(ancestor.rdns.count).elementsEqual(ancestor.rdns)
    }

    package func isSameOrDescendant(of ancestor: DistinguishedName) -> Bool {
        self == ancestor || isDescendant(of: ancestor)
    }

    package func description(naming: some AttributeNaming) -> String {
        rdns.map { $0.description(naming: naming) }.joined(separator: ",")
    }
}

extension DistinguishedName: CustomStringConvertible {
    package var description: String { description(naming: WellKnownNames()) }
}
