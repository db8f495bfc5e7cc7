import DirectoryModel
import Foundation
import Identifiers
import Replication
import Testing

@testable import Store

@Suite struct `Cure of a database that was put back` {
    let base = "DC=reskit,DC=example"
    /// The life after the first cure of replica 1.
    let secondLife = GUID(high: 0x2f0, low: 1)

    // MARK: - Putting back

    /// A replica on a file, with a copy of the file from before its last hour.
    private final class Ship {
        let folder: URL
        private(set) var replica: Replica?
        private(set) var copiedAt = USN.zero
        var path: String { folder.path + "/directory.sqlite" }

        init() async throws {
            folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("cure-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            replica = try await Replica.withDomain(1, path: path)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        func close() throws {
            try replica?.store.close()
            replica = nil
        }

        func reopen() throws -> Replica {
            let opened = try Replica(1, path: path)
            replica = opened
            return Replica(opened, invocation: opened.store.identity.invocationID)
        }

        func copy() async throws {
            copiedAt = try await replica?.highestUSN() ?? .zero
            try close()
            try copyFiles(from: path, to: path + ".copy")
            _ = try reopen()
        }

        func putBack() throws {
            try close()
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
            try copyFiles(from: path + ".copy", to: path)
        }

        private func copyFiles(from: String, to: String) throws {
            for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: from + suffix) {
                try FileManager.default.copyItem(atPath: from + suffix, toPath: to + suffix)
            }
        }
    }

    private func order(_ ship: Ship, isReused: Bool = true) -> CureOrder {
        CureOrder(
            invocationID: GUID(high: 0x1f0, low: 1),
            keptUSN: ship.copiedAt,
            isReused: isReused,
            newInvocationID: secondLife
        )
    }

    /// HQ on a file and Vancouver; an hour that Vancouver has, HQ put back, and new writes there.
    private func lostHour() async throws -> (ship: Ship, hq: Replica, van: Replica) {
        let ship = try await Ship()
        let before = try #require(ship.replica)
        try await before.write(
            unit("OU=Deck,\(base)", .numbered(1)),
            person("CN=Ada,OU=Deck,\(base)", .numbered(2), ["title": ["Mate"]]),
            person("CN=Bob,OU=Deck,\(base)", .numbered(3)),
            group("CN=Crew,OU=Deck,\(base)", .numbered(4), members: ["CN=Ada,OU=Deck,\(base)"])
        )
        let van = try await Replica.joined(2, to: before)
        try await ship.copy()
        let lost = try #require(ship.replica)
        try await lost.write(
            unit("OU=Lost,\(base)", .numbered(10)),
            person("CN=Late,OU=Lost,\(base)", .numbered(11)),
            modify("CN=Ada,OU=Deck,\(base)", .replace, "description", "written in the lost hour"),
            modify("CN=Ada,OU=Deck,\(base)", .replace, "title", "Purser"),
            modify("CN=Crew,OU=Deck,\(base)", .add, "member", "CN=Bob,OU=Deck,\(base)"),
            seconds: 10
        )
        try await van.pull(from: lost)
        try ship.putBack()
        let hq = try ship.reopen()
        try await hq.write(
            unit("OU=New,\(base)", .numbered(20)),
            modify("CN=Ada,OU=Deck,\(base)", .replace, "title", "Captain"),
            modify("CN=Bob,OU=Deck,\(base)", .replace, "title", "Cook"),
            .delete(.dn(try name("CN=Crew,OU=Deck,\(base)"))),
            seconds: 20
        )
        return (ship, hq, van)
    }

    private func converge(_ replicas: [Replica]) async throws {
        for _ in 0..<4 {
            for destination in replicas {
                for source in replicas where source.dsa != destination.dsa {
                    try await destination.pull(from: source, seconds: 100)
                }
            }
        }
    }

    // MARK: - The end state

    @Test func `the lost hour and the new writes are both there, everywhere`() async throws {
        let (ship, before, van) = try await lostHour()
        try await before.store.beginCure(order(ship), at: at(30))
        try await before.store.finishCure(at: at(30))
        let hq = Replica(before, invocation: secondLife)
        #expect(hq.store.identity.invocationID == secondLife)
        try await van.store.retire(hq.store.snapshot { try $0.cureState() }.retired)
        try await converge([hq, van])
        #expect(try await hq.dump() == van.dump())
        try await hq.checkPlacement(Replica.domain, "")
        for replica in [hq, van] {
            #expect(try await replica.entry("CN=Late,OU=Lost,\(base)") != nil)
            #expect(try await replica.entry("OU=New,\(base)") != nil)
            let ada = try await replica.entry("CN=Ada,OU=Deck,\(base)")
            #expect(ada?.strings("description") == ["written in the lost hour"])
            #expect(ada?.strings("title") == ["Captain"])
            #expect(try await replica.entry("CN=Bob,OU=Deck,\(base)")?.strings("title") == ["Cook"])
            #expect(try await replica.entry("CN=Crew,OU=Deck,\(base)") == nil)
        }
    }

    @Test func `a third replica that took writes under USNs given out twice comes to the same state`()
        async throws
    {
        let (ship, before, van) = try await lostHour()
        // It knows nothing of the lost hour, and believes to have everything of that life up to the new writes.
        let third = try await Replica.joined(3, to: before)
        try await before.store.beginCure(order(ship), at: at(30))
        try await before.store.finishCure(at: at(30))
        let hq = Replica(before, invocation: secondLife)
        let retired = try await hq.store.snapshot { try $0.cureState() }.retired
        for replica in [van, third] { try await replica.store.retire(retired) }
        try await converge([hq, van, third])
        #expect(try await hq.dump() == van.dump())
        #expect(try await hq.dump() == third.dump())
        #expect(try await third.entry("CN=Late,OU=Lost,\(base)") != nil)
    }

    // MARK: - What comes back

    /// What this life wrote above the USN kept, and is still stamped so.
    private func left(_ life: GUID, above usn: USN, in replica: Replica) async throws -> [String] {
        try await replica.stamps().filter {
            $0.value.invocationID == life && $0.value.originatingUSN > usn
        }.keys.sorted()
    }

    @Test func `what an ended life wrote gets a stamp of the present one as it comes back`() async throws {
        let (ship, before, van) = try await lostHour()
        try await van.write(modify("OU=Lost,\(base)", .replace, "description", "kept"), seconds: 15)
        try await before.store.beginCure(order(ship), at: at(30))
        try await before.store.finishCure(at: at(30))
        let hq = Replica(before, invocation: secondLife)
        try await van.store.retire(hq.store.snapshot { try $0.cureState() }.retired)
        #expect(try await !left(before.invocation, above: ship.copiedAt, in: van).isEmpty)
        // In parts that answer nothing, and in answers.
        try await hq.apply(van.looseParts())
        #expect(try await hq.entry("CN=Late,OU=Lost,\(base)") != nil)
        #expect(try await left(before.invocation, above: ship.copiedAt, in: hq).isEmpty)
        try await converge([hq, van])
        #expect(try await left(before.invocation, above: ship.copiedAt, in: van).isEmpty)
        #expect(try await hq.dump() == van.dump())
        #expect(try await van.entry("OU=Lost,\(base)")?.strings("description") == ["kept"])
        // A database to which that life is somebody else's writes nothing again.
        let third = try await Replica.joined(3, to: van)
        #expect(try await third.stamps() == van.stamps())
    }

    @Test func `a write over one that comes back stands, even by a slow clock`() async throws {
        let (ship, before, van) = try await lostHour()
        let third = try await Replica.joined(3, to: van)
        // Ten seconds behind, and in the same second.
        try await third.write(
            modify("CN=Ada,OU=Deck,\(base)", .replace, "description", "slow"),
            seconds: 0
        )
        try await third.write(modify("OU=Lost,\(base)", .replace, "description", "first"), seconds: 10)
        try await before.store.beginCure(order(ship), at: at(30))
        try await before.store.finishCure(at: at(30))
        let hq = Replica(before, invocation: secondLife)
        let retired = try await hq.store.snapshot { try $0.cureState() }.retired
        for replica in [van, third] { try await replica.store.retire(retired) }
        try await hq.pull(from: van)
        try await converge([hq, third, van])
        for replica in [hq, van, third] {
            let ada = try await replica.entry("CN=Ada,OU=Deck,\(base)")
            #expect(ada?.strings("description") == ["slow"])
            #expect(try await replica.entry("OU=Lost,\(base)")?.strings("description") == ["first"])
        }
    }

    @Test func `what partial replicas gave back is written again, whoever's stamps it bears`() async throws {
        let ship = try await Ship()
        try await #require(ship.replica).write(unit("OU=Deck,\(base)", .numbered(1)))
        try await ship.copy()
        // A life that the copy knows nothing of.
        let middle = GUID(high: 0x4f0, low: 1)
        let lost = try #require(ship.replica)
        var between = order(ship, isReused: false)
        between.newInvocationID = middle
        try await lost.store.beginCure(between, at: at(20))
        try await lost.store.finishCure(at: at(20))
        try await lost.write(unit("OU=Lost,\(base)", .numbered(10)), seconds: 20)
        let parts = try await Replica(lost, invocation: middle).looseParts(above: ship.copiedAt)
        try ship.putBack()
        let hq = try ship.reopen()
        var last = order(ship, isReused: false)
        last.isRecovering = true
        try await hq.store.beginCure(last, at: at(30))
        try await hq.store.finishCure(at: at(30))
        try await hq.apply(parts)
        #expect(try await hq.stamps().values.contains { $0.invocationID == middle })
        try await hq.store.endRecovery(of: last.invocationID, at: at(40))
        #expect(try await !hq.stamps().values.contains { $0.invocationID == middle })
        #expect(try await hq.entry("OU=Lost,\(base)") != nil)
        let state = try await hq.store.snapshot { try $0.cureState() }
        #expect(state.retired.filter(\.isRecovering).isEmpty)
    }

    @Test func `an absent link value that is written again is collected when its time has come`() async throws
    {
        let ship = try await Ship()
        let hq = try #require(ship.replica)
        try await hq.write(
            unit("OU=A,\(base)", .numbered(1)),
            group("CN=Crew,OU=A,\(base)", .numbered(3), members: ["OU=A,\(base)", base])
        )
        _ = try await hq.store.observeAge(at: at(1))
        try await ship.copy()
        let again = try #require(ship.replica)
        try await again.write(modify("CN=Crew,OU=A,\(base)", .delete, "member", "OU=A,\(base)"))
        for day in Int64(0)...3 { _ = try await again.store.observeAge(at: at(day * 86_400)) }
        try await again.store.beginCure(order(ship), at: at(3 * 86_400))
        try await again.store.finishCure(at: at(3 * 86_400))
        func collected(on day: Int64) async throws -> Int {
            _ = try await again.store.observeAge(at: at(day * 86_400))
            return try await again.store.collectTombstones(
                of: Replica.domain.guid,
                lifetimeDays: 2,
                at: at(day * 86_400)
            ).links
        }
        #expect(try await collected(on: 4) == 0)
        #expect(try await collected(on: 5) == 1)
    }

    // MARK: - What is written again

    @Test func `only own stamps above the USN kept are written again, one second later`()
        async throws
    {
        let (ship, hq, _) = try await lostHour()
        let ended = hq.invocation
        let before = try await hq.stamps()
        try await hq.store.beginCure(order(ship), at: at(5_000))
        try await hq.store.finishCure(at: at(5_000))
        let after = try await hq.stamps()
        #expect(Set(before.keys) == Set(after.keys))
        var renewed = 0
        for (key, stamp) in before {
            let now = try #require(after[key])
            if stamp.invocationID == ended, stamp.originatingUSN > ship.copiedAt {
                renewed += 1
                #expect(now.invocationID == secondLife && now.version == stamp.version)
                #expect(now.time == stamp.time.adding(seconds: 1))
                #expect(now.originatingUSN > stamp.originatingUSN)
            } else {
                #expect(now == stamp)
            }
        }
        #expect(renewed >= 6)
        #expect(try await !hq.store.snapshot { try $0.cureState() }.isPending)
    }

    @Test func `link values and names are written again, too`() async throws {
        let ship = try await Ship()
        try #require(ship.replica).store.recordBoot(id: .numbered(1))
        try await ship.copy()
        let hq = try #require(ship.replica)
        try await hq.write(
            unit("OU=A,\(base)", .numbered(1)),
            person("CN=Ada,OU=A,\(base)", .numbered(2)),
            group("CN=Crew,OU=A,\(base)", .numbered(3), members: ["CN=Ada,OU=A,\(base)"])
        )
        try await hq.write(rename("CN=Ada,OU=A,\(base)", "CN=Ada Prime"))
        let tree = try await hq.tree()
        try await hq.store.beginCure(order(ship), at: at(30))
        try await hq.store.finishCure(at: at(30))
        #expect(try await hq.tree() == tree)
        try await hq.checkPlacement(Replica.domain, "")
        let stamps = try await hq.stamps()
        #expect(stamps.keys.contains { $0.hasPrefix("link") })
        let left = stamps.filter {
            $0.value.invocationID == hq.invocation && $0.value.originatingUSN > ship.copiedAt
        }
        #expect(left.isEmpty)
    }

    @Test(arguments: [1, 2, 3, 7])
    func `a cure that is broken off goes on after the next opening`(batches: Int) async throws {
        let (ship, hq, _) = try await lostHour()
        try await hq.store.beginCure(order(ship), at: at(30))
        for _ in 0..<batches { _ = try await hq.store.continueCure(limit: 1, at: at(30)) }
        try ship.close()
        try hq.store.close()
        let again = try ship.reopen()
        #expect(again.store.identity.invocationID == secondLife)
        try await again.store.finishCure(at: at(31))
        let left = try await again.stamps().filter {
            $0.value.invocationID != secondLife && $0.value.originatingUSN > ship.copiedAt
        }
        #expect(left.isEmpty)
        // Nothing is written twice.
        let twice = try await again.stamps().values.filter { $0.time > at(21) }
        #expect(twice.isEmpty)
        #expect(try await again.entry("OU=New,\(base)") != nil)
    }

    @Test func `an earlier life that must end lower than it did is written again from there`() async throws {
        let (ship, hq, _) = try await lostHour()
        let middle = USN(ship.copiedAt.rawValue + 2)
        var order = order(ship)
        order.keptUSN = middle
        try await hq.store.beginCure(order, at: at(30))
        try await hq.store.finishCure(at: at(30))
        let lastCure = try await hq.store.snapshot { try $0.cureState() }.lastCure
        order.keptUSN = ship.copiedAt
        order.newInvocationID = GUID(high: 0x3f0, low: 1)
        try await hq.store.beginCure(order, at: at(40))
        try await hq.store.finishCure(at: at(40))
        #expect(hq.store.identity.invocationID == secondLife)
        let state = try await hq.store.snapshot { try $0.cureState() }
        #expect(state.retired.map(\.keptUSN) == [ship.copiedAt])
        #expect(state.lastCure == lastCure)
        let left = try await hq.stamps().filter {
            $0.value.invocationID == hq.invocation && $0.value.originatingUSN > ship.copiedAt
        }
        #expect(left.isEmpty)
        let vector = try await hq.store.snapshot { try $0.vector(of: Replica.domain.guid, at: at(50)) }
        #expect(vector[hq.invocation]?.usn == ship.copiedAt)
    }

    @Test func `a halt survives, and a cure ends it`() async throws {
        let ship = try await Ship()
        let hq = try #require(ship.replica)
        let life = RetiredInvocation(invocationID: hq.invocation, keptUSN: USN(1), isReused: true)
        try await hq.store.setHalt("twice a day", life: life)
        try ship.close()
        let again = try ship.reopen()
        var state = try await again.store.snapshot { try $0.cureState() }
        #expect(state.haltReason == "twice a day" && state.haltedLife == life)
        try await again.store.beginCure(order(ship), at: at(1))
        state = try await again.store.snapshot { try $0.cureState() }
        #expect(state.haltReason == nil && state.haltedLife == nil && state.lastCure == at(1))
    }

    // MARK: - Boots of partners

    @Test func `boots of a partner are known after the transaction that took its message`() async throws {
        let hq = try await Replica.withDomain(1)
        let van = try await Replica.joined(2, to: hq)
        let header = MessageHeader(
            dsaGUID: hq.dsa,
            invocationID: hq.invocation,
            bootRecords: [BootRecord(bootID: .numbered(1), startUSN: USN(3))],
            namingContext: Replica.domain.guid
        )
        var part = try await hq.looseParts()[0]
        part.header = header
        part.asOf = USN(40)
        #expect(try await van.apply([part])[0].verdict == .apply(movesCursors: false))
        var putBack = header
        putBack.bootRecords = [BootRecord(bootID: .numbered(2), startUSN: USN(20))] + header.bootRecords
        let suspicion = try #require(try await van.store.examineBoots(putBack, usn: USN(90)))
        #expect(suspicion.boot.startUSN == USN(20))
        part.header = putBack
        part.asOf = USN(90)
        #expect(try await van.apply([part])[0].verdict == .refused(.rollbackSuspected(suspicion)))
        // What was refused has taught nothing.
        #expect(try await van.store.examineBoots(putBack, usn: USN(90)) == suspicion)
        var healthy = header
        healthy.bootRecords = [BootRecord(bootID: .numbered(3), startUSN: USN(40))] + header.bootRecords
        #expect(try await van.store.examineBoots(healthy, usn: USN(41)) == nil)
        // Another member cannot speak for that life.
        healthy.dsaGUID = GUID(high: 0xd5a, low: 77)
        healthy.bootRecords = [BootRecord(bootID: .numbered(9), startUSN: USN(0))]
        #expect(try await van.store.examineBoots(healthy, usn: USN(1)) == nil)
        #expect(try await van.store.examineBoots(header, usn: USN(40)) == nil)
    }

    // MARK: - Partial replicas

    @Test func `a partial replica that holds what its full one has lost is built again`() async throws {
        let ship = try await Ship()
        try await #require(ship.replica).write(unit("OU=Deck,\(base)", .numbered(1)))
        let catalog = try Replica(3)
        try await catalog.store.addReplica(Replica.domain, isPartial: true)
        try await ship.copy()
        let lost = try #require(ship.replica)
        try await lost.write(unit("OU=Lost,\(base)", .numbered(10)))
        try await catalog.pull(from: lost, kind: Replica.partialKind)
        #expect(try await catalog.entry("OU=Lost,\(base)") != nil)
        try ship.putBack()
        let before = try ship.reopen()
        try await before.store.beginCure(order(ship, isReused: false), at: at(30))
        try await before.store.finishCure(at: at(30))
        let hq = Replica(before, invocation: secondLife)
        try await hq.write(unit("OU=New,\(base)", .numbered(20)))
        let retired = try await hq.store.snapshot { try $0.cureState() }.retired
        try await catalog.store.retire(retired)
        try await catalog.pull(from: hq, kind: Replica.partialKind)
        let vector = try await hq.store.snapshot { try $0.vector(of: Replica.domain.guid, at: at(40)) }
        func settle() async throws -> Int {
            try await catalog.store.settleRetirements(
                of: Replica.domain.guid,
                source: MessageHeader(
                    dsaGUID: hq.dsa,
                    invocationID: secondLife,
                    bootRecords: [],
                    namingContext: Replica.domain.guid
                ),
                asOf: vector[secondLife]?.usn ?? .zero,
                vector: vector
            )
        }
        #expect(try await settle() == 1)
        #expect(try await settle() == 0)
        try await catalog.pull(from: hq, kind: Replica.partialKind, rounds: 2)
        let set = Set(catalog.store.schema.partialAttributeSet)
        #expect(try await catalog.dump() == hq.dump(restricted: set))
        #expect(try await catalog.entry("OU=New,\(base)") != nil)
        #expect(try await catalog.entry("OU=Lost,\(base)") == nil)
    }
}

extension Replica {
    /// The same store in another life.
    fileprivate init(_ replica: Replica, invocation: GUID) {
        self.init(store: replica.store, dsa: replica.dsa, invocation: invocation)
    }

    /// Every stamp of the domain, by what bears it.
    fileprivate func stamps() async throws -> [String: Stamp] {
        try await store.snapshot { snapshot in
            var found: [String: Stamp] = [:]
            let interval = USNInterval(from: .zero, to: try snapshot.highestUSN())
            try snapshot.changes(of: Replica.domain.guid, in: interval) { item in
                switch item {
                case .object(let object):
                    for attribute in object.attributes {
                        found["\(object.objectGUID) \(attribute.attribute)"] = attribute.stamp
                    }
                case .link(let link):
                    found["link \(link.source) \(link.attribute) \(link.target)"] = link.stamp.stamp
                }
                return true
            }
            return found
        }
    }
}
