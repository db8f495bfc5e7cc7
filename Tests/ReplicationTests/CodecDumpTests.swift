import DirectoryModel
import Identifiers
import Replication
import Testing

@Suite struct `Canonical dump` {
    @Test func `lines are what docs/protocol.md says`() throws {
        let invocationID = try #require(GUID("22222222-2222-2222-2222-222222222222"))
        let object = try #require(GUID("66666666-6666-6666-6666-666666666666"))
        let member = try #require(OID("2.5.4.31"))
        let stamp = Stamp(
            version: 2,
            time: Timestamp(seconds: 1_795_608_000),
            invocationID: invocationID,
            originatingUSN: USN(1_190)
        )
        let stampText = "2/1795608000/22222222-2222-2222-2222-222222222222/1190"
        #expect(
            CanonicalDump.name(namingContext: .zero, objectGUID: object, parent: .zero, stamp: stamp)
                == "\(GUID.zero) \(object) \(GUID.zero) \(stampText)"
        )
        #expect(
            CanonicalDump.attribute(objectGUID: object, attribute: member, stamp: stamp, digest: [0, 0xaf])
                == "\(object) 2.5.4.31 \(stampText) 00af"
        )
        let link = ReplicatedLink(
            source: object,
            attribute: 0,
            target: .zero,
            stamp: LinkStamp(created: Timestamp(seconds: 1_795_607_000), stamp: stamp),
            isPresent: false
        )
        #expect(
            CanonicalDump.link(link, attribute: member)
                == "\(object) 2.5.4.31 \(GUID.zero) 1795607000/\(stampText) absent"
        )
        #expect(CanonicalDump.vector(invocationID, USN(1_200)) == "\(invocationID) 1200")
        #expect(CanonicalDump.hashedOctets(of: [[], [0x31, 0x32]]) == [2, 0, 2, 0x31, 0x32])
    }
}
