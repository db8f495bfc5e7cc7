import Identifiers
import Logging
import PKI
import SecureMail

/// Sends the mails of one partner, one after the other.
actor PartnerSender {
    let partner: GUID
    private let context: TransportContext
    private let mailRoot: MailRoot
    private let settings: SMTPTransportSettings
    private let report: @Sendable (DeliveryReport) -> Void
    private let log: Logger
    private let client = SMTPClient()
    private let bell = Bell()
    private var queue = SendQueue()
    private var loop: Task<Void, Never>?
    private var isStopping = false
    private var isConnected = false
    /// What the next hop announced last; nil when it announced nothing yet.
    private var announcedOctetsMax: Int?

    /// Room for the `Received` fields that relays add.
    static let traceReserveOctets = 4096

    init(
        partner: GUID,
        context: TransportContext,
        mailRoot: MailRoot,
        settings: SMTPTransportSettings,
        log: Logger,
        report: @escaping @Sendable (DeliveryReport) -> Void
    ) {
        self.partner = partner
        self.context = context
        self.mailRoot = mailRoot
        self.settings = settings
        self.report = report
        var log = log
        log[metadataKey: "partner"] = "\(partner)"
        self.log = log
    }

    // MARK: - Queueing

    /// Checks the bounds before mails of these octets are stored.
    func admit(_ mails: [Int]) throws(TransportError) {
        if isStopping { throw .notStarted }
        if let max = announcedOctetsMax.map({ $0 - Self.traceReserveOctets }),
            let largest = mails.max(), largest > max
        {
            throw .tooLarge(octets: largest, octetsMax: max)
        }
        let octets = mails.reduce(0, +)
        guard queue.entries.count + mails.count <= settings.queueMessagesMax,
            octets <= settings.queueOctetsMax - min(queue.octets, settings.queueOctetsMax)
        else { throw .queueFull(messages: queue.entries.count, octets: queue.octets) }
    }

    func enqueue(_ entry: SendQueue.Entry) {
        queue.append(entry)
        if loop == nil, !isStopping { loop = Task { await run() } }
        bell.ring()
    }

    /// Takes older mails with the same key out of Queue.
    func replace(service: String, key: String) async {
        for entry in queue.removeReplaced(service: service, key: key) {
            do throws(FileError) {
                try await mailRoot.discard(.queue, entry.id)
            } catch {
                trouble(error, entry.id)
            }
            post(.replaced, entry)
            report(entry, .replaced)
        }
    }

    func makeDue() {
        queue.makeDue()
        bell.ring()
    }

    func stop() async {
        isStopping = true
        client.stop()
        bell.ring()
        await loop?.value
    }

    // MARK: - The loop

    private func run() async {
        while !isStopping {
            if let entry = queue.begin(at: .now) {
                await attempt(entry)
                continue
            }
            if let due = queue.nextDue {
                await bell.wait(atMost: max(.zero, due - .now))
            } else {
                await bell.wait(atMost: isConnected ? .seconds(settings.idleConnectionSeconds) : nil)
                if queue.entries.isEmpty, isConnected {
                    client.disconnect()
                    isConnected = false
                }
            }
        }
    }

    private func attempt(_ entry: SendQueue.Entry) async {
        guard entry.mail.expires > context.now() else { return await expire(entry) }
        let message: [UInt8]
        do throws(FileError) {
            message = try await mailRoot.read(.queue, entry.id)
        } catch {
            // Somebody took it out of Queue by hand: nothing is left to send.
            if error.isMissing { return queue.remove(entry.id) }
            trouble(error, entry.id)
            return await retry(entry, reason: error.description)
        }
        let route: PartnerRoute
        do {
            route = try await context.partner(partner)
        } catch {
            return await retryRoute(entry, reason: "no way to the partner: \(error)", name: nil)
        }
        let delivery = Delivery(
            route: route.route,
            hostName: context.hostName,
            sender: context.ownAddress,
            recipient: route.mailAddress,
            message: message,
            anchorsPEM: route.route.starttls == .verify
                ? await context.membership().anchors.certificates.map(\.pem).joined() : "",
            clientIdentity: settings.clientIdentity,
            connectSeconds: settings.connectSeconds,
            replySeconds: settings.replySeconds
        )
        let begun = ContinuousClock.now
        let result = await client.deliver(delivery)
        if result.octetsMax != nil { announcedOctetsMax = result.octetsMax }
        // A transfer that `stop` broke off is nobody's failure: the mail is still in Queue.
        if isStopping, result.outcome != .delivered(reply: result.text) { return }
        isConnected = true
        await settle(entry, result.outcome, name: route.name, seconds: (ContinuousClock.now - begun).seconds)
    }

    private func settle(
        _ entry: SendQueue.Entry,
        _ outcome: DeliveryOutcome,
        name: String,
        seconds: Double
    ) async {
        switch outcome {
        case .delivered(let reply):
            queue.remove(entry.id)
            queue.routeSucceeded()
            post(.sent(reply: reply, octets: entry.octets, seconds: seconds), entry, name: name)
            await finish(entry, name: name)
            report(entry, .accepted(reply: reply))
        case .retryLater(let reason, isRoute: false):
            queue.routeSucceeded()
            await retry(entry, reason: reason, name: name)
        case .retryLater(let reason, isRoute: true), .routeBroken(let reason):
            await retryRoute(entry, reason: reason, name: name)
        case .giveUp(let reason, let isTooLarge):
            queue.remove(entry.id)
            queue.routeSucceeded()
            await giveUp(entry, reason: reason, name: name)
            let limit = announcedOctetsMax
            report(entry, isTooLarge ? .tooLarge(octetsMax: limit) : .gaveUp(reason: reason))
        }
    }

    /// Only after the remote 250.
    private func finish(_ entry: SendQueue.Entry, name: String) async {
        do throws(FileError) {
            if try await mailRoot.finish(.queue, entry.id) { post(.archived, entry, name: name) }
        } catch {
            trouble(error, entry.id)
        }
    }

    private func expire(_ entry: SendQueue.Entry) async {
        queue.remove(entry.id)
        do throws(FileError) {
            try await mailRoot.discard(.queue, entry.id)
        } catch {
            trouble(error, entry.id)
        }
        post(.gaveUp(reason: "expired at \(entry.mail.expires)"), entry)
        report(entry, .expired)
    }

    private func giveUp(_ entry: SendQueue.Entry, reason: String, name: String) async {
        let verdict = MailReason(
            code: "undeliverable",
            sentence: "\(name) does not take it: \(reason)",
            time: context.now()
        )
        do throws(FileError) {
            try await mailRoot.refuse(.queue, entry.id, reason: verdict)
        } catch {
            trouble(error, entry.id)
        }
        post(.gaveUp(reason: reason), entry, name: name)
    }

    private func retry(_ entry: SendQueue.Entry, reason: String, name: String? = nil) async {
        let seconds = settings.retry.seconds(afterAttempts: entry.mail.attempts + 1, spread: spread)
        let mail = queue.postpone(
            entry.id,
            until: .now + .seconds(seconds),
            at: due(in: seconds),
            reply: reason
        )
        await note(mail, entry, seconds: seconds, reason: reason, isRoute: false, name: name)
    }

    private func retryRoute(_ entry: SendQueue.Entry, reason: String, name: String?) async {
        let seconds = settings.retry.seconds(afterAttempts: queue.routeAttempts + 1, spread: spread)
        let mail = queue.postponeRoute(
            until: .now + .seconds(seconds),
            at: due(in: seconds),
            reply: reason
        )
        await note(mail, entry, seconds: seconds, reason: reason, isRoute: true, name: name)
    }

    private func note(
        _ mail: QueuedMail?,
        _ entry: SendQueue.Entry,
        seconds: Double,
        reason: String,
        isRoute: Bool,
        name: String?
    ) async {
        post(
            .retry(
                attempt: mail?.attempts ?? entry.mail.attempts + 1,
                nextSeconds: seconds,
                reason: reason,
                isRoute: isRoute
            ),
            entry,
            name: name
        )
        guard let mail else { return }
        // Only what lists show hangs on it.
        try? await mailRoot.updateQueued(entry.id, mail)
    }

    // MARK: - Telling

    private var spread: Double { Double(context.randomGUID().low & 0xffff) / 65_535 }

    private func due(in seconds: Double) -> Timestamp {
        context.now().adding(seconds: Int64(seconds.rounded(.up)))
    }

    private func post(_ kind: MailEvent.Kind, _ entry: SendQueue.Entry, name: String? = nil) {
        context.events(
            MailEvent(
                kind,
                fileID: entry.id,
                partner: partner,
                partnerName: name ?? entry.mail.partnerName
            )
        )
    }

    private func report(_ entry: SendQueue.Entry, _ outcome: DeliveryReport.Outcome) {
        report(
            DeliveryReport(
                fileID: entry.id,
                messageID: entry.mail.messageID,
                partner: partner,
                outcome: outcome
            )
        )
    }

    private func trouble(_ error: FileError, _ id: String) {
        log.error("queued mail could not be moved", metadata: ["file": "\(id)", "error": "\(error)"])
        context.events(MailEvent(.storageTrouble(reason: error.description), fileID: id, partner: partner))
    }
}

extension Duration {
    var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
