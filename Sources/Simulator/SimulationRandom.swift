import Identifiers
import Synchronization

/// Seeded randomness (SplitMix64): a failing seed is the whole bug report.
package struct SimulationRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Streams of one seed with different labels are independent.
    package init(seed: UInt64, _ labels: UInt64...) {
        state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678
        for label in labels {
            state ^= next() &+ label &* 0xff51_afd7_ed55_8ccd
            _ = next()
        }
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    package mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    package mutating func chance(percent: Int) -> Bool { int(0...99) < percent }

    /// A number whose order of magnitude is as likely as any other in the range; the range starts above 0.
    package mutating func magnitude(_ range: ClosedRange<Int>) -> Int {
        var scale = range.lowerBound
        var scales: [Int] = []
        while scale <= range.upperBound {
            scales.append(scale)
            scale *= 2
        }
        let low = scales[int(0...(scales.count - 1))]
        return int(low...max(low, min(range.upperBound, low * 2 - 1)))
    }

    package mutating func element<T>(of list: [T]) -> T? {
        list.isEmpty ? nil : list[int(0...(list.count - 1))]
    }
}

/// GUIDs of one site, in an order that the seed decides.
final class GUIDSource: Sendable {
    private let random: Mutex<SimulationRandom>

    init(_ random: SimulationRandom) { self.random = Mutex(random) }

    func next() -> GUID { random.withLock { GUID.random(using: &$0) } }
}

/// FNV-1a over text and octets: traces of one seed must agree, nothing more.
package struct TraceDigest: Hashable, Sendable {
    package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    package init() {}

    package mutating func add(_ octets: some Sequence<UInt8>) {
        for octet in octets { value = (value ^ UInt64(octet)) &* 0x0000_0100_0000_01b3 }
    }
}
