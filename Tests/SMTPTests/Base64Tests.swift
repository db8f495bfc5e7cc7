import SMTP
import Testing

@Suite struct `Base64 text` {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `has the vectors of RFC 4648`(plain: String, text: String) throws {
        #expect(Base64.encode(Array(plain.utf8)) == Array(text.utf8))
        #expect(try Base64.decode(Array(text.utf8)) == Array(plain.utf8))
    }

    @Test func `goes back and forth at every length, in lines and with white space anywhere`() throws {
        var generator = SeededGenerator(state: 11)
        for length in 0...400 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let lines = Base64.encodeLines(bytes)
            #expect(try Base64.decode(lines) == bytes)
            #expect(lines.split(separator: 0x0a).allSatisfy { $0.count <= 77 })
            #expect(lines.isEmpty || lines.suffix(2) == [0x0d, 0x0a])
            var spread: [UInt8] = []
            for letter in Base64.encode(bytes) {
                spread.append(letter)
                while Int.random(in: 0..<3, using: &generator) == 0 {
                    spread.append([0x20, 0x09, 0x0d, 0x0a][Int.random(in: 0..<4, using: &generator)])
                }
            }
            #expect(try Base64.decode(spread) == bytes, "seed 11, length \(length)")
        }
    }

    @Test func `decodes a slice at its own offset`() throws {
        #expect(try Base64.decode(Array("xxZm9vyy".utf8)[2..<6]) == Array("foo".utf8))
    }

    @Test(arguments: [
        ("Z", Base64Error.cutShort), ("Zm9", .cutShort), ("Zg=", .cutShort), ("Zg", .cutShort),
        ("=", .badPadding(offset: 0)), ("Z===", .badPadding(offset: 1)), ("Zg===", .badPadding(offset: 4)),
        ("Zh==", .badPadding(offset: 2)), ("Zm9=", .badPadding(offset: 3)),
        ("Zg==Zg==", .textBehindPadding(offset: 4)),
        ("Zg=g", .textBehindPadding(offset: 3)), ("Zm9v!", .strayOctet(0x21, offset: 4)),
        ("Zm-v", .strayOctet(0x2d, offset: 2)), ("Zm\u{0}v", .strayOctet(0, offset: 2)),
        ("Zm9v====", .badPadding(offset: 4)),
    ])
    func `refuses a damaged text and says where`(text: String, error: Base64Error) {
        #expect(throws: error) { try Base64.decode(Array(text.utf8)) }
    }

    @Test func `survives any octets`() {
        var generator = SeededGenerator(state: 12)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...64, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? Base64.decode(bytes)
            let likely = bytes.map { Array("ABab01+/= \n".utf8)[Int($0) % 11] }
            _ = try? Base64.decode(likely)
        }
    }
}
