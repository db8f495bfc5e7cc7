import Identifiers

/// The stamp that an invocationID wrote before: the next one is usually a few seconds and USNs away.
private struct StampBefore {
    var seconds: Int64 = 0
    var usn: Int64 = 0
}

/// Writes stamps against a table of invocationIDs, which it makes as it goes.
///
/// A stamp: version (varint), table index (varint), time and originating USN as signed differences, modulo
/// 2^64, to the stamp that the same table entry wrote before (0 and 0 for its first).
struct StampWriter {
    /// In the order of first use.
    private(set) var table: [GUID] = []
    private var before: [StampBefore] = []
    private var positions: [GUID: Int] = [:]
    private var lastIndex = 0

    /// Up to here looking along the table is faster than hashing.
    private static let scannedEntriesMax = 8

    mutating func write(_ stamp: Stamp, to writer: inout ByteWriter) {
        let index = index(of: stamp.invocationID)
        writer.varint(UInt64(stamp.version))
        writer.count(index)
        writer.signed(stamp.time.seconds &- before[index].seconds)
        writer.signed(stamp.originatingUSN.rawValue &- before[index].usn)
        before[index] = StampBefore(seconds: stamp.time.seconds, usn: stamp.originatingUSN.rawValue)
    }

    /// Count, then the GUIDs.
    func writeTable(to writer: inout ByteWriter) {
        writer.count(table.count)
        for invocationID in table { writer.guid(invocationID) }
    }

    private mutating func index(of invocationID: GUID) -> Int {
        if lastIndex < table.count, table[lastIndex] == invocationID { return lastIndex }
        let found: Int? =
            table.count <= Self.scannedEntriesMax
            ? table.firstIndex(of: invocationID) : positions[invocationID]
        lastIndex = found ?? table.count
        if found == nil { append(invocationID) }
        return lastIndex
    }

    private mutating func append(_ invocationID: GUID) {
        table.append(invocationID)
        before.append(StampBefore())
        if table.count == Self.scannedEntriesMax + 1 {
            for (index, entry) in table.enumerated() { positions[entry] = index }
        } else if table.count > Self.scannedEntriesMax {
            positions[invocationID] = table.count - 1
        }
    }
}

/// Reads what `StampWriter` wrote.
struct StampReader {
    /// The least octets of a stamp: version, index, time, USN.
    static let stampOctetsMin = 4

    private let table: [GUID]
    private var before: [StampBefore]

    /// No table: no stamp can follow.
    init() {
        table = []
        before = []
    }

    init(table reader: inout ByteReader) throws(CodecError) {
        let count = try reader.count(
            max: ReplicationLimits.vectorEntriesMax,
            octetsPerItem: 16,
            "number of invocationIDs"
        )
        var table: [GUID] = []
        table.reserveCapacity(count)
        for _ in 0..<count { table.append(try reader.guid()) }
        self.table = table
        before = Array(repeating: StampBefore(), count: count)
    }

    mutating func read(_ reader: inout ByteReader) throws(CodecError) -> Stamp {
        let version = try reader.varint()
        guard let version = UInt32(exactly: version) else { throw .malformed("a version above 2^32-1") }
        let position = try reader.varint()
        guard position < UInt64(table.count) else { throw .malformed("an invocationID beyond its table") }
        let index = Int(position)
        let seconds = before[index].seconds &+ (try reader.signed())
        let usn = before[index].usn &+ (try reader.signed())
        guard usn >= 0 else { throw .malformed("an originating USN above 2^63-1") }
        before[index] = StampBefore(seconds: seconds, usn: usn)
        return Stamp(
            version: version,
            time: Timestamp(seconds: seconds),
            invocationID: table[index],
            originatingUSN: USN(usn)
        )
    }
}

extension ByteWriter {
    package mutating func valueSet(_ set: ValueSet) { raw(set.octets) }
}

extension ByteReader {
    /// Count, then per value its length and octets, ascending by octets without repeats.
    mutating func valueSet() throws(CodecError) -> ValueSet {
        let start = offset
        var left = try count(max: ReplicationLimits.valuesPerAttributeMax, "number of values")
        var previous: Range<Int>?
        while left > 0 {
            left -= 1
            let range = try lengthPrefixedRange(max: ReplicationLimits.valueOctetsMax, "length of a value")
            if let previous, !isAscending(previous, range) {
                throw .malformed("values out of order, or one twice")
            }
            previous = range
        }
        return ValueSet(checked: slice(start..<offset))
    }
}
