import GRDB
package import Identifiers
package import Replication

/// An object that a source still has and changes, although it was deleted and collected here.
package struct LingeringObject: Hashable, Sendable {
    package let objectGUID: GUID
    /// The DSA where it lingers.
    package let source: GUID
    package let since: Timestamp
    /// The source's USNs that the refused part was about.
    package let interval: USNInterval
}

extension StoreSnapshot {
    /// In order of source and GUID.
    package func lingeringObjects(of namingContext: GUID) throws -> [LingeringObject] {
        let context = try self.namingContext(namingContext)
        return try Query(
            """
            SELECT object, source, since, first_usn, last_usn FROM lingering WHERE nc = ? ORDER BY source, object
            """,
            in: db
        ).all(.integer(context.id)) {
            LingeringObject(
                objectGUID: try $0.guid(0),
                source: try $0.guid(1),
                since: Timestamp(seconds: $0.integer(2)),
                interval: USNInterval(from: $0.usn(3), to: $0.usn(4))
            )
        }
    }
}

extension WriteTransaction {
    /// Lingering objects listed per naming context; of more only the first ones found are listed.
    static let lingeringObjectsMax = 10_000

    func noteLingering(_ guids: [GUID], in part: ChangesReply, _ context: HeldNamingContext) throws {
        var count =
            try Query("SELECT count(*) FROM lingering WHERE nc = ?", in: db)
            .first(.integer(context.id)) { Int($0.integer(0)) } ?? 0
        for guid in guids where count < Self.lingeringObjectsMax {
            // The first sight of it stays.
            try Query(
                """
                INSERT INTO lingering(nc, object, source, invocation, first_usn, last_usn, since)
                  VALUES(?, ?, ?, ?, ?, ?, ?)
                  ON CONFLICT(nc, source, object) DO UPDATE SET invocation = excluded.invocation,
                    first_usn = excluded.first_usn, last_usn = excluded.last_usn
                """,
                in: db
            ).run(
                .integer(context.id),
                .guid(guid),
                .guid(part.header.dsaGUID),
                .guid(part.header.invocationID),
                .usn(part.interval.from),
                .usn(part.interval.to),
                .time(now)
            )
            count += 1
        }
    }

    /// What was refused has come since, without the object in it, or with enough to create it.
    func forgetLingering(from source: GUID, _ cursor: SourceCursor, _ context: HeldNamingContext) throws {
        let listed = try Query(
            "SELECT object, invocation, first_usn, last_usn FROM lingering WHERE nc = ? AND source = ?",
            in: db
        ).all(.integer(context.id), .guid(source)) {
            (try $0.guid(0), try $0.guid(1), USNInterval(from: $0.usn(2), to: $0.usn(3)))
        }
        for (object, invocation, interval) in listed
        where invocation != cursor.invocationID || cursor.received.contains(interval) {
            try Query("DELETE FROM lingering WHERE nc = ? AND source = ? AND object = ?", in: db)
                .run(.integer(context.id), .guid(source), .guid(object))
        }
    }
}
