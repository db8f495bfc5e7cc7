/// All values of one attribute, in the form in which they are stored and travel.
///
/// Octets: count, then per value its length and octets, counts and lengths as varints. From a database's body to
/// a message and into another database they are never taken apart: an array per value costs more than the rest
/// of the way.
package struct ValueSet: Hashable, Sendable {
    /// No values: the attribute was removed.
    package static let empty = ValueSet([])

    /// Well-formed; often a part of a larger array, which it keeps in memory.
    let octets: ArraySlice<UInt8>

    /// Values as they come: senders give them sorted by octets and without repeats, and readers refuse others.
    package init(_ values: [[UInt8]]) {
        var writer = ByteWriter(reservingOctets: values.reduce(3) { $0 + $1.count + 3 })
        writer.count(values.count)
        for value in values { writer.lengthPrefixed(value) }
        octets = writer.octets[...]
    }

    /// Octets that `ByteReader.valueSet` has checked.
    init(checked octets: ArraySlice<UInt8>) { self.octets = octets }

    package func append(to octets: inout [UInt8]) { octets += self.octets }

    package var isEmpty: Bool { octets.first == 0 }

    package var count: Int {
        var offset = octets.startIndex
        return number(at: &offset)
    }

    package var first: [UInt8]? {
        var first: [UInt8]?
        walk { value in
            first = Array(value)
            return false
        }
        return first
    }

    package var values: [[UInt8]] {
        var values: [[UInt8]] = []
        values.reserveCapacity(count)
        walk { value in
            values.append(Array(value))
            return true
        }
        return values
    }

    /// Goes over the values in their order while `each` returns true.
    package func walk(_ each: (ArraySlice<UInt8>) -> Bool) {
        var offset = octets.startIndex
        var left = number(at: &offset)
        while left > 0 {
            left -= 1
            let length = number(at: &offset)
            guard each(octets[offset..<offset + length]) else { return }
            offset += length
        }
    }

    private func number(at offset: inout Int) -> Int {
        var value = 0
        var shift = 0
        while true {
            let octet = octets[offset]
            offset += 1
            value |= Int(octet & 0x7f) << shift
            if octet < 0x80 { return value }
            shift += 7
        }
    }
}
