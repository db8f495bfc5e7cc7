/// Base64 with padding (RFC 4648 section 4), as LDIF needs it.
enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )

    static func encode(_ octets: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((octets.count + 2) / 3 * 4)
        var index = 0
        while index < octets.count {
            let group = octets[index..<min(index + 3, octets.count)]
            var bits: UInt32 = 0
            for octet in group { bits = bits << 8 | UInt32(octet) }
            bits <<= UInt32(3 - group.count) * 8
            for position in 0..<4 {
                let digit = Int(bits >> UInt32(18 - 6 * position) & 63)
                text.append(position <= group.count ? alphabet[digit] : UInt8(ascii: "="))
            }
            index += 3
        }
        return text
    }

    /// Nil unless the text is whole groups of four with padding at the end only; spaces are passed over.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var digits: [UInt8] = []
        digits.reserveCapacity(text.count)
        var padding = 0
        for octet in text {
            if octet == UInt8(ascii: "=") {
                padding += 1
            } else if octet == 0x20 {
                continue
            } else {
                guard padding == 0, let digit = digit(octet) else { return nil }
                digits.append(digit)
            }
        }
        guard padding <= 2, (digits.count + padding) % 4 == 0 else { return nil }
        var octets: [UInt8] = []
        octets.reserveCapacity(digits.count / 4 * 3 + 2)
        var bits: UInt32 = 0
        for (position, digit) in digits.enumerated() {
            bits = bits << 6 | UInt32(digit)
            switch position % 4 {
            case 1: octets.append(UInt8(truncatingIfNeeded: bits >> 4))
            case 2: octets.append(UInt8(truncatingIfNeeded: bits >> 2))
            case 3: octets.append(UInt8(truncatingIfNeeded: bits))
            default: break
            }
        }
        return octets
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
