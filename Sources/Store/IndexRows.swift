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

    private let db: Database
    private let insert: RepeatedQuery

    init(db: Database) {
        self.db = db
        insert = RepeatedQuery(
            "INSERT OR IGNORE INTO attribute_index(attribute, value, object) VALUES(?, ?, ?)",
            in: db
        )
    }

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

    static func key(_ normalized: [UInt8]) -> [UInt8] {
        normalized.count <= keyOctetsMax ? normalized : Array(normalized.prefix(keyOctetsMax))
    }

    func objects(attribute: Int32, key: [UInt8]) throws -> [Int64] {
        try Query("SELECT object FROM attribute_index WHERE attribute = ? AND value = ?", in: db)
            .all(.integer(Int64(attribute)), .octets(key)) { $0.integer(0) }
    }

    /// Brings the rows of one attribute of one object from `old` to `new` values.
    func update(
        _ object: Int64,
        _ attribute: IndexedAttribute,
        from old: [[UInt8]],
        to new: [[UInt8]]
    ) throws {
        guard !old.isEmpty else {
            for value in new { try add(attribute.key(of: value), of: attribute, to: object) }
            return
        }
        let oldKeys = Set(old.map { attribute.key(of: $0) })
        let newKeys = Set(new.map { attribute.key(of: $0) })
        for key in oldKeys.subtracting(newKeys) {
            try Query("DELETE FROM attribute_index WHERE attribute = ? AND value = ? AND object = ?", in: db)
                .run(.integer(Int64(attribute.id)), .octets(key), .integer(object))
        }
        for key in newKeys.subtracting(oldKeys) { try add(key, of: attribute, to: object) }
    }

    private func add(_ key: [UInt8], of attribute: IndexedAttribute, to object: Int64) throws {
        if attribute.id == AttributeIDs.objectClass, key == Self.universalClass { return }
        try insert().run(.integer(Int64(attribute.id)), .octets(key), .integer(object))
    }

    func removeAll(of attribute: Int32) throws {
        try Query("DELETE FROM attribute_index WHERE attribute = ?", in: db).run(.integer(Int64(attribute)))
    }
}

/// An attribute whose values have rows; a class, for it is looked up for every attribute of every object.
final class IndexedAttribute {
    let id: Int32
    private let definition: AttributeDefinition

    init(id: Int32, definition: AttributeDefinition) {
        self.id = id
        self.definition = definition
    }

    func key(of value: [UInt8]) -> [UInt8] { IndexRows.key(IndexRows.stored(value, definition)) }
}
