import Foundation
import Identifiers
import SMTP
import Simulator
import Testing

@testable import InterSiteMessaging

@Suite(.timeLimit(.minutes(2))) struct `Listener` {
    private func listener(
        _ root: MailRoot,
        events: EventLog = EventLog(),
        _ change: (inout SMTPListener.Settings) -> Void = { _ in }
    ) async throws -> SMTPListener {
        let forest = try TestForest.shared.get()
        var settings = SMTPListener.Settings(
            host: "127.0.0.1",
            port: 0,
            server: SMTPServerConfiguration(
                hostName: "localhost",
                recipients: RecipientPolicy(mailboxes: [forest.hq.address])
            )
        )
        change(&settings)
        return try await SMTPListener.start(
            settings,
            mailRoot: root,
            events: { events.post($0) },
            log: TestSite.quiet
        )
    }

    private func mailRoot(
        _ directory: TemporaryDirectory,
        _ fileSystem: any FileSystem = POSIXFileSystem()
    ) async throws -> MailRoot {
        try await MailRoot.open(
            at: "\(directory.path)/mailroot",
            fileSystem: fileSystem,
            now: { TestForest.now },
            randomGUID: TestRandom.guid
        )
    }

    @Test func `names the busy port and what to do about it`() async throws {
        let directory = try TemporaryDirectory()
        let root = try await mailRoot(directory)
        let first = try await listener(root)
        let port = first.port
        await #expect {
            _ = try await listener(root) { $0.port = port }
        } throws: { error in
            let error = error as? SMTPListenerError
            return error == .portBusy(host: "127.0.0.1", port: port)
                && error?.hint?.contains("\(port)") == true
        }
        await first.stop()
        let second = try await listener(root) { $0.port = port }
        #expect(second.port == port)
        await second.stop()
    }

    @Test func `never obeys what was sent in the clear behind STARTTLS`() async throws {
        let directory = try TemporaryDirectory()
        let root = try await mailRoot(directory)
        let identity = try TestForest.shared.get().hq.identity
        let listener = try await listener(root) { $0.identity = identity }
        let client = try await SocketClient(port: listener.port)
        #expect(await client.reply().first?.hasPrefix("220") == true)
        await client.send("EHLO x\r\n")
        #expect(await client.reply().contains("250-STARTTLS"))
        let mailbox = try TestForest.shared.get().hq.address
        await client.send(
            "STARTTLS\r\nEHLO y\r\nMAIL FROM:<hidden@x.example>\r\nRCPT TO:<\(mailbox)>\r\nDATA\r\n"
        )
        #expect(await client.reply() == ["220 2.0.0 go ahead"])
        try await client.startTLS()
        await client.send("RCPT TO:<\(mailbox)>\r\n")
        #expect(await client.reply().first?.hasPrefix("503") == true)
        await client.send("EHLO z\r\n")
        #expect(await client.reply().contains("250-STARTTLS") == false)
        await client.send("QUIT\r\n")
        #expect(await client.reply().first?.hasPrefix("221") == true)
        #expect(await client.line() == nil)
        await listener.stop()
        #expect(try await root.list(.drop).isEmpty)
    }

    @Test func `sends too many clients of one source away`() async throws {
        let directory = try TemporaryDirectory()
        let root = try await mailRoot(directory)
        let listener = try await listener(root) { $0.sessionsPerSourceMax = 2 }
        let clients = [
            try await SocketClient(port: listener.port), try await SocketClient(port: listener.port),
        ]
        for client in clients { #expect(await client.line()?.hasPrefix("220") == true) }
        let late = try await SocketClient(port: listener.port)
        #expect(await late.line()?.hasPrefix("421 4.7.0") == true)
        #expect(await late.line() == nil)
        await clients[0].send("QUIT\r\n")
        #expect(await clients[0].line()?.hasPrefix("221") == true)
        await listener.stop()
        // Who is still there hears why.
        #expect(await clients[1].line()?.hasPrefix("421 4.3.2") == true)
        #expect(await clients[1].line() == nil)
    }

    @Test func `closes a session that takes too long`() async throws {
        let directory = try TemporaryDirectory()
        let root = try await mailRoot(directory)
        let listener = try await listener(root) { $0.server.limits.commandSeconds = 1 }
        let client = try await SocketClient(port: listener.port)
        #expect(await client.line()?.hasPrefix("220") == true)
        await client.send("NOO")
        #expect(await client.line()?.hasPrefix("421 4.4.2") == true)
        #expect(await client.line() == nil)
        await listener.stop()
    }

    @Test(arguments: [FaultyFileSystem.full, FaultyFileSystem.broken])
    func `answers for a disk that fails, leaves no file, and goes on alone`(_ number: CInt) async throws {
        let disk = FaultyFileSystem(modified: TestForest.now)
        try disk.createDirectory("/data", mode: 0o700)
        let root = try await MailRoot.open(
            at: "/data/mailroot",
            fileSystem: disk,
            now: { TestForest.now },
            randomGUID: TestRandom.guid
        )
        let listener = try await listener(root)
        let client = try await SocketClient(port: listener.port)
        let mailbox = try TestForest.shared.get().hq.address
        _ = await client.reply()
        await client.send("EHLO x\r\n")
        _ = await client.reply()
        let expected = number == FaultyFileSystem.full ? "452 4.3.1" : "451 4.3.0"
        var stored = 0
        for call in 1...100 {
            disk.arm(failingCall: call, number: number)
            await client.send("MAIL FROM:<a@x.example>\r\n")
            #expect(await client.reply().first?.hasPrefix("250") == true)
            await client.send("RCPT TO:<\(mailbox)>\r\n")
            #expect(await client.reply().first?.hasPrefix("250") == true)
            await client.send("DATA\r\n")
            var answer = await client.reply().first ?? ""
            if answer.hasPrefix("354") {
                await client.send("text \(call)\r\n.\r\n")
                answer = await client.reply().first ?? ""
            }
            if answer.hasPrefix("250") {
                stored += 1
            } else {
                #expect(answer.hasPrefix(expected), "\(answer)")
            }
            let hasFailed = disk.disarm()
            #expect(disk.files(below: "/data/mailroot/Drop").count == stored, "call \(call)")
            if !hasFailed { break }
            #expect(call < 100)
        }
        #expect(stored >= 1)
        await listener.stop()
    }
}
