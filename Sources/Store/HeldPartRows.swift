import GRDB
package import Identifiers
import Replication

extension WriteTransaction {
    /// Why a poisoned part may pass: because somebody released it, or because its future is already here.
    func waiver(
        of reason: HeldReason,
        _ part: ChangesReply,
        _ claim: PartClaim,
        _ destination: Destination,
        _ application: PartApplication
    ) throws -> PoisonWaiver {
        if try isReleased(part, claim, destination) { return .all }
        guard case .stampAhead = reason, try application.bringsNothingAhead() else { return .none }
        return .time
    }

    func isReleased(_ part: ChangesReply, _ claim: PartClaim, _ destination: Destination) throws -> Bool {
        guard let row = try HeldPartRows(db: db).part(part.heldKey), row.decision == .released else {
            return false
        }
        return row.digest == digest(of: part, claim, destination)
    }

    /// Records that a part is held; nothing else changes.
    func hold(
        _ part: ChangesReply,
        _ claim: PartClaim,
        _ reason: HeldReason,
        _ destination: Destination
    ) throws -> HeldCopyFate {
        let rows = HeldPartRows(db: db)
        let digest = digest(of: part, claim, destination)
        guard var row = try rows.part(part.heldKey) else {
            guard try rows.count() < HeldPartRows.heldPartsMax else { return .dropFull }
            let row = HeldPart(
                key: part.heldKey,
                to: part.interval.to,
                asOf: part.asOf,
                code: reason.code,
                sentence: reason.description,
                digest: digest,
                firstSeen: now,
                lastSeen: now,
                times: 1,
                decision: .undecided,
                decided: nil,
                decidedBy: ""
            )
            try rows.save(row)
            return .keep(row, isNew: true)
        }
        row.times += 1
        row.lastSeen = now
        if row.decision == .discarded, row.digest == digest {
            try rows.save(row)
            return .dropDiscarded(row)
        }
        guard part.asOf >= row.asOf else {
            try rows.save(row)
            return .dropOlder(row)
        }
        let isNew = row.decision != .undecided
        (row.to, row.asOf, row.digest) = (part.interval.to, part.asOf, digest)
        (row.code, row.sentence) = (reason.code, reason.description)
        (row.decision, row.decided, row.decidedBy) = (.undecided, nil, "")
        try rows.save(row)
        return .keep(row, isNew: isNew)
    }

    /// Forgets the holds of a source whose intervals are covered now, and the one that this part was.
    func settleHolds(by claim: PartClaim, _ destination: Destination) throws -> [HeldPartKey] {
        let rows = HeldPartRows(db: db)
        let source = claim.header.dsaGUID
        let invocation = claim.header.invocationID
        let held = try rows.parts(destination.namingContext, source, invocation)
        guard !held.isEmpty else { return [] }
        let received = destination.cursor(of: source, invocation)?.received
        let settled = held.filter { part in
            received?.contains(USNInterval(from: part.key.from, to: part.to)) == true
                || part.decision == .released && part.key.from == claim.interval.from
                    && part.asOf <= claim.asOf
        }.map(\.key)
        for key in settled { try rows.remove(key) }
        return settled
    }

    /// Of what a decision is about: the data, and what is wrong with the vector; not of request, times or parts
    /// of it that every new cut changes.
    private func digest(of part: ChangesReply, _ claim: PartClaim, _ destination: Destination) -> [UInt8] {
        var bare = part
        bare.header.bootRecords = []
        bare.requestID = .zero
        bare.interval = USNInterval(from: part.interval.from, to: part.interval.from)
        bare.asOf = part.interval.from
        bare.vector = destination.poisonedEntries(of: claim)
        bare.addedVector = nil
        bare.collected = [:]
        bare.partNumber = 0
        bare.isLast = false
        return view.sha256(ReplicationCodec.encode(.reply(bare)))
    }
}

extension ChangesReply {
    fileprivate var heldKey: HeldPartKey {
        HeldPartKey(
            namingContext: header.namingContext,
            source: header.dsaGUID,
            invocationID: header.invocationID,
            from: interval.from
        )
    }
}

extension StoreSnapshot {
    /// By naming context, source and place.
    package func heldParts() throws -> [HeldPart] { try HeldPartRows(db: db).all() }

    package func heldPart(_ key: HeldPartKey) throws -> HeldPart? { try HeldPartRows(db: db).part(key) }
}

extension DirectoryStore {
    /// Records what a person decided about a held part; nil when no such part is held.
    @concurrent package func decide(
        _ key: HeldPartKey,
        _ decision: HeldDecision,
        by name: String,
        at now: Timestamp
    ) async throws -> HeldPart? {
        try await change(at: now) { transaction in
            let rows = HeldPartRows(db: transaction.db)
            guard var part = try rows.part(key) else { return nil }
            (part.decision, part.decided, part.decidedBy) = (decision, now, name)
            try rows.save(part)
            return part
        }
    }
}

/// The table of held parts.
struct HeldPartRows {
    /// Held parts beyond this number are not kept; their sources send them again.
    static let heldPartsMax: Int64 = 4_096

    let db: Database

    private static let columns = """
        nc, source, invocation, from_usn, to_usn, as_of, code, sentence, digest, first_seen, last_seen, times,
          decision, decided, decided_by
        """

    func count() throws -> Int64 {
        try Query("SELECT count(*) FROM held_parts", in: db).first { $0.integer(0) } ?? 0
    }

    func all() throws -> [HeldPart] {
        try Query(
            "SELECT \(Self.columns) FROM held_parts ORDER BY nc, source, invocation, from_usn",
            in: db
        ).all(read: Self.part)
    }

    func part(_ key: HeldPartKey) throws -> HeldPart? {
        try Query(
            """
            SELECT \(Self.columns) FROM held_parts
              WHERE nc = ? AND source = ? AND invocation = ? AND from_usn = ?
            """,
            in: db
        ).first(
            .guid(key.namingContext),
            .guid(key.source),
            .guid(key.invocationID),
            .usn(key.from),
            read: Self.part
        )
    }

    func parts(_ namingContext: GUID, _ source: GUID, _ invocationID: GUID) throws -> [HeldPart] {
        try Query(
            "SELECT \(Self.columns) FROM held_parts WHERE nc = ? AND source = ? AND invocation = ?",
            in: db
        ).all(.guid(namingContext), .guid(source), .guid(invocationID), read: Self.part)
    }

    func save(_ part: HeldPart) throws {
        try Query(
            """
            INSERT OR REPLACE INTO held_parts(\(Self.columns))
              VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            in: db
        ).run(
            .guid(part.key.namingContext),
            .guid(part.key.source),
            .guid(part.key.invocationID),
            .usn(part.key.from),
            .usn(part.to),
            .usn(part.asOf),
            .text(part.code),
            .text(part.sentence),
            .octets(part.digest),
            .time(part.firstSeen),
            .time(part.lastSeen),
            .integer(Int64(part.times)),
            .integer(part.decision.rawValue),
            .time(part.decided),
            .text(part.decidedBy)
        )
    }

    func remove(_ key: HeldPartKey) throws {
        try Query(
            "DELETE FROM held_parts WHERE nc = ? AND source = ? AND invocation = ? AND from_usn = ?",
            in: db
        ).run(.guid(key.namingContext), .guid(key.source), .guid(key.invocationID), .usn(key.from))
    }

    private static func part(_ columns: Columns) throws -> HeldPart {
        HeldPart(
            key: HeldPartKey(
                namingContext: try columns.guid(0),
                source: try columns.guid(1),
                invocationID: try columns.guid(2),
                from: columns.usn(3)
            ),
            to: columns.usn(4),
            asOf: columns.usn(5),
            code: columns.text(6),
            sentence: columns.text(7),
            digest: columns.octets(8),
            firstSeen: Timestamp(seconds: columns.integer(9)),
            lastSeen: Timestamp(seconds: columns.integer(10)),
            times: Int(columns.integer(11)),
            decision: HeldDecision(rawValue: columns.integer(12)) ?? .undecided,
            decided: columns.time(13),
            decidedBy: columns.text(14)
        )
    }
}
