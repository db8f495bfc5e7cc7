import DirectoryModel
import Identifiers
import Replication

/// Originating writes of link values: every value has a stamp and a USN of its own.
extension WriteTransaction {
    /// The objects that link values name.
    func linkTargets(_ values: [[UInt8]], of definition: AttributeDefinition) throws -> [GUID] {
        var targets: [GUID] = []
        for value in values {
            let reference = try target(named: value, of: definition)
            guard let target = try guid(of: reference), try isVisibleOrHead(target) else {
                throw noSuchObject(reference, what: "the target of \(definition.name)")
            }
            guard !targets.contains(target) else {
                throw DirectoryError(.attributeOrValueExists, "a value of \(definition.name) is given twice")
            }
            targets.append(target)
        }
        return targets
    }

    private func target(named value: [UInt8], of definition: AttributeDefinition) throws -> ObjectReference {
        if let guid = GUIDName.parse(value) { return .guid(guid) }
        return .dn(try distinguishedName(value, of: definition))
    }

    /// Also of what is not held here: its values can be taken away.
    private func guid(of reference: ObjectReference) throws -> GUID? {
        switch reference {
        case .dn(let dn): try view.resolve(dn)
        case .guid(let guid): guid
        }
    }

    /// The head of a held naming context may be named before it arrives: a new domain's crossRef does.
    private func isVisibleOrHead(_ target: GUID) throws -> Bool {
        if let row = try objects.row(target) { return row.node.isVisible }
        return view.namingContexts.contains { $0.guid == target }
    }

    func modifyLinks(
        of held: HeldObject,
        _ definition: AttributeDefinition,
        _ id: Int32,
        _ modification: Modification
    ) throws {
        let source = held.row.guid
        switch modification.operation {
        case .add:
            let targets = try linkTargets(modification.values, of: definition)
            if definition.isSingleValued { try clearDeletedTarget(of: source, id, in: held.context) }
            for target in targets {
                guard try setLink(from: source, id, to: target, isPresent: true, in: held.context) else {
                    throw DirectoryError(
                        .attributeOrValueExists,
                        "\(try describe(target)) is already a value of \(definition.name)"
                    )
                }
            }
        case .delete where modification.values.isEmpty:
            let present = try links.presentTargets(of: source, attribute: id)
            guard !present.isEmpty else {
                throw DirectoryError(.noSuchAttribute, "the object has no \(definition.name)")
            }
            for target in present {
                try setLink(from: source, id, to: target, isPresent: false, in: held.context)
            }
        case .delete where definition.isSingleValued:
            try deleteShown(modification.values, of: source, definition, id, in: held.context)
        case .delete:
            for value in modification.values {
                guard let target = try guid(of: try target(named: value, of: definition)),
                    try setLink(from: source, id, to: target, isPresent: false, in: held.context)
                else {
                    throw DirectoryError(
                        .noSuchAttribute,
                        "\(definition.name) lacks one of the values to delete"
                    )
                }
            }
        case .replace:
            let wanted = try linkTargets(modification.values, of: definition)
            let wantedSet = Set(wanted)
            for target in try links.presentTargets(of: source, attribute: id)
            where !wantedSet.contains(target) {
                try setLink(from: source, id, to: target, isPresent: false, in: held.context)
            }
            for target in wanted {
                try setLink(from: source, id, to: target, isPresent: true, in: held.context)
            }
        case .increment:
            throw DirectoryError(.constraintViolation, "\(definition.name) holds no integers")
        }
    }

    /// A value whose target is deleted is not shown; it must not stand in the way of a new one.
    private func clearDeletedTarget(of source: GUID, _ id: Int32, in context: HeldNamingContext) throws {
        guard let shown = try links.newestPresent(of: source, attribute: id),
            try objects.row(shown)?.node.isTombstone == true
        else { return }
        for target in try links.presentTargets(of: source, attribute: id) {
            try setLink(from: source, id, to: target, isPresent: false, in: context)
        }
    }

    /// Takes the one value away, and with it what concurrent writes hid behind it: nothing old comes up again.
    private func deleteShown(
        _ values: [[UInt8]],
        of source: GUID,
        _ definition: AttributeDefinition,
        _ id: Int32,
        in context: HeldNamingContext
    ) throws {
        let shown = try links.newestPresent(of: source, attribute: id)
        let named = try values.map { try guid(of: try target(named: $0, of: definition)) }
        guard let shown, named == [shown] else {
            throw DirectoryError(.noSuchAttribute, "\(definition.name) lacks one of the values to delete")
        }
        for target in try links.presentTargets(of: source, attribute: id) {
            try setLink(from: source, id, to: target, isPresent: false, in: context)
        }
    }

    /// - Returns: whether it was otherwise before; else nothing was written.
    @discardableResult
    func setLink(
        from source: GUID,
        _ attribute: Int32,
        to target: GUID,
        isPresent: Bool,
        in context: HeldNamingContext
    ) throws -> Bool {
        let existing = try links.row(source, attribute, target)
        guard existing?.isPresent ?? false != isPresent else { return false }
        let usn = try takeUSN()
        let stamp = LinkStamp(
            created: try existing?.stamp.created ?? max(now, linkFloor()),
            stamp: stamp(over: existing?.stamp.stamp, usn: usn)
        )
        try links.save(
            LinkRow(
                source: source,
                attribute: attribute,
                target: target,
                context: context.id,
                usn: usn,
                isPresent: isPresent,
                stamp: stamp,
                ageMark: isPresent ? nil : try age()
            )
        )
        note(changeIn: context)
        return true
    }
}
