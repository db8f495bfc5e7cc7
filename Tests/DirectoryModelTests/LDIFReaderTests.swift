import DirectoryModel
import Testing

@Suite struct `LDIF reader` {
    /// Records as text and errors as `!line: reason`, for short expectations.
    static func outline(_ results: [Result<LDIFRecord, LDIFError>]) -> [String] {
        results.map { result in
            switch result {
            case .success(let record): "\(record.line) \(record.dn) \(outline(record.kind))"
            case .failure(let error): "!\(error)"
            }
        }
    }

    static func outline(_ kind: LDIFRecord.Kind) -> String {
        func text(_ values: [[UInt8]]) -> String {
            values.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "|")
        }
        switch kind {
        case .content(let attributes):
            return attributes.map { "\($0.name)=\(text($0.values))" }.joined(separator: ";")
        case .add(let attributes):
            return "add " + attributes.map { "\($0.name)=\(text($0.values))" }.joined(separator: ";")
        case .delete: return "delete"
        case .modify(let modifications):
            return modifications.map { "\($0.operation.rawValue) \($0.attribute)=\(text($0.values))" }
                .joined(separator: ";")
        case .rename(let newRDN, let deleteOldRDN, let newSuperior):
            return "rename \(newRDN) \(deleteOldRDN) \(newSuperior ?? "-")"
        }
    }

    static func read(_ text: String, limits: LDIFLimits = LDIFLimits()) -> [String] {
        var reader = LDIFReader(limits: limits)
        return outline(reader.feed(Array(text.utf8)) + reader.finish())
    }

    static let sample = """
        version: 1
        # a comment
         that goes on

        dn: OU=Vancouver,DC=reskit,DC=example
        objectClass: top
        OBJECTCLASS: organizationalUnit
        #in the middle
        ou: Vancou
         ver
        description:: aGVsbG8=
        empty:
        cn;lang-en:  spaces before count not, behind they do 


        dn:: T1U9w6k=
        changetype: add
        ou: é

        dn: cn=x
        changetype: delete

        dn: cn=x
        changetype: modify
        add: mail
        mail: a@reskit.example
        mail: b@reskit.example
        -
        delete: description
        -
        replace: sn
        sn: y
        -
        increment: uidNumber
        uidNumber: 1
        -

        dn: cn=x
        changetype: modrdn
        newrdn: cn=y
        deleteoldrdn: 1
        newsuperior: ou=z

        dn: cn=x
        changetype: moddn
        newrdn: cn=y
        deleteoldrdn: 0
        """

    static let expected = [
        "5 OU=Vancouver,DC=reskit,DC=example objectClass=top|organizationalUnit;ou=Vancouver;"
            + "description=hello;empty=;cn;lang-en=spaces before count not, behind they do ",
        "16 OU=é add ou=é",
        "20 cn=x delete",
        "23 cn=x add mail=a@reskit.example|b@reskit.example;delete description=;replace sn=y;"
            + "increment uidNumber=1",
        "38 cn=x rename cn=y true ou=z",
        "44 cn=x rename cn=y false -",
    ]

    @Test func `reads entries and every kind of change`() { #expect(Self.read(Self.sample) == Self.expected) }

    @Test func `takes CR LF and a byte order mark`() {
        let text = "\u{feff}" + Self.sample.replacing("\n", with: "\r\n")
        #expect(Self.read(text) == Self.expected)
    }

    @Test func `reads the same byte by byte and in any split`() {
        let octets = Array(Self.sample.utf8)
        var single = LDIFReader()
        var results: [Result<LDIFRecord, LDIFError>] = []
        for octet in octets { results += single.feed([octet]) }
        #expect(Self.outline(results + single.finish()) == Self.expected)

        let seed: UInt64 = 5
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var reader = LDIFReader()
            var results: [Result<LDIFRecord, LDIFError>] = []
            var rest = octets[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...60, using: &generator)
                results += reader.feed(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            #expect(Self.outline(results + reader.finish()) == Self.expected, "seed \(seed)")
        }
    }

    /// Lines of one bad record, which of its lines is named, a word of the reason.
    @Test(arguments: [
        ("cn: x", 0, "dn:"), ("dn: cn=x", 0, "without attributes"), ("dn: cn=x\nno colon", 1, "without ':'"),
        ("dn: cn=x\ncn:: %%%", 1, "base64"), ("dn: cn=x\ncn:: YQ", 1, "base64"),
        ("dn: cn=x\ncn:< file:///etc/passwd", 1, "URL"), ("dn:< file:///x", 0, "URL"),
        ("dn:: /w==\ncn: x", 0, "UTF-8"), ("dn: cn=x\n: x", 1, "attribute name"),
        ("dn: cn=x\nc n: x", 1, "attribute name"), ("dn: cn=x\n-cn: x", 1, "attribute name"),
        ("dn: cn=x\ncn: a\0b", 1, "NUL"), ("dn: cn=x\ncn: x\ndn: cn=y\ncn: y", 2, "second 'dn:'"),
        ("dn: cn=x\ncn: x\n-", 2, "between modifications"),
        ("dn: cn=x\nchangetype: destroy", 1, "changetype"),
        ("dn: cn=x\nchangetype: delete\ncn: x", 2, "no further lines"),
        ("dn: cn=x\nchangetype: modify", 1, "without modifications"),
        ("dn: cn=x\nchangetype: modify\nadd: cn\n-", 2, "without values"),
        ("dn: cn=x\nchangetype: modify\nadd: cn\nsn: x", 3, "modification of cn"),
        ("dn: cn=x\nchangetype: modify\ncn: x", 2, "must stand here"),
        ("dn: cn=x\nchangetype: modify\nadd: c n\nx: y", 2, "attribute name"),
        ("dn: cn=x\nchangetype: modify\nincrement: a\na: 1\na: 2", 2, "one value"),
        ("dn: cn=x\nchangetype: modrdn\nnewrdn: cn=y", 2, "deleteoldrdn"),
        ("dn: cn=x\nchangetype: modrdn\nnewrdn: cn=y\ndeleteoldrdn: yes", 3, "neither 0 nor 1"),
        ("dn: cn=x\nchangetype: modrdn\nnewrdn: cn=y\ndeleteoldrdn: 1\ncn: x", 4, "too many"),
        ("dn: cn=x\ncontrol: 1.2.3 true\nchangetype: delete", 1, "controls"),
        (" folded: x", 0, "continuation"),
    ])
    func `names the line of a bad record and keeps the good ones`(bad: String, line: Int, reason: String)
        throws
    {
        let text = "dn: cn=before\ncn: before\n\n\(bad)\n\ndn: cn=behind\ncn: behind\n"
        let results = Self.read(text)
        try #require(results.count == 3)
        #expect(results[0] == "1 cn=before cn=before")
        #expect(results[1].hasPrefix("!line \(4 + line): "), "\(results[1])")
        #expect(results[1].contains(reason), "\(results[1])")
        let lines = bad.split(separator: "\n").count
        #expect(results[2] == "\(5 + lines) cn=behind cn=behind")
    }

    @Test func `refuses another version`() {
        #expect(
            Self.read("version: 2\n\ndn: cn=x\ncn: x") == [
                "!line 1: an LDIF version other than 1", "3 cn=x cn=x",
            ]
        )
        #expect(Self.read("version: 1\ndn: cn=x\ncn: x") == ["2 cn=x cn=x"])
    }

    @Test func `holds its limits and goes on behind what exceeds them`() {
        var limits = LDIFLimits()
        limits.lineOctetsMax = 20
        limits.recordOctetsMax = 60
        limits.attributesPerRecordMax = 2
        limits.linesPerRecordMax = 4
        let good = "\n\ndn: cn=x\ncn: x\n"
        let long = String(repeating: "y", count: 30)
        let folded = "cn: 0123456789" + String(repeating: "\n 0123456789", count: 10)
        let many = String(repeating: "a: b\n", count: 9)
        let wide = String(repeating: "aaaaaaaaa: bbbbbbbbb\n", count: 3)
        for bad in ["cn: \(long)", folded, many, "a: b\nc: d\ne: f", wide] {
            let results = Self.read("dn: cn=x\n\(bad)\(good)", limits: limits)
            #expect(results.count == 2, "\(bad)")
            #expect(results.first?.contains("over ") == true, "\(results)")
            #expect(results.last?.hasSuffix("cn=x cn=x") == true)
        }
    }

    @Test func `survives any octets`() {
        let seed: UInt64 = 9
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "dn: ", "dn:: ", "cn", ":", "\n", "\r\n", " ", "\n\n", "-", "#", "changetype: modify", "add: cn",
            "YQ==",
            "version: 1", "é", "\0", "<", "newrdn: x",
        ]
        for _ in 0..<3_000 {
            let count = Int.random(in: 0...25, using: &generator)
            let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            var octets = Array(text.utf8)
            if !octets.isEmpty { octets[Int.random(in: octets.indices, using: &generator)] ^= 0x80 }
            var reader = LDIFReader()
            _ = reader.feed(octets)
            _ = reader.finish()
        }
    }

    @Test func `octets that are no UTF-8 are passed over in comments and refused by line elsewhere`() throws {
        let comment = Array("# IDL".utf8) + [0x92] + Array("s and more\n of it ".utf8) + [0xe9, 0x0a]
        var reader = LDIFReader()
        let good = comment + Array("dn: cn=x\n".utf8) + comment + Array("cn: x\n\n".utf8)
        let bad = Array("dn: cn=y\ncn: caf".utf8) + [0xe9] + Array("\n\n".utf8)
        let results = reader.feed(good + bad) + reader.finish()
        #expect(results.count == 2)
        #expect(try results.first?.get().dn == "cn=x")
        guard case .failure(let error)? = results.last else {
            Issue.record("it was taken")
            return
        }
        #expect(error.line == 9 && error.reason == "the value of cn is not UTF-8")
        #expect(error.hint?.contains("base64") == true)
    }
}
