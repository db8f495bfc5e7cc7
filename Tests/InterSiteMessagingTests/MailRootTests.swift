import Foundation
import Identifiers
import Simulator
import Testing

@testable import InterSiteMessaging

@Suite struct `Mailroot` {
    private func open(
        _ directory: TemporaryDirectory,
        _ limits: MailRootLimits = MailRootLimits()
    ) async throws -> MailRoot {
        try await MailRoot.open(
            at: "\(directory.path)/mailroot",
            limits: limits,
            now: { TestForest.now },
            randomGUID: TestRandom.guid
        )
    }

    private func drop(_ root: MailRoot, _ octets: [UInt8]) async throws -> String {
        let spool = try await root.beginDrop()
        try await root.append(octets, to: spool)
        try await root.commitDrop(spool)
        return spool.id
    }

    @Test func `makes names that sort in order and belong to us`() async throws {
        let directory = try TemporaryDirectory()
        let root = try await open(directory)
        let names = (0..<100).map { _ in root.freshID() }
        #expect(names == names.sorted())
        #expect(names.allSatisfy(MailRoot.isOurName))
        #expect(names[0].hasPrefix("20261125120000-000001-"))
        #expect(!MailRoot.isOurName("x"))
        #expect(!MailRoot.isOurName("20261125120000-000001-0123456G"))
    }

    @Test(arguments: ["", ".", "..", "../x", "a/b", ".x", "x\0y", String(repeating: "x", count: 201)])
    func `takes no id that is not a plain name`(_ id: String) async throws {
        let directory = try TemporaryDirectory()
        let root = try await open(directory)
        await #expect(throws: FileError.self) { _ = try await root.read(.drop, id) }
        await #expect(throws: FileError.self) { try await root.discard(.queue, id) }
        #expect(await root.reason(.held, id) == nil)
        #expect(await root.queuedMail(id) == nil)
    }

    @Test func `moves with a reason, back and on`() async throws {
        let directory = try TemporaryDirectory()
        var limits = MailRootLimits()
        limits.isArchiveOn = true
        let root = try await open(directory, limits)
        let id = try await drop(root, [1, 2, 3])
        let reason = MailReason(
            code: "unknown-member",
            sentence: "who is\nthat?",
            hint: "wait",
            time: TestForest.now,
            isRetried: false
        )
        #expect(try await root.hold(.drop, id, reason: reason) == .held(id, replaced: nil))
        var read = try #require(await root.reason(.held, id))
        #expect(read.sentence == "who is that?")
        read.sentence = reason.sentence
        #expect(read == reason)
        #expect(try await root.release(id) == id)
        #expect(await root.reason(.held, id) == nil)
        #expect(try await root.read(.drop, id) == [1, 2, 3])
        #expect(try await root.finish(.drop, id))
        let summary = try await root.summary()
        #expect(summary.first { $0.folder == .archive }?.octets == 3)
        #expect(summary.first { $0.folder == .drop }?.count == 0)
        await #expect(throws: FileError.self) { try await root.finish(.drop, id) }
    }

    @Test func `keeps two mails of one foreign name apart`() async throws {
        let directory = try TemporaryDirectory()
        let root = try await open(directory)
        let reason = MailReason(code: "x", sentence: "y", time: TestForest.now)
        for octet in [UInt8(1), 2] {
            try Data([octet]).write(to: URL(filePath: "\(root.path)/Drop/same.eml"))
            try await root.refuse(.drop, "same", reason: reason)
        }
        #expect(try await root.list(.badmail).count == 2)
    }

    @Test func `throws the oldest away over its cap`() async throws {
        let directory = try TemporaryDirectory()
        var limits = MailRootLimits()
        limits.badmailOctetsMax = 250
        limits.heldOctetsMax = 150
        let root = try await open(directory, limits)
        let reason = MailReason(code: "x", sentence: "y", time: TestForest.now)
        var ids: [String] = []
        for _ in 0..<4 {
            let id = try await drop(root, [UInt8](repeating: 0, count: 100))
            ids.append(try await root.refuse(.drop, id, reason: reason))
        }
        #expect(try await root.list(.badmail).map(\.id) == Array(ids.suffix(2)))
        let left = try FileManager.default.contentsOfDirectory(atPath: root.path + "/Badmail")
        #expect(left.count == 4)
        // Held refuses what it has no room for; nothing in it is thrown away, and what nobody sends again stays.
        for number in 0..<3 {
            let id = try await drop(root, [UInt8](repeating: 0, count: 100))
            let outcome = try await root.hold(.drop, id, reason: reason)
            #expect((outcome == .full) == (number == 2))
        }
        #expect(try await root.list(.held).count == 2)
        #expect(try await root.list(.drop).count == 1)
        var again = reason
        again.copyKey = "nc/source/1"
        let id = try await drop(root, [UInt8](repeating: 0, count: 10))
        #expect(try await root.hold(.drop, id, reason: again) == .refused(id))
        #expect(await root.reason(.badmail, id)?.code == "held-full")
        #expect(try await root.list(.held).count == 2)
    }

    @Test func `holds one mail of each key, the newest, over a restart too`() async throws {
        let directory = try TemporaryDirectory()
        var limits = MailRootLimits()
        limits.heldOctetsMax = 250
        var reason = MailReason(code: "x", sentence: "y", time: TestForest.now, copyKey: "nc/source/1")
        do {
            let root = try await open(directory, limits)
            var last: String?
            for _ in 0..<5 {
                let id = try await drop(root, [UInt8](repeating: 0, count: 100))
                #expect(try await root.hold(.drop, id, reason: reason) == .held(id, replaced: last))
                #expect(root.heldCopy("nc/source/1") == id)
                last = id
            }
            #expect(try await root.list(.held).map(\.id) == [last])
            reason.copyKey = "nc/source/2"
            for _ in 0..<5 {
                let id = try await drop(root, [UInt8](repeating: 0, count: 100))
                guard case .held = try await root.hold(.drop, id, reason: reason) else {
                    Issue.record("a copy in place of another needs no room of its own")
                    return
                }
            }
            #expect(try await root.list(.held).count == 2)
        }
        let root = try await open(directory, limits)
        let old = try #require(root.heldCopy("nc/source/2"))
        #expect(await root.reason(.held, old)?.copyKey == "nc/source/2")
        let id = try await drop(root, [1])
        #expect(try await root.hold(.drop, id, reason: reason) == .held(id, replaced: old))
        try await root.release(id)
        #expect(root.heldCopy("nc/source/2") == nil)
        #expect(try await root.list(.held).count == 1)
    }

    @Test func `throws old mail away`() async throws {
        let directory = try TemporaryDirectory()
        let root = try await open(directory)
        let reason = MailReason(code: "x", sentence: "y", time: TestForest.now)
        let id = try await root.refuse(.drop, try await drop(root, [1]), reason: reason)
        let old = Date(timeIntervalSince1970: TimeInterval(TestForest.now.seconds - 31 * 86_400))
        try FileManager.default.setAttributes(
            [.modificationDate: old],
            ofItemAtPath: "\(root.path)/Badmail/\(id).eml"
        )
        await root.purge()
        #expect(try await root.list(.badmail).isEmpty)
    }

    @Test func `reads hostile sidecars and reasons as nothing`() async throws {
        let directory = try TemporaryDirectory()
        let root = try await open(directory)
        for octets in [
            [], [0xff, 0xfe], Array("{\"partner\":7}".utf8), [UInt8](repeating: 0x5b, count: 60_000),
        ] {
            try Data(octets).write(to: URL(filePath: "\(root.path)/Queue/x.json"))
            try Data(octets).write(to: URL(filePath: "\(root.path)/Held/x.reason"))
            #expect(await root.queuedMail("x") == nil)
            #expect(await root.reason(.held, "x") == nil)
        }
    }

    @Test func `says what is wrong with a disk and what helps`() {
        let error = FileError(errno: 28, path: "/data/mailroot/Drop", operation: .append)
        #expect(error.isFull)
        #expect(error.description == "cannot write /data/mailroot/Drop: no space left on device")
        #expect(error.hint?.contains("make room") == true)
    }
}

@Suite struct `Committed messages` {
    private let sender = GUID(high: 1, low: 1)

    @Test func `are known after a restart until a day behind their expiry`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/committed"
        let ids = (0..<3).map { _ in TestRandom.guid() }
        do {
            let log = try await CommittedMessageLog.open(at: path, now: TestForest.now)
            for (index, id) in ids.enumerated() {
                let expires = TestForest.now.adding(seconds: Int64(index) * 1000)
                try await log.record(message: id, from: sender, expires: expires)
            }
            #expect(ids.allSatisfy { log.contains(message: $0, from: sender) })
            #expect(!log.contains(message: ids[0], from: GUID(high: 1, low: 2)))
        }
        let later = TestForest.now.adding(seconds: 86_400 + 1500)
        let log = try await CommittedMessageLog.open(at: path, now: later)
        #expect(ids.map { log.contains(message: $0, from: sender) } == [false, false, true])
        #expect(try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count == 1)
    }

    @Test func `survive torn and hostile lines around them`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/committed"
        let id = TestRandom.guid()
        let good = "\(sender) \(id) \(TestForest.now.seconds)\n"
        var octets = Array(
            "\n\n \n\(sender) \(id)\n\(sender) x 1\n\(sender) \(id) 99999999999999999999\n".utf8
        )
        octets += [0xff, 0x00, 0x0a] + Array(good.utf8) + Array(good.utf8.prefix(50))
        try Data(octets).write(to: URL(filePath: path))
        let log = try await CommittedMessageLog.open(at: path, now: TestForest.now)
        #expect(log.contains(message: id, from: sender))
        #expect(log.count == 1)
    }

    @Test func `start a new line after one that could not be written whole`() async throws {
        let disk = FaultyFileSystem(modified: TestForest.now)
        let log = try await CommittedMessageLog.open(at: "/committed", fileSystem: disk, now: TestForest.now)
        let ids = (0..<2).map { _ in TestRandom.guid() }
        disk.arm(failingCall: 1, number: FaultyFileSystem.full)
        await #expect(throws: FileError.self) {
            try await log.record(message: ids[0], from: sender, expires: TestForest.now)
        }
        #expect(log.contains(message: ids[0], from: sender))
        try await log.record(message: ids[1], from: sender, expires: TestForest.now)
        let again = try await CommittedMessageLog.open(
            at: "/committed",
            fileSystem: disk,
            now: TestForest.now
        )
        #expect(again.contains(message: ids[1], from: sender))
    }
}

@Suite struct `Messaging service` {
    private struct Courier: InterSiteTransport {
        let name: String
        let properties: TransportProperties

        init(_ name: String, isProtected: Bool) {
            self.name = name
            properties = TransportProperties(
                protectsConfidentiality: isProtected,
                protectsIntegrity: true,
                payloadOctetsMax: 1,
                latency: .immediate
            )
        }

        func send(_ message: IntersiteMessage, to address: TransportAddress) async throws -> SendReceipt {
            SendReceipt(id: message.id, fileID: "\(address.dsaGUID)", octets: 0, transport: name)
        }

        func start(receiving handler: @escaping @Sendable (ReceivedMessage) async throws -> Void) async throws
        {}
        func deliveryReports() -> AsyncStream<DeliveryReport> { AsyncStream { $0.finish() } }
        func stop() async {}
    }

    @Test func `picks the transport by name and guards what must be guarded`() async throws {
        let service = InterSiteMessagingService(log: TestSite.quiet)
        await service.add(transport: Courier("pigeon", isProtected: false))
        await service.add(transport: Courier("safe", isProtected: true))
        let to = GUID(high: 3, low: 3)
        func message(_ service: String) -> IntersiteMessage {
            IntersiteMessage(
                id: .zero,
                service: service,
                to: to,
                payload: [],
                created: .epoch,
                expires: .epoch
            )
        }
        #expect(try await service.send(message("chess"), via: "pigeon").fileID == to.description)
        #expect(try await service.send(message("replication"), via: "safe").transport == "safe")
        await #expect(
            throws: InterSiteMessagingError.unprotected(transport: "pigeon", service: "replication")
        ) {
            _ = try await service.send(message("replication"), via: "pigeon")
        }
        await #expect(throws: InterSiteMessagingError.unknownTransport("ship", known: ["pigeon", "safe"])) {
            _ = try await service.send(message("chess"), via: "ship")
        }
        for name in ["", "A", "a b", "x\r\n", String(repeating: "a", count: 33)] {
            await #expect(throws: InterSiteMessagingError.serviceName(name)) {
                _ = try await service.send(message(name), via: "safe")
            }
        }
    }
}
