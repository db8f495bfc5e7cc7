import DirectoryModel
import Identifiers
import Replication
import Testing

@testable import Store

@Suite struct `Held parts` {
    let base = "DC=reskit,DC=example"
    var unitA: String { "OU=A,\(base)" }

    /// HQ with one change that Vancouver lacks, of an object that both hold.
    private func pair() async throws -> (hq: Replica, van: Replica) {
        let hq = try await Replica.withDomain(1)
        try await hq.write(unit(unitA, .numbered(1)))
        let van = try await Replica.joined(2, to: hq)
        try await hq.write(modify(unitA, .replace, "description", "x"))
        try await van.pull(from: hq)
        try await hq.write(modify(unitA, .replace, "description", "y"))
        return (hq, van)
    }

    /// The part with another stamp on its first attribute.
    private func restamped(_ part: ChangesReply, version: UInt32? = nil, time: Timestamp? = nil)
        -> ChangesReply
    {
        var part = part
        let stamp = part.objects[0].attributes[0].stamp
        part.objects[0].attributes[0].stamp = Stamp(
            version: version ?? stamp.version,
            time: time ?? stamp.time,
            invocationID: stamp.invocationID,
            originatingUSN: stamp.originatingUSN
        )
        return part
    }

    private func answer(_ van: Replica, _ hq: Replica, _ id: UInt64) async throws -> ChangesReply {
        try #require(try await van.request(from: hq, id: .numbered(id)).first)
    }

    private func held(_ replica: Replica) async throws -> [HeldPart] {
        try await replica.store.snapshot { try $0.heldParts() }
    }

    private func description(_ replica: Replica) async throws -> String? {
        try await replica.entry(unitA)?.string("description")
    }

    private func cursors(_ replica: Replica) async throws -> (USN?, UpToDatenessVector) {
        try await replica.store.snapshot { snapshot in
            let destination = try snapshot.destination(of: Replica.domain.guid)
            return (destination.cursors.first?.highWatermark, destination.vector)
        }
    }

    @Test func `every poison holds its part, records it once and moves nothing`() async throws {
        let (hq, van) = try await pair()
        let part = try await answer(van, hq, 7)
        let before = (try await van.dump(), try await cursors(van), try await van.highestUSN())
        var own = part
        own.vector[van.invocation] = VectorEntry(usn: USN(1 << 20), time: at(1))
        var third = part
        third.vector[.numbered(3)] = VectorEntry(usn: USN(1 << 41), time: at(1))
        let poisoned: [(ChangesReply, String)] = [
            (restamped(part, version: 9_000_000), "version-leap"),
            (restamped(part, time: at(100 + 25 * 3600)), "stamp-ahead"), (own, "own-entry-ahead"),
            (third, "vector-leap"),
        ]
        for (times, (part, code)) in poisoned.enumerated() {
            let outcome = try await van.apply([part])[0]
            guard case .held(let reason) = outcome.verdict, case .keep(let row, let isNew) = outcome.heldCopy
            else {
                Issue.record("\(code) is not held: \(outcome.verdict)")
                continue
            }
            #expect(
                reason.code == code && row.code == code && reason.needsDecision == (code != "stamp-ahead")
            )
            #expect(isNew == (times == 0) && row.times == times + 1)
            #expect(try await held(van) == [row])
            #expect(HeldPartKey(row.key.description) == row.key)
        }
        let after = (try await van.dump(), try await cursors(van), try await van.highestUSN())
        #expect(after.0 == before.0 && after.1 == before.1 && after.2 == before.2)
        // Not sent again with old cursors for as long as the request lives.
        let pending = try await van.store.snapshot {
            try $0.destination(of: Replica.domain.guid).pendingRequest(to: hq.dsa)
        }
        #expect(pending == nil)
        // The good part of the same place makes every copy useless.
        let good = try await van.apply([part])[0]
        #expect(good.settledHolds.count == 1 && good.verdict == .apply(movesCursors: true))
        #expect(try await held(van).isEmpty)
    }

    @Test func `of two copies the newer is kept, whichever comes first`() async throws {
        let (hq, van) = try await pair()
        let old = restamped(try await answer(van, hq, 7), version: 9_000_000)
        try await hq.write(unit("OU=B,\(base)"))
        let new = restamped(try await answer(van, hq, 8), version: 9_000_000)
        #expect(new.asOf > old.asOf && new.interval.from == old.interval.from)
        for order in [[old, new, old], [new, old, new]] {
            for part in order {
                let outcome = try await van.apply([part])[0]
                let kept = try #require(try await held(van).first)
                if case .dropOlder = outcome.heldCopy { #expect(part.asOf == old.asOf) }
                if part.asOf == new.asOf { #expect(kept.asOf == new.asOf) }
            }
        }
        let kept = try await held(van)
        #expect(kept.count == 1 && kept[0].times == 6 && kept[0].asOf == new.asOf)
    }

    @Test func `a released part passes as it is, in any mail, and no other does`() async throws {
        let (hq, van) = try await pair()
        let poisoned = restamped(try await answer(van, hq, 7), version: 9_000_000)
        try await van.apply([poisoned])
        let key = try #require(try await held(van).first).key
        let released = try await van.store.decide(key, .released, by: "ada", at: at(150))
        #expect(released?.decision == .released && released?.decidedBy == "ada")
        // Other data in its place is held anew, and needs its own decision.
        let other = restamped(poisoned, version: 9_000_001)
        #expect(try await van.apply([other])[0].heldCopy.map { "\($0)".hasPrefix("keep") } == true)
        #expect(try await held(van).first?.decision == .undecided)
        _ = try await van.store.decide(key, .released, by: "ada", at: at(150))
        #expect(try await van.apply([poisoned])[0].heldCopy.map { "\($0)".hasPrefix("keep") } == true)
        _ = try await van.store.decide(key, .released, by: "ada", at: at(150))
        // The same data, cut again for another request.
        let again = restamped(try await answer(van, hq, 9), version: 9_000_000)
        let outcome = try await van.apply([again])[0]
        #expect(outcome.verdict == .apply(movesCursors: true) && outcome.settledHolds == [key])
        #expect(try await description(van) == "y")
        #expect(try await held(van).isEmpty)
        // Later writes win over it, here and everywhere.
        try await van.write(modify(unitA, .replace, "description", "z"), seconds: 160)
        let metadata = try await van.store.snapshot { try $0.metadata(of: .numbered(1)) }
        #expect(metadata?.attributes.first { $0.attribute == "description" }?.stamp.version == 9_000_001)
    }

    @Test func `a discarded part is dropped whenever it comes, until its source changes it`() async throws {
        let (hq, van) = try await pair()
        let poisoned = restamped(try await answer(van, hq, 7), version: 9_000_000)
        try await van.apply([poisoned])
        let key = try #require(try await held(van).first).key
        _ = try await van.store.decide(key, .discarded, by: "ada", at: at(150))
        for id in UInt64(8)...10 {
            let again = restamped(try await answer(van, hq, id), version: 9_000_000)
            let outcome = try await van.apply([again])[0]
            guard case .dropDiscarded(let row) = outcome.heldCopy else {
                Issue.record("held again: \(outcome)")
                return
            }
            #expect(row.decidedBy == "ada")
        }
        #expect(try await description(van) == "x")
        // Other poison is news.
        let other = restamped(try await answer(van, hq, 11), version: 9_500_000)
        guard case .keep(_, let isNew) = try await van.apply([other])[0].heldCopy else {
            Issue.record("other data was dropped, too")
            return
        }
        #expect(isNew)
        _ = try await van.store.decide(key, .discarded, by: "ada", at: at(150))
        // Repaired at the source: it comes in, and nothing is remembered.
        try await hq.write(modify(unitA, .replace, "description", "repaired"))
        try await van.pull(from: hq)
        #expect(try await description(van) == "repaired")
        #expect(try await held(van).isEmpty)
    }

    @Test func `stamps ahead pass when their time comes, or when they are here already`() async throws {
        let (hq, van) = try await pair()
        let part = try await answer(van, hq, 7)
        let ahead = restamped(part, time: at(100 + 25 * 3600))
        try await van.apply([ahead])
        #expect(try await held(van).first?.code == "stamp-ahead")
        let healed = try await van.apply([ahead], seconds: 100 + 2 * 3600)[0]
        #expect(healed.verdict == .apply(movesCursors: true) && healed.settledHolds.count == 1)
        #expect(try await held(van).isEmpty)
        // The clock was set back; the same change comes from another source.
        var other = ahead
        other.header = MessageHeader(
            dsaGUID: .numbered(50),
            invocationID: .numbered(51),
            bootRecords: [],
            namingContext: Replica.domain.guid
        )
        #expect(try await van.apply([other])[0].verdict == .apply(movesCursors: false))
        other.objects[0].attributes[0].stamp = restamped(other, version: 5).objects[0].attributes[0].stamp
        guard case .held(.stampAhead) = try await van.apply([other])[0].verdict else {
            Issue.record("news from the future passed")
            return
        }
    }

    @Test
    func `over a saturated version every later write still wins, in one second and with the clock back`()
        async throws
    {
        let (hq, van) = try await pair()
        let poisoned = restamped(try await answer(van, hq, 7), version: .max)
        try await van.apply([poisoned])
        let key = try #require(try await held(van).first).key
        _ = try await van.store.decide(key, .released, by: "ada", at: at(150))
        try await van.apply([poisoned])
        var stamps: [Stamp] = []
        func note() async throws {
            let metadata = try await van.store.snapshot { try $0.metadata(of: .numbered(1)) }
            stamps.append(try #require(metadata?.attributes.first { $0.attribute == "description" }).stamp)
        }
        try await note()
        for (text, seconds) in [("a", 200), ("b", 200), ("c", 200), ("d", -1_000), ("e", 201)]
            as [(String, Int64)]
        {
            try await van.write(modify(unitA, .replace, "description", text), seconds: seconds)
            #expect(try await description(van) == text)
            try await note()
        }
        #expect(stamps.allSatisfy { $0.version == .max })
        #expect(zip(stamps, stamps.dropFirst()).allSatisfy { $0 < $1 })
        // The owner of the poison takes the newest, too, whatever the order of arrival.
        let parts = try await van.looseParts()
        for order in [parts, parts.reversed()] {
            let fourth = try await Replica.joined(4, to: hq)
            try await fourth.apply([poisoned])
            for key in try await held(fourth).map(\.key) {
                _ = try await fourth.store.decide(key, .released, by: "x", at: at(1))
            }
            try await fourth.apply([poisoned])
            for part in order { try await fourth.apply([part]) }
            for key in try await held(fourth).map(\.key) {
                _ = try await fourth.store.decide(key, .released, by: "x", at: at(1))
            }
            for part in order { try await fourth.apply([part]) }
            #expect(try await description(fourth) == "e")
        }
    }

    @Test func `not more parts are held than the table may have`() async throws {
        let (hq, van) = try await pair()
        let part = restamped(try await answer(van, hq, 7), version: 9_000_000)
        var parts: [ChangesReply] = []
        for number in 1...(HeldPartRows.heldPartsMax + 1) {
            var other = part
            other.requestID = .numbered(999)
            other.interval = USNInterval(from: USN(number), to: USN(number + 1))
            other.asOf = USN(1 << 30)
            parts.append(other)
        }
        let fates = try await van.apply(parts).map(\.heldCopy)
        #expect(fates.last == .dropFull && fates.dropLast().allSatisfy { $0 != .dropFull })
        #expect(try await held(van).count == Int(HeldPartRows.heldPartsMax))
    }
}
