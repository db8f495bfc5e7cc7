import GRDB
package import Identifiers
import Replication

/// What a resync found here that its source does not have.
package struct SweepOutcome: Hashable, Sendable {
    /// Taken away: deleted at the source, and collected there.
    package var objects = 0
    package var links = 0
    /// Kept: written here or at others, and not known to the source yet.
    package var kept = 0
    /// Deleted anew, with fresh stamps, because objects that are kept stand under them.
    package var buried = 0
    /// Of those taken away: objects that had been changed here since the source last knew of it.
    package var overridden: [GUID] = []

    package init() {}
}

extension DirectoryStore {
    /// Starts a replica over from one source: its next request joins, and what the source no longer has goes.
    ///
    /// Everything stays readable and writable meanwhile. Originating writes that the source does not know are
    /// kept and replicate afterwards.
    @concurrent package func resync(_ namingContext: GUID, from source: GUID?) async throws {
        try await change(at: .epoch) { transaction in
            let context = try transaction.view.namingContext(namingContext)
            let rows = transaction.destinationRows
            var destination = try rows.load(context)
            try transaction.beginResync(&destination, context, from: source)
            try rows.save(destination)
        }
    }
}

extension WriteTransaction {
    func beginResync(
        _ destination: inout Destination,
        _ context: HeldNamingContext,
        from source: GUID?
    ) throws {
        destination.resync(from: source)
        try forgetUnseen(context)
        try Query("INSERT INTO unseen_objects(guid, nc) SELECT guid, nc FROM objects WHERE nc = ?", in: db)
            .run(.integer(context.id))
        try Query(
            """
            INSERT INTO unseen_links(source, attribute, target, nc)
              SELECT source, attribute, target, nc FROM links WHERE nc = ?
            """,
            in: db
        ).run(.integer(context.id))
        try Query("DELETE FROM lingering WHERE nc = ?", in: db).run(.integer(context.id))
    }

    /// The source holds what is in this part.
    func noteSeen(_ part: ChangesReply, in context: HeldNamingContext) throws {
        for object in part.objects {
            try Query("DELETE FROM unseen_objects WHERE guid = ?", in: db).run(.guid(object.objectGUID))
        }
        for link in part.links where part.attributes.indices.contains(link.attribute) {
            try Query("DELETE FROM unseen_links WHERE source = ? AND attribute = ? AND target = ?", in: db)
                .run(
                    .guid(link.source),
                    .integer(Int64(try attributeID(part.attributes[link.attribute]))),
                    .guid(link.target)
                )
        }
    }

    /// After a part: begins a join again that took too long, ends a resync, and shortens the list of lingering
    /// objects.
    func settle(
        _ part: ChangesReply,
        _ context: HeldNamingContext,
        _ destination: inout Destination,
        wasJoined: Bool,
        _ outcome: inout PartOutcome
    ) throws {
        let source = part.header.dsaGUID
        if outcome.commit?.mustStartOver == true {
            try beginResync(&destination, context, from: source)
            outcome.commit?.wantsRequest = true
            return
        }
        if !wasJoined, destination.hasJoined, destination.isResyncing {
            let usnBefore = highestUSN
            outcome.sweep = try sweep(context, destination, ownCovered: outcome.commit?.ownCovered ?? .zero)
            if highestUSN != usnBefore { outcome.changedUpTo = highestUSN }
            outcome.schemaChanged = outcome.schemaChanged || context.role == .schema
            outcome.configurationChanged = outcome.configurationChanged || context.role == .configuration
            destination.endResync()
        }
        if let cursor = destination.cursor(of: source, part.header.invocationID) {
            try forgetLingering(from: source, cursor, context)
        }
    }

    /// The source has shown all it holds: what it had once, and has no more, was deleted and collected there.
    ///
    /// `ownCovered` is how far the source knows our own writes.
    private func sweep(_ context: HeldNamingContext, _ destination: Destination, ownCovered: USN) throws
        -> SweepOutcome
    {
        let isKnown = { [identity] (stamp: Stamp) in
            stamp.invocationID == identity.invocationID
                ? stamp.originatingUSN <= ownCovered : destination.vector.covers(stamp)
        }
        var outcome = SweepOutcome()
        var doomed: [GUID] = []
        for guid in try unseenObjects(context) {
            guard let (row, body) = try objects.rowAndBody(guid), !row.node.isFixed else { continue }
            guard let creation = body[AttributeIDs.objectClass]?.stamp, isKnown(creation) else {
                outcome.kept += 1
                continue
            }
            doomed.append(guid)
            if body.attributes.contains(where: { !isKnown($0.stamp) }) { outcome.overridden.append(guid) }
        }
        try sweepLinks(context, isKnown, &outcome)
        let going = Set(doomed)
        for guid in doomed {
            guard let (row, body) = try objects.rowAndBody(guid) else { continue }
            let isParent =
                try !context.isPartial && objects.stampedChildren(of: guid).contains { !going.contains($0) }
            if isParent {
                var values: [Int32: [[UInt8]]] = [:]
                for attribute in body.attributes { values[attribute.id] = attribute.values }
                values[AttributeIDs.isDeleted] = [ObjectBody.deletedMark]
                try rewrite((row, body, context), values)
                outcome.buried += 1
            } else {
                try remove(row, body, from: context)
                outcome.objects += 1
            }
        }
        try forgetUnseen(context)
        return outcome
    }

    private func sweepLinks(
        _ context: HeldNamingContext,
        _ isKnown: (Stamp) -> Bool,
        _ outcome: inout SweepOutcome
    ) throws {
        let unseen = try Query(
            "SELECT source, attribute, target FROM unseen_links WHERE nc = ? ORDER BY source, attribute, target",
            in: db
        ).all(.integer(context.id)) {
            (try $0.guid(0), Int32(truncatingIfNeeded: $0.integer(1)), try $0.guid(2))
        }
        for (source, attribute, target) in unseen {
            guard let row = try links.row(source, attribute, target), isKnown(row.stamp.stamp) else {
                continue
            }
            try Query("DELETE FROM links WHERE source = ? AND attribute = ? AND target = ?", in: db)
                .run(.guid(source), .integer(Int64(attribute)), .guid(target))
            outcome.links += 1
        }
    }

    private func unseenObjects(_ context: HeldNamingContext) throws -> [GUID] {
        try Query("SELECT guid FROM unseen_objects WHERE nc = ? ORDER BY guid", in: db)
            .all(.integer(context.id)) { try $0.guid(0) }
    }

    private func forgetUnseen(_ context: HeldNamingContext) throws {
        try Query("DELETE FROM unseen_objects WHERE nc = ?", in: db).run(.integer(context.id))
        try Query("DELETE FROM unseen_links WHERE nc = ?", in: db).run(.integer(context.id))
    }
}
