import DirectoryModel
import Identifiers
import Replication

extension WriteTransaction {
    /// Writes what once lost a conflict, as an originating write of its own, and takes it out of the ledger.
    ///
    /// The schema is asked as for any write; the value is not quoted in a refusal.
    func restoreConflict(_ id: Int64) throws -> WriteResult {
        guard identity.isSet else { throw StoreError.identityNotSet }
        governance.author = .administrator
        try refreshSchema()
        guard let lost = try view.storedConflict(id) else {
            throw DirectoryError(
                .noSuchObject,
                "the ledger has no conflict \(id)",
                hint: "bridgehead conflict list shows those that it has"
            )
        }
        let result =
            if lost.target != .zero {
                try restoreLink(lost)
            } else if lost.attribute == AttributeIDs.name {
                try restoreName(lost)
            } else {
                try restoreValues(lost)
            }
        try ledger.remove(id)
        return result
    }

    private func restoreValues(_ lost: StoredConflict) throws -> WriteResult {
        let held = try liveObject(of: lost)
        let oid = try view.attributeIDs.oid(of: lost.attribute, in: db)
        let definition = try writableDefinition(
            view.schema.name(of: oid) ?? oid.description,
            in: held.context
        )
        guard lost.values != held.body[lost.attribute]?.values ?? [] else {
            return WriteResult(objectGUID: lost.object, usn: nil)
        }
        let isClass = lost.attribute == AttributeIDs.objectClass
        let changed = [lost.attribute: (definition, isClass ? expandedClasses(lost.values) : lost.values)]
        let rdn = try held.row.stampedRDN()
        try guardKeepsRDN(rdn, of: held, changed)
        try check(try resultingAttributes(of: held, changed), rdn: rdn)
        try govern(changing: held, changed)
        try rewrite(held, changed.mapValues(\.1))
        return WriteResult(objectGUID: lost.object, usn: highestUSN)
    }

    private func restoreName(_ lost: StoredConflict) throws -> WriteResult {
        let held = try liveObject(of: lost)
        guard let name = lost.values.first.flatMap(NameValue.init(octets:)) else {
            throw StoreError.damaged("conflict \(lost.id) holds a malformed name")
        }
        let base = MangledName.parse(name.rdn.value)?.base ?? name.rdn.value
        let isMove = held.row.node.placedParent != name.parent
        return try rename(
            .guid(lost.object),
            to: RDN(type: name.rdn.type, value: base),
            deleteOldRDN: true,
            newSuperior: isMove ? .guid(name.parent) : nil
        )
    }

    private func restoreLink(_ lost: StoredConflict) throws -> WriteResult {
        let held = try liveObject(of: lost)
        let oid = try view.attributeIDs.oid(of: lost.attribute, in: db)
        let definition = try writableDefinition(
            view.schema.name(of: oid) ?? oid.description,
            in: held.context
        )
        return try modify(
            .guid(held.row.guid),
            [
                Modification(
                    lost.values.isEmpty ? .delete : definition.isSingleValued ? .replace : .add,
                    definition.name,
                    [GUIDName.octets(of: lost.target)]
                )
            ]
        )
    }

    private func liveObject(of lost: StoredConflict) throws -> HeldObject {
        guard try objects.row(lost.object)?.node.isTombstone != true else {
            throw DirectoryError(
                .noSuchObject,
                "object \(lost.object) of conflict \(lost.id) is deleted",
                hint: "bring it back first: bridgehead object undelete \(lost.object)"
            )
        }
        return try writableObject(.guid(lost.object))
    }
}
