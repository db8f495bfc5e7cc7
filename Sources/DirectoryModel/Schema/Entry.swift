/// One attribute in presentation form: its name as written and its values as LDAP's string form.
package struct EntryAttribute: Hashable, Sendable {
    package var name: String
    package var values: [[UInt8]]

    package init(name: String, values: [[UInt8]]) {
        self.name = name
        self.values = values
    }

    package init(name: String, strings: [String]) {
        self.init(name: name, values: strings.map { Array($0.utf8) })
    }

    /// The values that are valid UTF-8.
    package var strings: [String] { values.compactMap { String(validating: $0, as: UTF8.self) } }
}

/// An object in presentation form: what LDIF, the CLI and originating writes speak.
package struct Entry: Hashable, Sendable {
    package var dn: DistinguishedName
    package var attributes: [EntryAttribute]

    package init(dn: DistinguishedName, attributes: [EntryAttribute]) {
        self.dn = dn
        self.attributes = attributes
    }

    /// Values of the attribute of that name, ASCII case ignored; empty when it is not there.
    package func values(of name: String) -> [[UInt8]] {
        let lowered = name.asciiLowercased
        return attributes.filter { $0.name.asciiLowercased == lowered }.flatMap(\.values)
    }

    package func strings(of name: String) -> [String] {
        values(of: name).compactMap { String(validating: $0, as: UTF8.self) }
    }
}
