import Identifiers

/// The connections of a DSA within its site: rings with shortcuts.
///
/// - Source: MS-ADTS section 6.2.2.2. Where the text draws shortcuts by lot, these come from `Shortcuts`.
struct IntrasitePlanner {
    private let snapshot: TopologySnapshot
    private let own: Ref<DirectorySystemAgent>
    private let settings: SiteSettings
    /// The site's DSAs that take part, by objectGUID.
    private let members: [Ref<DirectorySystemAgent>]
    private(set) var reasons: [Ref<DirectorySystemAgent>: [ConnectionReason]] = [:]
    /// Most rings of a site have one size.
    private var offsets: [Int: [Int]] = [:]

    init(_ snapshot: TopologySnapshot, _ own: Ref<DirectorySystemAgent>) {
        self.snapshot = snapshot
        self.own = own
        settings = snapshot[snapshot[own].site].settings
        let site = snapshot[own].site
        members = snapshot.dsas.indices
            .filter { snapshot.dsas[$0].site == site && !snapshot.dsas[$0].isDisabled }.map { Ref($0) }
    }

    /// - Parameters:
    ///   - existing: sources within the site of connections that are there.
    ///   - health: by it, failed ones are left out; then everything is planned once more without.
    mutating func plan(existing: Set<Ref<DirectorySystemAgent>>, _ health: Health) {
        let ip = snapshot.ipTransport
        let failed = Set(members.filter { member in ip.map { health.isFailed(member, on: $0) } ?? false })
        let isDetecting = !failed.isEmpty && !settings.options.contains(.staleDetectionDisabled)
        for replica in snapshot[own].replicas {
            let context = replica.namingContext
            let ring = members.filter { $0 == own || mayFeed($0, replica) }
            add(.ring(context), neighbours(on: ring, of: replica))
            if isDetecting {
                let healthy = ring.filter { $0 == own || !failed.contains($0) }
                add(.pastFailed(context), neighbours(on: healthy, of: replica))
            }
            addShortcuts(on: ring, of: replica, existing)
        }
        guard snapshot[own].options.contains(.isGlobalCatalog),
            let replica = snapshot[own].replicas.first(where: {
                snapshot[$0.namingContext].kind == .configuration
            })
        else { return }
        let catalogues = members.filter {
            $0 == own || snapshot[$0].options.contains(.isGlobalCatalog) && mayFeed($0, replica)
        }
        add(.globalCatalogRing, neighbours(on: catalogues, of: replica))
        if isDetecting {
            let healthy = catalogues.filter { $0 == own || !failed.contains($0) }
            add(.pastFailed(replica.namingContext), neighbours(on: healthy, of: replica))
        }
    }

    private mutating func add(_ reason: ConnectionReason, _ sources: [Ref<DirectorySystemAgent>]) {
        for source in sources where reasons[source]?.contains(reason) != true {
            reasons[source, default: []].append(reason)
        }
    }

    /// Full replicas are on everybody's ring, partial ones on that of partial ones.
    private func mayFeed(_ dsa: Ref<DirectorySystemAgent>, _ wanted: Replica) -> Bool {
        guard let held = snapshot[dsa].replica(of: wanted.namingContext), held.isPresent else { return false }
        return held.isFull || !wanted.isFull
    }

    /// Partial replicas feed no full ones; on the ring of a partial one both kinds stand.
    private func neighbours(
        on ring: [Ref<DirectorySystemAgent>],
        of wanted: Replica
    ) -> [Ref<DirectorySystemAgent>] {
        guard ring.count > 1, let place = ring.firstIndex(of: own) else { return [] }
        let beside = Set([place + ring.count - 1, place + 1].map { ring[$0 % ring.count] })
        return beside.sorted()
    }

    private mutating func addShortcuts(
        on ring: [Ref<DirectorySystemAgent>],
        of wanted: Replica,
        _ existing: Set<Ref<DirectorySystemAgent>>
    ) {
        guard !settings.options.contains(.minimumHopsDisabled), let place = ring.firstIndex(of: own) else {
            return
        }
        let offsets = offsets[ring.count] ?? Shortcuts.offsets(ringOf: ring.count)
        self.offsets[ring.count] = offsets
        guard !offsets.isEmpty else { return }
        let wantedCount = 2 + offsets.count
        var inbound = Set(neighbours(on: ring, of: wanted))
        let chosen = offsets.map { ring[(place + $0) % ring.count] }
        // What is there already counts first; among it, what would be chosen anyway.
        let there = ring.filter { existing.contains($0) && !inbound.contains($0) }
        let order = there.filter(chosen.contains) + there.filter { !chosen.contains($0) } + chosen
        var added: [Ref<DirectorySystemAgent>] = []
        for source in order where inbound.count < wantedCount && source != own {
            if inbound.insert(source).inserted { added.append(source) }
        }
        add(.shortcut(wanted.namingContext), added)
    }
}

/// Edges across a ring, the same distances from everywhere, so that nobody is more than three hops away.
///
/// The published number of edges for n shortcuts each is enough for rings of up to 2n² + 6n + 7; where distances
/// that are the same everywhere need more, one more is taken.
/// - Source: MS-ADTS section 6.2.2.2.
enum Shortcuts {
    static let hopsMax = 3
    /// Inbound edges of one DSA within its site, two of them along the ring.
    static let edgesMax = 50

    /// The least n with size ≤ 2n² + 6n + 7, which is 0 up to seven.
    static func published(ringOf size: Int) -> Int {
        var count = 0
        while size > 2 * count * count + 6 * count + 7 { count += 1 }
        return count
    }

    /// Distances along the ring, ascending order of choice: each is the one that brings most within three hops.
    static func offsets(ringOf size: Int) -> [Int] {
        guard published(ringOf: size) > 0 else { return [] }
        var offsets: [Int] = []
        var steps = [1, size - 1]
        var reached = reach(steps, size)
        while reached.contains(false), steps.count < edgesMax {
            var best = (offset: 0, count: -1)
            let missing = reached.indices.filter { !reached[$0] }
            let candidates = missing.count > 64 ? strided(missing, 64) : missing
            for candidate in candidates {
                let count = reach(steps + [candidate], size).count { $0 }
                if count > best.count { best = (candidate, count) }
            }
            offsets.append(best.offset)
            steps.append(best.offset)
            reached = reach(steps, size)
        }
        return offsets
    }

    private static func strided(_ values: [Int], _ count: Int) -> [Int] {
        (0..<count).map { values[$0 * values.count / count] }
    }

    /// Who is within three steps of place 0.
    private static func reach(_ steps: [Int], _ size: Int) -> [Bool] {
        var reached = [Bool](repeating: false, count: size)
        reached[0] = true
        var frontier = [0]
        for _ in 0..<hopsMax {
            var next: [Int] = []
            for place in frontier {
                for step in steps {
                    let other = (place + step) % size
                    if !reached[other] {
                        reached[other] = true
                        next.append(other)
                    }
                }
            }
            frontier = next
        }
        return reached
    }
}
