import DirectoryModel
import Testing

@Suite struct `Attribute syntax` {
    @Test(
        arguments: [
            (.directoryString, "Barbara"), (.directoryString, "é"), (.printableString, "A-1 (b)?"),
            (.ia5String, ""), (.ia5String, "a@b"), (.numericString, "0 1"), (.countryString, "CA"),
            (.telephoneNumber, "+1 313 555 2333"), (.postalAddress, "a $ b"), (.boolean, "TRUE"),
            (.integer, "0"), (.integer, "-5"), (.integer, "4294967295"),
            (.largeInteger, "9223372036854775807"),
            (.generalizedTime, "20261125120000Z"), (.generalizedTime, "2026112512Z"),
            (.generalizedTime, "202611251200.5+0130"), (.utcTime, "261125120000Z"), (.utcTime, "2611251200Z"),
            (.distinguishedName, "CN=a,DC=b"), (.distinguishedName, ""), (.distinguishedName, "anyType=x"),
            (.nameAndOptionalUID, "CN=a#'0101'B"), (.nameAndOptionalUID, "CN=a"), (.oid, "person"),
            (.oid, "2.5.4.3"), (.bitString, "'0110'B"), (.bitString, "''B"), (.jpeg, "x"),
            (.certificate, "0\u{0}"),
            (.octetString, ""), (.unknown, "\0"),
        ] as [(AttributeSyntax, String)]
    )
    func `accepts the RFC 4517 form`(syntax: AttributeSyntax, value: String) {
        #expect(throws: Never.self) { try syntax.check(Array(value.utf8)) }
    }

    @Test(
        arguments: [
            (.directoryString, ""), (.printableString, ""), (.printableString, "a@b"), (.ia5String, "é"),
            (.numericString, "1-2"), (.countryString, "CAN"), (.telephoneNumber, ""), (.boolean, "true"),
            (.boolean, ""), (.integer, ""), (.integer, "-"), (.integer, "01"), (.integer, "-0"),
            (.integer, "+1"),
            (.integer, "1e3"), (.largeInteger, "9223372036854775808"), (.generalizedTime, "20261325120000Z"),
            (.generalizedTime, "20261125120000"), (.generalizedTime, "20261125120000+9900"),
            (.generalizedTime, "20261125120000.Z"), (.utcTime, "20261125120000Z"), (.utcTime, ""),
            (.distinguishedName, "nonsense"), (.distinguishedName, "CN=a+O=b"), (.oid, "a b"), (.oid, ""),
            (.oid, "1.x"), (.bitString, "0101"), (.bitString, "'2'B"), (.bitString, "'B"), (.jpeg, ""),
            (.certificate, "0"), (.certificate, "0\u{1}"), (.certificateList, "x\0"), (.postalAddress, ""),
        ] as [(AttributeSyntax, String)]
    )
    func `refuses everything else without showing it`(syntax: AttributeSyntax, value: String) {
        #expect(throws: SyntaxError.self) { try syntax.check(Array(value.utf8)) }
    }

    @Test func `limits the length of values`() {
        let long = [UInt8](repeating: 0x61, count: AttributeSyntax.attributeValueOctetsMax + 1)
        #expect(throws: SyntaxError.self) { try AttributeSyntax.octetString.check(long) }
        #expect(throws: SyntaxError.self) { try AttributeSyntax.directoryString.check([0xff]) }
        #expect(throws: SyntaxError.self) {
            try AttributeSyntax.certificate.check([0x30, 0x84, 0xff, 0xff, 0xff, 0xff])
        }
    }

    @Test func `survives any octets in every syntax`() {
        let seed: UInt64 = 11
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("0129Z.+-'#B=\\,\"CN$ \u{e9}".utf8) + [0, 0xff, 0x30, 0x84]
        for _ in 0..<3_000 {
            let value = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            for syntax in AttributeSyntax.allCases {
                try? syntax.check(value)
                let normal = syntax.normalized(value)
                // A name's normal form is no name; every other one is its own.
                if syntax != .distinguishedName && syntax != .nameAndOptionalUID {
                    #expect(syntax.normalized(normal) == normal, "seed \(seed), \(syntax): \(value)")
                }
            }
        }
    }

    @Test(
        arguments: [
            (.directoryString, "Barbara  Jensen ", "barbara jensen"),
            (.telephoneNumber, "+1 313 555-2333", "+13135552333"),
            (.numericString, "1 2", "12"), (.generalizedTime, "202611251300+0100", "20261125120000Z"),
            (.generalizedTime, "20261125120000.50Z", "20261125120000.5Z"), (.postalAddress, "A $B", "a$b"),
            (.oid, "Person", "person"), (.octetString, "A", "A"),
        ] as [(AttributeSyntax, String, String)]
    )
    func `compares values in one form`(syntax: AttributeSyntax, value: String, normal: String) {
        #expect(syntax.normalized(Array(value.utf8)) == Array(normal.utf8))
    }

    @Test func `compares names by their RDNs`() {
        let syntax = AttributeSyntax.distinguishedName
        func normal(_ text: String) -> [UInt8] { syntax.normalized(Array(text.utf8)) }
        #expect(normal("CN=A ,  O=B") == normal("cn=a,o=b"))
        #expect(normal("CN=a,O=b") != normal(#"CN=a\,O=b"#))
        let unique = AttributeSyntax.nameAndOptionalUID
        #expect(unique.normalized(Array("CN=a#'01'B".utf8)) == unique.normalized(Array("cn=A#'01'B".utf8)))
        #expect(unique.normalized(Array("CN=a#'01'B".utf8)) != unique.normalized(Array("cn=A".utf8)))
    }

    @Test func `is told by attributeSyntax and oMSyntax`() {
        #expect(AttributeSyntax(attributeSyntax: "2.5.5.5", oMSyntax: 19) == .printableString)
        #expect(AttributeSyntax(attributeSyntax: "2.5.5.5", oMSyntax: 22) == .ia5String)
        #expect(AttributeSyntax(attributeSyntax: "2.5.5.11", oMSyntax: 23) == .utcTime)
        #expect(
            AttributeSyntax(attributeSyntax: "1.3.6.1.4.1.1466.115.121.1.50", oMSyntax: nil)
                == .telephoneNumber
        )
        #expect(AttributeSyntax(attributeSyntax: "9.9", oMSyntax: nil) == .unknown)
    }
}
