package import DirectoryModel
package import Identifiers

/// Reads what `ByteWriter` wrote, from octets that nobody vouches for.
///
/// Nothing traps and nothing is allocated before its length was compared with the octets left and with a limit.
package struct ByteReader: Sendable {
    private let bytes: [UInt8]
    /// Index of the next octet.
    package private(set) var offset: Int
    private let end: Int

    package init(_ bytes: [UInt8]) { self.init(bytes, in: 0..<bytes.count) }

    private init(_ bytes: [UInt8], in range: Range<Int>) {
        self.bytes = bytes
        offset = range.lowerBound
        end = range.upperBound
    }

    /// Octets left.
    package var remaining: Int { end - offset }

    package var isAtEnd: Bool { offset == end }

    /// Refuses octets behind the last item.
    package func finish(_ item: StaticString) throws(CodecError) {
        guard isAtEnd else { throw .malformed("\(remaining) octets behind \(item)") }
    }

    // MARK: - Integers

    package mutating func octet() throws(CodecError) -> UInt8 {
        guard offset < end else { throw .truncated }
        let value = bytes[offset]
        offset += 1
        return value
    }

    /// An unsigned varint of at most 64 bits; a longer form than needed is refused.
    package mutating func varint() throws(CodecError) -> UInt64 {
        let first = try octet()
        guard first >= 0x80 else { return UInt64(first) }
        var value = UInt64(first & 0x7f)
        var shift = UInt64(7)
        while true {
            let next = try octet()
            // The tenth octet holds bit 63 alone.
            guard shift < 63 || next <= 1 else { throw .malformed("an integer above 64 bits") }
            value |= UInt64(next & 0x7f) << shift
            if next < 0x80 {
                guard next != 0 else { throw .malformed("an integer in a longer form than needed") }
                return value
            }
            shift += 7
        }
    }

    package mutating func signed() throws(CodecError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(value & 1)
    }

    /// A USN of 0 to 2^63-1.
    package mutating func usn() throws(CodecError) -> USN {
        guard let value = Int64(exactly: try varint()) else { throw .malformed("a USN above 2^63-1") }
        return USN(value)
    }

    package mutating func timestamp() throws(CodecError) -> Timestamp { Timestamp(seconds: try signed()) }

    package mutating func bool() throws(CodecError) -> Bool {
        switch try octet() {
        case 0: false
        case 1: true
        default: throw .malformed("a truth value that is neither 0 nor 1")
        }
    }

    /// A number in a range.
    package mutating func number(_ range: ClosedRange<Int>, _ item: StaticString) throws(CodecError) -> Int {
        let value = try varint()
        guard value <= UInt64(range.upperBound.magnitude) else {
            throw .tooLarge(item: "\(item)", value: value, max: range.upperBound)
        }
        let number = Int(value)
        guard number >= range.lowerBound else {
            throw .malformed("\(item) is \(number), the least is \(range.lowerBound)")
        }
        return number
    }

    /// How many items follow: at most `max`, and no more than the octets left can hold.
    package mutating func count(
        max: Int,
        octetsPerItem: Int = 1,
        _ item: StaticString
    ) throws(CodecError) -> Int {
        let value = try number(0...max, item)
        guard value <= remaining / Swift.max(octetsPerItem, 1) else { throw .truncated }
        return value
    }

    // MARK: - Octets

    package mutating func guid() throws(CodecError) -> GUID {
        guard end - offset >= 16 else { throw .truncated }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for index in offset..<offset + 8 {
            high = high << 8 | UInt64(bytes[index])
            low = low << 8 | UInt64(bytes[index + 8])
        }
        offset += 16
        return GUID(high: high, low: low)
    }

    /// The range of the next `count` octets, which are skipped.
    package mutating func skip(_ count: Int) throws(CodecError) -> Range<Int> {
        guard count >= 0, count <= remaining else { throw .truncated }
        let start = offset
        offset += count
        return start..<offset
    }

    package mutating func raw(_ count: Int) throws(CodecError) -> [UInt8] {
        Array(bytes[try skip(count)])
    }

    /// Length, then so many octets; their range.
    package mutating func lengthPrefixedRange(max: Int, _ item: StaticString) throws(CodecError) -> Range<Int>
    {
        try skip(try count(max: max, item))
    }

    package mutating func lengthPrefixed(max: Int, _ item: StaticString) throws(CodecError) -> [UInt8] {
        Array(bytes[try lengthPrefixedRange(max: max, item)])
    }

    package mutating func text(octetsMax: Int, _ item: StaticString) throws(CodecError) -> String {
        let range = try lengthPrefixedRange(max: octetsMax, item)
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
            throw .malformed("\(item) is not UTF-8")
        }
        return text
    }

    package mutating func oid() throws(CodecError) -> OID {
        let range = try lengthPrefixedRange(max: ReplicationLimits.oidOctetsMax, "length of an OID")
        guard let oid = OID(derContent: bytes[range]) else { throw .malformed("an attribute's OID") }
        return oid
    }

    // MARK: - Parts of the same octets

    /// A reader of a range of the same octets.
    package func reader(of range: Range<Int>) throws(CodecError) -> ByteReader {
        guard range.lowerBound >= 0, range.upperBound <= bytes.count else { throw .truncated }
        return ByteReader(bytes, in: range)
    }

    /// The octets of a range that this reader gave out, not copied: they keep the whole in memory.
    package func slice(_ range: Range<Int>) -> ArraySlice<UInt8> { bytes[range.clamped(to: 0..<bytes.count)] }

    /// The octets of a range that this reader gave out.
    package func octets(in range: Range<Int>) -> [UInt8] { Array(bytes[range.clamped(to: 0..<bytes.count)]) }

    /// Whether the octets of one range sort before those of another: shorter first where one begins the other.
    package func isAscending(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
        let count = min(left.count, right.count)
        var step = 0
        while step < count {
            let (a, b) = (bytes[left.lowerBound + step], bytes[right.lowerBound + step])
            if a != b { return a < b }
            step += 1
        }
        return left.count < right.count
    }
}
