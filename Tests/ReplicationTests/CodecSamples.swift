import DirectoryModel
import Identifiers
import Replication

/// Makes messages from a seed: small and large numbers, empty and full lists.
struct CodecSamples {
    private var random: WorldRandom

    init(seed: UInt64) { random = WorldRandom(seed: Int(seed)) }

    // MARK: - Messages

    mutating func message() -> ReplicationMessage {
        switch below(4) {
        case 0: .request(request())
        case 1: .reply(reply())
        case 2: .poke(Poke(header: header(), usn: usn()))
        default:
            .error(
                ErrorReply(
                    header: header(),
                    requestID: chance() ? guid() : nil,
                    code: ReplicationErrorCode.allCases[below(ReplicationErrorCode.allCases.count)],
                    text: chance() ? "" : "the naming context \(below(1000)) isn't here \u{e9}\u{1f4ee}"
                )
            )
        }
    }

    mutating func request() -> ChangesRequest {
        ChangesRequest(
            header: header(),
            requestID: guid(),
            sequence: next(),
            sourceInvocationID: chance() ? guid() : nil,
            received: received(),
            vector: vector(),
            addedAttributes: chance() ? oids() : [],
            addedVector: chance() ? vector() : .init(),
            collected: chance() ? collected() : [:],
            isJoining: chance(),
            replica: replica(),
            partialAttributes: chance() ? oids() : nil,
            partBytesMax: 1 + below(Int(Int32.max)),
            partObjectsMax: 1 + below(10_000),
            credit: 1 + below(65_536)
        )
    }

    /// The table sorted and the attributes ascending, as they come out of the decoder.
    mutating func reply() -> ChangesReply {
        let attributes = oids()
        let invocationIDs = (0..<(1 + below(chance() ? 3 : 20))).map { _ in guid() }
        var reply = ChangesReply(
            header: header(),
            requestID: guid(),
            interval: USNInterval(from: usn(), to: usn()),
            asOf: usn(),
            vector: vector(),
            addedVector: chance() ? vector() : nil,
            collected: chance() ? collected() : [:],
            cutFor: replica(),
            attributes: attributes,
            partNumber: below(100),
            isLast: chance()
        )
        guard !attributes.isEmpty else { return reply }
        reply.objects = (0..<below(8)).map { _ in
            let indexes = attributes.indices.filter { _ in chance() }
            return ReplicatedObject(
                objectGUID: guid(),
                attributes: indexes.map {
                    ReplicatedAttribute(attribute: $0, stamp: stamp(invocationIDs), values: values())
                }
            )
        }
        let sources = [guid(), guid()]
        reply.links = (0..<below(8)).map { _ in
            ReplicatedLink(
                source: sources[below(2)],
                attribute: below(attributes.count),
                target: guid(),
                stamp: LinkStamp(created: time(), stamp: stamp(invocationIDs)),
                isPresent: chance()
            )
        }
        return reply
    }

    mutating func body() -> ObjectBody {
        let invocationIDs = (0..<(1 + below(12))).map { _ in guid() }
        return ObjectBody(
            attributes: (0..<below(20)).map { _ in
                ObjectBody.Attribute(
                    id: Int32(below(chance() ? 100 : Int(Int32.max))),
                    stamp: stamp(invocationIDs),
                    localUSN: usn(),
                    values: values()
                )
            }
        )
    }

    // MARK: - Items

    mutating func header() -> MessageHeader {
        MessageHeader(
            dsaGUID: guid(),
            invocationID: guid(),
            bootRecords: (0..<below(5)).map { _ in BootRecord(bootID: guid(), startUSN: usn()) },
            namingContext: guid()
        )
    }

    private mutating func received() -> ReceivedIntervals {
        var received = ReceivedIntervals()
        for _ in 0..<below(10) {
            let from = Int64(below(1000))
            let to = from + Int64(below(100))
            received.insert(
                USNInterval(from: USN(from), to: USN(to)),
                asOf: USN(to + Int64(below(1000)))
            )
        }
        return received
    }

    mutating func vector() -> UpToDatenessVector {
        var vector = UpToDatenessVector()
        for _ in 0..<below(6) { vector[guid()] = VectorEntry(usn: usn(), time: time()) }
        return vector
    }

    private mutating func collected() -> [GUID: USN] {
        var entries: [GUID: USN] = [:]
        for _ in 0...below(4) { entries[guid()] = usn() }
        return entries
    }

    mutating func replica() -> ReplicaKind {
        chance() ? .full : .partial(digest: (0..<16).map { _ in UInt8(below(256)) })
    }

    private mutating func oids() -> [OID] {
        let oids = (0..<below(12)).compactMap { _ in OID("1.2.840.\(below(1_000_000)).\(below(300))") }
        return Set(oids).sorted()
    }

    private mutating func stamp(_ invocationIDs: [GUID]) -> Stamp {
        Stamp(
            version: chance() ? UInt32(1 + below(3)) : UInt32(truncatingIfNeeded: next()),
            time: time(),
            invocationID: invocationIDs[below(invocationIDs.count)],
            originatingUSN: usn()
        )
    }

    private mutating func values() -> [[UInt8]] {
        let values = (0..<below(5)).map { _ in (0..<below(chance() ? 4 : 200)).map { _ in UInt8(below(256)) }
        }
        return Set(values).sorted { $0.lexicographicallyPrecedes($1) }
    }

    private mutating func usn() -> USN {
        switch below(4) {
        case 0: USN(Int64(below(3)))
        case 1: USN(Int64.max - Int64(below(3)))
        default: USN(Int64(below(5_000_000)))
        }
    }

    private mutating func time() -> Timestamp {
        switch below(6) {
        case 0: Timestamp(seconds: .min)
        case 1: Timestamp(seconds: .max)
        default: Timestamp(seconds: 1_795_608_000 + Int64(below(100_000)))
        }
    }

    mutating func guid() -> GUID {
        chance() ? GUID(high: next(), low: next()) : GUID(high: 0, low: UInt64(below(5)))
    }

    // MARK: - Randomness

    mutating func chance() -> Bool { below(2) == 0 }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    mutating func next() -> UInt64 { random.next() }

    static func hex(_ octets: [UInt8]) -> String {
        octets.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
