import Identifiers
import Testing

@testable import PKI
@testable import SecureMail

/// A small reproducible source of numbers (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct `Hostile mail` {
    let forest: TestForest
    let protection: SMIMEProtection
    let membership: MembershipSnapshot

    init() throws {
        forest = try TestForest()
        protection = try forest.protection()
        membership = try forest.membership
    }

    private func open(_ mail: [UInt8]) -> OpenOutcome {
        protection.open(mail, membership: membership, isCommitted: { _, _ in false }, at: TestForest.now)
    }

    private func maker() -> MailMaker {
        var maker = MailMaker(forest)
        maker.payload = Array("small".utf8)
        return maker
    }

    @Test func `cut at any octet before its last letter is refused`() throws {
        let mail = try maker().mail
        let end = mail.lastIndex { $0 > 0x20 } ?? 0
        #expect(open(mail).verdict == "opened")
        for count in 0..<end {
            let outcome = open(Array(mail[..<count]))
            #expect(outcome.verdict.hasPrefix("refused"), "cut at \(count): \(outcome)")
        }
    }

    @Test(arguments: [TestForest.Identity.van, .vanRSA])
    func `with any one bit of the sealed part flipped is refused`(_ recipient: TestForest.Identity) throws {
        var maker = maker()
        maker.recipient = recipient
        let sealed = try maker.sealed(maker.signed)
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(state: seed)
        // A third of the octets a run, each with a random bit.
        for offset in stride(from: Int(seed % 3), to: sealed.count, by: 3) {
            var changed = sealed
            changed[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            let outcome = open(MailMaker.mail(changed))
            #expect(outcome.verdict.hasPrefix("refused"), "seed \(seed), octet \(offset): \(outcome)")
        }
    }

    @Test func `with any one bit of the signed part flipped before encryption is refused`() throws {
        let maker = maker()
        let signed = try maker.signed
        let van = try forest.pair(.van).certificate
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(state: seed)
        for offset in stride(from: Int(seed % 3), to: signed.count, by: 3) {
            var changed = signed
            changed[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            let outcome = open(MailMaker.mail(try CMS.encrypt(changed, to: [van])))
            #expect(outcome.verdict.hasPrefix("refused"), "seed \(seed), octet \(offset): \(outcome)")
        }
    }

    @Test func `with a bit of the mail text flipped never opens to another payload`() throws {
        let mail = try maker().mail
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(state: seed)
        for offset in stride(from: Int(seed % 5), to: mail.count, by: 5) {
            var changed = mail
            changed[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            // Most header fields are not ours to protect: the mail may open, but only to what was sealed.
            let payload = open(changed).mail?.payload
            #expect(payload == nil || payload == Array("small".utf8), "seed \(seed), octet \(offset)")
        }
    }

    @Test func `of random DER is refused`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(state: seed)
        for round in 0..<500 {
            let der = randomElement(depth: 0, using: &generator)
            let outcome = open(MailMaker.mail(der))
            #expect(outcome.verdict.hasPrefix("refused"), "seed \(seed), round \(round)")
        }
    }

    private func randomElement(depth: Int, using generator: inout SeededGenerator) -> [UInt8] {
        if depth < 6, Bool.random(using: &generator) {
            let children = (0..<Int.random(in: 0..<5, using: &generator)).map { _ in
                TLV(randomElement(depth: depth + 1, using: &generator))
            }
            let tags: [UInt8] = [0x30, 0x31, 0xa0, 0xa1]
            return TLV.constructed(tags[Int.random(in: 0..<4, using: &generator)], children).encoded
        }
        let tags: [UInt8] = [0x02, 0x03, 0x04, 0x05, 0x06, 0x80]
        let octets = (0..<Int.random(in: 0..<20, using: &generator)).map { _ in
            UInt8.random(in: .min ... .max, using: &generator)
        }
        return TLV.primitive(tags[Int.random(in: 0..<6, using: &generator)], octets).encoded
    }

    @Test func `with gzip octets changed at any place is refused or right`() throws {
        let member = try Compression.deflate(MailMaker.payload, level: 6)
        for offset in member.indices {
            var changed = member
            changed[offset] ^= 0x41
            let payload = try? Compression.inflate(changed[...], octetsMax: 1 << 20, ratioMax: 200)
            // The header's time and system octets mean nothing; everything else is caught.
            #expect(payload == nil || payload == MailMaker.payload, "octet \(offset)")
            let cut = Array(member[..<offset])
            #expect(throws: OpenRefusal.self) {
                try Compression.inflate(cut[...], octetsMax: 1 << 20, ratioMax: 200)
            }
        }
    }
}
