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
    /// Due, but nobody can ever cover their stamp: deleted anew, and collected when that deletion is due.
    package var renewed = 0
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
    /// `presentLives` are the invocationIDs of all DSAs there are. A due stamp of any other life that our vector
    /// does not cover will be covered by none: its database was lost before anybody had all that it wrote up to
    /// there. A full replica writes that deletion again under its own life.
    @concurrent package func collectTombstones(
        of namingContext: GUID,
        lifetimeDays: Int,
        presentLives: Set<GUID>? = nil,
        after position: CollectionPosition? = nil,
        at now: Timestamp
    ) async throws -> CollectionOutcome {
        try await change(at: now) { transaction in
            let context = try transaction.view.namingContext(namingContext)
            let rows = transaction.destinationRows
            var destination = try rows.load(context)
            // Before the join nothing here is known to be all there is.
            guard destination.hasJoined else { return CollectionOutcome() }
            let before = destination
            let outcome = try transaction.collect(
                context,
                &destination,
                lifetimeDays: lifetimeDays,
                presentLives: context.isPartial ? nil : presentLives,
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

/// Which deletions are old enough, and which of them may go.
private struct CollectionRule {
    let dueMark: Int64
    let vector: UpToDatenessVector
    /// Nil where nothing may be written again.
    let presentLives: Set<GUID>?

    /// Nobody will ever claim the write under this stamp.
    func isOrphaned(_ stamp: Stamp) -> Bool {
        guard let presentLives else { return false }
        return !vector.covers(stamp) && !presentLives.contains(stamp.invocationID)
    }
}

extension WriteTransaction {
    fileprivate func collect(
        _ context: HeldNamingContext,
        _ destination: inout Destination,
        lifetimeDays: Int,
        presentLives: Set<GUID>?,
        after position: CollectionPosition?
    ) throws -> CollectionOutcome {
        let (lifetime, overflow) = Int64(max(lifetimeDays, ReplicationLimits.tombstoneLifetimeDaysMin))
            .multipliedReportingOverflow(by: 86_400)
        guard !overflow else { return CollectionOutcome() }
        let rule = CollectionRule(
            dueMark: try age() - lifetime,
            vector: destination.advertisedVector(own: identity.invocationID, ownUSN: highestUSN, at: now),
            presentLives: presentLives?.union([identity.invocationID])
        )
        var outcome = CollectionOutcome()
        for id in try dueTombstones(of: context, rule.dueMark, after: position, &outcome) {
            guard let guid = try objects.guid(ofID: id) else { continue }
            try collect(guid, context, &destination, rule, &outcome)
        }
        if position == nil { try collectLinks(context, &destination, rule, &outcome) }
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
        _ rule: CollectionRule,
        _ outcome: inout CollectionOutcome
    ) throws {
        var next = guid
        while let (row, body) = try objects.rowAndBody(next), row.context == context.id,
            let mark = row.ageMark, mark <= rule.dueMark, let deletion = body[AttributeIDs.isDeleted]
        {
            guard rule.vector.covers(deletion.stamp) || planted(.collectsUncovered) else {
                guard rule.isOrphaned(deletion.stamp) else {
                    outcome.uncovered += 1
                    return
                }
                try restamp((row, body), in: context, where: rule.isOrphaned)
                outcome.renewed += 1
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
        _ rule: CollectionRule,
        _ outcome: inout CollectionOutcome
    ) throws {
        var after = try LinkKey.first(db, context, rule.dueMark)
        var seen = 0
        while let key = after, seen < DirectoryStore.collectionScanMax {
            seen += 1
            after = try key.next(db, context, rule.dueMark)
            guard let row = try links.row(key.source, key.attribute, key.target) else { continue }
            guard rule.vector.covers(row.stamp.stamp) else {
                if rule.isOrphaned(row.stamp.stamp) {
                    try restamp(row, in: context)
                    outcome.renewed += 1
                } else {
                    outcome.uncovered += 1
                }
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
