package import DirectoryModel
import GRDB
package import Identifiers
package import Replication

/// An entry of the conflict ledger: what a write wrote that lost against a concurrent one.
package struct Conflict: Hashable, Sendable {
    package let id: Int64
    package let objectGUID: GUID
    package let namingContext: GUID
    /// The schema's name, else the dotted OID.
    package let attribute: String
    /// Of a link value: the other end.
    package let target: GUID?
    package let losing: Stamp
    /// What stood against it when it lost.
    package let winning: Stamp
    /// In presentation form; of a link value none.
    package let values: [[UInt8]]
    /// Of a link value: whether the losing write put it there.
    package let isPresent: Bool
    /// The DSA whose part brought the two together.
    package let source: GUID
    package let found: Timestamp
}

/// How full the ledger is.
package struct ConflictCounts: Hashable, Sendable {
    package let entries: Int
    package let octets: Int
    /// The oldest ones, which made room.
    package let dropped: Int
}

/// An object that does not appear where its writer put it.
package struct DisplacedObject: Hashable, Sendable {
    package enum Kind: Hashable, Sendable, CaseIterable {
        /// Under a conflict name: another object has its name.
        case name
        case lostAndFound
        /// Invisible until its parent arrives.
        case waiting
    }

    package let kind: Kind
    package let objectGUID: GUID
    package let namingContext: GUID
    /// Nil while it waits.
    package let dn: DistinguishedName?
    /// The parent that its writer named.
    package let parent: GUID
    package let parentDN: DistinguishedName?
    package let nameStamp: Stamp
}

/// A link value that another hides, of an attribute that holds one value.
package struct HiddenValue: Hashable, Sendable {
    package let objectGUID: GUID
    package let attribute: String
    package let target: GUID
    package let stamp: Stamp
    package let shown: GUID
    package let shownStamp: Stamp
}

extension StoreSnapshot {
    /// Entries of the ledger, newest first.
    package func conflicts(of objectGUID: GUID? = nil, limit: Int) throws -> [Conflict] {
        // The whole index is read for one object: entries are few, and applying needs them in another order.
        let filter = objectGUID == nil ? "" : "WHERE id IN (SELECT id FROM conflicts WHERE object = ?2)"
        let query = try Query(
            "SELECT \(Self.conflictColumns) FROM conflicts \(filter) ORDER BY id DESC LIMIT ?1",
            in: db
        )
        let limit = SQLValue.integer(Int64(limit))
        let arguments = objectGUID.map { [limit, .guid($0)] } ?? [limit]
        return try query.all(arguments) { try StoredConflict($0) }.map(conflict)
    }

    package func conflict(_ id: Int64) throws -> Conflict? { try storedConflict(id).map(conflict) }

    package func conflictCounts() throws -> ConflictCounts {
        let totals = try MetaRows(db: db).conflictTotals()
        return ConflictCounts(
            entries: Int(totals.entries),
            octets: Int(totals.octets),
            dropped: Int(totals.dropped)
        )
    }

    /// Whether what won then still stands.
    package func isStanding(_ conflict: Conflict) throws -> Bool {
        guard let stored = try storedConflict(conflict.id) else { return false }
        if let target = conflict.target {
            return try links.row(conflict.objectGUID, stored.attribute, target)?.stamp.stamp
                == conflict.winning
        }
        return try objects.body(of: conflict.objectGUID)?[stored.attribute]?.stamp == conflict.winning
    }

    /// Name clashes, objects in LostAndFound and waiting objects of a naming context, by GUID.
    package func displaced(in namingContext: GUID, limit: Int) throws -> [DisplacedObject] {
        let context = try self.namingContext(namingContext)
        let guids = try Query(
            """
            SELECT guid FROM objects WHERE nc = ?1 AND (standing <> 2 OR flags <> 0)
              AND (standing IN (?2, ?3) OR flags & ?4 <> 0 AND standing <> ?5) ORDER BY guid LIMIT ?6
            """,
            in: db
        ).all(
            .integer(context.id),
            .integer(Int64(Standing.waiting.rawValue)),
            .integer(Int64(Standing.lostAndFound.rawValue)),
            .integer(ObjectFlags([.clashLoser, .mangledName]).rawValue),
            .integer(Int64(Standing.tombstone.rawValue)),
            .integer(Int64(limit))
        ) { try $0.guid(0) }
        return try guids.compactMap { guid in
            guard let row = try objects.row(guid) else { return nil }
            let kind: DisplacedObject.Kind =
                switch row.node.standing {
                case .waiting: .waiting
                case .lostAndFound: .lostAndFound
                case .placed, .fixed, .tombstone: .name
                }
            return DisplacedObject(
                kind: kind,
                objectGUID: guid,
                namingContext: namingContext,
                dn: try dn(of: row),
                parent: row.node.parent,
                parentDN: try dn(of: row.node.parent),
                nameStamp: row.node.nameStamp
            )
        }
    }

    /// Values that concurrent writes left behind the shown one, of attributes that hold one value.
    package func hiddenValues(in namingContext: GUID, limit: Int) throws -> [HiddenValue] {
        let context = try self.namingContext(namingContext).id
        var found: [HiddenValue] = []
        for definition in schema.attributes where definition.isForwardLink && definition.isSingleValued {
            guard let id = try attributeIDs.existingID(for: definition.oid, in: db) else { continue }
            let sources = try Query(
                """
                SELECT source FROM links WHERE nc = ? AND attribute = ? AND is_present
                  GROUP BY source HAVING count(*) > 1 ORDER BY source LIMIT ?
                """,
                in: db
            ).all(.integer(context), .integer(Int64(id)), .integer(Int64(limit))) { try $0.guid(0) }
            for source in sources {
                let rows = try links.rows(of: source).filter { $0.attribute == id && $0.isPresent }
                guard let shown = rows.max(by: { $0.stamp < $1.stamp }) else { continue }
                found += rows.filter { $0.target != shown.target }.map {
                    HiddenValue(
                        objectGUID: source,
                        attribute: definition.name,
                        target: $0.target,
                        stamp: $0.stamp.stamp,
                        shown: shown.target,
                        shownStamp: shown.stamp.stamp
                    )
                }
            }
        }
        return Array(found.prefix(limit))
    }

    // MARK: - Rows

    static let conflictColumns = "id, object, attribute, target, nc, winner, lost, source, found"

    func storedConflict(_ id: Int64) throws -> StoredConflict? {
        try Query("SELECT \(Self.conflictColumns) FROM conflicts WHERE id = ?", in: db)
            .first(.integer(id)) { try StoredConflict($0) }
    }

    private func conflict(_ stored: StoredConflict) throws -> Conflict {
        let oid = try attributeIDs.oid(of: stored.attribute, in: db)
        let definition = schema.attribute(oid: oid)
        let isName = stored.attribute == AttributeIDs.name
        let values = try stored.values.map { value in
            if isName { return try shownName(value) }
            return definition?.holdsReferences == true ? try presented(value) : value
        }
        return Conflict(
            id: stored.id,
            objectGUID: stored.object,
            namingContext: contexts(id: stored.context) ?? .zero,
            attribute: schema.name(of: oid) ?? oid.description,
            target: stored.target == .zero ? nil : stored.target,
            losing: stored.losing,
            winning: stored.winning,
            values: stored.target == .zero ? values : [],
            isPresent: !stored.values.isEmpty,
            source: stored.source,
            found: stored.found
        )
    }

    private func contexts(id: Int64) -> GUID? { namingContexts.first { $0.id == id }?.guid }

    /// Where a losing rename or move put its object.
    private func shownName(_ value: [UInt8]) throws -> [UInt8] {
        guard let name = NameValue(octets: value) else { return value }
        guard let parent = try dn(of: name.parent) else {
            let rdn = DistinguishedName(rdns: [name.rdn]).description(naming: schema)
            return Array("\(rdn),<GUID=\(name.parent)>".utf8)
        }
        return Array(parent.child(name.rdn).description(naming: schema).utf8)
    }
}

/// A row of the ledger.
struct StoredConflict {
    let id: Int64
    let object: GUID
    let attribute: Int32
    let target: GUID
    let context: Int64
    let losing: Stamp
    let winning: Stamp
    /// As they were stored.
    let values: [[UInt8]]
    let source: GUID
    let found: Timestamp

    init(_ columns: Columns) throws {
        id = columns.integer(0)
        object = try columns.guid(1)
        attribute = Int32(truncatingIfNeeded: columns.integer(2))
        target = try columns.guid(3)
        context = columns.integer(4)
        winning = try StampOctets.stamp(columns.octets(5))
        guard let lost = try ObjectRows.body(columns.octets(6), of: object)[attribute] else {
            throw StoreError.damaged("conflict \(id) holds no write")
        }
        losing = lost.stamp
        values = lost.values
        source = try columns.guid(7)
        found = Timestamp(seconds: columns.integer(8))
    }
}
