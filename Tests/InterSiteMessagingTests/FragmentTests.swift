import Identifiers
import SecureMail
import Testing

@testable import InterSiteMessaging

@Suite(.timeLimit(.minutes(3))) struct `Messages in fragments` {
    private static let limit = 48 << 10

    /// What gzip cannot make smaller.
    private static func noise(_ octets: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<octets).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    private static func small() -> TestSite.Options {
        var options = TestSite.Options()
        options.limits.sealedOctetsMax = limit
        return options
    }

    @Test func `arrive once and whole`() async throws {
        let (hq, vancouver) = try await TestSite.pair(hq: Self.small())
        let payload = Self.noise(300_000)
        let message = hq.message(payload, mayFragment: true)
        let receipt = try await hq.service.send(message, via: "smtp")
        #expect(receipt.octets > payload.count)
        try await vancouver.events.wait(for: "committed")
        let count = hq.events.count("queued")
        #expect(count >= 9)
        try await vancouver.events.wait(count, for: "archived")
        await hq.stop()
        await vancouver.stop()
        #expect(vancouver.received.value.map(\.payload) == [payload])
        #expect(vancouver.received.value.map(\.id) == [message.id])
        #expect(vancouver.events.count("fragment") == count - 1)
        #expect(try await vancouver.count(.fragments) == 0)
        #expect(try await vancouver.count(.drop) == 0)
        #expect(try await vancouver.count(.archive) == count)
        for file in try await hq.root.list(.archive) { #expect(file.octets <= Self.limit) }
    }

    @Test func `are made only of messages that may be cut`() async throws {
        let site = try await TestSite.hq(Self.small())
        try await site.start()
        let message = site.message(Self.noise(100_000))
        await #expect(throws: TransportError.self) { try await site.service.send(message, via: "smtp") }
        #expect(try await site.count(.queue) == 0)
        await site.stop()
    }

    @Test func `arrive in any order, doubled, and over a restart`() async throws {
        let forest = try TestForest.shared.get()
        let payload = Self.noise(20_000)
        let id = TestRandom.guid()
        let mails = try forest.fragments(payload, count: 5, id: id)
        var options = TestSite.Options()
        options.directory = try TemporaryDirectory()
        let first = try await TestSite.vancouver(options)
        try await first.start()
        for number in [4, 1, 1, 2] {
            try first.copyIn(mails[number], name: "a\(number)-\(TestRandom.guid()).eml")
        }
        try await first.events.wait(3, for: "fragment")
        try await first.events.wait(for: "duplicate")
        await first.stop()
        #expect(try await first.count(.fragments) == 3)
        #expect(first.received.value.isEmpty)
        try await Task { try await Self.finish(options, mails: mails, id: id, payload: payload) }.value
    }

    private static func finish(
        _ options: TestSite.Options,
        mails: [[UInt8]],
        id: GUID,
        payload: [UInt8]
    ) async throws {
        var options = options
        // The lock of the first one's mailroot goes with it: this one has a copy of the folder.
        let directory = try TemporaryDirectory()
        let old = try #require(options.directory)
        options.directory = directory
        let second = try await TestSite.vancouver(options)
        let files = POSIXFileSystem()
        for name in try files.list("\(old.path)/mailroot/Fragments") where name.hasSuffix(".eml") {
            try files.rename(
                "\(old.path)/mailroot/Fragments/\(name)",
                to: "\(directory.path)/mailroot/Fragments/\(name)"
            )
        }
        try await second.start()
        for number in [3, 0, 3, 0] { try second.copyIn(mails[number], name: "b-\(TestRandom.guid()).eml") }
        try await second.events.wait(for: "committed")
        try second.copyIn(mails[2], name: "late.eml")
        try await second.events.wait(8, for: "archived")
        await second.stop()
        #expect(second.received.value.map(\.payload) == [payload])
        #expect(second.received.value.map(\.id) == [id])
        #expect(try await second.count(.fragments) == 0)
        #expect(try await second.count(.badmail) == 0)
    }

    @Test func `whose digest is another are refused whole`() async throws {
        let forest = try TestForest.shared.get()
        let site = try await TestSite.vancouver()
        try await site.start()
        let mails = try forest.fragments(Self.noise(1000), count: 3, id: TestRandom.guid(), digestOf: [1])
        for (number, mail) in mails.enumerated() { try site.copyIn(mail, name: "\(number).eml") }
        try await site.events.wait(3, for: "refused")
        await site.stop()
        #expect(site.received.value.isEmpty)
        for file in try await site.root.list(.badmail) {
            #expect(await site.root.reason(.badmail, file.id)?.code == "fragment-digest")
        }
        #expect(try await site.count(.badmail) == 3)
    }

    @Test func `that the service cannot take yet stay, and are taken later`() async throws {
        let forest = try TestForest.shared.get()
        let calls = Box(0)
        var options = TestSite.Options()
        options.handler = { _ in
            calls.change { $0 += 1 }
            if calls.value < 3 { throw FileError(errno: 5, path: "database", operation: .sync) }
        }
        let site = try await TestSite.vancouver(options)
        try await site.start()
        let payload = Self.noise(3000)
        for (number, mail) in try forest.fragments(payload, count: 3, id: TestRandom.guid()).enumerated() {
            try site.copyIn(mail, name: "\(number).eml")
        }
        try await site.events.wait(3, for: "archived")
        await site.stop()
        #expect(site.events.count("deferred") == 2)
        #expect(site.received.value.map(\.payload) == [payload])
    }

    @Test func `that the service refuses go to Badmail together`() async throws {
        let forest = try TestForest.shared.get()
        var options = TestSite.Options()
        options.handler = { _ in throw MessageRefused("no", code: "bad-news") }
        let site = try await TestSite.vancouver(options)
        try await site.start()
        for (number, mail) in try forest.fragments(Self.noise(999), count: 3, id: TestRandom.guid())
            .enumerated()
        {
            try site.copyIn(mail, name: "\(number).eml")
        }
        try await site.events.wait(3, for: "refused")
        await site.stop()
        #expect(try await site.count(.badmail) == 3)
        #expect(try await site.count(.fragments) == 0)
    }

    @Test func `of which one was taken away wait again`() async throws {
        let forest = try TestForest.shared.get()
        let site = try await TestSite.vancouver()
        try await site.start()
        let payload = Self.noise(3000)
        let mails = try forest.fragments(payload, count: 3, id: TestRandom.guid())
        for number in 0..<2 { try site.copyIn(mails[number], name: "\(number).eml") }
        try await site.events.wait(2, for: "fragment")
        let kept = try await site.root.list(.fragments)
        try await site.root.discard(.fragments, try #require(kept.first?.id))
        try site.copyIn(mails[2], name: "2.eml")
        try await site.events.wait(3, for: "fragment")
        #expect(site.received.value.isEmpty)
        for number in 0..<2 { try site.copyIn(mails[number], name: "again-\(number).eml") }
        try await site.events.wait(for: "committed")
        await site.stop()
        #expect(site.received.value.map(\.payload) == [payload])
    }
}
