import DirectoryModel
package import Identifiers
package import Replication

/// What applying needs beside the parts.
package struct ApplyContext: Hashable, Sendable {
    package var ownDSA: GUID
    package var now: Timestamp
    /// The parts are a sealed snapshot carried by hand: into an empty replica they count as an answered request.
    package var isMedia: Bool
    /// The parts hold what the first mails of an empty replica need: data only, which answers no request.
    package var isSeed = false
    /// What brought each part, in the order of the parts; parts beyond its end came by nothing that is known.
    package var carriers: [PartCarrier]

    package init(ownDSA: GUID, now: Timestamp, isMedia: Bool = false, carriers: [PartCarrier] = []) {
        self.ownDSA = ownDSA
        self.now = now
        self.isMedia = isMedia
        self.carriers = carriers
    }
}

/// What became of one part.
package struct PartOutcome: Hashable, Sendable {
    package var verdict: PartVerdict
    /// Objects whose stamped state changed.
    package var objectsApplied = 0
    package var attributesApplied = 0
    package var linksApplied = 0
    /// Attributes and link values that were held already, or superseded.
    package var unchanged = 0
    /// Updates of objects that are not held, in parts that answer no request of ours, and bare deletions.
    package var skipped = 0
    /// What the end of a resync took away; nil when none ended here.
    package var sweep: SweepOutcome?
    /// Writes of one attribute made without knowledge of each other.
    package var conflicts = 0
    /// What the cursors did; nil when the part was not applied.
    package var commit: CommitResult?
    /// The newest USN that the part took; nil when it changed nothing.
    package var changedUpTo: USN?
    /// What became of a held part's copy; nil when the part is not held.
    package var heldCopy: HeldCopyFate?
    /// Parts held earlier that are of no use any more: what they bring is here.
    package var settledHolds: [HeldPartKey] = []
    package var schemaChanged = false
    package var configurationChanged = false

    package init(verdict: PartVerdict) { self.verdict = verdict }
}

extension WriteTransaction {
    /// Applies parts in their order; the cursors move in this transaction.
    func apply(_ parts: [ChangesReply], context: ApplyContext) throws -> [PartOutcome] {
        var destinations: [GUID: Destination] = [:]
        var outcomes: [PartOutcome] = []
        for (index, part) in parts.enumerated() {
            let namingContext = part.header.namingContext
            guard let held = view.namingContexts.first(where: { $0.guid == namingContext }) else {
                outcomes.append(PartOutcome(verdict: .refused(.wrongNamingContext(namingContext))))
                continue
            }
            var destination = try destinations[namingContext] ?? destinationRows.load(held)
            let usnBefore = highestUSN
            outcomes.append(try apply(part, to: held, &destination, context))
            try record(part, above: usnBefore, context, index)
            destinations[namingContext] = destination
        }
        for destination in destinations.values { try destinationRows.save(destination) }
        return outcomes
    }

    private func apply(
        _ part: ChangesReply,
        to held: HeldNamingContext,
        _ destination: inout Destination,
        _ context: ApplyContext
    ) throws -> PartOutcome {
        let wasJoined = destination.hasJoined
        if context.isMedia { noteMedia(part, in: &destination, context) }
        if let suspicion = try suspicion(of: part.header, usn: part.asOf) {
            return PartOutcome(verdict: .refused(.rollbackSuspected(suspicion)))
        }
        let claim = PartClaim(part, ownInvocationID: identity.invocationID, ownUSN: highestUSN)
        var outcome = PartOutcome(
            verdict: context.isSeed ? .apply(movesCursors: false) : destination.judge(claim, at: now)
        )
        let application = try examine(part, claim, held, destination, &outcome)
        switch outcome.verdict {
        case .refused, .stale: break
        case .held(let reason):
            outcome.heldCopy = try hold(part, claim, reason, destination)
            destination.noteHeld(claim, at: now)
            if planted(.heldPartMovesCursors) { outcome.commit = destination.commit(claim, at: now) }
        case .duplicate:
            try noteBoots(of: part.header, usn: part.asOf)
            outcome.commit = destination.commit(claim, at: now)
            try settle(part, held, &destination, wasJoined: wasJoined, &outcome)
            outcome.settledHolds = try settleHolds(by: claim, destination)
        case .apply:
            let usnBefore = highestUSN
            try noteBoots(of: part.header, usn: part.asOf)
            try application?.run(&outcome)
            if planted(.cursorsTakeUSNs) { _ = try takeUSN() }
            if destination.isResyncing { try noteSeen(part, in: held) }
            if highestUSN != usnBefore {
                outcome.changedUpTo = highestUSN
                outcome.schemaChanged = held.role == .schema
                outcome.configurationChanged = held.role == .configuration
            }
            outcome.commit = destination.commit(claim, at: now)
            try settle(part, held, &destination, wasJoined: wasJoined, &outcome)
            outcome.settledHolds = try settleHolds(by: claim, destination)
        }
        return outcome
    }

    /// What a planted bug does in a transaction of its own: the cursors move, and no data comes.
    func commitWithoutData(_ parts: [ChangesReply]) throws {
        for part in parts {
            guard let held = view.namingContexts.first(where: { $0.guid == part.header.namingContext }) else {
                continue
            }
            var destination = try destinationRows.load(held)
            let claim = PartClaim(part, ownInvocationID: identity.invocationID, ownUSN: highestUSN)
            guard destination.hasJoined, case .apply = destination.judge(claim, at: now) else { continue }
            _ = destination.commit(claim, at: now)
            try destinationRows.save(destination)
        }
    }

    /// What the judge cannot see without the data at hand; nil when there is nothing to apply.
    private func examine(
        _ part: ChangesReply,
        _ claim: PartClaim,
        _ held: HeldNamingContext,
        _ destination: Destination,
        _ outcome: inout PartOutcome
    ) throws -> PartApplication? {
        switch outcome.verdict {
        case .refused, .stale, .duplicate: return nil
        case .apply, .held: break
        }
        let application = try PartApplication(part, held, destination, in: self)
        var waived = PoisonWaiver.none
        if case .held(let reason) = outcome.verdict {
            waived = try waiver(of: reason, part, claim, destination, application)
            if waived != .none { outcome.verdict = destination.judge(claim, at: now, waiving: waived) }
        }
        if case .apply(let movesCursors) = outcome.verdict {
            let isJoining = destination.requests.first { $0.requestID == part.requestID }?.isJoining ?? false
            var objection = try application.objection(
                isKnown: movesCursors,
                mayLeap: isJoining || waived == .all
            )
            if case .held = objection, try isReleased(part, claim, destination) {
                objection = try application.objection(isKnown: movesCursors, mayLeap: true)
            }
            if let objection { outcome.verdict = objection }
            if case .refused(.lingeringObject) = objection {
                try noteLingering(try application.lingeringObjects(), in: part, held)
            }
        }
        return application
    }

    /// Media has no request; the first part of it makes one, which the whole of it answers.
    private func noteMedia(_ part: ChangesReply, in destination: inout Destination, _ context: ApplyContext) {
        guard !destination.hasJoined,
            !destination.requests.contains(where: { $0.requestID == part.requestID })
        else { return }
        let header = MessageHeader(
            dsaGUID: identity.dsaGUID,
            invocationID: identity.invocationID,
            bootRecords: [],
            namingContext: destination.namingContext
        )
        _ = destination.makeRequest(
            to: part.header.dsaGUID,
            id: part.requestID,
            header: header,
            kind: kind(of: destination),
            limits: PartLimits(),
            at: now,
            ownUSN: highestUSN
        )
    }

    /// Media that was cut with less than what this replica keeps is data only, like any such part.
    private func kind(of destination: Destination) -> ReplicaKind {
        guard let set = destination.partialSet else { return .full }
        let digest = view.sha256(PartialSet.hashedOctets(of: set.attributes))
        return .partial(digest: Array(digest.prefix(ReplicationLimits.digestOctets)))
    }
}

/// One part on its way into the database.
///
/// Replicated writes are checked against no schema rule.
struct PartApplication {
    let part: ChangesReply
    let held: HeldNamingContext
    let transaction: WriteTransaction
    /// By index in the part's table; nil for what this partial replica does not keep.
    private let ids: [Int32?]
    /// Of a partial replica: the ids of attributes that were being added when the part was asked for.
    private let added: Set<Int32>
    /// Of every object, in the order of the part.
    private let contents: [Content]
    /// What comes back of them gets a stamp of the present life in the same transaction.
    private let ended: EndedLives

    init(
        _ part: ChangesReply,
        _ held: HeldNamingContext,
        _ destination: Destination,
        in transaction: WriteTransaction
    ) throws {
        self.part = part
        self.held = held
        self.transaction = transaction
        // The set that the cursors speak of, not the schema's: within this transaction that may be newer.
        let kept = destination.partialSet.map { Set($0.attributes) }
        let request = destination.requests.first { $0.requestID == part.requestID }
        added = Set(try (request?.addedAttributes ?? []).map { try transaction.attributeID($0) })
        let ids = try part.attributes.map { oid -> Int32? in
            guard kept?.contains(oid) ?? true else { return nil }
            if planted(.unknownAttributeDropped), transaction.view.schema.attribute(oid: oid) == nil {
                return nil
            }
            return try transaction.attributeID(oid)
        }
        self.ids = ids
        contents = part.objects.map { Content($0, ids: ids) }
        ended = held.isPartial ? .none : EndedLives(try CureRows(db: transaction.db).retired())
    }

    private func id(_ index: Int) -> Int32? { ids.indices.contains(index) ? ids[index] : nil }

    // MARK: - Before anything is written

    /// Why the part must not be applied; found only with the objects at hand.
    ///
    /// Only where the part answers a request of ours (`isKnown`), an update of an object that we lack shows a
    /// lingering object: other parts may be older than what created it. Versions may be far above ours while
    /// joining, and in a part that was released (`mayLeap`).
    func objection(isKnown: Bool, mayLeap: Bool) throws -> PartVerdict? {
        var created: Set<GUID> = []
        for (object, content) in zip(part.objects, contents) {
            if content.hasMalformedName {
                return .refused(.contradictory(interval: part.interval, asOf: part.asOf))
            }
            if content.canCreate { created.insert(object.objectGUID) }
            if isKnown, !planted(.lingeringObjectSkipped), !content.canCreate, !content.isDeletion,
                !created.contains(object.objectGUID),
                !hasOnlyAdded(object), try !transaction.objects.holds(object.objectGUID)
            {
                return .refused(.lingeringObject(object.objectGUID))
            }
            if !mayLeap, let version = try leapingVersion(in: object) {
                return .held(.versionLeap(objectGUID: object.objectGUID, version: version))
            }
        }
        return nil
    }

    /// Every one in the part, for the list.
    func lingeringObjects() throws -> [GUID] {
        let all = zip(part.objects, contents)
        let created = Set(all.filter { $0.1.canCreate }.map(\.0.objectGUID))
        let suspects = all.filter { object, content in
            !content.canCreate && !content.isDeletion && !created.contains(object.objectGUID)
                && !hasOnlyAdded(object)
        }
        return try suspects.map(\.0.objectGUID).filter { try !transaction.objects.holds($0) }
    }

    /// What the second vector lets through of an object that the main vector covers: collected here, or never to be
    /// held, since its creation was not filtered out otherwise.
    private func hasOnlyAdded(_ object: ReplicatedObject) -> Bool {
        !added.isEmpty && object.attributes.allSatisfy { id($0.attribute).map { added.contains($0) } ?? true }
    }

    private func leapingVersion(in object: ReplicatedObject) throws -> UInt32? {
        let high = object.attributes.filter { $0.stamp.version > PoisonCheck.versionLeapMax }
        guard !high.isEmpty, let body = try transaction.objects.body(of: object.objectGUID) else {
            return nil
        }
        return high.first { attribute in
            guard let id = id(attribute.attribute), let local = body[id]?.stamp else { return false }
            return PoisonCheck.isVersionLeap(existing: local, incoming: attribute.stamp)
        }?.stamp.version
    }

    /// Whether everything whose stamp is ahead is held already or superseded: then it can do no more harm here.
    func bringsNothingAhead() throws -> Bool {
        for object in part.objects {
            let ahead = object.attributes.filter { PoisonCheck.isAhead($0.stamp.time, at: transaction.now) }
            guard !ahead.isEmpty else { continue }
            let body = try transaction.objects.body(of: object.objectGUID)
            for attribute in ahead {
                guard let id = id(attribute.attribute) else { continue }
                let outcome = ConflictRules.outcome(local: body?[id]?.stamp, incoming: attribute.stamp)
                if outcome == .takeIncoming { return false }
            }
        }
        for link in part.links {
            let time = max(link.stamp.created, link.stamp.stamp.time)
            guard PoisonCheck.isAhead(time, at: transaction.now), let id = id(link.attribute) else {
                continue
            }
            let local = try transaction.links.row(link.source, id, link.target)?.stamp
            if ConflictRules.outcome(local: local, incoming: link.stamp) == .takeIncoming { return false }
        }
        return true
    }

    /// What an update carries of the attributes that make an object.
    private struct Content {
        /// Nil also when the update carries no name.
        var name: NameValue?
        var isDeletion = false
        var hasMalformedName = false
        private var hasClass = false

        var canCreate: Bool { name != nil && hasClass }

        init(_ object: ReplicatedObject, ids: [Int32?]) {
            for attribute in object.attributes where ids.indices.contains(attribute.attribute) {
                switch ids[attribute.attribute] {
                case AttributeIDs.name:
                    name = attribute.valueSet.first.flatMap(NameValue.init(octets:))
                    hasMalformedName = name == nil
                case AttributeIDs.objectClass: hasClass = !attribute.valueSet.isEmpty
                case AttributeIDs.isDeleted: isDeletion = attribute.valueSet.first == ObjectBody.deletedMark
                default: break
                }
            }
        }
    }

    // MARK: - Writing

    func run(_ outcome: inout PartOutcome) throws {
        for (object, content) in zip(part.objects, contents) { try apply(object, content, &outcome) }
        for link in part.links { try apply(link, &outcome) }
    }

    private func apply(_ object: ReplicatedObject, _ content: Content, _ outcome: inout PartOutcome) throws {
        let existing = try transaction.objects.rowAndBody(object.objectGUID)
        guard existing?.row.context ?? held.id == held.id,
            existing != nil || content.canCreate, try !isDroppedByBug(existing == nil, content)
        else {
            outcome.skipped += 1
            return
        }
        var body = existing?.body ?? ObjectBody()
        var taken: [ObjectBody.Attribute] = []
        taken.reserveCapacity(object.attributes.count)
        for attribute in object.attributes {
            guard let id = id(attribute.attribute) else { continue }
            let local = body[id]
            switch ConflictRules.outcome(local: local?.stamp, incoming: attribute.stamp) {
            case .same:
                outcome.unchanged += 1
                continue
            case .keepLocal: outcome.unchanged += 1
            case .takeIncoming:
                taken.append(
                    .init(id: id, stamp: attribute.stamp, localUSN: .zero, valueSet: attribute.valueSet)
                )
            }
            if let local, ConflictRules.isConflict(local: local.stamp, incoming: attribute.stamp) {
                outcome.conflicts += 1
                try noteConflict(of: object.objectGUID, local, attribute)
            }
        }
        guard !taken.isEmpty else { return }
        guard body.attributes.count + taken.count <= ReplicationLimits.attributesPerMessageMax else {
            outcome.skipped += 1
            return
        }
        let usn = try transaction.takeUSN()
        taken.sort { $0.id < $1.id }
        for index in taken.indices {
            taken[index].localUSN = usn
            if ended.wrote(taken[index].stamp) {
                taken[index].stamp = transaction.restamped(taken[index].stamp, usn: usn)
            }
        }
        if existing == nil { body = ObjectBody(attributes: taken) } else { taken.forEach { body.set($0) } }
        try transaction.write(
            object.objectGUID,
            in: held,
            existing: existing,
            body: body,
            name: existing == nil ? content.name : nil,
            usn: usn
        )
        outcome.objectsApplied += 1
        outcome.attributesApplied += taken.count
    }

    private func isDroppedByBug(_ isNew: Bool, _ content: Content) throws -> Bool {
        if planted(.unheldTombstoneDropped), isNew, content.isDeletion { return true }
        guard planted(.orphanDropped), isNew, let parent = content.name?.parent else { return false }
        return try !transaction.objects.holds(parent)
    }

    /// Nobody loses where both wrote the same.
    private func noteConflict(
        of object: GUID,
        _ local: ObjectBody.Attribute,
        _ incoming: ReplicatedAttribute
    ) throws {
        guard local.valueSet != incoming.valueSet, !planted(.lostWriteNotKept) else { return }
        let isLocalLost = local.stamp < incoming.stamp
        try transaction.ledger.note(
            LostWrite(
                object: object,
                attribute: local.id,
                target: .zero,
                context: held.id,
                losing: isLocalLost ? local.stamp : incoming.stamp,
                winning: isLocalLost ? incoming.stamp : local.stamp,
                values: isLocalLost ? local.valueSet : incoming.valueSet
            ),
            from: part.header.dsaGUID
        )
    }

    /// One side put the value there, the other took it away.
    private func noteConflict(_ local: LinkRow, _ incoming: ReplicatedLink) throws {
        let isLocalLost = local.stamp < incoming.stamp
        let isLostPresent = isLocalLost ? local.isPresent : incoming.isPresent
        try transaction.ledger.note(
            LostWrite(
                object: local.source,
                attribute: local.attribute,
                target: local.target,
                context: held.id,
                losing: isLocalLost ? local.stamp.stamp : incoming.stamp.stamp,
                winning: isLocalLost ? incoming.stamp.stamp : local.stamp.stamp,
                values: isLostPresent ? ConflictLedger.present : .empty
            ),
            from: part.header.dsaGUID
        )
    }

    /// A value whose source has not arrived waits in the table and shows when the source comes.
    private func apply(_ link: ReplicatedLink, _ outcome: inout PartOutcome) throws {
        guard let id = id(link.attribute) else { return }
        let local = try transaction.links.row(link.source, id, link.target)
        let isOutlived = planted(.absentLinkLoses) && !link.isPresent && local?.isPresent == true
        guard local?.context ?? held.id == held.id, !isOutlived else {
            outcome.skipped += 1
            return
        }
        if let local, local.isPresent != link.isPresent,
            ConflictRules.isConflict(local: local.stamp.stamp, incoming: link.stamp.stamp)
        {
            outcome.conflicts += 1
            try noteConflict(local, link)
        }
        switch ConflictRules.outcome(local: local?.stamp, incoming: link.stamp) {
        case .same, .keepLocal:
            outcome.unchanged += 1
        case .takeIncoming:
            let usn = try transaction.takeUSN()
            let isEnded = ended.wrote(link.stamp.stamp)
            try transaction.links.save(
                LinkRow(
                    source: link.source,
                    attribute: id,
                    target: link.target,
                    context: held.id,
                    usn: usn,
                    isPresent: link.isPresent,
                    stamp: LinkStamp(
                        created: link.stamp.created,
                        stamp: isEnded
                            ? transaction.restamped(link.stamp.stamp, usn: usn) : link.stamp.stamp
                    ),
                    ageMark: link.isPresent ? nil : try transaction.age()
                )
            )
            transaction.note(changeIn: held)
            outcome.linksApplied += 1
        }
    }
}
