import DirectoryModel
import GRDB
import Identifiers
import Replication

/// Rows for the values of indexed attributes, and of `objectClass`.
final class IndexRows {
    /// Longer values are indexed by their beginning; a search looks at the whole value.
    static let keyOctetsMax = 256
    /// Every object has it and it has no rows: a search for it is a scan.
    static let universalClass = Array("top".utf8)

    private let db: Database
    /// By how many rows they insert, less one.
    private var inserts: [RepeatedQuery?]

    /// One statement for the rows of an object: SQLite's work for a statement is a third of that for a row.
    private static let rowsPerStatementMax = 16

    init(db: Database) {
        self.db = db
        inserts = Array(repeating: nil, count: Self.rowsPerStatementMax)
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

    /// Brings the rows of an object from its old values to the new ones.
    ///
    /// Of classes `new` has those with rows, `old` all values: which of them had rows only the old schema knows.
    func update(_ object: Int64, _ changes: [(attribute: IndexedAttribute, old: [[UInt8]], new: [[UInt8]])])
        throws
    {
        var rows: [(attribute: Int32, key: [UInt8])] = []
        for (attribute, old, new) in changes {
            guard !old.isEmpty else {
                for value in new { rows.append((attribute.id, attribute.key(of: value))) }
                continue
            }
            let oldKeys = Set(old.map { attribute.key(of: $0) })
            let newKeys = Set(new.map { attribute.key(of: $0) })
            for key in oldKeys.subtracting(newKeys) {
                try Query(
                    "DELETE FROM attribute_index WHERE attribute = ? AND value = ? AND object = ?",
                    in: db
                ).run(.integer(Int64(attribute.id)), .octets(key), .integer(object))
            }
            let isClass = attribute.id == AttributeIDs.objectClass
            for key in isClass ? newKeys : newKeys.subtracting(oldKeys) { rows.append((attribute.id, key)) }
        }
        rows.removeAll { $0.attribute == AttributeIDs.objectClass && $0.key == Self.universalClass }
        try insert(rows, for: object)
    }

    private func insert(_ rows: [(attribute: Int32, key: [UInt8])], for object: Int64) throws {
        var start = 0
        while start < rows.count {
            let count = min(Self.rowsPerStatementMax, rows.count - start)
            var values: [SQLValue] = []
            values.reserveCapacity(count * 3)
            for row in rows[start..<start + count] {
                values.append(.integer(Int64(row.attribute)))
                values.append(.octets(row.key))
                values.append(.integer(object))
            }
            try insertion(ofRows: count)().run(values)
            start += count
        }
    }

    private func insertion(ofRows count: Int) -> RepeatedQuery {
        if let known = inserts[count - 1] { return known }
        let places = Array(repeating: "(?, ?, ?)", count: count).joined(separator: ", ")
        let query = RepeatedQuery(
            "INSERT OR IGNORE INTO attribute_index(attribute, value, object) VALUES\(places)",
            in: db
        )
        inserts[count - 1] = query
        return query
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
