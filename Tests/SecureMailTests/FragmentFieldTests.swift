import SecureMail
import Testing

@Suite struct `The fragment field` {
    private static let hex = String(repeating: "0f", count: 32)

    @Test(arguments: [(1, 2), (2, 2), (5, 9), (2048, 2048)])
    func `is read as it is written`(number: Int, count: Int) throws {
        let digest = (0..<32).map { UInt8($0 * 8) }
        let fragment = try #require(MessageFragment(number: number, count: count, wholeSHA256: digest))
        #expect(MessageFragment(fragment.description) == fragment)
    }

    @Test(arguments: [
        "", "/", ";", "1/2", "1/2;", "1/2; sha256=", "1/2; sha256=0f", "0/2; sha256=\(hex)",
        "3/2; sha256=\(hex)",
        "1/1; sha256=\(hex)", "1/0; sha256=\(hex)", "1/2049; sha256=\(hex)", "01/2; sha256=\(hex)",
        "1/02; sha256=\(hex)", "-1/2; sha256=\(hex)", "+1/2; sha256=\(hex)", "1 /2; sha256=\(hex)",
        "1/2;sha256=\(hex)", "1/2; sha256=\(hex)0f", "1/2; sha256=\(hex) ", " 1/2; sha256=\(hex)",
        "1/2; sha512=\(hex)", "1/2; SHA256=\(hex)", "99999999999999999999/2; sha256=\(hex)",
        "1/99999999999999999999; sha256=\(hex)", "1/2/3; sha256=\(hex)", "1/2; sha256=\(hex); x=1",
        "1/2; sha256=" + String(repeating: "0F", count: 32),
        "1/2; sha256=" + String(repeating: "\u{661}", count: 32),
    ])
    func `is refused in any other form`(text: String) { #expect(MessageFragment(text) == nil) }

    @Test func `bears any octets`() {
        var generator = SystemRandomNumberGenerator()
        let good = Array("1/2; sha256=\(Self.hex)".utf8)
        for _ in 0..<2000 {
            var octets = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<octets.count, using: &generator)
                octets[index] = UInt8.random(in: .min ... .max, using: &generator)
            }
            let text = String(decoding: octets, as: UTF8.self)
            if let fragment = MessageFragment(text) { #expect(fragment.description == text) }
        }
    }
}
