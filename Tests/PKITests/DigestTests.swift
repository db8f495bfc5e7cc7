import Testing

@testable import PKI

@Suite struct `Digests` {
    @Test func `SHA-256 of abc is the standard's`() {
        #expect(
            Hex.text(Digest.sha256(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
    }

    @Test func `SHA-256 in pieces equals SHA-256 at once`() {
        let octets = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var digest = SHA256()
        digest.update(octets[..<1])
        digest.update(octets[1..<600])
        digest.update(octets[600...].lazy.map { $0 })
        digest.update([])
        #expect(digest.finish() == Digest.sha256(octets))
    }

    @Test func `HMAC is that of RFC 4231 case 2, and takes an empty key`() {
        let code = Digest.hmacSHA256(key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        #expect(Hex.text(code) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            Hex.text(Digest.hmacSHA256(key: [], []))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
        )
    }
}
