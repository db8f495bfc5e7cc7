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

/// What the way up to the head needs of one object.
struct AncestorStep {
    let parent: GUID
    let usn: USN
    let context: Int64
    var isTombstone = false
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
                "SELECT usn, guid, body, parent FROM objects WHERE nc = ? AND usn > ? AND usn <= ? ORDER BY usn",
            in: db
        )
        let linkQuery = try Query(
            streaming: """
                SELECT source, attribute, target, nc, usn, is_present, created, stamp, age_mark FROM links
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
        defer {
            streamed = nil
            streamedLinkSource = nil
        }
        var object = try nextObject(objectQuery, in: context)
        var link = try nextLink(linkQuery)
        while object != nil || link != nil {
            if let next = object, next.usn < (link?.usn ?? .max) {
                guard try each(.object(next)) else { return }
                object = try nextObject(objectQuery, in: context)
            } else if let next = link {
                guard try each(.link(next)) else { return }
                link = try nextLink(linkQuery)
            }
        }
    }

    /// The stamped ancestors that changed after `usn`, the topmost first, and a deleted parent whenever it changed:
    /// a destination may lack them.
    package func ancestors(of objectGUID: GUID, newerThan usn: USN) throws -> [SnapshotObject] {
        var found: [SnapshotObject] = []
        guard let start = try streamed?.guid == objectGUID ? streamed?.step : step(objectGUID) else {
            return []
        }
        // The same few parents have most children.
        if let checked = checkedAncestors, checked.parent == start.parent, checked.newest <= usn { return [] }
        var seen: Set<GUID> = [objectGUID]
        var newest = USN.zero
        var isParentDeleted = false
        var next = start.parent
        while next != .zero, seen.insert(next).inserted {
            guard let ancestor = try ancestor(next), ancestor.context == start.context else { break }
            newest = max(newest, ancestor.usn)
            let isDeletedParent = next == start.parent && ancestor.isTombstone
            if isDeletedParent { isParentDeleted = true }
            if ancestor.usn > usn || isDeletedParent, let body = try objects.body(of: next) {
                found.append(try snapshotObject(next, ancestor.usn, body))
            }
            next = ancestor.parent
        }
        checkedAncestors = isParentDeleted ? nil : (start.parent, newest)
        return found.reversed()
    }

    /// Kept: the same few are the ancestors of all that a cycle sends.
    private func ancestor(_ guid: GUID) throws -> AncestorStep? {
        if let known = ancestorSteps[guid] { return known }
        guard let step = try step(guid) else { return nil }
        if ancestorSteps.count >= Self.ancestorStepsMax { ancestorSteps = [:] }
        ancestorSteps[guid] = step
        return step
    }

    private func step(_ guid: GUID) throws -> AncestorStep? {
        try objects.row(guid).map {
            AncestorStep(
                parent: $0.node.parent,
                usn: $0.usn,
                context: $0.context,
                isTombstone: $0.node.isTombstone
            )
        }
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
                valueSet: $0.valueSet
            )
        }
        return SnapshotObject(usn: usn, objectGUID: guid, attributes: attributes)
    }

    private func nextObject(_ query: Query, in context: Int64) throws -> SnapshotObject? {
        guard try query.step() else { return nil }
        let guid = try query.columns.guid(1)
        let usn = query.columns.usn(0)
        streamed = (guid, AncestorStep(parent: try query.columns.guid(3), usn: usn, context: context))
        let body = try ObjectRows.body(query.columns.octets(2), of: guid)
        return try snapshotObject(guid, usn, body)
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
            isPresent: row.isPresent,
            deletedSource: try deletedLinkSource(row.source)
        )
    }

    /// The object of a link value when it is or ever was a tombstone: the values of one object often stand together.
    private func deletedLinkSource(_ source: GUID) throws -> SnapshotObject? {
        if let known = streamedLinkSource, known.guid == source { return known.deleted }
        var deleted: SnapshotObject?
        if let (row, body) = try objects.rowAndBody(source), body[AttributeIDs.isDeleted] != nil {
            deleted = try snapshotObject(source, row.usn, body)
        }
        streamedLinkSource = (source, deleted)
        return deleted
    }
}
