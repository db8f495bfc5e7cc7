/// The header of a message or of a MIME part: unfolded fields in their order.
///
/// - Source: RFC 5322 section 2.2.
package struct MailHeader: Sendable {
    /// Names as written; values without folding and surrounding white space, damaged UTF-8 replaced.
    package var fields: [(name: String, value: String)]

    package init(fields: [(name: String, value: String)] = []) { self.fields = fields }

    /// The value of the first field of that name, in any case.
    package func first(_ name: String) -> String? {
        let wanted = name.lowercased()
        return fields.first { $0.name.lowercased() == wanted }?.value
    }

    /// The values of all fields of that name, in any case, in order.
    package func all(_ name: String) -> [String] {
        let wanted = name.lowercased()
        return fields.filter { $0.name.lowercased() == wanted }.map(\.value)
    }
}

/// A `Content-Type` or `Content-Disposition` value.
///
/// - Source: RFC 2045 section 5.1.
package struct ContentType: Sendable, Hashable {
    package static let parametersMax = 32

    /// Lower case, such as `application/pkcs7-mime`.
    package let mediaType: String
    /// Lower-case name to value; the first of equal names counts.
    package let parameters: [String: String]

    /// What an entity without a (readable) `Content-Type` is.
    package static let plainText = ContentType(mediaType: "text/plain", parameters: [:])

    package init(mediaType: String, parameters: [String: String]) {
        self.mediaType = mediaType
        self.parameters = parameters
    }

    /// Nil when there is no type before the first `;`.
    package init?(_ value: String) {
        var words = HeaderWords(value)
        let mediaType = words.text(until: ";").lowercased()
        guard !mediaType.isEmpty, !mediaType.contains(" ") else { return nil }
        var parameters: [String: String] = [:]
        while !words.isAtEnd, parameters.count < Self.parametersMax {
            let name = words.text(until: "=", or: ";").lowercased()
            guard words.previous == UInt8(ascii: "=") else { continue }
            let text = words.text(until: ";")
            if !name.isEmpty, parameters[name] == nil { parameters[name] = text }
        }
        self.init(mediaType: mediaType, parameters: parameters)
    }
}

/// Walks over a structured header value: comments vanish, quoted strings lose their quotes.
///
/// - Source: RFC 5322 section 3.2.
struct HeaderWords {
    /// Deeper comments are read as if they were closed.
    static let commentDepthMax = 32

    private let bytes: [UInt8]
    private var index = 0
    /// The separator that ended the last text, nil at the end.
    private(set) var previous: UInt8?

    init(_ value: String) { bytes = Array(value.utf8) }

    var isAtEnd: Bool { index >= bytes.count }

    /// The text up to one of the separators (which is skipped), trimmed, runs of white space as one space.
    mutating func text(until separator: Unicode.Scalar, or other: Unicode.Scalar? = nil) -> String {
        let ends = [UInt8(ascii: separator), other.map { UInt8(ascii: $0) } ?? UInt8(ascii: separator)]
        var text: [UInt8] = []
        var spaceIsDue = false
        previous = nil
        while index < bytes.count {
            let octet = bytes[index]
            if ends.contains(octet) {
                previous = octet
                index += 1
                break
            }
            if octet == UInt8(ascii: "(") {
                skipComment()
                spaceIsDue = true
                continue
            }
            if octet == 0x20 || octet == 0x09 {
                spaceIsDue = true
                index += 1
                continue
            }
            if spaceIsDue, !text.isEmpty { text.append(0x20) }
            spaceIsDue = false
            if octet == UInt8(ascii: "\"") {
                text += quotedString()
            } else {
                text.append(octet)
                index += 1
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func skipComment() {
        var depth = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "("): depth = min(depth + 1, Self.commentDepthMax)
            case UInt8(ascii: ")"): depth -= 1
            case UInt8(ascii: "\\"): index += 1
            default: break
            }
            index += 1
            if depth == 0 { return }
        }
    }

    private mutating func quotedString() -> [UInt8] {
        var text: [UInt8] = []
        index += 1
        while index < bytes.count {
            var octet = bytes[index]
            index += 1
            if octet == UInt8(ascii: "\"") { break }
            if octet == UInt8(ascii: "\\"), index < bytes.count {
                octet = bytes[index]
                index += 1
            }
            text.append(octet)
        }
        return text
    }
}
