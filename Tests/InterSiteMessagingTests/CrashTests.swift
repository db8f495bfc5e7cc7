import Identifiers
import PKI
import SecureMail
import Simulator
import Testing

@testable import InterSiteMessaging

/// What was acknowledged survives whatever call fails and wherever the machine dies.
@Suite(.timeLimit(.minutes(3))) struct `Crashes` {
    private static func mailRoot(_ disk: FaultyFileSystem) async throws(FileError) -> MailRoot {
        var limits = MailRootLimits()
        limits.diskThreads = 2
        return try await MailRoot.open(
            at: "/data/mailroot",
            fileSystem: disk,
            limits: limits,
            now: { TestForest.now },
            randomGUID: TestRandom.guid
        )
    }

    private static let sidecar = QueuedMail(
        partner: .zero,
        partnerName: "BR3-VAN-DC-01",
        summary: "",
        createdSeconds: 0,
        expiresSeconds: 0
    )

    /// Spools and queues; returns what was promised.
    private func store(_ root: MailRoot) async -> [String: [UInt8]] {
        var promised: [String: [UInt8]] = [:]
        for number in 0..<3 {
            let text = Array("mail \(number)".utf8)
            do throws(FileError) {
                let spool = try await root.beginDrop()
                do throws(FileError) {
                    try await root.append(Array(text.prefix(3)), to: spool)
                    try await root.append(Array(text.dropFirst(3)), to: spool)
                } catch {
                    await root.abortDrop(spool)
                    throw error
                }
                try await root.commitDrop(spool)
                promised["Drop/\(spool.id)"] = text
            } catch {}
            let id = root.freshID()
            if (try? await root.storeQueue(id: id, bytes: text, sidecar: Self.sidecar)) != nil {
                promised["Queue/\(id)"] = text
            }
        }
        return promised
    }

    @Test(arguments: [true, false], [true, false])
    func `lose no promised mail and leave no half one`(isDeath: Bool, keepsNames: Bool) async throws {
        var isClean = false
        var call = 0
        while !isClean {
            call += 1
            let disk = FaultyFileSystem(modified: TestForest.now)
            try disk.createDirectory("/data", mode: 0o700)
            let root = try await Self.mailRoot(disk)
            disk.arm(failingCall: call, isDeath: isDeath)
            let promised = await store(root)
            isClean = !disk.disarm()
            if !isDeath {
                // Failed attempts leave nothing, even while the process lives.
                let names = disk.files(below: "/data/mailroot").filter { $0.hasSuffix(".eml") }
                #expect(names.filter { !$0.contains("/.tmp/") }.count == promised.count, "call \(call)")
            }
            disk.crash(keepsNames: keepsNames)
            let again = try await Self.mailRoot(disk)
            for (name, text) in promised {
                let folder: MailFolder = name.hasPrefix("Drop/") ? .drop : .queue
                let id = String(name.split(separator: "/")[1])
                #expect(try await again.read(folder, id) == text, "call \(call), \(name)")
            }
            #expect(disk.files(below: "/data/mailroot/Drop/.tmp").isEmpty)
            #expect(disk.files(below: "/data/mailroot/Queue/.tmp").isEmpty)
            if isClean { #expect(promised.count == 6) }
        }
        // Opening, writing and syncing alone are more.
        #expect(call > 30)
    }

    @Test func `hand every mail over at least once, wherever the machine dies`() async throws {
        let forest = try TestForest.shared.get()
        let mails = try (0..<3).map { number in
            let id = TestRandom.guid()
            return (id, try forest.sealed([UInt8(number)], id: id, from: forest.hq, to: forest.vancouver))
        }
        let all = Set(mails.map(\.0))
        var isClean = false
        var call = 0
        while !isClean {
            call += 1
            let disk = FaultyFileSystem(modified: TestForest.now)
            try disk.createDirectory("/data", mode: 0o700)
            let root = try await Self.mailRoot(disk)
            for mail in mails {
                let spool = try await root.beginDrop()
                try await root.append(mail.1, to: spool)
                try await root.commitDrop(spool)
            }
            let applied = Box<[GUID]>([])
            var options = TestSite.Options()
            options.base = "/data"
            options.fileSystem = disk
            options.isArchiveOn = call % 2 == 0
            options.handler = { message in applied.change { $0.append(message.id) } }
            disk.crash(keepsNames: false)

            // The database outlives the crash, as it syncs by itself.
            let first = try await TestSite.vancouver(options)
            disk.whenDead { [events = first.events] in
                events.post(MailEvent(.storageTrouble(reason: "dead")))
            }
            disk.arm(failingCall: call, isDeath: true)
            do {
                try await first.start()
            } catch {
                #expect(disk.isDead, "\(error)")
            }
            let events = first.events
            events.post(MailEvent(.released))
            // Over when nothing is left to do, or nothing can be done any more.
            while true {
                let seen = events.all.count
                if disk.isDead || events.count("committed") == 3 { break }
                try await events.wait(seen + 1) { _ in true }
            }
            await first.stop()
            isClean = !disk.disarm()
            disk.crash(keepsNames: call % 3 == 0)

            options.isArchiveOn = true
            let second = try await TestSite.vancouver(options)
            let left = disk.files(below: "/data/mailroot/Drop").count
            try await second.start()
            try await second.events.wait(left, for: "archived")
            await second.stop()
            #expect(Set(applied.value) == all, "call \(call)")
            #expect(disk.files(below: "/data/mailroot/Badmail").isEmpty, "call \(call)")
            // When the removal of a mail survived, but not the line about it, nothing is left to repeat.
            for mail in all where call % 3 != 0 {
                #expect(second.committed.contains(message: mail, from: forest.hq.dsa))
            }
        }
        #expect(call > 12)
    }

    @Test func `share one directory sync, begun after the last rename`() async throws {
        let gate = SyncGate()
        let disk = FaultyFileSystem(modified: TestForest.now, syncGate: gate)
        let threads = BlockingThreads(count: 2)
        let sync = DirectorySync(folder: "/data", fileSystem: disk, threads: threads)
        gate.close()
        async let first: Void = sync.sync()
        await threads.run { gate.waitUntilEntered() }
        // The running sync began before these: both wait for the next one.
        async let second: Void = sync.sync()
        async let third: Void = sync.sync()
        while await sync.waiting.count < 2 { await Task.yield() }
        gate.release()
        try await first
        await threads.run { gate.waitUntilEntered() }
        gate.open()
        _ = try await (second, third)
        #expect(disk.syncs(of: "/data") == 2)
    }

    @Test func `tell everybody who waited for a sync that failed`() async throws {
        let gate = SyncGate()
        let disk = FaultyFileSystem(modified: TestForest.now, syncGate: gate)
        let threads = BlockingThreads(count: 2)
        let sync = DirectorySync(folder: "/data", fileSystem: disk, threads: threads)
        disk.arm(failingCall: 2)
        gate.close()
        async let first: Void = sync.sync()
        await threads.run { gate.waitUntilEntered() }
        let others = (0..<3).map { _ in Task { try await sync.sync() } }
        while await sync.waiting.count < 3 { await Task.yield() }
        gate.release()
        try await first
        await threads.run { gate.waitUntilEntered() }
        gate.open()
        for other in others { await #expect(throws: FileError.self) { try await other.value } }
        // A later one is not stuck.
        try await sync.sync()
    }
}
