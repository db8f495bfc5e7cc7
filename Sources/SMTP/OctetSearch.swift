/// Finds octets eight at a time: message bodies go through here at the speed of memory.
enum OctetSearch {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    /// The index of the first `octet` in `bytes`.
    static func firstIndex(of octet: UInt8, in bytes: ArraySlice<UInt8>) -> Int? {
        let start = bytes.startIndex
        return unsafe bytes.withUnsafeBytes { raw in
            unsafe offset(of: octet, in: raw).map { $0 + start }
        }
    }

    /// The offset of the first CR, LF or NUL at or behind `from`; `raw.count` when there is none.
    static func firstLineOctet(in raw: UnsafeRawBufferPointer, from: Int) -> Int {
        var offset = from
        while offset < raw.count {
            guard raw.count - offset >= 8 else {
                if unsafe isLineOctet(raw[offset]) { return offset }
                offset += 1
                continue
            }
            let word = unsafe UInt64(
                littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            )
            // Marks octets below 14; the lowest mark is always a true one.
            let marks = (word &- ones &* 14) & ~word & tops
            if marks == 0 {
                offset += 8
                continue
            }
            offset += marks.trailingZeroBitCount / 8
            if unsafe isLineOctet(raw[offset]) { return offset }
            offset += 1
        }
        return raw.count
    }

    private static func isLineOctet(_ octet: UInt8) -> Bool { octet == 0x0d || octet == 0x0a || octet == 0 }

    private static func offset(of octet: UInt8, in raw: UnsafeRawBufferPointer) -> Int? {
        let pattern = ones &* UInt64(octet)
        var offset = 0
        while raw.count - offset >= 8 {
            let word =
                unsafe UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                ^ pattern
            let marks = (word &- ones) & ~word & tops
            if marks != 0 { return offset + marks.trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < raw.count {
            if unsafe raw[offset] == octet { return offset }
            offset += 1
        }
        return nil
    }
}
