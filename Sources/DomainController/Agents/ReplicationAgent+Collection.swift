import AdminAPI
import Identifiers
import Logging
import Replication
import Store

/// Why a request is answered with an error, found in the snapshot that the answer would have been cut from.
struct RequestDeclined: Error {
    let code: ReplicationErrorCode
    let text: String
}

/// Tombstones that have lived their time, and joins that have taken too long.
extension ReplicationAgent {
    /// Transactions of one naming context in one go; the rest follows a minute later.
    static let collectionTransactionsMax = 20
    private static let collectionPauseSeconds: Int64 = 60
    /// A clock that moves more than that in one step is told of; a machine that slept looks the same.
    private static let clockStepSecondsMax = AgeClock.stepSecondsMax

    /// Collects when it is time for it.
    func collectIfDue(at time: Timestamp) async {
        // A time too far ahead was written before the clock was set back.
        let interval = Int64(settings.collectionIntervalSeconds)
        if let due = nextCollection, time < due, due <= time.adding(seconds: interval) {
            return
        }
        nextCollection = time.adding(seconds: interval)
        do {
            let moved = try await store.observeAge(at: time)
            if moved > Self.clockStepSecondsMax || moved < -Self.clockStepSecondsMax {
                post(
                    "clockStep",
                    partner: partners.current.own.dsaGUID,
                    text: "the clock moved by \(moved) s since it was last looked at; "
                        + "what is deleted ages by at most a day for it"
                )
            }
            for context in partners.current.held.map(\.guid).sorted() {
                try await restartOverdueJoin(of: context, at: time)
                try await collect(context, at: time)
            }
        } catch {
            log.error("tombstones cannot be collected: \(error)")
        }
    }

    private func collect(_ context: GUID, at time: Timestamp) async throws {
        let lifetime = partners.current.tombstoneLifetimeDays
        let lives = Set(partners.current.dsas.filter { !$0.isTombstone }.compactMap(\.invocationID))
        var total = CollectionOutcome()
        var transactions = 0
        repeat {
            let outcome = try await store.collectTombstones(
                of: context,
                lifetimeDays: lifetime,
                presentLives: lives,
                after: total.next,
                at: time
            )
            total.tombstones += outcome.tombstones
            total.links += outcome.links
            total.parents += outcome.parents
            total.uncovered += outcome.uncovered
            total.renewed += outcome.renewed
            total.next = outcome.next
            transactions += 1
        } while total.next != nil && transactions < Self.collectionTransactionsMax
        if total.next != nil { nextCollection = time.adding(seconds: Self.collectionPauseSeconds) }
        if total.renewed > 0 {
            post(
                "renewed",
                partner: partners.current.own.dsaGUID,
                namingContext: context,
                text: "\(total.renewed) deletions of ended lives, which nobody can claim, are written again",
                fields: ["deletions": "\(total.renewed)"]
            )
            changed(context)
        }
        guard total.tombstones + total.links > 0 else { return }
        post(
            "collected",
            partner: partners.current.own.dsaGUID,
            namingContext: context,
            text: "\(total.tombstones) tombstones and \(total.links) link values are gone for good after "
                + "\(lifetime) days",
            fields: [
                "tombstones": "\(total.tombstones)", "links": "\(total.links)",
                "waitingForChildren": "\(total.parents)", "waitingForPartners": "\(total.uncovered)",
            ]
        )
    }

    /// A join that is older than a tombstone lives may hold what was deleted and collected since: it begins again.
    private func restartOverdueJoin(of context: GUID, at time: Timestamp) async throws {
        let lifetime = partners.current.tombstoneLifetimeDays
        let isOverdue = try await store.snapshot {
            try $0.destination(of: context).isJoinOverdue(at: time, tombstoneLifetimeDays: lifetime)
        }
        guard isOverdue else { return }
        try await store.resync(context, from: nil)
        post(
            "joinRestarted",
            partner: partners.current.own.dsaGUID,
            namingContext: context,
            text:
                "the join took longer than the \(lifetime) days that a deletion is remembered; it begins again"
        )
        for link in partners.current.links where link.namingContext == context { scheduleSoon(link) }
    }

    /// Starts this replica over from one partner.
    package func resync(_ link: ReplicationLink) async throws {
        try await beginLife(before: link)
        try await store.resync(link.namingContext, from: link.partner)
        post(
            "resyncStarted",
            partner: link.partner,
            namingContext: link.namingContext,
            text: "starting over: what the partner no longer has goes when it has shown all it holds"
        )
        scheduleSoon(link)
    }

    /// A full replica that has collected anything starts over under a new invocationID.
    ///
    /// Its source may still have alive what was deleted here and collected, and lack what was changed here before:
    /// the own entry of the old life would claim these writes for ever, and whoever has seen them would neither be
    /// refused nor send them again. A join that begins again by itself needs no new life: nothing is collected
    /// before a replica has joined.
    private func beginLife(before link: ReplicationLink) async throws {
        let context = link.namingContext
        guard partners.current.isFull(context) else { return }
        let (collected, usn) = try await store.snapshot {
            (try $0.collected(of: context), try $0.highestUSN())
        }
        guard !collected.isEmpty else { return }
        guard !rollback.isHalted, !rollback.isCuring else {
            throw AdminError(
                code: "halted",
                message: "this DSA does not replicate until the present life of its database has ended",
                hint: "bridgehead repl cure --force ends it; then start the replica over"
            )
        }
        try await cure(
            store.identity.invocationID,
            keptUSN: usn,
            isReused: false,
            why:
                "the replica of \(partners.current.contextName(context)) starts over, and has collected deletions",
            isOrdered: true
        )
    }

    /// Tells what the end of a resync, or a join that must begin again, did.
    func report(_ outcome: PartOutcome, from link: ReplicationLink) {
        if outcome.commit?.mustStartOver == true {
            post(
                "joinRestarted",
                partner: link.partner,
                namingContext: link.namingContext,
                text: "the partner has collected deletions that are younger than this join; it begins again"
            )
        }
        guard let sweep = outcome.sweep else { return }
        let overridden = sweep.overridden.prefix(20).map(\.description).joined(separator: " ")
        post(
            "resynced",
            partner: link.partner,
            namingContext: link.namingContext,
            text:
                "started over: \(sweep.objects) objects and \(sweep.links) link values that the partner had "
                + "deleted and collected are gone, \(sweep.kept) that it does not know yet are kept"
                + (overridden.isEmpty ? "" : "; changed here meanwhile and gone: \(overridden)"),
            fields: [
                "objects": "\(sweep.objects)", "links": "\(sweep.links)", "kept": "\(sweep.kept)",
                "buried": "\(sweep.buried)", "overridden": "\(sweep.overridden.count)",
            ]
        )
    }

    /// Whether an error reply is due, or the partner was told the same a moment ago.
    func mayTell(_ code: ReplicationErrorCode, _ link: ReplicationLink, at time: Timestamp) -> Bool {
        let told = toldErrors[link] ?? [:]
        if let last = told[code], last <= time, time < last.adding(seconds: Self.errorReplyPauseSeconds) {
            return false
        }
        if toldErrors[link] == nil, toldErrors.count >= Self.toldErrorsMax { toldErrors = [:] }
        toldErrors[link, default: [:]][code] = time
        return true
    }

    /// Between two error replies of one kind to one partner about one naming context.
    static let errorReplyPauseSeconds: Int64 = 60
    /// Pairs of partner and naming context whose last error replies are remembered.
    static let toldErrorsMax = 4_096
}

extension RefusalReason {
    /// The code that AD gives this failure; 3 when it has none.
    var resultCode: Int {
        switch self {
        case .collectedNotCovered, .collectedUnknown: 8614
        case .lingeringObject: 8606
        case .wrongNamingContext, .contradictory, .joinsFromAnother, .rollbackSuspected: 3
        }
    }
}
