import Identifiers
import SMTP
import Testing

@Suite struct `MIME reader` {
    /// A DER SEQUENCE of `length` content octets (not a real one): what the reader needs is its outermost length.
    static func der(_ length: Int) -> [UInt8] {
        [0x30, 0x82, UInt8(length >> 8), UInt8(length & 255)] + (0..<length).map { UInt8($0 * 7 & 255) }
    }

    static let fields = [
        ("From", "_IsmService@hq.reskit.example"), ("To", "_IsmService@vancouver.reskit.example"),
        ("Subject", "Intersite message 7"), ("MIME-Version", "1.0"),
        ("Content-Type", "application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m"),
        ("Content-Transfer-Encoding", "base64"),
    ]

    static func message(_ der: [UInt8]) -> [UInt8] { MIMEWriter.message(fields: fields, base64Body: der) }

    static func lineFeeds(_ bytes: [UInt8]) -> [UInt8] { bytes.filter { $0 != 0x0d } }

    @Test(arguments: [0, 1, 53, 54, 55, 5000])
    func `finds what the writer wrote, with CRLF and with LF`(length: Int) throws {
        let der = Self.der(length)
        for message in [Self.message(der), Self.lineFeeds(Self.message(der))] {
            let part = try MIMEReader.findSealedPart(in: message)
            #expect(part.der == der)
            #expect(!part.wasWrapped)
            #expect(part.contentType.mediaType == "application/pkcs7-mime")
            #expect(part.contentType.parameters["smime-type"] == "authEnveloped-data")
            #expect(part.header.first("subject") == "Intersite message 7")
        }
    }

    @Test func `reads folded and added header fields, in any case, from a mailbox file too`() throws {
        let text =
            "From MAILER-DAEMON Wed Nov 25 12:00:00 2026\nRETURN-PATH: <a@b.example>\n"
            + "Received: from a (b)\n\tby c;\n  Wed, 25 Nov 2026 12:00:00 +0000\nX-Spam :\n yes\n"
            + "content-type:\n application/x-pkcs7-mime\n ;\n name=\"smi\\me.p7m\" (comment; x=y)\n ; SMIME-TYPE=a\n"
            + "content-transfer-encoding: BASE64 (as always)\n\n"
        let part = try MIMEReader.findSealedPart(in: Array(text.utf8) + Base64.encode(Self.der(10)))
        #expect(part.der == Self.der(10))
        #expect(part.contentType.parameters == ["name": "smime.p7m", "smime-type": "a"])
        #expect(part.header.first("X-Spam") == "yes")
        #expect(part.header.first("Received") == "from a (b)\tby c;  Wed, 25 Nov 2026 12:00:00 +0000")
    }

    @Test func `takes base64 that was wrapped anew or has white space at line ends`() throws {
        let header = "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        let letters = Base64.encode(Self.der(300))
        for width in [1, 3, 60, 998, 10_000] {
            var body: [UInt8] = []
            for start in stride(from: 0, to: letters.count, by: width) {
                body += letters[start..<min(start + width, letters.count)] + Array(" \t\r\n".utf8)
            }
            let part = try MIMEReader.findSealedPart(in: Array(header.utf8) + body + Array("\r\n\r\n".utf8))
            #expect(part.der == Self.der(300))
            #expect(!part.wasWrapped)
        }
    }

    @Test(arguments: [
        "-- \r\nThis mail was checked, it's clean.\r\n", "Confidential\r\n", "AAAA\r\n", "\r\n\r\nlast words",
        "=====\r\n", "\u{e9}\r\n",
    ])
    func `takes a footer for a footer at every padding`(footer: String) throws {
        for length in [150, 151, 152, 53] {
            let message = Self.message(Self.der(length)) + Array(footer.utf8)
            let part = try MIMEReader.findSealedPart(in: message)
            #expect(part.der == Self.der(length), "footer \(footer), length \(length)")
            #expect(part.wasWrapped)
        }
    }

    @Test func `leaves octets behind the content to the stricter reader`() throws {
        let der = Self.der(100) + [1, 2, 3]
        #expect(try MIMEReader.findSealedPart(in: Self.message(der)).der == der)
        let notDER: [UInt8] = [1, 2, 3, 4, 5]
        #expect(try MIMEReader.findSealedPart(in: Self.message(notDER)).der == notDER)
    }

    @Test func `finds the part inside multiparts, with preamble, footer part and missing end`() throws {
        let inner = String(decoding: Self.message(Self.der(99)), as: UTF8.self)
        let text =
            "Subject: changed\r\nContent-Type: multipart/mixed; boundary=\"a b:c\"\r\n\r\npreamble\r\n--a b:cd\r\n"
            + "--a b:c  \r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n" + inner
            + "\r\n--x--\r\nepilogue\r\n--a b:c\r\n\r\nThis mail was checked.\r\n--a b:c--\r\nmore"
        for message in [Array(text.utf8), Self.lineFeeds(Array(text.utf8))] {
            let part = try MIMEReader.findSealedPart(in: message)
            #expect(part.der == Self.der(99))
            #expect(part.wasWrapped)
            #expect(part.header.first("Subject") == "changed")
        }
        let cut =
            "Content-Type: multipart/mixed; boundary=x\n\n--x\n" + inner.replacing("\r\n", with: "\n")
        #expect(try MIMEReader.findSealedPart(in: Array(cut.utf8)).der == Self.der(99))
    }

    @Test func `knows the part by its file name when a gateway renamed its type`() throws {
        for type in [
            "application/octet-stream; name=smime.P7M",
            "application/octet-stream\r\nContent-Disposition: attachment; filename=\"smime.p7m\"",
        ] {
            let text = "Content-Type: \(type)\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            let part = try MIMEReader.findSealedPart(in: Array(text.utf8) + Base64.encode(Self.der(20)))
            #expect(part.der == Self.der(20))
        }
    }

    @Test func `takes a binary body as it is`() throws {
        let text = "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        #expect(try MIMEReader.findSealedPart(in: Array(text.utf8) + Self.der(50)).der == Self.der(50))
    }

    @Test func `does not look into a bounce`() {
        let inner = String(decoding: Self.message(Self.der(9)), as: UTF8.self)
        let text =
            "Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n\r\nsorry\r\n"
            + "--x\r\nContent-Type: message/rfc822\r\n\r\n" + inner + "\r\n--x--\r\n"
        #expect(throws: MIMEError.noSealedPart) { try MIMEReader.findSealedPart(in: Array(text.utf8)) }
    }

    @Test(arguments: [
        ("Subject: x\r\n\r\ntext", MIMEError.noSealedPart),
        ("\r\n", .noSealedPart),
        ("", .headerNotEnded),
        ("Subject: x\r\n", .headerNotEnded),
        (" folded first\r\n\r\n", .malformedHeader(line: 1)),
        ("Subject: x\r\nno colon here\r\n\r\n", .malformedHeader(line: 2)),
        (": no name\r\n\r\n", .malformedHeader(line: 1)),
        ("Sub ject: x\r\n\r\n", .malformedHeader(line: 1)),
        ("Sub\u{0}ject: x\r\n\r\n", .malformedHeader(line: 1)),
        ("Content-Type: multipart/mixed\r\n\r\n--x\r\n", .boundaryMissing),
        ("Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n", .boundaryMissing),
        ("Content-Type: multipart/mixed; boundary=x\r\n\r\n", .noSealedPart),
        ("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n--x--\r\n", .noSealedPart),
        ("Content-Type: application/pkcs7-mime\r\n\r\nMAA=\r\n", .unsupportedEncoding("7bit")),
        (
            "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n \r\n",
            .emptySealedPart
        ),
        (
            "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\nMA=A\r\n",
            .badBase64(.textBehindPadding(offset: 3))
        ),
    ])
    func `says what is wrong`(text: String, error: MIMEError) {
        #expect(throws: error) { try MIMEReader.findSealedPart(in: Array(text.utf8)) }
    }

    @Test func `does not choose between two sealed parts`() {
        let inner = String(decoding: Self.message(Self.der(9)), as: UTF8.self)
        let text =
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\(inner)\r\n--x\r\n\(inner)\r\n--x--\r\n"
        #expect(throws: MIMEError.severalSealedParts(2)) {
            try MIMEReader.findSealedPart(in: Array(text.utf8))
        }
    }
}

@Suite struct `MIME reader limits` {
    @Test func `hold for nested multiparts`() {
        var text = ""
        for depth in 0..<1000 {
            text += "Content-Type: multipart/mixed; boundary=b\(depth)\r\n\r\n--b\(depth)\r\n"
        }
        #expect(throws: MIMEError.tooDeep(8)) { try MIMEReader.findSealedPart(in: Array(text.utf8)) }
    }

    @Test func `hold for many parts`() {
        let text =
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n"
            + String(repeating: "--x\r\n\r\n", count: 100_000)
        #expect(throws: MIMEError.tooManyParts(32)) { try MIMEReader.findSealedPart(in: Array(text.utf8)) }
    }

    @Test func `hold for headers`() {
        let fields = String(repeating: "A: b\r\n", count: 501) + "\r\n"
        #expect(throws: MIMEError.tooManyHeaderFields(500)) { try MIMEReader.parseEntity(Array(fields.utf8)) }
        let folds = "A: b\r\n" + String(repeating: " c\r\n", count: 200_000) + "\r\n"
        #expect(throws: MIMEError.headerTooLarge(octetsMax: 65_536)) {
            try MIMEReader.parseEntity(Array(folds.utf8))
        }
        let line = "A: " + String(repeating: "x", count: 100_000) + "\r\n\r\n"
        #expect(throws: MIMEError.headerLineTooLong(line: 1, octetsMax: 8192)) {
            try MIMEReader.parseEntity(Array(line.utf8))
        }
        let longest = "A: " + String(repeating: "x", count: 8189)
        #expect(throws: Never.self) { try MIMEReader.parseEntity(Array("\(longest)\r\n\r\n".utf8)) }
        #expect(throws: MIMEError.headerLineTooLong(line: 1, octetsMax: 8192)) {
            try MIMEReader.parseEntity(Array("\(longest)x\n\n".utf8))
        }
    }

    @Test func `hold for structured values`() throws {
        let deep = String(repeating: "(", count: 60_000)
        #expect(ContentType(deep) == nil)
        #expect(ContentType("\"") == nil)
        #expect(ContentType("text/plain; \\")?.mediaType == "text/plain")
        #expect(ContentType("text/plain; a=\"unended\\")?.parameters == ["a": "unended\\"])
        let many = "text/plain" + (0..<1000).map { "; p\($0)=x" }.joined()
        #expect(ContentType(many)?.parameters.count == ContentType.parametersMax)
        #expect(ContentType("text/plain; a=1; a=2; =3; b; c=4")?.parameters == ["a": "1", "c": "4"])
    }

    @Test func `hold for any octets: a damaged message never traps`() {
        let good = MIMEReader.Samples.wrapped
        for seed in UInt64(1)...400 {
            var generator = SeededGenerator(state: seed)
            var bytes = good
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert([0, 0x0a, 0x0d, 0x3d, 0x2d, 0x22][index % 6], at: index)
                default: bytes = Array(bytes[..<max(1, index)]) + bytes[min(index + 9, bytes.count - 1)...]
                }
            }
            _ = try? MIMEReader.findSealedPart(in: bytes)
        }
        for end in good.indices { _ = try? MIMEReader.findSealedPart(in: Array(good[..<end])) }
    }
}

extension MIMEReader {
    fileprivate enum Samples {
        static let wrapped =
            Array("Content-Type: multipart/mixed; boundary=\"x y\"\r\n\r\n--x y\r\n".utf8)
            + `MIME reader`.message(`MIME reader`.der(120))
            + Array("\r\n--x y\r\nContent-Type: text/plain\r\n\r\nfooter\r\n--x y--\r\n".utf8)
    }
}
