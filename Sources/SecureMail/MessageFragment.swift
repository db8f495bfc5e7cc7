/// Which piece of a larger message a mail carries: `2/5; sha256=` and the digest of the whole payload in hex.
package struct MessageFragment: Sendable, Hashable {
    /// Pieces of one message.
    package static let countMax = 2048
    /// Octets of the digest.
    package static let digestOctets = 32
    /// Octets of the field's value: two numbers of four digits, a digest of 64.
    static let textOctetsMax = 90

    /// From 1.
    package let number: Int
    package let count: Int
    /// SHA-256 of the payload that all pieces together are.
    package let wholeSHA256: [UInt8]

    /// Nil when the numbers or the digest's length are out of range.
    package init?(number: Int, count: Int, wholeSHA256: [UInt8]) {
        guard (2...Self.countMax).contains(count), (1...count).contains(number),
            wholeSHA256.count == Self.digestOctets
        else { return nil }
        self.number = number
        self.count = count
        self.wholeSHA256 = wholeSHA256
    }

    /// Nil unless the text is exactly what `description` gives.
    package init?(_ text: String) {
        let octets = Array(text.utf8)
        guard octets.count <= Self.textOctetsMax, let slash = octets.firstIndex(of: 0x2f),
            let semicolon = octets[slash...].firstIndex(of: 0x3b)
        else { return nil }
        guard let number = Self.number(octets[..<slash]),
            let count = Self.number(octets[(slash + 1)..<semicolon]),
            let digest = Self.digest(octets[semicolon...])
        else { return nil }
        self.init(number: number, count: count, wholeSHA256: digest)
    }

    /// One to four digits without a leading zero.
    private static func number(_ octets: ArraySlice<UInt8>) -> Int? {
        guard (1...4).contains(octets.count), octets.first != 0x30,
            octets.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return octets.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private static func digest(_ octets: ArraySlice<UInt8>) -> [UInt8]? {
        let prefix = Array("; sha256=".utf8)
        guard octets.starts(with: prefix) else { return nil }
        let digits = Array(octets.dropFirst(prefix.count))
        guard digits.count == digestOctets * 2 else { return nil }
        var digest: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else { return nil }
            digest.append(high << 4 | low)
        }
        return digest
    }

    private static func nibble(_ octet: UInt8) -> UInt8? {
        switch octet {
        case 0x30...0x39: octet - 0x30
        case 0x61...0x66: octet - 0x57
        default: nil
        }
    }
}

extension MessageFragment: CustomStringConvertible {
    package var description: String {
        let digits = Array("0123456789abcdef".utf8)
        let hex = wholeSHA256.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return "\(number)/\(count); sha256=\(String(decoding: hex, as: UTF8.self))"
    }
}
