import DialogueFiles
import Identifiers
import SMTP
import Testing

/// Every dialogue file, through the pure session.
@Suite struct `SMTP dialogues` {
    @Test(arguments: try! Dialogue.all())
    func `go as written when every step arrives whole`(dialogue: Dialogue) throws {
        var runner = DialogueRunner(dialogue, pieces: .whole, answersLate: false)
        try runner.run()
    }

    @Test(arguments: try! Dialogue.all().filter { $0.scope != .whole })
    func `go as written octet by octet`(dialogue: Dialogue) throws {
        var runner = DialogueRunner(dialogue, pieces: .octets, answersLate: false)
        try runner.run()
    }

    @Test(arguments: try! Dialogue.all().filter { $0.scope != .whole })
    func `go as written in random pieces and with a slow disk`(dialogue: Dialogue) throws {
        for seed in UInt64(1)...20 {
            var runner = DialogueRunner(dialogue, pieces: .random(seed: seed), answersLate: true)
            try runner.run()
        }
    }

    @Test func `cover the protocol with at least forty files`() throws {
        #expect(try Dialogue.all().count >= 40)
    }
}

/// A seeded source of randomness (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
