import DirectoryModel
import GRDB
import Identifiers
import Replication

extension WriteTransaction {
    /// Objects that are read before they are written again.
    private static let objectsPerPurgeStep = 500

    /// Brings every partial replica to the partial attribute set of the schema as it is now.
    ///
    /// In the transaction of the schema change: a crash leaves both or none, and no request of the new set can be
    /// mistaken for one of the old.
    func takePartialSets() throws {
        for context in view.namingContexts where context.isPartial { try takePartialSet(of: context) }
    }

    func takePartialSet(of context: HeldNamingContext) throws {
        let rows = destinationRows
        var destination = try rows.load(context)
        let before = destination.partialSet
        let change = destination.takePartialSet(view.schema.partialAttributeSet)
        guard destination.partialSet != before else { return }
        try purge(change.removed, from: context)
        try rows.save(destination)
    }

    /// Removes what a partial replica no longer keeps; nothing of it is stamped here, so it takes no USN.
    private func purge(_ removed: [OID], from context: HeldNamingContext) throws {
        let ids = try removed.compactMap { try view.attributeIDs.existingID(for: $0, in: db) }
        guard !ids.isEmpty else { return }
        for id in ids {
            try Query(
                "DELETE FROM attribute_index WHERE attribute = ? AND object IN (SELECT id FROM objects WHERE nc = ?)",
                in: db
            ).run(.integer(Int64(id)), .integer(context.id))
            try Query("DELETE FROM links WHERE nc = ? AND attribute = ?", in: db)
                .run(.integer(context.id), .integer(Int64(id)))
        }
        var last: Int64 = 0
        while true {
            let found = try Query(
                "SELECT id, guid, body FROM objects WHERE id > ? AND nc = ? ORDER BY id LIMIT ?",
                in: db
            ).all(.integer(last), .integer(context.id), .integer(Int64(Self.objectsPerPurgeStep))) {
                (id: $0.integer(0), guid: try $0.guid(1), body: $0.octets(2))
            }
            guard let newest = found.last?.id else { return }
            last = newest
            for object in found {
                var body = try ObjectRows.body(object.body, of: object.guid)
                let count = body.attributes.count
                for id in ids { body.remove(id: id) }
                guard body.attributes.count != count else { continue }
                try Query("UPDATE objects SET body = ? WHERE id = ?", in: db)
                    .run(.octets(body.encoded()), .integer(object.id))
            }
        }
    }
}
