import AdminAPI
@testable import DomainController
import Foundation
import Identifiers
import InterSiteMessaging
import Simulator
import Store
import Testing

/// A restore that is broken off, or whose machine dies, leaves the old database, the new one, or the way to it.
@Suite(.timeLimit(.minutes(4))) struct `A restore on a bad disk` {
    /// HQ's backup, and a copy of its files as a killed process leaves them: newer, half of it in the log.
    private final class Sample {
        let two: TwoSites
        let backup: String
        let killed: String
        let usn: USN

        init() async throws {
            two = try await TwoSites()
            backup = two.folder.path + "/hq.backup"
            killed = two.folder.path + "/killed"
            let file = try UnfinishedFile(backup)
            for try await piece in try await two.hq.backup() { try file.append(piece) }
            _ = try file.finish { try BackupFile.read($0) }
            for number in 0..<3 {
                let dn = "CN=Later \(number),CN=Services,\(TwoSites.configuration)"
                try await two.hq.write(.add(dn, ["objectClass": ["container"]]))
            }
            usn = try await two.hq.store.snapshot { try $0.highestUSN() }
            try FileManager.default.copyItem(atPath: two.hqData, toPath: killed)
        }

        func copy(_ name: String) throws -> String {
            let path = two.folder.path + "/" + name
            try FileManager.default.copyItem(atPath: killed, toPath: path)
            return path
        }

        func restore(_ data: String, _ files: any FileSystem = POSIXFileSystem()) async throws {
            _ = try await Restoration(backup: backup, dataDirectory: data, isForced: true, files: files)
                .run(log: TwoSites.log, at: DomainControllerService.systemTime())
        }
    }

    private func state(of database: String) async throws -> (life: GUID, usn: USN)? {
        guard FileManager.default.fileExists(atPath: database) else { return nil }
        // Looked at in a copy: opening a database writes its log back.
        let copy = database + ".looked-at"
        for suffix in ["", "-wal"] {
            try? FileManager.default.removeItem(atPath: copy + suffix)
            if FileManager.default.fileExists(atPath: database + suffix) {
                try FileManager.default.copyItem(atPath: database + suffix, toPath: copy + suffix)
            }
        }
        let store = try DirectoryStore(path: copy, sha256: { _ in [] })
        defer { try? store.close() }
        return (store.identity.invocationID, try await store.snapshot { try $0.highestUSN() })
    }

    @Test func `loses neither database when the n-th call fails`() async throws {
        let sample = try await Sample()
        let life = sample.two.hq.store.identity.invocationID
        let names = try BackupFile.read(sample.backup).files.map(\.name)
        var call = 0
        var isClean = false
        while !isClean {
            call += 1
            let data = try sample.copy("restored-\(call)")
            let files = FailingFiles(failingCall: call)
            let failure: (any Error)?
            do {
                try await sample.restore(data, files)
                failure = nil
            } catch { failure = error }
            isClean = !files.hasFailed
            #expect(failure == nil || !isClean, "call \(call)")
            let database = data + "/directory.sqlite"
            if let now = try await state(of: database), now.life == life {
                // Nothing was replaced: the old one has all it had.
                #expect(now.usn == sample.usn, "call \(call)")
            }
            if failure != nil { try await sample.restore(data) }
            let kept = try #require(await state(of: database + ".replaced"), "call \(call)")
            #expect(kept.life == life && kept.usn == sample.usn, "call \(call)")
            let end = try #require(await state(of: database), "call \(call)")
            #expect(end.life != life, "call \(call)")
            for name in names where !FileManager.default.fileExists(atPath: data + "/" + name) {
                Issue.record("call \(call): \(name) is gone")
            }
            try FileManager.default.removeItem(atPath: data)
        }
        print("a restore makes \(call - 1) calls, each failed once")
        #expect(call > 20)
    }

    @Test(arguments: [true, false])
    func `loses neither database wherever the machine dies`(isReplacing: Bool) async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SimulationRandom(seed: seed)
        let sample = try await Sample()
        let data = isReplacing ? try sample.copy("restored") : sample.two.folder.path + "/empty"
        let files = MirroredFiles(try MirroredFiles.files(below: data))
        let old = files.model.files(below: data)
        files.model.record()
        try await sample.restore(data, files)
        files.model.promise("done", [])
        files.model.note()
        let names = try BackupFile.read(sample.backup).files.map(\.name)
        var seen: Set<[String: [UInt8]]> = []
        var problems: Set<String> = []
        for (call, moment) in files.model.moments.enumerated() {
            for left in moment.disk.afterCrash(countMax: 60, using: &random) where seen.insert(left).inserted
            {
                let isDone = moment.promises["done"] != nil
                for problem in Self.problems(left, old, data, names, isDone: isDone) {
                    problems.insert("call \(call): \(problem)")
                }
            }
        }
        print("\(seen.count) crash states of a restore in \(files.model.moments.count) calls")
        #expect(problems.isEmpty, "seed \(seed): \(problems.sorted().prefix(5))")
        #expect(seen.count > 50)
    }

    private static func problems(
        _ left: [String: [UInt8]],
        _ old: [String: [UInt8]],
        _ data: String,
        _ names: [String],
        isDone: Bool
    ) -> [String] {
        var found: [String] = []
        let database = data + "/directory.sqlite"
        let (now, before) = (left[database], old[database])
        let log = left[database + "-wal"]
        let isOld = before != nil && now == before
        if isOld, log != old[database + "-wal"] { found.append("the old database stands without its log") }
        if !isOld, now != nil, log != nil { found.append("the new database stands beside the old log") }
        if let before, !isOld {
            if left[database + ".replaced"] != before { found.append("the old database is gone") }
            let logs = [log, left[database + ".replaced-wal"]].compactMap { $0 }
            if let oldLog = old[database + "-wal"], !logs.contains(oldLog) {
                found.append("the old database's log is gone")
            }
        }
        guard isDone else { return found }
        if isOld || now == nil { found.append("the restored database is gone") }
        for name in names where left[data + "/" + name] == nil { found.append("\(name) is gone") }
        if left[data + "/generation"]?.last != 0x0a { found.append("the generation is gone") }
        return found
    }

    @Test func `a backup has its name when it is whole, or an older one keeps it`() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SimulationRandom(seed: seed)
        let (old, new) = (Array("an older backup".utf8), [UInt8](repeating: 7, count: 4_000))
        let start = CrashDisk(files: ["/out/hq.backup": old], folders: ["/", "/out"])
        start.record()
        try write(new, to: start)
        start.promise("done", [])
        start.note()
        var count = 0
        for moment in start.moments {
            for left in moment.disk.afterCrash(countMax: 60, using: &random) {
                count += 1
                let octets = left["/out/hq.backup"]
                #expect(octets == new || octets == old && moment.promises["done"] == nil, "seed \(seed)")
            }
        }
        print("\(count) crash states of a backup's file")
        #expect(count > 20)
        for fault in CrashDisk.Fault.allCases {
            var call = 0
            var isClean = false
            while !isClean {
                call += 1
                let disk = CrashDisk(files: ["/out/hq.backup": old], folders: ["/", "/out"])
                disk.arm(call: call, fault)
                try? write(new, to: disk)
                isClean = !disk.disarm()
                let files = disk.files(below: "/out")
                #expect([old, new].contains(files["/out/hq.backup"]), "\(fault) at call \(call)")
                try write(new, to: disk)
                #expect(disk.files(below: "/out") == ["/out/hq.backup": new], "\(fault) at call \(call)")
            }
            #expect(call > 2)
        }
    }

    private func write(_ octets: [UInt8], to disk: CrashDisk) throws {
        let file = try UnfinishedFile("/out/hq.backup", files: disk)
        do {
            try file.append(Array(octets.prefix(1_000)))
            try file.append(Array(octets.dropFirst(1_000)))
            try file.finish { _ in }
        } catch {
            file.abandon()
            throw error
        }
    }
}
