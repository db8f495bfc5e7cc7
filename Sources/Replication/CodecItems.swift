import DirectoryModel
import Identifiers

// The items that several messages share; docs/protocol.md describes them in the same order.

extension ByteWriter {
    mutating func bootRecords(_ records: [BootRecord]) {
        let newest = records.prefix(ReplicationLimits.bootRecordsMax)
        count(newest.count)
        for record in newest {
            guid(record.bootID)
            usn(record.startUSN)
        }
    }

    /// Ascending by invocationID; times as signed differences to the entry before.
    mutating func vector(_ vector: UpToDatenessVector) {
        let sorted = vector.sorted
        count(sorted.count)
        var secondsBefore: Int64 = 0
        for (invocationID, entry) in sorted {
            guid(invocationID)
            usn(entry.usn)
            signed(entry.time.seconds &- secondsBefore)
            secondsBefore = entry.time.seconds
        }
    }

    /// Ascending by invocationID.
    mutating func collected(_ collected: [GUID: USN]) {
        count(collected.count)
        for (invocationID, usn) in collected.sorted(by: { $0.key < $1.key }) {
            guid(invocationID)
            self.usn(usn)
        }
    }

    /// Ascending: distance to the end of the interval before, length, and how far `asOf` lies behind the end.
    mutating func intervals(_ received: ReceivedIntervals) {
        count(received.tagged.count)
        var endBefore: Int64 = 0
        for piece in received.tagged {
            let (from, to) = (piece.interval.from.rawValue, piece.interval.to.rawValue)
            varint(UInt64(bitPattern: from &- endBefore))
            varint(UInt64(bitPattern: to &- from))
            varint(UInt64(bitPattern: piece.asOf.rawValue &- to))
            endBefore = to
        }
    }

    /// Ascending by octets.
    mutating func oids(_ oids: some Collection<OID>) {
        count(oids.count)
        for oid in oids.sorted() { self.oid(oid) }
    }

    /// 0, or 1 and the digest.
    mutating func replica(_ kind: ReplicaKind) {
        switch kind {
        case .full: octet(0)
        case .partial(let digest):
            octet(1)
            raw(digest)
        }
    }
}

extension ByteReader {
    mutating func bootRecords() throws(CodecError) -> [BootRecord] {
        let count = try count(
            max: ReplicationLimits.bootRecordsMax,
            octetsPerItem: 17,
            "number of boot records"
        )
        var records: [BootRecord] = []
        records.reserveCapacity(count)
        for _ in 0..<count { records.append(BootRecord(bootID: try guid(), startUSN: try usn())) }
        return records
    }

    mutating func vector() throws(CodecError) -> UpToDatenessVector {
        let count = try count(
            max: ReplicationLimits.vectorEntriesMax,
            octetsPerItem: 18,
            "number of vector entries"
        )
        var entries: [GUID: VectorEntry] = [:]
        entries.reserveCapacity(count)
        var previous: GUID?
        var seconds: Int64 = 0
        for _ in 0..<count {
            let invocationID = try guid()
            try Self.check(invocationID, isAfter: previous)
            previous = invocationID
            let usn = try usn()
            seconds &+= try signed()
            entries[invocationID] = VectorEntry(usn: usn, time: Timestamp(seconds: seconds))
        }
        return UpToDatenessVector(entries: entries)
    }

    mutating func collected() throws(CodecError) -> [GUID: USN] {
        let count = try count(
            max: ReplicationLimits.vectorEntriesMax,
            octetsPerItem: 17,
            "number of collected entries"
        )
        var entries: [GUID: USN] = [:]
        entries.reserveCapacity(count)
        var previous: GUID?
        for _ in 0..<count {
            let invocationID = try guid()
            try Self.check(invocationID, isAfter: previous)
            previous = invocationID
            entries[invocationID] = try usn()
        }
        return entries
    }

    private static func check(_ guid: GUID, isAfter previous: GUID?) throws(CodecError) {
        if let previous, guid <= previous { throw .malformed("invocationIDs out of order, or one twice") }
    }

    mutating func intervals() throws(CodecError) -> ReceivedIntervals {
        let count = try count(
            max: ReceivedIntervals.intervalsMax,
            octetsPerItem: 3,
            "number of received intervals"
        )
        var received = ReceivedIntervals()
        var end = USN.zero
        for _ in 0..<count {
            let from = try usn(behind: end)
            let to = try usn(behind: from)
            guard to > from else { throw .malformed("an empty received interval") }
            let asOf = try usn(behind: to)
            received.insert(USNInterval(from: from, to: to), asOf: asOf)
            end = to
        }
        return received
    }

    /// A USN written as the distance to a lower one.
    private mutating func usn(behind lower: USN) throws(CodecError) -> USN {
        let (sum, overflow) = lower.rawValue.addingReportingOverflow(try usn().rawValue)
        guard !overflow else { throw .malformed("a USN above 2^63-1") }
        return USN(sum)
    }

    mutating func oids() throws(CodecError) -> [OID] {
        let count = try count(
            max: ReplicationLimits.attributesPerMessageMax,
            octetsPerItem: 2,
            "number of attributes"
        )
        var oids: [OID] = []
        oids.reserveCapacity(count)
        for _ in 0..<count {
            let oid = try oid()
            if let last = oids.last, oid <= last { throw .malformed("OIDs out of order, or one twice") }
            oids.append(oid)
        }
        return oids
    }

    mutating func replica() throws(CodecError) -> ReplicaKind {
        switch try octet() {
        case 0: .full
        case 1: .partial(digest: try raw(ReplicationLimits.digestOctets))
        case let kind: throw .malformed("replica kind \(kind)")
        }
    }
}
