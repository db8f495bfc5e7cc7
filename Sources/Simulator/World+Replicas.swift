import DirectoryModel
import DomainController
import Identifiers
import Store

/// Partial replicas that are given up, and taken up again.
extension World {
    /// A site gives up its partial replica of another one's domain; nothing happens when it has none.
    func dropReplica(of other: SimulatedSite, at site: SimulatedSite) async throws {
        let domain = plan.sites[other.index].domain
        guard let dsa = site.dsa,
            let held = dsa.store.namingContexts.first(where: { $0.guid == domain.guid }), held.isPartial
        else { return note("nothing to do") }
        try await change(site) { try await dsa.dropReplica(domain.guid) }
        site.covered[domain.guid] = nil
        happened["dropped", default: 0] += 1
        try await declare(.delete, domain, at: site)
    }

    /// A site takes up a partial replica of its neighbour's domain again; nothing happens when it has one.
    func addReplica(of other: SimulatedSite, at site: SimulatedSite) async throws {
        let domain = plan.sites[other.index].domain
        guard let dsa = site.dsa, plan.neighbours(of: site.index).contains(other.index),
            !dsa.store.namingContexts.contains(where: { $0.guid == domain.guid })
        else { return note("nothing to do") }
        try await change(site) { try await dsa.addReplica(domain) }
        try await declare(.add, domain, at: site)
    }

    /// In a healed world everybody holds again what its neighbours master.
    func takeUpReplicas() async throws {
        for site in sites {
            for other in plan.neighbours(of: site.index) { try await addReplica(of: sites[other], at: site) }
        }
    }

    private func change(_ site: SimulatedSite, _ body: () async throws -> Void) async throws {
        do { try await body() } catch {
            guard site.seams.isDead || site.disk.disarm() else {
                throw OracleViolation(.failure, "a replica does not come or go: \(error)")
            }
        }
        if !site.seams.isDead { await site.dsa?.agent.step() }
        try await settle(site, contexts: [])
    }

    /// The NTDS Settings object says what is held; who masters it then knows whom to tell.
    private func declare(
        _ kind: ModifyOperation,
        _ domain: NamingContext,
        at site: SimulatedSite
    ) async throws {
        guard let store = site.dsa?.store else { return }
        let value = Array(domain.dn.description(naming: store.schema).utf8)
        _ = try await originate(
            [.modify(.guid(site.dsaGUID), [Modification(kind, "hasPartialReplicaNCs", [value])])],
            in: plan.configuration.guid,
            at: site
        )
    }
}
