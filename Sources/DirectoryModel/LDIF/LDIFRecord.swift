/// What a modification does to an attribute (RFC 4511 section 4.6, RFC 4525 for increment).
package enum ModifyOperation: String, Hashable, Sendable {
    case add, delete, replace, increment
}

/// One step of a modify record; no values with delete or replace = the whole attribute goes.
package struct LDIFModification: Hashable, Sendable {
    package var operation: ModifyOperation
    package var attribute: String
    package var values: [[UInt8]]

    package init(operation: ModifyOperation, attribute: String, values: [[UInt8]]) {
        self.operation = operation
        self.attribute = attribute
        self.values = values
    }
}

/// One record of an LDIF file: an entry, or a change.
///
/// - Source: RFC 2849.
package struct LDIFRecord: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// An entry without a `changetype`.
        case content([EntryAttribute])
        case add([EntryAttribute])
        case delete
        case modify([LDIFModification])
        case rename(newRDN: String, deleteOldRDN: Bool, newSuperior: String?)
    }

    /// The line of the record's `dn:`, counted from 1.
    package var line: Int
    package var dn: String
    package var kind: Kind

    package init(line: Int, dn: String, kind: Kind) {
        self.line = line
        self.dn = dn
        self.kind = kind
    }

    /// The attributes of an entry to add; none for other changes.
    package var contentAttributes: [EntryAttribute] {
        switch kind {
        case .content(let attributes), .add(let attributes): attributes
        case .delete, .modify, .rename: []
        }
    }

    /// Content as an entry, its name read; nil for changes other than add.
    package func entry(naming: some AttributeNaming) throws(DNError) -> Entry? {
        switch kind {
        case .content(let attributes), .add(let attributes):
            Entry(dn: try DistinguishedName(parsing: dn, naming: naming), attributes: attributes)
        case .delete, .modify, .rename: nil
        }
    }
}

/// A record that could not be read, by the line that is wrong; holds no values.
package struct LDIFError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Counted from 1.
    package var line: Int
    package var reason: String
    package var hint: String?
    /// The record begins as a block of Microsoft's listings of its schema does, which are no LDIF.
    package var isSchemaListing: Bool

    package init(line: Int, reason: String, hint: String? = nil, isSchemaListing: Bool = false) {
        self.line = line
        self.reason = reason
        self.hint = hint
        self.isSchemaListing = isSchemaListing
    }

    package var description: String { "line \(line): \(reason)" }
}

/// How much an LDIF reader takes.
package struct LDIFLimits: Hashable, Sendable {
    /// One line after unfolding: a value of 16 MiB in base64 and its name.
    package var lineOctetsMax = 24 * 1024 * 1024
    /// All lines of one record after unfolding.
    package var recordOctetsMax = 64 * 1024 * 1024
    package var attributesPerRecordMax = 10_000
    package var linesPerRecordMax = 1_000_000

    package init() {}
}
