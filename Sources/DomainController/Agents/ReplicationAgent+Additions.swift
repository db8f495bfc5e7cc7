import DirectoryModel
import Identifiers
import Logging
import Replication
import Store

extension Destination {
    /// What this replica asks for: by the set in its database, for the view of the schema may be a little older,
    /// and a part cut with that one would then count.
    var replicaKind: ReplicaKind {
        partialSet.map { .partial(digest: PartialAttributes($0.attributes).digest) } ?? .full
    }
}

/// Attributes that join the partial attribute set.
extension ReplicationAgent {
    /// Asks for attributes that were added to the set since the last look, and tells of those that are complete.
    func followAdditions() async {
        mayHaveAdditions = false
        let view = partners.current
        let partial = view.held.filter(\.isPartial).map(\.guid)
        do {
            let sets = try await store.snapshot { snapshot in
                try partial.map { ($0, try snapshot.destination(of: $0).partialSet?.added ?? []) }
            }
            preconditionIsolated()
            for (context, added) in sets where added != additions[context] ?? [] {
                additions[context] = added.isEmpty ? nil : added
                tell(of: added, in: context)
                // What was asked before counts no more.
                guard !added.isEmpty else { continue }
                for link in partners.current.links where link.namingContext == context {
                    nextAttempt[link] = now()
                }
            }
        } catch {
            log.warning("the partial attribute set of replicas cannot be read: \(error)")
        }
    }

    /// After a part of a partial replica: its vector may have completed an addition.
    func partApplied(in namingContext: GUID) async {
        guard additions[namingContext] != nil else { return }
        await followAdditions()
    }

    private func tell(of added: [OID], in context: GUID) {
        let view = partners.current
        let names = added.map { view.schema.name(of: $0) ?? $0.description }
        post(
            added.isEmpty ? "attributesComplete" : "attributesAdded",
            partner: view.own.dsaGUID,
            namingContext: context,
            text: added.isEmpty
                ? "the attributes that were added to the partial attribute set are complete here"
                : "\(names.count) attributes are being added: " + names.joined(separator: ", ")
        )
    }
}
