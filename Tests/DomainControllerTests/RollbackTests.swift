import AdminAPI
@testable import DomainController
import Foundation
import Identifiers
import Replication
import Store
import Testing

@Suite struct `Rollback of a running DSA` {
    /// An hour at HQ that Vancouver has in full, and a copy of HQ's files from before it.
    private func lostHour() async throws -> (two: TwoSites, copy: String, live: String) {
        let two = try await TwoSites()
        try await two.start()
        #expect(try await two.converge())
        let copy = try await two.copyHQ("copy")
        let live = try await two.copyHQ("live")
        try await two.replaceHQ(live)
        try await two.start(two.hq)
        try await two.connect()
        try await two.hq.write(site("Lost"), unit("Lost"))
        #expect(try await two.converge())
        // A restart is no rollback.
        #expect(two.van.eventHub.counts["rollbackSuspected"] == nil)
        return (two, copy, live)
    }

    private func site(_ name: String) -> WriteOperation {
        .add("CN=\(name),CN=Sites,\(TwoSites.configuration)", ["objectClass": ["site"]])
    }

    private func unit(_ name: String) -> WriteOperation {
        .add("OU=\(name),\(TwoSites.root)", ["objectClass": ["organizationalUnit"]])
    }

    private func exists(_ dn: String, at service: DomainControllerService) async throws -> Bool {
        do {
            _ = try await service.object(ObjectQuery(target: ObjectTarget(dn: dn)))
            return true
        } catch { return false }
    }

    private func expectEnd(_ two: TwoSites, new: [String]) async throws {
        for service in [two.hq, two.van] {
            for name in ["Lost"] + new {
                #expect(
                    try await exists("CN=\(name),CN=Sites,\(TwoSites.configuration)", at: service),
                    "\(name)"
                )
            }
            // Only a partial replica had it.
            #expect(try await exists("OU=Lost,\(TwoSites.root)", at: service))
            #expect(try await exists("OU=New,\(TwoSites.root)", at: service))
        }
        #expect(two.van.eventHub.counts["rebuilt"] == nil)
        #expect(two.hq.eventHub.counts["recovered"] == 1)
    }

    @Test(.timeLimit(.minutes(3)))
    func `a database put back is seen at its start, and loses nothing that a full replica has`() async throws
    {
        let (two, copy, live) = try await lostHour()
        let life = two.hq.store.identity.invocationID
        let putBack = try await two.copy(copy, generationOf: live, to: "put-back")
        try await two.replaceHQ(putBack)
        #expect(two.hq.store.identity.invocationID != life)
        try await two.hq.write(site("New"), unit("New"))
        try await two.start(two.hq)
        try await two.connect()
        #expect(try await two.converge())
        #expect(two.van.eventHub.counts["rollbackSuspected"] == nil)
        try await expectEnd(two, new: ["New"])
        let settings = try #require(two.van.partners.current.dsa(two.hq.store.identity.dsaGUID))
        #expect(settings.invocationID == two.hq.store.identity.invocationID)
        #expect(settings.retired.map(\.invocationID) == [life])
        await two.stop()
    }

    @Test(.timeLimit(.minutes(3)))
    func `a machine's snapshot that has overtaken the lost hour is seen by its partner`() async throws {
        let (two, copy, live) = try await lostHour()
        let life = two.hq.store.identity.invocationID
        let lostUSN = try await two.hq.store.snapshot { try $0.highestUSN() }
        let putBack = try await two.copy(copy, generationOf: copy, to: "put-back")
        _ = live
        try await two.replaceHQ(putBack)
        // Nothing here can tell.
        #expect(two.hq.store.identity.invocationID == life)
        try await two.hq.write(site("New"), unit("New"))
        for number in 0..<12 { try await two.hq.write(site("More-\(number)")) }
        #expect(try await two.hq.store.snapshot { try $0.highestUSN() } > lostUSN)
        try await two.start(two.hq)
        try await two.connect()
        #expect(try await two.converge())
        #expect(two.hq.store.identity.invocationID != life)
        #expect(two.hq.eventHub.counts["cured"] == 1)
        #expect(two.van.eventHub.counts["rollbackSuspected"] ?? 0 > 0)
        try await expectEnd(two, new: ["New", "More-0", "More-11"])
        await two.stop()
    }

    @Test(.timeLimit(.minutes(3)))
    func `a second cure within a day waits for a person`() async throws {
        let (two, copy, live) = try await lostHour()
        let first = try await two.copy(copy, generationOf: live, to: "first")
        try await two.replaceHQ(first)
        let second = try await two.copy(copy, generationOf: first, to: "second")
        try await two.replaceHQ(second)
        let life = two.hq.store.identity.invocationID
        try await two.start(two.hq)
        try await two.connect()
        await two.hq.agent.step()
        #expect(try await two.hq.replicationNeighbors().alarms.map(\.kind) == ["halted"])
        #expect(try await two.hq.health().isHealthy == false)
        _ = try await two.hq.cure(CureRequest())
        #expect(two.hq.store.identity.invocationID != life)
        #expect(try await two.hq.replicationNeighbors().alarms.isEmpty)
        try await two.hq.write(site("New"), unit("New"))
        #expect(try await two.converge())
        try await expectEnd(two, new: ["New"])
        await two.stop()
    }

    @Test(.timeLimit(.minutes(3)))
    func `a twin is refused, and the original is told`() async throws {
        let (two, copy, _) = try await lostHour()
        let twin = try await two.another(copy)
        let suspicions = two.van.eventHub.events()
        let alarms = two.hq.eventHub.events()
        try await two.start(twin)
        try await twin.setRoute(to: "BR3-VAN-DC-01", port: #require(two.van.smtpPort))
        _ = try await twin.replicateNow(ReplicateNowRequest(wait: false))
        for await event in suspicions where event.kind == "rollbackSuspected" { break }
        for await event in alarms where event.kind == "twin" { break }
        // The original goes on as if nothing were.
        let life = two.hq.store.identity.invocationID
        try await two.hq.write(site("Later"))
        #expect(try await two.converge())
        #expect(two.hq.store.identity.invocationID == life)
        await two.stop(twin)
        await two.stop()
    }
}

extension TwoSites {
    /// Stops HQ and copies its files.
    fileprivate func copyHQ(_ name: String) async throws -> String {
        await stopIfRunning(hq)
        let target = folder.appendingPathComponent(name).path
        try FileManager.default.copyItem(atPath: hq.currentSettings.dataDirectory, toPath: target)
        return target
    }

    /// Files of a copy, with the generation file of another one.
    fileprivate func copy(_ copy: String, generationOf other: String, to name: String) async throws -> String
    {
        let target = folder.appendingPathComponent(name).path
        try FileManager.default.copyItem(atPath: copy, toPath: target)
        let (from, to) = (other + "/generation", target + "/generation")
        if from != copy + "/generation", FileManager.default.fileExists(atPath: from) {
            try? FileManager.default.removeItem(atPath: to)
            try FileManager.default.copyItem(atPath: from, toPath: to)
        }
        return target
    }
}
