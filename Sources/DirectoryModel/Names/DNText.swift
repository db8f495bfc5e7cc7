/// Why a text is not a distinguished name; offsets count octets from 0.
package enum DNError: Error, Hashable, Sendable {
    case tooLong(octets: Int)
    case tooManyRDNs(Int)
    case multivaluedRDN(offset: Int)
    case unknownType(String)
    case malformed(offset: Int, reason: String)
}

extension DNError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong(let octets): "distinguished name of \(octets) octets; at most \(DNText.dnOctetsMax)"
        case .tooManyRDNs(let count): "distinguished name of \(count) RDNs or more; at most \(DNText.rdnsMax)"
        case .multivaluedRDN(let offset): "RDN with more than one value: '+' at octet \(offset)"
        case .unknownType(let type): "unknown attribute type '\(type)' in a distinguished name"
        case .malformed(let offset, let reason): "distinguished name, octet \(offset): \(reason)"
        }
    }

    /// What a person can do about it, if anything.
    package var hint: String? {
        switch self {
        case .multivaluedRDN:
            "name the entry by one attribute, or write a '+' that belongs to the value as '\\+'"
        case .unknownType: "add the attribute to the schema first, or write its OID in dotted form"
        case .malformed:
            "write , + \" \\ < > ; and a leading space or # in a value with a backslash before them"
        case .tooLong, .tooManyRDNs: nil
        }
    }
}

/// The text form of names: reads RFC 4514 and writes it.
struct DNText {
    static let dnOctetsMax = 16 * 1024
    static let rdnsMax = 128
    static let typeOctetsMax = 512

    private let octets: [UInt8]
    private var index = 0

    init(_ text: String) throws(DNError) {
        guard text.utf8.count <= Self.dnOctetsMax else { throw .tooLong(octets: text.utf8.count) }
        octets = Array(text.utf8)
    }

    // MARK: - Reading

    mutating func rdns(naming: some AttributeNaming) throws(DNError) -> [RDN] {
        var rdns: [RDN] = []
        skipSpaces()
        guard index < octets.count else { return [] }
        while true {
            guard rdns.count < Self.rdnsMax else { throw .tooManyRDNs(rdns.count + 1) }
            rdns.append(try rdn(naming: naming))
            guard index < octets.count else { return rdns }
            switch octets[index] {
            case UInt8(ascii: ","): index += 1
            case UInt8(ascii: "+"): throw .multivaluedRDN(offset: index)
            default: throw .malformed(offset: index, reason: "a comma or the end must follow a value")
            }
        }
    }

    private mutating func rdn(naming: some AttributeNaming) throws(DNError) -> RDN {
        skipSpaces()
        let start = index
        while index < octets.count, Self.isTypeOctet(octets[index]) { index += 1 }
        let typeOctets = octets[start..<index]
        guard !typeOctets.isEmpty else {
            throw .malformed(offset: start, reason: "an attribute type must stand here")
        }
        guard typeOctets.count <= Self.typeOctetsMax else {
            throw .malformed(
                offset: start,
                reason: "the attribute type is longer than \(Self.typeOctetsMax) octets"
            )
        }
        skipSpaces()
        guard index < octets.count, octets[index] == UInt8(ascii: "=") else {
            throw .malformed(offset: index, reason: "'=' must follow the attribute type")
        }
        index += 1
        skipSpaces()
        let name = String(decoding: typeOctets, as: UTF8.self)
        let dotted = name.asciiLowercased.hasPrefix("oid.") ? String(name.dropFirst(4)) : name
        guard let type = naming.oid(named: dotted) else { throw .unknownType(name) }
        let valueStart = index
        let value = try valueOctets()
        guard let text = String(validating: value, as: UTF8.self) else {
            throw .malformed(offset: valueStart, reason: "the value is not UTF-8")
        }
        return RDN(type: type, value: text)
    }

    private mutating func valueOctets() throws(DNError) -> [UInt8] {
        guard index < octets.count else { return [] }
        switch octets[index] {
        case UInt8(ascii: "#"): return try hexadecimalValue()
        case UInt8(ascii: "\""): return try quotedValue()
        default: return try plainValue()
        }
    }

    private mutating func plainValue() throws(DNError) -> [UInt8] {
        var value: [UInt8] = []
        // Spaces at the end count only when escaped.
        var keptCount = 0
        while index < octets.count {
            let octet = octets[index]
            switch octet {
            case UInt8(ascii: ","), UInt8(ascii: "+"):
                return Array(value.prefix(keptCount))
            case UInt8(ascii: "\\"):
                value.append(try escapedOctet())
                keptCount = value.count
            case UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: ";"), 0:
                throw .malformed(offset: index, reason: "a character of the value must be escaped")
            default:
                value.append(octet)
                index += 1
                if octet != 0x20 { keptCount = value.count }
            }
        }
        return Array(value.prefix(keptCount))
    }

    private mutating func quotedValue() throws(DNError) -> [UInt8] {
        let start = index
        index += 1
        var value: [UInt8] = []
        while index < octets.count {
            switch octets[index] {
            case UInt8(ascii: "\""):
                index += 1
                skipSpaces()
                return value
            case UInt8(ascii: "\\"):
                value.append(try escapedOctet())
            default:
                value.append(octets[index])
                index += 1
            }
        }
        throw .malformed(offset: start, reason: "the quotation mark is never closed")
    }

    /// `\` and a special character, or `\` and two hexadecimal digits for one octet.
    private mutating func escapedOctet() throws(DNError) -> UInt8 {
        let start = index
        guard index + 1 < octets.count else {
            throw .malformed(offset: start, reason: "the name ends in a backslash")
        }
        let next = octets[index + 1]
        if Self.isSpecial(next) {
            index += 2
            return next
        }
        guard index + 2 < octets.count, let octet = Hexadecimal.octet(next, octets[index + 2]) else {
            throw .malformed(offset: start, reason: "a backslash needs a special character or two digits")
        }
        index += 3
        return octet
    }

    /// `#` and the BER encoding of a string value: primitive, definite length, one string type.
    private mutating func hexadecimalValue() throws(DNError) -> [UInt8] {
        let start = index
        index += 1
        var encoding: [UInt8] = []
        while index + 1 < octets.count, let octet = Hexadecimal.octet(octets[index], octets[index + 1]) {
            encoding.append(octet)
            index += 2
        }
        skipSpaces()
        // UTF8String, PrintableString, TeletexString, IA5String, OCTET STRING.
        guard encoding.count >= 2, [0x0c, 0x13, 0x14, 0x16, 0x04].contains(encoding[0]) else {
            throw .malformed(offset: start, reason: "'#' must be followed by a BER string in hexadecimal")
        }
        var length = Int(encoding[1])
        var header = 2
        if length > 0x7f {
            let lengthOctets = length & 0x7f
            guard (1...2).contains(lengthOctets), encoding.count >= 2 + lengthOctets else {
                throw .malformed(offset: start, reason: "the BER length is malformed")
            }
            length = encoding[2..<(2 + lengthOctets)].reduce(0) { $0 << 8 | Int($1) }
            header += lengthOctets
        }
        guard encoding.count - header == length else {
            throw .malformed(offset: start, reason: "the BER length does not fit the value")
        }
        return Array(encoding[header...])
    }

    private mutating func skipSpaces() {
        while index < octets.count, octets[index] == 0x20 { index += 1 }
    }

    private static func isTypeOctet(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func isSpecial(_ octet: UInt8) -> Bool { " \"#+,;<=>\\".utf8.contains(octet) }

    // MARK: - Writing

    /// A value with what RFC 4514 section 2.4 wants escaped, and control characters as hexadecimal pairs.
    static func escaped(_ value: String) -> String {
        let octets = Array(value.utf8)
        var text: [UInt8] = []
        text.reserveCapacity(octets.count)
        for (position, octet) in octets.enumerated() {
            switch octet {
            case 0...0x1f, 0x7f:
                text.append(UInt8(ascii: "\\"))
                text += Hexadecimal.digits(octet)
            case UInt8(ascii: "\""), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"),
                UInt8(ascii: "<"),
                UInt8(ascii: ">"), UInt8(ascii: "\\"):
                text += [UInt8(ascii: "\\"), octet]
            case UInt8(ascii: "#") where position == 0,
                0x20 where position == 0 || position == octets.count - 1:
                text += [UInt8(ascii: "\\"), octet]
            default:
                text.append(octet)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Pairs of hexadecimal digits.
enum Hexadecimal {
    static func octet(_ upper: UInt8, _ lower: UInt8) -> UInt8? {
        guard let upper = digit(upper), let lower = digit(lower) else { return nil }
        return upper << 4 | lower
    }

    static func digits(_ octet: UInt8) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return [digits[Int(octet >> 4)], digits[Int(octet & 15)]]
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
