import DirectoryModel
import Identifiers
import Replication

/// A DN-valued attribute's value that names an object by GUID alone: `<GUID=...>`.
///
/// Shown for the target of a link that is not held here, so that the value can be seen, and taken away by hand;
/// taken wherever a client may write a DN.
enum GUIDName {
    private static let prefix = Array("<GUID=".utf8)
    private static let suffix = UInt8(ascii: ">")

    static func octets(of guid: GUID) -> [UInt8] { prefix + Array(guid.description.utf8) + [suffix] }

    /// Nil when the value is of another form.
    static func parse(_ value: [UInt8]) -> GUID? {
        guard value.count == prefix.count + 37, value.last == suffix,
            String(decoding: value.prefix(prefix.count), as: UTF8.self).asciiLowercased == "<guid="
        else { return nil }
        return GUID(String(decoding: value[prefix.count..<(value.count - 1)], as: UTF8.self))
    }
}

/// Links as they are read: values name objects by GUID, so they follow renames and moves by themselves.
///
/// Back links are computed from the forward links of other objects, and never stored.
extension StoreSnapshot {
    func forwardLinks(of source: GUID, includeDeleted: Bool) throws -> [EntryAttribute] {
        var found: [EntryAttribute] = []
        // A value of an attribute that holds one value; all present ones are rows.
        var newest: (definition: AttributeDefinition, row: LinkRow)?
        let showNewest = { [self] in
            guard let (definition, row) = newest else { return }
            newest = nil
            guard let name = try targetName(row.target, includeDeleted: includeDeleted) else { return }
            Self.append(name, to: definition.name, in: &found)
        }
        for row in try links.rows(of: source) where row.isPresent {
            guard let definition = schema.attribute(oid: try attributeIDs.oid(of: row.attribute, in: db))
            else { continue }
            if let known = newest?.row, known.attribute == row.attribute {
                if known.stamp < row.stamp { newest = (definition, row) }
                continue
            }
            try showNewest()
            if definition.isSingleValued {
                newest = (definition, row)
            } else if let name = try targetName(row.target, includeDeleted: includeDeleted) {
                Self.append(name, to: definition.name, in: &found)
            }
        }
        try showNewest()
        return found
    }

    func backLinks(of target: GUID, includeDeleted: Bool) throws -> [EntryAttribute] {
        let sources = try links.presentSources(of: target)
        guard !sources.isEmpty else { return [] }
        let backLinks = backLinkDefinitions()
        var found: [EntryAttribute] = []
        for (attribute, source) in sources {
            let forward = schema.attribute(oid: try attributeIDs.oid(of: attribute, in: db))
            guard let forward, let linkID = forward.linkID, let back = backLinks[linkID + 1],
                let name = try sourceName(source, includeDeleted: includeDeleted)
            else { continue }
            // What the forward side hides, the back side hides.
            if forward.isSingleValued, try links.newestPresent(of: source, attribute: attribute) != target {
                continue
            }
            Self.append(name, to: back.name, in: &found)
        }
        return found
    }

    private static func append(_ value: [UInt8], to name: String, in attributes: inout [EntryAttribute]) {
        if let index = attributes.firstIndex(where: { $0.name == name }) {
            attributes[index].values.append(value)
        } else {
            attributes.append(EntryAttribute(name: name, values: [value]))
        }
    }

    /// Nil for a tombstone that is not to be shown; by GUID while the target is not held, or waits.
    private func targetName(_ guid: GUID, includeDeleted: Bool) throws -> [UInt8]? {
        // The head of a held naming context is known by name before it arrives.
        if let head = namingContexts.first(where: { $0.guid == guid }) { return text(of: head.dn) }
        guard let row = try objects.row(guid) else { return GUIDName.octets(of: guid) }
        if row.node.isTombstone, !includeDeleted { return nil }
        return try dn(of: row).map(text) ?? GUIDName.octets(of: guid)
    }

    /// Nil while the object is not held, or waits: nobody could look at it.
    private func sourceName(_ guid: GUID, includeDeleted: Bool) throws -> [UInt8]? {
        guard let row = try objects.row(guid), includeDeleted || !row.node.isTombstone else { return nil }
        return try dn(of: row).map(text)
    }

    private func text(of dn: DistinguishedName) -> [UInt8] { Array(dn.description(naming: schema).utf8) }
}
