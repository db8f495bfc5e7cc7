/// A whole reply of an SMTP server: code, enhanced status code, and one text per line.
///
/// - Source: RFC 5321 section 4.2, RFC 2034.
package struct SMTPReply: Sendable, Hashable {
    /// 200...599.
    package var code: Int
    /// `class.subject.detail` such as `5.7.1`; repeated on every line.
    package var enhanced: String?
    /// At least one; printable ASCII without CR and LF once it goes through `bytes`.
    package var lines: [String]

    package init(_ code: Int, _ enhanced: String? = nil, _ lines: String...) {
        self.init(code: code, enhanced: enhanced, lines: lines)
    }

    package init(code: Int, enhanced: String?, lines: [String]) {
        self.code = code
        self.enhanced = enhanced
        self.lines = lines
    }

    package var isPositive: Bool { (200...399).contains(code) }
    /// Worth another attempt with the same message.
    package var isTransientFailure: Bool { (400...499).contains(code) }
    package var isPermanentFailure: Bool { (500...599).contains(code) }

    /// The reply as it goes over the wire: CRLF line ends, `code-` on all lines but the last.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        let shown = lines.isEmpty ? [""] : lines
        for (index, line) in shown.enumerated() {
            bytes += "\(code)\(index == shown.count - 1 ? " " : "-")".utf8
            if let enhanced { bytes += "\(enhanced) ".utf8 }
            // A reply may show words that a peer sent: nothing in it can end the line.
            bytes += line.utf8.map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }
            bytes += [0x0d, 0x0a]
        }
        return bytes
    }
}

extension SMTPReply: CustomStringConvertible {
    package var description: String {
        ([String(code)] + (enhanced.map { [$0] } ?? []) + [lines.joined(separator: " / ")])
            .joined(separator: " ")
    }
}

// MARK: - Reading what a server said

/// One line of a server's reply, as a client's header callback sees it.
package struct SMTPReplyLine: Sendable, Hashable {
    package static let lineOctetsMax = 4096

    package let code: Int
    /// False on `250-`: more lines of the same reply follow.
    package let isLast: Bool
    package let enhanced: String?
    package let text: String

    /// Nil unless `line` (with or without its line end) is a reply line of at most `lineOctetsMax` octets.
    package init?(_ line: ArraySlice<UInt8>) {
        var line = line
        if line.last == 0x0a { line.removeLast() }
        if line.last == 0x0d { line.removeLast() }
        guard line.count >= 3, line.count <= Self.lineOctetsMax else { return nil }
        var code = 0
        for digit in line.prefix(3) {
            guard (0x30...0x39).contains(digit) else { return nil }
            code = code * 10 + Int(digit - 0x30)
        }
        guard (200...599).contains(code) else { return nil }
        let mark = line.dropFirst(3).first
        guard mark == nil || mark == UInt8(ascii: " ") || mark == UInt8(ascii: "-") else { return nil }
        let rest = String(decoding: line.dropFirst(4), as: UTF8.self)
        self.code = code
        isLast = mark != UInt8(ascii: "-")
        (enhanced, text) = Self.splitEnhanced(rest, code: code)
    }

    private static func splitEnhanced(_ rest: String, code: Int) -> (enhanced: String?, text: String) {
        let word = rest.prefix { $0 != " " }
        let numbers = word.split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count == 3, numbers[0] == String(code / 100),
            numbers.dropFirst().allSatisfy({
                (1...3).contains($0.utf8.count) && $0.utf8.allSatisfy { (0x30...0x39).contains($0) }
            })
        else { return (nil, rest) }
        return (String(word), String(rest.dropFirst(word.count + 1)))
    }
}

extension SMTPReply {
    package static let replyLinesMax = 256

    /// Reads exactly one whole reply; line ends may be CRLF or LF.
    ///
    /// Nil when a line is no reply line, codes differ, the last line is missing, or something follows it.
    package static func parse(_ bytes: ArraySlice<UInt8>) -> SMTPReply? {
        var reply: SMTPReply?
        var rest = bytes
        while !rest.isEmpty {
            let end = OctetSearch.firstIndex(of: 0x0a, in: rest).map { $0 + 1 } ?? rest.endIndex
            guard let line = SMTPReplyLine(rest[..<end]) else { return nil }
            rest = rest[end...]
            if let begun = reply, begun.code != line.code || begun.lines.count >= replyLinesMax { return nil }
            var grown = reply ?? SMTPReply(code: line.code, enhanced: line.enhanced, lines: [])
            grown.lines.append(line.text)
            reply = grown
            if line.isLast { return rest.isEmpty ? grown : nil }
        }
        return nil
    }

    package static func parse(_ text: String) -> SMTPReply? { parse(Array(text.utf8)[...]) }
}

/// What a server offered in its answer to EHLO.
package struct EHLOResponse: Sendable, Hashable {
    package let hostName: String
    /// Upper-case keyword to its parameters.
    package let keywords: [String: [String]]

    /// Nil unless `reply` is a 250.
    package init?(_ reply: SMTPReply) {
        guard reply.code == 250, let first = reply.lines.first else { return nil }
        hostName = String(first.prefix { $0 != " " })
        var keywords: [String: [String]] = [:]
        for line in reply.lines.dropFirst() {
            let words = line.split(separator: " ").map(String.init)
            guard let keyword = words.first else { continue }
            keywords[keyword.uppercased()] = Array(words.dropFirst())
        }
        self.keywords = keywords
    }

    package func offers(_ keyword: String) -> Bool { keywords[keyword.uppercased()] != nil }

    /// The largest message the server takes, in octets; nil when it announced none (or `SIZE 0`: no fixed limit).
    ///
    /// - Source: RFC 1870 section 4.
    package var messageOctetsMax: Int? {
        guard let text = keywords["SIZE"]?.first else { return nil }
        return EHLOResponse.size(text)
    }

    /// Reads the same from one line of the reply (`250-SIZE 10485760`), as a client's header callback sees it.
    package static func messageOctetsMax(inLine line: ArraySlice<UInt8>) -> Int? {
        guard let line = SMTPReplyLine(line), line.code == 250 else { return nil }
        let words = line.text.split(separator: " ")
        guard words.count >= 2, words[0].uppercased() == "SIZE" else { return nil }
        return size(String(words[1]))
    }

    private static func size(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        // A number too large for us is no limit for us.
        guard let value = Int(text), value > 0 else { return nil }
        return value
    }
}
