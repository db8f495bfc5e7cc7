package import DirectoryModel
package import Identifiers

/// Appends the protocol's primitive items to an array of octets.
///
/// Integers are LEB128 varints in their shortest form; signed ones zigzag first. GUIDs are 16 octets in text order.
package struct ByteWriter: Sendable {
    package private(set) var octets: [UInt8] = []

    package init() {}

    package init(reservingOctets count: Int) { octets.reserveCapacity(count) }

    package mutating func octet(_ value: UInt8) { octets.append(value) }

    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            octets.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        octets.append(UInt8(truncatingIfNeeded: rest))
    }

    /// A count or length; a negative number, which no count is, becomes one that every reader refuses.
    package mutating func count(_ value: Int) { varint(UInt64(bitPattern: Int64(value))) }

    package mutating func signed(_ value: Int64) { varint(UInt64(bitPattern: value << 1 ^ value >> 63)) }

    /// A negative USN becomes a number that every reader refuses.
    package mutating func usn(_ value: USN) { varint(UInt64(bitPattern: value.rawValue)) }

    package mutating func timestamp(_ value: Timestamp) { signed(value.seconds) }

    package mutating func bool(_ value: Bool) { octets.append(value ? 1 : 0) }

    package mutating func guid(_ value: GUID) {
        var shift = UInt64(64)
        while shift > 0 {
            shift -= 8
            octets.append(UInt8(truncatingIfNeeded: value.high >> shift))
        }
        shift = 64
        while shift > 0 {
            shift -= 8
            octets.append(UInt8(truncatingIfNeeded: value.low >> shift))
        }
    }

    /// Octets without their length.
    package mutating func raw(_ bytes: [UInt8]) { octets.append(contentsOf: bytes) }

    package mutating func raw(_ bytes: ArraySlice<UInt8>) { octets.append(contentsOf: bytes) }

    /// Varint length, octets.
    package mutating func lengthPrefixed(_ bytes: [UInt8]) {
        varint(UInt64(bytes.count))
        octets.append(contentsOf: bytes)
    }

    /// Varint length, UTF-8.
    package mutating func text(_ value: String) {
        varint(UInt64(value.utf8.count))
        octets.append(contentsOf: value.utf8)
    }

    /// Varint length, DER content octets.
    package mutating func oid(_ value: OID) { lengthPrefixed(value.derContent) }

    /// How many octets `varint` takes for a value.
    package static func varintOctets(_ value: UInt64) -> Int {
        value == 0 ? 1 : (64 - value.leadingZeroBitCount + 6) / 7
    }
}
