package import DirectoryModel
import GRDB
package import Identifiers
package import Replication

/// Where a scan for what is due goes on.
package struct CollectionPosition: Hashable, Sendable {
    var ageMark: Int64
    var object: Int64
}

/// What one transaction of collection did.
package struct CollectionOutcome: Hashable, Sendable {
    package var tombstones = 0
    package var links = 0
    /// Due, but a held object names them as its parent.
    package var parents = 0
    /// Due, but our own vector does not cover their stamp yet.
    package var uncovered = 0
    /// There may be more; nil when the scan is through.
    package var next: CollectionPosition?

    package init() {}
}

extension DirectoryStore {
    /// Due tombstones, and due link values, that one transaction looks at.
    package static let collectionScanMax = 1_000

    /// Lets the `AgeClock` take a step.
    ///
    /// - Returns: the seconds by which the system's clock moved since the last one.
    @concurrent package func observeAge(at now: Timestamp) async throws -> Int64 {
        try await change(at: now) { transaction in
            let rows = AgeRows(db: transaction.db)
            guard var clock = try rows.clock() else {
                try rows.save(AgeClock(observed: now))
                return 0
            }
            let moved = clock.observe(now)
            try rows.save(clock)
            return moved
        }
    }

    /// Collects tombstones and absent link values of one naming context that have been here for their lifetime.
    ///
    /// Raises `collected` in the same transaction. One transaction of bounded length: call again with `next`.
    @concurrent package func collectTombstones(
        of namingContext: GUID,
        lifetimeDays: Int,
        after position: CollectionPosition? = nil,
        at now: Timestamp
    ) async throws -> CollectionOutcome {
        try await change(at: now) { transaction in
            let context = try transaction.view.namingContext(namingContext)
            let rows = DestinationRows(db: transaction.db)
            var destination = try rows.load(context)
            // Before the join nothing here is known to be all there is.
            guard destination.hasJoined else { return CollectionOutcome() }
            let before = destination
            let outcome = try transaction.collect(
                context,
                &destination,
                lifetimeDays: lifetimeDays,
                after: position
            )
            if destination != before { try rows.save(destination) }
            return outcome
        }
    }
}

extension StoreSnapshot {
    /// Whether an object with this deletion, which is not held, was collected here, or at a DSA that this one
    /// follows.
    package func wasCollected(object guid: GUID, deletion stamp: Stamp, in namingContext: GUID) throws -> Bool
    {
        guard try !objects.holds(guid) else { return false }
        return try isBelowCollected(stamp, in: namingContext)
    }

    /// The same for an absent link value.
    package func wasCollected(link: ReplicatedLink, attribute oid: OID, in namingContext: GUID) throws -> Bool
    {
        guard !link.isPresent else { return false }
        if let id = try attributeIDs.existingID(for: oid, in: db),
            try links.row(link.source, id, link.target) != nil
        {
            return false
        }
        return try isBelowCollected(link.stamp.stamp, in: namingContext)
    }

    /// Every tombstone held, with the stamp of its deletion.
    package func tombstones(of namingContext: GUID) throws -> [(objectGUID: GUID, deletion: Stamp)] {
        let context = try self.namingContext(namingContext)
        return try Query(
            "SELECT guid FROM objects WHERE nc = ? AND age_mark IS NOT NULL ORDER BY guid",
            in: db
        )
        .all(.integer(context.id)) { try $0.guid(0) }
        .compactMap { guid in
            try objects.body(of: guid)?[AttributeIDs.isDeleted].map { (guid, $0.stamp) }
        }
    }

    private func isBelowCollected(_ stamp: Stamp, in namingContext: GUID) throws -> Bool {
        try collected(of: namingContext)[stamp.invocationID].map { $0 >= stamp.originatingUSN } ?? false
    }
}

extension WriteTransaction {
    fileprivate func collect(
        _ context: HeldNamingContext,
        _ destination: inout Destination,
        lifetimeDays: Int,
        after position: CollectionPosition?
    ) throws -> CollectionOutcome {
        let (lifetime, overflow) = Int64(max(lifetimeDays, ReplicationLimits.tombstoneLifetimeDaysMin))
            .multipliedReportingOverflow(by: 86_400)
        guard !overflow else { return CollectionOutcome() }
        let dueMark = try age() - lifetime
        let vector = destination.advertisedVector(own: identity.invocationID, ownUSN: highestUSN, at: now)
        var outcome = CollectionOutcome()
        for id in try dueTombstones(of: context, dueMark, after: position, &outcome) {
            guard let guid = try objects.guid(ofID: id) else { continue }
            try collect(guid, context, &destination, dueMark, vector, &outcome)
        }
        if position == nil { try collectLinks(context, &destination, dueMark, vector, &outcome) }
        return outcome
    }

    private func dueTombstones(
        of context: HeldNamingContext,
        _ dueMark: Int64,
        after position: CollectionPosition?,
        _ outcome: inout CollectionOutcome
    ) throws -> [Int64] {
        let due = try Query(
            """
            SELECT age_mark, id FROM objects
              WHERE nc = ? AND age_mark IS NOT NULL AND age_mark <= ? AND (age_mark, id) > (?, ?)
              ORDER BY age_mark, id LIMIT ?
            """,
            in: db
        ).all(
            .integer(context.id),
            .integer(dueMark),
            .integer(position?.ageMark ?? .min),
            .integer(position?.object ?? .min),
            .integer(Int64(DirectoryStore.collectionScanMax))
        ) { CollectionPosition(ageMark: $0.integer(0), object: $0.integer(1)) }
        if due.count == DirectoryStore.collectionScanMax { outcome.next = due.last }
        return due.map(\.object)
    }

    /// Collects one tombstone, and then its parent if that only waited for it.
    private func collect(
        _ guid: GUID,
        _ context: HeldNamingContext,
        _ destination: inout Destination,
        _ dueMark: Int64,
        _ vector: UpToDatenessVector,
        _ outcome: inout CollectionOutcome
    ) throws {
        var next = guid
        while let (row, body) = try objects.rowAndBody(next), row.context == context.id,
            let mark = row.ageMark, mark <= dueMark, let deletion = body[AttributeIDs.isDeleted]
        {
            guard vector.covers(deletion.stamp) || planted(.collectsUncovered) else {
                outcome.uncovered += 1
                return
            }
            guard try !objects.hasStampedChildren(next) || planted(.collectsParents) else {
                outcome.parents += 1
                return
            }
            try remove(row, body, from: context)
            destination.noteCollected(deletion.stamp)
            outcome.tombstones += 1
            next = row.node.parent
        }
    }

    private func collectLinks(
        _ context: HeldNamingContext,
        _ destination: inout Destination,
        _ dueMark: Int64,
        _ vector: UpToDatenessVector,
        _ outcome: inout CollectionOutcome
    ) throws {
        var after = try LinkKey.first(db, context, dueMark)
        var seen = 0
        while let key = after, seen < DirectoryStore.collectionScanMax {
            seen += 1
            after = try key.next(db, context, dueMark)
            guard let row = try links.row(key.source, key.attribute, key.target) else { continue }
            guard vector.covers(row.stamp.stamp) else {
                outcome.uncovered += 1
                continue
            }
            try Query("DELETE FROM links WHERE source = ? AND attribute = ? AND target = ?", in: db)
                .run(.guid(key.source), .integer(Int64(key.attribute)), .guid(key.target))
            destination.noteCollected(row.stamp.stamp)
            try raiseLinkFloor(past: row.stamp.created)
            outcome.links += 1
        }
    }

    /// The earliest creation time that a new link value may have.
    ///
    /// Creation time decides between link values before anything else: a value that is added again with a clock
    /// set back would lose against the collected one wherever that is still held.
    func linkFloor() throws -> Timestamp {
        if let knownLinkFloor { return knownLinkFloor }
        let floor = try AgeRows(db: db).linkFloor() ?? .epoch
        knownLinkFloor = floor
        return floor
    }

    private func raiseLinkFloor(past created: Timestamp) throws {
        let floor = max(try linkFloor(), created.adding(seconds: 1))
        guard floor != knownLinkFloor else { return }
        knownLinkFloor = floor
        try AgeRows(db: db).saveLinkFloor(floor)
    }
}

/// An absent link value in the order of collection.
private struct LinkKey {
    var ageMark: Int64
    var source: GUID
    var attribute: Int32
    var target: GUID

    static func first(_ db: Database, _ context: HeldNamingContext, _ dueMark: Int64) throws -> LinkKey? {
        try Query(
            """
            SELECT age_mark, source, attribute, target FROM links
              WHERE nc = ? AND age_mark IS NOT NULL AND age_mark <= ?
              ORDER BY age_mark, source, attribute, target LIMIT 1
            """,
            in: db
        ).first(.integer(context.id), .integer(dueMark), read: read)
    }

    func next(_ db: Database, _ context: HeldNamingContext, _ dueMark: Int64) throws -> LinkKey? {
        try Query(
            """
            SELECT age_mark, source, attribute, target FROM links
              WHERE nc = ? AND age_mark IS NOT NULL AND age_mark <= ?
                AND (age_mark, source, attribute, target) > (?, ?, ?, ?)
              ORDER BY age_mark, source, attribute, target LIMIT 1
            """,
            in: db
        ).first(
            .integer(context.id),
            .integer(dueMark),
            .integer(ageMark),
            .guid(source),
            .integer(Int64(attribute)),
            .guid(target),
            read: Self.read
        )
    }

    private static func read(_ columns: Columns) throws -> LinkKey {
        LinkKey(
            ageMark: columns.integer(0),
            source: try columns.guid(1),
            attribute: Int32(truncatingIfNeeded: columns.integer(2)),
            target: try columns.guid(3)
        )
    }
}

/// What the database keeps of clocks.
struct AgeRows {
    let db: Database

    func clock() throws -> AgeClock? {
        guard let seconds = try integer("ageSeconds"), let observed = try integer("ageObserved") else {
            return nil
        }
        return AgeClock(seconds: seconds, observed: Timestamp(seconds: observed))
    }

    func save(_ clock: AgeClock) throws {
        try save("ageSeconds", clock.seconds)
        try save("ageObserved", clock.observed.seconds)
    }

    func linkFloor() throws -> Timestamp? { try integer("linkFloor").map { Timestamp(seconds: $0) } }

    func saveLinkFloor(_ time: Timestamp) throws { try save("linkFloor", time.seconds) }

    private func integer(_ key: String) throws -> Int64? {
        try Query("SELECT value FROM meta WHERE key = ?", in: db).first(.text(key)) { $0.integer(0) }
    }

    private func save(_ key: String, _ value: Int64) throws {
        try Query("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", in: db)
            .run(.text(key), .integer(value))
    }
}
