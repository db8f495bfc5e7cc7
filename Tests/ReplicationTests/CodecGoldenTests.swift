import DirectoryModel
import Identifiers
import Replication
import Testing

/// One message of each kind, octet by octet: the protocol cannot change by accident.
///
/// docs/protocol.md explains the reply.
@Suite struct `Octets of the protocol` {
    @Test func `a request`() throws {
        var received = ReceivedIntervals()
        received.insert(USNInterval(from: .zero, to: USN(1_000)), asOf: USN(1_200))
        received.insert(USNInterval(from: USN(1_100), to: USN(1_200)), asOf: USN(1_200))
        let request = ChangesRequest(
            header: Self.header,
            requestID: Self.requestID,
            sequence: 300,
            sourceInvocationID: Self.otherInvocationID,
            received: received,
            vector: Self.vector,
            addedAttributes: [Self.cn],
            addedVector: UpToDatenessVector(entries: [
                Self.invocationID: VectorEntry(usn: USN(1), time: Self.noon)
            ]),
            collected: [Self.otherInvocationID: USN(77)],
            isJoining: false,
            replica: .partial(digest: Array(UInt8(0xd0)...0xdf)),
            partialAttributes: [Self.telephoneNumber, Self.cn],
            partBytesMax: 1 << 20,
            partObjectsMax: 1_000,
            credit: 64
        )
        var sorted = request
        sorted.partialAttributes = [Self.cn, Self.telephoneNumber]
        try expect(
            .request(request),
            decodesTo: .request(sorted),
            """
            010100
            011011111111111111111111111111111111
            021022222222222222222222222222222222
            031033333333333333333333333333333333
            04130144444444444444444444444444444444c801
            051055555555555555555555555555555555
            062b0222222222222222222222222222222222b00980b7b6b00d77777777777777777777777777777777339f38
            071701222222222222222222222222222222220180b7b6b00d
            081201777777777777777777777777777777774d
            091101d0d1d2d3d4d5d6d7d8d9dadbdcdddedf
            1002ac02
            111077777777777777777777777777777777
            12090200e807c801646400
            13050103550403
            140100
            1509020355040303550414
            1603808040
            1702e807
            180140
            """
        )
    }

    @Test func `a reply`() throws {
        let first = Stamp(
            version: 2,
            time: Self.noon,
            invocationID: Self.invocationID,
            originatingUSN: USN(1_190)
        )
        let second = Stamp(
            version: 1,
            time: Self.noon.adding(seconds: -60),
            invocationID: Self.otherInvocationID,
            originatingUSN: USN(51)
        )
        let link = Stamp(
            version: 2,
            time: Self.noon.adding(seconds: 2),
            invocationID: Self.invocationID,
            originatingUSN: USN(1_191)
        )
        let reply = ChangesReply(
            header: Self.header,
            requestID: Self.requestID,
            interval: USNInterval(from: USN(1_000), to: USN(1_200)),
            asOf: USN(1_200),
            vector: Self.vector,
            cutFor: .full,
            attributes: [Self.cn, Self.telephoneNumber, Self.member],
            objects: [
                ReplicatedObject(
                    objectGUID: Self.objectGUID,
                    attributes: [
                        ReplicatedAttribute(attribute: 0, stamp: second, values: []),
                        ReplicatedAttribute(
                            attribute: 1,
                            stamp: first,
                            values: ["1", "12"].map { Array($0.utf8) }
                        ),
                    ]
                )
            ],
            links: [
                ReplicatedLink(
                    source: Self.objectGUID,
                    attribute: 2,
                    target: Self.namingContext,
                    stamp: LinkStamp(created: Self.noon, stamp: link),
                    isPresent: false
                ),
                ReplicatedLink(
                    source: Self.objectGUID,
                    attribute: 2,
                    target: Self.requestID,
                    stamp: LinkStamp(created: link.time, stamp: link),
                    isPresent: true
                ),
            ],
            partNumber: 1,
            isLast: true
        )
        try expect(
            .reply(reply),
            decodesTo: .reply(reply),
            """
            020100
            011011111111111111111111111111111111
            021022222222222222222222222222222222
            031033333333333333333333333333333333
            04130144444444444444444444444444444444c801
            051055555555555555555555555555555555
            062b0222222222222222222222222222222222b00980b7b6b00d77777777777777777777777777777777339f38
            090100
            2004e807b009
            2102b009
            220d0303550403035504140355041f
            2321027777777777777777777777777777777722222222222222222222222222222222
            242c01666666666666666666666666666666660200010088b6b6b00d660001020180b7b6b00dcc12020131023132
            253f02006666666666666666666666666666666602333333333333333333333333333333330201040203030255555555
            5555555555555555555555550201000000
            260101
            270101
            """
        )
    }

    @Test func `a poke`() throws {
        let poke = Poke(header: Self.header, usn: USN(1_200))
        try expect(
            .poke(poke),
            decodesTo: .poke(poke),
            """
            030100
            011011111111111111111111111111111111
            021022222222222222222222222222222222
            031033333333333333333333333333333333
            04130144444444444444444444444444444444c801
            3002b009
            """
        )
    }

    @Test func `an error reply`() throws {
        let error = ErrorReply(
            header: Self.header,
            requestID: Self.requestID,
            code: .unknownNamingContext,
            text: "no such naming context"
        )
        try expect(
            .error(error),
            decodesTo: .error(error),
            """
            040100
            011011111111111111111111111111111111
            021022222222222222222222222222222222
            031033333333333333333333333333333333
            04130144444444444444444444444444444444c801
            051055555555555555555555555555555555
            400101
            4117166e6f2073756368206e616d696e6720636f6e74657874
            """
        )
    }

    private func expect(
        _ message: ReplicationMessage,
        decodesTo decoded: ReplicationMessage,
        _ lines: String
    ) throws {
        let octets = ReplicationCodec.encode(message)
        #expect(CodecSamples.hex(octets) == lines.filter { !$0.isWhitespace })
        #expect(try ReplicationCodec.decode(octets) == decoded)
    }

    private static let requestID = GUID(high: 0x5555_5555_5555_5555, low: 0x5555_5555_5555_5555)
    private static let objectGUID = GUID(high: 0x6666_6666_6666_6666, low: 0x6666_6666_6666_6666)
    private static let namingContext = GUID(high: 0x3333_3333_3333_3333, low: 0x3333_3333_3333_3333)
    private static let invocationID = GUID(high: 0x2222_2222_2222_2222, low: 0x2222_2222_2222_2222)
    private static let otherInvocationID = GUID(high: 0x7777_7777_7777_7777, low: 0x7777_7777_7777_7777)
    private static let noon = Timestamp(seconds: 1_795_608_000)
    private static let cn = oid("2.5.4.3")
    private static let telephoneNumber = oid("2.5.4.20")
    private static let member = oid("2.5.4.31")

    private static let header = MessageHeader(
        dsaGUID: GUID(high: 0x1111_1111_1111_1111, low: 0x1111_1111_1111_1111),
        invocationID: invocationID,
        bootRecords: [
            BootRecord(
                bootID: GUID(high: 0x4444_4444_4444_4444, low: 0x4444_4444_4444_4444),
                startUSN: USN(200)
            )
        ],
        namingContext: namingContext
    )

    private static let vector = UpToDatenessVector(entries: [
        invocationID: VectorEntry(usn: USN(1_200), time: noon),
        otherInvocationID: VectorEntry(usn: USN(51), time: noon.adding(seconds: -3600)),
    ])

    /// Test constants are sound; an unsound one would show as a wrong table.
    private static func oid(_ dotted: String) -> OID { OID(dotted) ?? OID("2.5.4.0")! }
}
