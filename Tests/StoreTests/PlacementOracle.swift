import Identifiers
import Replication
import Testing

@testable import Store

extension Replica {
    /// What stands in the database must be what the definition computes anew from stamped state.
    func checkPlacement(_ context: NamingContext = Replica.domain, _ comment: Comment? = nil) async throws {
        let (stored, computed) = try await store.snapshot { snapshot in
            let held = try snapshot.namingContext(context.guid)
            let nodes = try snapshot.objects.guids(in: held.id).compactMap {
                try snapshot.objects.row($0)?.node
            }
            let placement = Placement(
                namingContext: context.guid,
                hasLostAndFound: context.role.hasFixedContainers
            )
            return (
                Dictionary(nodes.map { ($0.objectGUID, $0) }) { first, _ in first },
                placement.recompute(nodes)
            )
        }
        #expect(stored == computed, comment)
    }

    /// Objects and link values, without the vector.
    func stampedState(_ context: GUID = Replica.domain.guid) async throws -> [String] {
        try await dump(context).filter { $0.split(separator: " ").count > 2 }
    }
}
