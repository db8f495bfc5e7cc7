package import DirectoryModel
import GRDB
package import Identifiers
import Replication

extension StoreSnapshot {
    /// The object behind a reference; nil when it is not held.
    package func objectGUID(of reference: ObjectReference) throws -> GUID? {
        switch reference {
        case .dn(let dn): try resolve(dn)
        case .guid(let guid): try objects.holds(guid) ? guid : nil
        }
    }

    /// An object with its values, links and back links.
    ///
    /// Without `includeDeleted` a tombstone is as good as absent, as a link's end, too; `operational` adds what is computed: times, USNs,
    /// `distinguishedName`. Nil when it is not held, or waits for its parent and was asked for by name.
    package func entry(
        _ reference: ObjectReference,
        includeDeleted: Bool = false,
        operational: Bool = false
    ) throws -> DirectoryEntry? {
        guard let guid = try objectGUID(of: reference), let (row, body) = try objects.rowAndBody(guid) else {
            return nil
        }
        if row.node.standing == .tombstone, !includeDeleted { return nil }
        return try render(row, body, includeDeleted: includeDeleted, operational: operational)
    }

    /// What appears directly under an object, by RDN; not tombstones.
    package func children(of parent: GUID) throws -> [GUID] {
        try objects.placedChildren(of: parent).filter(\.node.isVisible).map(\.guid)
    }

    /// An object and everything that appears below it, parents first; tombstones only with `includeDeleted`.
    package func subtree(
        of root: GUID,
        includeDeleted: Bool = false,
        operational: Bool = false,
        _ each: (DirectoryEntry) throws -> Bool
    ) throws {
        var pending = [root]
        while let next = pending.popLast() {
            if let entry = try entry(.guid(next), includeDeleted: includeDeleted, operational: operational) {
                guard try each(entry) else { return }
            }
            let children = try objects.placedChildren(of: next)
                .filter { $0.node.isVisible || includeDeleted }.map(\.guid)
            pending += children.reversed()
        }
    }

    /// The visible objects of a class, subclasses included, by GUID.
    package func entries(ofClass name: String, in namingContext: GUID? = nil) throws -> [DirectoryEntry] {
        let value = schema.objectClass(named: name)?.name ?? name
        return try find(attribute: .objectClass, equals: Array(value.utf8), in: namingContext)
            .compactMap { try entry(.guid($0)) }
    }

    /// The visible objects that hold a value of an indexed attribute, by GUID.
    ///
    /// The value is in LDAP's string form; for a DN-valued attribute it is the 16 octets of the target's GUID.
    package func find(attribute: OID, equals value: [UInt8], in namingContext: GUID? = nil) throws -> [GUID] {
        guard let id = try attributeIDs.existingID(for: attribute, in: db) else { return [] }
        let definition = schema.attribute(oid: attribute)
        let wanted = IndexRows.normalized(value, definition)
        let context = try namingContext.map { try self.namingContext($0).id }
        var found: [GUID] = []
        for key in try candidates(attribute, id, wanted) {
            guard let guid = try objects.guid(ofID: key), let (row, body) = try objects.rowAndBody(guid),
                row.node.isVisible, context == nil || row.context == context,
                let values = body.attributes.first(where: { $0.id == id })?.values,
                values.contains(where: { IndexRows.stored($0, definition) == wanted })
            else { continue }
            found.append(guid)
        }
        return found.sorted()
    }

    /// The database's keys of the objects that may hold the value, each once.
    private func candidates(_ attribute: OID, _ id: Int32, _ wanted: [UInt8]) throws -> Set<Int64> {
        let rows = IndexRows(db: db)
        guard attribute == .objectClass else {
            return Set(try rows.objects(attribute: id, key: IndexRows.key(wanted)))
        }
        if wanted == IndexRows.universalClass { return Set(try objects.ids()) }
        return try ClassRows.searched(for: wanted, in: schema).reduce(into: []) { found, name in
            found.formUnion(try rows.objects(attribute: id, key: IndexRows.key(name)))
        }
    }

    /// Who wrote what; nil when the object is not held.
    package func metadata(of objectGUID: GUID) throws -> ObjectMetadata? {
        guard let body = try objects.body(of: objectGUID) else { return nil }
        let attributes = try body.attributes.map {
            AttributeMetadataRow(
                attribute: try attributeName($0.id),
                stamp: $0.stamp,
                localUSN: $0.localUSN,
                valueCount: $0.valueSet.count
            )
        }
        let linkRows = try links.rows(of: objectGUID).map {
            LinkMetadataRow(
                attribute: try attributeName($0.attribute),
                target: $0.target,
                targetDN: try dn(of: $0.target),
                stamp: $0.stamp,
                localUSN: $0.usn,
                isPresent: $0.isPresent
            )
        }
        return ObjectMetadata(
            objectGUID: objectGUID,
            attributes: attributes.sorted { $0.attribute < $1.attribute },
            links: linkRows
        )
    }

    private func attributeName(_ id: Int32) throws -> String {
        let oid = try attributeIDs.oid(of: id, in: db)
        return schema.name(of: oid) ?? oid.description
    }

    // MARK: - One entry

    private func render(
        _ row: ObjectRow,
        _ body: ObjectBody,
        includeDeleted: Bool,
        operational: Bool
    ) throws -> DirectoryEntry {
        let context = try context(id: row.context)
        let rdn = try renderedRDN(row)
        var attributes: [EntryAttribute] = []
        for attribute in body.attributes
        where !attribute.valueSet.isEmpty && attribute.id != AttributeIDs.name {
            // Hidden until its schema arrives.
            guard let definition = schema.attribute(oid: try attributeIDs.oid(of: attribute.id, in: db))
            else {
                continue
            }
            let values = definition.holdsReferences ? try attribute.values.map(presented) : attribute.values
            attributes.append(EntryAttribute(name: definition.name, values: values))
        }
        attributes.append(EntryAttribute(name: "name", values: [Array(rdn.value.utf8)]))
        attributes += try forwardLinks(of: row.guid, includeDeleted: includeDeleted)
        attributes += try backLinks(of: row.guid, includeDeleted: includeDeleted)
        let dn = try dn(of: row) ?? context.dn.child(rdn)
        if operational { attributes += operationalAttributes(row, body, dn) }
        return DirectoryEntry(
            objectGUID: row.guid,
            dn: dn,
            namingContext: context.guid,
            standing: row.node.standing,
            usnChanged: row.usn,
            usnCreated: row.createdUSN,
            attributes: attributes.sorted(by: Self.isShownFirst)
        )
    }

    private static func isShownFirst(_ left: EntryAttribute, _ right: EntryAttribute) -> Bool {
        let leftIsClass = left.name == "objectClass"
        let rightIsClass = right.name == "objectClass"
        return leftIsClass != rightIsClass ? leftIsClass : left.name < right.name
    }

    /// A reference as the target's current name; as it was written when the target is not held.
    func presented(_ value: [UInt8]) throws -> [UInt8] {
        guard let reference = ReferenceValue(octets: value) else { return value }
        if let target = reference.target, let dn = try dn(of: target) {
            return Array(dn.description(naming: schema).utf8)
        }
        return Array(reference.text.utf8)
    }

    private func operationalAttributes(
        _ row: ObjectRow,
        _ body: ObjectBody,
        _ dn: DistinguishedName
    ) -> [EntryAttribute] {
        let times = body.attributes.map(\.stamp.time)
        let created = (times.min() ?? .epoch).generalizedTime
        let changed = (times.max() ?? .epoch).generalizedTime
        return [
            ("distinguishedName", dn.description(naming: schema)), ("objectGUID", nil),
            ("whenCreated", created), ("whenChanged", changed), ("uSNCreated", row.createdUSN.description),
            ("uSNChanged", row.usn.description),
        ].map { name, text in
            EntryAttribute(name: name, values: [text.map { Array($0.utf8) } ?? row.guid.microsoftOctets])
        }
    }
}

extension AttributeDefinition {
    /// DN-valued without `linkID`: stored as `ReferenceValue`.
    var holdsReferences: Bool { syntax == .distinguishedName && linkID == nil }
}
