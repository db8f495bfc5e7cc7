import Identifiers
import Logging
import SMTP
import SecureMail

/// Takes mails out of Drop: opened ones to their service, the others to where their fate puts them.
actor DropReader {
    let context: TransportContext
    let protection: any MessageProtection
    let mailRoot: MailRoot
    private let committed: CommittedMessageLog
    let settings: SMTPTransportSettings
    private let transport: String
    private let log: Logger
    private let handler: @Sendable (ReceivedMessage) async throws -> Void
    /// A mail of that partner was opened.
    private let heardFrom: @Sendable (GUID) async -> Void

    private var loop: Task<Void, Never>?
    private var isStopping = false
    private var patience: DropPatience
    /// Files found by the last look that nobody has read yet, in order of their names.
    private var waiting: ArraySlice<MailFile> = []
    /// Files handed over, with the octets that each holds in memory: its payload's.
    private var inFlight: [String: Int] = [:]
    var inFlightMessages: Set<MessageKey> = []
    private var inFlightOctets = 0
    private var attempts: [String: (count: Int, due: ContinuousClock.Instant)] = [:]
    private var nextHeldRecheck: ContinuousClock.Instant

    /// Fragments that wait for the others of their message.
    var fragments: FragmentSets

    typealias MessageKey = FragmentSets.Key

    init(
        context: TransportContext,
        protection: any MessageProtection,
        mailRoot: MailRoot,
        committed: CommittedMessageLog,
        settings: SMTPTransportSettings,
        transport: String,
        log: Logger,
        handler: @escaping @Sendable (ReceivedMessage) async throws -> Void,
        heardFrom: @escaping @Sendable (GUID) async -> Void
    ) {
        self.context = context
        self.protection = protection
        self.mailRoot = mailRoot
        self.committed = committed
        self.settings = settings
        self.transport = transport
        self.log = log
        self.handler = handler
        self.heardFrom = heardFrom
        patience = DropPatience(
            rest: .seconds(settings.restSeconds),
            settle: .seconds(settings.settleSeconds)
        )
        nextHeldRecheck = .now + .seconds(settings.heldRecheckSeconds)
        fragments = FragmentSets(limits: settings.fragments)
    }

    func start() async {
        guard loop == nil else { return }
        await resumeFragments()
        loop = Task { await run() }
    }

    /// Returns when every handler has returned.
    func stop() async {
        isStopping = true
        mailRoot.dropBell.ring()
        await loop?.value
    }

    /// Puts held mails that wait for no decision back into Drop.
    func recheckHeld() async {
        nextHeldRecheck = .now + .seconds(settings.heldRecheckSeconds)
        guard let files = try? await mailRoot.list(.held) else { return }
        for file in files {
            let reason = await mailRoot.reason(.held, file.id)
            guard reason?.isRetried ?? true else { continue }
            do throws(FileError) {
                let id = try await mailRoot.release(file.id)
                context.events(MailEvent(.released, fileID: id))
            } catch {
                trouble(error, file.id)
            }
        }
    }

    // MARK: - The loop

    private func run() async {
        await withDiscardingTaskGroup { group in
            while !isStopping {
                if waiting.isEmpty { await look() }
                await begin(&group)
                await expireFragments()
                await mailRoot.dropBell.wait(atMost: .seconds(settings.pollSeconds))
                if ContinuousClock.now >= nextHeldRecheck {
                    await recheckHeld()
                    await mailRoot.purge()
                }
            }
        }
    }

    private func look() async {
        do throws(FileError) {
            let files = try await mailRoot.list(.drop)
            let now = ContinuousClock.now
            let present = Set(files.map(\.id))
            patience.forget(allBut: present)
            attempts = attempts.filter { present.contains($0.key) }
            waiting =
                files.filter { file in
                    inFlight[file.id] == nil && attempts[file.id].map { $0.due <= now } ?? true
                        && (mailRoot.isCompleted(file.id) || patience.hasRested(file, at: now))
                }[...]
        } catch {
            trouble(error, nil)
        }
    }

    /// Opens what fits in flight, in order; the handlers run side by side.
    private func begin(_ group: inout DiscardingTaskGroup) async {
        while !isStopping, let file = waiting.first {
            let hasRoom =
                inFlight.count < settings.inFlightMessagesMax
                && (inFlight.isEmpty || inFlightOctets + file.octets <= settings.inFlightOctetsMax)
            guard hasRoom else { return }
            waiting.removeFirst()
            guard inFlight[file.id] == nil, let mail = await open(file) else { continue }
            let key = mail.key
            // The same message is being committed right now: the next look finds out how that ended.
            guard inFlightMessages.insert(key).inserted else { continue }
            // A payload is two to three times as large as its mail.
            inFlight[file.id] = mail.payload.count
            inFlightOctets += mail.payload.count
            group.addTask { await self.handOver(mail, file, key) }
            if waiting.isEmpty { await look() }
        }
    }

    private func end(_ file: MailFile, _ key: MessageKey) {
        inFlightOctets -= inFlight.removeValue(forKey: file.id) ?? 0
        inFlightMessages.remove(key)
        mailRoot.dropBell.ring()
    }

    // MARK: - One mail

    struct Opened: Sendable {
        let envelope: MessageEnvelope
        let payload: [UInt8]
        let isCRLStale: Bool
        let trace: MailTrace

        var key: MessageKey { MessageKey(sender: envelope.from, message: envelope.messageID) }
    }

    /// Nil when there is nothing to hand over; then the file is where it belongs, or is tried again.
    private func open(_ file: MailFile) async -> Opened? {
        let message: [UInt8]
        do throws(FileError) {
            message = try await mailRoot.read(.drop, file.id)
        } catch {
            if error.isMissing { return nil }
            if error.isTooLarge {
                let sentence = "\(file.octets) octets are over the limit of \(mailRoot.limits.mailOctetsMax)"
                await refuse(file, code: OpenRefusal.Code.tooLarge.rawValue, sentence: sentence, hint: nil)
            } else {
                trouble(error, file.id)
                postpone(file, reason: error.description)
            }
            return nil
        }
        let (outcome, trace) = await judge(message)
        switch outcome {
        case .opened(let mail):
            return Opened(
                envelope: mail.envelope,
                payload: mail.payload,
                isCRLStale: mail.crlStale,
                trace: trace
            )
        case .fragment(let mail): return await collect(mail, file, trace)
        case .duplicate(let mail):
            post(.duplicate(messageID: mail.envelope.messageID), file, mail.envelope.from)
            await finish(file, mail.envelope.from)
        case .held(let reason):
            await hold(file, MessageHeld(reason.description, code: reason.code))
        case .refused(let refusal):
            if patience.mayStillGrow(file, refusal, isOurs: mailRoot.isCompleted(file.id), at: .now) {
                return nil
            }
            await refuse(
                file,
                code: refusal.code.rawValue,
                sentence: refusal.description,
                hint: refusal.hint
            )
        }
        return nil
    }

    /// Off this actor: opening costs milliseconds per megabyte.
    @concurrent nonisolated func judge(_ message: [UInt8]) async -> (OpenOutcome, MailTrace) {
        let membership = await context.membership()
        let outcome = protection.open(
            message,
            membership: membership,
            isCommitted: { message, sender in committed.contains(message: message, from: sender) },
            at: context.now()
        )
        switch outcome {
        case .opened, .fragment:
            let header = (try? MIMEReader.parseEntity(message))?.header
            return (outcome, header.map { MailTrace($0) } ?? MailTrace())
        case .duplicate, .held, .refused: return (outcome, MailTrace())
        }
    }

    /// The service commits, then the id is logged, then the file leaves Drop: in this order nothing is lost.
    private func handOver(_ opened: Opened, _ file: MailFile, _ key: MessageKey) async {
        let envelope = opened.envelope
        post(
            .opened(
                messageID: envelope.messageID,
                service: envelope.service,
                summary: envelope.summary,
                octets: opened.payload.count,
                hops: opened.trace.hops.count + opened.trace.omittedHops
            ),
            file,
            envelope.from
        )
        await heardFrom(envelope.from)
        do {
            try await handler(
                ReceivedMessage(
                    id: envelope.messageID,
                    inReplyTo: envelope.inReplyTo,
                    service: envelope.service,
                    sender: envelope.from,
                    payload: opened.payload,
                    created: envelope.created,
                    expires: envelope.expires,
                    summary: envelope.summary,
                    transport: transport,
                    isCRLStale: opened.isCRLStale,
                    fileID: file.id,
                    received: file.modified,
                    trace: opened.trace
                )
            )
            await commit(envelope, file)
        } catch let refusal as MessageRefused {
            await refuse(
                file,
                code: refusal.code,
                sentence: refusal.description,
                hint: nil,
                partner: envelope.from
            )
            await drop(
                fragments.refuse(key, FragmentSets.Refusal(code: refusal.code, sentence: refusal.description))
            )
        } catch let held as MessageHeld {
            // The others wait: released, this fragment makes the message whole again.
            await hold(file, held, partner: envelope.from)
        } catch {
            if !isStopping { postpone(file, reason: "\(error)", partner: envelope.from) }
        }
        end(file, key)
    }

    private func commit(_ envelope: MessageEnvelope, _ file: MailFile) async {
        do throws(FileError) {
            try await committed.record(
                message: envelope.messageID,
                from: envelope.from,
                expires: envelope.expires
            )
        } catch {
            // Known in memory; after a restart the service sees the message once more, which it bears.
            trouble(error, file.id)
        }
        post(.committed(messageID: envelope.messageID, service: envelope.service), file, envelope.from)
        await finishFragments(of: MessageKey(sender: envelope.from, message: envelope.messageID))
        await finish(file, envelope.from)
    }

    func finish(_ file: MailFile, _ partner: GUID) async {
        attempts[file.id] = nil
        do throws(FileError) {
            if try await mailRoot.finish(.drop, file.id) { post(.archived, file, partner) }
        } catch {
            trouble(error, file.id)
            postpone(file, reason: error.description, partner: partner)
        }
    }

    func refuse(
        _ file: MailFile,
        code: String,
        sentence: String,
        hint: String?,
        partner: GUID? = nil
    ) async {
        let reason = MailReason(code: code, sentence: sentence, hint: hint, time: context.now())
        do throws(FileError) {
            try await mailRoot.refuse(.drop, file.id, reason: reason)
            post(.refused(code: code, sentence: sentence), file, partner)
        } catch {
            trouble(error, file.id)
            postpone(file, reason: error.description, partner: partner)
        }
    }

    private func hold(_ file: MailFile, _ held: MessageHeld, partner: GUID? = nil) async {
        let reason = MailReason(
            code: held.code,
            sentence: held.description,
            hint: held.hint,
            time: context.now(),
            isRetried: !held.needsDecision,
            copyKey: held.copyKey
        )
        do throws(FileError) {
            switch try await mailRoot.hold(.drop, file.id, reason: reason) {
            case .held: post(.held(code: held.code, sentence: held.description), file, partner)
            case .refused: post(.refused(code: "held-full", sentence: held.description), file, partner)
            case .full:
                postpone(file, reason: "Held is full; \(held.description)", partner: partner)
            }
        } catch {
            trouble(error, file.id)
            postpone(file, reason: error.description, partner: partner)
        }
    }

    /// The file stays in Drop and is read again later.
    func postpone(_ file: MailFile, reason: String, partner: GUID? = nil) {
        let count = (attempts[file.id]?.count ?? 0) + 1
        let spread = Double(context.randomGUID().low & 0xffff) / 65_535
        let seconds = settings.retry.seconds(afterAttempts: count, spread: spread)
        attempts[file.id] = (count, .now + .seconds(seconds))
        post(.deferred(attempt: count, nextSeconds: seconds, reason: reason), file, partner)
        Task { [bell = mailRoot.dropBell] in
            try? await Task.sleep(for: .seconds(seconds))
            bell.ring()
        }
    }

    // MARK: - Telling

    func post(_ kind: MailEvent.Kind, _ file: MailFile, _ partner: GUID?) {
        context.events(MailEvent(kind, fileID: file.id, partner: partner))
    }

    func trouble(_ error: FileError, _ id: String?) {
        log.error(
            "trouble in the mailroot",
            metadata: ["file": "\(id ?? "-")", "error": "\(error)"]
        )
        context.events(MailEvent(.storageTrouble(reason: error.description), fileID: id))
    }
}
