import DomainController
import Identifiers
import Replication
import Store

/// What a person does about what no program may decide: resyncs replicas that are refused, releases what is held.
extension World {
    /// Slots in a row after which a refusal is no passing one.
    private static let patienceSlots = 2

    /// Slots after which what a person began counts as one that never ends.
    static let administeredSlotsMax = 200

    /// Once a schedule slot of a healed world.
    ///
    /// - Returns: whether something was begun.
    func administer() async throws -> Bool {
        let before = happened["resyncs"]
        for site in sites { try await decide(site, .discarded) }
        for context in [plan.configuration] + plan.sites.map(\.domain) {
            try await resyncRefused(context.guid)
        }
        return happened["resyncs"] != before
    }

    /// One replica of that naming context is started over, when one is refused: nearest to the root first.
    ///
    /// The first DSA's configuration and the master's domain are what the others are made equal to.
    private func resyncRefused(_ context: GUID) async throws {
        let root = plan.sites.firstIndex { $0.domain.guid == context } ?? 0
        for (child, parent) in edges(from: root) {
            let pair = RefusedPair(namingContext: context, child: child, parent: parent)
            guard try await isRefused(pair) else {
                refusedSlots[pair] = nil
                continue
            }
            refusedSlots[pair, default: 0] += 1
            guard (refusedSlots[pair] ?? 0) >= Self.patienceSlots else { continue }
            refusedSlots = refusedSlots.filter { $0.key.namingContext != context }
            let isChild = try await isBehind(child, parent, context)
            let isParent = try await isBehind(parent, child, context)
            return isParent && !isChild && parent != masters(context)
                ? try await resync(sites[parent], context, from: sites[child])
                : try await resync(sites[child], context, from: sites[parent])
        }
    }

    private func masters(_ context: GUID) -> Int? { plan.sites.firstIndex { $0.domain.guid == context } }

    /// Whether one site lacks deletions that the other has collected.
    private func isBehind(_ index: Int, _ other: Int, _ context: GUID) async throws -> Bool {
        guard let store = sites[index].dsa?.store, let partner = sites[other].dsa?.store else { return false }
        let vector = try await store.snapshot { try $0.vector(of: context, at: .epoch) }
        let collected = try await partner.snapshot { try $0.collected(of: context) }
        return !collected.allSatisfy { vector.covers($0.key, $0.value) }
    }

    /// Every other site with the neighbour that is nearer to the root, breadth first.
    private func edges(from root: Int) -> [(child: Int, parent: Int)] {
        var edges: [(child: Int, parent: Int)] = []
        var reached = [root]
        var next = 0
        while next < reached.count {
            let parent = reached[next]
            next += 1
            for child in plan.neighbours(of: parent).sorted() where !reached.contains(child) {
                reached.append(child)
                edges.append((child, parent))
            }
        }
        return edges
    }

    /// Whether one of the two refuses the other with 8614, as `repl show` tells; a joining replica is left alone.
    private func isRefused(_ pair: RefusedPair) async throws -> Bool {
        guard try await hasJoined(pair.child, pair.namingContext),
            try await hasJoined(pair.parent, pair.namingContext)
        else { return false }
        if try await isRefused(at: pair.child, from: pair.parent, pair.namingContext) { return true }
        return try await isRefused(at: pair.parent, from: pair.child, pair.namingContext)
    }

    private func hasJoined(_ index: Int, _ context: GUID) async throws -> Bool {
        guard let store = sites[index].dsa?.store,
            store.namingContexts.contains(where: { $0.guid == context })
        else { return false }
        return try await store.snapshot { try $0.destination(of: context).hasJoined }
    }

    private func isRefused(at index: Int, from partner: Int, _ context: GUID) async throws -> Bool {
        guard let dsa = sites[index].dsa else { return false }
        let source = sites[partner].dsaGUID
        let link = ReplicationLink(namingContext: context, partner: source)
        guard dsa.partners.current.links.contains(link) else { return false }
        if await dsa.agent.statuses()[link]?.result == 8614 { return true }
        return try await dsa.store.snapshot {
            try $0.destination(of: context).source(source)?.lastFailure?.code == .collectedNotCovered
        }
    }

    // MARK: - Resync

    /// Starts a replica over, as `repl resync` does; nothing happens where it does not pull that from there.
    func resync(_ site: SimulatedSite, _ context: GUID, from source: SimulatedSite) async throws {
        let link = ReplicationLink(namingContext: context, partner: source.dsaGUID)
        guard let dsa = site.dsa, dsa.partners.current.links.contains(link) else { return }
        try await forgiveWhatOnlyCollectionKnew(site, context, from: source)
        note("\(site.name) is resynchronised with \(source.name): \(contextName(context))")
        happened["resyncs", default: 0] += 1
        joinMails += try await mailsOfJoining(context)
        do { try await dsa.agent.resync(link) } catch {
            guard site.seams.isDead || site.disk.disarm() else {
                throw OracleViolation(.failure, "no resync: \(error)")
            }
        }
        if !site.seams.isDead { await dsa.agent.step() }
        try await noteLife(of: site)
        try await settle(site, contexts: [context])
    }

    /// What a database held before a life of it began is none of that life's writes.
    func noteLife(of site: SimulatedSite) async throws {
        guard let store = site.dsa?.store else { return }
        let usn = try await store.snapshot { try $0.highestUSN() }
        journal.begin(store.identity.invocationID, at: usn)
    }

    /// A deletion that was collected here before the source heard of it is nowhere any more: what it deleted comes
    /// back from the source, and nobody can know better.
    func forgiveWhatOnlyCollectionKnew(
        _ site: SimulatedSite,
        _ context: GUID,
        from source: SimulatedSite
    ) async throws {
        guard let store = site.dsa?.store else { return }
        let collected = try await store.snapshot { try $0.collected(of: context) }
        var known = UpToDatenessVector()
        if let store = source.dsa?.store {
            known = try await store.snapshot { try $0.vector(of: context, at: .epoch) }
        }
        let vector = known
        journal.forgiveCollected(collected) { vector.covers($0) }
    }

    /// Deletions that the end of a resync made anew, or a collection which nobody could claim, are writes like
    /// others.
    func noteSweep(at site: SimulatedSite, _ contexts: [GUID]) async throws {
        guard let dsa = site.dsa else { return }
        let counts = dsa.events.counts
        let sweeps = (counts["resynced"] ?? 0) + (counts["renewed"] ?? 0)
        guard sweeps != site.sweepsSeen else { return }
        site.sweepsSeen = sweeps
        guard let newest = journal.newestUSN(of: dsa.store.identity.invocationID) else { return }
        for context in contexts {
            try await record(site, in: context, above: newest, isAcknowledged: false)
        }
    }
}

/// One replica and the neighbour that it should follow.
struct RefusedPair: Hashable {
    let namingContext: GUID
    let child: Int
    let parent: Int
}
