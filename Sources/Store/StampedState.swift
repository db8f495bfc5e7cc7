package import DirectoryModel
package import Identifiers
import Replication

extension StoreSnapshot {
    /// The stamped state of one replica as octets: equal exactly when the canonical dumps are, vectors aside.
    ///
    /// Nobody can read them, and they cost a fraction of the dump: for a simulation, which compares replicas by the
    /// thousand. The restriction is that of `canonicalDump`.
    package func stampedState(of namingContext: GUID, restrictedTo: Set<OID>? = nil) throws -> [UInt8] {
        let context = try self.namingContext(namingContext)
        let order = try DumpOrder(self, restrictedTo)
        var octets: [UInt8] = []
        octets.reserveCapacity(1 << 17)
        let rows = try Query(
            "SELECT guid, parent, name_stamp, body FROM objects WHERE nc = ? ORDER BY guid",
            in: db
        ).all(.integer(context.id)) {
            (guid: try $0.guid(0), place: $0.octets(1) + $0.octets(2), body: $0.octets(3))
        }
        for row in rows {
            octets += row.guid.octets
            octets += row.place
            let attributes = try ObjectRows.body(row.body, of: row.guid).attributes
            for (rank, attribute) in order.sorted(attributes, by: \.id) {
                octets += order.oids[rank].derContent
                octets += StampOctets.octets(of: attribute.stamp)
                attribute.valueSet.append(to: &octets)
            }
        }
        let found = try Query(
            "SELECT \(LinkRows.columns) FROM links WHERE nc = ? ORDER BY source, attribute, target",
            in: db
        )
        .all(.integer(context.id), read: LinkRows.row)
        for rows in Self.bySource(found) {
            for (rank, row) in order.sorted(rows, by: \.attribute) {
                octets += row.source.octets
                octets += order.oids[rank].derContent
                octets += row.target.octets
                octets += StampOctets.octets(of: row.stamp.stamp)
                withUnsafeBytes(of: row.stamp.created.seconds) { octets.append(contentsOf: $0) }
                octets.append(row.isPresent ? 1 : 0)
            }
        }
        return octets
    }

    /// Of each source ascending by attribute number and target, as the table has them.
    private static func bySource(_ rows: [LinkRow]) -> [ArraySlice<LinkRow>] {
        var groups: [ArraySlice<LinkRow>] = []
        var start = 0
        for index in rows.indices where index > start && rows[index].source != rows[start].source {
            groups.append(rows[start..<index])
            start = index
        }
        if start < rows.count { groups.append(rows[start...]) }
        return groups
    }
}

/// The attributes that a dump shows, in an order that all databases agree on: attribute numbers are each one's own.
private struct DumpOrder {
    /// By rank.
    let oids: [OID]
    /// Ranks by attribute number.
    private let ranks: [Int32: Int]

    init(_ snapshot: StoreSnapshot, _ restriction: Set<OID>?) throws {
        let rows = try Query("SELECT id, oid FROM attribute_ids ORDER BY oid", in: snapshot.db)
            .all { (id: Int32(truncatingIfNeeded: $0.integer(0)), oid: $0.octets(1)) }
        var (oids, ranks): ([OID], [Int32: Int]) = ([], [:])
        for row in rows {
            guard let oid = OID(derContent: row.oid), StoreSnapshot.isDumped(oid, restriction) else {
                continue
            }
            ranks[row.id] = oids.count
            oids.append(oid)
        }
        (self.oids, self.ranks) = (oids, ranks)
    }

    /// What is dumped of these, by rank; those of one attribute keep their order.
    func sorted<Item>(_ items: some Sequence<Item>, by id: KeyPath<Item, Int32>) -> [(rank: Int, item: Item)]
    {
        let ranked = items.compactMap { item in ranks[item[keyPath: id]].map { (rank: $0, item: item) } }
        let isSorted = zip(ranked, ranked.dropFirst()).allSatisfy { $0.rank <= $1.rank }
        // The standard library's sort is stable, and most databases gave the same numbers in the same order.
        return isSorted ? ranked : ranked.sorted { $0.rank < $1.rank }
    }
}
