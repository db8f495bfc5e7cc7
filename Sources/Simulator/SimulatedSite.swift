import DirectoryModel
package import DomainController
package import Identifiers
import InterSiteMessaging
import Logging
import PKI
import Replication
import SecureMail
package import Store
import Synchronization

/// The machine of one simulated DSA: what survives its crashes, and the program that runs on it now.
package final class SimulatedSite {
    /// A mail in the site's drop.
    struct DroppedMail {
        var mail: SimulatedMail
        /// When it is read next; nil while it waits for a person's decision.
        var due: Timestamp?
        var attempts = 0
        var holdCode: String?
        /// Of mails with the same one only the newest is held.
        var copyKey: String?
    }

    struct MessageKey: Hashable {
        let message: GUID
        let sender: GUID
    }

    /// One run of the program.
    struct Incarnation {
        let dsa: DirectorySystemAgent
        let transport: SimulatedTransport
    }

    /// A copy of all that was on the machine; what had left it is no part of it.
    struct Backup {
        let database: MemoryDatabase
        let disk: FaultyFileSystem
        let queue: [SimulatedMail]
        let drop: [DroppedMail]
        let committed: Set<MessageKey>
        /// Mails that the world had queued by then.
        let mails: Int
    }

    /// A second machine under the same addresses, off the net; its program stands still.
    struct Unplugged {
        let database: MemoryDatabase
        let disk: FaultyFileSystem
        let seams: SeamBudget
        let queue: [SimulatedMail]
        let drop: [DroppedMail]
        let committed: Set<MessageKey>
        let running: Incarnation?
        let nextStep: Timestamp?
        let restartAt: Timestamp?
        let journaledUSN: USN?
    }

    package let index: Int
    /// `d0`, `d1`, ...
    package var name: String { "d\(index)" }
    package let dsaGUID: GUID
    package internal(set) var database: MemoryDatabase
    package internal(set) var disk: FaultyFileSystem
    package internal(set) var seams: SeamBudget
    let clock: SiteClock
    let guids: GUIDSource
    var running: Incarnation?
    var drop: [DroppedMail] = []
    var committed: Set<MessageKey> = []
    var backup: Backup?
    var unplugged: Unplugged?
    /// Up to here the journal has what the database wrote by itself; nil until it is put back for the first time.
    var journaledUSN: USN?
    /// In world time; nil while nothing is due.
    var nextStep: Timestamp?
    /// When a crashed machine starts again by itself.
    var restartAt: Timestamp?
    let membershipChanged = Flag()
    /// Keys of held copies that are of no use any more.
    let settledCopies = KeyBox()
    /// Which fragments wait, and their mails; both survive a crash, as files do.
    var fragments = FragmentSets()
    var fragmentMails: [String: SimulatedMail] = [:]
    /// Ends of resyncs that the journal knows, in this run of the program.
    var sweepsSeen = 0
    /// Per naming context and originator: up to here the first oracle has looked.
    var covered: [GUID: [GUID: USN]] = [:]
    /// Of partial replicas: the attributes that `covered` is about.
    var coveredAttributes: [GUID: Set<OID>] = [:]

    /// The running program; nil while the site is down.
    package var dsa: DirectorySystemAgent? { running?.dsa }
    package var isUp: Bool { running != nil }

    init(
        index: Int,
        dsaGUID: GUID,
        database: MemoryDatabase,
        disk: FaultyFileSystem?,
        clock: SimulatedClock,
        guids: GUIDSource
    ) {
        self.index = index
        self.dsaGUID = dsaGUID
        self.database = database
        let seams = SeamBudget()
        self.seams = seams
        self.clock = SiteClock(clock)
        self.guids = guids
        self.disk =
            disk?.copy(gate: { seams.pass() })
            ?? FaultyFileSystem(modified: SimulatedClock.start, gate: { seams.pass() })
        observeCommits()
    }

    func observeCommits() {
        database.observeCommits(
            willCommit: { [seams] in guard seams.pass() else { throw MachineDied() } },
            didCommit: { [seams] in _ = seams.pass() }
        )
    }

    /// Starts the program on what the machine holds.
    ///
    /// - Throws: what the program's start throws; `MachineDied` when the machine did.
    func start(
        network: SimulatedNetwork,
        siteOf: [GUID: Int],
        settings: ReplicationSettings,
        mailOctetsMax: Int,
        executor: (any TaskExecutor)?
    ) async throws {
        let store = try DirectoryStore(database, sha256: Digest.sha256)
        let (clock, guids) = (clock, guids)
        let dsa = try await DirectorySystemAgent(
            store: store,
            directory: DataDirectory("/\(name)", files: disk),
            routes: [],
            settings: settings,
            surroundings: DSASurroundings(
                now: { clock.now },
                randomGUID: { guids.next() },
                log: Self.silence,
                taskExecutor: executor
            )
        )
        let partners = dsa.partners
        let transport = SimulatedTransport(
            site: index,
            siteOf: siteOf,
            network: network,
            protection: SimulatedProtection(),
            seams: seams,
            mailOctetsMax: mailOctetsMax,
            context: TransportContext(
                membership: { partners.membership },
                partner: { try partners.route(to: $0, at: clock.now) },
                ownAddress: partners.current.own.mailAddress,
                hostName: name,
                now: { clock.now },
                randomGUID: { guids.next() },
                events: { _ in }
            )
        )
        let membershipChanged = membershipChanged
        await dsa.connect(transport) { membershipChanged.raise() }
        let settledCopies = settledCopies
        await dsa.agent.whenHoldsSettle { settledCopies.add($0) }
        try await dsa.messaging.start()
        guard !seams.isDead else { throw MachineDied() }
        running = Incarnation(dsa: dsa, transport: transport)
        sweepsSeen = 0
        await dsa.agent.topologyChanged()
    }

    private static let silence: Logger = {
        var log = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        log.logLevel = .critical
        return log
    }()
}

/// Something that happened and was not looked at yet.
final class Flag: Sendable {
    private let isRaised = Mutex(false)

    func raise() { isRaised.withLock { $0 = true } }

    func take() -> Bool {
        isRaised.withLock { isRaised in
            defer { isRaised = false }
            return isRaised
        }
    }
}

/// Keys that were named and not looked at yet.
final class KeyBox: Sendable {
    private let keys = Mutex(Set<String>())

    func add(_ new: [String]) { keys.withLock { $0.formUnion(new) } }

    func take() -> Set<String> {
        keys.withLock { keys in
            defer { keys = [] }
            return keys
        }
    }
}

/// The time of a simulated world.
final class SimulatedClock: Sendable {
    /// 2026-01-01T00:00:00Z.
    static let start = Timestamp(seconds: 1_767_225_600)

    private let time: Mutex<Timestamp>

    init(_ time: Timestamp) { self.time = Mutex(time) }

    var now: Timestamp {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }
}

/// The clock of one site: the world's, and how far it is wrong.
final class SiteClock: Sendable {
    private let world: SimulatedClock
    private let skew = Mutex<Int64>(0)

    init(_ world: SimulatedClock) { self.world = world }

    var skewSeconds: Int64 {
        get { skew.withLock { $0 } }
        set { skew.withLock { $0 = newValue } }
    }

    var now: Timestamp { world.now.adding(seconds: skewSeconds) }
}
