import DirectoryModel
import GRDB
package import Identifiers
import Replication

extension DirectoryStore {
    /// Gives up a partial replica: its objects, link values, cursors and requests go, and what is held of it.
    ///
    /// Taken up again it joins anew, and late parts of its first life answer no request of the second.
    ///
    /// - Throws: `DirectoryError.unwillingToPerform` for a full replica, `StoreError.namingContextNotHeld`.
    @concurrent package func dropReplica(_ namingContext: GUID) async throws {
        try await change(at: .epoch) { try $0.drop($0.view.namingContext(namingContext)) }
    }
}

extension WriteTransaction {
    /// Tables whose rows name a naming context by the database's key of it.
    private static let keyedTables = ["unseen_objects", "unseen_links", "lingering", "conflicts"]

    fileprivate func drop(_ context: HeldNamingContext) throws {
        guard context.isPartial else {
            throw DirectoryError(
                .unwillingToPerform,
                "the replica of \(context.dn.description(naming: view.schema)) is full: writes are made here",
                hint: "only partial replicas of other domains are given up"
            )
        }
        try empty(context)
        for table in Self.keyedTables {
            try Query("DELETE FROM \(table) WHERE nc = ?", in: db).run(.integer(context.id))
        }
        try Query("DELETE FROM held_parts WHERE nc = ?", in: db).run(.guid(context.guid))
        let rows = destinationRows
        try rows.save(rows.load(context).successor())
        try Query("DELETE FROM naming_contexts WHERE id = ?", in: db).run(.integer(context.id))
        view.forget(context)
    }
}
