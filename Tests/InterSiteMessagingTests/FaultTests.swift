import Identifiers
import SecureMail
import Simulator
import Testing

@testable import InterSiteMessaging

/// Every call of a small file's work fails once; then the disk is well again.
@Suite(.timeLimit(.minutes(3))) struct `One call after the other fails` {
    private static let now = TestForest.now

    private static func open(_ disk: any FileSystem) async throws(FileError) -> CommittedMessageLog {
        try await CommittedMessageLog.open(at: "/data/log", fileSystem: disk, now: now)
    }

    @Test(arguments: CrashDisk.Fault.allCases)
    func `and the committed log knows what was recorded`(fault: CrashDisk.Fault) async throws {
        let sender = TestRandom.guid()
        let expires = Self.now.adding(seconds: 86_400)
        let old = (0..<3).map { _ in TestRandom.guid() }
        var call = 0
        var isClean = false
        while !isClean {
            call += 1
            let disk = CrashDisk(folders: ["/", "/data"], modified: Self.now)
            let first = try await Self.open(disk)
            for id in old { try await first.record(message: id, from: sender, expires: expires) }
            disk.arm(call: call, fault)
            let new = (0..<4).map { _ in TestRandom.guid() }
            var recorded = old
            if let log = try? await Self.open(disk) {
                for id in new {
                    let isWritten =
                        (try? await log.record(message: id, from: sender, expires: expires)) != nil
                    if isWritten { recorded.append(id) }
                    // The process knows it in any case.
                    #expect(log.contains(message: id, from: sender))
                }
            }
            isClean = !disk.disarm()
            let again = try await Self.open(disk)
            for id in recorded {
                #expect(again.contains(message: id, from: sender), "\(fault) at call \(call)")
            }
            #expect((recorded.count...(old + new).count).contains(again.count), "\(fault) at call \(call)")
            if isClean { #expect(again.count == 7) }
        }
        #expect(call > (fault == .sync ? 2 : 8))
    }

    @Test(arguments: CrashDisk.Fault.allCases)
    func `and a replaced file is the old one or the new one`(fault: CrashDisk.Fault) throws {
        let (old, new) = (Array("the old one".utf8), Array("the new and longer one".utf8))
        var call = 0
        var isClean = false
        while !isClean {
            call += 1
            let disk = CrashDisk(files: ["/data/file": old], folders: ["/", "/data"], modified: Self.now)
            disk.arm(call: call, fault)
            let isReplaced = (try? disk.replaceFile("/data/file", with: new, mode: 0o600)) != nil
            isClean = !disk.disarm()
            #expect(isReplaced == isClean, "\(fault) at call \(call)")
            let found = disk.files(below: "/data")["/data/file"]
            #expect(found == new || !isReplaced && found == old, "\(fault) at call \(call)")
            try disk.replaceFile("/data/file", with: new, mode: 0o600)
            #expect(disk.files(below: "/data") == ["/data/file": new], "\(fault) at call \(call)")
        }
        #expect(call > 2)
    }

    @Test func `and a message in fragments is handed over whole, wherever the machine dies`() async throws {
        let forest = try TestForest.shared.get()
        let payload = (0..<600).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        let mails = try forest.fragments(payload, count: 4, id: TestRandom.guid())
        var call = 0
        var isClean = false
        while !isClean {
            call += 1
            let disk = FaultyFileSystem(modified: Self.now)
            try disk.createDirectory("/data", mode: 0o700)
            try await Self.receive(mails, on: disk)
            let applied = Box<[[UInt8]]>([])
            var options = TestSite.Options()
            options.base = "/data"
            options.fileSystem = disk
            options.handler = { message in applied.change { $0.append(message.payload) } }
            let first = try await TestSite.vancouver(options)
            let events = first.events
            disk.whenDead { events.post(MailEvent(.storageTrouble(reason: "dead"))) }
            disk.arm(failingCall: call, isDeath: true)
            do { try await first.start() } catch { #expect(disk.isDead, "\(error)") }
            while !disk.isDead, events.count("archived") < mails.count {
                let seen = events.all.count
                if disk.isDead || events.count("archived") == mails.count { break }
                try await events.wait(seen + 1) { _ in true }
            }
            await first.stop()
            isClean = !disk.disarm()
            disk.crash(keepsNames: call % 2 == 0)
            let second = try await TestSite.vancouver(options)
            let left = disk.files(below: "/data/mailroot/Drop").count
            let waiting = disk.files(below: "/data/mailroot/Fragments").count
            try await second.start()
            try await second.events.wait(left + waiting) { event in
                ["fragment", "archived", "duplicate"].contains(event.kind.name)
            }
            if applied.value.isEmpty { try await second.events.wait(for: "committed") }
            await second.stop()
            #expect(!applied.value.isEmpty && applied.value.allSatisfy { $0 == payload }, "call \(call)")
            #expect(disk.files(below: "/data/mailroot/Badmail").isEmpty, "call \(call)")
        }
        print("a message of \(mails.count) fragments: the machine died at each of \(call - 1) calls")
        #expect(call > 20)
    }

    private static func receive(_ mails: [[UInt8]], on disk: FaultyFileSystem) async throws {
        var limits = MailRootLimits()
        limits.diskThreads = 1
        let root = try await MailRoot.open(
            at: "/data/mailroot",
            fileSystem: disk,
            limits: limits,
            now: { now },
            randomGUID: TestRandom.guid
        )
        for mail in mails {
            let spool = try await root.beginDrop()
            try await root.append(mail, to: spool)
            try await root.commitDrop(spool)
        }
        disk.crash(keepsNames: false)
    }
}
