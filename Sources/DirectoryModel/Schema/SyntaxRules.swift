internal import Identifiers

/// The RFC 4517 forms, one check per syntax.
enum SyntaxRules {
    /// Nil when the value is of the syntax, else what is wrong with it.
    static func objection(to value: [UInt8], as syntax: AttributeSyntax) -> String? {
        switch syntax {
        case .directoryString:
            value.isEmpty
                ? "it is empty" : String(validating: value, as: UTF8.self) == nil ? "not UTF-8" : nil
        case .printableString: printable(value)
        case .telephoneNumber, .deliveryMethod: printable(value)
        case .ia5String: value.allSatisfy { $0 < 0x80 } ? nil : "an octet is outside ASCII"
        case .numericString:
            value.isEmpty || !value.allSatisfy { AttributeDescription.isDigit($0) || $0 == 0x20 }
                ? "digits and spaces only, at least one" : nil
        case .countryString: value.count == 2 ? printable(value) : "two characters make a country code"
        case .postalAddress:
            value.isEmpty
                ? "it is empty" : String(validating: value, as: UTF8.self) == nil ? "not UTF-8" : nil
        case .boolean:
            value.elementsEqual("TRUE".utf8) || value.elementsEqual("FALSE".utf8) ? nil : "TRUE or FALSE only"
        case .integer: integer(value)
        case .largeInteger:
            integer(value) ?? (Int64(String(decoding: value, as: UTF8.self)) == nil ? "beyond 64 bits" : nil)
        case .generalizedTime: GeneralizedTime(value) == nil ? "YYYYMMDDHH[MM[SS]][.f](Z|+hhmm) only" : nil
        case .utcTime: utcTime(value) ? nil : "YYMMDDHHMM[SS](Z|+hhmm) only"
        case .distinguishedName: name(value[...])
        case .nameAndOptionalUID: name(splitUID(value).name)
        case .oid:
            AttributeDescription.isDescriptor(value) || AttributeDescription.isDotted(value)
                ? nil : "a name or a dotted OID only"
        case .bitString: bitString(value[...]) ? nil : "'0101'B only"
        case .jpeg: value.isEmpty ? "it is empty" : nil
        case .certificate, .certificateList: isDERSequence(value) ? nil : "not one DER sequence"
        case .octetString, .distinguishedNameWithBinary, .securityDescriptor, .securityIdentifier, .unknown:
            nil
        }
    }

    /// A Name and Optional UID (RFC 4517 section 3.3.21): the DN, and `#'0101'B` if there.
    static func splitUID(_ value: [UInt8]) -> (name: ArraySlice<UInt8>, uid: ArraySlice<UInt8>) {
        guard let sharp = value.lastIndex(of: UInt8(ascii: "#")), bitString(value[(sharp + 1)...]) else {
            return (value[...], [])
        }
        return (value[..<sharp], value[sharp...])
    }

    private static func printable(_ value: [UInt8]) -> String? {
        guard !value.isEmpty else { return "it is empty" }
        return value.allSatisfy {
            AttributeDescription.isLetter($0) || AttributeDescription.isDigit($0)
                || "'()+,-.=/:? ".utf8.contains($0)
        } ? nil : "a character is not printable in the sense of RFC 4517"
    }

    private static func integer(_ value: [UInt8]) -> String? {
        let digits = value.first == UInt8(ascii: "-") ? value[1...] : value[...]
        guard !digits.isEmpty, digits.allSatisfy(AttributeDescription.isDigit) else { return "digits only" }
        let isZero = digits.elementsEqual("0".utf8)
        return digits.first == UInt8(ascii: "0") && (!isZero || digits.count != value.count)
            ? "leading zero" : nil
    }

    private static func utcTime(_ value: [UInt8]) -> Bool {
        let digits = value.prefix(while: AttributeDescription.isDigit)
        guard digits.count == 10 || digits.count == 12 else { return false }
        // The century does not matter here: 2000 is a leap year, so no date is refused for it.
        let century = Array("20".utf8)
        return GeneralizedTime(century + value) != nil
    }

    private static func name(_ value: ArraySlice<UInt8>) -> String? {
        guard let text = String(validating: value, as: UTF8.self) else { return "not UTF-8" }
        do {
            _ = try DistinguishedName(parsing: text, naming: AnyNames())
            return nil
        } catch {
            return error.description
        }
    }

    /// Takes every well-formed type: whether it exists is the schema's question.
    private struct AnyNames: AttributeNaming {
        func oid(named name: String) -> OID? {
            AttributeDescription.isDescriptor(name.utf8) ? .cn : OID(name)
        }
        func name(of oid: OID) -> String? { nil }
    }

    private static func bitString(_ value: ArraySlice<UInt8>) -> Bool {
        guard value.count >= 3, value.first == UInt8(ascii: "'"), value.last == UInt8(ascii: "B"),
            value.dropLast().last == UInt8(ascii: "'")
        else { return false }
        return value.dropFirst().dropLast(2).allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: "1") }
    }

    private static func isDERSequence(_ value: [UInt8]) -> Bool {
        guard value.count >= 2, value[0] == 0x30 else { return false }
        guard value[1] >= 0x80 else { return value.count == 2 + Int(value[1]) }
        let lengthOctets = Int(value[1] & 0x7f)
        guard (1...4).contains(lengthOctets), value.count > 2 + lengthOctets else { return false }
        let length = value[2..<(2 + lengthOctets)].reduce(0) { $0 << 8 | Int($1) }
        return value.count == 2 + lengthOctets + length
    }
}

/// A GeneralizedTime value (RFC 4517 section 3.3.13): minutes, seconds, fraction optional; `Z` or an offset.
struct GeneralizedTime: Hashable {
    let time: Timestamp
    /// Digits behind the point, of the last unit that is given, without zeros at the end.
    let fraction: [UInt8]
    /// Digits of the date and time that were given: 10, 12 or 14.
    let precision: Int

    init?(_ value: [UInt8]) {
        guard value.count <= 64 else { return nil }
        let digits = value.prefix(while: AttributeDescription.isDigit)
        guard [10, 12, 14].contains(digits.count) else { return nil }
        var rest = value[digits.count...]
        var fraction: [UInt8] = []
        if let mark = rest.first, mark == UInt8(ascii: ".") || mark == UInt8(ascii: ",") {
            fraction = rest.dropFirst().prefix(while: AttributeDescription.isDigit)
            guard !fraction.isEmpty else { return nil }
            rest = rest.dropFirst(1 + fraction.count)
        }
        while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
        let padded = digits + [UInt8](repeating: UInt8(ascii: "0"), count: 14 - digits.count)
        guard let local = Timestamp(generalizedTime: String(decoding: padded, as: UTF8.self) + "Z"),
            let offset = Self.offsetSeconds(rest)
        else { return nil }
        time = local.adding(seconds: -offset)
        self.fraction = fraction
        precision = digits.count
    }

    /// In UTC with seconds; a fraction of an hour or a minute keeps the precision it was given with.
    ///
    /// Nil when an offset moves such a fraction into the next unit: that value compares as it is.
    var canonical: [UInt8]? {
        let whole = Array(time.generalizedTime.utf8.dropLast())
        guard !fraction.isEmpty else { return whole + [UInt8(ascii: "Z")] }
        guard whole.dropFirst(precision).allSatisfy({ $0 == UInt8(ascii: "0") }) else { return nil }
        return Array(whole[..<precision]) + [UInt8(ascii: ".")] + fraction + [UInt8(ascii: "Z")]
    }

    private static func offsetSeconds(_ zone: ArraySlice<UInt8>) -> Int64? {
        if zone.elementsEqual("Z".utf8) { return 0 }
        let sign: Int64
        switch zone.first {
        case UInt8(ascii: "+"): sign = 1
        case UInt8(ascii: "-"): sign = -1
        default: return nil
        }
        let digits = zone.dropFirst()
        guard digits.count == 2 || digits.count == 4, digits.allSatisfy(AttributeDescription.isDigit) else {
            return nil
        }
        let numbers = digits.map { Int64($0 - 0x30) }
        let hours = numbers[0] * 10 + numbers[1]
        let minutes = numbers.count == 4 ? numbers[2] * 10 + numbers[3] : 0
        guard hours < 24, minutes < 60 else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}
