import DirectoryModel
import Identifiers
import Replication
import Testing

@Suite struct `Replication codec and hostile octets` {
    @Test func `a message cut anywhere is refused`() {
        for seed in UInt64(1)...60 {
            var samples = CodecSamples(seed: seed)
            let octets = ReplicationCodec.encode(samples.message())
            for length in 0..<octets.count {
                let message = try? ReplicationCodec.decode(Array(octets[..<length]))
                if message != nil { Issue.record("seed \(seed), \(length) octets") }
            }
        }
    }

    @Test func `flipped bits are refused, or mean another message that is just as sound`() throws {
        for seed in UInt64(1)...2_000 {
            var samples = CodecSamples(seed: seed)
            var octets = ReplicationCodec.encode(samples.message())
            for _ in 0...samples.below(3) {
                octets[samples.below(octets.count)] ^= UInt8(1 << samples.below(8))
            }
            try expectSound(octets, "seed \(seed)")
        }
    }

    @Test func `random octets behind a sound start never trap`() throws {
        for seed in UInt64(1)...2_000 {
            var samples = CodecSamples(seed: seed)
            var octets: [UInt8] = [UInt8(1 + samples.below(4)), 1, 0]
            for tag in UInt8(1)...70 where samples.chance() {
                let content = (0..<samples.below(60)).map { _ in
                    UInt8(samples.below(samples.chance() ? 256 : 4))
                }
                octets += [tag, UInt8(content.count)] + content
            }
            try expectSound(octets, "seed \(seed)")
        }
    }

    private func expectSound(_ octets: [UInt8], _ name: Comment) throws {
        let message: ReplicationMessage
        do throws(CodecError) {
            message = try ReplicationCodec.decode(octets)
        } catch {
            return
        }
        #expect(try ReplicationCodec.decode(ReplicationCodec.encode(message)) == message, name)
    }

    // MARK: - Versions and fields

    @Test func `unknown fields and higher minor versions are skipped over`() throws {
        for seed in UInt64(1)...100 {
            var samples = CodecSamples(seed: seed)
            let message = samples.message()
            var octets = ReplicationCodec.encode(message)
            octets[2] = 9
            octets += [120, 3, 1, 2, 3, 0xff, 0x01, 0]
            #expect(try ReplicationCodec.decode(octets) == message, "seed \(seed)")
            octets[octets.count - 1] = 1
            #expect(throws: CodecError.truncated) { try ReplicationCodec.decode(octets) }
        }
    }

    @Test func `a higher major version is an incompatible peer, whatever follows`() {
        #expect(throws: CodecError.incompatible(major: 2)) { try ReplicationCodec.decode([9, 2, 0, 1]) }
        #expect(throws: CodecError.malformed("major version 0")) { try ReplicationCodec.decode([1, 0, 0]) }
        #expect(throws: CodecError.malformed("message type 9")) { try ReplicationCodec.decode([9, 1, 0]) }
    }

    @Test func `missing, repeated, disordered and overlong fields are refused`() {
        let octets = poke(usn: [7])
        #expect(refusal(of: octets) == nil)
        #expect(refusal(of: octets + [48, 1, 7]) == .malformed("field 48 behind 48"))
        #expect(refusal(of: octets + [5, 0]) == .malformed("field 5 behind 48"))
        #expect(refusal(of: Array(octets.dropLast(3))) == .malformed("field 48 (usn) is missing"))
        #expect(refusal(of: poke(usn: [7, 7])) == .malformed("1 octets too many in field 48 (usn)"))
        #expect(refusal(of: poke(usn: [])) == .truncated)
    }

    @Test func `too many fields are refused`() {
        var writer = ByteWriter()
        writer.raw(poke(usn: [7]))
        for tag in UInt64(1_000)...1_300 {
            writer.varint(tag)
            writer.varint(0)
        }
        #expect(refusal(of: writer.octets) == .tooLarge(item: "number of fields", value: 257, max: 256))
    }

    // MARK: - Values

    @Test func `a USN above 2^63-1 is refused`() {
        let top = Array(repeating: UInt8(0xff), count: 8)
        #expect(refusal(of: poke(usn: top + [0x7f])) == nil)
        #expect(refusal(of: poke(usn: top + [0xff, 0x01])) == .malformed("a USN above 2^63-1"))
        #expect(refusal(of: poke(usn: Array(repeating: 0x80, count: 9) + [0x01])) != nil)
        var writer = ByteWriter()
        writer.usn(USN(-1))
        #expect(refusal(of: poke(usn: writer.octets)) == .malformed("a USN above 2^63-1"))
    }

    @Test func `values out of order or twice make a part malformed`() {
        for values: [[UInt8]] in [[[2], [1]], [[1], [1]], [[], []], [[1, 1], [1]]] {
            #expect(refusal(of: part(values)) == .malformed("values out of order, or one twice"))
        }
        for values: [[UInt8]] in [[], [[]], [[], [1]], [[1], [1, 0], [2]]] {
            #expect(refusal(of: part(values)) == nil)
        }
    }

    @Test func `indexes beyond their table and repeated attributes are refused`() {
        var reply = sample
        reply.attributes = [.init("2.5.4.3"), .init("2.5.4.4")].compactMap { $0 }
        let attribute = ReplicatedAttribute(attribute: 1, stamp: stamp, values: [])
        reply.objects = [ReplicatedObject(objectGUID: .zero, attributes: [attribute])]
        #expect(refusal(of: ReplicationCodec.encode(.reply(reply))) == nil)
        reply.objects[0].attributes = [attribute, attribute]
        #expect(
            refusal(of: ReplicationCodec.encode(.reply(reply)))
                == .malformed("attributes out of order, or one twice")
        )
        for index in [2, -1, Int.max] {
            reply.objects[0].attributes = [ReplicatedAttribute(attribute: index, stamp: stamp, values: [])]
            #expect(
                refusal(of: ReplicationCodec.encode(.reply(reply)))
                    == .malformed("an attribute beyond its table")
            )
        }
        reply.objects = []
        reply.attributes.append(reply.attributes[0])
        #expect(
            refusal(of: ReplicationCodec.encode(.reply(reply)))
                == .malformed("OIDs out of order, or one twice")
        )
    }

    // MARK: - Limits

    @Test func `counts above a limit or beyond the octets are refused before anything is allocated`() {
        var reply = sample
        reply.objects = Array(repeating: ReplicatedObject(objectGUID: .zero, attributes: []), count: 10_001)
        #expect(
            refusal(of: ReplicationCodec.encode(.reply(reply)))
                == .tooLarge(item: "number of objects", value: 10_001, max: 10_000)
        )
        reply.objects = []
        reply.cutFor = .partial(digest: [1, 2, 3])
        #expect(refusal(of: ReplicationCodec.encode(.reply(reply))) == .truncated)

        for count in [UInt64(5), 100_001, .max] {
            var writer = ByteWriter()
            writer.varint(count)
            writer.guid(.zero)
            var reader = ByteReader(writer.octets)
            let refusal: CodecError =
                count == 5
                ? .truncated : .tooLarge(item: "entries", value: count, max: 100_000)
            #expect(throws: refusal) {
                try reader.count(max: 100_000, octetsPerItem: 16, "entries")
            }
        }
    }

    @Test func `a request for nothing, or for more than may be sent, is refused`() {
        var samples = CodecSamples(seed: 5)
        let request = samples.request()
        for change: (inout ChangesRequest) -> Void in [
            { $0.credit = 0 }, { $0.credit = 65_537 }, { $0.credit = -1 }, { $0.partBytesMax = 0 },
            { $0.partBytesMax = 1 << 31 }, { $0.partObjectsMax = 0 }, { $0.partObjectsMax = 10_001 },
        ] {
            var changed = request
            change(&changed)
            #expect(refusal(of: ReplicationCodec.encode(.request(changed))) != nil)
        }
    }

    @Test func `a message above 64 MiB is refused unread`() {
        let octets = [UInt8](repeating: 0, count: (64 << 20) + 1)
        #expect(
            refusal(of: octets)
                == .tooLarge(item: "octets of a message", value: (64 << 20) + 1, max: 64 << 20)
        )
    }

    // MARK: - Made by hand

    private var sample: ChangesReply {
        ChangesReply(
            header: MessageHeader(dsaGUID: .zero, invocationID: .zero, bootRecords: [], namingContext: .zero),
            requestID: .zero,
            interval: USNInterval(from: .zero, to: .zero),
            asOf: .zero,
            vector: .init(),
            cutFor: .full,
            partNumber: 1,
            isLast: true
        )
    }

    private var stamp: Stamp {
        Stamp(version: 1, time: .epoch, invocationID: .zero, originatingUSN: USN(1))
    }

    private func part(_ values: [[UInt8]]) -> [UInt8] {
        var reply = sample
        reply.attributes = [.init("2.5.4.3")].compactMap { $0 }
        let attribute = ReplicatedAttribute(attribute: 0, stamp: stamp, values: values)
        reply.objects = [ReplicatedObject(objectGUID: .zero, attributes: [attribute])]
        return ReplicationCodec.encode(.reply(reply))
    }

    private func poke(usn: [UInt8]) -> [UInt8] {
        let guid = [UInt8](repeating: 1, count: 16)
        return [3, 1, 0, 1, 16] + guid + [2, 16] + guid + [3, 16] + guid + [4, 1, 0, 48, UInt8(usn.count)]
            + usn
    }

    private func refusal(of octets: [UInt8]) -> CodecError? {
        do throws(CodecError) {
            _ = try ReplicationCodec.decode(octets)
            return nil
        } catch {
            return error
        }
    }
}
