import Foundation
import Identifiers
import SMTP
import SecureMail
import Testing

@testable import InterSiteMessaging

@Suite(.timeLimit(.minutes(2))) struct `Files in Drop` {
    private func mails(_ count: Int) throws -> [(id: GUID, octets: [UInt8])] {
        let forest = try TestForest.shared.get()
        return try (0..<count).map { number in
            let id = TestRandom.guid()
            return (id, try forest.sealed([UInt8(number)], id: id, from: forest.hq, to: forest.vancouver))
        }
    }

    @Test func `copied in by hand are taken, in any order and again`() async throws {
        let site = try await TestSite.vancouver()
        try await site.start()
        let mails = try mails(4)
        for (number, mail) in mails.reversed().enumerated() {
            try site.copyIn(mail.octets, name: "from the ship \(number).eml")
        }
        try await site.events.wait(4, for: "committed")
        for (number, mail) in mails.enumerated() { try site.copyIn(mail.octets, name: "again-\(number).eml") }
        try await site.events.wait(4, for: "duplicate")
        try await site.events.wait(8, for: "archived")
        await site.stop()
        #expect(site.received.value.count == 4)
        #expect(Set(site.received.value.map(\.id)) == Set(mails.map(\.id)))
        #expect(try await site.count(.drop) == 0)
        #expect(try await site.count(.badmail) == 0)
        #expect(try await site.count(.archive) == 8)
    }

    @Test func `that are copies of one message, side by side, reach the service once`() async throws {
        let site = try await TestSite.vancouver()
        let mail = try mails(1)[0]
        for number in 0..<6 { try site.copyIn(mail.octets, name: "copy-\(number).eml") }
        try await site.start()
        try await site.events.wait(6, for: "archived")
        await site.stop()
        #expect(site.received.value.count == 1)
        #expect(site.events.count("duplicate") == 5)
    }

    @Test func `that are garbage end in Badmail with a reason`() async throws {
        let site = try await TestSite.vancouver()
        let good = try mails(1)[0].octets
        var generator = SystemRandomNumberGenerator()
        let garbage: [(name: String, octets: [UInt8])] = [
            ("empty", []),
            ("binary", (0..<5000).map { _ in UInt8.random(in: .min ... .max, using: &generator) }),
            ("nul", [UInt8](repeating: 0, count: 100_000)),
            ("text", Array("Hello\r\n\r\nWorld\r\n".utf8)),
            ("truncated", Array(good.prefix(good.count / 2))),
            ("headers", Array("A: b\r\n".utf8)),
            ("\u{1F4A3}", [0x0a]),
        ]
        for (name, octets) in garbage { try site.copyIn(octets, name: name + ".eml") }
        try site.copyIn(good, name: "good.eml")
        try site.copyIn(good, name: ".hidden.eml")
        try site.copyIn(good, name: "note.txt")
        try FileManager.default.createDirectory(
            atPath: site.root.path + "/Drop/folder.eml",
            withIntermediateDirectories: true
        )
        try await site.start()
        try await site.events.wait(garbage.count, for: "refused")
        try await site.events.wait(for: "committed")
        await site.stop()
        let bad = try await site.root.list(.badmail)
        #expect(bad.count == garbage.count)
        for file in bad {
            let reason = await site.root.reason(.badmail, file.id)
            #expect(reason != nil)
            #expect(reason?.sentence.isEmpty == false)
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: site.root.path + "/Drop")
        #expect(Set(left) == [".tmp", ".hidden.eml", "note.txt", "folder.eml"])
    }

    @Test func `of a member that is not known yet are held until it is`() async throws {
        let forest = try TestForest.shared.get()
        let site = try await TestSite.vancouver()
        try await site.start()
        let id = TestRandom.guid()
        let mail = try forest.sealed([7], id: id, from: forest.stranger, to: forest.vancouver)
        try site.copyIn(mail, name: "early.eml")
        try await site.events.wait(for: "held")
        let held = try await site.root.list(.held)
        #expect(held.count == 1)
        #expect(await site.root.reason(.held, held[0].id)?.code == "unknown-member")
        await site.transport.membershipChanged()
        try await site.events.wait(2, for: "held")
        site.members.change { $0.append(forest.stranger.dsa) }
        await site.transport.membershipChanged()
        try await site.events.wait(for: "committed")
        await site.stop()
        #expect(site.received.value.map(\.sender) == [forest.stranger.dsa])
        #expect(try await site.count(.held) == 0)
    }

    @Test func `stay until the service has committed`() async throws {
        let failures = Box(3)
        var options = TestSite.Options()
        options.handler = { _ in
            failures.change { $0 -= 1 }
            if failures.value >= 0 { throw CancellationError() }
        }
        let site = try await TestSite.vancouver(options)
        try await site.start()
        try site.copyIn(try mails(1)[0].octets, name: "x.eml")
        try await site.events.wait(for: "committed")
        await site.stop()
        #expect(site.events.count("deferred") == 3)
        #expect(site.received.value.count == 1)
    }

    @Test func `go where the service's verdict sends them`() async throws {
        let forest = try TestForest.shared.get()
        var options = TestSite.Options()
        options.handler = { message in
            if message.payload == [1] { throw MessageRefused("of no use", code: "useless") }
            if message.payload == [2] { throw MessageHeld("look at it", code: "poison", needsDecision: true) }
        }
        let site = try await TestSite.vancouver(options)
        try await site.start()
        for (number, mail) in try mails(3).enumerated() {
            try site.copyIn(mail.octets, name: "\(number).eml")
        }
        let stray = try forest.sealed(
            [3],
            id: TestRandom.guid(),
            from: forest.hq,
            to: forest.vancouver,
            service: "chess"
        )
        try site.copyIn(stray, name: "stray.eml")
        try await site.events.wait(2, for: "refused")
        try await site.events.wait(for: "held")
        try await site.events.wait(for: "committed")
        // Waits for a person: nobody else lets it go.
        await site.transport.membershipChanged()
        await site.stop()
        var codes: Set<String> = []
        for file in try await site.root.list(.badmail) {
            codes.insert(await site.root.reason(.badmail, file.id)?.code ?? "none")
        }
        #expect(codes == ["useless", "unknown-service"])
        #expect(try await site.count(.held) == 1)
        #expect(site.events.count("released") == 0)
    }

    @Test func `are handed over side by side, up to a bound`() async throws {
        let gate = Gate()
        var options = TestSite.Options()
        options.settings.inFlightMessagesMax = 8
        options.handler = { _ in await gate.pass() }
        let site = try await TestSite.vancouver(options)
        let mails = try mails(20)
        for (number, mail) in mails.enumerated() { try site.copyIn(mail.octets, name: "\(100 + number).eml") }
        try await site.start()
        await gate.waitFor(waiting: 8)
        #expect(site.events.count("opened") == 8)
        await gate.open()
        try await site.events.wait(20, for: "committed")
        await site.stop()
        #expect(site.received.value.count == 20)
    }

    @Test func `are handed over up to a bound of what their payloads take in memory`() async throws {
        let forest = try TestForest.shared.get()
        let gate = Gate()
        var options = TestSite.Options()
        options.settings.inFlightOctetsMax = 100_000
        options.handler = { _ in await gate.pass() }
        let site = try await TestSite.vancouver(options)
        for number in 100..<110 {
            // The mail is less than half as large as its payload.
            let random = (0..<250).flatMap { _ in TestRandom.guid().octets }
            let payload = (0..<8).flatMap { _ in random }
            let id = TestRandom.guid()
            let mail = try forest.sealed(payload, id: id, from: forest.hq, to: forest.vancouver)
            #expect(mail.count < payload.count / 2)
            try site.copyIn(mail, name: "\(number).eml")
        }
        try await site.start()
        for opened in 3..<10 {
            await gate.waitFor(waiting: 3)
            #expect(site.events.count("opened") == opened)
            await gate.letOneThrough()
        }
        await gate.open()
        try await site.events.wait(10, for: "committed")
        await site.stop()
        #expect(site.received.value.count == 10)
    }

    @Test func `are nobody else's: a second consumer is refused`() async throws {
        let site = try await TestSite.vancouver()
        await #expect {
            _ = try await MailRoot.open(
                at: site.root.path,
                now: { TestForest.now },
                randomGUID: TestRandom.guid
            )
        } throws: { error in
            (error as? FileError)?.isHeldByAnother == true
        }
    }
}

/// Handlers wait here until it opens.
actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

    func pass() async {
        if isOpen { return }
        await withCheckedContinuation { continuation in
            waiting.append(continuation)
            watchers.removeAll { watcher in
                guard waiting.count >= watcher.count else { return false }
                watcher.continuation.resume()
                return true
            }
        }
    }

    func waitFor(waiting count: Int) async {
        if waiting.count >= count { return }
        await withCheckedContinuation { watchers.append((count, $0)) }
    }

    func letOneThrough() { if !waiting.isEmpty { waiting.removeFirst().resume() } }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}
