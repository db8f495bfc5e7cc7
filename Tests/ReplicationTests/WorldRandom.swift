import Identifiers
import Replication

/// Seeded randomness (SplitMix64): a failing seed is the whole bug report.
struct WorldRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: Int) { state = UInt64(bitPattern: Int64(seed)) &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    mutating func chance(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &self) < probability
    }

    mutating func guid() -> GUID { GUID.random(using: &self) }
}

extension GUID {
    /// Short identities for tables.
    static func number(_ value: Int) -> GUID { GUID(high: 0, low: UInt64(value)) }
}

extension USNInterval {
    init(_ from: Int64, _ to: Int64) { self.init(from: USN(from), to: USN(to)) }
}
