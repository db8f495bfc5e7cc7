import Identifiers
import SwiftASN1

/// Makes DER from the inside out: every function returns one finished element.
enum DERWriter {
    static func element(_ tag: UInt8, _ contents: [UInt8]...) -> [UInt8] { element(tag, joining: contents) }

    static func element(_ tag: UInt8, joining contents: [[UInt8]]) -> [UInt8] {
        let count = contents.reduce(0) { $0 + $1.count }
        var bytes = [tag]
        if count < 0x80 {
            bytes.append(UInt8(count))
        } else {
            let octets = (0..<8).reversed().map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
            let length = octets.drop { $0 == 0 }
            bytes.append(0x80 | UInt8(length.count))
            bytes += length
        }
        for content in contents { bytes += content }
        return bytes
    }

    static func sequence(_ contents: [UInt8]...) -> [UInt8] { element(0x30, joining: contents) }
    static func sequence(of contents: [[UInt8]]) -> [UInt8] { element(0x30, joining: contents) }
    /// A set of one: nothing to sort.
    static func set(ofOne content: [UInt8]) -> [UInt8] { element(0x31, content) }
    /// An EXPLICIT (or constructed IMPLICIT) context tag.
    static func tagged(_ number: UInt8, _ contents: [UInt8]...) -> [UInt8] {
        element(0xa0 | number, joining: contents)
    }
    /// A primitive IMPLICIT context tag.
    static func implicit(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { element(0x80 | number, content) }

    static let null: [UInt8] = [0x05, 0x00]
    static let yes: [UInt8] = [0x01, 0x01, 0xff]

    static func octetString(_ content: [UInt8]) -> [UInt8] { element(0x04, content) }
    static func bitString(_ content: [UInt8], unused: UInt8 = 0) -> [UInt8] {
        element(0x03, [unused], content)
    }
    static func utf8String(_ text: String) -> [UInt8] { element(0x0c, Array(text.utf8)) }
    static func ia5String(_ text: String) -> [UInt8] { element(0x16, Array(text.utf8)) }

    static func integer(_ value: UInt64) -> [UInt8] {
        integer((0..<8).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) })
    }

    /// Unsigned octets, most significant first.
    static func integer(_ octets: [UInt8]) -> [UInt8] {
        var content = Array(octets.drop { $0 == 0 })
        if content.first.map({ $0 >= 0x80 }) ?? true { content.insert(0, at: 0) }
        return element(0x02, content)
    }

    static func objectIdentifier(_ identifier: ASN1ObjectIdentifier) -> [UInt8] {
        let components = identifier.oidComponents
        guard components.count >= 2 else { return element(0x06) }
        var content: [UInt8] = []
        for value in [components[0] * 40 + components[1]] + components.dropFirst(2) {
            var groups = [UInt8(value & 0x7f)]
            var rest = value >> 7
            while rest > 0 {
                groups.append(UInt8(rest & 0x7f) | 0x80)
                rest >>= 7
            }
            content += groups.reversed()
        }
        return element(0x06, content)
    }

    /// UTCTime to 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5).
    static func time(_ time: Timestamp) -> [UInt8] {
        let text = time.generalizedTime
        let isUTC = ("1950"..."2049").contains(text.prefix(4))
        return element(isUTC ? 0x17 : 0x18, Array(isUTC ? text.dropFirst(2).utf8 : Substring(text).utf8))
    }

    /// X.509's Extension.
    static func `extension`(_ identifier: ASN1ObjectIdentifier, critical: Bool = false, _ value: [UInt8])
        -> [UInt8]
    {
        sequence(objectIdentifier(identifier), critical ? yes : [], octetString(value))
    }
}
