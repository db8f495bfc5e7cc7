import DirectoryModel
import Testing

@Suite struct `Object identifiers` {
    @Test(
        arguments: [
            ("2.5.4.3", [0x55, 0x04, 0x03]),
            ("1.2.840.113556.1.4.1", [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x14, 0x01, 0x04, 0x01]),
            ("0.9.2342.19200300.100.1.25", [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19]),
            ("2.999.1", [0x88, 0x37, 0x01]), ("1.39", [0x4f]), ("0.0", [0x00]), ("2.0", [0x50]),
        ] as [(String, [UInt8])]
    )
    func `are what their DER content octets say`(dotted: String, octets: [UInt8]) {
        #expect(OID(dotted)?.derContent == octets)
        #expect(OID(derContent: octets)?.description == dotted)
    }

    @Test(arguments: [
        "", "2", "2.", ".2", "2..5", "3.1", "1.40", "2.05", "2.5.x", "2.5.-1", "2.5 .4",
        "2.25.340282366920938463463374607431768211456", "1.2." + String(repeating: "9.", count: 80) + "1",
    ])
    func `refuse text that is no dotted OID`(text: String) { #expect(OID(text) == nil) }

    @Test(
        arguments: [
            [], [0x80, 0x01], [0x55, 0x80, 0x01], [0x55, 0x84], [UInt8](repeating: 0xff, count: 20) + [0x7f],
            [UInt8](repeating: 1, count: 65),
        ] as [[UInt8]]
    )
    func `refuse octets that are no whole minimal arcs`(octets: [UInt8]) {
        #expect(OID(derContent: octets) == nil)
    }

    @Test func `hold a UUID as an arc`() {
        let text = "2.25.340282366920938463463374607431768211455"
        #expect(OID(text)?.description == text)
    }

    @Test func `survive any octets, and read back what they accept`() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let octets = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                UInt8.random(in: .min ... .max, using: &generator)
            }
            guard let oid = OID(derContent: octets) else { continue }
            #expect(OID(oid.description) == oid)
        }
    }

    @Test func `are ordered by their octets`() throws {
        let oids = try ["2.5.4.3", "1.2.840", "2.5.4", "0.9"].map { try #require(OID($0)) }
        #expect(oids.sorted().map(\.description) == ["0.9", "1.2.840", "2.5.4", "2.5.4.3"])
    }
}
