import DirectoryModel
import Identifiers
import Replication
import Testing

@Suite struct `Comparison` {
    @Test func `messages come back as they were`() throws {
        for seed in UInt64(1)...200 {
            var samples = CodecSamples(seed: seed)
            let message = samples.comparison()
            let octets = ComparisonCodec.encode(message)
            #expect(try ComparisonCodec.decode(octets) == message, "seed \(seed)")
        }
    }

    @Test func `a message cut anywhere is refused, and neither codec takes the other's`() {
        for seed in UInt64(1)...40 {
            var samples = CodecSamples(seed: seed)
            let octets = ComparisonCodec.encode(samples.comparison())
            for length in 0..<octets.count
            where (try? ComparisonCodec.decode(Array(octets[..<length]))) != nil {
                Issue.record("seed \(seed), \(length) octets")
            }
            #expect((try? ReplicationCodec.decode(octets)) == nil, "seed \(seed)")
            let other = ReplicationCodec.encode(samples.message())
            #expect((try? ComparisonCodec.decode(other)) == nil, "seed \(seed)")
        }
    }

    @Test func `flipped bits are refused, or mean another message that is just as sound`() throws {
        for seed in UInt64(1)...2_000 {
            var samples = CodecSamples(seed: seed)
            var octets = ComparisonCodec.encode(samples.comparison())
            octets[samples.below(octets.count)] ^= UInt8(1 << samples.below(8))
            guard let message = try? ComparisonCodec.decode(octets) else { continue }
            #expect(try ComparisonCodec.decode(ComparisonCodec.encode(message)) == message, "seed \(seed)")
        }
    }

    @Test func `digests that do not ascend, and too many, are refused`() {
        var samples = CodecSamples(seed: 7)
        let digest = ObjectDigest(objectGUID: samples.guid(), digest: 1, isTombstone: false)
        var reply = samples.comparisonReply()
        reply.digests = [digest, digest]
        #expect((try? ComparisonCodec.decode(ComparisonCodec.encode(.reply(reply)))) == nil)
        reply.digests = Array(repeating: digest, count: ReplicationLimits.comparisonObjectsMax + 1)
        #expect((try? ComparisonCodec.decode(ComparisonCodec.encode(.reply(reply)))) == nil)
    }

    @Test func `settled objects must be equal, moving and collected ones are counted`() {
        let guids = (1...7).map { GUID(high: 0, low: UInt64($0)) }
        let settled = { (index: Int, digest: UInt64) in
            ObjectDigest(objectGUID: guids[index], digest: digest, isTombstone: false)
        }
        let moving = { (index: Int) in
            ObjectDigest(objectGUID: guids[index], digest: nil, isTombstone: false)
        }
        let tombstone = { (index: Int) in
            ObjectDigest(objectGUID: guids[index], digest: 9, isTombstone: true)
        }
        let comparison = ReplicaComparison(
            here: [settled(0, 1), settled(1, 2), settled(2, 3), moving(3), tombstone(5)],
            there: [settled(0, 1), settled(1, 7), settled(3, 3), settled(4, 4), moving(6)]
        )
        #expect(comparison.equal == 1)
        #expect(comparison.moving == 2)
        #expect(comparison.collected == 1)
        #expect(comparison.differences == [.unlike(guids[1]), .onlyHere(guids[2]), .onlyThere(guids[4])])
    }

    @Test func `what only one of two vectors has is not common`() {
        let (a, b) = (GUID(high: 0, low: 1), GUID(high: 0, low: 2))
        let time = Timestamp(seconds: 0)
        let left = UpToDatenessVector(entries: [
            a: .init(usn: USN(5), time: time), b: .init(usn: USN(1), time: time),
        ])
        let right = UpToDatenessVector(entries: [a: .init(usn: USN(3), time: time)])
        #expect(left.common(with: right).sorted.map(\.entry.usn) == [USN(3)])
    }
}

extension CodecSamples {
    mutating func comparison() -> ComparisonCodec.Message {
        guard chance() else { return .reply(comparisonReply()) }
        return .request(
            ComparisonRequest(header: header(), requestID: guid(), vector: vector(), replica: replica())
        )
    }

    mutating func comparisonReply() -> ComparisonReply {
        let digests = Set((0..<below(20)).map { _ in guid() }).sorted().map {
            ObjectDigest(objectGUID: $0, digest: chance() ? next() : nil, isTombstone: chance())
        }
        return ComparisonReply(
            header: header(),
            requestID: guid(),
            vector: vector(),
            replica: replica(),
            partNumber: 1 + below(10),
            parts: 1 + below(10),
            digests: digests,
            refusal: chance() ? "no" : nil
        )
    }
}
