import DirectoryModel
import GRDB
import Identifiers
import Replication

/// Rows for the values of indexed attributes, and of `objectClass`.
struct IndexRows {
    /// Longer values are indexed by their beginning; a search looks at the whole value.
    static let keyOctetsMax = 256
    /// Every object has it: a search for it is a scan.
    static let universalClass = Array("top".utf8)

    let db: Database

    /// A value in matching form, as a search gives it.
    static func normalized(_ value: [UInt8], _ definition: AttributeDefinition?) -> [UInt8] {
        guard let definition, !definition.holdsReferences else { return value }
        return definition.normalized(value)
    }

    /// A stored value in the form that a search is compared with.
    static func stored(_ value: [UInt8], _ definition: AttributeDefinition?) -> [UInt8] {
        guard let definition else { return value }
        return definition.holdsReferences ? Array(value.prefix(16)) : definition.normalized(value)
    }

    static func key(_ normalized: [UInt8]) -> [UInt8] { Array(normalized.prefix(keyOctetsMax)) }

    func objects(attribute: Int32, key: [UInt8]) throws -> [Int64] {
        try Query("SELECT object FROM attribute_index WHERE attribute = ? AND value = ?", in: db)
            .all(.integer(Int64(attribute)), .octets(key)) { $0.integer(0) }
    }

    /// Brings the rows of one attribute of one object from `old` to `new` values.
    func update(
        _ object: Int64,
        _ definition: AttributeDefinition,
        id: Int32,
        from old: [[UInt8]],
        to new: [[UInt8]]
    )
        throws
    {
        let isClass = id == AttributeIDs.objectClass
        let oldKeys = Set(old.map { Self.key(Self.stored($0, definition)) })
        let newKeys = Set(new.map { Self.key(Self.stored($0, definition)) })
        for key in oldKeys.subtracting(newKeys) {
            try Query("DELETE FROM attribute_index WHERE attribute = ? AND value = ? AND object = ?", in: db)
                .run(.integer(Int64(id)), .octets(key), .integer(object))
        }
        for key in newKeys.subtracting(oldKeys) where !(isClass && key == Self.universalClass) {
            try Query(
                "INSERT OR IGNORE INTO attribute_index(attribute, value, object) VALUES(?, ?, ?)",
                in: db
            )
            .run(.integer(Int64(id)), .octets(key), .integer(object))
        }
    }

    func removeAll(of attribute: Int32) throws {
        try Query("DELETE FROM attribute_index WHERE attribute = ?", in: db).run(.integer(Int64(attribute)))
    }
}
