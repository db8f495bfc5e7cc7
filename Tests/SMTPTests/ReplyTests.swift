import Identifiers
import SMTP
import Testing

@Suite struct `SMTP replies` {
    @Test func `are written with codes on every line`() {
        let reply = SMTPReply(
            code: 250,
            enhanced: nil,
            lines: ["hq.reskit.example", "SIZE 1000", "8BITMIME"]
        )
        #expect(
            String(decoding: reply.bytes, as: UTF8.self)
                == "250-hq.reskit.example\r\n250-SIZE 1000\r\n250 8BITMIME\r\n"
        )
        #expect(
            String(decoding: SMTPReply(451, "4.3.0", "later").bytes, as: UTF8.self) == "451 4.3.0 later\r\n"
        )
        #expect(SMTPReply(451, "4.3.0", "later").description == "451 4.3.0 later")
    }

    @Test func `cannot carry a line end in their text`() {
        let reply = SMTPReply(250, nil, "a\r\n250 forged\u{0}\u{e9}")
        #expect(String(decoding: reply.bytes, as: UTF8.self) == "250 a??250 forged???\r\n")
    }

    @Test func `are read back as they were written`() {
        for reply in [
            SMTPReply(250, nil, "one", "two", ""), SMTPReply(550, "5.7.1", "no"), SMTPReply(220, nil, ""),
            SMTPReply(452, "4.3.1", "full", "try later"),
        ] {
            #expect(SMTPReply.parse(reply.bytes[...]) == reply)
        }
        #expect(SMTPReply.parse("250 2.0.0 ok\n") == SMTPReply(250, "2.0.0", "ok"))
        #expect(SMTPReply.parse("250\r\n") == SMTPReply(250, nil, ""))
    }

    @Test(arguments: [
        "", "25", "25x no", "999 no", "199 no", "250-more", "250-a\r\n251 b\r\n", "250 a\r\n250 b\r\n",
        "250_odd", "\r\n", "250 a\r\n\r\n",
    ])
    func `are refused when they are none`(text: String) {
        #expect(SMTPReply.parse(text) == nil)
    }

    @Test func `keep to their limits`() {
        let long = "250 " + String(repeating: "x", count: SMTPReplyLine.lineOctetsMax)
        #expect(SMTPReply.parse(long) == nil)
        let many = String(repeating: "250-x\r\n", count: SMTPReply.replyLinesMax + 1) + "250 x\r\n"
        #expect(SMTPReply.parse(many) == nil)
    }

    @Test(
        arguments: [
            ("5.7.1 no", "5.7.1"), ("4.7.1 no", nil), ("5.7 no", nil), ("5.7.1000 no", nil),
            ("5.x.1 no", nil),
            ("5.+7.1 no", nil), ("5.7.1", "5.7.1"), ("no", nil),
        ] as [(String, String?)]
    )
    func `have an enhanced code only of their own class`(text: String, enhanced: String?) {
        #expect(SMTPReplyLine(Array("550 \(text)".utf8)[...])?.enhanced == enhanced)
    }

    @Test func `sort themselves`() {
        #expect(SMTPReply(354, nil, "go").isPositive)
        #expect(SMTPReply(421, nil, "later").isTransientFailure)
        #expect(SMTPReply(550, nil, "no").isPermanentFailure)
    }

    @Test func `announce a size`() throws {
        let reply = try #require(
            SMTPReply.parse(
                "250-relay.reskit.example hello\r\n250-pipelining\r\n250-SIZE 10485760\r\n250 DSN\r\n"
            )
        )
        let response = try #require(EHLOResponse(reply))
        #expect(response.hostName == "relay.reskit.example")
        #expect(response.offers("PIPELINING"))
        #expect(!response.offers("STARTTLS"))
        #expect(response.messageOctetsMax == 10_485_760)
        #expect(EHLOResponse(SMTPReply(550, nil, "no")) == nil)
    }

    @Test(
        arguments: [
            ("250-SIZE 1000\r\n", 1000), ("250 size 1000", 1000), ("250-SIZE 0\r\n", nil),
            ("250-SIZE\r\n", nil),
            ("250-SIZE 99999999999999999999\r\n", nil), ("250-SIZE -5\r\n", nil), ("250-SIZES 5\r\n", nil),
            ("250-SIZE +5\r\n", nil), ("550-SIZE 5\r\n", nil), ("nonsense", nil),
        ] as [(String, Int?)]
    )
    func `announce a size in one line`(line: String, size: Int?) {
        #expect(EHLOResponse.messageOctetsMax(inLine: Array(line.utf8)[...]) == size)
    }
}

@Suite struct `Mail dates` {
    @Test(arguments: [
        ("Wed, 25 Nov 2026 12:00:00 +0000", "2026-11-25T12:00:00Z"),
        ("Wed, 25 Nov 2026 12:00:00 +0100 (CET)", "2026-11-25T11:00:00Z"),
        ("25 Nov 2026 12:00 -0830", "2026-11-25T20:30:00Z"),
        ("  Wed ,  5   nov   2026 (a (nested\\) comment)) 01:02:03   GMT ", "2026-11-05T01:02:03Z"),
        ("Fri, 21 Nov 97 09:55:06 EST", "1997-11-21T14:55:06Z"),
        ("1 Jan 26 00:00:00 PDT", "2026-01-01T07:00:00Z"),
        ("1 Jan 126 00:00:00 Z", "2026-01-01T00:00:00Z"),
        ("Thu, 31 Dec 1998 23:59:60 +0000", "1999-01-01T00:00:00Z"),
        ("29 Feb 2028 00:00:00 +0000", "2028-02-29T00:00:00Z"),
        ("25 Nov 2026 12:00:00", "2026-11-25T12:00:00Z"),
    ])
    func `are read in old and new forms`(text: String, time: String) {
        #expect(Timestamp(mailDate: text)?.description == time)
    }

    @Test func `are read back as written`() {
        for seconds in stride(from: Int64(0), through: 4_000_000_000, by: 86_399 * 97) {
            let time = Timestamp(seconds: seconds)
            #expect(Timestamp(mailDate: time.mailDate) == time)
        }
    }

    @Test(arguments: [
        "", "Wed", "Wed, ", "Xxx, 25 Nov 2026 12:00:00 +0000", "25 Nov 2026", "31 Feb 2026 00:00:00 +0000",
        "25 Nov 2026 24:00:00 +0000", "25 Nov 2026 12:60:00 +0000", "25 Nov 2026 12:00:00 +00",
        "25 Nov 2026 12:00:00 +0060", "25 Nov 2026 12:00:00 +0000 more", "25 Nov 99999 12:00:00 +0000",
        "-5 Nov 2026 12:00:00 +0000", "25 Nov 2026 12::00 +0000", "a, 25, Nov", "((((", "\"",
        "Wed, 25 Nov 2026 12:00:00 +0000" + String(repeating: " ", count: 300),
    ])
    func `are refused when damaged`(text: String) {
        #expect(Timestamp(mailDate: text) == nil)
    }
}
