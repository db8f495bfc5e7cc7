import AdminAPI
@testable import DomainController
import Foundation
import Identifiers
import InterSiteMessaging
import Replication
import Store
import Synchronization
import Testing

@Suite struct `Replication agent` {
    /// The configuration, pulled by Vancouver from HQ.
    private func configurationLink(_ two: TwoSites) -> ReplicationLink {
        ReplicationLink(
            namingContext: two.van.partners.current.configurationContext.guid,
            partner: two.hq.store.identity.dsaGUID
        )
    }

    @Test(.timeLimit(.minutes(2)))
    func `an answer that came before anybody waited for it is not lost`() async throws {
        let two = try await TwoSites()
        try await two.start()
        let link = configurationLink(two)
        let events = two.van.eventHub.events()
        let asked = try await two.van.agent.request(link, isForced: true)
        let id = try #require(asked).request.requestID
        var committedAfterwards = 0
        for await event in events where event.kind == "mail-committed" {
            let destination = try await two.van.store.snapshot { try $0.destination(of: link.namingContext) }
            if destination.requests.contains(where: { $0.requestID == id && $0.answeredParts > 0 }) {
                committedAfterwards += 1
            }
            if committedAfterwards == 3 { break }
        }
        #expect(await two.van.agent.answer(to: id))
        await two.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func `a request that is declined for want of the attribute list is waited for in its successor`()
        async throws
    {
        let two = try await TwoSites()
        try await two.start()
        #expect(try await two.converge())
        // HQ's partial attribute set is one that Vancouver has not heard of.
        try await two.hq.write(
            .change(
                "CN=departmentNumber,CN=Schema,\(TwoSites.configuration)",
                .replace,
                "isMemberOfPartialAttributeSet",
                "TRUE"
            )
        )
        let context = "DC=vancouver,\(TwoSites.root)"
        let reply = try await two.hq.replicateNow(
            ReplicateNowRequest(namingContext: context, wait: true, timeoutSeconds: 60)
        )
        #expect(reply.isApplied)
        await two.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func `more than one credit of parts is waited for to its end`() async throws {
        let two = try await TwoSites(partOctetsMax: 2_000, creditParts: 2) { hq in
            try await hq.write(
                .add("OU=Docks,\(TwoSites.root)", ["objectClass": ["organizationalUnit"], "ou": ["Docks"]])
            )
        }
        for number in 0..<40 {
            try await two.hq.write(
                .add(
                    "OU=Dock \(number),OU=Docks,\(TwoSites.root)",
                    [
                        "objectClass": ["organizationalUnit"],
                        "description": [String(repeating: "x", count: 900)],
                    ]
                )
            )
        }
        try await two.start()
        let reply = try await two.van.replicateNow(
            ReplicateNowRequest(namingContext: TwoSites.root, wait: true, timeoutSeconds: 50)
        )
        #expect(reply.isApplied)
        await two.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func `a partner's refusal ends the waiting`() async throws {
        let two = try await TwoSites()
        try await two.start(two.van)
        let link = configurationLink(two)
        let asked = try #require(try await two.van.agent.request(link, isForced: true))
        let agent = two.van.agent
        let answer = Task { await agent.answer(to: asked.request.requestID) }
        try await agent.receive(
            ErrorReply(
                header: two.hq.agent.messageHeader(link.namingContext),
                requestID: asked.request.requestID,
                code: .notAPartner,
                text: "not here"
            )
        )
        #expect(await answer.value == false)
        await two.stop(two.van)
    }

    @Test func `a request that could not be mailed does not block the next, and the link says so`()
        async throws
    {
        let two = try await TwoSites()
        let link = configurationLink(two)
        // Messaging is not started: nothing can be mailed.
        for _ in 0..<2 {
            await #expect(throws: TransportError.self) {
                _ = try await two.van.agent.request(link, isForced: false)
            }
        }
        await two.van.agent.topologyChanged()
        await two.van.agent.step()
        let neighbors = try await two.van.replicationNeighbors().inbound
        #expect(neighbors.allSatisfy { $0.isFailing && $0.resultText.contains("not sent") })
    }

    @Test func `a clock that was set back does not stop the schedule`() async throws {
        let two = try await TwoSites()
        let agent = two.van.agent
        let later = Timestamp(seconds: DomainControllerService.systemTime().seconds + 86_400)
        await agent.topologyChanged()
        await agent.postpone(until: later)
        await agent.step()
        #expect(await agent.nextAttempt.values.allSatisfy { $0 < later })
    }

    @Test func `parts of contexts that nobody pulls leave nothing in memory`() async throws {
        let two = try await TwoSites()
        let unknown = ReplicationLink(
            namingContext: RandomSource.guid(),
            partner: two.hq.store.identity.dsaGUID
        )
        await two.van.agent.failed(unknown, code: 3, "refused")
        #expect(await two.van.agent.status[unknown] == nil)
    }

    @Test func `a pipe that is given up with elements in it goes away quietly`() throws {
        var pipe: BoundedPipe<Int>? = BoundedPipe(elementsAheadMax: 4)
        for element in 1...3 { try pipe?.put(element) }
        pipe?.abandon()
        #expect(throws: CancellationError.self) { try pipe?.put(4) }
        pipe = nil
    }

    @Test(.timeLimit(.minutes(1)))
    func `events asked for after the end are an empty stream`() async {
        let hub = EventHub()
        hub.close()
        for await _ in hub.events() {}
    }

    @Test func `day counts in the directory are kept to what arithmetic bears`() {
        #expect(ConfigurationReader.days(.max) == ConfigurationReader.daysMax)
        #expect(ConfigurationReader.days(-5) == 0)
        #expect(ConfigurationReader.days(nil) == 180)
    }

    @Test func `a service that is let go closes its database`() async throws {
        let two = try await TwoSites()
        let data = two.folder.path + "/third"
        try FileManager.default.copyItem(atPath: two.vanData, toPath: data)
        var service: DomainControllerService? = try await DomainControllerService(
            configuration: .standard(dataDirectory: data),
            log: TwoSites.log
        )
        #expect(openFiles(below: data).isEmpty == false)
        await service?.stop()
        service = nil
        #expect(openFiles(below: data).isEmpty)
    }

    private func openFiles(below folder: String) -> [String] {
        let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return descriptors.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }.filter { $0.hasPrefix(folder + "/directory.sqlite") }
    }
}

extension ReplicationAgent {
    /// As if every link's next attempt lay there.
    fileprivate func postpone(until time: Timestamp) {
        for link in nextAttempt.keys { nextAttempt[link] = time }
    }
}
