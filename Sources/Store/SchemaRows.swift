import DirectoryModel
import GRDB
import Identifiers
import Replication

/// The schema as the objects of the schema naming context say it.
struct SchemaRows {
    /// What the directory defines, and under it what is built in: a definition that has not arrived yet must
    /// not make `objectClass` unreadable.
    static func load(from snapshot: StoreSnapshot) throws -> Schema {
        let builtin = try Schema.builtin()
        guard let context = snapshot.namingContexts.first(where: { $0.role == .schema }) else {
            return builtin
        }
        let held = try objects(in: context, of: snapshot, naming: builtin)
        guard !held.isEmpty else { return builtin }
        let defined = Set(held.compactMap(identifier))
        let missing = Schema.builtinRecords()
            .map { SchemaObject(name: $0.dn, attributes: $0.contentAttributes) }
            .filter { object in identifier(of: object).map { !defined.contains($0) } ?? false }
        return Schema(objects: held + missing)
    }

    /// By GUID, so that replicas agree on which of two definitions of one OID comes first.
    private static func objects(
        in context: HeldNamingContext,
        of snapshot: StoreSnapshot,
        naming: Schema
    ) throws -> [SchemaObject] {
        let rows = try Query(
            "SELECT guid, body FROM objects WHERE nc = ? AND standing <> ? ORDER BY guid",
            in: snapshot.db
        ).all(.integer(context.id), .integer(Int64(Standing.tombstone.rawValue))) {
            (try $0.guid(0), $0.octets(1))
        }
        var objects: [SchemaObject] = []
        for (guid, octets) in rows where guid != context.guid {
            var values: [String: [[UInt8]]] = [:]
            for attribute in try ObjectRows.body(octets, of: guid).attributes
            where !attribute.valueSet.isEmpty {
                let oid = try snapshot.attributeIDs.oid(of: attribute.id, in: snapshot.db)
                guard let name = naming.name(of: oid) else { continue }
                values[name.asciiLowercased] = attribute.values
            }
            objects.append(SchemaObject(name: guid.description, values: values))
        }
        return objects
    }

    private static func identifier(of object: SchemaObject) -> [UInt8]? {
        (object.values["attributeid"] ?? object.values["governsid"])?.first
    }
}
