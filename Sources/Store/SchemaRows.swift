import DirectoryModel
import GRDB
import Identifiers
import Replication
import Synchronization

/// The schema as the objects of the schema naming context say it.
struct SchemaRows {
    /// What the directory defines, and under it what is built in: a definition that has not arrived yet must
    /// not make `objectClass` unreadable.
    static func load(from snapshot: StoreSnapshot, memo: SchemaMemo? = nil) throws -> Schema {
        let builtin = try Schema.builtin()
        guard let context = snapshot.namingContexts.first(where: { $0.role == .schema }) else {
            return builtin
        }
        let rows = try rows(in: context, of: snapshot)
        guard let memo else { return try schema(of: rows, in: snapshot, naming: builtin) }
        return try memo.schema(of: .init(rows: rows, attributeIDs: snapshot.attributeIDs)) {
            try schema(of: rows, in: snapshot, naming: builtin)
        }
    }

    private static func schema(of rows: [Row], in snapshot: StoreSnapshot, naming builtin: Schema) throws
        -> Schema
    {
        let held = try objects(rows, of: snapshot, naming: builtin)
        guard !held.isEmpty else { return builtin }
        let defined = Set(held.compactMap(identifier))
        let missing = Schema.builtinObjects()
            .filter { object in identifier(of: object).map { !defined.contains($0) } ?? false }
        return Schema(objects: held + missing)
    }

    /// One object of the schema as the database has it.
    struct Row: Hashable, Sendable {
        let guid: GUID
        let body: [UInt8]
    }

    /// By GUID, so that replicas agree on which of two definitions of one OID comes first.
    private static func rows(in context: HeldNamingContext, of snapshot: StoreSnapshot) throws -> [Row] {
        try Query(
            "SELECT guid, body FROM objects WHERE nc = ? AND standing <> ? ORDER BY guid",
            in: snapshot.db
        ).all(.integer(context.id), .integer(Int64(Standing.tombstone.rawValue))) {
            Row(guid: try $0.guid(0), body: $0.octets(1))
        }.filter { $0.guid != context.guid }
    }

    private static func objects(_ rows: [Row], of snapshot: StoreSnapshot, naming: Schema) throws
        -> [SchemaObject]
    {
        var objects: [SchemaObject] = []
        for row in rows {
            var values: [String: [[UInt8]]] = [:]
            for attribute in try ObjectRows.body(row.body, of: row.guid).attributes
            where !attribute.valueSet.isEmpty {
                let oid = try snapshot.attributeIDs.oid(of: attribute.id, in: snapshot.db)
                guard let name = naming.name(of: oid) else { continue }
                values[name.asciiLowercased] = attribute.values
            }
            objects.append(SchemaObject(name: row.guid.description, values: values))
        }
        return objects
    }

    private static func identifier(of object: SchemaObject) -> [UInt8]? {
        (object.values["attributeid"] ?? object.values["governsid"])?.first
    }
}

/// The schema last made of a database in memory, and exactly what it was made of.
///
/// Simulated machines start by the thousand on the same few schemas, and making one is most of a start.
final class SchemaMemo: Sendable {
    struct Source: Hashable, Sendable {
        let rows: [SchemaRows.Row]
        let attributeIDs: AttributeIDs
    }

    private struct Entry {
        let source: Source
        let schema: Schema
    }

    private let last = Mutex<Entry?>(nil)

    func schema(of source: Source, make: () throws -> Schema) rethrows -> Schema {
        if let known = last.withLock({ $0 }), known.source == source { return known.schema }
        let schema = try make()
        last.withLock { $0 = Entry(source: source, schema: schema) }
        return schema
    }
}
