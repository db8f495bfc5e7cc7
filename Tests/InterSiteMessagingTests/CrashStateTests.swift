import Identifiers
import SecureMail
import Simulator
import Testing

@testable import InterSiteMessaging

/// Every call of the mailroot's work is a place to die at, with whatever a disk may have kept by then.
@Suite(.timeLimit(.minutes(5))) struct `Crash states` {
    private static let base = "/data/mailroot"
    private static let sidecar = QueuedMail(
        partner: .zero,
        partnerName: "BR3-VAN-DC-01",
        summary: "",
        createdSeconds: 0,
        expiresSeconds: 0
    )

    private static func open(_ disk: CrashDisk, isArchiveOn: Bool = true) async throws(FileError) -> MailRoot
    {
        var limits = MailRootLimits()
        limits.diskThreads = 1
        limits.isArchiveOn = isArchiveOn
        return try await MailRoot.open(
            at: base,
            fileSystem: disk,
            limits: limits,
            now: { TestForest.now },
            randomGUID: TestRandom.guid
        )
    }

    private static func text(_ number: Int) -> [UInt8] { Array("mail number \(number), whole".utf8) }

    private static func receive(_ number: Int, _ root: MailRoot, _ disk: CrashDisk) async throws -> String {
        let text = text(number)
        let spool = try await root.beginDrop()
        do {
            try await root.append(Array(text.prefix(9)), to: spool)
            try await root.append(Array(text.dropFirst(9)), to: spool)
        } catch {
            await root.abortDrop(spool)
            throw error
        }
        try await root.commitDrop(spool)
        disk.promise("/\(spool.id).eml", text)
        return spool.id
    }

    private static func queue(_ number: Int, _ root: MailRoot, _ disk: CrashDisk) async throws -> String {
        let id = root.freshID()
        try await root.storeQueue(id: id, bytes: text(number), sidecar: sidecar)
        disk.promise("/\(id).eml", text(number))
        return id
    }

    /// Receive, send, retry, hold, release, refuse, archive, discard and fragments; a step that fails is left out.
    private static func work(_ root: MailRoot, _ disk: CrashDisk) async {
        var ids: [String] = []
        for number in 0..<6 { if let id = try? await receive(number, root, disk) { ids.append(id) } }
        var queued: [String] = []
        for number in 10..<13 { if let id = try? await queue(number, root, disk) { queued.append(id) } }
        let reason = MailReason(code: "test", sentence: "a sentence", time: TestForest.now)
        for (index, id) in ids.enumerated() {
            switch index {
            case 0:
                _ = try? await root.hold(.drop, id, reason: reason)
                _ = try? await root.release(id)
            case 1: _ = try? await root.refuse(.drop, id, reason: reason)
            case 2:
                // A full disk takes what is kept for inspection.
                disk.promise("/\(id).eml", nil)
                _ = try? await root.finish(.drop, id)
            case 3:
                if let waiting = try? await root.awaitFragments(id) {
                    _ = try? await root.release(waiting, from: .fragments)
                }
            case 4:
                disk.promise("/\(id).eml", nil)
                if let waiting = try? await root.awaitFragments(id) {
                    _ = try? await root.finish(.fragments, waiting)
                }
            default:
                disk.promise("/\(id).eml", nil)
                _ = try? await root.discard(.drop, id)
            }
            _ = try? await receive(20 + index, root, disk)
        }
        var tried = sidecar
        tried.attempts = 3
        for id in queued { try? await root.updateQueued(id, tried) }
        if let first = queued.first {
            disk.promise("/\(first).eml", nil)
            _ = try? await root.finish(.queue, first)
        }
        if let last = queued.last { _ = try? await root.refuse(.queue, last, reason: reason) }
    }

    private static let whole: Set<[UInt8]> = Set((0..<40).map(text))

    /// What is wrong with a disk that was opened again; nothing is the aim.
    private static func violations(_ disk: CrashDisk, promises: [String: [UInt8]]) -> [String] {
        let mails = disk.files(below: base).filter { $0.key.hasSuffix(".eml") }
        var found = mails.filter { !whole.contains($0.value) }.map { "half a mail: \($0.key)" }
        for (name, octets) in promises
        where !mails.contains(where: { $0.key.hasSuffix(name) && $0.value == octets }) {
            found.append("lost: \(name)")
        }
        for path in disk.files(below: base).keys where path.contains("/.tmp/") {
            found.append("left: \(path)")
        }
        return found
    }

    @Test func `of the mailroot lose no promised mail and show no half one`() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SimulationRandom(seed: seed)
        let disk = CrashDisk(modified: TestForest.now)
        let root = try await Self.open(disk)
        disk.record()
        await Self.work(root, disk)
        let folders = disk.folders
        var seen: Set<[String: [UInt8]]> = []
        var problems: [String] = []
        for (call, moment) in disk.moments.enumerated() {
            for files in moment.disk.afterCrash(countMax: 120, using: &generator)
            where seen.insert(files).inserted {
                let left = CrashDisk(files: files, folders: folders, modified: TestForest.now)
                _ = try await Self.open(left)
                for problem in Self.violations(left, promises: moment.promises) {
                    problems.append("call \(call): \(problem)")
                }
            }
        }
        print("\(seen.count) crash states of \(disk.moments.count) calls, \(problems.count) violations")
        #expect(problems.isEmpty, "seed \(seed): \(problems.prefix(5))")
        #expect(seen.count >= 5000, "seed \(seed)")
    }

    @Test func `of a replaced file are the old one or the new one`() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SimulationRandom(seed: seed)
        let disk = CrashDisk(folders: ["/", "/data"], modified: TestForest.now)
        disk.record()
        for asOf in 1...20 {
            let line = Array("\(asOf * 1_000_003) \(TestForest.forest)\n".utf8)
            try disk.replaceFile("/data/generation", with: line, mode: 0o600)
            disk.promise("generation", line)
        }
        var count = 0
        for moment in disk.moments {
            let promised = moment.promises["generation"].map { Self.number($0) } ?? 0
            for files in moment.disk.afterCrash(countMax: 200, using: &generator) {
                count += 1
                guard let octets = files["/data/generation"] else {
                    #expect(promised == 0, "seed \(seed)")
                    continue
                }
                // Whole, and never older than what was handed out.
                #expect(octets.last == 0x0a, "seed \(seed)")
                #expect(Self.number(octets) >= promised, "seed \(seed)")
            }
        }
        print("\(count) crash states of a replaced file, 0 violations unless told above")
        #expect(count >= 300)
    }

    private static func number(_ octets: [UInt8]) -> Int {
        Int(String(decoding: octets.prefix { $0 != 0x20 }, as: UTF8.self)) ?? -1
    }

    @Test func `of the committed log open, invent nothing, and keep what a start has written back`()
        async throws
    {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SimulationRandom(seed: seed)
        let disk = CrashDisk(folders: ["/", "/data"], modified: TestForest.now)
        let sender = TestRandom.guid()
        let expires = TestForest.now.adding(seconds: 86_400)
        let ids = (0..<12).map { _ in TestRandom.guid() }
        let first = try await CommittedMessageLog.open(at: "/data/log", fileSystem: disk, now: TestForest.now)
        for id in ids.prefix(6) { try await first.record(message: id, from: sender, expires: expires) }
        disk.record()
        let second = try await CommittedMessageLog.open(
            at: "/data/log",
            fileSystem: disk,
            now: TestForest.now
        )
        disk.promise("log", [])
        for id in ids.dropFirst(6) { try await second.record(message: id, from: sender, expires: expires) }
        var count = 0
        for moment in disk.moments {
            for files in moment.disk.afterCrash(countMax: 60, using: &generator) {
                count += 1
                let left = CrashDisk(files: files, folders: ["/", "/data"], modified: TestForest.now)
                let log = try await CommittedMessageLog.open(
                    at: "/data/log",
                    fileSystem: left,
                    now: TestForest.now
                )
                let known = ids.filter { log.contains(message: $0, from: sender) }
                #expect(log.count == known.count, "seed \(seed)")
                if moment.promises["log"] != nil {
                    #expect(Set(known).isSuperset(of: ids.prefix(6)), "seed \(seed)")
                }
            }
        }
        #expect(count > 30)
    }

    @Test(arguments: CrashDisk.Fault.allCases)
    func `are none when a call fails: what was promised is there, what was not is gone`(
        fault: CrashDisk.Fault
    ) async throws {
        var call = 0
        var isClean = false
        while !isClean {
            call += 1
            let disk = CrashDisk(modified: TestForest.now)
            let root = try await Self.open(disk)
            disk.arm(call: call, fault)
            await Self.work(root, disk)
            isClean = !disk.disarm()
            let mails = disk.files(below: Self.base).filter {
                $0.key.hasSuffix(".eml") && !$0.key.contains("/.tmp/")
            }
            // The process lives: nothing unpromised shows, nothing half, nothing lost.
            for (name, octets) in disk.promises
            where !mails.contains(where: { $0.key.hasSuffix(name) && $0.value == octets }) {
                Issue.record("\(fault) at call \(call): lost \(name)")
            }
            #expect(mails.allSatisfy { Self.whole.contains($0.value) }, "\(fault) at call \(call)")
            let again = try await Self.open(disk)
            #expect(Self.violations(disk, promises: disk.promises).isEmpty, "\(fault) at call \(call)")
            _ = again
        }
        #expect(call > 20)
    }

    @Test func `while fragments become a message hand it over whole, or again`() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SimulationRandom(seed: seed)
        let forest = try TestForest.shared.get()
        let payload = (0..<900).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let mails = try forest.fragments(payload, count: 6, id: TestRandom.guid())
        let disk = CrashDisk(modified: TestForest.now)
        let root = try await Self.open(disk)
        for mail in mails {
            let spool = try await root.beginDrop()
            try await root.append(mail, to: spool)
            try await root.commitDrop(spool)
        }
        disk.record()
        var options = TestSite.Options()
        options.base = "/data"
        options.fileSystem = disk
        options.handler = { message in
            #expect(message.payload == payload)
            disk.promise("applied", [])
        }
        let first = try await TestSite.vancouver(options)
        try await first.start()
        try await first.events.wait(6, for: "archived")
        await first.stop()
        let folders = disk.folders
        var seen: Set<[String: [UInt8]]> = []
        for moment in disk.moments {
            for files in moment.disk.afterCrash(countMax: 12, using: &generator)
            where seen.count < 300 && seen.insert(files).inserted {
                try await Self.recover(files, folders, payload, isApplied: moment.promises["applied"] != nil)
            }
        }
        print("\(seen.count) crash states of fragments, seed \(seed)")
        #expect(seen.count > 30)
    }

    /// A second process finds these files; nothing is left to do when Drop is empty.
    private static func recover(
        _ files: [String: [UInt8]],
        _ folders: Set<String>,
        _ payload: [UInt8],
        isApplied: Bool
    ) async throws {
        let disk = CrashDisk(files: files, folders: folders.union(["/data"]), modified: TestForest.now)
        var options = TestSite.Options()
        options.base = "/data"
        options.fileSystem = disk
        let site = try await TestSite.vancouver(options)
        let left = disk.files(below: "\(base)/Drop").keys.count { $0.hasSuffix(".eml") }
        let waiting = disk.files(below: "\(base)/Fragments").count
        try await site.start()
        // Each is kept or archived, at least.
        try await site.events.wait(left + waiting) { event in
            ["fragment", "archived", "duplicate"].contains(event.kind.name)
        }
        if !isApplied { try await site.events.wait(for: "committed") }
        await site.stop()
        #expect(isApplied || site.received.value.map(\.payload) == [payload])
        #expect(disk.files(below: "\(base)/Badmail").isEmpty)
    }
}
