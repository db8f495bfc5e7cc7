import DirectoryModel
import Identifiers
import Testing

@testable import Replication

@Suite struct `Cutting parts` {
    private static let life = GUID.number(12)
    private static let header = MessageHeader(
        dsaGUID: .number(2),
        invocationID: life,
        bootRecords: [],
        namingContext: .number(99)
    )

    private func request(
        received: ReceivedIntervals = .init(),
        life: GUID? = life,
        vector: [GUID: Int64] = [:],
        objectsMax: Int = 100,
        bytesMax: Int = 1 << 20,
        credit: Int = 100,
        sequence: UInt64 = 1
    ) -> ChangesRequest {
        ChangesRequest(
            header: MessageHeader(
                dsaGUID: .number(1),
                invocationID: .number(11),
                bootRecords: [],
                namingContext: .number(99)
            ),
            requestID: .number(5),
            sequence: sequence,
            sourceInvocationID: life,
            received: received,
            vector: UpToDatenessVector(entries: vector.mapValues { VectorEntry(usn: USN($0), time: .epoch) }),
            isJoining: false,
            replica: .full,
            partBytesMax: bytesMax,
            partObjectsMax: objectsMax,
            credit: credit
        )
    }

    private func cycle(
        _ request: ChangesRequest,
        asOf: Int64,
        skip: ReceivedIntervals = .init(),
        pas: Set<OID>? = nil
    ) -> SourceCycle {
        SourceCycle(
            request: request,
            header: Self.header,
            asOf: USN(asOf),
            vector: .init(),
            collected: [:],
            partialAttributes: pas,
            skip: skip
        )
    }

    private func object(_ usn: Int64, origin: Int = 12, attributes: [OID] = [.title]) -> SnapshotObject {
        let stamp = Stamp(
            version: 1,
            time: .epoch,
            invocationID: .number(origin),
            originatingUSN: USN(usn)
        )
        return SnapshotObject(
            usn: USN(usn),
            objectGUID: .number(Int(usn)),
            attributes: attributes.map {
                SnapshotAttribute(attribute: $0, stamp: stamp, values: [[1, 2, 3]])
            }
        )
    }

    private func intervals(_ pieces: (Int64, Int64)...) -> ReceivedIntervals {
        var result = ReceivedIntervals()
        for (from, to) in pieces { result.insert(USNInterval(from, to), asOf: USN(1000)) }
        return result
    }

    private func cut(_ cycle: SourceCycle, _ usns: [Int64]) -> [ChangesReply] {
        var cycle = cycle
        return usns.flatMap { cycle.offer(object($0)) } + cycle.finish()
    }

    @Test func `a cycle with nothing to send has one part`() {
        let whole = cut(cycle(request(received: intervals((0, 40))), asOf: 40), [])
        #expect(whole.map(\.interval) == [USNInterval(40, 40)])
        #expect(whole.map(\.asOf) == [USN(40)])
        let fresh = cut(cycle(request(), asOf: 40), [])
        #expect(fresh.map(\.interval) == [USNInterval(0, 40)])
        #expect(cut(cycle(request(), asOf: 0), []).count == 1)
    }

    @Test func `parts are contiguous and full ones end before the next object`() {
        let parts = cut(cycle(request(objectsMax: 2), asOf: 50), [3, 7, 20, 21, 30])
        #expect(parts.map(\.interval) == [USNInterval(0, 19), USNInterval(19, 29), USNInterval(29, 50)])
        #expect(parts.map(\.partNumber) == [1, 2, 3])
        #expect(parts.map(\.isLast) == [false, false, true])
        #expect(
            parts.map { $0.objects.map(\.objectGUID) }
                == [[3, 7], [20, 21], [30]].map { $0.map(GUID.number) }
        )
    }

    @Test func `a large object is a part of its own`() {
        let parts = cut(cycle(request(bytesMax: 1), asOf: 50), [3, 4, 9])
        #expect(parts.map(\.interval) == [USNInterval(0, 3), USNInterval(3, 8), USNInterval(8, 50)])
    }

    @Test func `the credit ends the cycle`() {
        var cycle = cycle(request(objectsMax: 1, credit: 2), asOf: 50)
        let parts = [3, 4, 9, 11].flatMap { cycle.offer(object($0)) }
        #expect(parts.map(\.interval) == [USNInterval(0, 3), USNInterval(3, 8)])
        #expect(!cycle.wantsMore)
        #expect(cycle.finish().isEmpty)
    }

    @Test func `empty stretches travel inside a neighbour, but never across what was skipped`() {
        let received = intervals((10, 20), (30, 40))
        let joined = cut(cycle(request(received: received), asOf: 60), [5, 50])
        #expect(joined.map(\.interval) == [USNInterval(0, 60)])
        let skipping = cut(cycle(request(received: received), asOf: 60, skip: intervals((20, 25))), [5, 50])
        #expect(skipping.map(\.interval) == [USNInterval(0, 10), USNInterval(25, 60)])
        #expect(skipping.map { $0.objects.count } == [1, 1])
    }

    @Test func `what was received of another life of the source means nothing`() {
        let foreign = request(received: intervals((0, 40)), life: .number(77))
        #expect(cycle(foreign, asOf: 40).ranges == [USNInterval(0, 40)])
    }

    @Test func `only attributes that the destination lacks are sent, and only those of the set`() {
        let lacking = request(vector: [.number(12): 8])
        #expect(cut(cycle(lacking, asOf: 20), [8, 9]).flatMap(\.objects).map(\.objectGUID) == [.number(9)])
        var partial = cycle(request(), asOf: 20, pas: [.description])
        _ = partial.offer(object(4, attributes: [.description, .name, .title]))
        let parts = partial.finish()
        #expect(parts.first?.attributes == [.description, .name])
        #expect(parts.first?.objects.first?.attributes.map(\.attribute) == [0, 1])
    }

    @Test func `link values travel by their own USN and stamp`() {
        var cycle = cycle(request(vector: [.number(12): 5]), asOf: 20, pas: [.member])
        for usn in Int64(4)...7 {
            let stamp = Stamp(version: 1, time: .epoch, invocationID: .number(12), originatingUSN: USN(usn))
            let link = SnapshotLink(
                usn: USN(usn),
                source: .number(1),
                attribute: usn == 7 ? .title : .member,
                target: .number(2),
                stamp: LinkStamp(created: .epoch, stamp: stamp),
                isPresent: true
            )
            #expect(cycle.offer(link).isEmpty)
        }
        #expect(cycle.finish().flatMap(\.links).map(\.stamp.stamp.originatingUSN) == [USN(6)])
    }

    @Test func `an ancestor comes along once when it stands later and may be lacking`() {
        var cycle = cycle(request(received: intervals((30, 40))), asOf: 60)
        cycle.offerAncestor(object(50))
        cycle.offerAncestor(object(35))
        cycle.offerAncestor(object(2))
        _ = cycle.offer(object(5))
        cycle.offerAncestor(object(50))
        _ = cycle.offer(object(6))
        _ = cycle.offer(object(50))
        let sent = cycle.finish().flatMap(\.objects).map(\.objectGUID)
        #expect(sent == [50, 5, 6, 50].map(GUID.number))
    }

    @Test func `every range is claimed once, nothing skipped is, and objects are in the part of their USN`() {
        for seed in 0..<500 {
            var random = WorldRandom(seed: seed)
            let asOf = Int64(random.int(0...60))
            func some(_ random: inout WorldRandom) -> ReceivedIntervals {
                var result = ReceivedIntervals()
                for _ in 0..<random.int(0...4) {
                    let from = Int64(random.int(0...60))
                    result.insert(USNInterval(from, from + Int64(random.int(0...12))), asOf: USN(1000))
                }
                return result
            }
            let (received, skip) = (some(&random), some(&random))
            let limits = (objects: random.int(1...4), credit: random.int(1...6))
            let request = request(received: received, objectsMax: limits.objects, credit: limits.credit)
            let usns = (Int64(0)...60).filter { $0 > 0 && $0 <= asOf && random.chance(0.4) }
            let parts = cut(cycle(request, asOf: asOf, skip: skip), usns)
            #expect((1...limits.credit).contains(parts.count), "seed \(seed)")
            for (left, right) in zip(parts, parts.dropFirst()) {
                #expect(left.interval.to <= right.interval.from, "seed \(seed)")
            }
            var claimed: Set<Int64> = []
            for part in parts where !part.interval.isEmpty {
                let here = Set((part.interval.from.rawValue + 1)...part.interval.to.rawValue)
                claimed.formUnion(here)
                let missing = here.filter { !received.contains(USNInterval($0 - 1, $0)) }
                #expect(missing.allSatisfy { !skip.contains(USNInterval($0 - 1, $0)) }, "seed \(seed)")
                let expected = usns.filter { missing.contains($0) }.map { GUID.number(Int($0)) }
                #expect(part.objects.map(\.objectGUID) == expected, "seed \(seed)")
            }
            guard parts.count < limits.credit else { continue }
            let wanted = (Int64(0)...60).filter { usn in
                let one = USNInterval(usn - 1, usn)
                return usn > 0 && usn <= asOf && !received.contains(one) && !skip.contains(one)
            }
            #expect(claimed.isSuperset(of: wanted), "seed \(seed)")
        }
    }

    @Test func `a source skips what it cut just now, but not for a request that is sent again`() {
        var ledger = SourceLedger()
        let now = Timestamp(seconds: 1000)
        let first = request(objectsMax: 1)
        #expect(ledger.accept(first, at: now, skipSeconds: 60)?.isEmpty == true)
        for part in cut(cycle(first, asOf: 50), [3, 9]) { ledger.note(part, for: first, at: now) }
        #expect(ledger.accept(first, at: now, skipSeconds: 60)?.isEmpty == true)
        let second = request(sequence: 2)
        #expect(ledger.accept(second, at: now, skipSeconds: 60)?.contains(USNInterval(0, 50)) == true)
        #expect(ledger.accept(first, at: now, skipSeconds: 60) == nil)
        let later = now.adding(seconds: 60)
        #expect(ledger.accept(second, at: later, skipSeconds: 60)?.isEmpty == true)
        var reborn = request()
        reborn.header.invocationID = .number(33)
        #expect(ledger.accept(reborn, at: now, skipSeconds: 60)?.isEmpty == true)
    }

    @Test func `what was cut by a clock that was set back since is cut again`() {
        var ledger = SourceLedger()
        let now = Timestamp(seconds: 1000)
        let first = request(objectsMax: 1)
        let ahead = now.adding(seconds: 50_000)
        #expect(ledger.accept(first, at: ahead, skipSeconds: 60)?.isEmpty == true)
        for part in cut(cycle(first, asOf: 50), [3, 9]) { ledger.note(part, for: first, at: ahead) }
        #expect(ledger.accept(request(sequence: 2), at: now, skipSeconds: 60)?.isEmpty == true)
    }

    @Test func `a destination that was put back counts its requests from lower numbers again`() {
        var ledger = SourceLedger()
        let now = Timestamp(seconds: 1000)
        let (first, second) = (
            BootRecord(bootID: .number(71), startUSN: USN(4)),
            BootRecord(bootID: .number(72), startUSN: USN(4))
        )
        var before = request(sequence: 9)
        before.header.bootRecords = [first]
        #expect(ledger.accept(before, at: now, skipSeconds: 60)?.isEmpty == true)
        for part in cut(cycle(before, asOf: 50), [3, 9]) { ledger.note(part, for: before, at: now) }
        var after = request(sequence: 3)
        after.header.bootRecords = [second, first]
        #expect(ledger.accept(after, at: now, skipSeconds: 60)?.isEmpty == true)
        // Late mail of the start before it is still older.
        var late = request(sequence: 2)
        late.header.bootRecords = [first]
        #expect(ledger.accept(late, at: now, skipSeconds: 60) == nil)
        late.sequence = 10
        #expect(ledger.accept(late, at: now, skipSeconds: 60) == nil)
        after.sequence = 2
        #expect(ledger.accept(after, at: now, skipSeconds: 60) == nil)
    }

    @Test func `a request that does not know of a collected deletion is refused unless it joins`() {
        var request = request(vector: [.number(13): 6])
        #expect(!SourceLedger.isUncovered(request, collected: [.number(13): USN(6)]))
        #expect(SourceLedger.isUncovered(request, collected: [.number(13): USN(7)]))
        request.isJoining = true
        #expect(!SourceLedger.isUncovered(request, collected: [.number(13): USN(7)]))
    }
}
