import Foundation
import Identifiers
import SMTP
import SecureMail
import Testing

@testable import InterSiteMessaging

@Suite(.timeLimit(.minutes(2))) struct `Two sites over real sockets` {
    @Test func `exchange messages both ways, byte for byte`() async throws {
        let (hq, vancouver) = try await TestSite.pair()
        var generator = SystemRandomNumberGenerator()
        let payloads = (0..<20).map { index in
            (0..<(index * index * 300)).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        }
        for payload in payloads {
            try await hq.send(payload)
            try await vancouver.send(payload.reversed())
        }
        try await hq.events.wait(20, for: "committed")
        try await vancouver.events.wait(20, for: "committed")
        try await hq.events.wait(20, for: "sent")
        try await vancouver.events.wait(20, for: "sent")
        await hq.stop()
        await vancouver.stop()
        #expect(Set(vancouver.received.value.map(\.payload)) == Set(payloads))
        #expect(Set(hq.received.value.map(\.payload)) == Set(payloads.map { $0.reversed() }))
        #expect(vancouver.received.value.allSatisfy { $0.sender == hq.member.dsa && $0.transport == "smtp" })
        for site in [hq, vancouver] {
            #expect(try await site.count(.queue) == 0)
            #expect(try await site.count(.drop) == 0)
            #expect(try await site.count(.badmail) == 0)
            // What was sent and what was received.
            #expect(try await site.count(.archive) == 40)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: site.root.path + "/Queue") == [".tmp"]
            )
        }
    }

    @Test(arguments: [Route.StartTLS.opportunistic, .required, .verify])
    func `use TLS as the policy says`(_ policy: Route.StartTLS) async throws {
        let forest = try TestForest.shared.get()
        var options = TestSite.Options()
        let identity = try forest.vancouver.identity
        options.server = { $0.identity = identity }
        let (hq, vancouver) = try await TestSite.pair(vancouver: options)
        hq.route.change {
            $0.starttls = policy
            // The certificate carries this name.
            $0.host = "localhost"
        }
        try await hq.send([1, 2, 3])
        try await hq.send([4, 5, 6])
        try await vancouver.events.wait(2, for: "committed")
        await hq.stop()
        await vancouver.stop()
        let mail = try await vancouver.root.list(.archive)[0]
        let text = String(decoding: try await vancouver.root.read(.archive, mail.id), as: UTF8.self)
        #expect(text.contains("with ESMTPS id \(mail.id)"))
    }

    @Test func `hold the route when the server shows a certificate of another name`() async throws {
        let identity = try TestForest.shared.get().vancouver.identity
        var options = TestSite.Options()
        options.server = { $0.identity = identity }
        let (hq, vancouver) = try await TestSite.pair(vancouver: options)
        hq.route.value.starttls = .verify
        try await hq.send([1])
        let events = try await hq.events.wait(for: "retry")
        guard case .retry(_, _, let reason, let isRoute) = events[0].kind else { return }
        #expect(isRoute)
        #expect(reason.contains("127.0.0.1"))
        #expect(try await hq.count(.queue) == 1)
        await hq.stop()
        await vancouver.stop()
        #expect(vancouver.received.value.isEmpty)
        #expect(try await hq.count(.queue) == 1)
    }

    @Test func `hold the route when the server offers no TLS but the policy wants it`() async throws {
        let (hq, vancouver) = try await TestSite.pair()
        hq.route.value.starttls = .required
        try await hq.send([1])
        try await hq.events.wait { event in
            if case .retry(_, _, _, isRoute: true) = event.kind { true } else { false }
        }
        hq.route.value.starttls = .off
        try await vancouver.events.wait(for: "committed")
        await hq.stop()
        await vancouver.stop()
    }

    @Test func `deliver late to a receiver that was down`() async throws {
        let (hq, vancouver) = try await TestSite.pair()
        let port = hq.route.value.port
        hq.route.value.port = DeafPort.shared.port
        for number in 0..<5 { try await hq.send([UInt8(number)]) }
        try await hq.events.wait(3, for: "retry")
        #expect(vancouver.received.value.isEmpty)
        #expect(try await hq.count(.queue) == 5)
        hq.route.value.port = port
        try await vancouver.events.wait(5, for: "committed")
        try await hq.events.wait(5, for: "sent")
        await hq.stop()
        await vancouver.stop()
        #expect(vancouver.received.value.map(\.payload).sorted { $0[0] < $1[0] } == (0..<5).map { [$0] })
    }

    @Test func `keep the queue over a restart, with the sidecars or without them`() async throws {
        for keepsSidecars in [true, false] {
            let directory = try TemporaryDirectory()
            var options = TestSite.Options()
            options.directory = directory
            do {
                let hq = try await TestSite.hq(options)
                try await hq.start()
                for number in 0..<3 { try await hq.send([UInt8(number)]) }
                try await hq.events.wait(1, for: "retry")
                await hq.stop()
            }
            let queue = "\(directory.path)/mailroot/Queue"
            for name in try FileManager.default.contentsOfDirectory(atPath: queue)
            where name.hasSuffix(".json") && !keepsSidecars {
                try FileManager.default.removeItem(atPath: "\(queue)/\(name)")
            }
            let hq = try await TestSite.hq(options)
            let vancouver = try await TestSite.vancouver()
            try await vancouver.start()
            hq.route.value.port = try await vancouver.listen()
            try await hq.start()
            try await vancouver.events.wait(3, for: "committed")
            try await hq.events.wait(3, for: "sent")
            await hq.stop()
            await vancouver.stop()
            #expect(try await hq.count(.queue) == 0)
        }
    }

    @Test func `give up what the other side will never take`() async throws {
        var options = TestSite.Options()
        options.server = { $0.server.recipients.mailboxes = [] }
        let (hq, vancouver) = try await TestSite.pair(vancouver: options)
        var reports = hq.transport.deliveryReports().makeAsyncIterator()
        try await hq.send([1])
        let report = await reports.next()
        await hq.stop()
        await vancouver.stop()
        guard case .gaveUp(let reason) = report?.outcome else {
            Issue.record("\(String(describing: report))")
            return
        }
        #expect(reason.hasPrefix("550 5.7.1"))
        let bad = try await hq.root.list(.badmail)
        #expect(bad.count == 1)
        #expect(await hq.root.reason(.badmail, bad[0].id)?.code == "undeliverable")
        #expect(try await hq.count(.queue) == 0)
    }

    @Test func `learn the size limit and refuse larger mail before it is queued`() async throws {
        var options = TestSite.Options()
        options.server = { $0.server.limits.messageOctetsMax = 20_000 }
        let (hq, vancouver) = try await TestSite.pair(vancouver: options)
        var reports = hq.transport.deliveryReports().makeAsyncIterator()
        var generator = SystemRandomNumberGenerator()
        let large = (0..<40_000).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        try await hq.send(large)
        #expect(await reports.next()?.outcome == .tooLarge(octetsMax: 20_000))
        await #expect {
            try await hq.send(large)
        } throws: { error in
            if case TransportError.tooLarge(_, 20_000 - 4096) = error { true } else { false }
        }
        #expect(try await hq.count(.queue) == 0)
        try await hq.send([1])
        try await vancouver.events.wait(for: "committed")
        await hq.stop()
        await vancouver.stop()
    }

    @Test func `replace a waiting message by a newer one with the same key`() async throws {
        let (hq, vancouver) = try await TestSite.pair()
        let port = hq.route.value.port
        hq.route.value.port = DeafPort.shared.port
        // The first one is under way, or was: the route is not tried twice at once.
        try await hq.send([0], key: "request")
        try await hq.events.wait(for: "retry")
        for number in 1...3 { try await hq.send([UInt8(number)], key: "request") }
        let kept = Set([
            try await hq.send([4], key: "request").fileID, try await hq.send([9], key: "other").fileID,
        ])
        hq.route.value.port = port
        try await hq.events.wait(2) { $0.kind.name == "archived" && kept.contains($0.fileID ?? "") }
        try await vancouver.events.wait(2) { $0.kind.name == "committed" && $0.partner == hq.member.dsa }
        await hq.stop()
        await vancouver.stop()
        // One of the older ones may have been under way each time.
        #expect(hq.events.count("replaced") >= 3)
        #expect(try await hq.count(.queue) == 0)
    }

    @Test func `drop a queued message that has expired`() async throws {
        let hq = try await TestSite.hq()
        var message = hq.message([1])
        message.expires = TestForest.now
        await #expect(throws: TransportError.notStarted) { try await hq.service.send(message, via: "smtp") }
        try await hq.start()
        await #expect(throws: TransportError.expired(TestForest.now)) {
            try await hq.service.send(message, via: "smtp")
        }
        await hq.stop()
    }
}
