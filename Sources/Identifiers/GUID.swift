/// A 128-bit identity, compared as 16 unsigned octets in RFC 9562 text order.
///
/// The little-endian Microsoft order (`microsoftOctets`) exists only in certificates, LDAP's `objectGUID`
/// and Microsoft's own blobs.
/// - Source: RFC 9562 section 4; MS-DTYP section 2.3.4.
package struct GUID: Hashable, Sendable {
    /// Octets 0...7, big-endian.
    package let high: UInt64
    /// Octets 8...15, big-endian.
    package let low: UInt64

    package static let zero = GUID(high: 0, low: 0)

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads exactly 16 octets in text order.
    package init?(octets: some Collection<UInt8>) {
        guard octets.count == 16 else { return nil }
        self.init(octets: Array(octets)[...])
    }

    /// As above; every name of every object is read by it.
    package init?(octets: ArraySlice<UInt8>) {
        guard octets.count == 16 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for octet in octets.prefix(8) { high = high << 8 | UInt64(octet) }
        for octet in octets.suffix(8) { low = low << 8 | UInt64(octet) }
        self.init(high: high, low: low)
    }

    /// Reads 16 octets as Microsoft stores them: the first three fields little-endian.
    package init?(microsoftOctets octets: some Collection<UInt8>) {
        guard octets.count == 16 else { return nil }
        self.init(octets: Self.swappingFields(Array(octets)))
    }

    /// A random identity (version 4) from the given source of randomness.
    package static func random(using generator: inout some RandomNumberGenerator) -> GUID {
        let high = UInt64.random(in: .min ... .max, using: &generator)
        let low = UInt64.random(in: .min ... .max, using: &generator)
        return GUID(
            high: high & 0xffff_ffff_ffff_0fff | 0x4000,
            low: low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        )
    }

    /// 16 octets in text order.
    package var octets: [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(16)
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            octets.append(UInt8(truncatingIfNeeded: high >> shift))
        }
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            octets.append(UInt8(truncatingIfNeeded: low >> shift))
        }
        return octets
    }

    /// 16 octets as Microsoft stores them.
    package var microsoftOctets: [UInt8] { Self.swappingFields(octets) }

    private static func swappingFields(_ source: [UInt8]) -> [UInt8] {
        [3, 2, 1, 0, 5, 4, 7, 6].map { source[$0] } + source[8...]
    }
}

extension GUID: Comparable {
    package static func < (left: GUID, right: GUID) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }
}

extension GUID: CustomStringConvertible, LosslessStringConvertible {
    /// Reads the 36-character text form, either case.
    package init?(_ text: String) {
        let characters = Array(text.utf8)
        guard characters.count == 36 else { return nil }
        var octets: [UInt8] = []
        octets.reserveCapacity(16)
        var index = 0
        while index < 36 {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard characters[index] == UInt8(ascii: "-") else { return nil }
                index += 1
                continue
            }
            guard let upper = Self.hexDigit(characters[index]),
                let lower = Self.hexDigit(characters[index + 1])
            else { return nil }
            octets.append(upper << 4 | lower)
            index += 2
        }
        self.init(octets: octets)
    }

    /// The 36-character text form in lower case.
    package var description: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, octet) in octets.enumerated() {
            if index == 4 || index == 6 || index == 8 || index == 10 { text.append(UInt8(ascii: "-")) }
            text.append(digits[Int(octet >> 4)])
            text.append(digits[Int(octet & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func hexDigit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension GUID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let guid = GUID(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a GUID")
        }
        self = guid
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
