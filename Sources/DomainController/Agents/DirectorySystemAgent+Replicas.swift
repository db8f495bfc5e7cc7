package import Identifiers
package import Store

/// Partial replicas that come and go.
extension DirectorySystemAgent {
    /// Gives up a partial replica; what its NTDS Settings object says is the caller's to change.
    ///
    /// - Throws: `DirectoryError.unwillingToPerform` for a full replica, `StoreError.namingContextNotHeld`.
    package func dropReplica(_ namingContext: GUID) async throws {
        try await store.dropReplica(namingContext)
        try await partners.reload()
    }

    /// Takes up a partial replica, which joins from whom it pulls.
    package func addReplica(_ context: NamingContext) async throws {
        try await store.addReplica(context, isPartial: true)
        try await partners.reload()
    }
}
