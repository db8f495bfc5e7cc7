import DirectoryModel
import DomainController
package import Identifiers
import InterSiteMessaging
import Replication
package import Store

/// What scenarios do to a world.
extension World {
    /// Attributes that operations name by number; the first two are in the partial attribute set.
    package static let attributeNames = ["description", "displayName", "adminDescription", "url"]

    package func perform(_ operation: Operation) async throws {
        note("! \(operation)")
        switch operation {
        case .add, .modify, .rename, .move, .delete, .undelete, .link, .addAttribute, .setPartial, .enlarge,
            .lifetime:
            try await write(operation)
        case .forge(let from, let to, let version):
            forgeries[site(from).index * sites.count + site(to).index] = version
        case .decide(let index, let isReleased):
            try await decide(site(index), isReleased ? .released : .discarded)
            try await settle(site(index), contexts: [])
        case .resync(let index, let context, let source):
            try await resync(site(index), replica(context, site(source), at: site(index)), from: site(source))
        case .dropReplica(let index, let other): try await dropReplica(of: site(other), at: site(index))
        case .addReplica(let index, let other): try await addReplica(of: site(other), at: site(index))
        case .crash(let index, let calls): try await crash(site(index), afterCalls: calls)
        case .fileFault(let index, let calls): site(index).disk.arm(failingCall: calls + 1)
        case .stop(let index): await stop(site(index))
        case .start(let index): try await start(site(index))
        case .backup(let index): try backUp(site(index))
        case .restore(let index, let kind): try await putBack(site(index), kind)
        case .swap(let index): try await swap(site(index))
        case .clock(let index, let seconds):
            let clock = site(index).clock
            clock.skewSeconds += Int64(seconds)
            try await settle(site(index), contexts: [])
        case .block(let from, let to): network.block(from: site(from).index, to: site(to).index)
        case .open(let from, let to):
            network.open(from: site(from).index, to: site(to).index)
            await leave(site(from))
        case .openAll:
            network.openAll()
            for site in sites { await leave(site) }
        case .advance(let seconds): try await advance(seconds: seconds)
        case .sleep(let seconds):
            for site in sites { await stop(site) }
            clock.now = now.adding(seconds: Int64(seconds))
            try await startAll()
        }
    }

    /// Operations of a scenario may name more sites than there are.
    package func site(_ index: Int) -> SimulatedSite { sites[index % sites.count] }

    // MARK: - Machines

    private func crash(_ site: SimulatedSite, afterCalls calls: Int) async throws {
        guard site.isUp else { return }
        if calls == 0 { return collapse(site) }
        site.seams.arm(calls: calls)
    }

    /// Ends the program as an operator does.
    package func stop(_ site: SimulatedSite) async {
        guard let running = site.running else { return }
        await running.dsa.messaging.stop()
        countEvents(of: site)
        site.running = nil
        site.nextStep = nil
        site.restartAt = nil
    }

    // MARK: - Writes

    private struct Target {
        let site: SimulatedSite
        let namingContext: GUID
        let operations: [OriginatingOperation]
    }

    private func write(_ operation: Operation) async throws {
        guard let target = try await target(of: operation) else { return note("nothing to do") }
        try await originate(target.operations, in: target.namingContext, at: target.site)
    }

    /// Originates writes as a client at that site does, and notes them in the journal.
    ///
    /// - Returns: why the DSA refuses, when it does.
    @discardableResult
    package func originate(
        _ operations: [OriginatingOperation],
        in namingContext: GUID,
        at site: SimulatedSite
    ) async throws -> DirectoryError? {
        guard let dsa = site.dsa else { return nil }
        let before = try await dsa.store.snapshot { try $0.highestUSN() }
        let guids = site.guids
        var isAcknowledged = false
        do {
            _ = try await dsa.store.originate(operations, at: site.clock.now, randomGUID: { guids.next() })
            isAcknowledged = !site.seams.isDead
        } catch let error as DirectoryError {
            note("\(site.name) refuses: \(error)")
            return error
        } catch {
            guard site.seams.isDead else { throw OracleViolation(.failure, "a write fails: \(error)") }
        }
        try await record(site, in: namingContext, above: before, isAcknowledged: isAcknowledged)
        if !site.seams.isDead {
            do { try await dsa.announce([namingContext]) } catch {
                guard site.seams.isDead || site.disk.disarm() else {
                    throw OracleViolation(.failure, "a write is not announced: \(error)")
                }
            }
        }
        if !site.seams.isDead { await dsa.agent.step() }
        try await settle(site, contexts: [namingContext])
        return nil
    }

    func record(
        _ site: SimulatedSite,
        in namingContext: GUID,
        above before: USN,
        isAcknowledged: Bool
    ) async throws {
        guard let store = site.dsa?.store else { return }
        let invocationID = store.identity.invocationID
        let writes = try await store.snapshot { snapshot in
            var writes: [WriteJournal.Write] = []
            let interval = USNInterval(from: before, to: try snapshot.highestUSN())
            let vector = try snapshot.vector(of: namingContext, at: .epoch)
            try snapshot.changes(of: namingContext, in: interval) { item in
                writes += WriteJournal.writes(
                    in: item,
                    namingContext: namingContext,
                    by: invocationID,
                    above: before,
                    isAcknowledged: isAcknowledged,
                    vector: vector
                )
                return true
            }
            return writes
        }
        for write in writes.sorted(by: { $0.stamp.originatingUSN < $1.stamp.originatingUSN }) {
            journal.note(write)
            if write.attribute == .name, !(pools[namingContext] ?? []).contains(write.objectGUID) {
                pools[namingContext, default: []].append(write.objectGUID)
            }
        }
        if site.journaledUSN != nil {
            site.journaledUSN = try await store.snapshot { try $0.highestUSN() }
        }
    }

    package func namingContext(_ context: SimulatedContext, at site: SimulatedSite) -> GUID {
        switch context {
        case .configuration: plan.configuration.guid
        case .domain: plan.sites[site.index].domain.guid
        }
    }

    /// What a site pulls from another: the configuration, or that one's domain.
    private func replica(_ context: SimulatedContext, _ source: SimulatedSite, at site: SimulatedSite) -> GUID
    {
        context == .configuration ? plan.configuration.guid : plan.sites[source.index].domain.guid
    }

    /// The n-th object that was ever made there, modulo how many there are.
    package func object(_ number: Int, in namingContext: GUID) -> GUID? {
        guard let pool = pools[namingContext], !pool.isEmpty else { return nil }
        return pool[number % pool.count]
    }

    private func target(of operation: Operation) async throws -> Target? {
        switch operation {
        case .add(let index, let context, let isGroup, let name, let parent):
            let site = site(index)
            let nc = namingContext(context, at: site)
            let above = parent.flatMap { object($0, in: nc) } ?? nc
            guard let dn = try await site.dsa?.store.snapshot({ try $0.dn(of: above) }) else { return nil }
            let rdn = RDN(type: .cn, value: "n\(name)")
            let entry = Entry(
                dn: dn.child(rdn),
                attributes: [
                    EntryAttribute(
                        name: "objectClass",
                        strings: ["top", isGroup ? "groupOfMembers" : "container"]
                    ),
                    EntryAttribute(name: "cn", strings: ["n\(name)"]),
                ]
            )
            return Target(site: site, namingContext: nc, operations: [.add(entry)])
        case .modify(let index, let context, let number, let attribute, let value):
            let name = Self.attributeNames[attribute % Self.attributeNames.count]
            let values = value.map { [Array("v\($0)".utf8)] } ?? []
            return target(index, context, number) { object, _ in
                .modify(.guid(object), [Modification(.replace, name, values)])
            }
        case .rename(let index, let context, let number, let name):
            return target(index, context, number) { object, _ in
                .rename(.guid(object), newRDN: RDN(type: .cn, value: "n\(name)"), deleteOldRDN: true)
            }
        case .move(let index, let context, let number, let parent):
            return try await move(index, context, number, under: parent)
        case .delete(let index, let context, let number, let isTree):
            return target(index, context, number) { object, _ in .delete(.guid(object), tree: isTree) }
        case .undelete(let index, let context, let number):
            return target(index, context, number) { object, _ in .undelete(object) }
        case .link(let index, let context, let group, let member, let isPresent):
            return try await link(index, context, group, member, isPresent)
        case .addAttribute(let index, let number): return try schemaAttribute(index, number)
        case .enlarge(let index, let context, let number, let size, let value):
            let octets = Array("v\(value) ".utf8) + Array(repeating: UInt8(ascii: "x"), count: size << 10)
            return target(index, context, number) { object, _ in
                .modify(.guid(object), [Modification(.replace, Self.attributeNames[0], [octets])])
            }
        case .lifetime(let index, let days):
            let service = try plan.layout.dn(plan.names.directoryService)
            let change = Modification(.replace, "tombstoneLifetime", [Array("\(days)".utf8)])
            return Target(
                site: site(index),
                namingContext: plan.configuration.guid,
                operations: [.modify(.dn(service), [change])]
            )
        case .setPartial(let index, let attribute, let isMember):
            return try await partial(index, attribute, isMember)
        default: return nil
        }
    }

    private func target(
        _ index: Int,
        _ context: SimulatedContext,
        _ number: Int,
        _ make: (_ object: GUID, _ namingContext: GUID) -> OriginatingOperation
    ) -> Target? {
        let site = site(index)
        let nc = namingContext(context, at: site)
        guard site.isUp, let object = object(number, in: nc) else { return nil }
        return Target(site: site, namingContext: nc, operations: [make(object, nc)])
    }

    private func move(_ index: Int, _ context: SimulatedContext, _ number: Int, under parent: Int?)
        async throws
        -> Target?
    {
        let nc = namingContext(context, at: site(index))
        let above = parent.flatMap { object($0, in: nc) } ?? nc
        guard let object = object(number, in: nc), let store = site(index).dsa?.store,
            let rdn = try await store.snapshot({ try $0.dn(of: object)?.leaf })
        else { return nil }
        return target(index, context, number) { object, _ in
            .rename(.guid(object), newRDN: rdn, deleteOldRDN: false, newSuperior: .guid(above))
        }
    }

    private func link(
        _ index: Int,
        _ context: SimulatedContext,
        _ group: Int,
        _ member: Int,
        _ isPresent: Bool
    ) async throws -> Target? {
        let store = site(index).dsa?.store
        guard let store, let object = object(member, in: namingContext(context, at: site(index))),
            let dn = try await store.snapshot({ try $0.dn(of: object) })
        else { return nil }
        let value = Array(dn.description(naming: store.schema).utf8)
        return target(index, context, group) { group, _ in
            .modify(.guid(group), [Modification(isPresent ? .add : .delete, "member", [value])])
        }
    }

    private func schemaAttribute(_ index: Int, _ number: Int) throws -> Target? {
        let site = site(index)
        guard site.isUp else { return nil }
        let name = "simAttribute\(number)"
        let schema = plan.names.schema
        let operations = [
            try plan.layout.add(
                "CN=\(name),\(schema)",
                [
                    ("objectClass", ["top", "attributeSchema"]), ("cn", [name]), ("lDAPDisplayName", [name]),
                    ("attributeID", ["2.25.114679493644005226379904039816138706207.9.\(number + 1)"]),
                    ("attributeSyntax", ["1.3.6.1.4.1.1466.115.121.1.15"]), ("isSingleValued", ["FALSE"]),
                ]
            ),
            .modify(
                .dn(try plan.layout.dn("CN=Container,\(schema)")),
                [Modification(.add, "mayContain", [Array(name.utf8)])]
            ),
        ]
        return Target(site: site, namingContext: plan.schema.guid, operations: operations)
    }

    private func partial(_ index: Int, _ attribute: Int, _ isMember: Bool) async throws -> Target? {
        let site = site(index)
        let name = Self.attributeNames[attribute % Self.attributeNames.count]
        guard let store = site.dsa?.store, let display = store.schema.attribute(named: "lDAPDisplayName")?.oid
        else { return nil }
        let schema = plan.schema.guid
        let found = try await store.snapshot {
            try $0.find(attribute: display, equals: Array(name.utf8), in: schema).first
        }
        guard let found else { return nil }
        let value = Array((isMember ? "TRUE" : "FALSE").utf8)
        let modification = Modification(.replace, "isMemberOfPartialAttributeSet", [value])
        return Target(site: site, namingContext: schema, operations: [.modify(.guid(found), [modification])])
    }
}
