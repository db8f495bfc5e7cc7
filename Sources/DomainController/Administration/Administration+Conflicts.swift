package import AdminAPI
import DirectoryModel
import Identifiers
import Replication
import Store

extension DomainControllerService {
    package func conflicts(_ query: ConflictListQuery) async throws -> ConflictListReply {
        let limit = min(max(query.limit, 1), AdminLimits.conflictsMax)
        let object = try query.object.map(reference)
        let wanted = query.kind.map { [$0] } ?? ConflictKind.allCases
        let writers = ConflictTexts(view: partners.current, servers: try await invocations())
        let found = try await store.snapshot {
            snapshot -> (replies: [ConflictReply], counts: ConflictCounts)? in
            var guid: GUID?
            if let object {
                guard let known = try snapshot.objectGUID(of: object) else { return nil }
                guid = known
            }
            var replies: [ConflictReply] = []
            if wanted.contains(.attribute) {
                replies = try snapshot.conflicts(of: guid, limit: limit + 1)
                    .map { try writers.reply($0, snapshot) }
            }
            for context in snapshot.namingContexts.sorted(by: { $0.guid < $1.guid }) {
                if wanted.contains(.attribute), replies.count <= limit {
                    replies += try snapshot.hiddenValues(in: context.guid, limit: limit + 1)
                        .map { try writers.reply($0, in: context.guid, snapshot) }
                }
                guard wanted != [.attribute], replies.count <= limit else { continue }
                replies += try snapshot.displaced(in: context.guid, limit: AdminLimits.conflictsMax)
                    .map { try writers.reply($0, snapshot) }.filter { wanted.contains($0.kind) }
            }
            if let guid { replies.removeAll { $0.objectGUID != guid } }
            return (replies, try snapshot.conflictCounts())
        }
        guard let found else { throw noSuchObject(query.object ?? ObjectTarget()) }
        return ConflictListReply(
            conflicts: Array(found.replies.prefix(limit)),
            isComplete: found.replies.count <= limit,
            ledgerEntries: found.counts.entries,
            ledgerOctets: found.counts.octets,
            ledgerDropped: found.counts.dropped
        )
    }

    package func conflict(_ query: ConflictQuery) async throws -> ConflictShowReply {
        let writers = ConflictTexts(view: partners.current, servers: try await invocations())
        let found = try await store.snapshot { snapshot -> ConflictShowReply? in
            guard let conflict = try snapshot.conflict(query.id) else { return nil }
            let entry = try snapshot.entry(.guid(conflict.objectGUID), includeDeleted: true)
            let current =
                conflict.attribute == "name"
                ? try snapshot.dn(of: conflict.objectGUID).map {
                    [Array($0.description(naming: snapshot.schema).utf8)]
                }
                : entry?[conflict.attribute]
            return ConflictShowReply(
                conflict: try writers.reply(conflict, snapshot),
                losingValues: conflict.values.map { AttributeValue($0) },
                currentValues: (current ?? []).map { AttributeValue($0) },
                isWinnerStanding: try snapshot.isStanding(conflict)
            )
        }
        guard let found else { throw noSuchConflict(query.id) }
        return found
    }

    package func restoreConflict(_ query: ConflictQuery) async throws -> WriteReply {
        guard try await store.snapshot({ try $0.conflict(query.id) != nil }) else {
            throw noSuchConflict(query.id)
        }
        let schema = store.schema
        let result = try await store.restoreConflict(query.id, at: now())
        let entry = try await store.snapshot { try $0.entry(.guid(result.objectGUID), includeDeleted: true) }
        if result.usn != nil { try await announce(entry.map { [$0.namingContext] } ?? []) }
        return WriteReply(results: [
            WriteResultReply(
                dn: entry?.dn.description(naming: schema) ?? "",
                objectGUID: result.objectGUID,
                usn: result.usn
            )
        ])
    }

    private func noSuchConflict(_ id: Int64) -> AdminError {
        AdminError(
            code: "noSuchConflict",
            message: "the ledger has no conflict \(id)",
            hint: "bridgehead conflict list shows those that it has"
        )
    }
}

/// Conflicts in the terms of the admin interface; no values.
private struct ConflictTexts: Sendable {
    let view: ConfigurationView
    /// By invocationID.
    let servers: [GUID: String]

    func reply(_ conflict: Conflict, _ snapshot: StoreSnapshot) throws -> ConflictReply {
        let target = try conflict.target.map { try name($0, snapshot) ?? "<GUID=\($0)>" }
        let text =
            switch (target, conflict.values.isEmpty) {
            case (let target?, _): "\(conflict.isPresent ? "added" : "removed") \(target)"
            case (nil, true): "removed the attribute"
            case (nil, false) where conflict.attribute == "name": "renamed or moved the object"
            case (nil, false): "wrote \(conflict.values.count) values"
            }
        return ConflictReply(
            id: conflict.id,
            kind: .attribute,
            dn: try name(conflict.objectGUID, snapshot),
            objectGUID: conflict.objectGUID,
            namingContext: view.contextName(conflict.namingContext),
            attribute: conflict.attribute,
            losing: write(conflict.losing),
            winning: write(conflict.winning),
            found: conflict.found,
            source: view.name(of: conflict.source),
            text: text
        )
    }

    func reply(_ hidden: HiddenValue, in context: GUID, _ snapshot: StoreSnapshot) throws -> ConflictReply {
        let (target, shown) = (try name(hidden.target, snapshot), try name(hidden.shown, snapshot))
        return ConflictReply(
            kind: .attribute,
            dn: try name(hidden.objectGUID, snapshot),
            objectGUID: hidden.objectGUID,
            namingContext: view.contextName(context),
            attribute: hidden.attribute,
            losing: write(hidden.stamp),
            winning: write(hidden.shownStamp),
            text:
                "\(target ?? "<GUID=\(hidden.target)>") is hidden behind \(shown ?? "<GUID=\(hidden.shown)>")"
        )
    }

    func reply(_ object: DisplacedObject, _ snapshot: StoreSnapshot) throws -> ConflictReply {
        let parent = object.parentDN?.description(naming: snapshot.schema) ?? "<GUID=\(object.parent)>"
        let (kind, text): (ConflictKind, String) =
            switch object.kind {
            case .name: (.name, "another object has its name")
            case .lostAndFound: (.lostAndFound, "its parent is deleted or below itself: \(parent)")
            case .waiting: (.waiting, "waits for its parent \(parent)")
            }
        return ConflictReply(
            kind: kind,
            dn: object.dn?.description(naming: snapshot.schema),
            objectGUID: object.objectGUID,
            namingContext: view.contextName(object.namingContext),
            losing: write(object.nameStamp),
            text: text
        )
    }

    private func name(_ guid: GUID, _ snapshot: StoreSnapshot) throws -> String? {
        try snapshot.dn(of: guid)?.description(naming: snapshot.schema)
    }

    private func write(_ stamp: Stamp) -> ConflictWriteReply {
        ConflictWriteReply(
            version: stamp.version,
            time: stamp.time,
            invocationID: stamp.invocationID,
            server: servers[stamp.invocationID],
            originatingUSN: stamp.originatingUSN
        )
    }
}
