import DirectoryModel
import Identifiers
import Replication

extension WriteTransaction {
    /// Renames or moves an object; everything below it follows, since only rendered names change.
    func rename(
        _ reference: ObjectReference,
        to newRDN: RDN,
        deleteOldRDN: Bool,
        newSuperior: ObjectReference?
    ) throws -> WriteResult {
        try refreshSchema()
        var held = try writableObject(reference)
        try guardNotFixed(held, newSuperior == nil ? "renamed" : "moved")
        try guardRDN(newRDN)
        if newSuperior != nil { try guardNotSchema(held.context, "moved") }
        try govern(renaming: held)
        if try cutCycle(through: held) { held = try writableObject(.guid(held.row.guid)) }

        // In LostAndFound the rendered parent is the one that people mean.
        guard var parent = held.row.node.placedParent else { throw noSuchObject(reference) }
        if let newSuperior {
            parent = try superior(newSuperior, in: held.context).guid
            try guardOutside(held.row.guid, parent)
        }
        let oldName = NameValue(parent: held.row.node.parent, rdn: try held.row.stampedRDN())
        let newName = NameValue(parent: parent, rdn: newRDN)
        try guardFree(newRDN, under: parent, except: held.row.guid)
        guard newName.octets != oldName.octets else {
            return WriteResult(objectGUID: held.row.guid, usn: nil)
        }

        let values = try renamedValues(of: held, from: oldName.rdn, to: newRDN, deleteOldRDN: deleteOldRDN)
        try check(try resultingAttributes(of: held, values), rdn: newRDN)
        var changed = values.filter { $0.value.values != held.body[$0.key]?.values ?? [] }.mapValues(\.values)
        changed[AttributeIDs.name] = [newName.octets]
        try rewrite(held, changed)
        return WriteResult(objectGUID: held.row.guid, usn: highestUSN)
    }

    /// The naming attributes after a rename: old value out when asked, new value in.
    private func renamedValues(of held: HeldObject, from old: RDN, to new: RDN, deleteOldRDN: Bool) throws
        -> [Int32: (definition: AttributeDefinition, values: [[UInt8]])]
    {
        var values: [Int32: (definition: AttributeDefinition, values: [[UInt8]])] = [:]
        let oldBase = MangledName.parse(old.value)?.base ?? old.value
        if deleteOldRDN, let definition = view.schema.attribute(oid: old.type) {
            let id = try attributeID(old.type)
            let form = definition.normalized(Array(oldBase.utf8), naming: view.schema)
            let kept = (held.body[id]?.values ?? []).filter {
                definition.normalized($0, naming: view.schema) != form
            }
            values[id] = (definition, kept)
        }
        guard let definition = view.schema.attribute(oid: new.type) else { return values }
        let id = try attributeID(new.type)
        let value = Array(new.value.utf8)
        let form = definition.normalized(value, naming: view.schema)
        var kept = values[id]?.values ?? held.body[id]?.values ?? []
        kept.removeAll { definition.normalized($0, naming: view.schema) == form }
        values[id] = (definition, (kept + [value]).sorted { $0.lexicographicallyPrecedes($1) })
        return values
    }

    /// Refuses to put an object below itself.
    private func guardOutside(_ guid: GUID, _ parent: GUID) throws {
        var next: GUID? = parent
        var seen: Set<GUID> = []
        while let current = next, seen.insert(current).inserted {
            guard current != guid else {
                throw DirectoryError(.unwillingToPerform, "an object cannot be moved below itself")
            }
            next = try objects.row(current)?.node.placedParent
        }
    }

    /// Before a name write on a member of a cycle of stamped parents: makes the cut a stamped fact.
    ///
    /// Else the write would open the cycle, and the member shown in LostAndFound would jump back below it.
    /// - Returns: whether something was written.
    private func cutCycle(through held: HeldObject) throws -> Bool {
        var members = [held.row]
        var seen: Set<GUID> = [held.row.guid]
        while let last = members.last, last.node.parent != held.row.guid {
            guard seen.insert(last.node.parent).inserted, let next = try objects.row(last.node.parent),
                next.context == held.row.context, !next.node.isFixed, !next.node.isTombstone
            else { return false }
            members.append(next)
        }
        guard let cut = members.first(where: { $0.node.standing == .lostAndFound }), cut.guid != held.row.guid
        else { return false }
        let member = try writableObject(.guid(cut.guid))
        let parent = FixedObject.lostAndFound.objectGUID(in: held.context.guid)
        try rewrite(
            member,
            [AttributeIDs.name: [NameValue(parent: parent, rdn: try cut.stampedRDN()).octets]]
        )
        return true
    }
}
