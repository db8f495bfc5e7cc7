import Identifiers
import Replication
import Testing

@Suite struct `Object body` {
    @Test func `comes back as it went`() throws {
        for seed in UInt64(1)...500 {
            var samples = CodecSamples(seed: seed)
            let body = samples.body()
            let blob = body.encoded()
            #expect(try ObjectBody(decoding: blob) == body, "seed \(seed)")
            #expect(try ObjectBody(decoding: blob).encoded() == blob, "seed \(seed)")
        }
    }

    @Test func `one attribute can be read alone`() throws {
        for seed in UInt64(1)...200 {
            var samples = CodecSamples(seed: seed)
            let body = samples.body()
            let blob = body.encoded()
            for attribute in body.attributes {
                #expect(try ObjectBody.attribute(attribute.id, in: blob) == attribute, "seed \(seed)")
                #expect(body[attribute.id] == attribute, "seed \(seed)")
            }
            let unused = Int32(samples.below(1_000))
            #expect(try ObjectBody.attribute(unused, in: blob) == body[unused], "seed \(seed)")
        }
    }

    @Test func `set and remove keep the order of ids`() {
        var body = ObjectBody(attributes: [attribute(9, usn: 1), attribute(3, usn: 2), attribute(9, usn: 3)])
        #expect(body.attributes == [attribute(3, usn: 2), attribute(9, usn: 3)])
        body.set(attribute(5, usn: 8))
        body.set(attribute(3, usn: 4))
        #expect(body.attributes == [attribute(3, usn: 4), attribute(5, usn: 8), attribute(9, usn: 3)])
        #expect(body.newestLocalUSN == USN(8))
        body.remove(id: 5)
        body.remove(id: 6)
        #expect(body.attributes.map(\.id) == [3, 9])
        #expect(body[5] == nil)
        #expect(ObjectBody().newestLocalUSN == .zero)
    }

    @Test func `a cut or damaged blob never traps`() throws {
        for seed in UInt64(1)...150 {
            var samples = CodecSamples(seed: seed)
            let blob = samples.body().encoded()
            for length in 0..<blob.count {
                let body = try? ObjectBody(decoding: Array(blob[..<length]))
                if body != nil { Issue.record("seed \(seed), \(length) octets") }
            }
            var damaged = blob
            damaged[samples.below(blob.count)] ^= UInt8(1 << samples.below(8))
            _ = try? ObjectBody.attribute(Int32(samples.below(100)), in: damaged)
            guard let body = try? ObjectBody(decoding: damaged) else { continue }
            #expect(try ObjectBody(decoding: body.encoded()) == body, "seed \(seed)")
        }
    }

    @Test func `another format and octets behind the end are refused`() {
        let blob = ObjectBody(attributes: [attribute(1, usn: 1)]).encoded()
        #expect(throws: CodecError.incompatible(major: 2)) {
            try ObjectBody(decoding: [2] + blob.dropFirst())
        }
        #expect(throws: CodecError.malformed("1 octets behind the last attribute")) {
            try ObjectBody(decoding: blob + [0])
        }
    }

    @Test func `the blob of a small object is what it was`() {
        let blob = ObjectBody(attributes: [attribute(3, usn: 4), attribute(200, usn: 5)]).encoded()
        let octets = """
            01 01 0102030405060708090a0b0c0d0e0f10 02
            03 02 00 88b7b6b00d 08 08 05 01 03416e6e
            c501 02 00 02 02 02 05 01 03416e6e
            """
        #expect(CodecSamples.hex(blob) == octets.filter { !$0.isWhitespace })
    }

    private func attribute(_ id: Int32, usn: Int64) -> ObjectBody.Attribute {
        let stamp = Stamp(
            version: 2,
            time: Timestamp(seconds: 1_795_608_000 + usn),
            invocationID: GUID(high: 0x0102_0304_0506_0708, low: 0x090a_0b0c_0d0e_0f10),
            originatingUSN: USN(usn)
        )
        return ObjectBody.Attribute(id: id, stamp: stamp, localUSN: USN(usn), values: [Array("Ann".utf8)])
    }
}
