import DirectoryModel
import Identifiers
import Testing

@Suite struct `Distinguished names` {
    let names = WellKnownNames()

    func parse(_ text: String) throws -> DistinguishedName {
        try DistinguishedName(parsing: text, naming: names)
    }

    /// What is written, the value of its leaf, how it is rendered.
    @Test(arguments: [
        (#"CN=HQ/VAN Site Link,CN=SMTP"#, "HQ/VAN Site Link", #"CN=HQ/VAN Site Link,CN=SMTP"#),
        (#"cn=Smith\, John,ou=x"#, "Smith, John", #"CN=Smith\, John,OU=x"#),
        (#"CN=a\+b"#, "a+b", #"CN=a\+b"#),
        (##"CN=\#1"##, "#1", ##"CN=\#1"##),
        (#"CN=C#"#, "C#", #"CN=C#"#),
        (#"CN=say \"hi\""#, #"say "hi""#, #"CN=say \"hi\""#),
        (#"CN=back\\slash"#, #"back\slash"#, #"CN=back\\slash"#),
        (#"CN=a\;b\<c\>d"#, "a;b<c>d", #"CN=a\;b\<c\>d"#),
        (#"CN=a=b"#, "a=b", #"CN=a=b"#),
        (#"CN=\ leading and trailing\ "#, " leading and trailing ", #"CN=\ leading and trailing\ "#),
        (#"CN =  loose  , O = x "#, "loose", #"CN=loose,O=x"#),
        (#"CN=\20both\20"#, " both ", #"CN=\ both\ "#),
        (#"CN=\ "#, " ", #"CN=\ "#),
        (#"CN=Lu\C4\8Di\C4\87"#, "Lučić", "CN=Lučić"),
        ("CN=野口,DC=日本", "野口", "CN=野口,DC=日本"),
        (#"CN=line\0Afeed"#, "line\nfeed", #"CN=line\0Afeed"#),
        (#"CN=nul\00"#, "nul\0", #"CN=nul\00"#),
        (#"CN="quoted, + and \" too" , O=x"#, #"quoted, + and " too"#, #"CN=quoted\, \+ and \" too,O=x"#),
        (#"CN=#0C0568656C6C6F,O=x"#, "hello", "CN=hello,O=x"),
        (#"CN=#04024869"#, "Hi", "CN=Hi"),
        (#"OID.2.5.4.3=x"#, "x", "CN=x"),
        (#"2.5.4.3=x"#, "x", "CN=x"),
        (#"1.3.6.1.4.1.1466.0=x"#, "x", "1.3.6.1.4.1.1466.0=x"),
        (#"commonName=x,domainComponent=y"#, "x", "CN=x,DC=y"),
        (#"CN="#, "", "CN="),
        (#"CN=,O=x"#, "", "CN=,O=x"),
    ])
    func `read what RFC 4514 allows and write it canonically`(text: String, value: String, rendered: String)
        throws
    {
        let dn = try parse(text)
        #expect(dn.leaf?.value == value)
        #expect(dn.description == rendered)
        #expect(try parse(rendered) == dn)
    }

    @Test(arguments: [
        "CN", "=x", ",", "CN=x,", "CN=x,,O=y", ",CN=x", #"CN=x\"#, #"CN=x\4"#, #"CN=x\zz"#, #"CN=a"b"#,
        "CN=a;b",
        "CN=a<b", #"CN="open"#, #"CN="a"b"#, "CN=#", "CN=#0", "CN=#zz", "CN=#0C05", "CN=#0C0168690",
        "CN=#3000",
        "CN=#0C8400000001", "CN=x\0", #"CN=\ff\fe"#, #"CN=\C3"#, "C N=x", "CN:x", "_=x", "CN=#0C02FFFE",
        "CN=#80",
    ])
    func `refuse malformed text with an offset`(text: String) {
        #expect {
            try parse(text)
        } throws: { error in
            guard case .malformed(let offset, _)? = error as? DNError else { return false }
            return (0...text.utf8.count).contains(offset)
        }
    }

    @Test func `name the reason for other refusals`() {
        #expect(throws: DNError.multivaluedRDN(offset: 4)) { try parse("CN=a+UID=b") }
        #expect(throws: DNError.unknownType("nonsense")) { try parse("nonsense=x") }
        #expect(throws: DNError.tooLong(octets: 16_385)) { try parse(String(repeating: "x", count: 16_385)) }
        let deep = Array(repeating: "CN=x", count: 128).joined(separator: ",")
        #expect(throws: Never.self) { try parse(deep) }
        #expect(throws: DNError.tooManyRDNs(129)) { try parse(deep + ",CN=x") }
        #expect(DNError.multivaluedRDN(offset: 4).hint != nil)
    }

    @Test func `survive hostile text, and write back what they accept`() throws {
        let seed: UInt64 = 20_261_125
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "CN=", "O=", ",", "+", "\\", "\"", "#", "0C", "41", " ", "é", ";", "=", "\n", "a", "\0",
        ]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...14, using: &generator)
            let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            guard let dn = try? parse(text) else { continue }
            #expect(try parse(dn.description) == dn, "seed \(seed): \(text.debugDescription)")
        }
    }

    @Test func `write any value so that it reads back`() throws {
        let seed: UInt64 = 7
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<5_000 {
            let scalars = (0..<Int.random(in: 0...8, using: &generator)).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 0...0x2ff, using: &generator))
            }
            let value = String(String.UnicodeScalarView(scalars))
            let rdn = RDN(type: .ou, value: value)
            let text = DistinguishedName(rdns: [rdn]).description
            #expect(try parse(text).leaf?.value == value, "seed \(seed): \(text.debugDescription)")
        }
    }

    @Test func `know parents, children and descendants`() throws {
        let root = try parse("DC=reskit,DC=example")
        let child = root.child(RDN(type: .ou, value: "Vancouver"))
        #expect(child.description == "OU=Vancouver,DC=reskit,DC=example")
        #expect(child.parent == root)
        #expect(child.isDescendant(of: root))
        #expect(child.isDescendant(of: .root))
        #expect(!root.isDescendant(of: root))
        #expect(root.isSameOrDescendant(of: try parse("dc=RESKIT, dc=Example")))
        #expect(!root.isDescendant(of: child))
        #expect(try !parse("CN=x,DC=skit,DC=example").isDescendant(of: root))
        #expect(DistinguishedName.root.parent == nil)
        #expect(try parse("") == .root)
    }

    @Test func `are equal when type and folded value are`() throws {
        #expect(try parse("cn=Bär  von  Berg,dc=X") == parse("CN=BA\u{308}R VON BERG,DC=x"))
        #expect(try parse("cn=x") != parse("ou=x"))
        let names: Set = [try parse("CN=Straße"), try parse("cn=STRAßE")]
        #expect(names.count == 1)
        #expect(RDN(type: .cn, value: "A").key == [3, 0x55, 4, 3, 0x61])
    }

    @Test func `are rendered with the schema's names`() throws {
        let schema = try Schema.builtin()
        let dn = try DistinguishedName(parsing: "mail=a@reskit.example,commonName=x", naming: schema)
        #expect(dn.description(naming: schema) == "mail=a@reskit.example,CN=x")
        #expect(try DistinguishedName(parsing: dn.description, naming: schema) == dn)
    }

    @Test func `of conflicts and tombstones are told apart`() throws {
        let guid = try #require(GUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8"))
        let conflict = MangledName.conflict("Jane\r", guid)
        #expect(conflict == "Jane\r\nCNF:6ba7b810-9dad-11d1-80b4-00c04fd430c8")
        let parsed = try #require(MangledName.parse(MangledName.deleted(conflict, guid)))
        #expect(parsed.kind == .deleted && parsed.guid == guid && parsed.base == conflict)
        #expect(MangledName.parse(parsed.base)?.base == "Jane\r")
        for other in [
            "Jane", "Jane\nCNF:", "Jane\nXXX:\(guid)", "Jane CNF:\(guid)", "\n", "Jane\nCNF:\(guid)x",
        ] {
            #expect(MangledName.parse(other) == nil)
        }
    }
}
