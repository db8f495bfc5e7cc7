import DirectoryModel
import Identifiers
import Testing

@testable import Replication

/// One destination and parts of one source, made by hand.
struct DestinationBench {
    static let own = GUID.number(1)
    static let ownLife = GUID.number(11)
    static let source = GUID.number(2)
    static let sourceLife = GUID.number(12)
    static let context = GUID.number(99)

    var destination = Destination(namingContext: context, isPartial: false)
    var now = Timestamp(seconds: 10_000)
    var ids = 1000

    init(hasJoined: Bool = true) { if hasJoined { destination.markCreatedHere() } }

    static func header(of dsaGUID: GUID = source, life: GUID = sourceLife) -> MessageHeader {
        MessageHeader(dsaGUID: dsaGUID, invocationID: life, bootRecords: [], namingContext: context)
    }

    mutating func ask(_ source: GUID = source, credit: Int = 4, timing: RequestTiming = .init())
        -> ChangesRequest
    {
        ids += 1
        return destination.makeRequest(
            to: source,
            id: .number(ids),
            header: Self.header(of: Self.own, life: Self.ownLife),
            kind: .full,
            limits: PartLimits(credit: credit),
            timing: timing,
            at: now,
            ownUSN: USN(50)
        )
    }

    func part(
        _ requestID: GUID,
        _ from: Int64,
        _ to: Int64,
        asOf: Int64,
        vector: [GUID: Int64] = [:],
        time: Int64 = 9000,
        header: MessageHeader = header()
    ) -> PartClaim {
        var entries = vector.mapValues { VectorEntry(usn: USN($0), time: Timestamp(seconds: time)) }
        entries[header.invocationID] = VectorEntry(usn: USN(asOf), time: Timestamp(seconds: time))
        let reply = ChangesReply(
            header: header,
            requestID: requestID,
            interval: USNInterval(from, to),
            asOf: USN(asOf),
            vector: UpToDatenessVector(entries: entries),
            cutFor: .full,
            partNumber: 1,
            isLast: false
        )
        return PartClaim(reply, ownInvocationID: Self.ownLife, ownUSN: USN(50))
    }

    mutating func take(_ claim: PartClaim) -> CommitResult { destination.commit(claim, at: now) }

    func verdict(_ claim: PartClaim) -> PartVerdict { destination.judge(claim, at: now) }
}

@Suite struct `Requests of a destination` {
    private typealias Bench = DestinationBench

    @Test func `every request has a higher sequence, the cursors of its source and the own entry`() {
        var bench = Bench()
        let first = bench.ask()
        #expect(first.sequence == 1)
        #expect(first.sourceInvocationID == nil)
        #expect(first.vector.entries == [Bench.ownLife: VectorEntry(usn: USN(50), time: bench.now)])
        #expect(!first.isJoining)
        _ = bench.take(bench.part(first.requestID, 0, 30, asOf: 30))
        let second = bench.ask()
        #expect(second.sequence == 2)
        #expect(second.sourceInvocationID == Bench.sourceLife)
        #expect(second.received.contiguousPrefix == USN(30))
        #expect(second.vector[Bench.sourceLife]?.usn == USN(30))
        #expect(bench.ask(.number(3)).sequence == 1)
    }

    @Test func `only an unanswered request is sent again, the same message each time`() throws {
        var bench = Bench()
        let request = bench.ask()
        bench.now = bench.now.adding(seconds: 899)
        #expect(bench.destination.requestsToResend(at: bench.now) == [])
        bench.now = bench.now.adding(seconds: 1)
        #expect(bench.destination.requestsToResend(at: bench.now) == [request])
        #expect(bench.destination.requestsToResend(at: bench.now) == [])
        bench.destination = try Destination(encoded: bench.destination.encoded())
        bench.now = bench.now.adding(seconds: 900)
        let again = bench.destination.requestsToResend(at: bench.now)
        #expect(
            again.map { ReplicationCodec.encode(.request($0)) } == [
                ReplicationCodec.encode(.request(request))
            ]
        )
        _ = bench.take(bench.part(request.requestID, 5, 9, asOf: 30))
        bench.now = bench.now.adding(seconds: 90_000)
        #expect(bench.destination.requestsToResend(at: bench.now) == [])
        #expect(bench.destination.stalledSources(at: bench.now) == [Bench.source])
    }

    @Test func `an answer to a newer request settles the older ones, whose late parts still count`() {
        var bench = Bench()
        let old = bench.ask()
        let new = bench.ask()
        #expect(bench.destination.pendingRequest(to: Bench.source)?.requestID == new.requestID)
        _ = bench.take(bench.part(new.requestID, 10, 30, asOf: 30))
        #expect(bench.destination.pendingRequest(to: Bench.source) == nil)
        #expect(bench.destination.requests.map(\.isSettled) == [true, false])
        #expect(bench.destination.requests.allSatisfy { $0.request == nil })
        bench.now = bench.now.adding(seconds: 5000)
        #expect(bench.destination.requestsToResend(at: bench.now) == [])
        let late = bench.part(old.requestID, 0, 10, asOf: 20)
        #expect(bench.verdict(late) == .apply(movesCursors: true))
        #expect(bench.take(late).adopted)
        #expect(bench.destination.vector[Bench.sourceLife]?.usn == USN(30))
    }

    @Test func `parts of an expired, a forgotten or somebody else's request are data only`() {
        var bench = Bench()
        let request = bench.ask(timing: RequestTiming(requestLifetimeSeconds: 100))
        let claim = bench.part(request.requestID, 0, 30, asOf: 30)
        let stranger = bench.part(request.requestID, 0, 30, asOf: 30, header: Bench.header(of: .number(3)))
        #expect(bench.verdict(claim) == .apply(movesCursors: true))
        #expect(bench.verdict(stranger) == .apply(movesCursors: false))
        bench.now = bench.now.adding(seconds: 100)
        _ = bench.ask()
        let before = bench.destination
        for unknown in [claim, stranger, bench.part(.number(7), 0, 30, asOf: 30)] {
            #expect(bench.verdict(unknown) == .apply(movesCursors: false))
            #expect(bench.take(unknown) == CommitResult())
        }
        #expect(bench.destination == before)
        bench.destination.forgetReceived()
        #expect(bench.destination.requests.isEmpty)
        #expect(bench.ask().sequence == 3)
    }

    @Test func `the table of requests is bounded`() {
        var bench = Bench()
        for _ in 0..<100 { _ = bench.ask() }
        #expect(bench.destination.requests.count == Destination.requestsPerSourceMax)
        #expect(bench.destination.requests.first?.sequence == 69)
    }

    @Test func `half of the credit asks for more while more is known to exist`() {
        var bench = Bench()
        let request = bench.ask(credit: 4)
        #expect(!bench.take(bench.part(request.requestID, 0, 10, asOf: 100)).wantsRequest)
        // The same part again is no progress.
        #expect(!bench.take(bench.part(request.requestID, 0, 10, asOf: 100)).wantsRequest)
        #expect(bench.take(bench.part(request.requestID, 10, 20, asOf: 100)).wantsRequest)
        let next = bench.ask(credit: 4)
        #expect(!bench.take(bench.part(request.requestID, 20, 30, asOf: 100)).wantsRequest)
        #expect(!bench.take(bench.part(next.requestID, 30, 90, asOf: 100)).wantsRequest)
        #expect(!bench.take(bench.part(next.requestID, 90, 100, asOf: 100)).wantsRequest)
        #expect(bench.destination.vector[Bench.sourceLife]?.usn == USN(100))
    }

    @Test func `a poke asks at once, during a pending request after its answer, and once only`() {
        var bench = Bench()
        let poke = Poke(header: Bench.header(), usn: USN(40))
        var first = bench
        #expect(first.destination.receive(poke) == true)
        let request = bench.ask()
        #expect(bench.destination.receive(poke) == false)
        #expect(bench.take(bench.part(request.requestID, 0, 30, asOf: 30)).wantsRequest)
        let next = bench.ask()
        // A source that falls short of its own poke cannot make us ask for ever.
        #expect(!bench.take(bench.part(next.requestID, 30, 35, asOf: 35)).wantsRequest)
        #expect(bench.destination.receive(poke) == true)
        let last = bench.ask()
        _ = bench.take(bench.part(last.requestID, 35, 40, asOf: 40))
        #expect(bench.destination.receive(poke) == false)
    }

    @Test func `a refusal ends its request and only its own`() {
        var bench = Bench()
        let request = bench.ask()
        func refusal(_ requestID: GUID?, _ code: ReplicationErrorCode, from dsaGUID: GUID) -> ErrorReply {
            ErrorReply(header: Bench.header(of: dsaGUID), requestID: requestID, code: code, text: "no")
        }
        bench.destination.receive(refusal(request.requestID, .disabled, from: .number(3)), at: bench.now)
        bench.destination.receive(refusal(nil, .disabled, from: Bench.source), at: bench.now)
        #expect(bench.destination.pendingRequest(to: Bench.source) != nil)
        bench.destination.receive(refusal(request.requestID, .disabled, from: Bench.source), at: bench.now)
        #expect(bench.destination.pendingRequest(to: Bench.source) == nil)
        #expect(bench.destination.source(Bench.source)?.lastFailure?.code == .disabled)
        let next = bench.ask()
        let unknownSet = refusal(next.requestID, .partialAttributeSetUnknown, from: Bench.source)
        #expect(bench.destination.receive(unknownSet, at: bench.now) == true)
        _ = bench.ask()
        #expect(bench.destination.source(Bench.source)?.wantsPartialAttributes == true)
    }

    @Test func `waiting follows the partner's round trips`() {
        var bench = Bench()
        for _ in 0..<20 {
            let request = bench.ask()
            bench.now = bench.now.adding(seconds: 3600)
            _ = bench.take(bench.part(request.requestID, 0, 30, asOf: 30))
        }
        let request = bench.ask()
        #expect(bench.destination.requestsToResend(at: bench.now.adding(seconds: 7199)).isEmpty)
        #expect(bench.destination.requestsToResend(at: bench.now.adding(seconds: 7200)).count == 1)
        // Which of the two mails was answered is unknown.
        bench.now = bench.now.adding(seconds: 90_000)
        _ = bench.take(bench.part(request.requestID, 0, 30, asOf: 30))
        #expect(bench.destination.source(Bench.source)?.roundTrips == Array(repeating: 3600, count: 20))
    }

    @Test func `only the newest request is sent again`() {
        var bench = Bench()
        _ = bench.ask()
        let newest = bench.ask()
        #expect(bench.destination.requestsToResend(at: bench.now.adding(seconds: 900)) == [newest])
    }

    @Test func `a source that has cut the rest for an earlier request is not asked again at once`() {
        var bench = Bench()
        let request = bench.ask(credit: 2)
        // The part before it was lost, or comes later.
        #expect(bench.take(bench.part(request.requestID, 10, 20, asOf: 20)).wantsRequest)
        let next = bench.ask(credit: 2)
        #expect(!bench.take(bench.part(next.requestID, 20, 20, asOf: 20)).wantsRequest)
        #expect(bench.take(bench.part(next.requestID, 5, 10, asOf: 20)).wantsRequest)
    }

    @Test func `a joining replica pulls from one source until it has adopted a vector`() {
        var bench = Bench(hasJoined: false)
        let request = bench.ask()
        #expect(request.isJoining)
        #expect(!bench.destination.mayAsk(.number(3)))
        #expect(!bench.ask(.number(3)).isJoining)
        let other = bench.part(.number(7), 0, 9, asOf: 9, header: Bench.header(of: .number(3)))
        #expect(bench.verdict(other) == .refused(.joinsFromAnother(Bench.source)))
        #expect(bench.verdict(bench.part(.number(7), 0, 9, asOf: 9)) == .stale)
        _ = bench.take(bench.part(request.requestID, 0, 10, asOf: 30))
        #expect(bench.ask().isJoining)
        _ = bench.take(bench.part(request.requestID, 10, 30, asOf: 30))
        #expect(bench.destination.mayAsk(.number(3)))
        #expect(!bench.ask().isJoining)
        bench.destination.resync()
        #expect(bench.ask().isJoining)
    }
}

@Suite struct `Judging parts` {
    private typealias Bench = DestinationBench

    @Test func `a part that contradicts itself or names another context is refused`() {
        var bench = Bench()
        let id = bench.ask().requestID
        for (from, to, asOf) in [(Int64(0), Int64(31), Int64(30)), (9, 8, 30), (-1, 5, 30)] {
            let claim = bench.part(id, from, to, asOf: asOf)
            #expect(
                bench.verdict(claim)
                    == .refused(.contradictory(interval: USNInterval(from, to), asOf: USN(asOf)))
            )
        }
        var foreign = bench.part(id, 0, 30, asOf: 30)
        foreign.header.namingContext = .number(98)
        #expect(bench.verdict(foreign) == .refused(.wrongNamingContext(.number(98))))
        var boasting = bench.part(id, 0, 30, asOf: 30)
        boasting.vector[Bench.sourceLife] = VectorEntry(usn: USN(31), time: .epoch)
        #expect(
            bench.verdict(boasting) == .refused(.contradictory(interval: USNInterval(0, 30), asOf: USN(30)))
        )
    }

    @Test func `poison is held`() {
        var bench = Bench()
        let id = bench.ask().requestID
        var claim = bench.part(id, 0, 30, asOf: 30)
        claim.newestStampTime = bench.now.adding(seconds: 86_401)
        #expect(bench.verdict(claim) == .held(.stampAhead(bench.now.adding(seconds: 86_401))))
        bench.now = bench.now.adding(seconds: 1)
        #expect(bench.verdict(claim) == .apply(movesCursors: true))
        #expect(
            bench.verdict(bench.part(id, 0, 30, asOf: 30, vector: [Bench.ownLife: 51]))
                == .held(.ownEntryAhead(claimed: USN(51), own: USN(50)))
        )
        #expect(
            bench.verdict(bench.part(id, 0, 30, asOf: 30, vector: [Bench.ownLife: 50]))
                == .apply(movesCursors: true)
        )
        let leap = Int64(1) << 40
        #expect(
            bench.verdict(bench.part(id, 0, 30, asOf: 30, vector: [.number(13): leap]))
                == .apply(movesCursors: true)
        )
        #expect(
            bench.verdict(bench.part(id, 0, 30, asOf: 30, vector: [.number(13): leap + 1]))
                == .held(.vectorLeap(invocationID: .number(13), claimed: USN(leap + 1), known: .zero))
        )
    }

    @Test func `versions far above an existing one are poison`() {
        func stamp(_ version: UInt32) -> Stamp {
            Stamp(version: version, time: .epoch, invocationID: .zero, originatingUSN: .zero)
        }
        #expect(!PoisonCheck.isVersionLeap(existing: stamp(5), incoming: stamp(5 + 1 << 20)))
        #expect(PoisonCheck.isVersionLeap(existing: stamp(5), incoming: stamp(.max)))
        #expect(!PoisonCheck.isVersionLeap(existing: stamp(.max), incoming: stamp(1)))
        #expect(PoisonCheck.isVectorLeap(known: USN(Int64.min), claimed: .max))
    }

    @Test func `a source that does not know of a collected deletion is refused, an old part only dropped`() {
        var bench = Bench()
        let id = bench.ask().requestID
        _ = bench.take(bench.part(id, 0, 30, asOf: 30))
        bench.destination.noteCollected(
            Stamp(version: 1, time: .epoch, invocationID: .number(13), originatingUSN: USN(7))
        )
        #expect(
            bench.verdict(bench.part(id, 30, 40, asOf: 40, vector: [.number(13): 6]))
                == .refused(
                    .collectedNotCovered(invocationID: .number(13), collected: USN(7), claimed: USN(6))
                )
        )
        #expect(bench.verdict(bench.part(id, 0, 9, asOf: 29)) == .stale)
        #expect(
            bench.verdict(bench.part(id, 30, 40, asOf: 40, vector: [.number(13): 7]))
                == .apply(movesCursors: true)
        )
    }

    @Test func `collected deletions are taken over with the vector and not before`() {
        var bench = Bench(hasJoined: false)
        let id = bench.ask().requestID
        var claim = bench.part(id, 10, 30, asOf: 30, vector: [.number(13): 7])
        claim.collected = [.number(13): USN(7)]
        _ = bench.take(claim)
        #expect(bench.destination.collected.isEmpty)
        _ = bench.take(bench.part(id, 0, 10, asOf: 30, vector: [.number(13): 7]))
        #expect(bench.destination.collected == [.number(13): USN(7)])
        #expect(bench.destination.vector[.number(13)]?.usn == USN(7))
        #expect(bench.ask().collected == [.number(13): USN(7)])
    }

    @Test func `a repeated part is a duplicate until its snapshot or its tag says more`() {
        var bench = Bench()
        let id = bench.ask().requestID
        let claim = bench.part(id, 5, 20, asOf: 30)
        _ = bench.take(claim)
        #expect(bench.verdict(claim) == .duplicate)
        // Cut earlier: it may hold what has moved on since, and it lowers the tag.
        #expect(bench.verdict(bench.part(id, 5, 20, asOf: 29)) == .apply(movesCursors: true))
        // A newer vector is news.
        #expect(bench.verdict(bench.part(id, 5, 20, asOf: 31)) == .apply(movesCursors: true))
        _ = bench.take(bench.part(id, 0, 30, asOf: 30))
        #expect(bench.verdict(bench.part(id, 5, 20, asOf: 30)) == .duplicate)
        #expect(bench.verdict(bench.part(id, 5, 20, asOf: 30, time: 9001)) == .apply(movesCursors: true))
        #expect(bench.destination.lastSuccess(of: Bench.source) == Timestamp(seconds: 9000))
    }

    @Test func `a part with nothing in it moves last success`() {
        var bench = Bench()
        _ = bench.take(bench.part(bench.ask().requestID, 0, 30, asOf: 30))
        let empty = bench.part(bench.ask().requestID, 30, 30, asOf: 30, vector: [.number(13): 4], time: 9500)
        #expect(bench.verdict(empty) == .apply(movesCursors: true))
        #expect(bench.take(empty).adopted)
        #expect(bench.destination.lastSuccess(of: Bench.source) == Timestamp(seconds: 9500))
        #expect(bench.destination.vector[.number(13)]?.usn == USN(4))
    }

    @Test func `a permanent gap keeps last success where it was`() {
        var bench = Bench()
        _ = bench.take(bench.part(bench.ask().requestID, 0, 30, asOf: 30))
        _ = bench.take(bench.part(bench.ask().requestID, 40, 50, asOf: 50, time: 9900))
        #expect(bench.destination.lastSuccess(of: Bench.source) == Timestamp(seconds: 9000))
        #expect(bench.destination.cursor(of: Bench.source, Bench.sourceLife)?.gaps == [USNInterval(30, 40)])
    }

    @Test func `the newest answered request decides which life of a source is asked`() {
        var bench = Bench()
        let old = bench.ask()
        let new = bench.ask()
        let reborn = Bench.header(life: .number(22))
        _ = bench.take(bench.part(new.requestID, 0, 9, asOf: 9, header: reborn))
        _ = bench.take(bench.part(old.requestID, 0, 30, asOf: 30))
        let request = bench.ask()
        #expect(request.sourceInvocationID == .number(22))
        #expect(request.received.contiguousPrefix == USN(9))
    }

    @Test func `under a new invocationID the old entry stays where the old life surely ended`() {
        var bench = Bench()
        _ = bench.take(bench.part(bench.ask().requestID, 0, 30, asOf: 30))
        bench.destination.startNewInvocation(previous: Bench.ownLife, frozenAt: USN(50), at: bench.now)
        #expect(bench.destination.vector[Bench.ownLife]?.usn == USN(50))
        #expect(bench.destination.vector[Bench.sourceLife]?.usn == USN(30))
        #expect(bench.destination.cursors.isEmpty && bench.destination.requests.isEmpty)
        // What peers have of the old life beyond it can come back now.
        var claim = bench.part(bench.ask().requestID, 0, 40, asOf: 40, vector: [Bench.ownLife: 60])
        claim.ownInvocationID = .number(21)
        #expect(bench.verdict(claim) == .apply(movesCursors: true))
        _ = bench.take(claim)
        #expect(bench.destination.vector[Bench.ownLife]?.usn == USN(60))
    }

    @Test func `the own entry is never raised by a peer`() {
        var bench = Bench()
        _ = bench.take(bench.part(bench.ask().requestID, 0, 30, asOf: 30, vector: [Bench.ownLife: 49]))
        #expect(bench.destination.vector[Bench.ownLife] == nil)
        #expect(bench.ask().vector[Bench.ownLife]?.usn == USN(50))
    }

    @Test func `a part cut with another attribute set is data only`() {
        var bench = Bench()
        var claim = bench.part(bench.ask().requestID, 0, 30, asOf: 30)
        claim.cutFor = .partial(digest: Array(repeating: 1, count: 16))
        #expect(bench.verdict(claim) == .apply(movesCursors: false))
    }

    @Test func `vectors wait within bounds while the rule holds them back`() {
        var bench = Bench()
        let id = bench.ask().requestID
        for usn in Int64(10)...200 { _ = bench.take(bench.part(id, usn, usn + 1, asOf: usn + 1)) }
        let cursor = bench.destination.cursor(of: Bench.source, Bench.sourceLife)
        #expect(cursor?.vectors.count == SourceCursor.vectorsMax)
        #expect(cursor?.vectors.last?.asOf == USN(201))
        _ = bench.take(bench.part(id, 0, 10, asOf: 12))
        #expect(bench.destination.vector[Bench.sourceLife]?.usn == USN(201))
        #expect(bench.destination.cursor(of: Bench.source, Bench.sourceLife)?.received.tagged.count == 1)
    }
}

@Suite struct `Stored destination` {
    private func worldly(seed: Int) -> [Destination] {
        var world = World(seed: seed)
        _ = world.run(steps: 60)
        return world.replicas.map(\.destination)
    }

    @Test func `comes back as it was stored`() throws {
        for seed in 0..<20 {
            for destination in worldly(seed: seed) {
                let octets = destination.encoded()
                let restored = try Destination(encoded: octets)
                #expect(restored == destination, "seed \(seed)")
                #expect(restored.encoded() == octets, "seed \(seed)")
            }
        }
    }

    @Test func `damaged octets are an error, never a trap`() {
        var random = WorldRandom(seed: 1)
        let octets = worldly(seed: 3)[0].encoded()
        for length in 0..<octets.count {
            #expect(throws: CodecError.self) { try Destination(encoded: Array(octets.prefix(length))) }
        }
        for _ in 0..<2000 {
            var damaged = octets
            for _ in 0..<random.int(1...4) {
                damaged[random.int(0...(damaged.count - 1))] = UInt8(random.int(0...255))
            }
            _ = try? Destination(encoded: damaged)
        }
        #expect(throws: CodecError.self) { try Destination(encoded: octets + [0]) }
    }
}
