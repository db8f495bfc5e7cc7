import Identifiers
import Testing

@Suite struct `Identifiers` {
    @Test func `a GUID keeps its text and octets in both orders`() throws {
        let text = "33221100-5544-7766-8899-aabbccddeeff"
        let guid = try #require(GUID(text))
        #expect(guid.description == text)
        #expect(GUID(octets: guid.octets) == guid)
        #expect(guid.microsoftOctets.prefix(8) == [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77])
        #expect(GUID(microsoftOctets: guid.microsoftOctets) == guid)
        #expect(GUID(text.uppercased()) == guid)
    }

    @Test(arguments: [
        "", "33221100-5544-7766-8899-aabbccddeef", "33221100-5544-7766-8899-aabbccddeeffa",
        "33221100x5544-7766-8899-aabbccddeeff", "g3221100-5544-7766-8899-aabbccddeeff",
    ])
    func `a damaged GUID is refused`(text: String) {
        #expect(GUID(text) == nil)
    }

    @Test func `GUIDs compare as unsigned octets in text order`() throws {
        let small = try #require(GUID("00000000-0000-0000-0000-000000000001"))
        let large = try #require(GUID("ff000000-0000-0000-0000-000000000000"))
        #expect(small < large)
        #expect(GUID.zero < small)
    }

    @Test func `times go to text and back over the whole range`() throws {
        var seconds = Timestamp.renderableSeconds.lowerBound
        while seconds <= Timestamp.renderableSeconds.upperBound {
            let time = Timestamp(seconds: seconds)
            #expect(Timestamp(rfc3339: time.description) == time)
            #expect(Timestamp(generalizedTime: time.generalizedTime) == time)
            seconds += 86_399 * 733
        }
        let known = try #require(Timestamp(rfc3339: "2026-11-25T12:34:56.789z"))
        #expect(known.seconds == 1_795_610_096)
        #expect(known.mailDate == "Wed, 25 Nov 2026 12:34:56 +0000")
    }

    @Test(arguments: [
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00.Z", "",
    ])
    func `a time that does not exist is refused`(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func `arithmetic on hostile times saturates`() {
        #expect(Timestamp(seconds: .max).adding(seconds: 1).seconds == .max)
        #expect(Timestamp(seconds: .min).adding(seconds: -1).seconds == .min)
        #expect(Timestamp(seconds: .max).description == "9999-12-31T23:59:59Z")
    }

    @Test(arguments: [
        "a@b\r\nRCPT TO:<c@d>", "a b@c", "@c", "a@", "a..b@c", ".a@c", "a@c..d", "\"a\"@c", "a@[1.2.3.4]",
        "é@c",
    ])
    func `an address that could break a command line is refused`(text: String) {
        #expect(MailAddress(text) == nil)
    }

    @Test func `addresses fold case and know their subaddress`() throws {
        let address = try #require(MailAddress("_IsmService+Token@x._msdcs.reskit.example"))
        #expect(address == MailAddress("_ismservice+token@X._MSDCS.reskit.example"))
        #expect(address.subaddress.base == "_IsmService")
        #expect(address.subaddress.detail == "Token")
    }
}
