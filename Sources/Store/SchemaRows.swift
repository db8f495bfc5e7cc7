import DirectoryModel
import GRDB
import Identifiers
import Replication
import Synchronization

/// The schema as the objects of the schema naming context say it.
struct SchemaRows {
    /// What the directory defines, and under it what is built in: a definition that has not arrived yet must
    /// not make `objectClass` unreadable.
    static func load(from snapshot: StoreSnapshot) throws -> Schema {
        let builtin = try Schema.builtin()
        guard let context = snapshot.namingContexts.first(where: { $0.role == .schema }) else {
            return builtin
        }
        let rows = try rows(in: context, of: snapshot)
        let held = { try objects(rows, of: snapshot, naming: builtin) }
        guard let memo = snapshot.memos.schema else { return schema(of: try held(), over: builtin) }
        let source = SchemaMemo.Source(rows: rows, attributeIDs: snapshot.attributeIDs)
        return try memo.schema(of: source, objects: held) { schema(of: $0, over: builtin) }
    }

    private static func schema(of held: [SchemaObject], over builtin: Schema) -> Schema {
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

/// What a store keeps of what it has read, so that it is not decoded again; decides nothing.
struct StoreMemos: Sendable {
    let destinations = DestinationMemo()
    /// Of databases in memory.
    let schema: SchemaMemo?
}

/// The schemas last made of databases in memory, and exactly what they were made of.
///
/// Simulated machines start by the thousand on the same few schemas, and all of a forest apply the same change of one;
/// making one is most of either.
final class SchemaMemo: Sendable {
    /// Replicas of a forest, and a few states of each.
    private static let entriesMax = 16

    struct Source: Hashable, Sendable {
        let rows: [SchemaRows.Row]
        let attributeIDs: AttributeIDs
    }

    private struct Entry {
        let source: Source
        let objects: [SchemaObject]
        let schema: Schema
    }

    /// Those last used at the end.
    private let entries = Mutex<[Entry]>([])

    /// `objects` reads the source; another source may have held the same ones, with USNs of its own.
    func schema(
        of source: Source,
        objects: () throws -> [SchemaObject],
        make: ([SchemaObject]) -> Schema
    ) rethrows -> Schema {
        if let known = use(source) { return known }
        let objects = try objects()
        let schema = entries.withLock { $0 }.last { $0.objects == objects }?.schema ?? make(objects)
        entries.withLock { entries in
            entries.append(Entry(source: source, objects: objects, schema: schema))
            entries.removeFirst(max(0, entries.count - Self.entriesMax))
        }
        return schema
    }

    private func use(_ source: Source) -> Schema? {
        entries.withLock { entries in
            guard let index = entries.lastIndex(where: { $0.source == source }) else { return nil }
            entries.append(entries.remove(at: index))
            return entries.last?.schema
        }
    }
}
