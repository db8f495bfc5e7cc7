/// Writes messages and MIME entities: CRLF, header fields as given, nothing else.
package enum MIMEWriter {
    /// Longer header lines are folded at a space (RFC 5322 section 2.1.1).
    package static let foldedLineOctetsMax = 78

    /// A message whose body is base64 in lines of 76 letters; the fields must say so themselves.
    package static func message(fields: [(String, String)], base64Body: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, value) in fields { appendField(name, value, folding: true, to: &bytes) }
        bytes += [0x0d, 0x0a]
        bytes += Base64.encodeLines(base64Body)
        return bytes
    }

    /// An entity with a binary body; its fields are not folded, so that line tools can read them.
    package static func entity(fields: [(String, String)], body: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(body.count + 1024)
        for (name, value) in fields { appendField(name, value, folding: false, to: &bytes) }
        bytes += [0x0d, 0x0a]
        bytes += body
        return bytes
    }

    private static func appendField(
        _ name: String,
        _ value: String,
        folding: Bool,
        to bytes: inout [UInt8]
    ) {
        var line = name.utf8.filter { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: ":") } + ": ".utf8
        var lastSpace: Int?
        // No value can begin another field or end the header.
        var shownValue = value.utf8.map { $0 < 0x20 || $0 == 0x7f ? 0x20 : $0 }
        while shownValue.last == 0x20 { shownValue.removeLast() }
        for shown in shownValue {
            if folding, line.count >= foldedLineOctetsMax, let space = lastSpace {
                bytes += line[..<space]
                bytes += [0x0d, 0x0a]
                line = Array(line[space...])
                lastSpace = nil
            }
            // A fold needs text on both sides.
            if shown == 0x20, line.last != 0x20, !line.isEmpty { lastSpace = line.count }
            line.append(shown)
        }
        bytes += line
        bytes += [0x0d, 0x0a]
    }
}
