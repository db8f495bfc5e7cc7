import Identifiers
import SMTP
import Testing

/// What a dialogue file cannot say.
@Suite struct `SMTP server session` {
    private static func session(_ limits: SMTPServerLimits = SMTPServerLimits()) -> SMTPServerSession {
        SMTPServerSession(
            configuration: SMTPServerConfiguration(
                hostName: "hq.reskit.example",
                recipients: RecipientPolicy(
                    mailboxes: MailAddress("_IsmService@hq.reskit.example").map { [$0] } ?? []
                ),
                limits: limits
            )
        )
    }

    private static func bytes(_ text: String) -> SMTPServerSession.Input { .bytes(Array(text.utf8)[...]) }

    private static let opened = SMTPServerSession.Input.messageOpened(
        .opened(id: "7", at: Timestamp(seconds: 0))
    )

    private static func inMessage(_ limits: SMTPServerLimits = SMTPServerLimits()) -> SMTPServerSession {
        var session = session(limits)
        _ = session.receive(.connected(isTLS: true, peer: nil))
        _ = session.receive(bytes("EHLO x\r\n"))
        _ = session.receive(bytes("MAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nDATA\r\n"))
        _ = session.receive(opened)
        return session
    }

    @Test func `hands a plain chunk on in one piece without copying its lines`() {
        var session = Self.inMessage()
        let lines = Array(String(repeating: String(repeating: "A", count: 76) + "\r\n", count: 100).utf8)
        #expect(session.receive(.bytes(lines[...])) == [.messageBytes(lines[...])])
    }

    @Test func `writes the trace header before the first octet of the message`() {
        var session = Self.session()
        _ = session.receive(.connected(isTLS: true, peer: "2001:db8::7"))
        _ = session.receive(Self.bytes("EHLO x\r\n"))
        _ = session.receive(Self.bytes("MAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nDATA\r\n"))
        let trace =
            "Return-Path: <>\r\nReceived: from x (2001:db8::7)\r\n"
            + "\tby hq.reskit.example with ESMTPS id 7;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n"
        #expect(
            session.receive(Self.opened) == [
                .send(Array("354 send the message, end with <CRLF>.<CRLF>\r\n".utf8)),
                .messageBytes(Array(trace.utf8)[...]), .deadline(seconds: 3600),
            ]
        )
    }

    @Test func `says whether a complete message is safe before it stops`() {
        var session = Self.inMessage()
        #expect(session.receive(Self.bytes(".\r\n")).contains(.endMessage))
        #expect(session.receive(.shutdown).isEmpty)
        let effects = session.receive(.messageStored(.durable(id: "7")))
        #expect(effects.count == 3)
        #expect(effects.first == .send(Array("250 2.0.0 stored as 7\r\n".utf8)))
        #expect(effects.last == .close)
    }

    @Test func `never drops a file whose end was asked for`() {
        for input in [SMTPServerSession.Input.deadline, .peerClosed] {
            var session = Self.inMessage()
            _ = session.receive(Self.bytes(".\r\n"))
            let effects = session.receive(input)
            #expect(!effects.contains(.abortMessage))
            #expect(effects.last == .close)
            #expect(session.receive(.messageStored(.durable(id: "7"))).isEmpty)
        }
    }

    @Test func `refuses a body that comes before its 354`() {
        var session = Self.session()
        _ = session.receive(.connected(isTLS: true, peer: nil))
        _ = session.receive(Self.bytes("EHLO x\r\n"))
        _ = session.receive(Self.bytes("MAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nDATA\r\n"))
        #expect(session.receive(Self.bytes("early\r\n")).isEmpty)
        let effects = session.receive(Self.opened)
        #expect(effects.dropFirst() == [.abortMessage, .close])
    }

    @Test func `drops a file that is still being opened when the client goes`() {
        var session = Self.session()
        _ = session.receive(.connected(isTLS: true, peer: nil))
        _ = session.receive(Self.bytes("EHLO x\r\n"))
        _ = session.receive(Self.bytes("MAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nDATA\r\n"))
        #expect(session.receive(.peerClosed) == [.abortMessage, .close])
        #expect(session.receive(Self.opened).isEmpty)
    }

    @Test func `ignores answers that nobody asked for`() {
        var session = Self.session()
        _ = session.receive(.connected(isTLS: false, peer: nil))
        #expect(session.receive(.messageStored(.durable(id: "7"))).isEmpty)
        #expect(session.receive(Self.opened).isEmpty)
        #expect(session.receive(.tlsEstablished).isEmpty)
        #expect(session.receive(.connected(isTLS: false, peer: nil)).isEmpty)
        #expect(session.receive(.bytes([])).isEmpty)
    }

    @Test func `takes dot-heavy text in any pieces and gives it back unchanged`() {
        for seed in UInt64(1)...200 {
            var generator = SeededGenerator(state: seed)
            var text: [UInt8] = []
            for _ in 0..<Int.random(in: 0...60, using: &generator) {
                let length = Int.random(in: 0...5, using: &generator)
                text += (0..<length).map { _ in [0x2e, 0x2e, 0x61][Int.random(in: 0...2, using: &generator)] }
                text += [0x0d, 0x0a]
            }
            var wire: [UInt8] = []
            for line in text.split(separator: 0x0a, omittingEmptySubsequences: true) {
                if line.first == 0x2e { wire.append(0x2e) }
                wire += line + [0x0a]
            }
            wire += Array(".\r\n".utf8)
            var session = Self.inMessage()
            var stored: [UInt8] = []
            var isEnded = false
            var rest = wire[...]
            while !rest.isEmpty {
                let count = min(rest.count, Int.random(in: 1...9, using: &generator))
                for effect in session.receive(.bytes(rest.prefix(count))) {
                    if case .messageBytes(let bytes) = effect { stored += bytes }
                    if effect == .endMessage { isEnded = true }
                }
                rest = rest.dropFirst(count)
            }
            #expect(stored == text && isEnded, "seed \(seed)")
        }
    }

    @Test func `survives any octets in any state`() {
        let words = [
            "EHLO x\r\n", "MAIL FROM:<>", " SIZE=1", "\r\n", "RCPT TO:<postmaster>\r\n", "DATA\r\n", ".\r\n",
            ".", "\r", "\n", "RSET\r\n", "STARTTLS\r\n", "\u{0}", "text", "<", ">", "\"", "\\",
        ].map { Array($0.utf8) }
        for seed in UInt64(1)...300 {
            var generator = SeededGenerator(state: seed)
            var session = Self.session()
            _ = session.receive(.connected(isTLS: false, peer: nil))
            var isClosed = false
            for _ in 0..<200 {
                let input: SMTPServerSession.Input =
                    switch Int.random(in: 0..<20, using: &generator) {
                    case 0: Self.opened
                    case 1: .messageStored(.durable(id: "7"))
                    case 2: .bytes([UInt8.random(in: 0...255, using: &generator)])
                    default: .bytes(words[Int.random(in: 0..<words.count, using: &generator)][...])
                    }
                let effects = session.receive(input)
                #expect(!isClosed || effects.isEmpty, "seed \(seed)")
                isClosed = isClosed || effects.contains(.close)
            }
        }
    }
}
