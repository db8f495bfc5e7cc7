import Identifiers
import Testing

@testable import SMTP

@Suite struct `The way of a received mail` {
    private func trace(_ lines: [String]) throws -> MailTrace {
        let text = (lines + ["", "body"]).joined(separator: "\r\n")
        return MailTrace(try MIMEReader.parseEntity(Array(text.utf8)).header)
    }

    @Test func `hops come oldest first, with who and when`() throws {
        let trace = try trace([
            "Received: from relay.example by hq.example with ESMTPS id 7;",
            "\tWed, 25 Nov 2026 12:01:00 +0000",
            "Received: from van.example (van [192.0.2.1]) by relay.example with ESMTP; Wed, 25 Nov 2026 12:00:05 +0000",
            "Message-ID: <one@van.example>",
        ])
        #expect(trace.messageID == "one@van.example")
        #expect(trace.hops.map(\.from) == ["van.example", "relay.example"])
        #expect(trace.hops.map(\.by) == ["relay.example", "hq.example"])
        #expect(trace.hops.map(\.time?.seconds) == [1_795_608_005, 1_795_608_060])
        #expect(trace.hops.last?.id == "7" && trace.omittedHops == 0)
    }

    @Test func `more hops than the limit lose the oldest, which are counted`() throws {
        let fields = (0..<40).map { "Received: from h\(40 - $0) by h\(41 - $0); no date" }
        let trace = try trace(fields)
        #expect(trace.hops.count == MailTrace.hopsMax && trace.omittedHops == 40 - MailTrace.hopsMax)
        #expect(trace.hops.last?.by == "h41" && trace.hops.first?.from == "h25")
        #expect(trace.hops.allSatisfy { $0.time == nil })
    }

    @Test(arguments: [
        ("", nil), ("<>", nil), ("   ", nil), ("<a@b", "a@b"), ("a@b> c", "a@b"),
        (String(repeating: "x", count: 500), String(repeating: "x", count: 128)),
        (String(repeating: "x", count: 127) + "é", String(repeating: "x", count: 127)),
    ])
    func `an identifier is trimmed to what is kept`(field: String, expected: String?) throws {
        #expect(try trace(["Message-ID: \(field)", "Subject: x"]).messageID == expected)
    }

    @Test func `hostile fields leave bounded text`() throws {
        let seed: UInt64 = 20_261_125
        var state = seed
        for round in 0..<300 {
            var value = ""
            for _ in 0..<200 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                value.unicodeScalars.append(Unicode.Scalar(UInt8(0x20 + (state >> 33) % 0x5f)))
            }
            let trace = try trace(["Received: \(value)", "Received: from \(value) by ((((\(value)"])
            #expect(trace.hops.count == 2, "seed \(seed), round \(round)")
            for hop in trace.hops {
                for text in [hop.from, hop.by, hop.with, hop.id] {
                    #expect((text?.utf8.count ?? 0) <= MailTrace.wordOctetsMax)
                }
            }
        }
    }
}
