import DialogueFiles
import Foundation
import Identifiers
import SMTP
import Testing

@testable import InterSiteMessaging

/// The dialogue files of the pure session, over a loopback socket through the listener.
@Suite(.timeLimit(.minutes(3))) struct `Dialogues over a socket` {
    private static let dialogues = Result { try Dialogue.all().filter { $0.scope != .pure } }

    @Test func `end as written, in whole steps`() async throws {
        let dialogues = try Self.dialogues.get()
        #expect(dialogues.count > 80)
        for dialogue in dialogues { try await play(dialogue) { [$0] } }
    }

    @Test func `end as written, in pieces`() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var state = seed
        for dialogue in try Self.dialogues.get() where dialogue.scope == .everywhere {
            do {
                try await play(dialogue) { bytes in
                    var pieces: [[UInt8]] = []
                    var rest = bytes[...]
                    while !rest.isEmpty {
                        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                        // Long texts need few pieces, short ones many.
                        let count = 1 + Int(state >> 33) % max(8, bytes.count / 10)
                        pieces.append(Array(rest.prefix(count)))
                        rest = rest.dropFirst(count)
                    }
                    return pieces
                }
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
    }

    private struct Mismatch: Error, CustomStringConvertible { let description: String }

    private func play(_ dialogue: Dialogue, split: ([UInt8]) -> [[UInt8]]) async throws {
        let directory = try TemporaryDirectory()
        var rootLimits = MailRootLimits()
        rootLimits.diskThreads = 1
        let root = try await MailRoot.open(
            at: "\(directory.path)/mailroot",
            limits: rootLimits,
            now: { TestForest.now },
            randomGUID: TestRandom.guid
        )
        let events = EventLog()
        var settings = SMTPListener.Settings(
            host: "127.0.0.1",
            port: 0,
            server: SMTPServerConfiguration(dialogue)
        )
        if dialogue.tls != .none { settings.identity = try TestForest.shared.get().hq.identity }
        let listener = try await SMTPListener.start(
            settings,
            mailRoot: root,
            events: { events.post($0) },
            log: TestSite.quiet
        )
        var player = Player(
            dialogue: dialogue,
            client: try await SocketClient(port: listener.port),
            root: root,
            events: events
        )
        let result: Result<Void, any Error>
        do {
            result = .success(try await player.run(split: split))
        } catch {
            result = .failure(error)
        }
        await player.client.close()
        await listener.stop()
        try result.get()
        let left = try FileManager.default.contentsOfDirectory(atPath: "\(root.path)/Drop/.tmp")
        #expect(left.isEmpty, "\(dialogue.name) leaves \(left)")
        let stored = try await root.list(.drop).count
        #expect(stored == player.stored, "\(dialogue.name) leaves \(stored) mails")
    }

    private struct Player {
        let dialogue: Dialogue
        let client: SocketClient
        let root: MailRoot
        let events: EventLog
        var stored = 0
        var trace = ""

        mutating func run(split: ([UInt8]) -> [[UInt8]]) async throws {
            var index = 0
            while index < dialogue.steps.count {
                let (line, step) = dialogue.steps[index]
                index += 1
                switch step {
                case .send(var bytes):
                    while index < dialogue.steps.count, case .send(let more) = dialogue.steps[index].step {
                        bytes += more
                        index += 1
                    }
                    for piece in split(bytes) { await client.send(piece) }
                case .reply(let text, let isExact):
                    let reply = await client.line()
                    guard let reply, isExact ? reply == text : reply.hasPrefix(text) else {
                        throw fail(line, "reply \(reply ?? "none"), not \(text)")
                    }
                case .outcome(let outcome): try await match(outcome, line)
                case .event(.tls): try await client.startTLS()
                case .event(.peerCloses): await client.close()
                case .event(let event): throw fail(line, "no way to cause \(event)")
                }
            }
        }

        private func fail(_ line: Int, _ text: String) -> Mismatch {
            Mismatch(description: "\(dialogue.name):\(line): \(text)")
        }

        private mutating func match(_ outcome: Dialogue.Outcome, _ line: Int) async throws {
            switch outcome {
            case .stored(let expected):
                stored += 1
                let id = try await events.wait(stored, for: "received")[stored - 1].fileID ?? ""
                let message = try await root.read(.drop, id)
                let lastLine = Array("\t\(TestForest.now.mailDate)\r\n".utf8)
                guard
                    let start = message.indices.first(where: { message[$0...].starts(with: lastLine) })
                else { throw fail(line, "no trace header") }
                let end = start + lastLine.count
                trace = String(decoding: message[..<end], as: UTF8.self)
                guard expected == nil || expected == Array(message[end...]) else {
                    throw fail(
                        line,
                        "stored \(String(decoding: message[end...], as: UTF8.self).debugDescription)"
                    )
                }
            case .trace(let text):
                guard trace.contains(text) else { throw fail(line, "trace header \(trace)") }
            case .close:
                while let rest = await client.line() { throw fail(line, "left over: \(rest)") }
            // What leaves no trace on the outside; files are counted at the end.
            case .envelope, .aborted, .tls, .deadline: break
            }
        }
    }
}

extension SMTPServerConfiguration {
    /// The server that a dialogue file describes.
    fileprivate init(_ dialogue: Dialogue) {
        var limits = SMTPServerLimits()
        for (key, value) in dialogue.limits {
            switch key {
            case "recipients-max": limits.recipientsMax = value
            case "message-max": limits.messageOctetsMax = value
            case "command-line-max": limits.commandLineOctetsMax = value
            case "message-line-max": limits.messageLineOctetsMax = value
            case "junk-max": limits.junkCommandsMax = value
            case "bad-max": limits.badCommandsMax = value
            case "transactions-max": limits.transactionsMax = value
            case "pending-max": limits.pendingOctetsMax = value
            case "greeting-seconds": limits.greetingSeconds = value
            default: Issue.record("\(dialogue.name): no limit \(key)")
            }
        }
        self.init(
            hostName: Dialogue.hostName,
            recipients: RecipientPolicy(mailboxes: MailAddress(Dialogue.mailbox).map { [$0] } ?? []),
            requiresTLS: dialogue.tls == .required,
            limits: limits
        )
    }
}
