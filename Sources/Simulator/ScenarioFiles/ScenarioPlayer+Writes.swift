import DirectoryModel
import DomainController
import Identifiers
import Store

/// Originating writes.
extension ScenarioPlayer {
    func perform(_ write: ScenarioWrite, at index: Int, _ expected: ResultCode?) async throws {
        let site = world.sites[index]
        guard let store = site.dsa?.store else { throw Disappointment("\(file.dsas[index]) is down") }
        let (operations, context) = try await operations(write, store)
        let refusal = try await world.originate(operations, in: context, at: site)
        switch (refusal, expected) {
        case (nil, nil): return
        case (let refusal?, let wanted) where refusal.code == wanted: return
        case (let refusal?, _): throw Disappointment(names.text("refused: \(refusal)"))
        case (nil, let wanted?): throw Disappointment("it is not refused with \(wanted)")
        }
    }

    // MARK: - Names

    func reference(_ object: ScenarioObject, _ store: DirectoryStore) throws -> ObjectReference {
        switch object {
        case .label(let label): .guid(try names.known(label).guid)
        case .name(let name): .dn(try dn(name, store))
        }
    }

    func dn(_ name: String, _ store: DirectoryStore) throws -> DistinguishedName {
        try DistinguishedName(parsing: names.dn(name), naming: store.schema)
    }

    private func context(of object: ScenarioObject) throws -> GUID {
        switch object {
        case .label(let label): try names.known(label).context
        case .name(let name): try names.context(of: name)
        }
    }

    /// The name under which an object appears at a site.
    func appearance(of object: ScenarioObject, _ store: DirectoryStore) async throws -> DistinguishedName? {
        let reference = try reference(object, store)
        return try await store.snapshot { snapshot in
            try snapshot.objectGUID(of: reference).flatMap { try snapshot.dn(of: $0) }
        }
    }

    // MARK: - Operations

    private func operations(
        _ write: ScenarioWrite,
        _ store: DirectoryStore
    ) async throws -> ([OriginatingOperation], GUID) {
        switch write {
        case .add(let name, let objectClass, let values, let label, let number):
            let context = try names.context(of: name)
            let dn = try dn(name, store)
            let guid = try names.add(label, number: number, in: context)
            let attributes =
                [
                    EntryAttribute(name: "objectClass", strings: ["top", objectClass]),
                    EntryAttribute(name: "cn", strings: [dn.leaf?.value ?? ""]),
                ] + values.map { EntryAttribute(name: $0.attribute, strings: $0.values) }
            return ([.add(Entry(dn: dn, attributes: attributes), objectGUID: guid)], context)
        case .modify(let object, let values):
            let changes = values.map {
                Modification(.replace, $0.attribute, $0.values.map { Array($0.utf8) })
            }
            return ([.modify(try reference(object, store), changes)], try context(of: object))
        case .rename(let object, let rdn):
            let operation = OriginatingOperation.rename(
                try reference(object, store),
                newRDN: RDN(type: .cn, value: rdn),
                deleteOldRDN: true
            )
            return ([operation], try context(of: object))
        case .move(let object, let parent):
            guard let rdn = try await appearance(of: object, store)?.leaf else {
                throw Disappointment("the object does not appear there")
            }
            let operation = OriginatingOperation.rename(
                try reference(object, store),
                newRDN: rdn,
                deleteOldRDN: false,
                newSuperior: try reference(parent, store)
            )
            return ([operation], try context(of: object))
        case .delete(let object, let isTree):
            return ([.delete(try reference(object, store), tree: isTree)], try context(of: object))
        case .undelete(let object, let parent):
            guard case .label(let label) = object else {
                throw Disappointment("what is deleted is named by its label")
            }
            let known = try names.known(label)
            let above = try parent.map { try reference($0, store) }
            return ([.undelete(known.guid, newParent: above)], known.context)
        case .link(let group, let member, let isPresent):
            return ([try await link(group, member, isPresent, store)], try context(of: group))
        case .defineAttribute(let name): return (try attribute(name), world.plan.schema.guid)
        case .setPartial(let name, let isMember):
            return ([try await partial(name, isMember, store)], world.plan.schema.guid)
        }
    }

    private func link(
        _ group: ScenarioObject,
        _ member: ScenarioObject,
        _ isPresent: Bool,
        _ store: DirectoryStore
    ) async throws -> OriginatingOperation {
        guard let dn = try await appearance(of: member, store) else {
            throw Disappointment("the member does not appear there")
        }
        let value = Array(dn.description(naming: store.schema).utf8)
        return .modify(
            try reference(group, store),
            [Modification(isPresent ? .add : .delete, "member", [value])]
        )
    }

    private func attribute(_ name: String) throws -> [OriginatingOperation] {
        var digest = TraceDigest()
        digest.add(name.utf8)
        let schema = world.plan.names.schema
        let arc = "2.25.114679493644005226379904039816138706207.8.\(digest.value >> 40)"
        return [
            try world.plan.layout.add(
                "CN=\(name),\(schema)",
                [
                    ("objectClass", ["top", "attributeSchema"]), ("cn", [name]), ("lDAPDisplayName", [name]),
                    ("attributeID", [arc]), ("attributeSyntax", ["1.3.6.1.4.1.1466.115.121.1.15"]),
                    ("isSingleValued", ["FALSE"]),
                ]
            ),
            .modify(
                .dn(try world.plan.layout.dn("CN=Container,\(schema)")),
                [Modification(.add, "mayContain", [Array(name.utf8)])]
            ),
        ]
    }

    private func partial(_ name: String, _ isMember: Bool, _ store: DirectoryStore) async throws
        -> OriginatingOperation
    {
        let schema = world.plan.schema.guid
        guard let display = store.schema.attribute(named: "lDAPDisplayName")?.oid,
            let found = try await store.snapshot({
                try $0.find(attribute: display, equals: Array(name.utf8), in: schema).first
            })
        else { throw Disappointment("no attribute \(name)") }
        let value = Array((isMember ? "TRUE" : "FALSE").utf8)
        return .modify(.guid(found), [Modification(.replace, "isMemberOfPartialAttributeSet", [value])])
    }
}
