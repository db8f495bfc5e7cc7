import DomainController
import Identifiers
import Replication
import Store

/// The second stage: no more faults, and everything must become equal.
extension World {
    /// Slots that a converged world is watched.
    private static let quietSlots = 2

    /// Ends all faults, waits until all replicas are equal, and checks what must hold then.
    ///
    /// - Returns: the schedule slots that it took.
    @discardableResult
    package func heal() async throws -> Int {
        note("! heal")
        network.weather = .fair
        network.openAll()
        for site in sites {
            _ = site.disk.disarm()
            if site.isUp { site.seams.revive() }
            site.clock.skewSeconds = 0
        }
        try await unplugTwins()
        try await startAll()
        let (waiting, before) = (network.mailsWaiting, mailCount)
        for site in sites { try await settle(site, contexts: []) }
        try await takeUpReplicas()
        joinMails = try await openJoins()
        let patience = try await patience()
        var slots = try await converge(within: patience)
        // What was held up for months comes now: it must change nothing.
        network.hurry(to: now)
        slots += try await converge(within: patience)
        try await checkNothingLost()
        try await checkNothingWaits()
        try await checkMails(mailCount - before, slots: slots, waiting: waiting)
        try await checkRest()
        return slots
    }

    private func converge(within slotsMax: Int) async throws -> Int {
        var found = ""
        var (slot, last) = (0, slotsMax)
        while slot < last {
            slot += 1
            try await attend()
            try await advance(seconds: settings.intervalSeconds)
            if let difference = try await difference() {
                found = difference
            } else if let recovering = try await recovering() {
                found = recovering
                continue
            } else {
                return slot
            }
            // What a person begins takes its time anew.
            if try await administer() { last = min(Self.administeredSlotsMax, slot + slotsMax) }
        }
        throw OracleViolation(.divergence, "after \(slot) slots: \(found)")
    }

    // MARK: - How long it may take

    /// Schedule slots after which a healed world counts as one that never converges.
    ///
    /// First come the waits, on all links at once: for the resending of a request that was lost, which is twice the
    /// round trips that the weather made long; for the time of a stamp that is more than a day ahead; for what a
    /// partial replica is to give back of a lost hour. Then news cross each link in two slots at most: it is asked
    /// for within one, and in the next one once more if the answer was cut before the news came. They cross
    /// `sites - 1` links in a row at most, three times: the schema says what may be asked for, the configuration
    /// who asks whom, and only then all domains follow.
    private func patience() async throws -> Int {
        var waitSeconds = max(0, newestStamp.seconds - now.seconds - PoisonCheck.stampAheadSecondsMax)
        let timing = settings.replication.timing
        var resendSeconds = timing.resendFloorSeconds
        var isRecovering = false
        for site in sites {
            guard let store = site.dsa?.store else { continue }
            let contexts = heldContexts(of: site)
            let (resend, recovers) = try await store.snapshot { snapshot in
                let records = try contexts.flatMap { try snapshot.destination(of: $0).sources }
                let recovers = try snapshot.cureState().retired.contains(where: \.isRecovering)
                return (records.map { $0.resendAfterSeconds(timing) }.max() ?? 0, recovers)
            }
            resendSeconds = max(resendSeconds, resend)
            // One that was put back may find out only now.
            isRecovering = isRecovering || recovers || site.journaledUSN != nil
        }
        waitSeconds += resendSeconds
        if isRecovering { waitSeconds += Self.recoverySeconds }
        let waitSlots = waitSeconds / Int64(settings.intervalSeconds) + 1
        return Int(clamping: waitSlots) + 2 * 3 * (sites.count - 1)
    }

    /// How long a DSA asks partial replicas for what it lost.
    private static let recoverySeconds: Int64 = 7 * 86_400

    private var newestStamp: Timestamp {
        var newest = Timestamp.epoch
        for context in [plan.schema, plan.configuration] + plan.sites.map(\.domain) {
            for originator in journal.originators {
                for write in journal.writes(by: originator, above: .zero, upTo: .max, in: context.guid) {
                    newest = max(newest, write.created ?? .epoch, write.stamp.time)
                }
            }
        }
        return newest
    }

    // MARK: - Afterwards

    /// An object that waits when every replica has everything would wait for ever.
    ///
    /// Unless its parent is gone from everywhere by machines that were put back: the design lets it wait then.
    private func checkNothingWaits() async throws {
        for site in sites {
            guard let store = site.dsa?.store else { continue }
            for context in heldContexts(of: site) {
                let displaced = try await store.snapshot { snapshot in
                    try snapshot.counts(of: context).waiting > 0
                        ? snapshot.displaced(in: context, limit: .max) : []
                }
                let waiting = displaced.filter {
                    $0.kind == .waiting && !isForgivenLoss($0.parent, in: context)
                }
                guard let first = waiting.first else { continue }
                throw OracleViolation(
                    .placement,
                    "\(site.name) \(contextName(context)): \(waiting.count) objects wait for parents that nobody "
                        + "has: \(first.objectGUID) for \(first.parent)"
                )
            }
        }
    }

    /// Whether a write of that object was lost with a machine that was put back.
    private func isForgivenLoss(_ object: GUID, in context: GUID) -> Bool {
        journal.originators.contains { originator in
            journal.writes(by: originator, above: .zero, upTo: .max, in: context).contains {
                $0.objectGUID == object && journal.isForgiven($0)
            }
        }
    }

    /// What replicas that are being made at this moment may cost.
    private func openJoins() async throws -> Int {
        var mails = 0
        for site in sites {
            guard let store = site.dsa?.store else { continue }
            for context in heldContexts(of: site) {
                let isOpen = try await store.snapshot { snapshot in
                    let destination = try snapshot.destination(of: context)
                    return !destination.hasJoined || destination.isResyncing
                }
                if isOpen { mails += try await mailsOfJoining(context) }
            }
        }
        return mails
    }

    /// Mails that all objects of a naming context may take: as much as that many changes.
    func mailsOfJoining(_ context: GUID) async throws -> Int {
        var most = 0
        for site in sites where heldContexts(of: site).contains(context) {
            guard let store = site.dsa?.store else { continue }
            most = max(most, try await store.snapshot { try $0.counts(of: context) }.objects)
        }
        return 5 * most
    }

    /// No endless loop of pokes, requests and replies: so many mails, and no more, are due for what had to be told.
    ///
    /// On schedule each link asks and is answered once a slot, and in two more around the ends. A link carries each
    /// change of its source at most twice, since two answers may overlap, at worst in a part of its own that was
    /// asked for by a request of its own, and behind one poke: 5 mails. What waited in queues is answered besides; and
    /// who joins, or starts a replica over, is shown all that its source holds.
    private func checkMails(_ mails: Int, slots: Int, waiting: Int) async throws {
        var allowed = 2 * waiting + joinMails
        for site in sites {
            for link in site.dsa?.partners.current.links ?? [] {
                allowed += 2 * (slots + 2)
                guard let source = siteOf[link.partner], let store = sites[source].dsa?.store else {
                    continue
                }
                let usn = try await store.snapshot { try $0.highestUSN() }
                allowed += 5 * Int(clamping: max(0, usn.rawValue - (startUSNs[source]?.rawValue ?? 0)))
            }
        }
        note("\(mails) mails of \(allowed)")
        guard mails <= allowed else {
            throw OracleViolation(
                .restlessness,
                "\(mails) mails to converge in \(slots) slots, \(allowed) are due"
            )
        }
    }

    /// With nothing to tell, each link asks once a slot and is answered once.
    private func checkRest() async throws {
        var links = 0
        for site in sites { links += site.dsa?.partners.current.links.count ?? 0 }
        let before = mailCount
        for _ in 0..<Self.quietSlots { try await advance(seconds: settings.intervalSeconds) }
        let mails = mailCount - before
        let allowed = 2 * links * (Self.quietSlots + 1)
        guard mails <= allowed else {
            throw OracleViolation(
                .restlessness,
                "\(mails) mails in \(Self.quietSlots) quiet slots of \(links) links"
            )
        }
        if let found = try await difference() {
            throw OracleViolation(.divergence, "after it had converged: \(found)")
        }
    }
}
