import DialogueFiles
import Identifiers
import SMTP
import Testing

/// Plays a dialogue file against the pure session, and plays the disk.
struct DialogueRunner {
    enum Pieces {
        case whole
        case octets
        case random(seed: UInt64)
    }

    struct Mismatch: Error, CustomStringConvertible {
        let description: String
    }

    /// What the session asked of its shell, in order, besides replies.
    private enum Seen: Hashable, CustomStringConvertible {
        case stored([UInt8])
        case aborted
        case close
        case tls

        var description: String {
            switch self {
            case .stored(let bytes): "stored \(String(decoding: bytes, as: UTF8.self).debugDescription)"
            case .aborted: "aborted"
            case .close: "close"
            case .tls: "tls"
            }
        }
    }

    let dialogue: Dialogue
    let pieces: Pieces
    /// The disk answers some pieces later.
    let answersLate: Bool
    private var session: SMTPServerSession
    private var generator: SeededGenerator
    private var output: [UInt8] = []
    private var seen: [Seen] = []
    private var spool: [UInt8]?
    private var isSpoolEnded = false
    private var trace = ""
    private var envelope: Envelope?
    private var deadlineSeconds: Int?
    private var isClosed = false
    private var openOutcome: SMTPServerSession.OpenOutcome
    private var storeOutcome = SMTPServerSession.StoreOutcome.durable(id: "20261125-1")
    /// The disk's answers that are due.
    private var answers: [SMTPServerSession.Input] = []
    private let opened = SMTPServerSession.OpenOutcome.opened(
        id: "20261125-1",
        at: Timestamp(seconds: 1_795_608_000)
    )

    init(_ dialogue: Dialogue, pieces: Pieces, answersLate: Bool) {
        self.dialogue = dialogue
        self.pieces = pieces
        self.answersLate = answersLate
        session = SMTPServerSession(configuration: SMTPServerConfiguration(dialogue))
        var seed: UInt64 = 0
        if case .random(let given) = pieces { seed = given }
        generator = SeededGenerator(state: seed)
        openOutcome = opened
    }

    mutating func run() throws {
        // A dialogue that speaks first shows what happens before the connection is announced.
        if case .send = dialogue.steps.first?.step, (dialogue.limits["greeting-seconds"] ?? 0) == 0 {
        } else {
            try feed(.connected(isTLS: false, peer: "192.0.2.7"))
        }
        var index = 0
        while index < dialogue.steps.count {
            let (line, step) = dialogue.steps[index]
            index += 1
            do {
                switch step {
                case .send(var bytes):
                    while index < dialogue.steps.count, case .send(let more) = dialogue.steps[index].step {
                        bytes += more
                        index += 1
                    }
                    try send(bytes)
                case .reply(let text, let isExact): try matchReply(text, isExact: isExact)
                case .outcome(let outcome): try match(outcome)
                case .event(let event): try cause(event)
                }
            } catch let mismatch as Mismatch {
                throw fail(mismatch.description, line: line)
            }
        }
        guard output.isEmpty, seen.isEmpty else {
            throw fail("left over: \(String(decoding: output, as: UTF8.self)) \(seen)", line: 0)
        }
    }

    private func fail(_ text: String, line: Int) -> Mismatch {
        Mismatch(description: "\(dialogue.name):\(line): \(text) (pieces: \(pieces))")
    }

    // MARK: - Towards the session

    private mutating func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count: Int
            switch pieces {
            case .whole: count = rest.count
            case .octets: count = 1
            case .random: count = min(rest.count, Int.random(in: 1...40, using: &generator))
            }
            try feed(.bytes(rest.prefix(count)))
            rest = rest.dropFirst(count)
            if !answersLate || Bool.random(using: &generator) { try answer() }
        }
        try answer()
    }

    private mutating func answer() throws {
        while !answers.isEmpty { try feed(answers.removeFirst()) }
    }

    private mutating func cause(_ event: Dialogue.Event) throws {
        switch event {
        case .deadline: try feed(.deadline)
        case .shutdown: try feed(.shutdown)
        case .tls: try feed(.tlsEstablished)
        case .peerCloses: try feed(.peerClosed)
        case .openFails: openOutcome = .temporaryFailure
        case .openFull: openOutcome = .insufficientStorage
        case .storeFails: storeOutcome = .temporaryFailure
        case .storeFull: storeOutcome = .insufficientStorage
        case .storeRefuses: storeOutcome = .refused
        }
    }

    private mutating func feed(_ input: SMTPServerSession.Input) throws {
        let effects = session.receive(input)
        if isClosed, !effects.isEmpty { throw Mismatch(description: "effects after close: \(effects)") }
        for effect in effects { try carryOut(effect) }
    }

    private mutating func carryOut(_ effect: SMTPServerSession.Effect) throws {
        if isClosed { throw Mismatch(description: "an effect behind close: \(effect)") }
        switch effect {
        case .send(let bytes): output += bytes
        case .startTLS: seen.append(.tls)
        case .beginMessage(let begun):
            guard spool == nil else { throw Mismatch(description: "two messages at once") }
            spool = []
            envelope = begun
            answers.append(.messageOpened(openOutcome))
            if openOutcome != opened { spool = nil }
            openOutcome = opened
        case .messageBytes(let bytes):
            guard spool != nil, !isSpoolEnded else { throw Mismatch(description: "octets without a message") }
            spool?.append(contentsOf: bytes)
        case .endMessage:
            guard let message = spool else { throw Mismatch(description: "end without a message") }
            isSpoolEnded = true
            if case .durable = storeOutcome { seen.append(.stored(try stripTrace(message))) }
            answers.append(.messageStored(storeOutcome))
            storeOutcome = .durable(id: "20261125-1")
            spool = nil
            isSpoolEnded = false
        case .abortMessage:
            guard spool != nil else { throw Mismatch(description: "abort without a message") }
            spool = nil
            seen.append(.aborted)
        case .deadline(let seconds): deadlineSeconds = seconds
        case .close:
            isClosed = true
            seen.append(.close)
        }
    }

    /// The message behind `Return-Path` and `Received`, which end with the date line.
    private mutating func stripTrace(_ message: [UInt8]) throws -> [UInt8] {
        let text = String(decoding: message, as: UTF8.self)
        let lastLine = Array("\tWed, 25 Nov 2026 12:00:00 +0000\r\n".utf8)
        guard text.hasPrefix("Return-Path: <"),
            let start = message.indices.first(where: { message[$0...].starts(with: lastLine) })
        else { throw Mismatch(description: "no trace header: \(text.prefix(300))") }
        let end = start + lastLine.count
        trace = String(decoding: message[..<end], as: UTF8.self)
        return Array(message[end...])
    }

    // MARK: - Comparing

    private mutating func matchReply(_ text: String, isExact: Bool) throws {
        guard let end = output.firstIndex(of: 0x0a) else {
            throw Mismatch(description: "no reply, not \(text)")
        }
        let line = String(decoding: output[..<end], as: UTF8.self)
        output.removeSubrange(...end)
        guard line.utf8.last == 0x0d else { throw Mismatch(description: "reply without CRLF: \(line)") }
        let reply = String(line.unicodeScalars.dropLast())
        guard isExact ? reply == text : reply.hasPrefix(text) else {
            throw Mismatch(description: "reply \(reply), not \(text)")
        }
    }

    private mutating func match(_ outcome: Dialogue.Outcome) throws {
        switch outcome {
        case .stored(let expected):
            guard case .stored(let message) = seen.first else { throw mismatch(outcome) }
            seen.removeFirst()
            guard expected == nil || expected == message else {
                throw Mismatch(
                    description: "stored \(String(decoding: message, as: UTF8.self).debugDescription)"
                )
            }
        case .aborted: try take(.aborted, outcome)
        case .close: try take(.close, outcome)
        case .tls: try take(.tls, outcome)
        case .trace(let text):
            guard trace.contains(text) else { throw Mismatch(description: "trace header \(trace)") }
        case .envelope(let text):
            let shown = envelope.map(Self.describe) ?? "none"
            guard shown == text else { throw Mismatch(description: "envelope \(shown)") }
        case .deadline(let seconds):
            guard deadlineSeconds == seconds else {
                throw Mismatch(description: "deadline \(deadlineSeconds ?? 0)")
            }
        }
    }

    private mutating func take(_ expected: Seen, _ outcome: Dialogue.Outcome) throws {
        guard seen.first == expected else { throw mismatch(outcome) }
        seen.removeFirst()
    }

    private func mismatch(_ outcome: Dialogue.Outcome) -> Mismatch {
        Mismatch(description: "\(seen), not \(outcome); \(String(decoding: output, as: UTF8.self))")
    }

    private static func describe(_ envelope: Envelope) -> String {
        let recipients = envelope.recipients.map { recipient in
            switch recipient {
            case .mailbox(let mailbox, let detail): mailbox.localPart + (detail.map { "+\($0)" } ?? "")
            case .postmaster: "postmaster"
            }
        }
        return (["<\(envelope.reversePath?.description ?? "")>"] + recipients).joined(separator: " ")
    }
}

extension SMTPServerConfiguration {
    /// The server that a dialogue file describes.
    init(_ dialogue: Dialogue) {
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
            offersSTARTTLS: dialogue.tls != .none,
            requiresTLS: dialogue.tls == .required,
            limits: limits
        )
    }
}
