import DirectoryModel
import Identifiers

@testable import Replication

/// What is planted in a world of growing attribute sets to see that the oracle finds it.
enum GrowthMutant: CaseIterable {
    /// What was received before an addition still counts.
    case keepsReceived
    /// Answers to requests made before an addition still count.
    case keepsRequests
    /// One vector for all attributes.
    case hasOneVector
    /// The added attributes join with the first vector that is adopted.
    case joinsAtFirstAdoption
    /// A further addition goes on with the second vector of the one before.
    case goesOnGrowing
    /// What was removed is taken for complete when it is added again.
    case remembersRemoved
    /// The request names the set of before the addition: the view of the schema is older than the database.
    case asksWithAnOldSet
    /// A partial source sends what it has, complete or not.
    case servesIncomplete
}

/// Full replicas that write, and partial ones whose attribute sets grow and shrink at random, over a network that
/// loses, repeats, delays and reorders.
struct GrowthWorld {
    struct Statistics {
        var growths = 0
        var shrinks = 0
        var restarts = 0
        var joins = 0
        var adoptions = 0
        var dataOnly = 0
        var fromPartial = 0
    }

    private static let objectGUIDs: [GUID] = (0..<5).map { .number(100 + $0) }
    private static let always: Set<OID> = [.name, .objectClass, .isDeleted]
    private static let optional: [OID] = [.description, .title, .member, .sn, .cn]

    let seed: Int
    let mutant: GrowthMutant?
    private(set) var statistics = Statistics()
    private var random: WorldRandom
    private var now = Timestamp(seconds: 1_000_000)
    private var replicas: [WorldReplica] = []
    private var ledgers: [SourceLedger]
    private var written: [WrittenChange] = []
    private var wire: [(message: ReplicationMessage, to: Int)] = []
    /// Every set that was ever asked for, by digest.
    private var sets: [[UInt8]: Set<OID>] = [:]
    /// Of a partial replica the set of before its newest addition.
    private var oldSets: [Int: [OID]] = [:]
    private let fullCount: Int
    private var loss: Double
    private let limits: PartLimits
    private let timing = RequestTiming(resendFloorSeconds: 120, requestLifetimeSeconds: 100_000)
    private let skipSeconds: Int64
    private var codecFailures = 0

    init(seed: Int, mutant: GrowthMutant? = nil) {
        self.seed = seed
        self.mutant = mutant
        var random = WorldRandom(seed: seed &+ 77_000)
        fullCount = random.int(1...3)
        let count = fullCount + random.int(1...2)
        loss = Double.random(in: 0...0.4, using: &random)
        limits = PartLimits(objectsMax: random.int(1...4), credit: random.int(1...6))
        skipSeconds = Int64(random.int(0...200))
        ledgers = Array(repeating: SourceLedger(), count: count)
        for index in 0..<count {
            let isPartial = index >= fullCount
            var destination = Destination(namingContext: .number(99), isPartial: isPartial)
            if isPartial {
                _ = destination.takePartialSet(Array(Self.always) + [.description])
            } else {
                destination.markCreatedHere()
            }
            replicas.append(
                WorldReplica(
                    dsaGUID: .number(index + 1),
                    invocationID: random.guid(),
                    destination: destination
                )
            )
        }
        self.random = random
    }

    /// - Returns: what the oracle found; nil when all is well.
    mutating func run(steps: Int = 220) -> String? {
        for _ in 0..<steps {
            now = now.adding(seconds: Int64(random.int(0...20)))
            if let finding = step() { return "seed \(seed): \(finding)" }
        }
        return heal().map { "seed \(seed): \($0)" }
    }

    private mutating func step() -> String? {
        let roll = Double.random(in: 0..<1, using: &random)
        let index = random.int(0...(replicas.count - 1))
        if roll < 0.3 {
            write(at: random.int(0...(fullCount - 1)))
        } else if roll < 0.5 {
            ask(by: index, (index + random.int(1...(replicas.count - 1))) % replicas.count)
        } else if roll < 0.54 {
            changeSet(of: random.int(fullCount...(replicas.count - 1)))
        } else if roll < 0.6 {
            for request in replicas[index].destination.requestsToResend(at: now, timing: timing) {
                let asked = replicas[index].destination.requests.first { $0.requestID == request.requestID }
                if let source = replicas.firstIndex(where: { $0.dsaGUID == asked?.sourceDSA }) {
                    post(.request(request), to: source)
                }
            }
        } else if roll < 0.62 {
            ledgers[index] = SourceLedger()
            guard let stored = try? Destination(encoded: replicas[index].destination.encoded()),
                stored == replicas[index].destination
            else { return "a destination did not survive its database" }
        } else if !wire.isEmpty {
            return deliver(wire.remove(at: random.int(0...(wire.count - 1))))
        }
        return nil
    }

    private mutating func write(at index: Int) {
        let object = Self.objectGUIDs.randomElement(using: &random) ?? .zero
        let attribute = ([.name] + Self.optional).randomElement(using: &random) ?? .name
        let item: WorldReplica.Item
        var values: [[UInt8]] = []
        if attribute == .member {
            item = .link(object, Self.objectGUIDs.randomElement(using: &random) ?? .zero)
            if random.chance(0.6) { values = [[1]] }
        } else {
            item = .attribute(object, attribute)
            if random.chance(0.8) { values = [[UInt8(random.int(0...255))]] }
        }
        let time = now.adding(seconds: Int64(random.int(-30...30)))
        written.append(replicas[index].write(item, values: values, at: time))
    }

    // MARK: The set

    private mutating func changeSet(of index: Int) {
        let before = replicas[index].destination
        guard let old = before.partialSet else { return }
        var set = Set(old.attributes)
        for attribute in Self.optional where random.chance(0.3) {
            if set.remove(attribute) == nil { set.insert(attribute) }
        }
        let change = replicas[index].destination.takePartialSet(set.sorted())
        guard !change.isEmpty else { return }
        purge(change.removed, at: index)
        if !change.removed.isEmpty { statistics.shrinks += 1 }
        guard !change.added.isEmpty else { return }
        statistics.growths += 1
        if !old.added.isEmpty { statistics.restarts += 1 }
        oldSets[index] = old.attributes
        plant(change, over: before, at: index)
    }

    private mutating func purge(_ removed: [OID], at index: Int) {
        for item in replicas[index].items.keys where removed.contains(Self.attribute(of: item)) {
            replicas[index].items[item] = nil
        }
    }

    private static func attribute(of item: WorldReplica.Item) -> OID {
        switch item {
        case .attribute(_, let attribute): attribute
        case .link: .member
        }
    }

    private mutating func plant(_ change: PartialSetChange, over before: Destination, at index: Int) {
        switch mutant {
        case .keepsReceived: replicas[index].destination.cursors = before.cursors
        case .keepsRequests: replicas[index].destination.requests = before.requests
        case .hasOneVector: replicas[index].destination.partialSet?.added = []
        case .goesOnGrowing:
            replicas[index].destination.partialSet?.addedVector = before.partialSet?.addedVector ?? .init()
        case .remembersRemoved:
            let known = Set(written.map { Self.attribute(of: $0.item) })
            if !change.removed.isEmpty || statistics.shrinks > 0 {
                replicas[index].destination.partialSet?.added.removeAll { known.contains($0) }
            }
        case nil, .joinsAtFirstAdoption, .asksWithAnOldSet, .servesIncomplete: break
        }
    }

    private mutating func kind(of index: Int) -> ReplicaKind {
        guard let set = replicas[index].destination.partialSet else { return .full }
        var attributes = set.attributes
        if mutant == .asksWithAnOldSet, let old = oldSets[index], random.chance(0.5) { attributes = old }
        var digest = [UInt8](repeating: 0, count: 16)
        digest[0] = 1
        for (bit, attribute) in Self.optional.enumerated() where attributes.contains(attribute) {
            digest[1] |= 1 << UInt8(bit)
        }
        sets[digest] = Set(attributes)
        return .partial(digest: digest)
    }

    // MARK: The exchange

    private mutating func ask(by index: Int, _ source: Int) {
        let dsaGUID = replicas[source].dsaGUID
        // Full replicas pull from full ones.
        guard index >= fullCount || source < fullCount, replicas[index].destination.mayAsk(dsaGUID) else {
            return
        }
        // A partial source may never have what a joining replica waits for.
        if source >= fullCount,
            !(replicas[source].destination.hasJoined && replicas[index].destination.hasJoined)
        {
            return
        }
        let request = replicas[index].destination.makeRequest(
            to: dsaGUID,
            id: random.guid(),
            header: replicas[index].header,
            kind: kind(of: index),
            limits: limits,
            timing: timing,
            at: now,
            ownUSN: replicas[index].usn
        )
        post(.request(request), to: source)
    }

    private mutating func post(_ message: ReplicationMessage, to index: Int) {
        guard let read = try? ReplicationCodec.decode(ReplicationCodec.encode(message)) else {
            codecFailures += 1
            return
        }
        if !random.chance(loss) { wire.append((read, index)) }
        if random.chance(0.1) { wire.append((read, index)) }
    }

    private mutating func deliver(_ envelope: (message: ReplicationMessage, to: Int)) -> String? {
        let index = envelope.to
        let sender = replicas.firstIndex { $0.dsaGUID == envelope.message.header.dsaGUID } ?? index
        switch envelope.message {
        case .request(let request):
            guard let skip = ledgers[index].accept(request, at: now, skipSeconds: skipSeconds) else {
                return nil
            }
            var set: Set<OID>?
            if case .partial(let digest) = request.replica { set = sets[digest] }
            var complete = replicas[index].destination.partialSet?.complete
            if mutant == .servesIncomplete { complete = nil }
            for part in replicas[index].answer(request, skip: skip, at: now, cutting: set, complete: complete)
            {
                ledgers[index].note(part, for: request, at: now)
                post(.reply(part), to: sender)
            }
            return nil
        case .reply(let part): return receive(part, at: index, from: sender)
        case .poke, .error: return nil
        }
    }

    private mutating func receive(_ part: ChangesReply, at index: Int, from sender: Int) -> String? {
        let claim = PartClaim(
            part,
            ownInvocationID: replicas[index].invocationID,
            ownUSN: replicas[index].usn
        )
        switch replicas[index].destination.judge(claim, at: now) {
        case .apply(let movesCursors):
            if !movesCursors { statistics.dataOnly += 1 }
            let kept = replicas[index].destination.partialSet.map { Set($0.attributes) }
            replicas[index].apply(part, keeping: kept)
        case .duplicate: break
        case .refused(.joinsFromAnother), .stale: return nil
        case .held(let reason): return "a healthy part was held: \(reason)"
        case .refused(let reason): return "a healthy part was refused: \(reason)"
        }
        let wasGrowing = !(replicas[index].destination.partialSet?.added.isEmpty ?? true)
        let result = replicas[index].destination.commit(claim, at: now)
        if result.adopted {
            statistics.adoptions += 1
            if sender >= fullCount { statistics.fromPartial += 1 }
            if mutant == .joinsAtFirstAdoption { replicas[index].destination.partialSet?.added = [] }
            let isGrowing = !(replicas[index].destination.partialSet?.added.isEmpty ?? true)
            if wasGrowing, !isGrowing { statistics.joins += 1 }
        }
        if result.wantsRequest { ask(by: index, sender) }
        return unsoundClaim(of: replicas[index])
    }

    // MARK: The oracle

    private func unsoundClaim(of replica: WorldReplica) -> String? {
        let main = replica.vector(at: now)
        let set = replica.destination.partialSet
        for change in written {
            let attribute = Self.attribute(of: change.item)
            guard set?.attributes.contains(attribute) ?? true else { continue }
            let isAdded = set?.added.contains(attribute) ?? false
            let vector = isAdded ? set?.addedVector ?? .init() : main
            guard vector.covers(change.invocationID, change.usn) else { continue }
            guard let held = replica.items[change.item], held.stamp >= change.stamp else {
                return "\(replica.dsaGUID) claims \(change.usn) and lacks \(change.item)"
            }
        }
        return nil
    }

    /// Exchanges until no vector changes; then every replica has the same of what it keeps.
    private mutating func heal() -> String? {
        if codecFailures > 0 { return "\(codecFailures) messages did not survive the codec" }
        wire.removeAll()
        loss = 0
        for _ in 0..<(2 * replicas.count + 6) {
            now = now.adding(seconds: 1000)
            for index in replicas.indices {
                for source in 0..<fullCount where source != index {
                    ask(by: index, source)
                    while !wire.isEmpty {
                        if let finding = deliver(wire.removeFirst()) { return finding }
                    }
                }
            }
        }
        return isEqualAfterHealing()
    }

    private func isEqualAfterHealing() -> String? {
        for replica in replicas.dropFirst() {
            let set = replica.destination.partialSet
            if set?.added.isEmpty == false { return "an addition never ended" }
            let wanted = replicas[0].items.filter {
                set?.attributes.contains(Self.attribute(of: $0.key)) ?? true
            }
            if replica.items != wanted { return "stamped state diverged" }
        }
        return nil
    }
}
