import Identifiers
import InterSiteMessaging
import SecureMail
import Testing

@Suite struct `Fragments that wait` {
    private static let now = TestForest.now

    private static func key(_ sender: UInt64, _ message: UInt64) -> FragmentSets.Key {
        FragmentSets.Key(sender: GUID(high: 1, low: sender), message: GUID(high: 2, low: message))
    }

    private static func arrival(
        _ number: Int,
        of count: Int,
        message: UInt64 = 1,
        sender: UInt64 = 1,
        digest: UInt8 = 7,
        octets: Int = 100,
        lifeDays: Int64 = 30
    ) throws -> FragmentSets.Arrival {
        let key = key(sender, message)
        let fragment = try #require(
            MessageFragment(number: number, count: count, wholeSHA256: [UInt8](repeating: digest, count: 32))
        )
        let envelope = MessageEnvelope(
            forest: TestForest.forest,
            from: key.sender,
            to: .zero,
            messageID: key.message,
            service: "replication",
            fragment: fragment,
            created: now,
            expires: now.adding(seconds: lifeDays * 86_400)
        )
        return FragmentSets.Arrival(
            envelope: envelope,
            fragment: fragment,
            octets: octets,
            payloadOctets: octets / 2
        )
    }

    /// Judges and, when it is to wait, keeps.
    private static func arrive(
        _ sets: inout FragmentSets,
        _ arrival: FragmentSets.Arrival,
        at time: Timestamp = now
    ) -> (verdict: FragmentSets.Verdict, evicted: [FragmentSets.Evicted]) {
        let outcome = sets.judge(arrival, at: time)
        if outcome.verdict == .wait {
            sets.keep(arrival, file: "\(arrival.key.message.low)-\(arrival.fragment.number)", at: time)
        }
        return outcome
    }

    @Test(arguments: [[1, 2, 3], [3, 2, 1], [2, 3, 1], [1, 3, 2]])
    func `are whole in any order`(order: [Int]) throws {
        var sets = FragmentSets()
        for number in order.dropLast() {
            #expect(Self.arrive(&sets, try Self.arrival(number, of: 3)).verdict == .wait)
        }
        let last = try #require(order.last)
        let files = (1...3).map { $0 == last ? nil : "1-\($0)" }
        #expect(Self.arrive(&sets, try Self.arrival(last, of: 3)).verdict == .whole(files: files))
        // Asked again, as after a service that could not take it.
        #expect(Self.arrive(&sets, try Self.arrival(last, of: 3)).verdict == .whole(files: files))
        #expect(sets.close(Self.key(1, 1)).count == 2)
        #expect(sets.count == 0)
    }

    @Test func `are told from repeats, and from those of other senders`() throws {
        var sets = FragmentSets()
        #expect(Self.arrive(&sets, try Self.arrival(1, of: 2)).verdict == .wait)
        #expect(Self.arrive(&sets, try Self.arrival(1, of: 2)).verdict == .repeated)
        #expect(Self.arrive(&sets, try Self.arrival(2, of: 2, sender: 2)).verdict == .wait)
        #expect(Self.arrive(&sets, try Self.arrival(2, of: 2, message: 2)).verdict == .wait)
        #expect(sets.count == 3)
    }

    @Test func `do not mix with another count or digest`() throws {
        var sets = FragmentSets()
        _ = Self.arrive(&sets, try Self.arrival(1, of: 3))
        for other in [try Self.arrival(2, of: 4), try Self.arrival(2, of: 3, digest: 8)] {
            guard case .refused(let refusal) = Self.arrive(&sets, other).verdict else {
                Issue.record("taken")
                continue
            }
            #expect(refusal.code == "fragment-mismatch")
        }
        // Those that fit are not harmed.
        #expect(Self.arrive(&sets, try Self.arrival(2, of: 3)).verdict == .wait)
    }

    @Test func `beyond the number of messages are refused, the newest first`() throws {
        var limits = FragmentLimits()
        limits.setsPerPartnerMax = 3
        var sets = FragmentSets(limits: limits)
        for message in 1...3 {
            _ = Self.arrive(&sets, try Self.arrival(1, of: 3, message: UInt64(message)))
        }
        let (verdict, evicted) = Self.arrive(&sets, try Self.arrival(1, of: 3, message: 4))
        guard case .refused(let refusal) = verdict else { return #expect(Bool(false)) }
        #expect(refusal.code == "fragment-limit")
        #expect(evicted.flatMap(\.files).isEmpty)
        // What comes of it later is refused, even when there is room again.
        _ = sets.close(Self.key(1, 1))
        #expect(Self.arrive(&sets, try Self.arrival(2, of: 3, message: 4)).verdict == verdict)
        #expect(Self.arrive(&sets, try Self.arrival(2, of: 3, message: 3)).verdict == .wait)
        #expect(Self.arrive(&sets, try Self.arrival(1, of: 3, message: 5)).verdict == .wait)
        // Another partner has its own bound.
        #expect(Self.arrive(&sets, try Self.arrival(1, of: 3, sender: 2)).verdict == .wait)
    }

    @Test func `beyond the octets make the newest message leave, not an older one`() throws {
        var limits = FragmentLimits()
        limits.octetsPerPartnerMax = 500
        var sets = FragmentSets(limits: limits)
        for message in 1...2 {
            for number in 1...2 {
                _ = Self.arrive(&sets, try Self.arrival(number, of: 9, message: UInt64(message)))
            }
        }
        #expect(Self.arrive(&sets, try Self.arrival(3, of: 9, message: 1)).verdict == .wait)
        let (verdict, evicted) = Self.arrive(&sets, try Self.arrival(4, of: 9, message: 1))
        #expect(verdict == .wait)
        #expect(evicted.map(\.files) == [["2-1", "2-2"]])
        _ = Self.arrive(&sets, try Self.arrival(5, of: 9, message: 1))
        // Alone over the bound, it leaves itself.
        let last = Self.arrive(&sets, try Self.arrival(6, of: 9, message: 1))
        #expect(last.evicted.flatMap(\.files).count == 5)
        #expect(sets.count == 0)
    }

    @Test func `that got nothing for days give way`() throws {
        var limits = FragmentLimits()
        limits.setsPerPartnerMax = 2
        var sets = FragmentSets(limits: limits)
        for message in 1...2 {
            _ = Self.arrive(&sets, try Self.arrival(1, of: 3, message: UInt64(message)))
        }
        let later = Self.now.adding(seconds: limits.idleSecondsMax + 1)
        let (verdict, evicted) = Self.arrive(&sets, try Self.arrival(1, of: 3, message: 3), at: later)
        #expect(verdict == .wait)
        #expect(evicted.map(\.files) == [["1-1"]])
        #expect(evicted.first?.refusal.code == "fragment-limit")
    }

    @Test func `never make more than one message may be`() throws {
        var limits = FragmentLimits()
        limits.wholeOctetsMax = 120
        var sets = FragmentSets(limits: limits)
        _ = Self.arrive(&sets, try Self.arrival(1, of: 3))
        _ = Self.arrive(&sets, try Self.arrival(2, of: 3))
        let (verdict, evicted) = Self.arrive(&sets, try Self.arrival(3, of: 3))
        guard case .refused = verdict else { return #expect(Bool(false)) }
        #expect(evicted.flatMap(\.files) == ["1-1", "1-2"])
    }

    @Test func `expire with their message`() throws {
        var sets = FragmentSets()
        _ = Self.arrive(&sets, try Self.arrival(1, of: 3, message: 1, lifeDays: 1))
        _ = Self.arrive(&sets, try Self.arrival(1, of: 3, message: 2, lifeDays: 2))
        #expect(sets.expire(at: Self.now.adding(seconds: 86_400)).isEmpty)
        let over = sets.expire(at: Self.now.adding(seconds: 86_401))
        #expect(over.map(\.files) == [["1-1"]])
        #expect(over.first?.refusal.code == "expired")
        #expect(sets.count == 1)
    }

    @Test func `that are gone are missed again`() throws {
        var sets = FragmentSets()
        _ = Self.arrive(&sets, try Self.arrival(1, of: 2))
        sets.forget("1-1", of: Self.key(1, 1))
        #expect(sets.count == 0)
        #expect(Self.arrive(&sets, try Self.arrival(2, of: 2)).verdict == .wait)
        #expect(Self.arrive(&sets, try Self.arrival(1, of: 2)).verdict == .whole(files: [nil, "1-2"]))
    }

    @Test(arguments: [2, 3, 7, 1000])
    func `are cut without losing an octet`(count: Int) throws {
        let payload = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let pieces = try #require(FragmentCutter.pieces(of: payload, count: count))
        #expect(pieces.count == count)
        #expect(pieces.flatMap { $0 } == payload)
        #expect(pieces.allSatisfy { !$0.isEmpty && $0.count <= 1000 / count + 1 })
        #expect(FragmentCutter.pieces(of: payload, count: 1001) == nil)
        #expect(FragmentCutter.pieces(of: payload, count: 1) == nil)
        #expect(FragmentCutter.count(octets: 100, octetsMax: 100) == 2)
        #expect(FragmentCutter.count(octets: Int.max / 2, octetsMax: 100) == nil)
        #expect(FragmentCutter.count(after: MessageFragment.countMax) == nil)
    }
}
