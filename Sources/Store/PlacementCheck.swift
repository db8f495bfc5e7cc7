package import Identifiers
import Replication

extension StoreSnapshot {
    /// Objects whose place in the database is not what their naming context's stamped state says, computed anew.
    ///
    /// Reads every object of the naming context.
    package func misplacedObjects(in namingContext: GUID) throws -> [GUID] {
        let held = try self.namingContext(namingContext)
        let nodes = try objects.guids(in: held.id).compactMap { try objects.row($0)?.node }
        let placement = Placement(
            namingContext: held.guid,
            hasLostAndFound: held.role.hasFixedContainers
        )
        let computed = placement.recompute(nodes)
        return nodes.filter { computed[$0.objectGUID] != $0 }.map(\.objectGUID)
    }
}
