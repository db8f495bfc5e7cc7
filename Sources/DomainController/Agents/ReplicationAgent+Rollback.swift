package import AdminAPI
package import Identifiers
import InterSiteMessaging
import Logging
package import Replication
import Store

/// What the agent remembers of rollbacks since the start; what must survive is in the database.
struct RollbackMemory {
    /// Two clocks may differ by that much before one life of a database is said to have come back.
    static let skewSecondsMax: Int64 = 300
    /// A suspected partner is told again after this long.
    static let tellAgainSeconds: Int64 = 60
    static let alarmsMax = 64
    static let earlierLivesMax = 64
    /// Seconds until a partial replica is asked again for the lost hour.
    static let askAgainSeconds: Int64 = 3_600
    static let recoverySecondsMax: Int64 = 7 * 86_400

    /// A life of a partner's database as its mail shows it.
    struct SeenLife {
        var invocationID: GUID
        var earliestMail: Timestamp
        /// Lives that were seen before it.
        var earlier: Set<GUID> = []
    }

    /// What came of one partial replica, in the USNs of one life of its database.
    struct Recovered {
        var invocationID: GUID
        var received = ReceivedIntervals()
    }

    var isHalted = false
    var isCuring = false
    var lastTold: [GUID: Timestamp] = [:]
    /// When an event last said that a partner's clock is ahead.
    var clockTold: [GUID: Timestamp] = [:]
    var seenLives: [GUID: SeenLife] = [:]
    /// The ended lives that the database was told of, as the directory lists them.
    var retiredSeen: [RetiredInvocation]?
    var alarms: [AlarmReply] = []
    /// By request id: what was asked of partial replicas, and what came of it.
    var recoveries: [GUID: ReplicationLink] = [:]
    var recovered: [ReplicationLink: Recovered] = [:]
    var recoveryDone: Set<ReplicationLink> = []
    var nextRecovery: Timestamp?

    mutating func raise(_ alarm: AlarmReply) {
        alarms.removeAll { $0.kind == alarm.kind && $0.partner == alarm.partner }
        alarms.append(alarm)
        if alarms.count > Self.alarmsMax { alarms.removeFirst() }
    }

    mutating func clear(_ kind: String, partner: String) {
        alarms.removeAll { $0.kind == kind && $0.partner == partner }
    }
}

/// Databases that were put back or run twice: a partner's, and our own.
extension ReplicationAgent {
    private var life: DatabaseLife {
        DatabaseLife(store: store, generation: generation, randomGUID: randomGUID, log: log)
    }

    package func alarms() -> [AlarmReply] { rollback.alarms }

    /// Whether partners claim more of this database than it has itself: a person must find out who is right.
    package func isAheadElsewhere() -> Bool { rollback.alarms.contains { $0.kind == "ownEntryAhead" } }

    // MARK: - Partners

    /// Until a person acts, nothing is answered, asked or applied.
    func guardReplicates(_ message: ReplicationMessage) async throws {
        if rollback.retiredSeen == nil { await readHalt() }
        guard rollback.isHalted else { return }
        if case .error = message { return }
        throw MessageRefused("this DSA has stopped replicating: bridgehead repl show", code: "halted")
    }

    /// Refuses a message whose sender's database is an older copy, or runs twice.
    ///
    /// Errors pass: two databases that were put back together must still be able to tell each other.
    func examine(_ message: ReplicationMessage, _ received: ReceivedMessage) async throws {
        let suspicion: RollbackSuspicion?
        switch message {
        case .error: return
        case .reply(let part):
            // Its boots are judged in the transaction that applies it.
            suspicion = returnedLife(part.header, created: received.created)
        case .request(let request):
            let usn = request.vector[request.header.invocationID]?.usn
            suspicion = try await examine(request.header, usn: usn, created: received.created)
        case .poke(let poke):
            suspicion = try await examine(poke.header, usn: poke.usn, created: received.created)
        }
        guard let suspicion else { return }
        await suspect(suspicion, in: message.header, inReplyTo: received.id)
        throw MessageRefused("\(suspicion); hint: \(suspicion.hint)", code: "rollback-suspected")
    }

    private func examine(_ header: MessageHeader, usn: USN?, created: Timestamp) async throws
        -> RollbackSuspicion?
    {
        if let suspicion = returnedLife(header, created: created) { return suspicion }
        let suspicion = try await store.examineBoots(header, usn: usn)
        if suspicion == nil {
            rollback.clear("rollbackSuspected", partner: partners.current.name(of: header.dsaGUID))
        }
        return suspicion
    }

    /// Mail of an ended life that was written after mail of a later one: the older database still runs.
    func returnedLife(_ header: MessageHeader, created: Timestamp) -> RollbackSuspicion? {
        let dsa = header.dsaGUID
        guard partners.current.dsa(dsa) != nil, let boot = header.bootRecords.first else { return nil }
        guard var seen = rollback.seenLives[dsa] else {
            rollback.seenLives[dsa] = .init(invocationID: header.invocationID, earliestMail: created)
            return nil
        }
        if header.invocationID == seen.invocationID {
            seen.earliestMail = min(seen.earliestMail, created)
            rollback.seenLives[dsa] = seen
            return nil
        }
        let hasEnded =
            seen.earlier.contains(header.invocationID)
            || partners.current.dsa(dsa)?.retired.contains { $0.invocationID == header.invocationID } ?? false
        if !hasEnded {
            // Late mail of an earlier life, seen for the first time, is older than the later life's first.
            guard created >= seen.earliestMail else { return nil }
            var earlier = seen.earlier
            if earlier.count < RollbackMemory.earlierLivesMax { earlier.insert(seen.invocationID) }
            rollback.seenLives[dsa] = .init(
                invocationID: header.invocationID,
                earliestMail: created,
                earlier: earlier
            )
            return nil
        }
        guard created > seen.earliestMail.adding(seconds: RollbackMemory.skewSecondsMax) else { return nil }
        // It must end that life no higher than the directory says: above that, USNs mean two writes.
        let ended = partners.current.dsa(dsa)?.retired.first { $0.invocationID == header.invocationID }
        let first = header.bootRecords.first { $0.startUSN <= ended?.keptUSN ?? .max }
        return RollbackSuspicion(
            reason: .twins,
            invocationID: header.invocationID,
            boot: first ?? header.bootRecords.last ?? boot,
            missingBoot: nil,
            knownUSN: .zero
        )
    }

    /// Alarms, and tells the partner, who can cure itself.
    func suspect(_ suspicion: RollbackSuspicion, in header: MessageHeader, inReplyTo: GUID?) async {
        let name = partners.current.name(of: header.dsaGUID)
        let link = ReplicationLink(namingContext: header.namingContext, partner: header.dsaGUID)
        failed(link, code: 5, "\(name): \(suspicion)")
        let time = now()
        rollback.raise(
            AlarmReply(
                since: time,
                kind: "rollbackSuspected",
                partner: name,
                text: "\(suspicion)",
                hint: suspicion.hint
            )
        )
        post(
            "rollbackSuspected",
            partner: header.dsaGUID,
            namingContext: header.namingContext,
            text: "\(suspicion)"
        )
        let again = rollback.lastTold[header.dsaGUID]?.adding(seconds: RollbackMemory.tellAgainSeconds)
        guard
            again.map({ time >= $0 || time < $0.adding(seconds: -2 * RollbackMemory.tellAgainSeconds) })
                ?? true
        else { return }
        rollback.lastTold[header.dsaGUID] = time
        let error = ErrorReply(
            header: messageHeader(header.namingContext),
            requestID: nil,
            code: .rollbackSuspected,
            text: "\(suspicion)",
            suspicion: suspicion
        )
        do {
            _ = try await send(
                .error(error),
                to: header.dsaGUID,
                summary: "error rollbackSuspected",
                inReplyTo: inReplyTo,
                coalescingKey: "rollback/\(header.dsaGUID)"
            )
        } catch { log.warning("\(name) could not be told that its database is suspected: \(error)") }
    }

    // MARK: - This database

    /// A partner says that this database was put back, or runs twice.
    func receive(_ suspicion: RollbackSuspicion, from partner: GUID) async throws {
        guard partners.current.isMember(partner), !rollback.isCuring, !rollback.isHalted else { return }
        let (boots, state) = try await store.snapshot { (try $0.allBoots(), try $0.cureState()) }
        let name = partners.current.name(of: partner)
        switch suspicion.judged(own: store.identity.invocationID, boots: boots, retired: state.retired) {
        case .unfounded(let why):
            log.info("\(name) suspects this database, without reason: \(why)")
        case .twin:
            raiseTwin(suspicion, by: partner)
        case .putBack(let usn):
            try await cure(
                suspicion.invocationID,
                keptUSN: usn,
                why: "\(name) has seen more of this database than it knows of itself: \(suspicion)",
                isOrdered: false
            )
        case .overtaken(let usn):
            let highest = try await store.snapshot { try $0.highestUSN() }
            try await cure(
                suspicion.invocationID,
                keptUSN: min(usn, highest),
                why: "\(name) heard a copy of this database before it: \(suspicion)",
                isOrdered: false
            )
            raiseTwin(suspicion, by: partner)
        }
    }

    /// Ends a life of this database, which others may have seen in two forms unless it was not `isReused`.
    func cure(_ invocationID: GUID, keptUSN: USN, isReused: Bool = true, why: String, isOrdered: Bool)
        async throws
    {
        guard !rollback.isCuring else { return }
        rollback.isCuring = true
        defer { rollback.isCuring = false }
        let isEnded = try await life.end(
            invocationID,
            keptUSN: keptUSN,
            isReused: isReused,
            why: why,
            isOrdered: isOrdered,
            isRecovering: isReused,
            at: now()
        )
        preconditionIsolated()
        guard isEnded else { return await readHalt() }
        rollback.alarms.removeAll { $0.partner == nil }
        rollback.isHalted = false
        rollback.recoveryDone = []
        rollback.nextRecovery = nil
        for id in awaited.keys.sorted() { conclude(id, isApplied: false) }
        ledger = SourceLedger()
        unsent = []
        await reloadView()
        post("cured", partner: partners.current.own.dsaGUID, text: why)
        for context in partners.current.held where !context.isPartial { changed(context.guid) }
        for link in partners.current.links { scheduleSoon(link) }
    }

    /// A person says that this database was put back, or ends a halt.
    ///
    /// - Returns: the life that ended, with the USN kept.
    package func cureOnDemand(keptUSN: USN?) async throws -> RetiredInvocation {
        let (state, usn) = try await store.snapshot { (try $0.cureState(), try $0.highestUSN()) }
        let started = store.bootRecords.first?.startUSN ?? .zero
        let kept = keptUSN ?? state.haltedLife?.keptUSN ?? started
        guard kept <= usn else {
            throw AdminError(
                code: "invalidUSN",
                message: "this database has no USN \(kept); its highest is \(usn)",
                hint: "bridgehead repl cure --force without --keep-usn takes where it started"
            )
        }
        let ended = store.identity.invocationID
        try await cure(ended, keptUSN: kept, why: "a person ordered a new life", isOrdered: true)
        return RetiredInvocation(invocationID: ended, keptUSN: kept, isReused: true)
    }

    /// Whether a person must act, as the database says.
    func readHalt() async {
        guard let state = try? await store.snapshot({ try $0.cureState() }) else { return }
        rollback.isHalted = state.haltReason != nil
        guard let reason = state.haltReason else { return }
        let isNew = !rollback.alarms.contains { $0.kind == "halted" }
        rollback.raise(
            AlarmReply(
                since: now(),
                kind: "halted",
                partner: nil,
                text: "this DSA replicates no more: \(reason)",
                hint: "find out what puts the database back, then: bridgehead repl cure --force"
            )
        )
        if isNew { post("halted", partner: partners.current.own.dsaGUID, text: reason) }
    }

    private func raiseTwin(_ suspicion: RollbackSuspicion, by partner: GUID) {
        let text = "a second database runs as this DSA, or did: \(suspicion)"
        rollback.raise(
            AlarmReply(
                since: now(),
                kind: "twin",
                partner: nil,
                text: text,
                hint: "find the other one and stop it; a copy is started after the restore command only"
            )
        )
        post("twin", partner: partner, text: text)
        log.error("\(text)")
    }

    /// Tells people; a part that only claims to know more of us may be wrong or hostile, and cannot force a cure.
    func raiseOwnEntryAhead(_ reason: HeldReason, by partner: GUID) {
        let name = partners.current.name(of: partner)
        rollback.raise(
            AlarmReply(
                since: now(),
                kind: "ownEntryAhead",
                partner: name,
                text: "\(name): \(reason)",
                hint:
                    "if this database was put back: bridgehead repl cure --force; else ask the partner's owner"
            )
        )
        post("rollbackSuspected", partner: partner, text: "\(reason)")
    }

    // MARK: - Lives that have ended

    /// Tells the database which lives have ended, when the directory says something new.
    func watchLives() async {
        let view = partners.current
        if rollback.retiredSeen == nil { await readHalt() }
        let retired = view.dsas.sorted { $0.dsaGUID < $1.dsaGUID }.flatMap(\.retired)
        do {
            if retired != rollback.retiredSeen {
                try await store.retire(retired)
                rollback.retiredSeen = retired
                try await endSharedLife(retired)
            }
            if view.own.invocationID != store.identity.invocationID {
                try await store.publishLives(at: now())
                await reloadView()
            }
        } catch { log.error("ended lives of databases are not noted: \(error)") }
        if !rollback.isHalted { await recoverFromPartialReplicas() }
    }

    /// Follows a copy of this database that has ended the life which both had: partners claim nothing above that end.
    private func endSharedLife(_ retired: [RetiredInvocation]) async throws {
        guard let ended = retired.first(where: { $0.invocationID == store.identity.invocationID }),
            !rollback.isHalted
        else { return }
        let highest = try await store.snapshot { try $0.highestUSN() }
        try await cure(
            ended.invocationID,
            keptUSN: min(ended.keptUSN, highest),
            why:
                "the directory says that this life of the database has ended at USN \(ended.keptUSN): a copy of it "
                + "began another one",
            isOrdered: false
        )
    }

    /// After a full replica's vector was adopted: whether this partial replica holds what that one has lost.
    func settleRetirements(_ part: ChangesReply, link: ReplicationLink) async {
        guard !partners.current.isFull(link.namingContext), let source = partners.current.dsa(link.partner)
        else { return }
        // It still takes back what it lost, perhaps from here.
        guard !source.retired.contains(where: \.isRecovering) else { return }
        do {
            let held = try await store.settleRetirements(
                of: link.namingContext,
                source: part.header,
                asOf: part.asOf,
                vector: part.vector
            )
            guard held > 0 else { return }
            let text =
                "this partial replica held \(held) objects with changes that \(source.serverName), restored, "
                + "has lost; it is built again from there"
            post("rebuilt", partner: link.partner, namingContext: link.namingContext, text: text)
            log.warning("\(text)")
            scheduleSoon(link)
        } catch { log.error("a partial replica was not compared with its restored source: \(error)") }
    }
}
