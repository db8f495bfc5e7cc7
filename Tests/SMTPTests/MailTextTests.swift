import Identifiers
import SMTP
import Testing

@Suite struct `MIME writer` {
    @Test func `writes entities that come back octet for octet`() throws {
        let body = (0...255).map { UInt8($0) } + [0x0d, 0x0a, 0x0d, 0x0a, 0x2e, 0x0d, 0x0a]
        let bytes = MIMEWriter.entity(
            fields: [
                ("Content-Type", "application/vnd.bridgehead.message; version=1"), ("Bridgehead-Empty", ""),
            ],
            body: body
        )
        let (header, slice) = try MIMEReader.parseEntity(bytes)
        #expect(Array(slice) == body)
        #expect(header.fields.map(\.name) == ["Content-Type", "Bridgehead-Empty"])
        #expect(header.first("bridgehead-empty") == "")
        #expect(header.first("Bridgehead-From") == nil)
    }

    @Test func `lets no value end its field`() throws {
        let bytes = MIMEWriter.entity(
            fields: [("Subject", "a\r\nBcc: b@x.example\r\n\r\nbody\u{0}"), ("X\r\nY: z", "v")],
            body: []
        )
        #expect(!String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: "").contains("\r"))
        let (header, body) = try MIMEReader.parseEntity(bytes)
        #expect(body.isEmpty)
        #expect(header.fields.map(\.name) == ["Subject", "XYz"])
        #expect(header.first("Bcc") == nil)
    }

    @Test func `folds long fields of messages so that they unfold to the same text`() throws {
        let words = (1...40).map { "word\($0)" }.joined(separator: " ")
        let long = String(repeating: "x", count: 200)
        let values = [
            words, long, "a \(long) b", "   lead", String(repeating: " ", count: 200), "\(words)     ",
        ]
        for value in values {
            let bytes = MIMEWriter.message(fields: [("Subject", value)], base64Body: [1])
            let (header, _) = try MIMEReader.parseEntity(bytes)
            let trimmed = value.drop { $0 == " " }
            #expect(header.first("Subject") == String(trimmed.reversed().drop { $0 == " " }.reversed()))
            #expect(header.fields.count == 1)
        }
        let lines = MIMEWriter.message(fields: [("Subject", words)], base64Body: [1]).split(separator: 0x0a)
        #expect(lines.allSatisfy { $0.count <= 79 && $0.last == 0x0d })
    }

    @Test func `writes messages that SMTP carries as they are`() {
        let body = (0..<10_000).map { UInt8($0 & 255) }
        let message = MIMEWriter.message(fields: [("MIME-Version", "1.0")], base64Body: body)
        let text = String(decoding: message, as: UTF8.self)
        #expect(message.allSatisfy { $0 < 0x80 })
        for line in text.replacing("\r\n", with: "\n").split(
            separator: "\n",
            omittingEmptySubsequences: false
        ) {
            #expect(line.utf8.count <= 78 && !line.hasPrefix(".") && !line.contains("\r"))
        }
    }
}

@Suite struct `Received fields` {
    @Test func `show the way of a message`() throws {
        let header = MailHeader(fields: [
            (
                "Received",
                "from relay.reskit.example (relay (inner) [192.0.2.7]) by hq.reskit.example (MTA) with ESMTPS "
                    + "id 4X; Wed, 25 Nov 2026 12:00:30 +0000 (UTC)"
            ),
            ("Subject", "x"), ("received", "by vancouver.reskit.example id ab;c; 25 Nov 2026 04:00:00 -0800"),
            ("Received", "garbage"), ("Received", ""),
        ])
        let hops = MIMEReader.receivedHops(header)
        #expect(hops.count == 4)
        #expect(hops[0].from == "relay.reskit.example")
        #expect(hops[0].by == "hq.reskit.example")
        #expect(hops[0].with == "ESMTPS")
        #expect(hops[0].id == "4X")
        #expect(hops[0].time == Timestamp(rfc3339: "2026-11-25T12:00:30Z"))
        #expect(hops[1].from == nil)
        #expect(hops[1].time == Timestamp(rfc3339: "2026-11-25T12:00:00Z"))
        #expect(hops[2].by == nil && hops[2].time == nil && hops[2].raw == "garbage")
    }

    @Test func `of our own listener are read back`() throws {
        var session = SMTPServerSession(
            configuration: SMTPServerConfiguration(
                hostName: "hq.reskit.example",
                recipients: RecipientPolicy(mailboxes: [])
            )
        )
        _ = session.receive(.connected(isTLS: false, peer: "192.0.2.7"))
        for line in ["EHLO vancouver.reskit.example", "MAIL FROM:<>", "RCPT TO:<postmaster>", "DATA"] {
            _ = session.receive(.bytes(Array("\(line)\r\n".utf8)[...]))
        }
        let time = try #require(Timestamp(rfc3339: "2026-11-25T12:00:00Z"))
        var trace: [UInt8] = []
        for effect in session.receive(.messageOpened(.opened(id: "a-1", at: time))) {
            if case .messageBytes(let bytes) = effect { trace += bytes }
        }
        let (header, _) = try MIMEReader.parseEntity(trace + [0x0d, 0x0a])
        let hop = try #require(MIMEReader.receivedHops(header).first)
        #expect(hop.from == "vancouver.reskit.example")
        #expect(hop.by == "hq.reskit.example")
        #expect(hop.with == "ESMTP")
        #expect(hop.id == "a-1")
        #expect(hop.time == time)
    }
}
