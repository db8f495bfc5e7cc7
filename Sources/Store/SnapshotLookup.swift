package import DirectoryModel
package import Identifiers
package import Replication

extension StoreSnapshot {
    /// The stamp of one link value; nil when the replica knows nothing of it.
    package func linkStamp(_ source: GUID, _ attribute: OID, _ target: GUID) throws -> LinkStamp? {
        guard let id = try attributeIDs.existingID(for: attribute, in: db) else { return nil }
        return try links.row(source, id, target)?.stamp
    }

    package func holds(_ objectGUID: GUID) throws -> Bool { try objects.holds(objectGUID) }
}
