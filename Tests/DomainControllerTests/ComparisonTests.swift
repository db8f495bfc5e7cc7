import AdminAPI
import DirectoryModel
import Foundation
import Identifiers
import Replication
import Store
import Testing

@testable import DomainController

@Suite struct `Comparing replicas over mail` {
    @Test(.timeLimit(.minutes(3)))
    func `equal replicas are equal, and a write that nobody made is found`() async throws {
        let sites = try await TwoSites()
        try await sites.start()
        try await sites.hq.write(
            .add(
                "CN=Ann Taylor,DC=reskit,DC=example",
                ["objectClass": ["inetOrgPerson"], "cn": ["Ann Taylor"], "sn": ["Taylor"]]
            )
        )
        #expect(try await sites.converge())
        let request = CompareRequest(partner: "HQ-RES-DC-01", timeoutSeconds: 60)
        let equal = try await sites.van.compare(request)
        #expect(equal.isEqual, "\(equal.text)")
        #expect(
            equal.comparisons.count == 4 && equal.comparisons.allSatisfy { $0.equal > 0 && $0.moving == 0 }
        )

        let ann = ObjectTarget(dn: "CN=Ann Taylor,DC=reskit,DC=example")
        let object = try await sites.van.object(ObjectQuery(target: ann))
        try await forge("sn", of: object.objectGUID, at: sites.van, from: sites.hq)
        for (service, partner) in [(sites.van, "HQ-RES-DC-01"), (sites.hq, "BR3-VAN-DC-01")] {
            let unlike = try await service.compare(
                CompareRequest(partner: partner, namingContext: TwoSites.root, timeoutSeconds: 60)
            )
            #expect(unlike.comparisons.map(\.isPartial) == [true])
            #expect(unlike.comparisons.first?.differences.map(\.objectGUID) == [object.objectGUID])
            #expect(unlike.comparisons.first?.differences.first?.kind == .unlike)
        }
        await sites.stop()
    }

    @Test(.timeLimit(.minutes(3)))
    func `a write on its way is no difference`() async throws {
        let sites = try await TwoSites()
        try await sites.start()
        #expect(try await sites.converge())
        // Nothing asks for changes any more: the comparison's own mail goes, the change does not.
        let agents = [sites.hq.agent, sites.van.agent]
        for agent in agents { await agent.stop() }
        try await sites.hq.write(
            .add(
                "CN=Late,CN=Sites,CN=Configuration,DC=reskit,DC=example",
                ["objectClass": ["site"], "cn": ["Late"]]
            )
        )
        let reply = try await sites.van.compare(
            CompareRequest(partner: "HQ-RES-DC-01", namingContext: TwoSites.configuration, timeoutSeconds: 60)
        )
        #expect(reply.isEqual, "\(reply.text)")
        #expect(reply.comparisons.first?.moving == 1)
        await sites.stop()
    }

    @Test(.timeLimit(.minutes(3))) func `nobody is compared with a stranger or with oneself`() async throws {
        let sites = try await TwoSites()
        for name in ["NOBODY", "HQ-RES-DC-01"] {
            await #expect(throws: AdminError.self) {
                _ = try await sites.hq.compare(CompareRequest(partner: name))
            }
        }
    }

    /// A write of the origin's that the origin never made, below what both vectors cover.
    private func forge(
        _ attribute: String,
        of guid: GUID,
        at victim: DomainControllerService,
        from origin: DomainControllerService
    ) async throws {
        let oid = try #require(origin.store.schema.attribute(named: attribute)?.oid)
        let context = try #require(origin.partners.current.held.first { $0.role == .domain && !$0.isPartial })
        let identity = origin.store.identity
        let stamp = Stamp(
            version: 9,
            time: DomainControllerService.systemTime(),
            invocationID: identity.invocationID,
            originatingUSN: USN(1)
        )
        let part = ChangesReply(
            header: MessageHeader(
                dsaGUID: identity.dsaGUID,
                invocationID: identity.invocationID,
                bootRecords: [],
                namingContext: context.guid
            ),
            requestID: RandomSource.guid(),
            interval: USNInterval(from: .zero, to: USN(1)),
            asOf: USN(1),
            vector: .init(),
            cutFor: .full,
            attributes: [oid],
            objects: [
                ReplicatedObject(
                    objectGUID: guid,
                    attributes: [
                        ReplicatedAttribute(attribute: 0, stamp: stamp, values: [Array("Forged".utf8)])
                    ]
                )
            ],
            partNumber: 1,
            isLast: true
        )
        let outcomes = try await victim.store.apply(
            [part],
            context: ApplyContext(
                ownDSA: victim.store.identity.dsaGUID,
                now: DomainControllerService.systemTime()
            )
        )
        #expect(outcomes.map(\.objectsApplied) == [1], "\(outcomes)")
    }
}
