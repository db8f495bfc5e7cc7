import AdminAPI
import DirectoryModel
package import Identifiers
package import InterSiteMessaging
package import Logging
package import Replication
package import Store

/// One direction of replication: a naming context pulled from one partner.
package struct ReplicationLink: Hashable, Sendable {
    package let namingContext: GUID
    package let partner: GUID

    package init(namingContext: GUID, partner: GUID) {
        (self.namingContext, self.partner) = (namingContext, partner)
    }
}

/// What the agent remembers of a link since the start; what must survive a restart is in `Destination`.
package struct LinkStatus: Sendable {
    package var lastAttempt: Timestamp?
    /// 0 = fine, 8477 = a request is on its way, else the failure's code.
    package var result = 0
    package var text = ""
    package var consecutiveFailures = 0
}

/// Carries out replication: asks partners for changes, answers them, applies what arrives.
///
/// Decisions are the pure machines' (`Destination`, `SourceCycle`); this actor reads clocks, loads and saves
/// through the store, and mails through the ISM.
package actor ReplicationAgent {
    /// The service's name at the ISM.
    package static let service = "replication"
    /// Parts joined into one transaction.
    package static let partsPerTransactionMax = 64

    let store: DirectoryStore
    let messaging: InterSiteMessagingService
    let partners: PartnerDirectory
    let generation: GenerationFile
    let events: EventHub
    let settings: ReplicationSettings
    let log: Logger
    let now: @Sendable () -> Timestamp
    let randomGUID: @Sendable () -> GUID
    let taskExecutor: (any TaskExecutor)?

    var nextAttempt: [ReplicationLink: Timestamp] = [:]
    var status: [ReplicationLink: LinkStatus] = [:]
    /// When partners last asked; in memory only.
    var lastRequest: [ReplicationLink: Timestamp] = [:]
    var pokesDue: [ReplicationLink: Timestamp] = [:]
    var ledger = SourceLedger()
    var nextCollection: Timestamp?
    /// When partners were last told why they get no answer.
    var toldErrors: [ReplicationLink: [ReplicationErrorCode: Timestamp]] = [:]
    var waitingParts: [WaitingPart] = []
    var isApplying = false
    /// By request id; from the sending of a forced request until nobody waits for it any more.
    var awaited: [GUID: AwaitedAnswer] = [:]
    /// Links whose newest request is in the database but was never mailed: the next attempt makes a new one.
    var unsent: Set<ReplicationLink> = []
    var rollback = RollbackMemory()
    /// Takes away the mails of held parts, by their copy keys.
    var dropHeldCopies: (@Sendable ([String]) async -> Void)?
    /// Of partial replicas: the attributes being added, as they were last told.
    var additions: [GUID: [OID]] = [:]
    /// The schema may say another partial attribute set than the cursors of the last look.
    var mayHaveAdditions = true
    private(set) var isStopped = false
    private var isViewStale = false
    private var timer: Task<Void, Never>?
    private let wakeups: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    package init(
        store: DirectoryStore,
        messaging: InterSiteMessagingService,
        partners: PartnerDirectory,
        generation: GenerationFile,
        events: EventHub,
        settings: ReplicationSettings,
        log: Logger,
        now: @escaping @Sendable () -> Timestamp,
        randomGUID: @escaping @Sendable () -> GUID,
        taskExecutor: (any TaskExecutor)? = nil
    ) {
        self.store = store
        self.messaging = messaging
        self.partners = partners
        self.generation = generation
        self.events = events
        self.settings = settings
        self.log = log
        self.now = now
        self.randomGUID = randomGUID
        self.taskExecutor = taskExecutor
        (wakeups, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Runs until its task is cancelled.
    package func run() async {
        wake.yield()
        for await _ in wakeups {
            if Task.isCancelled { break }
            await step()
            armTimer()
        }
        timer?.cancel()
        isStopped = true
        for id in awaited.keys { conclude(id, isApplied: false) }
        awaited = [:]
    }

    package func stop() { wake.finish() }

    /// The ISM's handler: returns only after the message's effect is on disk.
    package func receive(_ message: ReceivedMessage) async throws {
        let decoded: ReplicationMessage
        do {
            decoded = try ReplicationCodec.decode(message.payload)
        } catch {
            post(
                "refused",
                partner: message.sender,
                text: "message \(message.id) cannot be decoded: \(error)"
            )
            throw MessageRefused("\(error)", code: "undecodable")
        }
        guard decoded.header.dsaGUID == message.sender else {
            throw MessageRefused(
                "it names DSA \(decoded.header.dsaGUID) as its sender, but \(message.sender) signed it",
                code: "wrong-sender"
            )
        }
        noteClock(of: message)
        try await guardReplicates(decoded)
        try await examine(decoded, message)
        switch decoded {
        case .request(let request): try await answer(request, to: message)
        case .reply(let part): try await receive(part, from: message)
        case .poke(let poke): try await receive(poke)
        case .error(let error): try await receive(error)
        }
        wake.yield()
    }

    /// After an originating write: partners that pull this NC are told soon.
    package func changed(_ namingContext: GUID, from source: GUID? = nil) {
        let due = now().adding(seconds: Int64(settings.notifyDelaySeconds))
        for partner in partners.current.destinations(of: namingContext) where partner != source {
            let link = ReplicationLink(namingContext: namingContext, partner: partner)
            if pokesDue[link] == nil { pokesDue[link] = due }
        }
        wake.yield()
    }

    /// The configuration changed, or the process started: links come and go.
    package func topologyChanged() {
        let links = Set(partners.current.links)
        nextAttempt = nextAttempt.filter { links.contains($0.key) }
        status = status.filter { links.contains($0.key) }
        unsent.formIntersection(links)
        mayHaveAdditions = true
        // What could not be mailed may be possible now: a certificate or a route came.
        for link in links where nextAttempt[link] == nil || unsent.contains(link) {
            nextAttempt[link] = now()
        }
        wake.yield()
    }

    package func statuses() -> [ReplicationLink: LinkStatus] { status }
    package func lastRequests() -> [ReplicationLink: Timestamp] { lastRequest }

    /// A mail to that partner was given up: no answer to it can come.
    package func deliveryFailed(to partner: GUID, reason: String) {
        for link in partners.current.links where link.partner == partner {
            failed(link, code: 5, "mail to the partner is not delivered: \(reason)")
        }
    }

    // MARK: - The schedule

    /// Does whatever is due now, once; `run` calls it, and so does whoever drives a DSA by another clock.
    package func step() async {
        if isViewStale { await reloadView() }
        if mayHaveAdditions { await followAdditions() }
        await watchLives()
        guard !rollback.isHalted else { return }
        let time = now()
        let due = nextAttempt.filter { isDue($0.value, at: time, delaySeconds: settings.intervalSeconds) }
            .keys
        for link in due.sorted(by: partners.current.comesFirst) where nextAttempt[link] != nil {
            nextAttempt[link] = time.adding(seconds: Int64(settings.intervalSeconds))
            do {
                _ = try await request(link, isForced: false)
            } catch {
                failed(link, code: 1, "the request was not sent: \(error)")
            }
        }
        let pokes = pokesDue.filter { isDue($0.value, at: time, delaySeconds: settings.notifyDelaySeconds) }
            .keys
        for link in pokes.sorted(by: partners.current.comesFirst) {
            pokesDue[link] = nil
            await poke(link)
        }
        await collectIfDue(at: time)
    }

    /// When `step` has something to do next: a time at or before now says at once, nil says never.
    package var nextDue: Timestamp? {
        if isViewStale || mayHaveAdditions { return now() }
        let times = Array(nextAttempt.values) + Array(pokesDue.values) + [nextCollection].compactMap { $0 }
        return times.min()
    }

    /// A time further ahead than anything is planned was written before the clock was set back.
    private func isDue(_ when: Timestamp, at time: Timestamp, delaySeconds: Int) -> Bool {
        when <= time || when > time.adding(seconds: Int64(delaySeconds))
    }

    /// Reads the configuration again; what fails is tried at the next step.
    func reloadView() async {
        do {
            try await partners.reload()
            isViewStale = false
        } catch {
            isViewStale = true
            log.error("the configuration cannot be read from the directory: \(error)")
        }
    }

    private func armTimer() {
        timer?.cancel()
        guard let next = nextDue else { return }
        let seconds = max(1, min(next.seconds - now().seconds, Int64(settings.intervalSeconds)))
        let wake = wake
        timer = Task {
            try? await Task.sleep(for: .seconds(seconds))
            if !Task.isCancelled { wake.yield() }
        }
    }

    func scheduleSoon(_ link: ReplicationLink) {
        nextAttempt[link] = now()
        wake.yield()
    }

    func failed(_ link: ReplicationLink, code: Int, _ text: String) {
        // A member may name any naming context: only real links leave something in memory.
        if partners.current.links.contains(link) {
            status[link, default: LinkStatus()].result = code
            status[link, default: LinkStatus()].text = text
            status[link, default: LinkStatus()].consecutiveFailures += 1
        }
        post("failed", partner: link.partner, namingContext: link.namingContext, text: text)
        log.warning("\(text)", metadata: ["partner": "\(partners.current.name(of: link.partner))"])
    }

    func post(
        _ kind: String,
        partner: GUID,
        namingContext: GUID? = nil,
        text: String,
        fields: [String: String] = [:]
    ) {
        let view = partners.current
        events.post(
            EventReply(
                time: now(),
                kind: kind,
                partner: view.name(of: partner),
                namingContext: namingContext.map { view.contextName($0) },
                text: text,
                fields: fields
            )
        )
    }
}

/// How often to ask and how long to wait; from the configuration.
package struct ReplicationSettings: Sendable {
    package var intervalSeconds = 900
    package var notifyDelaySeconds = 15
    /// How often tombstones are looked at.
    package var collectionIntervalSeconds = 3_600
    package var limits = PartLimits(credit: ReplicationLimits.creditParts)
    package var timing = RequestTiming(resendFloorSeconds: 60)

    package init() {}
}
