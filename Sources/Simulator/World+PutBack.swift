import DomainController
import Identifiers
import InterSiteMessaging
import PKI
import Replication
import Store

/// Machines that are put back to an older state of themselves, and what may be lost with them.
///
/// What the oracles forgive, and why nothing else:
///
/// * An acknowledged write is forgiven when a machine that held it is put back to a time before it and no other full
///   replica holds it, or what superseded it. From then on nobody can answer for it. When it turns up at a full
///   replica after all (a mail was on its way; a partial replica gave it back), it is expected again: a
///   replica that is not put back never gives up what it holds.
/// * A database that begins again behind USN K gives the USNs above K to other writes. If nothing was sent since the
///   backup, nobody has heard of the first ones, and only they are left out of what a vector claims. Else an entry
///   above K may mean either, in any replica, until the life ends at K or lower everywhere: neither the
///   first nor the second writes above K are claimed. That they come to everybody nevertheless is what
///   the end of the world checks: the second ones under the next life, the first ones from whoever has them.
extension World {
    /// Copies the machine; files that a copy made meanwhile would be torn in are whole between two events.
    func backUp(_ site: SimulatedSite) throws {
        site.backup = SimulatedSite.Backup(
            database: try site.database.copy(),
            disk: site.disk.copy(),
            queue: network.queue(of: site.index),
            drop: site.drop,
            committed: site.committed,
            mails: network.mailsQueued
        )
    }

    func putBack(_ site: SimulatedSite, _ kind: RestoreKind) async throws {
        guard let backup = site.backup else { return note("nothing to put back") }
        let discarded = try store(of: site)
        await stop(site)
        _ = site.disk.disarm()
        site.seams.revive()
        site.database = try backup.database.copy()
        let kept = try DirectoryStore(site.database, sha256: Digest.sha256)
        let (life, usn) = (kept.identity.invocationID, try await kept.snapshot { try $0.highestUSN() })
        switch kind {
        case .restore, .recovery: try await restore(site, kept, takesFromCatalogs: kind == .recovery)
        case .database:
            // The generation file tells; whether the life ends, or goes on until a person ends it, is seen then.
            if !hasSent(site, since: backup) { journal.forget(life, above: usn) }
        case .machine:
            site.disk.restore(from: backup.disk)
            network.setQueue(of: site.index, to: backup.queue)
            (site.drop, site.committed) = (backup.drop, backup.committed)
            if hasSent(site, since: backup) {
                journal.fork(life, above: usn)
            } else {
                journal.forget(life, above: usn)
            }
        }
        site.journaledUSN = usn
        try await forgiveLoss(of: discarded, at: site, keeping: kept)
        site.observeCommits()
        try await start(site)
        if kind == .database, hasSent(site, since: backup),
            try store(of: site).identity.invocationID == life
        {
            journal.fork(life, above: usn)
        }
    }

    /// As the product's own restore does, from where the backup is unpacked.
    ///
    /// The mails in the machine's folders stay; its list of repeated messages goes.
    private func restore(_ site: SimulatedSite, _ store: DirectoryStore, takesFromCatalogs: Bool) async throws
    {
        let lives = try await Restoration.beginNewLife(
            in: store,
            newInvocationID: site.guids.next(),
            takesFromCatalogs: takesFromCatalogs,
            at: site.clock.now
        )
        site.committed = []
        try await generation(of: site).begin(lives.now, at: lives.usn, cure: nil)
    }

    private func generation(of site: SimulatedSite) throws -> GenerationFile {
        try GenerationFile(
            DataDirectory("/\(site.name)", files: site.disk),
            bootID: .zero,
            ignoringDamage: true
        )
    }

    private func hasSent(_ site: SimulatedSite, since backup: SimulatedSite.Backup) -> Bool {
        network.newestMail(of: site.index) >= backup.mails
    }

    // MARK: - Twins

    /// Plugs the second machine in and the first one out; both keep what they have and know.
    ///
    /// One of two machines under one address gets each mail: at any moment the one that is plugged in. The other one's
    /// program stands still, as a slow one does.
    func swap(_ site: SimulatedSite) async throws {
        let other = site.unplugged
        guard other != nil || site.backup != nil else { return note("no copy to plug in") }
        // Either may be made to begin a new life from now on, and writes by itself then.
        let reached = try await store(of: site).snapshot { try $0.highestUSN() }
        site.unplugged = SimulatedSite.Unplugged(
            database: site.database,
            disk: site.disk,
            seams: site.seams,
            queue: network.queue(of: site.index),
            drop: site.drop,
            committed: site.committed,
            running: site.running,
            nextStep: site.nextStep,
            restartAt: site.restartAt,
            journaledUSN: site.journaledUSN ?? reached
        )
        site.covered = [:]
        if let other {
            plug(other, into: site)
            try await settle(site, contexts: heldContexts(of: site))
        } else if let backup = site.backup {
            try await plug(backup, into: site)
        }
    }

    private func plug(_ machine: SimulatedSite.Unplugged, into site: SimulatedSite) {
        (site.database, site.disk, site.seams) = (machine.database, machine.disk, machine.seams)
        (site.drop, site.committed) = (machine.drop, machine.committed)
        (site.running, site.nextStep, site.restartAt) = (machine.running, machine.nextStep, machine.restartAt)
        site.journaledUSN = machine.journaledUSN
        network.setQueue(of: site.index, to: machine.queue)
    }

    private func plug(_ backup: SimulatedSite.Backup, into site: SimulatedSite) async throws {
        let seams = SeamBudget()
        site.database = try backup.database.copy()
        site.disk = backup.disk.copy(gate: { seams.pass() })
        site.seams = seams
        site.observeCommits()
        (site.drop, site.committed) = (backup.drop, backup.committed)
        (site.running, site.nextStep, site.restartAt) = (nil, nil, nil)
        network.setQueue(of: site.index, to: backup.queue)
        let store = try store(of: site)
        let usn = try await store.snapshot { try $0.highestUSN() }
        journal.fork(store.identity.invocationID, above: usn)
        site.journaledUSN = usn
        try await start(site)
    }

    /// Somebody finds the second machine of each site and switches it off for good.
    func unplugTwins() async throws {
        for site in sites {
            guard let other = site.unplugged else { continue }
            note("\(site.name): the other machine is switched off")
            site.unplugged = nil
            let discarded = try other.running?.dsa.store ?? open(other.database)
            try await forgiveLoss(of: discarded, at: site, keeping: store(of: site))
        }
    }

    // MARK: - People

    /// Somebody who is told to act does.
    ///
    /// That is what the design leaves to people: a database that was put back twice within a day, and one that
    /// only third parties know to be older.
    func attend() async throws {
        for site in sites where site.journaledUSN != nil {
            guard let dsa = site.dsa else { continue }
            let state = try await dsa.store.snapshot { try $0.cureState() }
            let fork = journal.forks[dsa.store.identity.invocationID]
            if state.haltReason == nil {
                guard fork != nil, await dsa.agent.isAheadElsewhere() else { continue }
            }
            note("\(site.name): a person orders a new life")
            _ = try await dsa.agent.cureOnDemand(keptUSN: state.haltReason == nil ? fork : nil)
            await dsa.agent.step()
            try await settle(site, contexts: [])
        }
    }

    /// Which machine has not yet taken back from partial replicas what its domain lost; nil when all have.
    ///
    /// It writes when it has, although all replicas may be equal before.
    func recovering() async throws -> String? {
        for site in sites where site.journaledUSN != nil {
            guard let store = site.dsa?.store else { continue }
            let state = try await store.snapshot { try $0.cureState() }
            if state.retired.contains(where: \.isRecovering) {
                return "\(site.name) still takes back what it lost"
            }
        }
        return nil
    }

    // MARK: - The journal

    /// What a database that was put back writes by itself: its next life's stamps.
    func journalOwnWrites(of site: SimulatedSite) async throws {
        guard let journaled = site.journaledUSN, let store = site.dsa?.store else { return }
        guard try await store.snapshot({ try $0.highestUSN() }) > journaled else { return }
        for context in store.namingContexts where !context.isPartial {
            try await record(site, in: context.guid, above: journaled, isAcknowledged: true)
        }
    }

    /// What a machine held and no full replica holds now is nobody's to answer for.
    private func forgiveLoss(
        of discarded: DirectoryStore,
        at site: SimulatedSite,
        keeping kept: DirectoryStore
    ) async throws {
        var stores = [kept]
        for other in sites where other.index != site.index { stores.append(try store(of: other)) }
        if let other = site.unplugged { stores.append(try other.running?.dsa.store ?? open(other.database)) }
        for context in discarded.namingContexts where !context.isPartial {
            let expected = journal.expected(in: context.guid)
            var lost = try await held(expected, by: discarded, context.guid)
            for store in stores where !lost.isEmpty {
                guard store.namingContexts.contains(where: { $0.guid == context.guid && !$0.isPartial })
                else { continue }
                let present = Set(try await held(lost, by: store, context.guid).map(\.number))
                lost.removeAll { present.contains($0.number) }
            }
            if !lost.isEmpty { note("\(site.name) lost \(lost.count) in \(contextName(context.guid))") }
            journal.forgive(lost)
        }
    }

    /// Whether a replica that just took something has what was held to be gone.
    func reviewForgiven(at site: SimulatedSite, _ contexts: [GUID]) async throws {
        guard let store = site.dsa?.store else { return }
        for context in store.namingContexts where !context.isPartial && contexts.contains(context.guid) {
            let forgiven = journal.forgiven(in: context.guid)
            guard !forgiven.isEmpty else { continue }
            journal.demand(try await held(forgiven, by: store, context.guid))
        }
    }

    private func held(_ writes: [WriteJournal.Write], by store: DirectoryStore, _ context: GUID) async throws
        -> [WriteJournal.Write]
    {
        guard !writes.isEmpty else { return [] }
        let (journal, own) = (journal, store.identity.invocationID)
        return try await store.snapshot { snapshot in
            let check = try ReplicaCheck(snapshot, context, journal, own: own)
            return try writes.filter { try check.isHeld($0) }
        }
    }

    /// Of a site that is down: of a copy, so that its own next start finds its database as it was.
    private func store(of site: SimulatedSite) throws -> DirectoryStore {
        try site.dsa?.store ?? open(site.database)
    }

    private func open(_ database: MemoryDatabase) throws -> DirectoryStore {
        try DirectoryStore(database.copy(), sha256: Digest.sha256)
    }
}
