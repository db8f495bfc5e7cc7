import DirectoryModel
import Identifiers
import Replication

extension WriteTransaction {
    /// Changes attributes; what ends as it was takes no USN.
    ///
    /// Link values leave the object itself untouched.
    func modify(_ reference: ObjectReference, _ modifications: [Modification]) throws -> WriteResult {
        try refreshSchema()
        let held = try writableObject(reference)
        let usnBefore = highestUSN
        var edited: [Int32: (definition: AttributeDefinition, values: [[UInt8]])] = [:]
        var linksWritten: Set<Int32> = []
        for modification in modifications {
            let definition = try writableDefinition(modification.attribute, in: held.context)
            let id = try attributeID(definition.oid)
            if definition.isForwardLink {
                try modifyLinks(of: held, definition, id, modification)
                linksWritten.insert(id)
            } else {
                let current = edited[id]?.values ?? held.body[id]?.values ?? []
                edited[id] = (definition, try result(of: modification, on: current, definition))
            }
        }
        if let classes = edited[AttributeIDs.objectClass] {
            edited[AttributeIDs.objectClass]?.values = expandedClasses(classes.values)
        }
        let changed = edited.filter { $0.value.values != held.body[$0.key]?.values ?? [] }
        let rdn = try held.row.stampedRDN()
        try guardKeepsRDN(rdn, of: held, changed)
        guard !changed.isEmpty || highestUSN != usnBefore else {
            return WriteResult(objectGUID: held.row.guid, usn: nil)
        }
        try check(try resultingAttributes(of: held, changed, linksWritten: linksWritten), rdn: rdn)
        try govern(changing: held, changed)
        if !changed.isEmpty { try rewrite(held, changed.mapValues(\.values)) }
        return WriteResult(objectGUID: held.row.guid, usn: highestUSN)
    }

    /// Writes new values of some attributes under one USN.
    func rewrite(_ held: HeldObject, _ values: [Int32: [[UInt8]]]) throws {
        let usn = try takeUSN()
        var body = held.body
        for (id, values) in values {
            let stamp = stamp(over: body[id]?.stamp, usn: usn)
            body.set(ObjectBody.Attribute(id: id, stamp: stamp, localUSN: usn, values: values))
        }
        try write(
            held.row.guid,
            in: held.context,
            existing: (held.row, held.body),
            body: body,
            usn: usn
        )
    }

    /// What the schema check reads: every known attribute with the changes, links by one or two values.
    ///
    /// Values that concurrent writes hid behind another count only where this write put one beside them
    /// (`linksWritten`).
    func resultingAttributes(
        of held: HeldObject,
        _ changed: [Int32: (definition: AttributeDefinition, values: [[UInt8]])],
        linksWritten: Set<Int32> = []
    ) throws -> [(AttributeDefinition, [[UInt8]])] {
        var result: [(AttributeDefinition, [[UInt8]])] = []
        for attribute in held.body.attributes
        where changed[attribute.id] == nil && !attribute.valueSet.isEmpty
            && attribute.id != AttributeIDs.name && attribute.id != AttributeIDs.isDeleted
        {
            let oid = try view.attributeIDs.oid(of: attribute.id, in: db)
            // What came from a DSA with a newer schema is not ours to judge.
            guard let definition = view.schema.attribute(oid: oid) else { continue }
            result.append((definition, presented(attribute.values, of: definition)))
        }
        for (definition, values) in changed.values where !values.isEmpty {
            result.append((definition, presented(values, of: definition)))
        }
        for attribute in try links.presentAttributes(of: held.row.guid) {
            let oid = try view.attributeIDs.oid(of: attribute, in: db)
            guard let definition = view.schema.attribute(oid: oid) else { continue }
            let targets =
                definition.isSingleValued && !linksWritten.contains(attribute)
                ? try links.newestPresent(of: held.row.guid, attribute: attribute).map { [$0] } ?? []
                : try links.presentTargets(of: held.row.guid, attribute: attribute, limit: 2)
            result.append((definition, try targets.map { Array(try linkText($0).utf8) }))
        }
        return result
    }

    private func linkText(_ target: GUID) throws -> String {
        try view.dn(of: target)?.description(naming: view.schema) ?? "CN=\(target)"
    }

    func guardKeepsRDN(
        _ rdn: RDN,
        of held: HeldObject,
        _ changed: [Int32: (definition: AttributeDefinition, values: [[UInt8]])]
    ) throws {
        guard let (definition, values) = changed[try attributeID(rdn.type)] else { return }
        // A name that already carries a conflict suffix is not among the values.
        let base = MangledName.parse(rdn.value)?.base ?? rdn.value
        let wanted = definition.normalized(Array(base.utf8), naming: view.schema)
        guard values.contains(where: { definition.normalized($0, naming: view.schema) == wanted }) else {
            throw DirectoryError(
                .notAllowedOnRDN,
                "the RDN's own value of \(definition.name) cannot be taken away",
                hint: "rename the object instead"
            )
        }
    }

    // MARK: - One modification

    private func result(
        of modification: Modification,
        on current: [[UInt8]],
        _ definition: AttributeDefinition
    ) throws -> [[UInt8]] {
        let given = try stored(modification.values, of: definition)
        let forms = given.map { matchingForm($0, of: definition) }
        let currentForms = current.map { matchingForm($0, of: definition) }
        switch modification.operation {
        case .add:
            guard !given.isEmpty else {
                throw DirectoryError(.constraintViolation, "nothing to add to \(definition.name)")
            }
            guard Set(currentForms).isDisjoint(with: forms) else {
                throw DirectoryError(
                    .attributeOrValueExists,
                    "\(definition.name) already has one of the values"
                )
            }
            return (current + given).sorted { $0.lexicographicallyPrecedes($1) }
        case .delete:
            guard !current.isEmpty else {
                throw DirectoryError(.noSuchAttribute, "the object has no \(definition.name)")
            }
            guard !given.isEmpty else { return [] }
            guard Set(forms).isSubset(of: currentForms) else {
                throw DirectoryError(.noSuchAttribute, "\(definition.name) lacks one of the values to delete")
            }
            return zip(current, currentForms).filter { !forms.contains($0.1) }.map(\.0)
        case .replace:
            guard definition.holdsReferences else { return given }
            // A reference to the same object stays as it was written first.
            let known = Dictionary(zip(currentForms, current), uniquingKeysWith: { first, _ in first })
            return zip(given, forms).map { known[$0.1] ?? $0.0 }.sorted { $0.lexicographicallyPrecedes($1) }
        case .increment:
            guard let value = current.first, current.count == 1, let by = modification.values.first,
                let old = Int64(String(decoding: value, as: UTF8.self)),
                let step = Int64(String(decoding: by, as: UTF8.self))
            else {
                throw DirectoryError(
                    .constraintViolation,
                    "\(definition.name) has not exactly one integer value to increment"
                )
            }
            let (sum, overflow) = old.addingReportingOverflow(step)
            guard !overflow else {
                throw DirectoryError(
                    .constraintViolation,
                    "\(definition.name) would leave the range of integers"
                )
            }
            return [Array(String(sum).utf8)]
        }
    }
}
