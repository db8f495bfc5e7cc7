import GRDB
package import Identifiers
package import Replication

extension DirectoryStore {
    /// Compares a partial replica with a restored full one, whose vector was just adopted.
    ///
    /// A full replica's new life stamps everything of the ended one above the USN kept anew, so what still bears
    /// such a stamp here is lost there. The replica is then emptied and joins again: the full one decides.
    /// - Returns: how many objects and links it held beyond the full replica; 0 = it stays as it is.
    @concurrent package func settleRetirements(
        of namingContext: GUID,
        lives: Set<GUID>,
        source: MessageHeader,
        vector: UpToDatenessVector
    ) async throws -> Int {
        let isOpen = try await snapshot { snapshot in
            try snapshot.destination(of: namingContext).unsettledRetirements.contains {
                lives.contains($0.key) && $0.key != source.invocationID
            }
        }
        guard isOpen else { return 0 }
        return try await change(at: .epoch) { transaction in
            let context = try transaction.view.namingContext(namingContext)
            let rows = DestinationRows(db: transaction.db)
            var destination = try rows.load(context)
            let open = destination.unsettledRetirements.filter {
                lives.contains($0.key) && $0.key != source.invocationID
            }
            var beyond = 0
            for (life, retirement) in open.sorted(by: { $0.key < $1.key }) {
                destination.settleRetirement(life)
                // Others gave it back to the full replica.
                let claimed = vector[life]?.usn ?? .zero
                if !retirement.isReused, claimed >= destination.vector[life]?.usn ?? .zero { continue }
                beyond += try transaction.view.countStamps(of: life, above: retirement.keptUSN, in: context)
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
