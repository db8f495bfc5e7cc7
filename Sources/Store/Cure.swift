import DirectoryModel
import GRDB
package import Identifiers
package import Replication

/// What ends a life of this database, and what the next one is called.
package struct CureOrder: Hashable, Sendable {
    /// The life that ends: the present one, or an earlier one that must end lower than it did.
    package var invocationID: GUID
    /// The highest USN that surely means one write to everybody.
    package var keptUSN: USN
    /// Partners may have seen two writes under USNs above it.
    package var isReused: Bool
    /// Random; not used when an earlier life ends.
    package var newInvocationID: GUID
    /// What was lost is still to be taken back from a partial replica.
    package var isRecovering: Bool

    package init(
        invocationID: GUID,
        keptUSN: USN,
        isReused: Bool,
        newInvocationID: GUID,
        isRecovering: Bool = false
    ) {
        self.invocationID = invocationID
        self.keptUSN = keptUSN
        self.isReused = isReused
        self.newInvocationID = newInvocationID
        self.isRecovering = isRecovering
    }
}

/// The stamps of an ended life that still have to be written again.
///
/// Saved with the new life, and gone with the last batch: after a crash in the middle the rest is found here.
struct PendingCure: Hashable {
    var invocationID: GUID
    var keptUSN: USN
    /// The highest USN when the life ended; what is written again stands above it.
    var endUSN: USN
    /// How far objects and link values of all naming contexts were looked at.
    var reachedUSN: USN

    var octets: [UInt8] {
        var writer = ByteWriter()
        writer.guid(invocationID)
        writer.usn(keptUSN)
        writer.usn(endUSN)
        writer.usn(reachedUSN)
        return writer.octets
    }

    init(invocationID: GUID, keptUSN: USN, endUSN: USN) {
        self.invocationID = invocationID
        self.keptUSN = keptUSN
        self.endUSN = endUSN
        reachedUSN = keptUSN
    }

    init(octets: [UInt8]) throws {
        var reader = ByteReader(octets)
        do throws(CodecError) {
            invocationID = try reader.guid()
            keptUSN = try reader.usn()
            endUSN = try reader.usn()
            reachedUSN = try reader.usn()
            try reader.finish("the pending cure")
        } catch { throw StoreError.damaged("the pending cure: \(error)") }
    }
}

/// How a database stands towards cures; all of it survives restarts.
package struct CureState: Hashable, Sendable {
    /// Lives that have ended, oldest first.
    package var retired: [RetiredInvocation] = []
    package var isPending = false
    package var lastCure: Timestamp?
    /// Why this DSA does not replicate until a person acts.
    package var haltReason: String?
    /// The life that a cure would end, and where.
    package var haltedLife: RetiredInvocation?

    package init() {}
}

/// The rows of `meta` that a cure needs.
struct CureRows {
    let db: Database
    private var meta: MetaRows { MetaRows(db: db) }

    init(db: Database) { self.db = db }

    func state() throws -> CureState {
        var state = CureState()
        state.retired = try retired()
        state.isPending = try meta.octets("cure") != nil
        state.lastCure = try meta.integer("curedAt").map { Timestamp(seconds: $0) }
        state.haltReason = try meta.text("haltReason")
        state.haltedLife = try meta.text("haltedLife").flatMap { RetiredInvocation($0) }
        return state
    }

    func retired() throws -> [RetiredInvocation] {
        try (meta.text("retired") ?? "").split(separator: "\n").map { line in
            guard let life = RetiredInvocation(String(line)) else {
                throw StoreError.damaged("the list of ended lives")
            }
            return life
        }
    }

    func save(_ retired: [RetiredInvocation]) throws {
        try meta.save("retired", .text(retired.map(\.text).joined(separator: "\n")))
    }

    func pending() throws -> PendingCure? { try meta.octets("cure").map { try PendingCure(octets: $0) } }

    func save(_ pending: PendingCure?) throws {
        if let pending { try meta.save("cure", .octets(pending.octets)) } else { try meta.remove("cure") }
    }

    func saveCure(at now: Timestamp) throws { try meta.save("curedAt", .time(now)) }

    func saveHalt(_ reason: String?, _ life: RetiredInvocation?) throws {
        if let reason { try meta.save("haltReason", .text(reason)) } else { try meta.remove("haltReason") }
        if let life { try meta.save("haltedLife", .text(life.text)) } else { try meta.remove("haltedLife") }
    }
}

// MARK: - The cure

extension DirectoryStore {
    /// Objects or link values written again in one transaction.
    package static let restampsPerTransactionMax = 1_000

    /// Ends a life of this database and begins the next one; `continueCure` must follow until it is done.
    ///
    /// One transaction: new invocationID, the ended one frozen in every vector, `received` and requests forgotten,
    /// the NTDS Settings object told, and a note of what must be written again.
    @concurrent package func beginCure(_ order: CureOrder, at now: Timestamp) async throws {
        try await change(at: now) { try $0.beginCure(order) }
    }

    /// Writes the next stamps of the ended life again, under the new one.
    ///
    /// - Returns: whether there is more to do.
    @concurrent package func continueCure(limit: Int = restampsPerTransactionMax, at now: Timestamp)
        async throws
        -> Bool
    {
        try await change(at: now) { try $0.continueCure(limit: max(1, limit)) }
    }

    /// Ends a cure completely, from wherever it stands.
    @concurrent package func finishCure(at now: Timestamp) async throws {
        while try await continueCure(at: now) {}
    }

    /// Stops or allows replication, whatever the reason; survives restarts.
    @concurrent package func setHalt(_ reason: String?, life: RetiredInvocation? = nil) async throws {
        try await change(at: .epoch) { try CureRows(db: $0.db).saveHalt(reason, life) }
    }

    /// What an ended life lost was taken back, or nobody has it: it is written again under the present one, and the
    /// NTDS Settings object says so.
    @concurrent package func endRecovery(of invocationID: GUID, at now: Timestamp) async throws {
        try await change(at: now) { transaction in
            let rows = CureRows(db: transaction.db)
            if let life = try rows.retired().first(where: { $0.invocationID == invocationID }) {
                try transaction.restampAll(of: life)
            }
            var retired = try rows.retired()
            for index in retired.indices where retired[index].invocationID == invocationID {
                retired[index].isRecovering = false
            }
            try rows.save(retired)
            try transaction.publishLives()
        }
    }

    /// Tells the NTDS Settings object which life this is and which have ended, unless it says so already.
    @concurrent package func publishLives(at now: Timestamp) async throws {
        try await change(at: now) { try $0.publishLives() }
    }

    /// Takes note, in every naming context, of lives that have ended.
    @concurrent package func retire(_ lives: [RetiredInvocation]) async throws {
        try await change(at: .epoch) { transaction in
            for context in transaction.view.namingContexts {
                let rows = DestinationRows(db: transaction.db)
                var destination = try rows.load(context)
                let before = destination
                destination.retire(lives)
                if destination != before { try rows.save(destination) }
            }
        }
    }
}

extension DirectoryStore {
    /// Copies the committed state into a new file, while others go on writing; blocks on the disk.
    package func copy(to path: String) throws -> (identity: ReplicaIdentity, highestUSN: USN) {
        do {
            let target = try DatabaseQueue(path: path)
            try writer.backup(to: target, pagesPerStep: 4_096)
            let copied = try target.writeWithoutTransaction { db in
                // One file, without a log beside it.
                try db.execute(sql: "PRAGMA journal_mode = DELETE")
                return (try MetaRows(db: db).identity(), try MetaRows(db: db).highestUSN())
            }
            try target.close()
            return copied
        } catch let error as DatabaseError { throw Self.storeError(error, path: nil) }
    }
}

extension StoreSnapshot {
    package func cureState() throws -> CureState { try CureRows(db: db).state() }

    /// Every start that this database remembers, newest first.
    package func allBoots() throws -> [BootRecord] { try BootRows(db: db).all() }
}

extension WriteTransaction {
    func beginCure(_ order: CureOrder) throws {
        guard identity.isSet else { throw StoreError.identityNotSet }
        let rows = CureRows(db: db)
        if order.invocationID == identity.invocationID {
            let next = ReplicaIdentity(dsaGUID: identity.dsaGUID, invocationID: order.newInvocationID)
            try MetaRows(db: db).save(next)
            view.identity = next
        }
        var retired = try rows.retired().filter { $0.invocationID != order.invocationID }
        let life = RetiredInvocation(
            invocationID: order.invocationID,
            keptUSN: order.keptUSN,
            isReused: order.isReused,
            isRecovering: order.isRecovering
        )
        retired.append(life)
        try rows.save(retired)
        for context in view.namingContexts {
            let destinations = DestinationRows(db: db)
            var destination = try destinations.load(context)
            destination.startNewInvocation(previous: order.invocationID, frozenAt: order.keptUSN, at: now)
            destination.retire([life])
            // The full replica is the one that all others are compared with.
            if !context.isPartial { destination.settleRetirement(order.invocationID) }
            try destinations.save(destination)
        }
        if let open = try rows.pending(), open.invocationID != order.invocationID { try finishCure(open) }
        try rows.save(
            PendingCure(invocationID: order.invocationID, keptUSN: order.keptUSN, endUSN: highestUSN)
        )
        // That an earlier life ends lower than it did is the rest of its own cure.
        if identity.invocationID == order.newInvocationID { try rows.saveCure(at: now) }
        try rows.saveHalt(nil, nil)
        try publishLives()
    }

    func continueCure(limit: Int) throws -> Bool {
        let rows = CureRows(db: db)
        guard let pending = try rows.pending() else { return false }
        let next = try restamp(pending, limit: limit)
        try rows.save(next)
        return next != nil
    }

    /// Everything at once: what comes back from a partial replica is no more than was lost.
    func restampAll(of life: RetiredInvocation) throws {
        try finishCure(
            PendingCure(invocationID: life.invocationID, keptUSN: life.keptUSN, endUSN: highestUSN)
        )
    }

    private func finishCure(_ pending: PendingCure) throws {
        var rest: PendingCure? = pending
        while let next = rest { rest = try restamp(next, limit: .max) }
    }

    /// Writes up to `limit` objects and link values again, in the order of their USNs.
    ///
    /// - Returns: what is left; nil at the end.
    private func restamp(_ pending: PendingCure, limit: Int) throws -> PendingCure? {
        var pending = pending
        var found: [(usn: USN, write: () throws -> Void)] = []
        // Read in full before anything is written: writing moves rows to USNs above the end.
        for context in view.namingContexts where !context.isPartial {
            let objectsThere = try Query(
                "SELECT usn, guid FROM objects WHERE nc = ? AND usn > ? AND usn <= ? ORDER BY usn LIMIT ?",
                in: db
            ).all(
                .integer(context.id),
                .usn(pending.reachedUSN),
                .usn(pending.endUSN),
                .integer(Int64(limit))
            ) { (usn: $0.usn(0), guid: try $0.guid(1)) }
            let linksThere = try Query(
                """
                SELECT source, attribute, target, nc, usn, is_present, created, stamp FROM links
                  WHERE nc = ? AND usn > ? AND usn <= ? ORDER BY usn LIMIT ?
                """,
                in: db
            ).all(
                .integer(context.id),
                .usn(pending.reachedUSN),
                .usn(pending.endUSN),
                .integer(Int64(limit)),
                read: LinkRows.row
            )
            let ended = pending
            for (usn, guid) in objectsThere {
                found.append((usn, { try self.restamp(guid, in: context, of: ended) }))
            }
            for link in linksThere {
                found.append((link.usn, { try self.restamp(link, in: context, of: ended) }))
            }
        }
        found.sort { $0.usn < $1.usn }
        let batch = found.prefix(limit)
        guard let last = batch.last else { return nil }
        for item in batch { try item.write() }
        pending.reachedUSN = last.usn
        return pending
    }

    private func isOfEndedLife(_ stamp: Stamp, _ pending: PendingCure) -> Bool {
        stamp.invocationID == pending.invocationID && stamp.originatingUSN > pending.keptUSN
            && !planted(.cureKeepsStamps)
    }

    /// The same values one version higher.
    ///
    /// The time stays: a write that somebody made meanwhile, knowing this one, must still win by being later.
    private func restamped(_ stamp: Stamp, usn: USN) -> Stamp {
        Stamp.originating(over: stamp, at: stamp.time, by: identity.invocationID, usn: usn)
    }

    private func restamp(_ guid: GUID, in context: HeldNamingContext, of pending: PendingCure) throws {
        guard let (row, body) = try objects.rowAndBody(guid) else { return }
        let ended = body.attributes.filter { isOfEndedLife($0.stamp, pending) }
        guard !ended.isEmpty else { return }
        let usn = try takeUSN()
        var renewed = body
        for attribute in ended {
            renewed.set(
                ObjectBody.Attribute(
                    id: attribute.id,
                    stamp: restamped(attribute.stamp, usn: usn),
                    localUSN: usn,
                    values: attribute.values
                )
            )
        }
        try write(guid, in: context, existing: (row, body), body: renewed, usn: usn)
    }

    private func restamp(_ link: LinkRow, in context: HeldNamingContext, of pending: PendingCure) throws {
        guard isOfEndedLife(link.stamp.stamp, pending) else { return }
        var renewed = link
        renewed.usn = try takeUSN()
        renewed.stamp = LinkStamp(
            created: link.stamp.created,
            stamp: restamped(link.stamp.stamp, usn: renewed.usn)
        )
        try links.save(renewed)
        note(changeIn: context)
    }

    // MARK: - The NTDS Settings object

    /// Originates `invocationId` and `retiredInvocation` of the own NTDS Settings object, where they differ.
    ///
    /// Before that object has arrived there is nothing to tell.
    func publishLives() throws {
        guard identity.isSet, let (row, body) = try objects.rowAndBody(identity.dsaGUID),
            row.node.isVisible
        else { return }
        let context = try view.context(id: row.context)
        guard !context.isPartial else { return }
        let invocationID = try attributeID(.invocationId)
        let retiredInvocation = try attributeID(.retiredInvocation)
        let lives = try CureRows(db: db).retired()
        let known = Set(lives.map(\.invocationID) + [identity.invocationID])
        // Lives that only partners still know of: this database is older than they are.
        let others = (body[retiredInvocation]?.values ?? [])
            .compactMap { RetiredInvocation(String(decoding: $0, as: UTF8.self)) }
            .filter { !known.contains($0.invocationID) }
        let texts = (lives + others).map { Array($0.text.utf8) }
            .sorted { $0.lexicographicallyPrecedes($1) }
        var values: [Int32: [[UInt8]]] = [:]
        if body[invocationID]?.values != [identity.invocationID.octets] {
            values[invocationID] = [identity.invocationID.octets]
        }
        if body[retiredInvocation]?.values ?? [] != texts { values[retiredInvocation] = texts }
        guard !values.isEmpty else { return }
        try rewrite((row, body, context), values)
    }
}
