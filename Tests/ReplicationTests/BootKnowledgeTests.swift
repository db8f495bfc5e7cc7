import Identifiers
import Testing

@testable import Replication

/// A database's history as its own boots table and its mail show it.
private struct History {
    static let life = GUID(high: 1, low: 1)

    struct Mail {
        var records: [BootRecord]
        var usn: USN
    }

    var boots: [BootRecord] = []
    var usn = USN(0)
    var nextBoot: UInt64

    init(firstBoot: UInt64 = 1) { nextBoot = firstBoot }

    mutating func start() {
        boots.insert(BootRecord(bootID: GUID(high: 0xb, low: nextBoot), startUSN: usn), at: 0)
        nextBoot += 1
    }

    mutating func write(_ count: Int64 = 1) { usn = USN(usn.rawValue + count) }

    var mail: Mail { Mail(records: Array(boots.prefix(32)), usn: usn) }
}

extension InvocationKnowledge {
    fileprivate func suspicion(of mail: History.Mail, told: USN = .zero) -> RollbackSuspicion? {
        suspicion(of: mail.records, usn: mail.usn, knownUSN: told)
    }

    fileprivate mutating func accept(_ mail: History.Mail) { note(mail.records, usn: mail.usn) }
}

@Suite struct `Knowledge of a partner's boots` {
    private func known(_ mails: History.Mail...) -> InvocationKnowledge {
        var knowledge = InvocationKnowledge(invocationID: History.life)
        for mail in mails { knowledge.accept(mail) }
        return knowledge
    }

    @Test func `a late mail of an earlier boot is no alarm`() {
        var database = History()
        database.start()
        database.write(10)
        let late = database.mail
        database.start()
        database.write(10)
        #expect(known(database.mail).suspicion(of: late) == nil)
    }

    @Test func `a copy put back lacks a boot that is known, and starts below what is known`() throws {
        var database = History()
        database.start()
        database.write(10)
        let copy = database
        database.start()
        database.write(10)
        let knowledge = known(database.mail)
        var putBack = copy
        putBack.nextBoot = 50
        putBack.start()
        putBack.write(100)
        let suspicion = try #require(knowledge.suspicion(of: putBack.mail))
        #expect(suspicion.reason == .putBack)
        #expect(suspicion.boot == putBack.boots[0])
        #expect(suspicion.missingBoot == database.boots[0].bootID)
    }

    @Test func `a snapshot put back without a start between, and overtaken, is seen by what was said before`()
        throws
    {
        var machine = History()
        machine.start()
        machine.write(10)
        let snapshot = machine
        machine.write(10)
        let knowledge = known(machine.mail)
        var putBack = snapshot
        putBack.nextBoot = 50
        putBack.start()
        putBack.write(100)
        let suspicion = try #require(knowledge.suspicion(of: putBack.mail))
        #expect(suspicion.boot == BootRecord(bootID: GUID(high: 0xb, low: 50), startUSN: USN(10)))
        #expect(suspicion.knownUSN == USN(20))
        // It lacks no boot that is known, and a later start does not hide it.
        putBack.start()
        putBack.start()
        #expect(knowledge.suspicion(of: putBack.mail)?.boot.startUSN == USN(10))
    }

    @Test func `what others told of a new boot is no alarm`() {
        var database = History()
        database.start()
        database.write(10)
        let knowledge = known(database.mail)
        database.start()
        let first = database.mail
        database.write(40)
        #expect(knowledge.suspicion(of: first, told: database.usn) == nil)
    }

    @Test func `twins without a write are suspected, and each judges by its own boots`() throws {
        var database = History()
        database.start()
        database.write(10)
        var twin = database
        twin.nextBoot = 50
        database.start()
        twin.start()
        let suspicion = try #require(known(database.mail).suspicion(of: twin.mail))
        #expect(suspicion.reason == .twins)
        #expect(
            suspicion.judged(own: History.life, boots: database.boots, retired: []) == .twin
        )
        #expect(
            suspicion.judged(own: History.life, boots: twin.boots, retired: []) == .putBack(frozenAt: USN(10))
        )
    }

    @Test func `an original that goes on after its copy was heard is suspected`() throws {
        var original = History()
        original.start()
        original.write(10)
        let heard = original.mail
        var copy = original
        copy.nextBoot = 50
        copy.start()
        copy.write(3)
        original.write(5)
        let knowledge = known(heard, copy.mail)
        let suspicion = try #require(knowledge.suspicion(of: original.mail))
        #expect(suspicion.boot == copy.boots[0])
        #expect(
            suspicion.judged(own: History.life, boots: original.boots, retired: [])
                == .overtaken(frozenAt: USN(10))
        )
        #expect(knowledge.suspicion(of: heard) == nil)
    }

    @Test func `an original that started again behind its copy's start ends the life below both`() throws {
        var original = History()
        original.start()
        original.write(10)
        original.start()
        original.write(10)
        let heard = original.mail
        var copy = original
        copy.nextBoot = 50
        for _ in 0..<2 {
            copy.start()
            copy.write(3)
        }
        original.write(30)
        original.start()
        let suspicion = try #require(known(heard, copy.mail).suspicion(of: original.mail))
        #expect(suspicion.missingBoot == copy.boots[1].bootID)
        // USNs from 21 on mean two writes; 10 is the last start below.
        #expect(
            suspicion.judged(own: History.life, boots: original.boots, retired: [])
                == .putBack(frozenAt: USN(10))
        )
    }

    @Test func `mail of a boot that was forgotten is unfounded in the eyes of its sender`() throws {
        var database = History()
        database.start()
        database.write()
        let late = database.mail
        var knowledge = InvocationKnowledge(invocationID: History.life)
        for _ in 0..<200 {
            database.start()
            database.write()
            knowledge.accept(database.mail)
        }
        #expect(knowledge.boots.count == InvocationKnowledge.bootsMax)
        let suspicion = try #require(knowledge.suspicion(of: late))
        guard case .unfounded = suspicion.judged(own: History.life, boots: database.boots, retired: [])
        else {
            Issue.record("a cure for a late mail")
            return
        }
    }

    @Test func `a list of 32 boots does not make older ones missing`() {
        var database = History()
        database.start()
        database.write()
        let knowledge = known(database.mail)
        for _ in 0..<40 {
            database.start()
            database.write()
        }
        #expect(knowledge.suspicion(of: database.mail) == nil)
    }

    @Test func `a suspicion about a life that has ended is worth a lower end only`() {
        var database = History()
        database.start()
        database.write(10)
        database.start()
        let suspicion = RollbackSuspicion(
            reason: .putBack,
            invocationID: History.life,
            boot: database.boots[0],
            missingBoot: nil,
            knownUSN: USN(30)
        )
        func judged(keptUSN: Int64) -> SuspicionJudgement {
            let ended = RetiredInvocation(
                invocationID: History.life,
                keptUSN: USN(keptUSN),
                isReused: true
            )
            return suspicion.judged(own: GUID(high: 9, low: 9), boots: database.boots, retired: [ended])
        }
        #expect(judged(keptUSN: 12) == .putBack(frozenAt: USN(10)))
        #expect(judged(keptUSN: 10) == .unfounded("that life has ended at USN 10 already"))
        guard case .unfounded = suspicion.judged(own: GUID(high: 9, low: 9), boots: [], retired: []) else {
            Issue.record("a cure for a life that was never ours")
            return
        }
    }

    /// Histories with restarts, mail in any order; half of them put a copy back once.
    @Test(arguments: 1...300)
    func `a copy is suspected as soon as it is heard after what it lost, and nothing else ever`(seed: Int) {
        var random = WorldRandom(seed: seed)
        var database = History()
        database.start()
        var mails: [History.Mail] = []
        func live(_ database: inout History, steps: Int) {
            for _ in 0..<steps {
                switch random.int(0...5) {
                case 0: database.start()
                case 1, 2: database.write(Int64(random.int(1...9)))
                default: mails.append(database.mail)
                }
            }
        }
        live(&database, steps: 12)
        let copy = database
        live(&database, steps: 8)
        let healthy = known(upTo: mails, random: &random, seed: seed)
        var putBack = copy
        putBack.nextBoot = 1_000
        putBack.start()
        live(&putBack, steps: 6)
        mails.append(putBack.mail)
        let first = putBack.boots.last { $0.bootID.low >= 1_000 }
        // What was heard of the lost time: its numbers, or a start in it.
        let knowsLost =
            healthy.highestUSN > copy.usn
            || healthy.boots.contains { boot in !copy.boots.contains { $0.bootID == boot.bootID } }
        let suspicion = healthy.suspicion(of: putBack.mail)
        if knowsLost {
            #expect(suspicion?.boot == first, "seed \(seed)")
            #expect(
                suspicion?.judged(own: History.life, boots: putBack.boots, retired: [])
                    == .putBack(frozenAt: copy.usn),
                "seed \(seed)"
            )
        } else {
            #expect(suspicion == nil, "seed \(seed)")
        }
    }

    private func known(
        upTo mails: [History.Mail],
        random: inout WorldRandom,
        seed: Int
    ) -> InvocationKnowledge {
        var knowledge = InvocationKnowledge(invocationID: History.life)
        for mail in mails.shuffled(using: &random) where random.int(0...2) != 0 {
            #expect(knowledge.suspicion(of: mail) == nil, "seed \(seed)")
            knowledge.accept(mail)
        }
        return knowledge
    }

    // MARK: - Octets

    @Test func `the stored form comes back, and no beginning of it is taken`() throws {
        var database = History()
        database.start()
        database.write(10)
        database.start()
        let knowledge = known(database.mail)
        let octets = knowledge.encoded()
        #expect(try InvocationKnowledge(encoded: octets) == knowledge)
        for count in 0..<octets.count {
            #expect(throws: CodecError.self) { try InvocationKnowledge(encoded: Array(octets[..<count])) }
        }
    }

    @Test func `a suspicion travels in an error reply, and without one the octets are as before`() throws {
        let header = MessageHeader(
            dsaGUID: GUID(high: 1, low: 2),
            invocationID: History.life,
            bootRecords: [],
            namingContext: GUID(high: 3, low: 4)
        )
        var error = ErrorReply(header: header, requestID: nil, code: .rollbackSuspected, text: "older copy")
        let plain = ReplicationCodec.encode(.error(error))
        for missing in [nil, GUID(high: 0xb, low: 8)] {
            error.suspicion = RollbackSuspicion(
                reason: .putBack,
                invocationID: History.life,
                boot: BootRecord(bootID: GUID(high: 0xb, low: 7), startUSN: USN(300)),
                missingBoot: missing,
                knownUSN: USN(500)
            )
            let octets = ReplicationCodec.encode(.error(error))
            #expect(octets.starts(with: plain))
            #expect(try ReplicationCodec.decode(octets) == .error(error))
            for count in plain.count..<octets.count {
                guard let message = try? ReplicationCodec.decode(Array(octets[..<count])) else { continue }
                guard case .error(let cut) = message else { return }
                #expect(cut.suspicion == nil)
            }
        }
    }
}

@Suite struct `Lives that have ended` {
    private let life = GUID(high: 7, low: 7)
    private let other = GUID(high: 8, low: 8)

    @Test func `the text of a life comes back`() {
        for isReused in [true, false] {
            for isRecovering in [true, false] {
                let ended = RetiredInvocation(
                    invocationID: life,
                    keptUSN: USN(12),
                    isReused: isReused,
                    isRecovering: isRecovering
                )
                #expect(RetiredInvocation(ended.text) == ended)
            }
        }
        for text in ["", "x", "\(life)", "\(life) -1", "\(life) z reused"] {
            #expect(RetiredInvocation(text) == nil, "\(text)")
        }
    }

    @Test func `nothing is claimed above the USN kept of a life whose USNs were given out twice`() throws {
        var destination = Destination(namingContext: other, isPartial: false)
        destination.markCreatedHere()
        destination.vector[life] = VectorEntry(usn: USN(50), time: .epoch)
        destination.cursors = [SourceCursor(sourceDSA: other, invocationID: other)]
        destination.retire([RetiredInvocation(invocationID: life, keptUSN: USN(60), isReused: true)])
        #expect(destination.vector[life]?.usn == USN(50) && !destination.cursors.isEmpty)
        destination.retire([RetiredInvocation(invocationID: life, keptUSN: USN(40), isReused: true)])
        #expect(destination.vector[life]?.usn == USN(40))
        #expect(destination.cursors.isEmpty)
        #expect(try Destination(encoded: destination.encoded()) == destination)
    }

    @Test func `a life that ended without a number given out twice is as any other`() {
        var destination = Destination(namingContext: other, isPartial: true)
        destination.vector[life] = VectorEntry(usn: USN(50), time: .epoch)
        destination.retire([RetiredInvocation(invocationID: life, keptUSN: USN(40), isReused: false)])
        #expect(destination.vector[life]?.usn == USN(50))
        #expect(destination.unsettledRetirements.keys.contains(life))
        destination.settleRetirement(life)
        #expect(destination.unsettledRetirements.isEmpty)
    }

    @Test func `an adopted vector is capped as well`() {
        var destination = Destination(namingContext: other, isPartial: false)
        let header = MessageHeader(
            dsaGUID: GUID(high: 5, low: 5),
            invocationID: other,
            bootRecords: [],
            namingContext: other
        )
        let request = destination.makeRequest(
            to: header.dsaGUID,
            id: GUID(high: 6, low: 6),
            header: header,
            kind: .full,
            limits: PartLimits(),
            at: .epoch,
            ownUSN: .zero
        )
        destination.retire([RetiredInvocation(invocationID: life, keptUSN: USN(40), isReused: true)])
        let reply = ChangesReply(
            header: header,
            requestID: request.requestID,
            interval: USNInterval(from: .zero, to: USN(9)),
            asOf: USN(9),
            vector: UpToDatenessVector(entries: [
                life: VectorEntry(usn: USN(70), time: .epoch), other: VectorEntry(usn: USN(9), time: .epoch),
            ]),
            collected: [life: USN(66)],
            cutFor: .full,
            partNumber: 1,
            isLast: true
        )
        let claim = PartClaim(reply, ownInvocationID: GUID(high: 1, low: 1), ownUSN: .zero)
        #expect(destination.judge(claim, at: .epoch) == .apply(movesCursors: true))
        #expect(destination.commit(claim, at: .epoch).adopted)
        #expect(destination.vector[life]?.usn == USN(40))
        #expect(destination.collected[life] == USN(40))
        // What is capped is also seen to be here already.
        #expect(destination.judge(claim, at: .epoch) == .duplicate)
    }
}
