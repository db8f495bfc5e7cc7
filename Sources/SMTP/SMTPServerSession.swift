package import Identifiers

/// A server's side of one SMTP connection: octets and events in, effects out; no socket, no file, no clock.
package struct SMTPServerSession: Sendable {
    /// What happened outside.
    package enum Input: Sendable {
        /// The connection is there (implicit TLS already done). `peer` is shown in the trace header.
        case connected(isTLS: Bool, peer: String?)
        case bytes(ArraySlice<UInt8>)
        /// The handshake that `startTLS` asked for is done.
        case tlsEstablished
        /// The answer to `beginMessage`.
        case messageOpened(OpenOutcome)
        /// The answer to `endMessage`.
        case messageStored(StoreOutcome)
        /// The armed deadline has passed.
        case deadline
        /// This server stops.
        case shutdown
        /// The client closed or broke the connection.
        case peerClosed
    }

    package enum OpenOutcome: Sendable, Hashable {
        /// The spool file is open; id and time go into the trace header.
        case opened(id: String, at: Timestamp)
        case temporaryFailure
        case insufficientStorage
    }

    package enum StoreOutcome: Sendable, Hashable {
        /// The message is on disk under its final name and the folder is synced.
        case durable(id: String)
        case temporaryFailure
        case insufficientStorage
        case refused
    }

    /// What the shell has to do, in this order.
    package enum Effect: Sendable, Hashable {
        case send([UInt8])
        /// Start the handshake once everything sent so far is out; answer with `tlsEstablished`.
        case startTLS
        /// Open a spool file; answer with `messageOpened`.
        case beginMessage(Envelope)
        /// Append to the spool file: first the trace header, then message octets without stuffed dots.
        case messageBytes(ArraySlice<UInt8>)
        /// Make the spool file durable; answer with `messageStored`.
        case endMessage
        /// Drop the spool file; no answer.
        case abortMessage
        /// Re-arm the one deadline.
        case deadline(seconds: Int)
        /// Close once everything sent is out; every later input is ignored.
        case close
    }

    enum Phase: Sendable, Hashable {
        case unconnected
        /// The greeting is held back; a client that talks now is refused.
        case greeting
        case command
        case opening
        case message
        case storing
        case securing
        case closed
    }

    let configuration: SMTPServerConfiguration
    var phase = Phase.unconnected
    var isTLS = false
    var peer: String?
    /// From HELO or EHLO; nil before it and after STARTTLS.
    var client: (heloName: String, isExtended: Bool)?
    /// From MAIL until the message is stored or given up.
    var envelope: Envelope?
    var transactions = 0
    private(set) var junkCommands = 0
    private(set) var badCommands = 0
    /// Octets that no step has looked at yet.
    private(set) var pending: ArraySlice<UInt8> = []
    private var scanner = MessageScanner()
    private var messageOctets = 0
    /// Set while a message is only read to its end, in order to refuse it.
    private var messageRefusal: SMTPReply?
    private var isStopping = false
    private var deadlineSeconds: Int?
    private var effects: [Effect] = []

    package init(configuration: SMTPServerConfiguration) { self.configuration = configuration }

    /// Takes one input; the effects are to be carried out in order and completely before the next input.
    ///
    /// Between `beginMessage` or `endMessage` and its answer the shell had better stop reading: what arrives
    /// anyway is kept, up to `pendingOctetsMax`. No octet is ever looked at twice or out of order.
    package mutating func receive(_ input: Input) -> [Effect] {
        if phase == .closed { return [] }
        switch input {
        case .connected(let isTLS, let peer): connect(isTLS: isTLS, peer: peer)
        case .bytes(let bytes): take(bytes)
        case .tlsEstablished: finishSecuring()
        case .messageOpened(let outcome): finishOpening(outcome)
        case .messageStored(let outcome): finishStoring(outcome)
        case .deadline: passDeadline()
        case .shutdown: stop()
        case .peerClosed: closeSilently()
        }
        // One timer, set once per input: the last word counts.
        if let seconds = deadlineSeconds, phase != .closed { effects.append(.deadline(seconds: seconds)) }
        deadlineSeconds = nil
        defer { effects = [] }
        return effects
    }
}

// MARK: - What the commands use

extension SMTPServerSession {
    mutating func reply(_ reply: SMTPReply) { effects.append(.send(reply.bytes)) }

    mutating func reply(_ code: Int, _ enhanced: String?, _ text: String) {
        reply(SMTPReply(code, enhanced, text))
    }

    /// A 5xx that counts against the client.
    mutating func refuse(_ reply: SMTPReply) {
        self.reply(reply)
        badCommands += 1
        if badCommands > configuration.limits.badCommandsMax {
            close(with: SMTPReply(421, "4.7.0", "too many errors, closing"))
        }
    }

    mutating func refuse(_ code: Int, _ enhanced: String, _ text: String) {
        refuse(SMTPReply(code, enhanced, text))
    }

    /// Counts a command that brings no message closer.
    mutating func countJunk() {
        junkCommands += 1
        if junkCommands > configuration.limits.junkCommandsMax {
            close(with: SMTPReply(421, "4.7.0", "too many commands without a message, closing"))
        }
    }

    mutating func close(with last: SMTPReply) {
        reply(last)
        closeSilently()
    }

    mutating func beginSecuring() {
        // What was pipelined behind STARTTLS came in the clear and must not be taken for protected commands
        // (CVE-2011-0411).
        pending = []
        client = nil
        envelope = nil
        phase = .securing
        effects.append(.startTLS)
    }

    mutating func beginMessage(_ envelope: Envelope) {
        phase = .opening
        deadlineSeconds = configuration.limits.storeSeconds
        effects.append(.beginMessage(envelope))
    }

    private mutating func closeSilently() {
        switch phase {
        case .opening: effects.append(.abortMessage)
        case .message: if messageRefusal == nil { effects.append(.abortMessage) }
        // Once `endMessage` is out the file may be durable: a duplicate is harmless, a lost message is not.
        case .unconnected, .greeting, .command, .storing, .securing, .closed: break
        }
        pending = []
        phase = .closed
        effects.append(.close)
    }

    private mutating func awaitCommand() {
        phase = .command
        deadlineSeconds = configuration.limits.commandSeconds
    }
}

// MARK: - Inputs

extension SMTPServerSession {
    private mutating func connect(isTLS: Bool, peer: String?) {
        guard phase == .unconnected else { return }
        self.isTLS = isTLS
        self.peer = peer
        if configuration.limits.greetingSeconds > 0 {
            phase = .greeting
            deadlineSeconds = configuration.limits.greetingSeconds
        } else {
            greet()
        }
    }

    private mutating func greet() {
        reply(SMTPReply(220, nil, "\(configuration.hostName) ESMTP Bridgehead"))
        awaitCommand()
    }

    private mutating func take(_ bytes: ArraySlice<UInt8>) {
        if bytes.isEmpty || phase == .securing { return }
        let isBorrowed = pending.isEmpty
        if isBorrowed { pending = bytes } else { pending += bytes }
        drain()
        // A few octets must not keep a whole network buffer alive.
        if isBorrowed, !pending.isEmpty { pending = Array(pending)[...] }
    }

    private mutating func drain() {
        while !pending.isEmpty {
            switch phase {
            case .unconnected, .greeting:
                close(with: SMTPReply(554, "5.5.0", "wait for the greeting before you talk"))
            case .command:
                guard let line = takeLine() else { return }
                answer(line)
            case .message: scanMessage()
            case .opening, .storing:
                if pending.count > configuration.limits.pendingOctetsMax {
                    close(with: SMTPReply(421, "4.7.0", "too much sent ahead, closing"))
                }
                return
            case .securing, .closed: pending = []
            }
        }
    }

    private mutating func answer(_ line: ArraySlice<UInt8>) {
        // RFC 2920: only a client that was offered PIPELINING may send ahead.
        let mayBeAhead = client?.isExtended == true
        execute(line, isFollowed: !pending.isEmpty, mayBeFollowed: mayBeAhead)
        if phase == .command { deadlineSeconds = configuration.limits.commandSeconds }
    }

    /// The next whole command line without its CRLF; nil when it is not complete or the session is closed.
    private mutating func takeLine() -> ArraySlice<UInt8>? {
        let max = configuration.limits.commandLineOctetsMax
        guard let lineFeed = OctetSearch.firstIndex(of: 0x0a, in: pending.prefix(max)) else {
            if pending.count >= max {
                close(with: SMTPReply(500, "5.5.2", "command line longer than \(max) octets"))
            }
            return nil
        }
        let line = pending[..<lineFeed]
        guard line.last == 0x0d, !line.dropLast().contains(0x0d) else {
            close(with: SMTPReply(521, "5.5.2", "bare CR or LF received, lines end with CRLF"))
            return nil
        }
        pending = pending[(lineFeed + 1)...]
        return line.dropLast()
    }

    private mutating func passDeadline() {
        switch phase {
        case .unconnected, .closed: break
        case .greeting: greet()
        case .command, .opening, .message, .storing:
            close(with: SMTPReply(421, "4.4.2", "\(configuration.hostName) time is up, closing"))
        // Half-way into TLS no reply can be read.
        case .securing: closeSilently()
        }
    }

    private mutating func stop() {
        switch phase {
        // The message is complete: its sender shall hear whether it is safe.
        case .storing: isStopping = true
        case .securing: closeSilently()
        case .unconnected, .greeting, .command, .opening, .message, .closed:
            close(with: SMTPReply(421, "4.3.2", "\(configuration.hostName) is stopping, try again later"))
        }
    }

    private mutating func finishSecuring() {
        guard phase == .securing else { return }
        isTLS = true
        awaitCommand()
    }
}

// MARK: - Messages

extension SMTPServerSession {
    private mutating func finishOpening(_ outcome: OpenOutcome) {
        guard phase == .opening, let envelope else { return }
        switch outcome {
        case .opened(let id, let time):
            guard pending.isEmpty else {
                close(with: .outOfStep)
                return
            }
            scanner = MessageScanner()
            messageOctets = 0
            messageRefusal = nil
            phase = .message
            deadlineSeconds = configuration.limits.messageSeconds
            reply(SMTPReply(354, nil, "send the message, end with <CRLF>.<CRLF>"))
            let trace = TraceHeader.bytes(envelope, hostName: configuration.hostName, id: id, at: time)
            effects.append(.messageBytes(trace[...]))
        case .temporaryFailure: endTransaction(.storageFails)
        case .insufficientStorage: endTransaction(.storageFull)
        }
    }

    private mutating func scanMessage() {
        let chunk = pending
        let isWanted = messageRefusal == nil
        var runs: [Range<Int>] = []
        let verdict = scanner.scan(chunk) { runs.append($0) }
        for run in runs {
            let (sum, overflow) = messageOctets.addingReportingOverflow(run.count)
            messageOctets = overflow ? .max : sum
        }
        if isWanted {
            let limits = configuration.limits
            if messageOctets > limits.messageOctetsMax {
                refuseMessage(.messageTooLarge(limits.messageOctetsMax))
            } else if scanner.longestLineOctets > limits.messageLineOctetsMax {
                refuseMessage(
                    SMTPReply(554, "5.6.0", "message line longer than \(limits.messageLineOctetsMax) octets")
                )
            } else {
                for run in runs { effects.append(.messageBytes(chunk[run])) }
            }
        }
        switch verdict {
        case .needsMore: pending = []
        case .ended(let next):
            pending = chunk[next...]
            endMessage()
        case .bareCarriageReturn, .bareLineFeed:
            close(with: SMTPReply(521, "5.5.2", "bare CR or LF received, lines end with CRLF"))
        case .nul: close(with: SMTPReply(521, "5.5.2", "NUL received in a message"))
        }
    }

    private mutating func refuseMessage(_ reply: SMTPReply) {
        messageRefusal = reply
        effects.append(.abortMessage)
    }

    private mutating func endMessage() {
        if let refusal = messageRefusal {
            badCommands += 1
            endTransaction(refusal)
            return
        }
        phase = .storing
        deadlineSeconds = configuration.limits.storeSeconds
        effects.append(.endMessage)
    }

    private mutating func finishStoring(_ outcome: StoreOutcome) {
        guard phase == .storing else { return }
        switch outcome {
        case .durable(let id):
            junkCommands = 0
            badCommands = 0
            endTransaction(SMTPReply(250, "2.0.0", "stored as \(id)"))
        case .temporaryFailure: endTransaction(.storageFails)
        case .insufficientStorage: endTransaction(.storageFull)
        case .refused: endTransaction(SMTPReply(554, "5.6.0", "message refused"))
        }
    }

    private mutating func endTransaction(_ last: SMTPReply) {
        reply(last)
        envelope = nil
        messageRefusal = nil
        awaitCommand()
        if isStopping {
            stop()
        } else if client?.isExtended != true, !pending.isEmpty {
            close(with: .outOfStep)
        } else {
            drain()
        }
    }
}

extension SMTPReply {
    static let outOfStep = SMTPReply(554, "5.5.0", "you sent more before the reply, closing")
    static let storageFails = SMTPReply(451, "4.3.0", "the message could not be stored, try again later")
    static let storageFull = SMTPReply(452, "4.3.1", "no room for the message, try again later")

    static func messageTooLarge(_ octetsMax: Int) -> SMTPReply {
        SMTPReply(552, "5.3.4", "messages are limited to \(octetsMax) octets")
    }
}
