import AdminAPI
@testable import DomainController
import Identifiers
import InterSiteMessaging
import Replication
import Store
import Testing

@Suite struct `Collection by the agent` {
    @Test(.timeLimit(.minutes(2)))
    func `a resync over mail ends joined, and loses nothing`() async throws {
        let two = try await TwoSites()
        try await two.start()
        _ = try await two.converge()
        try await two.van.write(
            .add("CN=Only Here,\(TwoSites.configuration)", ["objectClass": ["container"]])
        )
        let before = try await two.van.status().namingContexts.map(\.objects).reduce(0, +)
        let reply = try await two.van.resync(
            ResyncRequest(namingContext: TwoSites.configuration, partner: "HQ-RES-DC-01")
        )
        #expect(reply.partner == "HQ-RES-DC-01")
        #expect(try await two.converge())
        let context = two.van.partners.current.configurationContext.guid
        let destination = try await two.van.store.snapshot { try $0.destination(of: context) }
        #expect(destination.hasJoined && !destination.isResyncing)
        let after = try await two.van.status().namingContexts.map(\.objects).reduce(0, +)
        #expect(before == after)
        #expect(try await two.van.lingeringObjects().isEmpty)
        await two.stop()
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["2", "0"])
    func `mail goes on when tombstones live shorter than messages`(days: String) async throws {
        let two = try await TwoSites()
        try await two.start()
        _ = try await two.converge()
        let service = "CN=Directory Service,CN=Windows NT,CN=Services,\(TwoSites.configuration)"
        try await two.hq.write(.change(service, .replace, "tombstoneLifetime", days))
        #expect(try await two.converge())
        try await two.van.write(
            .add("CN=After,\(TwoSites.configuration)", ["objectClass": ["container"]])
        )
        #expect(try await two.converge())
        #expect(two.van.partners.current.tombstoneLifetimeDays == 2)
        let reply = try await two.van.compare(CompareRequest(partner: "HQ-RES-DC-01"))
        #expect(reply.isEqual)
        await two.stop()
    }

    @Test func `only what is pulled can start over`() async throws {
        let two = try await TwoSites()
        for (context, partner) in [
            (TwoSites.root, "BR3-VAN-DC-01"), (TwoSites.configuration, "nobody"),
        ] {
            await #expect(throws: AdminError.self) {
                _ = try await two.hq.resync(ResyncRequest(namingContext: context, partner: partner))
            }
        }
    }

    @Test func `a partner is told once a minute why it gets no answer`() async throws {
        let two = try await TwoSites()
        let link = ReplicationLink(
            namingContext: two.hq.partners.current.configurationContext.guid,
            partner: two.van.store.identity.dsaGUID
        )
        let agent = two.hq.agent
        #expect(await agent.mayTell(.collectedNotCovered, link, at: Timestamp(seconds: 100)))
        #expect(await !agent.mayTell(.collectedNotCovered, link, at: Timestamp(seconds: 159)))
        #expect(await agent.mayTell(.disabled, link, at: Timestamp(seconds: 159)))
        #expect(await agent.mayTell(.collectedNotCovered, link, at: Timestamp(seconds: 160)))
        // A clock that was set back silences nobody.
        #expect(await agent.mayTell(.collectedNotCovered, link, at: Timestamp(seconds: 10)))
    }
}
