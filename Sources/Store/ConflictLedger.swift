import GRDB
import Identifiers
import Replication

/// A write that lost against another which was made without knowledge of it.
struct LostWrite {
    var object: GUID
    var attribute: Int32
    /// Zero for an attribute; else the target of the link value that was written.
    var target: GUID
    /// The database's key of the object's naming context.
    var context: Int64
    var losing: Stamp
    var winning: Stamp
    /// What the losing write wrote; for a link value `ConflictLedger.present`, or nothing when it took it away.
    var values: ValueSet
}

/// The ledger of losing values, as one transaction writes it.
///
/// The ledger is this replica's own: it takes no USN, never travels, and is no part of a canonical dump. Rows go
/// into the database many at a time. Where the caps are exceeded, the oldest entries go.
final class ConflictLedger {
    static let conflictEntriesMax = 100_000
    static let conflictOctetsMax = 64 << 20
    static let present = ValueSet([Array("TRUE".utf8)])

    /// Rows written by one statement.
    private static let conflictsPerStatementMax = 16
    /// Octets kept in memory before they are written.
    private static let pendingOctetsMax = 4 << 20
    /// Entries that are dropped at a time.
    private static let droppedTogether: Int64 = 64
    /// Octets of a row beside its values, about, with its index.
    private static let rowOctets = 240

    var entriesMax = ConflictLedger.conflictEntriesMax
    var octetsMax = ConflictLedger.conflictOctetsMax

    private let db: Database
    private let now: Timestamp
    private var totals: ConflictTotals?
    /// The columns of rows that are not written yet, one behind the other.
    private var columns: [SQLValue] = []
    private var pendingRows = 0
    private var pendingOctets = 0
    /// By how many rows they insert, less one.
    private var inserts: [RepeatedQuery?]

    init(_ db: Database, at now: Timestamp) {
        self.db = db
        self.now = now
        inserts = Array(repeating: nil, count: Self.conflictsPerStatementMax)
    }

    /// Keeps a losing write; one that is in the ledger already stays as it is.
    func note(_ lost: LostWrite, from source: GUID) throws {
        let body = ObjectBody(attributes: [
            .init(id: lost.attribute, stamp: lost.losing, localUSN: .zero, valueSet: lost.values)
        ]).encoded()
        let octets = body.count + Self.rowOctets
        var totals = try currentTotals()
        let id = totals.nextID
        totals.nextID += 1
        self.totals = totals
        columns.append(contentsOf: [
            .integer(id), .guid(lost.object), .integer(Int64(lost.attribute)), .guid(lost.target),
            .integer(lost.context), .octets(StampOctets.octets(of: lost.losing)),
            .octets(StampOctets.octets(of: lost.winning)), .octets(body), .guid(source), .time(now),
            .integer(Int64(octets)),
        ])
        pendingOctets += octets
        pendingRows += 1
        if pendingRows == Self.conflictsPerStatementMax || pendingOctets > Self.pendingOctetsMax {
            try insert()
        }
    }

    /// Forgets an entry.
    func remove(_ id: Int64) throws {
        var totals = try currentTotals()
        for octets in try Query("DELETE FROM conflicts WHERE id = ? RETURNING octets", in: db)
            .all(.integer(id), read: { $0.integer(0) })
        {
            totals.entries -= 1
            totals.octets -= octets
        }
        self.totals = totals
    }

    /// Writes what is left and keeps the caps; before the commit.
    func finish() throws {
        guard totals != nil else { return }
        try insert()
        guard var totals else { return }
        while totals.entries > Int64(entriesMax) || totals.octets > Int64(octetsMax) {
            let count = max(1, min(Self.droppedTogether, totals.entries - Int64(entriesMax)))
            let dropped = try Query(
                """
                DELETE FROM conflicts WHERE id IN (SELECT id FROM conflicts ORDER BY id LIMIT ?)
                  RETURNING octets
                """,
                in: db
            ).all(.integer(count)) { $0.integer(0) }
            guard !dropped.isEmpty else { break }
            totals.entries -= Int64(dropped.count)
            totals.octets -= dropped.reduce(0, +)
            totals.dropped += Int64(dropped.count)
        }
        self.totals = totals
        try MetaRows(db: db).save(totals)
    }

    private func currentTotals() throws -> ConflictTotals {
        if let totals { return totals }
        return try MetaRows(db: db).conflictTotals()
    }

    private func insert() throws {
        guard pendingRows > 0, var totals else { return }
        try statement(for: pendingRows)().run(columns)
        let inserted = db.changesCount
        if inserted == pendingRows {
            totals.entries += Int64(pendingRows)
            totals.octets += Int64(pendingOctets)
        } else if inserted > 0 {
            // Which of them were in the ledger already, SQLite does not say.
            let first = totals.nextID - Int64(pendingRows)
            let octets = try Query("SELECT sum(octets) FROM conflicts WHERE id >= ?", in: db)
                .first(.integer(first)) { $0.integer(0) }
            totals.entries += Int64(inserted)
            totals.octets += octets ?? 0
        }
        self.totals = totals
        columns.removeAll(keepingCapacity: true)
        (pendingRows, pendingOctets) = (0, 0)
    }

    private func statement(for count: Int) -> RepeatedQuery {
        if let known = inserts[count - 1] { return known }
        let row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        let query = RepeatedQuery(
            """
            INSERT OR IGNORE INTO conflicts(id, object, attribute, target, nc, loser, winner, lost, source,
              found, octets) VALUES \(Array(repeating: row, count: count).joined(separator: ", "))
            """,
            in: db
        )
        inserts[count - 1] = query
        return query
    }
}

/// How much the ledger holds.
struct ConflictTotals: Hashable {
    var entries: Int64 = 0
    var octets: Int64 = 0
    /// Entries that made room for newer ones, since the database was made.
    var dropped: Int64 = 0
    /// Never given again.
    var nextID: Int64 = 1
}

extension MetaRows {
    func conflictTotals() throws -> ConflictTotals {
        let numbers = try Query("SELECT value FROM meta WHERE key = 'conflicts'", in: db)
            .first { $0.text(0).split(separator: " ").compactMap { Int64($0) } }
        guard let numbers, numbers.count == 4 else { return ConflictTotals() }
        return ConflictTotals(
            entries: numbers[0],
            octets: numbers[1],
            dropped: numbers[2],
            nextID: numbers[3]
        )
    }

    func save(_ totals: ConflictTotals) throws {
        let text = "\(totals.entries) \(totals.octets) \(totals.dropped) \(totals.nextID)"
        try Query("INSERT OR REPLACE INTO meta(key, value) VALUES('conflicts', ?)", in: db).run(.text(text))
    }
}
