import DirectoryModel
import Testing

@Suite struct `LDIF writer` {
    @Test func `folds at 76 columns and encodes what is not safe`() throws {
        let long = String(repeating: "0123456789", count: 16)
        let entry = Entry(
            dn: try DistinguishedName(parsing: "CN=é,DC=reskit,DC=example", naming: WellKnownNames()),
            attributes: [
                EntryAttribute(name: "cn", strings: ["é", " x", "x ", ":x", "<x", "", "a\nb", "a: b"]),
                EntryAttribute(name: "description", strings: [long]),
                EntryAttribute(name: "jpegPhoto", values: [[0, 255]]),
            ]
        )
        let expected = """
            dn:: Q049w6ksREM9cmVza2l0LERDPWV4YW1wbGU=
            cn:: w6k=
            cn:: IHg=
            cn:: eCA=
            cn:: Ong=
            cn:: PHg=
            cn:
            cn:: YQpi
            cn: a: b
            description: 012345678901234567890123456789012345678901234567890123456789012
             345678901234567890123456789012345678901234567890123456789012345678901234567
             8901234567890123456789
            jpegPhoto:: AP8=


            """
        #expect(LDIFWriter.lines(for: entry) == expected)
    }

    @Test func `writes changes`() {
        let record = LDIFRecord(
            line: 1,
            dn: "cn=x",
            kind: .modify([
                LDIFModification(operation: .replace, attribute: "sn", values: [Array("y".utf8)]),
                LDIFModification(operation: .delete, attribute: "mail", values: []),
            ])
        )
        #expect(
            LDIFWriter.lines(for: record)
                == "dn: cn=x\nchangetype: modify\nreplace: sn\nsn: y\n-\ndelete: mail\n-\n\n"
        )
        let rename = LDIFRecord(
            line: 1,
            dn: "cn=x",
            kind: .rename(newRDN: "cn=y", deleteOldRDN: false, newSuperior: "ou=z")
        )
        #expect(
            LDIFWriter.lines(for: rename)
                == "dn: cn=x\nchangetype: modrdn\nnewrdn: cn=y\ndeleteoldrdn: 0\nnewsuperior: ou=z\n\n"
        )
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `writes any records so that the reader gets them back`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let records = (0..<40).map { _ in Self.randomRecord(using: &generator) }
        let text = LDIFWriter.versionLine + records.map { LDIFWriter.lines(for: $0) }.joined()
        #expect(
            text.utf8.split(separator: 10).allSatisfy { $0.count <= LDIFWriter.columnsMax },
            "seed \(seed)"
        )
        var reader = LDIFReader()
        let results = reader.feed(Array(text.utf8)) + reader.finish()
        let read = results.compactMap { try? $0.get() }.map { LDIFRecord(line: 0, dn: $0.dn, kind: $0.kind) }
        #expect(read == records, "seed \(seed)")
    }

    static func randomRecord(using generator: inout SeededGenerator) -> LDIFRecord {
        func value() -> [UInt8] {
            let count = Int.random(in: 0...(Bool.random(using: &generator) ? 6 : 300), using: &generator)
            let isText = Bool.random(using: &generator)
            return (0..<count).map { _ in UInt8.random(in: isText ? 0x20...0x7e : 0...255, using: &generator)
            }
        }
        func text() -> String { String(decoding: value().map { $0 & 0x7f }, as: UTF8.self) }
        func values(_ range: ClosedRange<Int>) -> [[UInt8]] {
            (0..<Int.random(in: range, using: &generator)).map { _ in value() }
        }
        let names = ["cn", "sn", "userCertificate;binary", "2.5.4.3", "description"].shuffled(
            using: &generator
        )
        let attributes = names.prefix(Int.random(in: 1...5, using: &generator)).map {
            EntryAttribute(name: $0, values: values(1...4))
        }
        let kind: LDIFRecord.Kind
        switch Int.random(in: 0...4, using: &generator) {
        case 0: kind = .content(attributes)
        case 1: kind = .add(attributes)
        case 2: kind = .delete
        case 3:
            kind = .modify(
                names.map { LDIFModification(operation: .replace, attribute: $0, values: values(0...3)) }
                    + [LDIFModification(operation: .add, attribute: "cn", values: values(1...2))]
            )
        default:
            let superior = Bool.random(using: &generator) ? text() : nil
            kind = .rename(
                newRDN: text(),
                deleteOldRDN: Bool.random(using: &generator),
                newSuperior: superior
            )
        }
        return LDIFRecord(line: 0, dn: text(), kind: kind)
    }
}
