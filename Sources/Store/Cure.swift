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

/// What was written in lives of this database that have ended, above the USNs kept for them.
///
/// A claim to such writes is never certain: of a life whose USNs mean two writes nobody may make it, and otherwise
/// perhaps nobody does, because the database was put back before a partner had all of an answer. So this database
/// gives them stamps of its present life, wherever it finds them.
struct EndedLives: Sendable {
    private let kept: [GUID: USN]

    init(_ retired: [RetiredInvocation]) {
        kept = Dictionary(retired.map { ($0.invocationID, $0.keptUSN) }, uniquingKeysWith: min)
    }

    init(_ pending: PendingCure) { kept = [pending.invocationID: pending.keptUSN] }

    static let none = EndedLives([])

    func wrote(_ stamp: Stamp) -> Bool {
        guard let usn = kept[stamp.invocationID] else { return false }
        return stamp.originatingUSN > usn && !planted(.cureKeepsStamps)
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

    /// What an ended life lost was taken back, or nobody has it: all of it is written again under the present one now,
    /// and the NTDS Settings object says so.
    @concurrent package func endRecovery(of invocationID: GUID, at now: Timestamp) async throws {
        try await change(at: now) { transaction in
            let rows = CureRows(db: transaction.db)
            var retired = try rows.retired()
            for index in retired.indices where retired[index].invocationID == invocationID {
                try transaction.restampRecovered(above: retired[index].keptUSN)
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
                let rows = transaction.destinationRows
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
            let destinations = destinationRows
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

    /// What partial replicas gave back of the own domain, under whatever life: everything at once, for it is no more
    /// than was lost.
    ///
    /// Of a life between the backup and its loss this database knows nothing; so what counts is that its vector
    /// covers none of it. It came under USNs above that of the backup.
    func restampRecovered(above keptUSN: USN) throws {
        for context in view.namingContexts where !context.isPartial && context.role == .domain {
            let vector = try destinationRows.load(context)
                .advertisedVector(own: identity.invocationID, ownUSN: highestUSN, at: now)
            let found = try written(in: context, above: keptUSN, upTo: highestUSN, limit: .max)
            for item in found { try restamp(item, in: context) { !vector.covers($0) } }
        }
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
        // Read in full before anything is written: writing moves rows to USNs above the end.
        let found = try view.namingContexts.filter { !$0.isPartial }
            .flatMap { context in
                try written(in: context, above: pending.reachedUSN, upTo: pending.endUSN, limit: limit)
                    .map { (context: context, item: $0) }
            }
            .sorted { $0.item.usn < $1.item.usn }
        let batch = found.prefix(limit)
        guard let last = batch.last else { return nil }
        let ended = EndedLives(pending)
        for (context, item) in batch { try restamp(item, in: context) { ended.wrote($0) } }
        pending.reachedUSN = last.item.usn
        return pending
    }

    private enum WrittenItem {
        case object(GUID, usn: USN)
        case link(LinkRow)

        var usn: USN {
            switch self {
            case .object(_, let usn): usn
            case .link(let row): row.usn
            }
        }
    }

    /// Up to `limit` objects and as many link values with local USNs in that range.
    private func written(in context: HeldNamingContext, above low: USN, upTo high: USN, limit: Int) throws
        -> [WrittenItem]
    {
        let range: [SQLValue] = [.integer(context.id), .usn(low), .usn(high), .integer(Int64(limit))]
        let objectsThere = try Query(
            "SELECT usn, guid FROM objects WHERE nc = ? AND usn > ? AND usn <= ? ORDER BY usn LIMIT ?",
            in: db
        ).all(range) { WrittenItem.object(try $0.guid(1), usn: $0.usn(0)) }
        let linksThere = try Query(
            "SELECT \(LinkRows.columns) FROM links WHERE nc = ? AND usn > ? AND usn <= ? ORDER BY usn LIMIT ?",
            in: db
        ).all(range) { WrittenItem.link(try LinkRows.row($0)) }
        return objectsThere + linksThere
    }

    private func restamp(
        _ item: WrittenItem,
        in context: HeldNamingContext,
        where isDue: (Stamp) -> Bool
    ) throws {
        switch item {
        case .object(let guid, _):
            guard let (row, body) = try objects.rowAndBody(guid) else { return }
            try restamp((row, body), in: context, where: isDue)
        case .link(let link): if isDue(link.stamp.stamp) { try restamp(link, in: context) }
        }
    }

    /// Of an object those attributes whose stamp is due.
    func restamp(
        _ object: (row: ObjectRow, body: ObjectBody),
        in context: HeldNamingContext,
        where isDue: (Stamp) -> Bool
    ) throws {
        let ended = object.body.attributes.filter { isDue($0.stamp) }
        guard !ended.isEmpty else { return }
        let usn = try takeUSN()
        var renewed = object.body
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
        try write(object.row.guid, in: context, existing: object, body: renewed, usn: usn)
    }

    func restamp(_ link: LinkRow, in context: HeldNamingContext) throws {
        var renewed = link
        renewed.usn = try takeUSN()
        renewed.stamp = LinkStamp(
            created: link.stamp.created,
            stamp: restamped(link.stamp.stamp, usn: renewed.usn)
        )
        // As with tombstones: partners see it only now, and must have time to.
        renewed.ageMark = link.isPresent ? nil : try age()
        try links.save(renewed)
        note(changeIn: context)
    }

    /// The stamp under which the same values are written again: the next one in the order of stamps.
    ///
    /// It must be above the one it replaces, and below that of every write made by somebody who knew it, even by a
    /// slow clock or within the same second. So the version stays, and the time is moved by a second.
    func restamped(_ stamp: Stamp, usn: USN) -> Stamp {
        Stamp(
            version: stamp.version,
            time: stamp.time.adding(seconds: 1),
            invocationID: identity.invocationID,
            originatingUSN: usn
        )
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
