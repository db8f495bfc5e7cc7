import DirectoryModel
import Identifiers
import Replication
import Testing

@testable import Store

/// Random writes at two full replicas, random exchange with loss, repeats and disorder, and a partial replica
/// that follows both.
@Suite struct `Convergence` {
    static let base = "DC=reskit,DC=example"

    @Test(arguments: [1, 2, 3, 4, 5, 6])
    func `replicas that exchange until quiet are equal`(seed: UInt64) async throws {
        var world = try await World(seed: seed)
        for step in 0..<40 { try await world.step(step) }
        try await world.settle()
        let comment: Comment = "seed \(seed)"
        try await world.hq.checkPlacement(Replica.domain, comment)
        try await world.van.checkPlacement(Replica.domain, comment)
        try await world.catalog.checkPlacement(Replica.domain, comment)
        #expect(try await world.hq.dump() == world.van.dump(), comment)
        #expect(try await world.hq.tree() == world.van.tree(), comment)
        let set = Set(world.hq.store.schema.partialAttributeSet)
        #expect(try await world.hq.dump(restricted: set) == world.catalog.dump(), comment)
        #expect(try await world.hq.tree().sorted() == world.catalog.tree().sorted(), comment)
        #expect(try await world.hq.tree().count > 5, comment)
    }

    struct World {
        let hq: Replica
        let van: Replica
        /// A partial replica.
        let catalog: Replica
        var random: SeededGenerator
        var late: [(replica: Replica, part: ChangesReply)] = []
        var clock: Int64 = 10
        var drawn: UInt64 = 100

        init(seed: UInt64) async throws {
            random = SeededGenerator(seed: seed)
            hq = try await Replica.withDomain(1)
            van = try await Replica.joined(2, to: hq)
            catalog = try Replica(3)
            try await catalog.store.addReplica(Replica.domain, isPartial: true)
            try await catalog.pull(from: hq, kind: Replica.partialKind)
        }

        mutating func step(_ step: Int) async throws {
            let writer = Bool.random(using: &random) ? hq : van
            for _ in 0..<Int.random(in: 1...4, using: &random) { try await write(at: writer) }
            clock += Int64.random(in: 0...2, using: &random)
            let pairs = [(hq, van), (van, hq), (catalog, hq), (catalog, van)]
            let (destination, source) = pairs[Int.random(in: 0..<4, using: &random)]
            try await exchange(destination, source)
            // Parts that come much later.
            if Int.random(in: 0..<3, using: &random) == 0, let (replica, part) = late.popLast() {
                try await replica.apply([part], seconds: clock)
            }
        }

        private mutating func exchange(_ destination: Replica, _ source: Replica) async throws {
            let kind: ReplicaKind = destination.dsa == catalog.dsa ? Replica.partialKind : .full
            let limits = PartLimits(
                bytesMax: 1 << 20,
                objectsMax: Int.random(in: 1...6, using: &random),
                credit: 8
            )
            var parts = try await destination.request(
                from: source,
                id: GUID.random(using: &random),
                kind: kind,
                limits: limits,
                seconds: clock
            )
            parts.shuffle(using: &random)
            for part in parts {
                switch Int.random(in: 0..<8, using: &random) {
                case 0: continue
                case 1: late.append((destination, part))
                case 2: try await destination.apply([part, part], seconds: clock)
                default: try await destination.apply([part], seconds: clock)
                }
            }
        }

        private mutating func write(at replica: Replica) async throws {
            let (objects, deleted) = try await replica.store.snapshot { snapshot in
                var all: [(guid: GUID, dn: DistinguishedName, isUnit: Bool)] = []
                var deleted: [GUID] = []
                try snapshot.subtree(of: Replica.domain.guid, includeDeleted: true) { entry in
                    let isUnit = entry.strings("objectClass").contains("organizationalUnit")
                    if entry.isTombstone { deleted.append(entry.objectGUID) }
                    if entry.standing != .fixed, !entry.isTombstone {
                        all.append((entry.objectGUID, entry.dn, isUnit))
                    }
                    return true
                }
                return (all, deleted)
            }
            let parents = objects.filter(\.isUnit).map(\.dn) + [Replica.domain.dn]
            let parent = parents[Int.random(in: 0..<parents.count, using: &random)]
            let label = "n\(Int.random(in: 0..<6, using: &random))"
            drawn += 1
            let some = objects.randomElement(using: &random)
            let operation: OriginatingOperation
            switch Int.random(in: 0..<14, using: &random) {
            case 0...2:
                operation = .add(
                    Entry(
                        dn: parent.child(RDN(type: .ou, value: label)),
                        attributes: [EntryAttribute(name: "objectClass", strings: ["organizationalUnit"])]
                    ),
                    objectGUID: .numbered(drawn)
                )
            case 3, 4:
                let member = some?.dn ?? Replica.domain.dn
                operation = .add(
                    Entry(
                        dn: parent.child(RDN(type: .cn, value: label)),
                        attributes: [
                            EntryAttribute(name: "objectClass", strings: ["groupOfNames"]),
                            EntryAttribute(name: "member", strings: [member.description]),
                        ]
                    ),
                    objectGUID: .numbered(drawn)
                )
            case 5, 6:
                let text = "d\(Int.random(in: 0..<9, using: &random))"
                operation = .modify(
                    .guid(some?.guid ?? .zero),
                    [Modification(.replace, "description", [octets(text)])]
                )
            case 7, 8:
                let type: OID = some?.isUnit ?? false ? .ou : .cn
                operation = .rename(
                    .guid(some?.guid ?? .zero),
                    newRDN: RDN(type: type, value: label),
                    deleteOldRDN: true,
                    newSuperior: .dn(parent)
                )
            case 9, 10, 11:
                let groups = objects.filter { !$0.isUnit }
                let operationKind: ModifyOperation = Bool.random(using: &random) ? .add : .delete
                operation = .modify(
                    .guid(groups.randomElement(using: &random)?.guid ?? .zero),
                    [Modification(operationKind, "member", [octets(some?.dn.description ?? "")])]
                )
            case 12:
                let lost = FixedObject.lostAndFound.objectGUID(in: Replica.domain.guid)
                operation = .undelete(deleted.randomElement(using: &random) ?? .zero, newParent: .guid(lost))
            default:
                operation = .delete(.guid(some?.guid ?? .zero), tree: true)
            }
            // Refusals are part of the mixture.
            _ = try await replica.refusal(operation, seconds: clock)
        }

        /// Exchanges everything until no vector changes.
        func settle() async throws {
            var before: [String] = []
            for _ in 0..<20 {
                try await van.pull(from: hq, seconds: clock)
                try await hq.pull(from: van, seconds: clock)
                try await catalog.pull(from: hq, kind: Replica.partialKind, seconds: clock)
                let now = try await hq.dump() + van.dump() + catalog.dump()
                if now == before { return }
                before = now
            }
            Issue.record("not quiet after 20 rounds")
        }
    }
}
