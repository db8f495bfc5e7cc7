import Identifiers

/// The connections of a site's DSAs while they are planned: those that are there, then those that are added.
struct ConnectionBook {
    private let snapshot: TopologySnapshot
    private(set) var connections: [PlannedConnection]
    /// A hub has thousands of connections, but few from one site.
    private var byEnds: [Ends: [Int]] = [:]

    /// Begins with what is there of the DSAs whose connections are planned.
    init(_ snapshot: TopologySnapshot, of destinations: Set<Ref<DirectorySystemAgent>>) {
        self.snapshot = snapshot
        connections = []
        for (position, connection) in snapshot.connections.enumerated()
        where destinations.contains(connection.destination)
            && !connection.options.contains(.readOnlyTopology)
        {
            append(
                PlannedConnection(
                    existing: Ref(position),
                    destination: connection.destination,
                    source: connection.source,
                    transport: connection.transport,
                    options: connection.options,
                    schedule: connection.schedule ?? .always,
                    isEnabled: connection.isEnabled
                )
            )
        }
    }

    /// What connections are looked up by: who pulls, and from which site.
    struct Ends: Hashable {
        let destination: Ref<DirectorySystemAgent>
        let site: Ref<Site>
    }

    private mutating func append(_ connection: PlannedConnection) {
        let ends = Ends(destination: connection.destination, site: snapshot[connection.source].site)
        byEnds[ends, default: []].append(connections.count)
        connections.append(connection)
    }

    subscript(position: Int) -> PlannedConnection { connections[position] }

    func positions(to destinations: [Ref<DirectorySystemAgent>], from site: Ref<Site>) -> [Int] {
        destinations.flatMap { byEnds[Ends(destination: $0, site: site)] ?? [] }.sorted()
    }

    mutating func keep(_ position: Int, for reason: ConnectionReason?) {
        connections[position].isKept = true
        if let reason, !connections[position].reasons.contains(reason) {
            connections[position].reasons.append(reason)
        }
    }

    mutating func add(
        to destination: Ref<DirectorySystemAgent>,
        from source: Ref<DirectorySystemAgent>,
        over transport: Ref<InterSiteTransport>?,
        options: ConnectionOptions,
        schedule: Schedule,
        for reason: ConnectionReason
    ) {
        append(
            PlannedConnection(
                existing: nil,
                destination: destination,
                source: source,
                transport: transport,
                options: options,
                schedule: schedule,
                reasons: [reason],
                changes: [.create],
                isEnabled: true,
                isKept: true
            )
        )
    }

    /// Brings a generated connection that is there to what the plan says.
    ///
    /// Done once a run: of two naming contexts with different ways the first one counts, so that a second run
    /// changes nothing.
    mutating func adjust(_ position: Int, schedule: Schedule, options: ConnectionOptions) {
        guard connections[position].options.contains(.isGenerated), connections[position].existing != nil,
            !adjusted.contains(position)
        else { return }
        adjusted.insert(position)
        var connection = connections[position]
        let isOwned = connection.options.contains(.userOwnedSchedule)
        let stated = connection.existing.flatMap { snapshot[$0].schedule }
        if !isOwned, stated != schedule {
            connection.schedule = schedule
            connection.changes.append(.schedule)
        }
        let mask: ConnectionOptions = [
            .overrideNotifyDefault, .useNotify, .twoWaySync, .disableCompression,
        ]
        let wanted = connection.options.subtracting(mask).union(options.intersection(mask))
        // Without the link's wish, a notification that was overridden by hand one way only is left alone.
        let notify: ConnectionOptions = [.overrideNotifyDefault, .useNotify]
        let isHalf =
            !connection.options.isDisjoint(with: notify) && !connection.options.isSuperset(of: notify)
        let kept = isHalf && options.isDisjoint(with: notify) ? connection.options.intersection(notify) : []
        let final = wanted.union(kept)
        if final != connection.options {
            connection.options = final
            connection.changes.append(.options)
        }
        connections[position] = connection
    }

    /// Within a site a transport means nothing; a server that has moved brings one along.
    mutating func clearTransport(_ position: Int) {
        guard connections[position].options.contains(.isGenerated), connections[position].transport != nil
        else {
            return
        }
        connections[position].transport = nil
        connections[position].changes.append(.transport)
    }

    private var adjusted: Set<Int> = []
}

extension ConnectionOptions {
    /// What a path's options make of a generated connection.
    /// - Source: MS-ADTS section 6.2.2.3.4.5 (CreateConnection).
    init(generatedFor options: SiteLinkOptions) {
        self = .isGenerated
        if options.contains(.useNotify) { formUnion([.overrideNotifyDefault, .useNotify]) }
        if options.contains(.twoWaySync) { insert(.twoWaySync) }
        if options.contains(.disableCompression) { insert(.disableCompression) }
    }
}
