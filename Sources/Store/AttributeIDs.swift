import DirectoryModel
import GRDB

/// The database's small integers for attribute OIDs: what bodies, links and indexes name attributes by.
///
/// An id is given once and never changes, so a copy may be older than the database but is never wrong.
struct AttributeIDs: Hashable, Sendable {
    /// The same in every database, so that hot paths need no look-up.
    static let name: Int32 = 1
    static let objectClass: Int32 = 2
    static let isDeleted: Int32 = 3

    private static let wellKnown: [(id: Int32, oid: OID)] = [
        (name, .name), (objectClass, .objectClass), (isDeleted, .isDeleted),
    ]

    private var ids: [OID: Int32] = [:]
    private var oids: [Int32: OID] = [:]

    static func insertWellKnown(in db: Database) throws {
        for (id, oid) in wellKnown {
            try Query("INSERT INTO attribute_ids(id, oid) VALUES(?, ?)", in: db)
                .run(.integer(Int64(id)), .octets(oid.derContent))
        }
    }

    init() {}

    init(loadingFrom db: Database) throws {
        let rows = try Query("SELECT id, oid FROM attribute_ids", in: db).all { row in
            (Int32(truncatingIfNeeded: row.integer(0)), row.octets(1))
        }
        for (id, octets) in rows { note(id, try Self.oid(octets)) }
    }

    /// Gives a new id when the attribute was never met.
    mutating func id(for oid: OID, in db: Database) throws -> Int32 {
        if let known = try existingID(for: oid, in: db) { return known }
        try Query("INSERT INTO attribute_ids(oid) VALUES(?)", in: db).run(.octets(oid.derContent))
        let id = Int32(truncatingIfNeeded: db.lastInsertedRowID)
        note(id, oid)
        return id
    }

    /// Nil when nothing in this database was ever said about the attribute.
    mutating func existingID(for oid: OID, in db: Database) throws -> Int32? {
        if let known = ids[oid] { return known }
        let found = try Query("SELECT id FROM attribute_ids WHERE oid = ?", in: db)
            .first(.octets(oid.derContent)) { Int32(truncatingIfNeeded: $0.integer(0)) }
        if let found { note(found, oid) }
        return found
    }

    mutating func oid(of id: Int32, in db: Database) throws -> OID {
        if let known = oids[id] { return known }
        let found = try Query("SELECT oid FROM attribute_ids WHERE id = ?", in: db)
            .first(.integer(Int64(id))) { $0.octets(0) }
        guard let found else { throw StoreError.damaged("attribute id \(id) has no OID") }
        let oid = try Self.oid(found)
        note(id, oid)
        return oid
    }

    private mutating func note(_ id: Int32, _ oid: OID) {
        ids[oid] = id
        oids[id] = oid
    }

    private static func oid(_ octets: [UInt8]) throws -> OID {
        guard let oid = OID(derContent: octets) else {
            throw StoreError.damaged("an attribute OID is malformed")
        }
        return oid
    }
}
