import Identifiers

/// Which generated connections go.
///
/// - Source: MS-ADTS section 6.2.2.4. As published, two connections that supersede each other would both go;
///   here one of them always stays.
struct Cleaning {
    private let snapshot: TopologySnapshot
    private let input: KCCInput
    private let isWhole: Bool
    private let isIntersitePlanned: Bool
    private let health: Health

    /// Removals of the same edge within `oscillationDays` after which it stays.
    /// - Source: MS-ADTS section 6.1.1.2.2.1.2.1.2 (NTDSCONN_KCC_OSCILLATING_CONNECTION_TOPOLOGY).
    static let removalsMax = 3
    static let oscillationDays = 7

    init(
        _ snapshot: TopologySnapshot,
        _ input: KCCInput,
        _ isWhole: Bool,
        isIntersitePlanned: Bool
    ) {
        self.snapshot = snapshot
        self.input = input
        self.isWhole = isWhole
        self.isIntersitePlanned = isIntersitePlanned
        health = Health(snapshot, input, isDetecting: true)
    }

    /// - Returns: what goes, why other things stay, and the connections that are left.
    func removals(
        among connections: [PlannedConnection]
    ) -> ([ConnectionRemoval], [Absence], [PlannedConnection]) {
        var removals: [ConnectionRemoval] = []
        var withheld: [Absence] = []
        var left: [PlannedConnection] = []
        let covered = superseded(among: connections)
        for (position, connection) in connections.enumerated() {
            var connection = connection
            if connection.existing == nil, covered.contains(position) { continue }
            guard let existing = connection.existing, !connection.isManual,
                let reason = reason(connection, covered.contains(position), existing, connections)
            else {
                left.append(connection)
                continue
            }
            let isInside = snapshot[connection.source].site == snapshot[connection.destination].site
            if !isInside, !isWhole {
                withheld.append(Absence(reason: .removalWithheld(existing)))
                left.append(connection)
            } else if isOscillating(connection) {
                connection.reasons.append(.oscillating)
                left.append(connection)
            } else {
                removals.append(ConnectionRemoval(connection: existing, reason: reason))
            }
        }
        return (removals, withheld, left)
    }

    private func reason(
        _ connection: PlannedConnection,
        _ isSuperseded: Bool,
        _ existing: Ref<Connection>,
        _ connections: [PlannedConnection]
    ) -> ConnectionRemoval.Reason? {
        let site = snapshot[input.dsa].site
        if snapshot[connection.source].site == snapshot[connection.destination].site {
            // Each DSA cleans up after itself.
            guard connection.destination == input.dsa,
                !snapshot[site].settings.options.contains(.cleanupDisabled)
            else { return nil }
            return duplicate(of: connection, existing, connections).map { .duplicate(of: $0) }
        }
        guard isIntersitePlanned, snapshot[connection.destination].site == site else { return nil }
        if !connection.isKept { return .unneeded }
        return isSuperseded ? .superseded : nil
    }

    /// The newest of a pair's connections stays, of equally old ones that with the highest objectGUID.
    private func duplicate(
        of connection: PlannedConnection,
        _ existing: Ref<Connection>,
        _ connections: [PlannedConnection]
    ) -> Ref<Connection>? {
        connections.compactMap { other in
            guard let there = other.existing, there != existing, other.source == connection.source,
                other.destination == connection.destination,
                (snapshot[existing].whenCreated, existing) < (snapshot[there].whenCreated, there)
            else { return nil }
            return there
        }.max { (snapshot[$0].whenCreated, $0) < (snapshot[$1].whenCreated, $1) }
    }

    /// Kept connections that serve no edge of a tree that another kept one of the same DSA does not serve, too.
    ///
    /// The published text compares naming contexts instead, by which a hub's connections from two branches would
    /// supersede each other, and one over IP the one over mail that another tree runs over. Failed ones stay: they
    /// are what is gone back to.
    private func superseded(among connections: [PlannedConnection]) -> Set<Int> {
        let site = snapshot[input.dsa].site
        let candidates = connections.indices.filter {
            connections[$0].isKept && snapshot[connections[$0].destination].site == site
                && snapshot[connections[$0].source].site != site && !isFailed(connections[$0])
                && connections[$0].isEnabled
        }
        // Manual ones stay anyway, then those with the most reasons, then those that are there.
        let ranked = candidates.sorted { left, right in
            let (a, b) = (connections[left], connections[right])
            if a.isManual != b.isManual { return a.isManual }
            if a.reasons.count != b.reasons.count { return a.reasons.count > b.reasons.count }
            if (a.existing == nil) != (b.existing == nil) { return a.existing != nil }
            return (a.source, left) < (b.source, right)
        }
        var staying: [ConnectionBook.Ends: [Set<ConnectionReason>]] = [:]
        var covered: Set<Int> = []
        for position in ranked {
            let connection = connections[position]
            let reasons = Set(connection.reasons)
            let ends = ConnectionBook.Ends(
                destination: connection.destination,
                site: snapshot[connection.source].site
            )
            let isCovered = staying[ends, default: []].contains { reasons.isSubset(of: $0) }
            if isCovered, !connection.isManual {
                covered.insert(position)
            } else {
                staying[ends, default: []].append(reasons)
            }
        }
        return covered
    }

    private func isFailed(_ connection: PlannedConnection) -> Bool {
        guard let transport = connection.transport ?? snapshot.ipTransport else { return false }
        return health.isFailed(connection.source, on: transport)
            || health.isFailed(connection.destination, on: transport)
    }

    private func isOscillating(_ connection: PlannedConnection) -> Bool {
        let since = input.now.adding(days: -Self.oscillationDays)
        let transport = connection.transport.map { snapshot[$0].guid }
        let count = input.removals.count {
            $0.destination == snapshot[connection.destination].guid
                && $0.source == snapshot[connection.source].guid && $0.transport == transport
                && $0.time >= since && $0.time <= input.now
        }
        return count >= Self.removalsMax
    }
}
