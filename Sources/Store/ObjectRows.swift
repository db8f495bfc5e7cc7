import DirectoryModel
import GRDB
import Identifiers
import Replication

/// What the `flags` column says beside `standing`.
struct ObjectFlags: OptionSet {
    let rawValue: Int64

    static let fixed = ObjectFlags(rawValue: 1)
    static let clashLoser = ObjectFlags(rawValue: 2)
    static let mangledName = ObjectFlags(rawValue: 4)
    static let tombstone = ObjectFlags(rawValue: 8)
}

/// One object without its body.
struct ObjectRow {
    /// 0 until it is inserted.
    var id: Int64 = 0
    /// The database's key of the naming context.
    var context: Int64
    var usn: USN
    var createdUSN: USN
    /// The stamped RDN as `NameValue` writes it: type and value.
    var rdn: [UInt8]
    /// Identity, stamped parent, and what placement computed.
    var node: PlacementNode
    /// When the deletion reached this database.
    var arrived: Timestamp?
    /// What the `AgeClock` showed then; nil for what is not deleted.
    var ageMark: Int64?

    var guid: GUID { node.objectGUID }

    func stampedRDN() throws -> RDN {
        guard let name = NameValue(octets: GUID.zero.octets + rdn) else {
            throw StoreError.damaged("object \(guid) has a malformed name")
        }
        return name.rdn
    }
}

/// The table of objects.
struct ObjectRows {
    let db: Database
    private let selectRow: RepeatedQuery
    private let selectRowAndBody: RepeatedQuery
    private let selectOccupants: RepeatedQuery
    private let selectElsewhere: RepeatedQuery
    private let selectTaken: RepeatedQuery
    private let insertRow: RepeatedQuery

    private static let columns = """
        id, guid, nc, usn, created_usn, parent, rdn, rdn_key, name_stamp, placed_parent, standing, flags, arrived,
        age_mark
        """

    init(db: Database) {
        self.db = db
        selectRow = RepeatedQuery("SELECT \(Self.columns) FROM objects WHERE guid = ?", in: db)
        selectRowAndBody = RepeatedQuery("SELECT \(Self.columns), body FROM objects WHERE guid = ?", in: db)
        selectOccupants = RepeatedQuery(
            "SELECT \(Self.columns) FROM objects WHERE placed_parent = ? AND rdn_key = ?",
            in: db
        )
        selectTaken = RepeatedQuery(
            "SELECT 1 FROM objects WHERE placed_parent = ? AND rdn_key = ? LIMIT 1",
            in: db
        )
        selectElsewhere = RepeatedQuery(
            "SELECT guid FROM objects WHERE parent = ? AND (placed_parent IS NULL OR placed_parent <> parent)",
            in: db
        )
        insertRow = RepeatedQuery(
            """
            INSERT INTO objects(guid, nc, usn, created_usn, parent, rdn, rdn_key, name_stamp, placed_parent,
              standing, flags, arrived, age_mark, body) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            in: db
        )
    }

    // MARK: - Reading

    func row(_ guid: GUID) throws -> ObjectRow? {
        try selectRow().first(.guid(guid), read: Self.row)
    }

    func rowAndBody(_ guid: GUID) throws -> (row: ObjectRow, body: ObjectBody)? {
        try selectRowAndBody().first(.guid(guid), read: Self.rowAndBody)
    }

    func body(of guid: GUID) throws -> ObjectBody? {
        try Query("SELECT body FROM objects WHERE guid = ?", in: db)
            .first(.guid(guid)) { try Self.body($0.octets(0), of: guid) }
    }

    func holds(_ guid: GUID) throws -> Bool {
        try Query("SELECT 1 FROM objects WHERE guid = ?", in: db).first(.guid(guid)) { _ in true } ?? false
    }

    func guid(ofID id: Int64) throws -> GUID? {
        try Query("SELECT guid FROM objects WHERE id = ?", in: db).first(.integer(id)) { try $0.guid(0) }
    }

    func ids() throws -> [Int64] { try Query("SELECT id FROM objects", in: db).all { $0.integer(0) } }

    /// The visible objects and tombstones that are placed under `parent` with this RDN key.
    func occupants(of parent: GUID, rdnKey: [UInt8]) throws -> [ObjectRow] {
        try selectOccupants().all(.guid(parent), .octets(rdnKey), read: Self.row)
    }

    /// Whether anything, tombstones too, is placed under `parent` with this RDN key.
    func isTaken(_ rdnKey: [UInt8], under parent: GUID) throws -> Bool {
        try selectTaken().first(.guid(parent), .octets(rdnKey)) { _ in true } ?? false
    }

    /// What appears under `parent`, by RDN key.
    func placedChildren(of parent: GUID) throws -> [ObjectRow] {
        try Query(
            "SELECT \(Self.columns) FROM objects WHERE placed_parent = ? ORDER BY rdn_key, guid",
            in: db
        )
        .all(.guid(parent), read: Self.row)
    }

    func hasPlacedChildren(_ parent: GUID) throws -> Bool {
        try Query("SELECT 1 FROM objects WHERE placed_parent = ? LIMIT 1", in: db)
            .first(.guid(parent)) { _ in true } ?? false
    }

    /// Every object, tombstones too, whose stamped parent this is.
    func stampedChildren(of parent: GUID) throws -> [GUID] {
        let here = try Query("SELECT guid FROM objects WHERE placed_parent = ?1 AND parent = ?1", in: db)
            .all(.guid(parent)) { try $0.guid(0) }
        return here + (try stampedChildrenElsewhere(of: parent))
    }

    func hasStampedChildren(_ parent: GUID) throws -> Bool {
        let isOne = try Query(
            "SELECT 1 FROM objects WHERE placed_parent = ?1 AND parent = ?1 LIMIT 1",
            in: db
        ).first(.guid(parent)) { _ in true }
        return try isOne ?? false || !stampedChildrenElsewhere(of: parent).isEmpty
    }

    /// Those of them that do not appear under it.
    func stampedChildrenElsewhere(of parent: GUID) throws -> [GUID] {
        try selectElsewhere().all(.guid(parent)) { try $0.guid(0) }
    }

    /// All objects of a naming context, by GUID.
    func guids(in context: Int64) throws -> [GUID] {
        try Query("SELECT guid FROM objects WHERE nc = ?", in: db).all(.integer(context)) { try $0.guid(0) }
            .sorted()
    }

    // MARK: - Writing

    func insert(_ row: ObjectRow, body: [UInt8]) throws -> Int64 {
        try insertRow().run(
            .guid(row.guid),
            .integer(row.context),
            .usn(row.usn),
            .usn(row.createdUSN),
            .guid(row.node.parent),
            .octets(row.rdn),
            .octets(row.node.rdnKey),
            .octets(StampOctets.octets(of: row.node.nameStamp)),
            .guid(row.node.placedParent),
            .integer(Int64(row.node.standing.rawValue)),
            .integer(row.node.flags.rawValue),
            .time(row.arrived),
            .integer(row.ageMark),
            .octets(body)
        )
        return db.lastInsertedRowID
    }

    /// Everything but identity and naming context.
    func update(_ row: ObjectRow, body: [UInt8]) throws {
        try Query(
            """
            UPDATE objects SET usn = ?, parent = ?, rdn = ?, rdn_key = ?, name_stamp = ?, placed_parent = ?,
              standing = ?, flags = ?, arrived = ?, age_mark = ?, body = ? WHERE id = ?
            """,
            in: db
        ).run(
            .usn(row.usn),
            .guid(row.node.parent),
            .octets(row.rdn),
            .octets(row.node.rdnKey),
            .octets(StampOctets.octets(of: row.node.nameStamp)),
            .guid(row.node.placedParent),
            .integer(Int64(row.node.standing.rawValue)),
            .integer(row.node.flags.rawValue),
            .time(row.arrived),
            .integer(row.ageMark),
            .octets(body),
            .integer(row.id)
        )
    }

    /// New values under the same name: nothing that placement reads.
    func update(id: Int64, usn: USN, body: [UInt8]) throws {
        try Query("UPDATE objects SET usn = ?, body = ? WHERE id = ?", in: db)
            .run(.usn(usn), .octets(body), .integer(id))
    }

    /// What placement computed, and nothing else.
    func updatePlacement(_ node: PlacementNode) throws {
        try Query("UPDATE objects SET placed_parent = ?, standing = ?, flags = ? WHERE guid = ?", in: db)
            .run(
                .guid(node.placedParent),
                .integer(Int64(node.standing.rawValue)),
                .integer(node.flags.rawValue),
                .guid(node.objectGUID)
            )
    }

    // MARK: - Rows

    static func body(_ octets: [UInt8], of guid: GUID) throws -> ObjectBody {
        do {
            return try ObjectBody(decoding: octets)
        } catch { throw StoreError.damaged("the body of object \(guid): \(error)") }
    }

    private static func rowAndBody(_ columns: Columns) throws -> (row: ObjectRow, body: ObjectBody) {
        let row = try row(columns)
        return (row, try body(columns.octets(14), of: row.guid))
    }

    private static func row(_ columns: Columns) throws -> ObjectRow {
        let guid = try columns.guid(1)
        guard let standing = Standing(rawValue: UInt8(truncatingIfNeeded: columns.integer(10))) else {
            throw StoreError.damaged("object \(guid) has no known standing")
        }
        let flags = ObjectFlags(rawValue: columns.integer(11))
        let node = PlacementNode(
            objectGUID: guid,
            parent: try columns.guid(5),
            rdnKey: columns.octets(7),
            nameStamp: try StampOctets.stamp(columns.octets(8)),
            isTombstone: flags.contains(.tombstone),
            isFixed: flags.contains(.fixed),
            holdsMangledName: flags.contains(.mangledName),
            placedParent: columns.optionalGUID(9),
            standing: standing,
            isClashLoser: flags.contains(.clashLoser)
        )
        return ObjectRow(
            id: columns.integer(0),
            context: columns.integer(2),
            usn: columns.usn(3),
            createdUSN: columns.usn(4),
            rdn: columns.octets(6),
            node: node,
            arrived: columns.time(12),
            ageMark: columns.optionalInteger(13)
        )
    }
}

extension PlacementNode {
    var flags: ObjectFlags {
        var flags: ObjectFlags = []
        if isFixed { flags.insert(.fixed) }
        if isClashLoser { flags.insert(.clashLoser) }
        if holdsMangledName { flags.insert(.mangledName) }
        if isTombstone { flags.insert(.tombstone) }
        return flags
    }
}
