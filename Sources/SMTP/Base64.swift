/// Why a text is no base64.
package enum Base64Error: Error, Hashable, CustomStringConvertible {
    /// An octet outside of alphabet, padding and white space.
    case strayOctet(UInt8, offset: Int)
    /// The text ends inside a group of four.
    case cutShort
    /// `=` in a wrong place, or bits under it that are not zero.
    case badPadding(offset: Int)
    /// Something follows the padding.
    case textBehindPadding(offset: Int)

    package var description: String {
        switch self {
        case .strayOctet(let octet, let offset):
            "octet \(octet) at offset \(offset) is not in the base64 alphabet"
        case .cutShort: "the base64 text ends inside a group of four letters"
        case .badPadding(let offset): "the base64 padding at offset \(offset) is wrong"
        case .textBehindPadding(let offset):
            "text follows the base64 padding, at offset \(offset)"
        }
    }
}

/// Base64 as mail uses it.
///
/// - Source: RFC 4648 section 4, RFC 2045 section 6.8.
package enum Base64 {
    /// RFC 2045: at most 76 letters in a line.
    package static let lineLettersMax = 76

    /// One line, padded, without a line end.
    package static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        append(bytes, 0..<bytes.count, to: &text)
        return text
    }

    /// Lines of 76 letters, each ended by CRLF.
    package static func encodeLines(_ bytes: [UInt8]) -> [UInt8] {
        let lineOctets = lineLettersMax / 4 * 3
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4 + (bytes.count / lineOctets + 1) * 2)
        var start = 0
        while start < bytes.count {
            let end = min(start + lineOctets, bytes.count)
            append(bytes, start..<end, to: &text)
            text.append(0x0d)
            text.append(0x0a)
            start = end
        }
        return text
    }

    /// Decodes the whole text; space, tab, CR and LF may stand anywhere, anything else is an error.
    ///
    /// Offsets in errors count from the start of `text`.
    package static func decode(_ text: ArraySlice<UInt8>) throws(Base64Error) -> [UInt8] {
        let (bytes, problem) = decodePrefix(text)
        if let problem { throw problem }
        return bytes
    }

    package static func decode(_ text: [UInt8]) throws(Base64Error) -> [UInt8] { try decode(text[...]) }

    /// Decodes up to the first problem and names it.
    static func decodePrefix(_ text: ArraySlice<UInt8>) -> (bytes: [UInt8], problem: Base64Error?) {
        var problem: Base64Error?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { output, count in
            unsafe values.withUnsafeBufferPointer { values in
                unsafe text.withUnsafeBufferPointer { input in
                    var decoder = Decoder()
                    problem = unsafe decoder.run(input, values, into: output, &count)
                }
            }
        }
        return (bytes, problem)
    }

    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )

    private static let stray: UInt8 = 0xff
    private static let space: UInt8 = 0xfe
    private static let padding: UInt8 = 0xfd

    /// Octet to its 6 bits, or to one of the marks above (all of them have the top bit set).
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: stray, count: 256)
        for (value, letter) in alphabet.enumerated() { values[Int(letter)] = UInt8(value) }
        for octet: UInt8 in [0x20, 0x09, 0x0d, 0x0a] { values[Int(octet)] = space }
        values[Int(UInt8(ascii: "="))] = padding
        return values
    }()

    private static func append(_ bytes: [UInt8], _ range: Range<Int>, to text: inout [UInt8]) {
        unsafe alphabet.withUnsafeBufferPointer { letters in
            unsafe bytes.withUnsafeBufferPointer { input in
                var index = range.lowerBound
                while range.upperBound - index >= 3 {
                    let group =
                        unsafe UInt32(input[index]) << 16 | UInt32(input[index + 1]) << 8
                        | UInt32(input[index + 2])
                    unsafe text.append(letters[Int(group >> 18)])
                    unsafe text.append(letters[Int(group >> 12 & 63)])
                    unsafe text.append(letters[Int(group >> 6 & 63)])
                    unsafe text.append(letters[Int(group & 63)])
                    index += 3
                }
                let left = range.upperBound - index
                if left == 0 { return }
                let first = unsafe UInt32(input[index]) << 16
                let group = unsafe left == 2 ? first | UInt32(input[index + 1]) << 8 : first
                unsafe text.append(letters[Int(group >> 18)])
                unsafe text.append(letters[Int(group >> 12 & 63)])
                unsafe text.append(left == 2 ? letters[Int(group >> 6 & 63)] : UInt8(ascii: "="))
                text.append(UInt8(ascii: "="))
            }
        }
    }

    /// The state between two letters of a group.
    private struct Decoder {
        var bits: UInt32 = 0
        var letters = 0
        var paddings = 0

        mutating func run(
            _ input: UnsafeBufferPointer<UInt8>,
            _ values: UnsafeBufferPointer<UInt8>,
            into output: UnsafeMutableBufferPointer<UInt8>,
            _ count: inout Int
        ) -> Base64Error? {
            var index = 0
            while index < input.count {
                // Whole groups without white space between their letters.
                while letters == 0, paddings == 0, input.count - index >= 4 {
                    let a = unsafe values[Int(input[index])]
                    let b = unsafe values[Int(input[index + 1])]
                    let c = unsafe values[Int(input[index + 2])]
                    let d = unsafe values[Int(input[index + 3])]
                    if (a | b | c | d) & 0x80 != 0 { break }
                    let group = UInt32(a) << 18 | UInt32(b) << 12 | UInt32(c) << 6 | UInt32(d)
                    unsafe output[count] = UInt8(truncatingIfNeeded: group >> 16)
                    unsafe output[count + 1] = UInt8(truncatingIfNeeded: group >> 8)
                    unsafe output[count + 2] = UInt8(truncatingIfNeeded: group)
                    count += 3
                    index += 4
                }
                if index == input.count { break }
                let octet = unsafe input[index]
                let value = unsafe values[Int(octet)]
                if value == stray { return .strayOctet(octet, offset: index) }
                if value == padding {
                    if let problem = pad(at: index) { return problem }
                } else if value != space {
                    if paddings > 0 { return .textBehindPadding(offset: index) }
                    bits = bits << 6 | UInt32(value)
                    letters += 1
                    if letters == 4 { unsafe flush(3, into: output, &count) }
                }
                if letters + paddings == 4, paddings > 0, letters > 0 {
                    bits <<= UInt32(6 * paddings)
                    unsafe flush(letters - 1, into: output, &count)
                }
                index += 1
            }
            return letters == 0 ? nil : .cutShort
        }

        private mutating func pad(at index: Int) -> Base64Error? {
            guard letters >= 2, letters + paddings < 4 else { return .badPadding(offset: index) }
            let unused: UInt32 = letters == 2 ? 0xf : 0x3
            guard bits & unused == 0 else { return .badPadding(offset: index) }
            paddings += 1
            return nil
        }

        private mutating func flush(
            _ octets: Int,
            into output: UnsafeMutableBufferPointer<UInt8>,
            _ count: inout Int
        ) {
            for shift in [UInt32(16), 8, 0].prefix(octets) {
                unsafe output[count] = UInt8(truncatingIfNeeded: bits >> shift)
                count += 1
            }
            bits = 0
            letters = 0
        }
    }
}
