import AdminAPI
@testable import DomainController
import Foundation
import Identifiers
import Replication
import Store
import Testing

@Suite struct `Backup and restore` {
    private func backup(_ service: DomainControllerService, to path: String) async throws {
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        let handle = try #require(FileHandle(forWritingAtPath: path))
        for try await piece in try await service.backup() { try handle.write(contentsOf: Data(piece)) }
        try handle.close()
    }

    private func restore(
        _ file: String,
        to data: String,
        isForced: Bool = false,
        takesFromCatalogs: Bool = false
    ) async throws -> RestoreSummary {
        try await Restoration(
            backup: file,
            dataDirectory: data,
            isForced: isForced,
            takesFromCatalogs: takesFromCatalogs
        ).run(log: TwoSites.log, at: DomainControllerService.systemTime())
    }

    private func code(_ body: () async throws -> Void) async -> String? {
        do {
            try await body()
            return nil
        } catch let error as AdminError {
            return error.code
        } catch { return "\(error)" }
    }

    private func site(_ name: String) -> WriteOperation {
        .add("CN=\(name),CN=Sites,\(TwoSites.configuration)", ["objectClass": ["site"]])
    }

    private func unit(_ name: String) -> WriteOperation {
        .add("OU=\(name),\(TwoSites.root)", ["objectClass": ["organizationalUnit"]])
    }

    private func names(_ service: DomainControllerService) async throws -> [String] {
        try await service.partners.reload()
        return service.partners.current.sites.sorted()
    }

    @Test(.timeLimit(.minutes(3)))
    func `a DSA restored into an empty directory comes back with what partners have`() async throws {
        let two = try await TwoSites()
        try await two.start()
        #expect(try await two.converge())
        let file = two.folder.path + "/hq.backup"
        try await two.hq.write(site("Before"))
        try await backup(two.hq, to: file)
        let life = two.hq.store.identity.invocationID
        try await two.hq.write(site("Lost"), unit("Lost"))
        #expect(try await two.converge())
        await two.stop(two.hq)
        let data = two.folder.path + "/restored"
        let summary = try await restore(file, to: data)
        #expect(summary.endedInvocationID == life && summary.invocationID != life)
        #expect(summary.keptFiles.isEmpty && summary.replaced == nil)
        try await two.replaceHQ(data)
        #expect(two.hq.store.identity.invocationID == summary.invocationID)
        #expect(try await names(two.hq).contains("Before"))
        #expect(try await !names(two.hq).contains("Lost"))
        try await two.hq.write(site("New"))
        try await two.start(two.hq)
        try await two.connect()
        #expect(try await two.converge())
        for service in [two.hq, two.van] {
            let sites = try await names(service)
            #expect(["Before", "Lost", "New"].allSatisfy { sites.contains($0) })
        }
        #expect(two.van.eventHub.counts["rollbackSuspected"] == nil)
        // The own domain is as in the backup, and the partial replica, which had more, follows it.
        let lost = ObjectQuery(target: ObjectTarget(dn: "OU=Lost,\(TwoSites.root)"))
        for service in [two.hq, two.van] {
            await #expect(throws: (any Error).self) { _ = try await service.object(lost) }
        }
        #expect(two.van.eventHub.counts["rebuilt"] == 1)
        // Once more from the same file: the end is the same.
        await two.stop(two.hq)
        let again = two.folder.path + "/again"
        _ = try await restore(file, to: again)
        try await two.replaceHQ(again)
        try await two.start(two.hq)
        try await two.connect()
        #expect(try await two.converge())
        #expect(try await names(two.hq).contains("New"))
        await two.stop()
    }

    @Test(.timeLimit(.minutes(3)))
    func `what a catalog holds comes back, also to a DSA that starts again before the answer`() async throws {
        let two = try await TwoSites()
        try await two.start()
        #expect(try await two.converge())
        let file = two.folder.path + "/hq.backup"
        try await backup(two.hq, to: file)
        try await two.hq.write(unit("Lost"))
        #expect(try await two.converge())
        await two.stop(two.hq)
        // Vancouver's answers wait on the way.
        try await two.van.setRoute(to: "HQ-RES-DC-01", port: 1)
        let data = two.folder.path + "/restored"
        _ = try await restore(file, to: data, takesFromCatalogs: true)
        for number in 0..<2 {
            let life = "\(data)-\(number)"
            if number > 0 { await two.stop(two.hq) }
            try FileManager.default.copyItem(atPath: number == 0 ? data : "\(data)-0", toPath: life)
            try await two.replaceHQ(life)
            let answers = two.van.eventHub.events()
            try await two.start(two.hq)
            try await two.hq.setRoute(to: "BR3-VAN-DC-01", port: try #require(two.van.smtpPort))
            for await event in answers where event.kind == "answered" && event.namingContext == TwoSites.root
            { break }
        }
        let taken = two.hq.eventHub.events()
        try await two.connect()
        for await event in taken where event.kind == "recovered" { break }
        #expect(try await two.converge())
        for service in [two.hq, two.van] {
            _ = try await service.object(ObjectQuery(target: ObjectTarget(dn: "OU=Lost,\(TwoSites.root)")))
        }
        #expect(two.hq.eventHub.counts["mail-refused"] == nil)
        #expect(two.van.eventHub.counts["rebuilt"] == nil)
        await two.stop()
    }

    @Test(.timeLimit(.minutes(2)))
    func `a newer database stays, unless it is told otherwise, and is kept beside the old one`() async throws
    {
        let two = try await TwoSites()
        let file = two.folder.path + "/hq.backup"
        try await backup(two.hq, to: file)
        let data = two.folder.path + "/copy"
        #expect(await code { _ = try await self.restore(file, to: two.hqData) } == "dataDirectoryLocked")
        try FileManager.default.copyItem(atPath: two.hqData, toPath: data)
        let key = try Data(contentsOf: URL(fileURLWithPath: data + "/pki/dsa.key"))
        // As old as the backup: nothing is lost.
        let first = try await restore(file, to: data)
        #expect(first.keptFiles.contains("pki/dsa.key"))
        #expect(FileManager.default.fileExists(atPath: data + "/directory.sqlite.replaced"))
        // Now it is a later life.
        #expect(await code { _ = try await self.restore(file, to: data) } == "databaseNewer")
        let second = try await restore(file, to: data, isForced: true)
        #expect(second.invocationID != first.invocationID)
        #expect(try Data(contentsOf: URL(fileURLWithPath: data + "/pki/dsa.key")) == key)
        let restored = try await two.another(data)
        #expect(restored.store.identity.invocationID == second.invocationID)
        await restored.stop()
        // Another DSA's directory is none of its business.
        let van = two.folder.path + "/van-copy"
        try FileManager.default.copyItem(atPath: two.vanData, toPath: van)
        #expect(await code { _ = try await self.restore(file, to: van) } == "otherDSA")
    }

    @Test(.timeLimit(.minutes(2)))
    func `a backup that is cut off or altered anywhere changes nothing`() async throws {
        let two = try await TwoSites()
        let file = two.folder.path + "/hq.backup"
        try await backup(two.hq, to: file)
        let good = try Data(contentsOf: URL(fileURLWithPath: file))
        let bad = two.folder.path + "/bad.backup"
        let data = two.folder.path + "/empty"
        var random = SystemRandomNumberGenerator()
        var places = [0, 5, 25, 60, good.count - 33, good.count - 1]
        for _ in 0..<6 { places.append(Int.random(in: 0..<good.count, using: &random)) }
        for place in places {
            var octets = good
            octets[place] ^= 0x10
            try octets.write(to: URL(fileURLWithPath: bad))
            let altered = await code { _ = try await self.restore(bad, to: data) }
            #expect(
                ["backupDamaged", "notABackup"].contains(altered),
                "octet \(place): \(altered ?? "taken")"
            )
            try good[..<place].write(to: URL(fileURLWithPath: bad))
            let cut = await code { _ = try await self.restore(bad, to: data) }
            #expect(cut == "backupDamaged", "cut at \(place): \(cut ?? "taken")")
        }
        try (good + Data([0])).write(to: URL(fileURLWithPath: bad))
        #expect(await code { _ = try await self.restore(bad, to: data) } == "backupDamaged")
        #expect(!FileManager.default.fileExists(atPath: data))
    }

    @Test(arguments: ["../evil", "pki/../../evil", "/etc/passwd", "pki//x", "a/b/c/d/e", ""])
    func `no name in a backup leads out of the data directory`(name: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "backup-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let content = folder.path + "/content"
        try Data("x".utf8).write(to: URL(fileURLWithPath: content))
        let header = BackupHeader(
            version: "1",
            created: .epoch,
            server: "HQ",
            dsaGUID: .zero,
            invocationID: .zero,
            highestUSN: .zero,
            files: [.init(name: "directory.sqlite", octets: 1), .init(name: name, octets: 1)]
        )
        var octets: [UInt8] = []
        try BackupFile.write(header, paths: [content, content]) { octets += $0 }
        let file = folder.path + "/made"
        try Data(octets).write(to: URL(fileURLWithPath: file))
        let data = folder.path + "/data"
        #expect(await code { _ = try await self.restore(file, to: data) } == "backupDamaged")
        #expect(!FileManager.default.fileExists(atPath: data))
    }

    @Test(.timeLimit(.minutes(3)))
    func `of the old DSA and the restored one the old one is refused`() async throws {
        let two = try await TwoSites()
        try await two.start()
        let file = two.folder.path + "/hq.backup"
        try await backup(two.hq, to: file)
        let old = two.hq
        let data = two.folder.path + "/restored"
        _ = try await restore(file, to: data)
        let restored = try await two.another(data)
        try await two.start(restored)
        try await restored.setRoute(to: "BR3-VAN-DC-01", port: #require(two.van.smtpPort))
        let life = restored.store.identity.invocationID
        // Mail of the new life, then mail that the old one wrote long after it.
        let header = await restored.agent.messageHeader(two.van.partners.current.configurationContext.guid)
        let late = await old.agent.messageHeader(header.namingContext)
        let noon = DomainControllerService.systemTime()
        let agent = two.van.agent
        let verdicts = [
            await agent.isRefused(late, created: noon), await agent.isRefused(header, created: noon),
            await agent.isRefused(late, created: noon.adding(seconds: -3_600)),
            await agent.isRefused(header, created: noon.adding(seconds: 900)),
            await agent.isRefused(late, created: noon.adding(seconds: 200)),
            await agent.isRefused(late, created: noon.adding(seconds: 900)),
        ]
        #expect(verdicts == [false, false, false, false, false, true])
        #expect(life != late.invocationID)
        await two.stop(restored)
        await two.stop()
    }
}

extension ReplicationAgent {
    /// Whether mail with this header is refused for coming from an older copy of its sender.
    fileprivate func isRefused(_ header: MessageHeader, created: Timestamp) -> Bool {
        returnedLife(header, created: created) != nil
    }
}
