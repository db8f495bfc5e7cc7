import DirectoryModel
import Identifiers
import Replication
import Testing

@Suite struct `Replication codec` {
    @Test func `every message comes back as it went, and always as the same octets`() throws {
        for seed in UInt64(1)...600 {
            var samples = CodecSamples(seed: seed)
            let message = samples.message()
            let octets = ReplicationCodec.encode(message)
            #expect(ReplicationCodec.encode(message) == octets, "seed \(seed)")
            let decoded = try ReplicationCodec.decode(octets)
            #expect(decoded == message, "seed \(seed)")
            #expect(ReplicationCodec.encode(decoded) == octets, "seed \(seed)")
        }
    }

    @Test func `a table in order of first use leaves sorted, with the same meaning`() throws {
        for seed in UInt64(1)...200 {
            var samples = CodecSamples(seed: seed)
            let reply = samples.reply()
            let count = reply.attributes.count
            var shuffled = reply
            shuffled.attributes.reverse()
            for index in shuffled.objects.indices {
                let attributes = shuffled.objects[index].attributes.map { attribute in
                    var moved = attribute
                    moved.attribute = count - 1 - attribute.attribute
                    return moved
                }
                shuffled.objects[index].attributes = Array(attributes[(attributes.count / 2)...])
                shuffled.objects[index].attributes += attributes[..<(attributes.count / 2)]
            }
            for index in shuffled.links.indices {
                shuffled.links[index].attribute = count - 1 - shuffled.links[index].attribute
            }
            #expect(
                ReplicationCodec.encode(.reply(shuffled)) == ReplicationCodec.encode(.reply(reply)),
                "seed \(seed)"
            )
        }
    }

    @Test func `a one-attribute change in a batch takes under 45 octets`() {
        var samples = CodecSamples(seed: 7)
        let invocationID = GUID(high: samples.next(), low: 1)
        let objects = (0..<1_000).map { number in
            let stamp = Stamp(
                version: 2,
                time: Timestamp(seconds: 1_795_608_000 + Int64(number / 3)),
                invocationID: invocationID,
                originatingUSN: USN(Int64(500_000 + number))
            )
            return ReplicatedObject(
                objectGUID: GUID(high: samples.next(), low: samples.next()),
                attributes: [
                    ReplicatedAttribute(attribute: 0, stamp: stamp, values: [Array("+1 604 555 0100".utf8)])
                ]
            )
        }
        var reply = samples.reply()
        reply.attributes = [OID("2.5.4.20")].compactMap { $0 }
        (reply.objects, reply.links) = ([], [])
        let empty = ReplicationCodec.encode(.reply(reply)).count
        reply.objects = objects
        let full = ReplicationCodec.encode(.reply(reply)).count
        #expect((full - empty) / objects.count < 45)
    }

    @Test func `too many boot records and too long a text are cut by the sender`() throws {
        var samples = CodecSamples(seed: 3)
        var header = samples.header()
        header.bootRecords = (0..<40).map { BootRecord(bootID: GUID(high: 1, low: $0), startUSN: USN(1)) }
        let text = String(repeating: "\u{e9}", count: 1_000)
        let error = ErrorReply(header: header, requestID: nil, code: .disabled, text: text)
        let octets = ReplicationCodec.encode(.error(error))
        guard case .error(let decoded) = try ReplicationCodec.decode(octets) else {
            Issue.record("not an error reply")
            return
        }
        #expect(decoded.text == String(repeating: "\u{e9}", count: 512))
        #expect(decoded.header.bootRecords == Array(header.bootRecords.prefix(32)))
    }

    @Test func `integers take the shortest form and any other is refused`() throws {
        for value in [0, 1, 127, 128, 16_383, 16_384, UInt64(Int64.max), .max - 1, .max] {
            var writer = ByteWriter()
            writer.varint(value)
            #expect(writer.octets.count == ByteWriter.varintOctets(value))
            var reader = ByteReader(writer.octets)
            #expect(try reader.varint() == value)
            #expect(reader.isAtEnd)
        }
        for value in [Int64.min, -1, 0, 1, .max] {
            var writer = ByteWriter()
            writer.signed(value)
            var reader = ByteReader(writer.octets)
            #expect(try reader.signed() == value)
        }
        let refused: [[UInt8]] = [
            [0x80, 0x00], Array(repeating: 0xff, count: 9) + [0x02], Array(repeating: 0xff, count: 12),
        ]
        for octets in refused {
            var reader = ByteReader(octets)
            #expect(throws: CodecError.self) { try reader.varint() }
        }
        var reader = ByteReader([0x80])
        #expect(throws: CodecError.truncated) { try reader.varint() }
    }
}
