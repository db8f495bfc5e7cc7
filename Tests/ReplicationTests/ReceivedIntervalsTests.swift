import Identifiers
import Testing

@testable import Replication

@Suite struct `Received intervals` {
    /// The same by brute force: the tag of every single USN.
    struct NaiveIntervals {
        var tags: [Int64: Int64] = [:]

        mutating func insert(_ from: Int64, _ to: Int64, asOf: Int64) {
            guard max(from, 0) < min(to, asOf) else { return }
            for usn in (max(from, 0) + 1)...min(to, asOf) { tags[usn] = min(tags[usn] ?? asOf, asOf) }
        }

        var prefix: Int64 {
            var end: Int64 = 0
            while tags[end + 1] != nil { end += 1 }
            return end
        }

        /// The rule word for word, except that an interval is the run of equal tags.
        var closedPrefix: Int64 {
            var best: Int64 = 0
            guard prefix > 0 else { return 0 }
            for candidate in 1...prefix where (1...candidate).allSatisfy({ (tags[$0] ?? .max) <= candidate })
            {
                best = candidate
            }
            return best
        }

        func missing(upTo top: Int64) -> [Int64] { top < 1 ? [] : (1...top).filter { tags[$0] == nil } }
    }

    @Test func `agree with a brute-force model, rule included`() {
        for seed in 0..<600 {
            var random = WorldRandom(seed: seed)
            var intervals = ReceivedIntervals()
            var naive = NaiveIntervals()
            for _ in 0..<random.int(1...14) {
                let from = Int64(random.int(-2...24))
                let to = Int64(random.int(-2...30))
                let asOf = Int64(random.int(0...34))
                intervals.insert(USNInterval(from, to), asOf: USN(asOf))
                naive.insert(from, to, asOf: asOf)
                if random.chance(0.2) {
                    intervals.collapse(closedPrefix: AdoptionRule.closedPrefix(of: intervals))
                }
                #expect(intervals.contiguousPrefix.rawValue == naive.prefix, "seed \(seed)")
                #expect(
                    AdoptionRule.closedPrefix(of: intervals).rawValue == naive.closedPrefix,
                    "seed \(seed)"
                )
                let top = Int64(random.int(0...34))
                let missing = intervals.missing(upTo: USN(top))
                    .flatMap { Array(($0.from.rawValue + 1)...$0.to.rawValue) }
                #expect(missing == naive.missing(upTo: top), "seed \(seed)")
                let probe = USNInterval(Int64(random.int(0...20)), Int64(random.int(0...30)))
                let isHeld =
                    probe.isEmpty
                    || (probe.from.rawValue + 1...probe.to.rawValue).allSatisfy { naive.tags[$0] != nil }
                #expect(intervals.contains(probe) == isHeld, "seed \(seed)")
            }
            expectWellFormed(intervals, seed: seed)
        }
    }

    private func expectWellFormed(_ intervals: ReceivedIntervals, seed: Int) {
        for (left, right) in zip(intervals.tagged, intervals.tagged.dropFirst()) {
            #expect(left.interval.to <= right.interval.from, "seed \(seed)")
            let couldJoin = left.interval.to == right.interval.from && left.asOf == right.asOf
            #expect(!couldJoin, "seed \(seed)")
        }
        #expect(
            intervals.tagged.allSatisfy { !$0.interval.isEmpty && $0.interval.to <= $0.asOf },
            "seed \(seed)"
        )
    }

    @Test func `tags are those of the brute-force model where nothing was collapsed`() {
        for seed in 0..<200 {
            var random = WorldRandom(seed: seed)
            var intervals = ReceivedIntervals()
            var naive = NaiveIntervals()
            for _ in 0..<10 {
                let (from, to) = (Int64(random.int(0...20)), Int64(random.int(0...24)))
                let asOf = Int64(random.int(0...30))
                intervals.insert(USNInterval(from, to), asOf: USN(asOf))
                naive.insert(from, to, asOf: asOf)
            }
            var tags: [Int64: Int64] = [:]
            for piece in intervals.tagged {
                for usn in (piece.interval.from.rawValue + 1)...piece.interval.to.rawValue {
                    tags[usn] = piece.asOf.rawValue
                }
            }
            #expect(tags == naive.tags, "seed \(seed)")
        }
    }

    @Test func `too many intervals: the highest are forgotten and asked for again`() {
        var intervals = ReceivedIntervals()
        for index in 0..<Int64(ReceivedIntervals.intervalsMax + 40) {
            intervals.insert(USNInterval(index * 10 + 5, index * 10 + 9), asOf: USN(1_000_000))
        }
        #expect(intervals.tagged.count == ReceivedIntervals.intervalsMax)
        #expect(intervals.contains(USNInterval(5, 9)))
        let forgotten = Int64(ReceivedIntervals.intervalsMax) * 10
        #expect(!intervals.contains(USNInterval(forgotten + 5, forgotten + 9)))
    }

    @Test func `a set that grows by one cycle at a time stays small`() {
        var intervals = ReceivedIntervals()
        for usn in Int64(1)...2000 {
            intervals.insert(USNInterval(usn - 1, usn), asOf: USN(usn))
            intervals.collapse(closedPrefix: AdoptionRule.closedPrefix(of: intervals))
        }
        #expect(intervals.tagged.count == 1)
        #expect(AdoptionRule.closedPrefix(of: intervals) == USN(2000))
    }
}

@Suite struct `Up-to-dateness vector` {
    private let own = GUID.number(1)
    private let other = GUID.number(2)

    @Test func `covers up to its entry and nothing of a stranger`() {
        let vector = UpToDatenessVector(entries: [other: .init(usn: USN(5), time: .epoch)])
        func stamp(_ invocationID: GUID, _ usn: Int64) -> Stamp {
            Stamp(version: 1, time: .epoch, invocationID: invocationID, originatingUSN: USN(usn))
        }
        #expect(vector.covers(stamp(other, 5)))
        #expect(!vector.covers(stamp(other, 6)))
        #expect(!vector.covers(stamp(own, 1)))
    }

    @Test func `merging takes the higher entry and never raises the own one`() {
        var vector = UpToDatenessVector(entries: [other: .init(usn: USN(5), time: Timestamp(seconds: 9))])
        vector.merge(
            .init(entries: [
                own: .init(usn: USN(7), time: .epoch),
                other: .init(usn: USN(4), time: Timestamp(seconds: 10)),
            ]),
            excluding: own
        )
        #expect(vector.entries == [other: .init(usn: USN(5), time: Timestamp(seconds: 9))])
        vector.merge(
            .init(entries: [other: .init(usn: USN(5), time: Timestamp(seconds: 10))]),
            excluding: own
        )
        #expect(vector[other]?.time == Timestamp(seconds: 10))
        vector.merge(.init(entries: [other: .init(usn: USN(8), time: .epoch)]), excluding: own)
        #expect(vector[other]?.usn == USN(8))
        #expect(vector.dominates(.init(entries: [other: .init(usn: USN(8), time: Timestamp(seconds: 99))])))
        #expect(!vector.dominates(.init(entries: [own: .init(usn: USN(1), time: .epoch)])))
    }
}
