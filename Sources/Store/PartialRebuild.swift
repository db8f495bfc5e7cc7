import DirectoryModel
import GRDB
package import Identifiers
package import Replication

extension DirectoryStore {
    /// Compares a partial replica with a restored full one, whose vector was just adopted.
    ///
    /// What a full replica says to lack of an earlier life of its own database, it has lost, or it has it under
    /// stamps of the present one. What still bears a stamp of the earlier life here is lost there: the replica is
    /// emptied and joins again, for the full one decides. Else the vector comes down to what that one claims.
    /// - Returns: how many objects and links it held beyond the full replica; 0 = it stays as it is.
    @concurrent package func settleRetirements(
        of namingContext: GUID,
        source: MessageHeader,
        asOf: USN,
        vector: UpToDatenessVector
    ) async throws -> Int {
        let isOpen = try await snapshot { snapshot in
            let destination = try snapshot.destination(of: namingContext)
            let heard = try InvocationRows(db: snapshot.db).lives(of: source.dsaGUID)
            return !destination.earlierLives(of: source, heard: heard, asOf: asOf, claiming: vector).isEmpty
        }
        guard isOpen else { return 0 }
        return try await change(at: .epoch) { transaction in
            let context = try transaction.view.namingContext(namingContext)
            let rows = transaction.destinationRows
            var destination = try rows.load(context)
            guard try transaction.isSettled(source, asOf: asOf) else { return 0 }
            var beyond = 0
            let heard = try InvocationRows(db: transaction.db).lives(of: source.dsaGUID)
            let lives = destination.earlierLives(of: source, heard: heard, asOf: asOf, claiming: vector)
            for (life, keptUSN) in lives {
                beyond += try transaction.view.countStamps(of: life, above: keptUSN, in: context)
                destination.settleRetirement(life, at: keptUSN)
            }
            if beyond > 0 {
                try transaction.empty(context)
                destination.resync()
            }
            try rows.save(destination)
            return beyond
        }
    }
}

extension StoreSnapshot {
    /// Objects and link values of a naming context that bear a stamp of that life above a USN.
    func countStamps(of life: GUID, above usn: USN, in context: HeldNamingContext) throws -> Int {
        var count = 0
        let scan = try Query(streaming: "SELECT guid, body FROM objects WHERE nc = ?", in: db)
        defer { scan.stop() }
        try scan.start(.integer(context.id))
        while try scan.step() {
            let body = try ObjectRows.body(scan.columns.octets(1), of: scan.columns.guid(0))
            let isBeyond = body.attributes.contains {
                $0.stamp.invocationID == life && $0.stamp.originatingUSN > usn
            }
            if isBeyond { count += 1 }
        }
        let links = try Query(streaming: "SELECT stamp FROM links WHERE nc = ?", in: db)
        defer { links.stop() }
        try links.start(.integer(context.id))
        while try links.step() {
            let stamp = try StampOctets.stamp(links.columns.octets(0))
            if stamp.invocationID == life, stamp.originatingUSN > usn { count += 1 }
        }
        return count
    }
}

extension WriteTransaction {
    /// Whether a part shows what the source has for good: cut after it wrote everything again, as its NTDS Settings
    /// object says, and after it took back what partial replicas had.
    fileprivate func isSettled(_ source: MessageHeader, asOf: USN) throws -> Bool {
        guard let settings = try objects.body(of: source.dsaGUID) else { return true }
        let life = settings[try attributeID(.invocationId)]?.values.first
        guard life == source.invocationID.octets else { return false }
        guard let retired = settings[try attributeID(.retiredInvocation)] else { return true }
        let isRecovering = retired.values.contains {
            RetiredInvocation(String(decoding: $0, as: UTF8.self))?.isRecovering ?? false
        }
        let isCutBefore =
            retired.stamp.invocationID == source.invocationID && asOf < retired.stamp.originatingUSN
        return !isRecovering && !isCutBefore
    }

    /// Removes every object and link value of a partial replica; nothing of it is originated, and its source has all.
    func empty(_ context: HeldNamingContext) throws {
        try Query(
            "DELETE FROM attribute_index WHERE object IN (SELECT id FROM objects WHERE nc = ?)",
            in: db
        ).run(.integer(context.id))
        try Query("DELETE FROM objects WHERE nc = ?", in: db).run(.integer(context.id))
        try Query("DELETE FROM links WHERE nc = ?", in: db).run(.integer(context.id))
        view.forgetNames()
    }
}
