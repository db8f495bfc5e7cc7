import Foundation
import Identifiers
import Testing
import Topology

/// Configuration naming contexts that other implementations have exported.
@Suite struct `Exports of others` {
    private func octets(_ name: String) throws -> [UInt8] {
        let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        return [UInt8](try Data(contentsOf: folder.appendingPathComponent("Exports/\(name)")))
    }

    /// Made by `samba-tool domain provision` and ldbsearch; the test adds a second site to it.
    @Test func `a new domain of Samba is read, and planned with a site more`() throws {
        let export = try octets("samba-4.17-default-site.ldif")
        let alone = TopologySnapshot(ldif: export)
        // The search's referral, which is no record.
        #expect(alone.findings.map(\.code) == [.recordUnreadable])
        #expect(alone.sites.map(\.name) == ["Default-First-Site-Name"])
        #expect(Set(alone.transports.map(\.name)) == ["IP", "SMTP"])
        #expect(Set(alone.namingContexts.map(\.kind)) == [.schema, .configuration, .domain])
        let dsa = try #require(alone.dsa(named: "hq-res-dc-01"))
        #expect(alone[dsa].replicas.map(\.isFull) == [true, true, true])
        let configuration = "CN=Configuration,DC=reskit,DC=example"
        let more = """

            dn: CN=Branch,CN=Sites,\(configuration)
            objectClass: site
            objectGUID: 11111111-0000-4000-8000-000000000001

            dn: CN=NTDS Site Settings,CN=Branch,CN=Sites,\(configuration)
            objectClass: nTDSSiteSettings
            objectGUID: 11111111-0000-4000-8000-000000000002

            dn: CN=B1,CN=Servers,CN=Branch,CN=Sites,\(configuration)
            objectClass: server
            objectGUID: 11111111-0000-4000-8000-000000000003

            dn: CN=NTDS Settings,CN=B1,CN=Servers,CN=Branch,CN=Sites,\(configuration)
            objectClass: nTDSDSA
            objectGUID: 11111111-0000-4000-8000-000000000004
            options: 1
            hasMasterNCs: DC=reskit,DC=example
            hasMasterNCs: \(configuration)
            hasMasterNCs: CN=Schema,\(configuration)

            dn: CN=Wire,CN=IP,CN=Inter-Site Transports,CN=Sites,\(configuration)
            objectClass: siteLink
            objectGUID: 11111111-0000-4000-8000-000000000005
            cost: 20
            replInterval: 15
            siteList: CN=Branch,CN=Sites,\(configuration)
            siteList: CN=Default-First-Site-Name,CN=Sites,\(configuration)

            """
        let snapshot = TopologySnapshot(ldif: export + Array(more.utf8))
        #expect(snapshot.findings.map(\.code) == [.linkWithOneSite, .recordUnreadable])
        let branch = try #require(snapshot.dsa(named: "b1"))
        let plan = KCC.plan(snapshot, KCCInput(dsa: branch, now: TestForest.now))
        #expect(plan.isWhole)
        let sources = plan.connections.map { snapshot.name(of: $0.source) }
        #expect(sources == ["Default-First-Site-Name\\HQ-RES-DC-01"])
        #expect(plan.sources.count == 3)
    }
}
