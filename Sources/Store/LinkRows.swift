import GRDB
import Identifiers
import Replication

/// One value of a linked attribute, present or not.
struct LinkRow {
    var source: GUID
    var attribute: Int32
    var target: GUID
    /// The naming context of the source.
    var context: Int64
    var usn: USN
    var isPresent: Bool
    var stamp: LinkStamp
    /// What the `AgeClock` showed when the value went absent here; nil while it is present.
    var ageMark: Int64?
}

/// The table of link values; values of objects that have not arrived wait in it.
struct LinkRows {
    let db: Database

    static let columns = "source, attribute, target, nc, usn, is_present, created, stamp, age_mark"

    func row(_ source: GUID, _ attribute: Int32, _ target: GUID) throws -> LinkRow? {
        try Query(
            "SELECT \(Self.columns) FROM links WHERE source = ? AND attribute = ? AND target = ?",
            in: db
        ).first(.guid(source), .integer(Int64(attribute)), .guid(target), read: Self.row)
    }

    func rows(of source: GUID) throws -> [LinkRow] {
        try Query("SELECT \(Self.columns) FROM links WHERE source = ? ORDER BY attribute, target", in: db)
            .all(.guid(source), read: Self.row)
    }

    /// The targets of present values, shown or hidden.
    func presentTargets(of source: GUID, attribute: Int32, limit: Int = .max) throws -> [GUID] {
        try Query(
            "SELECT target FROM links WHERE source = ? AND attribute = ? AND is_present LIMIT ?",
            in: db
        ).all(.guid(source), .integer(Int64(attribute)), .integer(Int64(limit))) { try $0.guid(0) }
    }

    /// The value that an attribute of one value shows.
    ///
    /// Concurrent writes can leave several: the newest stamp is shown, whatever became of its target, so that every
    /// replica shows the same; the others are kept.
    func newestPresent(of source: GUID, attribute: Int32) throws -> GUID? {
        try Query(
            "SELECT \(Self.columns) FROM links WHERE source = ? AND attribute = ? AND is_present",
            in: db
        ).all(.guid(source), .integer(Int64(attribute)), read: Self.row).max { $0.stamp < $1.stamp }?.target
    }

    /// The attributes with a present value, without walking over every value.
    func presentAttributes(of source: GUID) throws -> [Int32] {
        var found: [Int32] = []
        var next: Int32? = .min
        while let after = next {
            next = try Query(
                "SELECT attribute FROM links WHERE source = ? AND attribute > ? AND is_present ORDER BY attribute LIMIT 1",
                in: db
            ).first(.guid(source), .integer(Int64(after))) { Int32(truncatingIfNeeded: $0.integer(0)) }
            if let next { found.append(next) }
        }
        return found
    }

    /// Who refers to `target`, by attribute.
    func presentSources(of target: GUID) throws -> [(attribute: Int32, source: GUID)] {
        try Query(
            "SELECT attribute, source FROM links WHERE target = ? AND is_present ORDER BY attribute",
            in: db
        ).all(.guid(target)) { (Int32(truncatingIfNeeded: $0.integer(0)), try $0.guid(1)) }
    }

    func save(_ row: LinkRow) throws {
        try Query("INSERT OR REPLACE INTO links(\(Self.columns)) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", in: db)
            .run(
                .guid(row.source),
                .integer(Int64(row.attribute)),
                .guid(row.target),
                .integer(row.context),
                .usn(row.usn),
                .integer(row.isPresent ? 1 : 0),
                .time(row.stamp.created),
                .octets(StampOctets.octets(of: row.stamp.stamp)),
                .integer(row.ageMark)
            )
    }

    static func row(_ columns: Columns) throws -> LinkRow {
        LinkRow(
            source: try columns.guid(0),
            attribute: Int32(truncatingIfNeeded: columns.integer(1)),
            target: try columns.guid(2),
            context: columns.integer(3),
            usn: columns.usn(4),
            isPresent: columns.integer(5) != 0,
            stamp: LinkStamp(
                created: Timestamp(seconds: columns.integer(6)),
                stamp: try StampOctets.stamp(columns.octets(7))
            ),
            ageMark: columns.optionalInteger(8)
        )
    }
}
