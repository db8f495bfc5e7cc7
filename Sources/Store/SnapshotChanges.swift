import DirectoryModel
import GRDB
package import Identifiers
package import Replication

/// What a source reads in USN order.
package enum SnapshotItem: Hashable, Sendable {
    case object(SnapshotObject)
    case link(SnapshotLink)

    package var usn: USN {
        switch self {
        case .object(let object): object.usn
        case .link(let link): link.usn
        }
    }
}

extension StoreSnapshot {
    /// Streams the objects and link values of a naming context that stand in the interval, in USN order.
    ///
    /// `each` returns whether to go on.
    package func changes(
        of namingContext: GUID,
        in interval: USNInterval,
        _ each: (SnapshotItem) throws -> Bool
    ) throws {
        let context = try self.namingContext(namingContext).id
        let objectQuery = try Query(
            streaming:
                "SELECT usn, guid, body FROM objects WHERE nc = ? AND usn > ? AND usn <= ? ORDER BY usn",
            in: db
        )
        let linkQuery = try Query(
            streaming: """
                SELECT source, attribute, target, nc, usn, is_present, created, stamp FROM links
                  WHERE nc = ? AND usn > ? AND usn <= ? ORDER BY usn
                """,
            in: db
        )
        defer {
            objectQuery.stop()
            linkQuery.stop()
        }
        try objectQuery.start(.integer(context), .usn(interval.from), .usn(interval.to))
        try linkQuery.start(.integer(context), .usn(interval.from), .usn(interval.to))
        var object = try nextObject(objectQuery)
        var link = try nextLink(linkQuery)
        while object != nil || link != nil {
            if let next = object, next.usn < (link?.usn ?? .max) {
                guard try each(.object(next)) else { return }
                object = try nextObject(objectQuery)
            } else if let next = link {
                guard try each(.link(next)) else { return }
                link = try nextLink(linkQuery)
            }
        }
    }

    /// The stamped ancestors that changed after `usn`, the topmost first: a destination may lack them.
    package func ancestors(of objectGUID: GUID, newerThan usn: USN) throws -> [SnapshotObject] {
        var found: [SnapshotObject] = []
        var seen: Set<GUID> = [objectGUID]
        var row = try objects.row(objectGUID)
        while let parent = row?.node.parent, parent != .zero, seen.insert(parent).inserted {
            guard let next = try objects.row(parent), next.context == row?.context else { break }
            if next.usn > usn, let body = try objects.body(of: parent) {
                found.append(try snapshotObject(parent, next.usn, body))
            }
            row = next
        }
        return found.reversed()
    }

    /// One object as it would travel; nil when it is not held.
    package func snapshotObject(_ objectGUID: GUID) throws -> SnapshotObject? {
        guard let (row, body) = try objects.rowAndBody(objectGUID) else { return nil }
        return try snapshotObject(objectGUID, row.usn, body)
    }

    private func snapshotObject(_ guid: GUID, _ usn: USN, _ body: ObjectBody) throws -> SnapshotObject {
        let attributes = try body.attributes.map {
            SnapshotAttribute(
                attribute: try attributeIDs.oid(of: $0.id, in: db),
                stamp: $0.stamp,
                values: $0.values
            )
        }
        return SnapshotObject(usn: usn, objectGUID: guid, attributes: attributes)
    }

    private func nextObject(_ query: Query) throws -> SnapshotObject? {
        guard try query.step() else { return nil }
        let guid = try query.columns.guid(1)
        let body = try ObjectRows.body(query.columns.octets(2), of: guid)
        return try snapshotObject(guid, query.columns.usn(0), body)
    }

    private func nextLink(_ query: Query) throws -> SnapshotLink? {
        guard try query.step() else { return nil }
        let row = try LinkRows.row(query.columns)
        return SnapshotLink(
            usn: row.usn,
            source: row.source,
            attribute: try attributeIDs.oid(of: row.attribute, in: db),
            target: row.target,
            stamp: row.stamp,
            isPresent: row.isPresent
        )
    }
}
