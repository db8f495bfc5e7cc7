import DirectoryModel
import Identifiers
import Replication
import Testing

@testable import Store

private let day: Int64 = 86_400

extension Replica {
    /// Lets days pass, one look at the clock each.
    fileprivate func age(from first: Int64, to last: Int64) async throws {
        for number in first...last { _ = try await store.observeAge(at: at(number * day)) }
    }

    /// What is due on that day goes.
    @discardableResult
    fileprivate func collect(day number: Int64, lifetimeDays: Int = 180, presentLives: Set<GUID>? = nil)
        async throws -> CollectionOutcome
    {
        var total = CollectionOutcome()
        repeat {
            let outcome = try await store.collectTombstones(
                of: Self.domain.guid,
                lifetimeDays: lifetimeDays,
                presentLives: presentLives,
                after: total.next,
                at: at(number * day)
            )
            total.tombstones += outcome.tombstones
            total.links += outcome.links
            total.parents += outcome.parents
            total.uncovered += outcome.uncovered
            total.renewed += outcome.renewed
            total.next = outcome.next
        } while total.next != nil
        return total
    }

    /// One request as the agent makes it; nil when the source declines it (8614).
    fileprivate func exchange(from source: Replica, id: UInt64, day number: Int64, isLost: Bool = false)
        async throws -> [PartVerdict]?
    {
        let header = MessageHeader(
            dsaGUID: dsa,
            invocationID: invocation,
            bootRecords: [],
            namingContext: Self.domain.guid
        )
        let request = try await store.updateDestination(Self.domain.guid) { destination, ownUSN in
            destination.makeRequest(
                to: source.dsa,
                id: .numbered(id),
                header: header,
                kind: .full,
                limits: PartLimits(),
                at: at(number * day),
                ownUSN: ownUSN
            )
        }
        let collected = try await source.store.snapshot { try $0.collected(of: Self.domain.guid) }
        guard !SourceLedger.isUncovered(request, collected: collected) else { return nil }
        let parts = try await source.answer(request, seconds: number * day)
        return isLost ? [] : try await apply(parts, seconds: number * day).map(\.verdict)
    }

    func holds(_ guid: GUID) async throws -> Bool {
        try await store.snapshot { try $0.objects.holds(guid) }
    }

    /// The dump without what the other side has collected.
    fileprivate func dump(exceptCollectedAt other: Replica) async throws -> [String] {
        let context = Self.domain.guid
        let dead = try await store.snapshot { try $0.tombstones(of: context) }
        let gone = try await other.store.snapshot { snapshot in
            try dead.filter {
                try snapshot.wasCollected(object: $0.objectGUID, deletion: $0.deletion, in: context)
            }
        }.map { $0.objectGUID.description }
        return try await stampedState().filter { line in !gone.contains { line.contains($0) } }
    }
}

@Suite struct `Collection of tombstones` {
    private let base = "DC=reskit,DC=example"
    private let guid = GUID.numbered(1)

    /// HQ and Vancouver with one person, who is held by both.
    private func two() async throws -> (hq: Replica, van: Replica) {
        let hq = try await Replica.withDomain(1)
        try await hq.write(unit("OU=A,\(base)", .numbered(2)), person("CN=Ada,OU=A,\(base)", guid))
        let van = try await Replica.joined(2, to: hq)
        for replica in [hq, van] { try await replica.age(from: 0, to: 0) }
        return (hq, van)
    }

    @Test func `a tombstone lives its days from its arrival, and leaves its mark`() async throws {
        let (hq, van) = try await two()
        try await hq.write(.delete(.guid(guid)), seconds: day)
        for replica in [hq, van] { try await replica.age(from: 1, to: 11) }
        _ = try await van.exchange(from: hq, id: 100, day: 11)
        for replica in [hq, van] { try await replica.age(from: 12, to: 180) }
        #expect(try await hq.collect(day: 180).tombstones == 0)
        try await hq.age(from: 181, to: 181)
        let usn = try await hq.highestUSN()
        #expect(try await hq.collect(day: 181).tombstones == 1)
        #expect(try await hq.highestUSN() == usn)
        #expect(try await !hq.holds(guid))
        #expect(try await van.collect(day: 181).tombstones == 0)
        let mark = try await hq.store.snapshot { try $0.collected(of: Replica.domain.guid) }
        #expect(mark == [hq.invocation: usn])
        // Its name is free, its index rows are gone, and both still show the same.
        try await hq.checkPlacement()
        #expect(try await hq.stampedState() == van.dump(exceptCollectedAt: hq))
        #expect(try await van.exchange(from: hq, id: 101, day: 181) != nil)
        try await van.age(from: 181, to: 191)
        #expect(try await van.collect(day: 191).tombstones == 1)
        #expect(try await hq.stampedState() == van.stampedState())
    }

    @Test func `a leap of the clock collects nothing, nor does a machine that was switched off`() async throws
    {
        let (hq, _) = try await two()
        try await hq.write(.delete(.guid(guid)), seconds: day)
        try await hq.age(from: 1, to: 3)
        let leap = 10 * 365 + Int64(4)
        #expect(try await hq.store.observeAge(at: at(leap * day)) > 3_000 * day)
        #expect(try await hq.collect(day: leap).tombstones == 0)
        #expect(try await hq.collect(day: leap, lifetimeDays: 0).tombstones == 1)
    }

    @Test func `a deletion that our own vector does not cover stays`() async throws {
        let (hq, van) = try await two()
        let usn = try await hq.highestUSN()
        try await hq.write(.delete(.guid(guid)), seconds: day)
        for part in try await hq.looseParts(above: usn) { try await van.apply([part], seconds: day) }
        try await van.age(from: 1, to: 200)
        let outcome = try await van.collect(day: 200)
        #expect(outcome.tombstones == 0 && outcome.uncovered == 1)
        _ = try await van.exchange(from: hq, id: 100, day: 200)
        #expect(try await van.collect(day: 200).tombstones == 1)
    }

    @Test
    func `a deletion of a life that nobody has any more is written again, and collected a lifetime later`()
        async throws
    {
        let (hq, van) = try await two()
        let crew = "CN=Crew,\(base)"
        let gone = try await Replica.joined(3, to: hq)
        let usn = try await gone.highestUSN()
        try await gone.write(
            group(crew, .numbered(5), members: ["OU=A,\(base)", base]),
            modify(crew, .delete, "member", "OU=A,\(base)"),
            .delete(.guid(guid)),
            seconds: day
        )
        for part in try await gone.looseParts(above: usn) { try await hq.apply([part], seconds: day) }
        _ = try await van.exchange(from: hq, id: 100, day: 1)
        for replica in [hq, van] { try await replica.age(from: 1, to: 200) }
        // While it is some DSA's life, its vector may still come.
        let all: Set = [hq.invocation, van.invocation, gone.invocation]
        #expect(try await hq.collect(day: 200, presentLives: all).uncovered == 2)
        let left: Set = [hq.invocation, van.invocation]
        for replica in [hq, van] {
            let outcome = try await replica.collect(day: 200, presentLives: left)
            #expect(outcome.renewed == 2 && outcome.tombstones == 0 && outcome.links == 0)
        }
        _ = try await van.exchange(from: hq, id: 101, day: 201)
        _ = try await hq.exchange(from: van, id: 102, day: 201)
        _ = try await van.exchange(from: hq, id: 103, day: 201)
        #expect(try await hq.stampedState() == van.stampedState())
        for replica in [hq, van] {
            try await replica.age(from: 201, to: 379)
            #expect(try await replica.collect(day: 379, presentLives: left).tombstones == 0)
            try await replica.age(from: 380, to: 381)
            let outcome = try await replica.collect(day: 381, presentLives: left)
            #expect(outcome.tombstones == 1 && outcome.links == 1 && outcome.uncovered == 0)
            #expect(try await !replica.holds(guid))
        }
        #expect(try await hq.stampedState() == van.stampedState())
    }

    @Test func `a parent stays while any held object names it, and goes with its last child`() async throws {
        let (hq, van) = try await two()
        try await hq.write(.delete(.guid(.numbered(2)), tree: true), seconds: day)
        try await van.write(person("CN=Orphan,OU=A,\(base)", .numbered(3)), seconds: day)
        _ = try await hq.exchange(from: van, id: 100, day: 1)
        for replica in [hq, van] { try await replica.age(from: 1, to: 200) }
        let outcome = try await hq.collect(day: 200)
        #expect(outcome.tombstones == 1 && outcome.parents >= 1)
        #expect(try await hq.tree().contains("CN=Orphan,CN=LostAndFound,\(base)"))
        try await hq.write(.delete(.guid(.numbered(3))), seconds: 201 * day)
        try await hq.age(from: 201, to: 400)
        #expect(try await hq.collect(day: 400).tombstones == 2)
        try await hq.checkPlacement()
    }

    @Test func `an orphan that arrives after its parent was collected brings the parent along`() async throws
    {
        let (hq, van) = try await two()
        let third = try await Replica.joined(3, to: hq)
        try await third.age(from: 0, to: 0)
        try await van.write(person("CN=Orphan,OU=A,\(base)", .numbered(3)), seconds: day)
        try await hq.write(.delete(.guid(.numbered(2)), tree: true), seconds: day)
        _ = try await third.exchange(from: hq, id: 100, day: 1)
        _ = try await van.exchange(from: hq, id: 101, day: 2)
        try await third.age(from: 1, to: 200)
        #expect(try await third.collect(day: 200).tombstones == 2)
        #expect(try await third.exchange(from: van, id: 102, day: 201) != nil)
        #expect(try await third.tree().contains("CN=Orphan,CN=LostAndFound,\(base)"))
        #expect(try await van.tree().sorted() == third.tree().sorted())
        #expect(try await third.store.snapshot { try $0.counts(of: Replica.domain.guid).waiting } == 0)
    }

    @Test func `absent link values are collected, and a value added again later wins everywhere`()
        async throws
    {
        let (hq, van) = try await two()
        let crew = "CN=Crew,\(base)"
        try await hq.write(
            group(crew, .numbered(5), members: ["CN=Ada,OU=A,\(base)", "OU=A,\(base)"]),
            modify(crew, .delete, "member", "CN=Ada,OU=A,\(base)"),
            seconds: day
        )
        _ = try await van.exchange(from: hq, id: 100, day: 1)
        try await hq.age(from: 1, to: 182)
        #expect(try await hq.collect(day: 182).links == 1)
        #expect(try await hq.stampedState() != van.stampedState())
        // With a clock that lags by a year.
        try await hq.write(modify(crew, .add, "member", "CN=Ada,OU=A,\(base)"), seconds: -365 * day)
        _ = try await van.exchange(from: hq, id: 101, day: 183)
        #expect(try await van.entry(crew)?.strings("member").count == 2)
        #expect(try await hq.stampedState() == van.stampedState())
    }

    @Test func `undelete makes an object again where it was collected, with its link values`() async throws {
        let (hq, van) = try await two()
        let crew = "CN=Crew,\(base)"
        try await hq.write(
            group(crew, .numbered(5), members: ["CN=Ada,OU=A,\(base)", "OU=A,\(base)"]),
            modify(crew, .delete, "member", "CN=Ada,OU=A,\(base)"),
            .delete(.guid(.numbered(5))),
            seconds: day
        )
        try await hq.age(from: 1, to: 182)
        try await van.age(from: 1, to: 100)
        _ = try await van.exchange(from: hq, id: 100, day: 100)
        try await van.age(from: 101, to: 182)
        #expect(try await hq.collect(day: 182).tombstones == 1)
        try await van.write(.undelete(.numbered(5)), seconds: 182 * day)
        #expect(try await hq.exchange(from: van, id: 101, day: 182) == [.apply(movesCursors: true)])
        #expect(try await hq.entry(crew)?.strings("member") == ["OU=A,\(base)"])
        _ = try await van.exchange(from: hq, id: 102, day: 183)
        #expect(try await hq.stampedState() == van.stampedState())
        #expect(try await van.refusal(.undelete(.numbered(5)), seconds: 183 * day)?.code == .noSuchObject)
    }

    @Test func `requests that arrive daily while our replies are lost end in a refusal on both sides`()
        async throws
    {
        let (hq, van) = try await two()
        try await hq.write(.delete(.guid(guid)), seconds: day)
        var declined = 0
        for number in Int64(1)...200 {
            _ = try await hq.store.observeAge(at: at(number * day))
            try await hq.collect(day: number)
            let answer = try await van.exchange(from: hq, id: UInt64(number), day: number, isLost: true)
            if answer == nil { declined += 1 }
        }
        #expect(declined == 20)
        try await van.write(modify("CN=Ada,OU=A,\(base)", .replace, "title", "Captain"), seconds: 200 * day)
        let verdict = try #require(try await hq.exchange(from: van, id: 900, day: 200)).first
        guard case .refused(.collectedNotCovered) = verdict else {
            Issue.record("\(String(describing: verdict))")
            return
        }
        #expect(try await !hq.holds(guid))
        #expect(try await van.exchange(from: hq, id: 901, day: 201) == nil)
    }
}

@Suite struct `Starting over` {
    private let base = "DC=reskit,DC=example"

    /// Vancouver was away for 200 days; HQ deleted and collected a person and a unit meanwhile.
    private func apart() async throws -> (hq: Replica, van: Replica) {
        let hq = try await Replica.withDomain(1)
        try await hq.write(
            unit("OU=A,\(base)", .numbered(2)),
            unit("OU=B,\(base)", .numbered(6)),
            person("CN=Ada,OU=A,\(base)", .numbered(1)),
            group("CN=Crew,\(base)", .numbered(5), members: ["CN=Ada,OU=A,\(base)", "OU=A,\(base)"])
        )
        let van = try await Replica.joined(2, to: hq)
        try await van.age(from: 0, to: 0)
        try await van.write(person("CN=New,OU=A,\(base)", .numbered(7)), seconds: day)
        try await van.write(modify("CN=Ada,OU=A,\(base)", .replace, "title", "Captain"), seconds: day)
        try await van.write(
            .delete(.guid(.numbered(6)), tree: false),
            .undelete(.numbered(6)),
            seconds: 2 * day
        )
        try await van.write(person("CN=Kept,OU=B,\(base)", .numbered(8)), seconds: 2 * day)
        try await hq.age(from: 0, to: 0)
        try await hq.write(
            modify("CN=Crew,\(base)", .delete, "member", "CN=Ada,OU=A,\(base)"),
            .delete(.guid(.numbered(1))),
            .delete(.guid(.numbered(2))),
            seconds: day
        )
        try await hq.age(from: 1, to: 200)
        let outcome = try await hq.collect(day: 200)
        #expect(outcome.tombstones == 2 && outcome.links == 1)
        return (hq, van)
    }

    @Test func `what the source has collected goes, what it never knew stays and replicates`() async throws {
        let (hq, van) = try await apart()
        #expect(try await van.exchange(from: hq, id: 100, day: 200) == nil)
        try await van.store.resync(Replica.domain.guid, from: hq.dsa)
        // All stays in use until the source has shown what it has.
        #expect(try await van.entry("CN=Ada,OU=A,\(base)") != nil)
        let parts = try await van.request(from: hq, id: .numbered(101), seconds: 200 * day)
        let outcomes = try await van.apply(parts, seconds: 200 * day)
        let sweep = try #require(outcomes.compactMap(\.sweep).first)
        #expect(sweep.objects == 1 && sweep.buried == 1 && sweep.links == 1)
        #expect(sweep.overridden == [.numbered(1)])
        #expect(try await !van.holds(.numbered(1)))
        try await van.checkPlacement()

        #expect(try await hq.exchange(from: van, id: 102, day: 201) == [.apply(movesCursors: true)])
        #expect(try await van.exchange(from: hq, id: 103, day: 201) == [.apply(movesCursors: true)])
        #expect(try await hq.stampedState() == van.stampedState())
        #expect(try await hq.tree().sorted() == van.tree().sorted())
        #expect(try await hq.tree().contains("CN=New,CN=LostAndFound,\(base)"))
        #expect(try await hq.tree().contains("CN=Kept,OU=B,\(base)"))
    }

    @Test func `a resync that breaks off goes on, and nothing goes before the end`() async throws {
        let (hq, van) = try await apart()
        try await van.store.resync(Replica.domain.guid, from: hq.dsa)
        let limits = PartLimits(objectsMax: 1, credit: 64)
        let parts = try await van.request(from: hq, id: .numbered(101), limits: limits, seconds: 200 * day)
        #expect(parts.count > 3)
        for part in parts.dropLast().reversed() { _ = try await van.apply([part], seconds: 200 * day) }
        #expect(try await van.holds(.numbered(1)))
        let again = try await van.request(from: hq, id: .numbered(102), limits: limits, seconds: 201 * day)
        for part in again { _ = try await van.apply([part], seconds: 201 * day) }
        #expect(try await !van.holds(.numbered(1)))
        #expect(try await van.holds(.numbered(8)))
        try await van.checkPlacement()
    }

    @Test func `a partial replica starts over without a gap`() async throws {
        let hq = try await Replica.withDomain(1)
        try await hq.write(unit("OU=A,\(base)", .numbered(2)), person("CN=Ada,OU=A,\(base)", .numbered(1)))
        let catalog = try Replica(4)
        try await catalog.store.addReplica(Replica.domain, isPartial: true)
        try await catalog.pull(from: hq, kind: Replica.partialKind)
        try await hq.age(from: 0, to: 0)
        try await hq.write(.delete(.guid(.numbered(1))), seconds: day)
        try await hq.age(from: 1, to: 200)
        try await hq.collect(day: 200)
        try await catalog.store.resync(Replica.domain.guid, from: nil)
        #expect(try await catalog.holds(.numbered(1)))
        try await catalog.pull(from: hq, kind: Replica.partialKind, seconds: 200 * day)
        #expect(try await !catalog.holds(.numbered(1)))
        #expect(try await catalog.tree().sorted() == hq.tree().sorted())
    }

    @Test func `a lingering object stops its source, is listed, and is deleted where it lingers`()
        async throws
    {
        let hq = try await Replica.withDomain(1)
        try await hq.write(unit("OU=A,\(base)", .numbered(2)), person("CN=Ada,OU=A,\(base)", .numbered(1)))
        let van = try await Replica.joined(2, to: hq)
        // As after a fault: HQ knows of the creation and has the object no more.
        try await hq.store.change(at: at(0)) { transaction in
            guard let (row, body) = try transaction.objects.rowAndBody(.numbered(1)) else { return }
            try transaction.remove(row, body, from: transaction.view.context(id: row.context))
        }
        try await van.write(modify("CN=Ada,OU=A,\(base)", .replace, "title", "Captain"))
        #expect(
            try await hq.exchange(from: van, id: 100, day: 1)
                == [.refused(.lingeringObject(.numbered(1)))]
        )
        _ = try await hq.exchange(from: van, id: 101, day: 2)
        let listed = try await hq.store.snapshot { try $0.lingeringObjects(of: Replica.domain.guid) }
        #expect(listed.map(\.objectGUID) == [.numbered(1)])
        #expect(listed.map(\.source) == [van.dsa] && listed.map(\.since) == [at(day)])
        // Parts that nobody asked for are not judged.
        let loose = try await van.looseParts()
        #expect(try await hq.apply(loose).allSatisfy { $0.verdict == .apply(movesCursors: false) })

        try await van.write(.delete(.guid(.numbered(1))), seconds: 3 * day)
        #expect(try await hq.exchange(from: van, id: 102, day: 3) == [.apply(movesCursors: true)])
        #expect(try await hq.store.snapshot { try $0.lingeringObjects(of: Replica.domain.guid) }.isEmpty)
    }
}
