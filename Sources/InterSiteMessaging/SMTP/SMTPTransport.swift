import Identifiers
package import Logging
package import SecureMail
import Synchronization

/// Sealed mail over SMTP, store and forward: a queue of files out, a drop of files in.
package final class SMTPTransport: InterSiteTransport {
    package let name = "smtp"
    package let properties: TransportProperties

    private struct State {
        var senders: [GUID: PartnerSender] = [:]
        var reader: DropReader?
        var reports: [Int: AsyncStream<DeliveryReport>.Continuation] = [:]
        var nextReport = 0
        var isRunning = false
    }

    private let context: TransportContext
    private let protection: any MessageProtection
    let mailRoot: MailRoot
    private let committed: CommittedMessageLog
    private let settings: SMTPTransportSettings
    private let log: Logger
    private let state = Mutex(State())

    package init(
        context: TransportContext,
        protection: any MessageProtection,
        mailRoot: MailRoot,
        committed: CommittedMessageLog,
        settings: SMTPTransportSettings = SMTPTransportSettings(),
        log: Logger
    ) {
        self.context = context
        self.protection = protection
        self.mailRoot = mailRoot
        self.committed = committed
        self.settings = settings
        self.log = log
        properties = TransportProperties(
            protectsConfidentiality: true,
            protectsIntegrity: true,
            payloadOctetsMax: 64 << 20,
            latency: .storeAndForward
        )
    }

    // MARK: - Sending

    package func send(
        _ message: IntersiteMessage,
        to address: TransportAddress
    ) async throws -> SendReceipt {
        guard state.withLock({ $0.isRunning }) else { throw TransportError.notStarted }
        let now = context.now()
        guard message.expires > now else { throw TransportError.expired(message.expires) }
        let partner = try await context.partner(address.dsaGUID)
        let sender = sender(for: partner.dsaGUID)
        let mails = try await sealFitting(message, to: partner, through: sender, at: now)
        let sidecar = QueuedMail(
            partner: partner.dsaGUID,
            partnerName: partner.name,
            messageID: message.id,
            service: message.service,
            summary: message.summary,
            coalescingKey: message.coalescingKey,
            createdSeconds: message.created.seconds,
            expiresSeconds: message.expires.seconds
        )
        let entries = try await store(mails, sidecar: sidecar)
        for entry in entries { postQueued(entry, message, partner) }
        // The newer one is durable first: whatever happens now, one of them is sent.
        if let key = message.coalescingKey { await sender.replace(service: message.service, key: key) }
        for entry in entries { await sender.enqueue(entry) }
        return SendReceipt(
            id: message.id,
            fileID: entries.first?.id ?? "",
            octets: entries.reduce(0) { $0 + $1.octets },
            transport: name
        )
    }

    private func postQueued(_ entry: SendQueue.Entry, _ message: IntersiteMessage, _ partner: PartnerRoute) {
        context.events(
            MailEvent(
                .queued(
                    messageID: message.id,
                    service: message.service,
                    summary: entry.mail.summary,
                    octets: entry.octets
                ),
                fileID: entry.id,
                partner: partner.dsaGUID,
                partnerName: partner.name
            )
        )
    }

    @concurrent func seal(
        _ message: IntersiteMessage,
        fragment: MessageFragment? = nil,
        to partner: PartnerRoute,
        at now: Timestamp
    ) async throws -> [UInt8] {
        let membership = await context.membership()
        // A new Message-ID for every sending: mail stores drop repeated ones.
        let addressing = MailAddressing(
            from: context.ownAddress,
            to: partner.mailAddress,
            messageIDHeader: "\(context.randomGUID())@\(context.ownAddress.domain)",
            date: now
        )
        let envelope = MessageEnvelope(
            forest: membership.forest,
            from: membership.ownDSA,
            to: partner.dsaGUID,
            messageID: message.id,
            inReplyTo: message.inReplyTo,
            service: message.service,
            fragment: fragment,
            created: message.created,
            expires: message.expires,
            summary: message.summary
        )
        do throws(SealError) {
            return try protection.seal(
                message.payload,
                envelope: envelope,
                addressing: addressing,
                to: partner.certificates,
                membership: membership
            )
        } catch {
            if case .tooLarge(let octets, let octetsMax) = error {
                throw TransportError.tooLarge(octets: octets, octetsMax: octetsMax)
            }
            throw TransportError.sealing("\(error)")
        }
    }

    private func sender(for partner: GUID) -> PartnerSender {
        state.withLock { state in
            if let sender = state.senders[partner] { return sender }
            let sender = PartnerSender(
                partner: partner,
                context: context,
                mailRoot: mailRoot,
                settings: settings,
                log: log
            ) { [weak self] report in self?.tell(report) }
            state.senders[partner] = sender
            return sender
        }
    }

    /// Tries everything in Queue again now.
    package func retryNow() async {
        for sender in state.withLock({ Array($0.senders.values) }) { await sender.makeDue() }
    }

    // MARK: - Reports

    package func deliveryReports() -> AsyncStream<DeliveryReport> {
        let (stream, continuation) = AsyncStream.makeStream(of: DeliveryReport.self)
        let key = state.withLock { state in
            state.nextReport += 1
            state.reports[state.nextReport] = continuation
            return state.nextReport
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.reports.removeValue(forKey: key) }
        }
        return stream
    }

    private func tell(_ report: DeliveryReport) {
        for listener in state.withLock({ Array($0.reports.values) }) { listener.yield(report) }
    }

    // MARK: - Running

    package func start(
        receiving handler: @escaping @Sendable (ReceivedMessage) async throws -> Void
    ) async throws {
        let reader = DropReader(
            context: context,
            protection: protection,
            mailRoot: mailRoot,
            committed: committed,
            settings: settings,
            transport: name,
            log: log,
            handler: handler
        ) { [weak self] partner in
            // Mail from there is the best sign that mail to there will arrive.
            guard let self, let sender = self.state.withLock({ $0.senders[partner] }) else { return }
            await sender.makeDue()
        }
        try await resumeQueue()
        state.withLock { state in
            state.isRunning = true
            state.reader = reader
        }
        await reader.start()
    }

    package func stop() async {
        let (reader, senders, reports) = state.withLock { state in
            state.isRunning = false
            defer { (state.reader, state.senders, state.reports) = (nil, [:], [:]) }
            return (state.reader, Array(state.senders.values), Array(state.reports.values))
        }
        await reader?.stop()
        for sender in senders { await sender.stop() }
        for report in reports { report.finish() }
    }

    /// Members, certificates or revocation lists changed: held mail is tried again.
    package func membershipChanged() async {
        let reader = state.withLock { $0.reader }
        await reader?.recheckHeld()
    }

    /// Everything in Queue belongs to a promise of an earlier run.
    private func resumeQueue() async throws {
        let files = try await mailRoot.list(.queue)
        guard !files.isEmpty else { return }
        var partners: [MailAddress: PartnerRoute]?
        let now = context.now()
        for file in files {
            do throws(FileError) {
                try await resume(file, partners: &partners, at: now)
            } catch {
                // One file must not keep the others from being sent; it is tried at the next start.
                context.events(MailEvent(.storageTrouble(reason: "\(error)"), fileID: file.id))
            }
        }
    }

    private func resume(
        _ file: MailFile,
        partners: inout [MailAddress: PartnerRoute]?,
        at now: Timestamp
    ) async throws(FileError) {
        var found = await mailRoot.queuedMail(file.id)
        if found == nil {
            if partners == nil { partners = await partnersByAddress() }
            found = QueuedMail(
                rebuiltFrom: try await mailRoot.read(.queue, file.id),
                partners: partners ?? [:],
                lifeDays: await context.membership().tombstoneLifetimeDays
            )
        }
        guard let mail = found else {
            let reason = MailReason(
                code: "unknown-recipient",
                sentence: "no partner has the address this mail is for",
                time: now
            )
            try await mailRoot.refuse(.queue, file.id, reason: reason)
            context.events(MailEvent(.gaveUp(reason: reason.sentence), fileID: file.id))
            return
        }
        let wait = mail.nextTry.map { max(0, $0.seconds - now.seconds) } ?? 0
        let due = wait > 0 ? ContinuousClock.now + .seconds(min(wait, 3600)) : nil
        await sender(for: mail.partner).enqueue(
            SendQueue.Entry(id: file.id, octets: file.octets, mail: mail, due: due)
        )
    }

    private func partnersByAddress() async -> [MailAddress: PartnerRoute] {
        var partners: [MailAddress: PartnerRoute] = [:]
        for member in await context.membership().members.keys {
            guard let route = try? await context.partner(member) else { continue }
            partners[route.mailAddress] = route
        }
        return partners
    }
}
