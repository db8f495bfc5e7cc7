import DirectoryModel
import DomainController
import Identifiers
import PKI
import Replication
import Store

/// How one destination pulls a large naming context over slow and lossy mail.
package struct LongPullSettings: Sendable {
    package var objects = 100_000
    /// A request and its answer, with the relays on the way.
    package var roundTripSeconds = 600
    /// Of every mail, in either direction.
    package var lossPercent = 5
    /// How far a mail may be quicker or slower than the half of a round trip.
    package var jitterPercent = 20

    package init() {}
}

/// What one seed came to.
package struct LongPullResult: Sendable {
    /// From the first request until the source's vector was adopted.
    package var seconds: Int64
    package var requests: Int
    package var parts: Int
    package var lost: Int
    package var duplicates: Int
}

/// The source of a long pull, and the pulls from it.
///
/// Production code: the objects, their sizes and USNs (`DirectoryStore`), how parts are cut (`SourceCycle`), what the
/// source skips (`SourceLedger`), and everything that the destination decides (`Destination`). When to ask follows
/// `ReplicationAgent.step` with its own defaults. Made up: mail, which is a delay and a chance of loss. The data of a
/// part is not applied to a second store: the destination has cursors only, and applying takes no time.
package struct LongPull: Sendable {
    /// A pull that has not ended by then never will.
    static let secondsMax: Int64 = 30 * 86_400

    let settings: LongPullSettings
    private let items: [SnapshotItem]
    private let asOf: USN
    private let vector: UpToDatenessVector
    private let source: ReplicaIdentity
    private let schedule = ReplicationSettings()

    private static let start = SimulatedClock.start
    private static let context = GUID(high: 0x6c6f_6e67, low: 1)

    /// Writes the objects into a store, as originating writes, and reads them once in the order of their USNs.
    package init(_ settings: LongPullSettings) async throws {
        self.settings = settings
        source = ReplicaIdentity(
            dsaGUID: GUID(high: 0x6c6f_6e67, low: 2),
            invocationID: GUID(high: 0x6c6f_6e67, low: 3)
        )
        let store = try await Self.store(objects: settings.objects, of: source)
        (items, asOf, vector) = try await store.snapshot { snapshot in
            let asOf = try snapshot.highestUSN()
            var items: [SnapshotItem] = []
            try snapshot.changes(of: Self.context, in: USNInterval(from: .zero, to: asOf)) { item in
                if case .object(let object) = item {
                    let newer = try snapshot.ancestors(of: object.objectGUID, newerThan: object.usn)
                    guard newer.isEmpty else { throw SimulationError("a parent is newer than its child") }
                }
                items.append(item)
                return true
            }
            return (items, asOf, try snapshot.vector(of: Self.context, at: Self.start))
        }
    }

    private static func store(objects: Int, of identity: ReplicaIdentity) async throws -> DirectoryStore {
        let store = try DirectoryStore(MemoryDatabase(), sha256: Digest.sha256)
        let naming = WellKnownNames()
        let base = "DC=long,DC=example"
        let guids = GUIDSource(SimulationRandom(seed: 0x6c6f_6e67))
        try store.setIdentity(dsaGUID: identity.dsaGUID, invocationID: identity.invocationID)
        try await store.createNamingContext(
            NamingContext(
                guid: context,
                dn: try DistinguishedName(parsing: base, naming: naming),
                role: .domain
            ),
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["top", "domain", "domainDNS"])],
            at: start
        )
        for first in stride(from: 0, to: objects, by: 1_000) {
            let people = try (first..<min(first + 1_000, objects)).map { number in
                OriginatingOperation.add(try person(number, base, naming), objectGUID: nil)
            }
            _ = try await store.originate(people, at: start, randomGUID: { guids.next() })
        }
        return store
    }

    private static func person(_ number: Int, _ base: String, _ naming: WellKnownNames) throws -> Entry {
        let name = "Person \(number)"
        return Entry(
            dn: try DistinguishedName(parsing: "CN=\(name),\(base)", naming: naming),
            attributes: [
                ("objectClass", "inetOrgPerson"), ("sn", "\(number)"), ("givenName", "Person"),
                ("uid", "person\(number)"), ("mail", "person\(number)@long.example"),
                ("telephoneNumber", "+1 555 \(1_000_000 + number)"), ("employeeNumber", "\(number)"),
                ("title", "Officer"), ("l", "Headquarters"),
            ].map { EntryAttribute(name: $0.0, strings: [$0.1]) }
        )
    }

    // MARK: - One seed

    private enum Mail {
        case request(ChangesRequest)
        case part(ChangesReply)
        /// The destination's own timer.
        case slot
    }

    /// Until the destination has adopted the vector of the snapshot that was there at the start.
    package func run(seed: UInt64) throws -> LongPullResult {
        var pull = Pull(seed: seed, settings, self)
        try pull.ask()
        while !pull.isAdopted {
            guard let (time, mail) = pull.next(), time < Self.secondsMax else {
                throw SimulationError("seed \(seed): nothing more happens, and nothing was adopted")
            }
            switch mail {
            case .slot: try pull.slot()
            case .request(let request): answer(request, at: time, &pull)
            case .part(let part): try pull.take(part)
            }
        }
        return pull.result
    }

    private func answer(_ request: ChangesRequest, at time: Int64, _ pull: inout Pull) {
        let now = Self.start.adding(seconds: time)
        let floor = schedule.timing.resendFloorSeconds
        guard let skip = pull.ledger.accept(request, at: now, skipSeconds: floor) else { return }
        var cycle = SourceCycle(
            request: request,
            header: header(of: source),
            asOf: asOf,
            vector: vector,
            collected: [:],
            skip: skip
        )
        var parts: [ChangesReply] = []
        for range in cycle.ranges where cycle.wantsMore {
            var index = items.partitionIndex { $0.usn > range.from }
            while index < items.count, items[index].usn <= range.to, cycle.wantsMore {
                switch items[index] {
                case .object(let object): parts += cycle.offer(object)
                case .link(let link): parts += cycle.offer(link)
                }
                index += 1
            }
        }
        parts += cycle.finish()
        for var part in parts {
            pull.ledger.note(part, for: request, at: now)
            // The cursors are what is played; what the part carries was weighed when it was cut.
            (part.objects, part.links, part.attributes) = ([], [], [])
            pull.mail(.part(part))
        }
        pull.result.parts += parts.count
    }

    fileprivate func header(of identity: ReplicaIdentity) -> MessageHeader {
        MessageHeader(
            dsaGUID: identity.dsaGUID,
            invocationID: identity.invocationID,
            bootRecords: [],
            namingContext: Self.context
        )
    }

    /// One destination and the mails on their way.
    private struct Pull {
        private static let own = ReplicaIdentity(
            dsaGUID: GUID(high: 0x6c6f_6e67, low: 4),
            invocationID: GUID(high: 0x6c6f_6e67, low: 5)
        )

        var result = LongPullResult(seconds: 0, requests: 0, parts: 0, lost: 0, duplicates: 0)
        var ledger = SourceLedger()
        private let world: LongPull
        private let settings: LongPullSettings
        private var random: SimulationRandom
        private var destination = Destination(namingContext: LongPull.context, isPartial: false)
        private var now: Int64 = 0
        private var nextSlot: Int64 = 0
        private var mails: [(time: Int64, mail: Mail)] = []

        init(seed: UInt64, _ settings: LongPullSettings, _ world: LongPull) {
            (self.world, self.settings) = (world, settings)
            random = SimulationRandom(seed: seed, 0x6c6f_6e67)
        }

        var isAdopted: Bool {
            (destination.vector[world.source.invocationID]?.usn ?? .zero) >= world.asOf
        }

        private var time: Timestamp { LongPull.start.adding(seconds: now) }

        /// The earliest mail or, before it, the timer.
        mutating func next() -> (Int64, Mail)? {
            let first = mails.indices.min { mails[$0].time < mails[$1].time }
            guard let first, mails[first].time < nextSlot else {
                now = nextSlot
                return (now, .slot)
            }
            let (time, mail) = mails.remove(at: first)
            now = time
            return (time, mail)
        }

        mutating func mail(_ mail: Mail) {
            let half = settings.roundTripSeconds * 1_000 / 2
            let spread = half * settings.jitterPercent / 100
            let milliseconds = half + random.int(-spread...spread)
            guard !random.chance(percent: settings.lossPercent) else {
                result.lost += 1
                return
            }
            mails.append((now + Int64(milliseconds / 1_000), mail))
        }

        /// As `ReplicationAgent.step` does where a link is due: an open request goes again when it is overdue.
        mutating func slot() throws { try ask() }

        mutating func ask() throws {
            let timing = world.schedule.timing
            nextSlot = now + Int64(world.schedule.intervalSeconds)
            let request: ChangesRequest?
            if destination.pendingRequest(to: world.source.dsaGUID) != nil {
                request = destination.requestToResend(to: world.source.dsaGUID, at: time, timing: timing)
            } else {
                request = destination.makeRequest(
                    to: world.source.dsaGUID,
                    id: GUID.random(using: &random),
                    header: world.header(of: Self.own),
                    kind: .full,
                    limits: world.schedule.limits,
                    timing: timing,
                    at: time,
                    ownUSN: .zero
                )
            }
            guard let request else { return }
            result.requests += 1
            mail(.request(request))
        }

        mutating func take(_ part: ChangesReply) throws {
            let claim = PartClaim(part, ownInvocationID: Self.own.invocationID, ownUSN: .zero)
            switch destination.judge(claim, at: time) {
            case .apply: break
            case .duplicate: result.duplicates += 1
            case .stale:
                result.duplicates += 1
                return
            case .held, .refused:
                throw SimulationError("a part is not taken: \(destination.judge(claim, at: time))")
            }
            if destination.commit(claim, at: time).wantsRequest { try ask() }
            result.seconds = now
        }
    }
}

extension Array {
    /// The first index for which the predicate holds; it must not hold again before one where it does not.
    fileprivate func partitionIndex(where holds: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
