import Foundation

/// One SMTP conversation with its expected outcome, read from a `.dialogue` file.
///
/// The same files run through the pure session and over a socket. A file is lines of two kinds:
/// settings first (`@ key value`), then steps in order. `#` starts a comment line.
///
///     C: text          sent with CRLF            C*20: text    sent 20 times
///     C! text          sent as it is, with escapes \r \n \t \0 \\ \xHH and \[20 text] (text 20 times)
///     S: text          the next reply line starts with text   S*20: text    20 such lines
///     S= text          the next reply line is text
///     P: hello         the usual opening up to: hello, mail, recipient, data
///     E: stored        a message was stored; E: stored "text" compares it (same escapes), without trace header
///     E: trace "text"  the trace header of the message stored last holds text
///     E: envelope <from> recipient ...   of the message begun last
///     E: aborted, E: close, E: tls, E: deadline 300
///     I: deadline, shutdown, peer-closes, tls (the handshake is done)
///     I: open-fails, open-full, store-fails, store-full, store-refuses   (for the next message)
package struct Dialogue: Sendable, CustomStringConvertible {
    package enum TLS: String, Sendable { case none, offered, required }

    package enum Scope: String, Sendable {
        case everywhere
        /// Needs events that a test over a socket cannot cause.
        case pure
        /// Each step must arrive in one piece.
        case whole
    }

    package enum Step: Sendable, Hashable {
        case send([UInt8])
        case reply(String, isExact: Bool)
        case outcome(Outcome)
        case event(Event)
    }

    package enum Outcome: Sendable, Hashable {
        case stored([UInt8]?)
        case trace(String)
        case envelope(String)
        case aborted
        case close
        case tls
        case deadline(seconds: Int)
    }

    package enum Event: String, Sendable {
        case deadline, shutdown, tls
        case peerCloses = "peer-closes"
        case openFails = "open-fails"
        case openFull = "open-full"
        case storeFails = "store-fails"
        case storeFull = "store-full"
        case storeRefuses = "store-refuses"
    }

    package static let hostName = "hq.reskit.example"
    package static let mailbox = "_IsmService@hq.reskit.example"

    package let name: String
    package var tls = TLS.none
    package var scope = Scope.everywhere
    /// `recipients-max`, `message-max`, `command-line-max`, `message-line-max`, `junk-max`, `bad-max`,
    /// `transactions-max`, `pending-max`, `greeting-seconds`.
    package var limits: [String: Int] = [:]
    /// With the line each comes from.
    package var steps: [(line: Int, step: Step)] = []

    package var description: String { name }
}

package struct DialogueError: Error, CustomStringConvertible {
    package let file: String
    package let line: Int
    package let problem: String

    package var description: String { "\(file):\(line): \(problem)" }
}

extension Dialogue {
    /// The dialogues of this package, by name.
    package static func all() throws -> [Dialogue] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "SMTPTests/Dialogues")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "dialogue" }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map {
                let name = $0.deletingPathExtension().lastPathComponent
                return try Dialogue(name: name, text: String(contentsOf: $0, encoding: .utf8))
            }
    }

    package init(name: String, text: String) throws {
        self.name = name
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            do {
                try take(String(line), number: index + 1)
            } catch let problem as Problem {
                throw DialogueError(file: name, line: index + 1, problem: problem.text)
            }
        }
    }

    private struct Problem: Error {
        let text: String
    }

    private mutating func take(_ line: String, number: Int) throws {
        let mark = line.prefix { $0 != " " }
        let rest = String(line.dropFirst(mark.utf8.count + 1))
        if mark == "@" { return try takeSetting(rest) }
        let (kind, count) = try Self.countedMark(String(mark))
        var found: [Step]
        switch kind {
        case "C:": found = [.send(Array(rest.utf8) + [0x0d, 0x0a])]
        case "C!": found = [.send(try Self.unescape(rest))]
        case "S:": found = [.reply(rest, isExact: false)]
        case "S=": found = [.reply(rest, isExact: true)]
        case "P:": found = try opening(upTo: rest)
        case "E:": found = [.outcome(try Self.outcome(rest))]
        case "I:":
            guard let event = Event(rawValue: rest) else { throw Problem(text: "no event \(rest)") }
            found = [.event(event)]
        default: throw Problem(text: "no step \(mark)")
        }
        found = Array(repeatElement(found, count: count).joined())
        steps += found.map { (number, $0) }
    }

    private mutating func takeSetting(_ text: String) throws {
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 2, steps.isEmpty else {
            throw Problem(text: "settings are `@ key value`, first")
        }
        switch words[0] {
        case "tls":
            guard let value = TLS(rawValue: words[1]) else {
                throw Problem(text: "tls: none, offered, required")
            }
            tls = value
        case "run":
            guard let value = Scope(rawValue: words[1]) else {
                throw Problem(text: "run: everywhere, pure, whole")
            }
            scope = value
        default:
            guard let value = Int(words[1]) else { throw Problem(text: "\(words[0]) is no number") }
            limits[words[0]] = value
        }
    }

    /// `C*20:` is `C:`, twenty times.
    private static func countedMark(_ mark: String) throws -> (kind: String, count: Int) {
        guard let star = mark.firstIndex(of: "*"), let last = mark.last else { return (mark, 1) }
        guard let count = Int(mark[mark.index(after: star)...].dropLast()) else {
            throw Problem(text: "no count in \(mark)")
        }
        return ("\(mark[..<star])\(last)", count)
    }

    private func opening(upTo end: String) throws -> [Step] {
        let offers = Array(repeating: "250-", count: tls == .none ? 4 : 5) + ["250 "]
        let exchanges: [(String, String, [String])] = [
            ("hello", "EHLO relay.reskit.example", offers),
            ("mail", "MAIL FROM:<sender@vancouver.reskit.example>", ["250 2.1.0"]),
            ("recipient", "RCPT TO:<\(Self.mailbox)>", ["250 2.1.5"]),
            ("data", "DATA", ["354 "]),
        ]
        guard let last = exchanges.firstIndex(where: { $0.0 == end }) else {
            throw Problem(text: "no opening \(end)")
        }
        var steps: [Step] = [.reply("220 ", isExact: false)]
        for (_, command, replies) in exchanges[...last] {
            steps.append(.send(Array(command.utf8) + [0x0d, 0x0a]))
            steps += replies.map { .reply($0, isExact: false) }
        }
        return steps
    }

    private static func outcome(_ text: String) throws -> Outcome {
        let word = text.prefix { $0 != " " }
        let rest = String(text.dropFirst(word.utf8.count + 1))
        switch word {
        case "stored": return .stored(rest.isEmpty ? nil : try unescape(try unquote(rest)))
        case "trace": return .trace(try unquote(rest))
        case "envelope": return .envelope(rest)
        case "aborted": return .aborted
        case "close": return .close
        case "tls": return .tls
        case "deadline":
            guard let seconds = Int(rest) else { throw Problem(text: "no seconds in \(text)") }
            return .deadline(seconds: seconds)
        default: throw Problem(text: "no outcome \(text)")
        }
    }

    private static func unquote(_ text: String) throws -> String {
        guard text.utf8.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else {
            throw Problem(text: "quotes missing around \(text)")
        }
        return String(text.dropFirst().dropLast())
    }

    private static func unescape(_ text: String) throws -> [UInt8] {
        var rest = Array(text.utf8)[...]
        var bytes: [UInt8] = []
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "\\") else {
                bytes.append(octet)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "r"): bytes.append(0x0d)
            case UInt8(ascii: "n"): bytes.append(0x0a)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "0"): bytes.append(0)
            case UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "x"):
                guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                    throw Problem(text: "two hexadecimal digits must follow \\x")
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            case UInt8(ascii: "["):
                guard let end = rest.firstIndex(of: UInt8(ascii: "]")),
                    let space = rest.firstIndex(of: 0x20), space < end,
                    let count = Int(String(decoding: rest[..<space], as: UTF8.self))
                else { throw Problem(text: "a repetition is \\[count text]") }
                let piece = try unescape(String(decoding: rest[(space + 1)..<end], as: UTF8.self))
                bytes += repeatElement(piece, count: count).joined()
                rest = rest[(end + 1)...]
            default: throw Problem(text: "unknown escape")
            }
        }
        return bytes
    }
}
