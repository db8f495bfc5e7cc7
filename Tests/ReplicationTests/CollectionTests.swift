import DirectoryModel
import Identifiers
import Testing

@testable import Replication

/// What a source sends of tombstones that the destination may have collected, and what a join may adopt.
@Suite struct `Travelling tombstones` {
    private static let life = GUID.number(12)
    private static let deletedMark = [Array("TRUE".utf8)]

    private func stamp(_ usn: Int64, by origin: Int = 13) -> Stamp {
        Stamp(version: 1, time: .epoch, invocationID: .number(origin), originatingUSN: USN(usn))
    }

    private func attribute(_ oid: OID, _ usn: Int64, by origin: Int = 13, _ values: [[UInt8]] = [[1]])
        -> SnapshotAttribute
    {
        SnapshotAttribute(attribute: oid, stamp: stamp(usn, by: origin), values: values)
    }

    private func name(under parent: GUID, _ usn: Int64, by origin: Int = 13) -> SnapshotAttribute {
        attribute(.name, usn, by: origin, [NameValue(parent: parent, rdn: RDN(type: .cn, value: "A")).octets])
    }

    private func tombstone(_ guid: Int, at usn: Int64, deleted: Int64, title: SnapshotAttribute)
        -> SnapshotObject
    {
        SnapshotObject(
            usn: USN(usn),
            objectGUID: .number(guid),
            attributes: [
                name(under: .number(99), 1), attribute(.objectClass, 1), title,
                attribute(.isDeleted, deleted, Self.deletedMark),
            ]
        )
    }

    private func cycle(knows vector: [Int: Int64], collected: [Int: Int64] = [:]) -> SourceCycle {
        let collected = collected.map { (GUID.number($0.key), USN($0.value)) }
        let entries = vector.map { (GUID.number($0.key), VectorEntry(usn: USN($0.value), time: .epoch)) }
        let header = { (dsa: Int, life: GUID) in
            MessageHeader(
                dsaGUID: .number(dsa),
                invocationID: life,
                bootRecords: [],
                namingContext: .number(99)
            )
        }
        let request = ChangesRequest(
            header: header(1, .number(11)),
            requestID: .number(5),
            sequence: 1,
            sourceInvocationID: Self.life,
            received: .init(),
            vector: UpToDatenessVector(entries: Dictionary(uniqueKeysWithValues: entries)),
            collected: Dictionary(uniqueKeysWithValues: collected),
            isJoining: false,
            replica: .full,
            partBytesMax: 1 << 20,
            partObjectsMax: 100,
            credit: 8
        )
        return SourceCycle(
            request: request,
            header: header(2, Self.life),
            asOf: USN(100),
            vector: .init(),
            collected: [:]
        )
    }

    private func sent(_ parts: [ChangesReply]) -> [GUID: Set<OID>] {
        var sent: [GUID: Set<OID>] = [:]
        for part in parts {
            for object in part.objects {
                sent[object.objectGUID, default: []]
                    .formUnion(object.attributes.map { part.attributes[$0.attribute] })
            }
        }
        return sent
    }

    private static let whole: Set<OID> = [.name, .objectClass, .title, .isDeleted]

    @Test func `a write that its deletion has overtaken brings the whole tombstone along`() {
        // The destination had the tombstone, and may have collected it; the title was written elsewhere.
        var cycle = cycle(knows: [13: 9])
        let parts = cycle.offer(
            tombstone(7, at: 50, deleted: 9, title: attribute(.title, 4, by: 14))
        )
        #expect(sent(parts + cycle.finish()) == [.number(7): Self.whole])
    }

    @Test func `a deletion that is all the news travels alone`() {
        var cycle = cycle(knows: [13: 8])
        let parts = cycle.offer(tombstone(7, at: 50, deleted: 9, title: attribute(.title, 2)))
        #expect(sent(parts + cycle.finish()) == [.number(7): [.isDeleted]])
    }

    @Test func `an object under a deleted parent brings it along, known or not, once per part`() {
        let parent = tombstone(7, at: 20, deleted: 9, title: attribute(.title, 2))
        let child = { (guid: Int, usn: Int64) in
            SnapshotObject(
                usn: USN(usn),
                objectGUID: .number(guid),
                attributes: [name(under: .number(7), usn, by: 14), attribute(.objectClass, usn, by: 14)]
            )
        }
        var known = cycle(knows: [13: 9])
        known.offerAncestor(parent)
        var parts = known.offer(child(8, 50))
        known.offerAncestor(parent)
        parts += known.offer(child(9, 51))
        parts += known.finish()
        #expect(sent(parts)[.number(7)] == Self.whole)
        #expect(parts.flatMap(\.objects).count == 3)

        // Who never heard of the parent gets it at its own place.
        var unknown = cycle(knows: [:])
        unknown.offerAncestor(parent)
        let later = unknown.offer(child(8, 50)) + unknown.finish()
        #expect(sent(later)[.number(7)] == nil)
        // A new title of a child that already stands there needs no parent.
        var settled = cycle(knows: [13: 9, 14: 50])
        settled.offerAncestor(parent)
        var titled = child(8, 50)
        titled = SnapshotObject(
            usn: USN(60),
            objectGUID: titled.objectGUID,
            attributes: titled.attributes + [attribute(.title, 60, by: 14)]
        )
        let update = settled.offer(titled) + settled.finish()
        #expect(sent(update) == [.number(8): [.title]])
    }

    @Test func `a link value of a tombstone brings it along, once per part`() {
        let group = tombstone(7, at: 20, deleted: 9, title: attribute(.title, 2))
        let link = { (target: Int, usn: Int64) in
            SnapshotLink(
                usn: USN(usn),
                source: .number(7),
                attribute: .member,
                target: .number(target),
                stamp: LinkStamp(created: .epoch, stamp: stamp(usn, by: 14)),
                isPresent: true,
                deletedSource: group
            )
        }
        var cycle = cycle(knows: [13: 9])
        let parts = cycle.offer(link(20, 50)) + cycle.offer(link(21, 51)) + cycle.finish()
        #expect(sent(parts) == [.number(7): Self.whole])
        #expect(parts.flatMap(\.objects).count == 1 && parts.flatMap(\.links).count == 2)
        var fresh = self.cycle(knows: [:])
        #expect(sent(fresh.offer(link(20, 50)) + fresh.finish()).isEmpty)
    }

    private func written(_ mark: Int64, version: UInt32, _ values: [[UInt8]]) -> SnapshotObject {
        let stamp = Stamp(
            version: version,
            time: .epoch,
            invocationID: .number(13),
            originatingUSN: USN(mark)
        )
        return SnapshotObject(
            usn: USN(50),
            objectGUID: .number(7),
            attributes: [
                name(under: .number(99), 1), attribute(.objectClass, 1), attribute(.title, 4),
                SnapshotAttribute(attribute: .isDeleted, stamp: stamp, values: values),
            ]
        )
    }

    @Test func `an object that lives again is sent whole with its values, whatever the vector covers`() {
        var cycle = cycle(knows: [13: 9])
        let revived = written(9, version: 2, [])
        let link = SnapshotLink(
            usn: USN(51),
            source: .number(7),
            attribute: .member,
            target: .number(20),
            stamp: LinkStamp(created: .epoch, stamp: stamp(3)),
            isPresent: true,
            deletedSource: revived
        )
        let parts = cycle.offer(revived) + cycle.offer(link) + cycle.finish()
        #expect(sent(parts) == [.number(7): Self.whole])
        #expect(parts.flatMap(\.links).count == 1)
    }

    @Test func `a tombstone of a second deletion is sent whole, unless the destination knows it collected`() {
        var unknown = cycle(knows: [13: 9], collected: [13: 8])
        let tombstone = written(9, version: 3, Self.deletedMark)
        #expect(sent(unknown.offer(tombstone) + unknown.finish()) == [.number(7): Self.whole])
        var known = cycle(knows: [13: 9], collected: [13: 9])
        #expect(sent(known.offer(tombstone) + known.finish()).isEmpty)
        var once = cycle(knows: [13: 9])
        #expect(sent(once.offer(written(9, version: 1, Self.deletedMark)) + once.finish()).isEmpty)
    }

    // MARK: - What may be adopted

    @Test func `a source that collected what never came here is refused`() {
        var bench = DestinationBench()
        let id = bench.ask().requestID
        var claim = bench.part(id, 0, 30, asOf: 30, vector: [.number(13): 7])
        claim.collected = [.number(13): USN(7)]
        #expect(
            bench.verdict(claim)
                == .refused(.collectedUnknown(invocationID: .number(13), collected: USN(7), known: .zero))
        )
        _ = bench.take(bench.part(id, 0, 30, asOf: 30, vector: [.number(13): 7]))
        var next = bench.part(id, 30, 40, asOf: 40, vector: [.number(13): 7])
        next.collected = [.number(13): USN(7)]
        #expect(bench.verdict(next) == .apply(movesCursors: true))
    }

    @Test func `a join does not adopt what was deleted and collected after it began`() {
        var bench = DestinationBench(hasJoined: false)
        let first = bench.ask()
        #expect(first.vector == .init())
        _ = bench.take(bench.part(first.requestID, 0, 10, asOf: 30, vector: [.number(13): 6]))
        var rest = bench.part(bench.ask().requestID, 10, 40, asOf: 40, vector: [.number(13): 9])
        rest.collected = [.number(13): USN(7)]
        let result = bench.destination.commit(rest, at: bench.now)
        #expect(result.mustStartOver && !bench.destination.hasJoined)
        bench.destination.resync(from: DestinationBench.source)
        _ = bench.take(bench.part(bench.ask().requestID, 0, 40, asOf: 40, vector: [.number(13): 9]))
        #expect(bench.destination.hasJoined)
    }

    @Test func `a join that is as old as a tombstone lives is overdue`() {
        var bench = DestinationBench(hasJoined: false)
        #expect(!bench.destination.isJoinOverdue(at: bench.now, tombstoneLifetimeDays: 0))
        _ = bench.ask()
        let almost = bench.now.adding(seconds: 2 * 86_400 - 1)
        #expect(!bench.destination.isJoinOverdue(at: almost, tombstoneLifetimeDays: 2))
        #expect(bench.destination.isJoinOverdue(at: almost.adding(seconds: 1), tombstoneLifetimeDays: 2))
        let joined = DestinationBench()
        #expect(!joined.destination.isJoinOverdue(at: almost.adding(days: 900), tombstoneLifetimeDays: 2))
    }

    @Test func `a replica that was given up joins anew, and late parts of its first life answer nothing`() {
        var bench = DestinationBench()
        let first = bench.ask()
        _ = bench.take(bench.part(first.requestID, 0, 10, asOf: 30, vector: [.number(13): 6]))
        let pending = bench.ask()
        bench.destination.retire([
            RetiredInvocation(invocationID: .number(14), keptUSN: USN(5), isReused: true)
        ])
        let before = bench.destination
        bench.destination = before.successor()
        #expect(!bench.destination.hasJoined && bench.destination.cursors.isEmpty)
        #expect(bench.destination.vector == .init() && bench.destination.requests.isEmpty)
        #expect(bench.destination.retired == before.retired)
        #expect(bench.verdict(bench.part(pending.requestID, 10, 30, asOf: 30)) == .stale)
        let request = bench.ask()
        #expect(request.isJoining && request.received.isEmpty)
        #expect(request.sequence > pending.sequence)
    }

    @Test func `a destination that starts over is kept in the database as such`() throws {
        var bench = DestinationBench()
        bench.destination.resync(from: DestinationBench.source)
        #expect(!bench.destination.mayAsk(.number(3)) && bench.destination.mayAsk(DestinationBench.source))
        let request = bench.ask()
        #expect(request.isJoining && request.vector == .init())
        _ = bench.take(bench.part(request.requestID, 0, 10, asOf: 30, vector: [.number(13): 6]))
        #expect(bench.destination.joinStart != nil && bench.destination.isResyncing)
        #expect(try Destination(encoded: bench.destination.encoded()) == bench.destination)
    }
}
