import DirectoryModel
import Identifiers
import Replication
import Testing

@testable import Store

@Suite struct `Conflict ledger` {
    let base = "DC=reskit,DC=example"
    var ada: String { "CN=Ada,\(base)" }

    private func pair(_ operations: [OriginatingOperation] = []) async throws -> (Replica, Replica) {
        let hq = try await Replica.withDomain(1)
        _ = try await hq.write(all: [person(ada, .numbered(1), ["title": ["old"]])] + operations)
        return (hq, try await Replica.joined(2, to: hq))
    }

    private func exchange(_ hq: Replica, _ van: Replica) async throws {
        try await van.pull(from: hq)
        try await hq.pull(from: van)
    }

    private func ledger(_ replica: Replica) async throws -> [Conflict] {
        try await replica.store.snapshot { try $0.conflicts(limit: 1_000) }
    }

    private func values(_ conflict: Conflict?) -> [String] {
        (conflict?.values ?? []).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(arguments: [true, false])
    func `the losing value is kept where the two meet, whichever arrives, and comes back by a write`(
        hqIsNewer: Bool
    ) async throws {
        let (hq, van) = try await pair()
        try await hq.write(modify(ada, .replace, "title", "hq"), seconds: hqIsNewer ? 20 : 10)
        try await van.write(modify(ada, .replace, "title", "van"), seconds: hqIsNewer ? 10 : 20)
        try await exchange(hq, van)
        let (winner, loser) = hqIsNewer ? ("hq", "van") : ("van", "hq")
        // Vancouver met both; to HQ its own write comes back only when it has lost.
        let entry = try #require(try await ledger(van).first)
        #expect(try await ledger(van).count == 1)
        #expect(values(entry) == [loser])
        #expect(entry.attribute == "title" && entry.objectGUID == .numbered(1) && entry.target == nil)
        #expect(entry.losing.invocationID == (hqIsNewer ? van : hq).invocation)
        #expect(entry.winning.invocationID == (hqIsNewer ? hq : van).invocation)
        #expect(entry.source == hq.dsa && entry.found == at(100))
        #expect(try await van.store.snapshot { try $0.isStanding(entry) })
        #expect(try await ledger(hq).map(values) == (hqIsNewer ? [] : [[loser]]))
        #expect(try await hq.entry(ada)?.strings("title") == [winner])
        // The ledger is no part of what is compared.
        #expect(try await hq.stampedState() == van.stampedState())

        let usn = try await van.highestUSN()
        let result = try await van.store.restoreConflict(entry.id, at: at(200))
        #expect(result.usn == usn.next)
        #expect(try await van.entry(ada)?.strings("title") == [loser])
        #expect(try await ledger(van).isEmpty)
        #expect(try await van.store.snapshot { try $0.conflictCounts() }.entries == 0)
        try await exchange(hq, van)
        #expect(try await hq.entry(ada)?.strings("title") == [loser])
        #expect(try await hq.stampedState() == van.stampedState())
    }

    @Test func `a repeat is kept once, equal values and later versions are no conflict`() async throws {
        let (hq, van) = try await pair()
        let usn = try await hq.highestUSN()
        try await hq.write(modify(ada, .replace, "title", "hq"), seconds: 10)
        try await hq.write(modify(ada, .replace, "description", "same"), seconds: 10)
        try await van.write(modify(ada, .replace, "title", "van"), seconds: 20)
        try await van.write(modify(ada, .replace, "description", "same"), seconds: 20)
        let parts = try await hq.looseParts(above: usn)
        for _ in 0..<3 { #expect(try await van.apply(parts)[0].conflicts == 2) }
        #expect(try await ledger(van).map(values) == [["hq"]])
        #expect(try await van.store.snapshot { try $0.conflictCounts() }.entries == 1)
        // Over a known value there is nothing to lose.
        try await hq.write(modify(ada, .replace, "title", "hq2"), seconds: 30)
        try await van.apply(try await hq.looseParts(above: usn))
        #expect(try await van.entry(ada)?.strings("title") == ["hq2"])
        #expect(try await ledger(van).count == 1)
    }

    @Test func `a concurrent move comes back`() async throws {
        let crew = "CN=Crew,\(base)"
        let (hq, van) = try await pair([
            unit("OU=A,\(base)", .numbered(10)), unit("OU=B,\(base)", .numbered(11)),
            person("CN=Bob,\(base)", .numbered(2)),
            group(crew, .numbered(3), members: [ada, "CN=Bob,\(base)"]),
        ])
        try await hq.write(rename(ada, "CN=Ada", under: "OU=A,\(base)"), seconds: 10)
        try await van.write(rename(ada, "CN=Ada", under: "OU=B,\(base)"), seconds: 20)
        try await exchange(hq, van)
        let moved = try #require(try await ledger(van).first)
        #expect(moved.attribute == "name" && values(moved) == ["CN=Ada,OU=A,\(base)"])
        _ = try await van.store.restoreConflict(moved.id, at: at(200))
        #expect(try await van.dn(.numbered(1)) == "CN=Ada,OU=A,\(base)")

    }

    @Test func `a value put in here and taken out there is kept as what it was`() async throws {
        let crew = "CN=Crew,\(base)"
        let bob = "CN=Bob,\(base)"
        let (hq, van) = try await pair([
            person(bob, .numbered(2)), group(crew, .numbered(3), members: [ada, bob]),
        ])
        // An undelete writes every value again: with the version of the removal that it knows nothing of.
        try await hq.write(.delete(.guid(.numbered(3))), seconds: 10)
        try await hq.write(.undelete(.numbered(3)), seconds: 11)
        try await van.write(modify(crew, .delete, "member", bob), seconds: 20)
        try await exchange(hq, van)
        let entry = try #require(try await ledger(van).first)
        #expect(entry.target == .numbered(2) && entry.isPresent && entry.attribute == "member")
        #expect(try await van.entry(crew)?.strings("member") == [ada])
        _ = try await van.store.restoreConflict(entry.id, at: at(200))
        #expect(Set(try await van.entry(crew)?.strings("member") ?? []) == [ada, bob])
        #expect(try await ledger(van).isEmpty)
    }

    @Test func `restoring is refused where a write would be, and the entry stays`() async throws {
        let (hq, van) = try await pair()
        try await hq.write(modify(ada, .replace, "sn", "Hopper"), seconds: 10)
        try await van.write(modify(ada, .replace, "sn", "Lovelace"), seconds: 20)
        try await exchange(hq, van)
        let entry = try #require(try await ledger(van).first)
        func refusal(_ id: Int64) async throws -> DirectoryError? {
            do {
                _ = try await van.store.restoreConflict(id, at: at(200))
                return nil
            } catch let error as DirectoryError { return error }
        }
        #expect(try await refusal(999)?.code == .noSuchObject)
        try await van.write(.delete(.guid(.numbered(1))), seconds: 30)
        let deleted = try await refusal(entry.id)
        #expect(deleted?.code == .noSuchObject && deleted?.hint?.contains("undelete") == true)
        #expect(deleted.map { "\($0)" }?.contains("Hopper") == false)
        #expect(try await ledger(van).count == 1)
        try await van.write(.undelete(.numbered(1)), seconds: 40)
        #expect(try await refusal(entry.id) == nil)
        #expect(try await van.entry(ada)?.strings("sn") == ["Hopper"])
        // What the schema does not allow any more.
        let (left, right) = try await pair()
        try await left.write(modify(ada, .replace, "title", "a"), seconds: 10)
        try await right.write(modify(ada, .replace, "title", "b"), seconds: 20)
        try await exchange(left, right)
        let title = try #require(try await ledger(right).first)
        try await right.write(modify(ada, .replace, "title"), seconds: 30)
        try await right.write(modify(ada, .replace, "objectClass", "person"), seconds: 31)
        await #expect(throws: DirectoryError.self) {
            try await right.store.restoreConflict(title.id, at: at(40))
        }
        #expect(try await ledger(right).count == 1)
    }

    @Test func `the ledger keeps its caps, the oldest go first and are counted`() async throws {
        let replica = try await Replica.withDomain()
        func note(_ numbers: Range<UInt64>, octets: Int = 10, entriesMax: Int = 100, octetsMax: Int = 1 << 20)
            async throws
        {
            try await replica.store.change(at: at(1)) { transaction in
                transaction.ledger.entriesMax = entriesMax
                transaction.ledger.octetsMax = octetsMax
                for number in numbers {
                    let stamp = Stamp(
                        version: 1,
                        time: at(1),
                        invocationID: .numbered(number),
                        originatingUSN: USN(5)
                    )
                    try transaction.ledger.note(
                        LostWrite(
                            object: .numbered(number),
                            attribute: AttributeIDs.objectClass,
                            target: .zero,
                            context: try transaction.view.namingContext(Replica.domain.guid).id,
                            losing: stamp,
                            winning: stamp,
                            values: ValueSet([[UInt8](repeating: 1, count: octets)])
                        ),
                        from: .numbered(9)
                    )
                }
            }
        }
        func counts() async throws -> ConflictCounts {
            try await replica.store.snapshot { try $0.conflictCounts() }
        }
        try await note(0..<150)
        let full = try await counts()
        #expect(full.entries == 100 && full.dropped == 50)
        #expect(try await ledger(replica).map(\.objectGUID).last == .numbered(50))
        try await note(150..<153, octets: 20_000, octetsMax: 50_000)
        #expect(try await ledger(replica).map(\.objectGUID) == [.numbered(152), .numbered(151)])
        #expect(try await counts().octets < 50_000)
        try await note(200..<201, octets: 90_000, octetsMax: 50_000)
        let empty = try await counts()
        #expect(empty.entries == 0 && empty.octets == 0 && empty.dropped == 154)
        // Numbers are not given again.
        try await note(300..<301)
        #expect(try await ledger(replica).map(\.id) == [155])
        try await note(301..<303)
        let ofOne = try await replica.store.snapshot { try $0.conflicts(of: .numbered(301), limit: 10) }
        #expect(ofOne.map(\.objectGUID) == [.numbered(301)])
        let stored = try await replica.store.snapshot {
            try Query("SELECT count(*), coalesce(sum(octets), 0) FROM conflicts", in: $0.db).first {
                [$0.integer(0), $0.integer(1)]
            }
        }
        let after = try await counts()
        #expect(stored == [Int64(after.entries), Int64(after.octets)])
    }

    @Test func `clashes, lost and waiting objects are listed`() async throws {
        let (hq, van) = try await pair([unit("OU=A,\(base)", .numbered(10))])
        try await hq.write(person("CN=X,OU=A,\(base)", .numbered(11)), seconds: 10)
        try await van.write(person("CN=X,OU=A,\(base)", .numbered(12)), seconds: 20)
        try await hq.write(unit("OU=B,\(base)", .numbered(20)), seconds: 30)
        try await exchange(hq, van)
        try await hq.write(.delete(.guid(.numbered(20))), seconds: 40)
        try await van.write(person("CN=Y,OU=B,\(base)", .numbered(21)), seconds: 50)
        let usn = try await van.highestUSN()
        try await exchange(hq, van)
        let shown = try await hq.store.snapshot { try $0.displaced(in: Replica.domain.guid, limit: 10) }
        #expect(shown.map(\.kind) == [.name, .lostAndFound])
        #expect(shown.map(\.objectGUID) == [.numbered(11), .numbered(21)])
        #expect(shown[1].parent == .numbered(20) && shown[1].dn?.description.contains("LostAndFound") == true)
        try await van.write(
            unit("OU=C,\(base)", .numbered(30)),
            person("CN=Z,OU=C,\(base)", .numbered(31)),
            seconds: 60
        )
        let parts = try await van.looseParts(above: usn)
        try await hq.apply([parts[parts.count - 1]])
        let waiting = try await hq.store.snapshot { try $0.displaced(in: Replica.domain.guid, limit: 10) }
        #expect(waiting.last?.kind == .waiting && waiting.last?.dn == nil)
        #expect(waiting.last?.objectGUID == .numbered(31))
    }

    @Test func `values hidden behind the one that is shown are listed`() async throws {
        let docks = "OU=Docks,\(base)"
        let unit = Entry(
            dn: try name(docks),
            attributes: [
                EntryAttribute(name: "objectClass", strings: ["organizationalUnit", "extensibleObject"])
            ]
        )
        let (hq, van) = try await pair([
            person("CN=Bob,\(base)", .numbered(2)), .add(unit, objectGUID: .numbered(3)),
        ])
        func hidden(_ replica: Replica) async throws -> [HiddenValue] {
            try await replica.store.snapshot { try $0.hiddenValues(in: Replica.domain.guid, limit: 10) }
        }
        try await hq.write(modify(docks, .replace, "managedBy", ada), seconds: 10)
        #expect(try await hidden(hq).isEmpty)
        try await van.write(modify(docks, .replace, "managedBy", "CN=Bob,\(base)"), seconds: 20)
        try await exchange(hq, van)
        for replica in [hq, van] {
            let found = try await hidden(replica)
            #expect(found.map(\.target) == [.numbered(1)])
            #expect(found.first?.shown == .numbered(2) && found.first?.attribute == "managedBy")
        }
    }
}
