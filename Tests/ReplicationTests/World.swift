import DirectoryModel
import Identifiers

@testable import Replication

/// One originating write, for the oracle that sees everything.
struct WrittenChange {
    let invocationID: GUID
    let usn: USN
    let item: WorldReplica.Item
    let stamp: LinkStamp
}

/// A replica as simple as can be: stamped items in dictionaries, and the real rules.
struct WorldReplica {
    /// An attribute of an object, or one value of a linked attribute.
    enum Item: Hashable {
        case attribute(GUID, OID)
        case link(GUID, GUID)
    }

    struct Held: Hashable {
        var stamp: LinkStamp
        var values: [[UInt8]]
    }

    let dsaGUID: GUID
    var invocationID: GUID
    var usn = USN.zero
    var items: [Item: Held] = [:]
    /// Where each object and link value stands in this replica's USN space.
    var objectUSN: [GUID: USN] = [:]
    var linkUSN: [Item: USN] = [:]
    var destination: Destination

    var header: MessageHeader {
        MessageHeader(
            dsaGUID: dsaGUID,
            invocationID: invocationID,
            bootRecords: [],
            namingContext: destination.namingContext
        )
    }

    func vector(at now: Timestamp) -> UpToDatenessVector {
        destination.advertisedVector(own: invocationID, ownUSN: usn, at: now)
    }

    private mutating func touch(_ item: Item) {
        usn = usn.next
        switch item {
        case .attribute(let object, _): objectUSN[object] = usn
        case .link: linkUSN[item] = usn
        }
    }

    mutating func write(_ item: Item, values: [[UInt8]], at time: Timestamp) -> WrittenChange {
        touch(item)
        let old = items[item]?.stamp
        let stamp = Stamp.originating(over: old?.stamp, at: time, by: invocationID, usn: usn)
        let created: Timestamp
        switch item {
        case .attribute: created = .epoch
        case .link: created = old?.created ?? time
        }
        let linkStamp = LinkStamp(created: created, stamp: stamp)
        items[item] = Held(stamp: linkStamp, values: values)
        return WrittenChange(invocationID: invocationID, usn: usn, item: item, stamp: linkStamp)
    }

    /// The data of one part, by the conflict rules; one USN for each object and link value that changed.
    ///
    /// `kept` is what a partial replica keeps.
    mutating func apply(_ part: ChangesReply, keeping kept: Set<OID>? = nil) {
        for object in part.objects {
            var isChanged = false
            for attribute in object.attributes {
                let item = Item.attribute(object.objectGUID, part.attributes[attribute.attribute])
                guard kept?.contains(part.attributes[attribute.attribute]) ?? true,
                    ConflictRules.outcome(local: items[item]?.stamp.stamp, incoming: attribute.stamp)
                        == .takeIncoming
                else { continue }
                items[item] = Held(
                    stamp: LinkStamp(created: .epoch, stamp: attribute.stamp),
                    values: attribute.values
                )
                isChanged = true
            }
            if isChanged {
                usn = usn.next
                objectUSN[object.objectGUID] = usn
            }
        }
        for link in part.links where kept?.contains(part.attributes[link.attribute]) ?? true {
            let item = Item.link(link.source, link.target)
            guard ConflictRules.outcome(local: items[item]?.stamp, incoming: link.stamp) == .takeIncoming
            else { continue }
            items[item] = Held(stamp: link.stamp, values: link.isPresent ? [[1]] : [])
            touch(item)
        }
    }

    /// All parts of one answer, by the real source cycle.
    func answer(
        _ request: ChangesRequest,
        skip: ReceivedIntervals,
        at now: Timestamp,
        cutting set: Set<OID>? = nil,
        complete: Set<OID>? = nil
    ) -> [ChangesReply] {
        var cycle = SourceCycle(
            request: request,
            header: header,
            asOf: usn,
            vector: vector(at: now),
            collected: destination.collected,
            partialAttributes: set,
            complete: complete,
            skip: skip
        )
        let places =
            objectUSN.map { (usn: $0.value, item: Item.attribute($0.key, .name)) }
            + linkUSN.map { (usn: $0.value, item: $0.key) }
        let wanted = places.filter { place in
            cycle.ranges.contains { $0.from < place.usn && place.usn <= $0.to }
        }
        var parts: [ChangesReply] = []
        for place in wanted.sorted(by: { $0.usn < $1.usn }) where cycle.wantsMore {
            switch place.item {
            case .attribute(let object, _): parts += cycle.offer(snapshot(of: object, at: place.usn))
            case .link(let source, let target):
                guard let held = items[place.item] else { continue }
                parts += cycle.offer(
                    SnapshotLink(
                        usn: place.usn,
                        source: source,
                        attribute: .member,
                        target: target,
                        stamp: held.stamp,
                        isPresent: !held.values.isEmpty
                    )
                )
            }
        }
        return parts + cycle.finish()
    }

    private func snapshot(of object: GUID, at usn: USN) -> SnapshotObject {
        let attributes = items.compactMap { item, held -> SnapshotAttribute? in
            guard case .attribute(object, let attribute) = item else { return nil }
            return SnapshotAttribute(attribute: attribute, stamp: held.stamp.stamp, values: held.values)
        }
        return SnapshotObject(
            usn: usn,
            objectGUID: object,
            attributes: attributes.sorted { $0.attribute < $1.attribute }
        )
    }
}

/// What is planted in a world to see that the oracle finds it.
enum WorldMutant: CaseIterable {
    /// Merge the vector when the part marked last arrives.
    case adoptsAtTheLastPart
    /// Merge any vector as soon as (0, its asOf] is covered.
    case adoptsAnyCoveredVector
    /// Let parts of requests that are not in the table move cursors.
    case countsUnknownRequests
}

/// Replicas that write at random and exchange over a network that loses, repeats, delays and reorders.
struct World {
    struct Statistics {
        var parts = 0
        var adoptions = 0
        var dataOnly = 0
        var duplicates = 0
        var restores = 0
        var joins = 0
        var resends = 0
        var ignoredRequests = 0
        var pokes = 0
    }

    private enum Envelope {
        case message(ReplicationMessage, to: Int)
    }

    let seed: Int
    let mutant: WorldMutant?
    private(set) var statistics = Statistics()
    private(set) var replicas: [WorldReplica] = []
    private var random: WorldRandom
    private var now = Timestamp(seconds: 1_000_000)
    private var ledgers: [SourceLedger]
    private var backups: [Int: WorldReplica] = [:]
    private var written: [WrittenChange] = []
    private var wire: [Envelope] = []
    private let loss: Double
    private let repeats: Double
    private let restores: Double
    private let limits: PartLimits
    private let timing: RequestTiming
    private let skipSeconds: Int64
    private let objects: [GUID]
    private var isHealing = false
    private var codecFailures = 0

    init(seed: Int, mutant: WorldMutant? = nil) {
        self.seed = seed
        self.mutant = mutant
        var random = WorldRandom(seed: seed)
        let count = random.int(2...4)
        loss = Double.random(in: 0...0.5, using: &random)
        repeats = Double.random(in: 0...0.3, using: &random)
        restores = random.chance(0.5) ? 0.03 : 0
        limits = PartLimits(objectsMax: random.int(1...5), credit: random.int(1...8))
        timing = RequestTiming(
            resendFloorSeconds: 120,
            requestLifetimeSeconds: random.chance(0.2) ? 300 : 100_000
        )
        skipSeconds = Int64(random.int(0...200))
        objects = (0..<random.int(2...7)).map { .number(100 + $0) }
        ledgers = Array(repeating: SourceLedger(), count: count)
        let joiners = random.chance(0.3) ? 1 : 0
        for index in 0..<count {
            var destination = Destination(namingContext: .number(99), isPartial: false)
            if index < count - joiners { destination.markCreatedHere() }
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

    /// Lives for a while, then heals.
    ///
    /// - Returns: what the oracle found; nil when all is well.
    mutating func run(steps: Int = 160) -> String? {
        for _ in 0..<steps {
            now = now.adding(seconds: Int64(random.int(0...20)))
            if let finding = step() { return "seed \(seed): \(finding)" }
        }
        return heal().map { "seed \(seed): \($0)" }
    }

    private mutating func step() -> String? {
        let roll = Double.random(in: 0..<1, using: &random)
        let index = random.int(0...(replicas.count - 1))
        if roll < 0.33 {
            write(at: index)
        } else if roll < 0.50 {
            ask(by: index, partner(of: index))
        } else if roll < 0.53 {
            backups[index] = replicas[index]
        } else if roll < 0.53 + restores {
            restore(index)
        } else if roll < 0.62 {
            askAgain(by: index)
        } else if roll < 0.63 {
            // A crash: what is not in the database is gone.
            ledgers[index] = SourceLedger()
            guard let stored = try? Destination(encoded: replicas[index].destination.encoded()),
                stored == replicas[index].destination
            else { return "a destination did not survive its database" }
            replicas[index].destination = stored
        } else if !wire.isEmpty {
            return deliver(wire.remove(at: random.int(0...(wire.count - 1))))
        }
        return nil
    }

    private mutating func partner(of index: Int) -> Int {
        (index + random.int(1...(replicas.count - 1))) % replicas.count
    }

    // MARK: What replicas do

    private mutating func write(at index: Int) {
        guard replicas[index].destination.hasJoined else { return }
        let object = objects.randomElement(using: &random) ?? .zero
        let item: WorldReplica.Item
        var values: [[UInt8]] = []
        if random.chance(0.25) {
            item = .link(object, objects.randomElement(using: &random) ?? .zero)
            if random.chance(0.6) { values = [[1]] }
        } else {
            item = .attribute(object, [.name, .description, .title].randomElement(using: &random) ?? .name)
            if random.chance(0.8) { values = [[UInt8(random.int(0...255))]] }
        }
        // Slow and fast clocks.
        let time = now.adding(seconds: Int64(random.int(-30...30)))
        written.append(replicas[index].write(item, values: values, at: time))
        guard random.chance(0.3) else { return }
        statistics.pokes += 1
        let poke = Poke(header: replicas[index].header, usn: replicas[index].usn)
        post(.poke(poke), to: partner(of: index))
    }

    private mutating func ask(by index: Int, _ source: Int) {
        let dsaGUID = replicas[source].dsaGUID
        guard replicas[index].destination.mayAsk(dsaGUID) else { return }
        let request = replicas[index].destination.makeRequest(
            to: dsaGUID,
            id: random.guid(),
            header: replicas[index].header,
            kind: .full,
            limits: limits,
            timing: timing,
            at: now,
            ownUSN: replicas[index].usn
        )
        if request.isJoining { statistics.joins += 1 }
        post(.request(request), to: source)
    }

    private mutating func askAgain(by index: Int) {
        for request in replicas[index].destination.requestsToResend(at: now, timing: timing) {
            statistics.resends += 1
            let outstanding = replicas[index].destination.requests.first { $0.requestID == request.requestID }
            if let source = replicas.firstIndex(where: { $0.dsaGUID == outstanding?.sourceDSA }) {
                post(.request(request), to: source)
            }
        }
        for dsaGUID in replicas[index].destination.stalledSources(at: now, timing: timing) {
            if let source = replicas.firstIndex(where: { $0.dsaGUID == dsaGUID }) { ask(by: index, source) }
        }
    }

    /// Puts an old copy of the database back, as the restore command does it.
    private mutating func restore(_ index: Int) {
        guard var old = backups[index], old.destination.hasJoined || old.usn == .zero else { return }
        statistics.restores += 1
        let previous = old.invocationID
        old.invocationID = random.guid()
        old.destination.startNewInvocation(previous: previous, frozenAt: old.usn, at: now)
        replicas[index] = old
        backups[index] = nil
        ledgers[index] = SourceLedger()
    }

    // MARK: The network

    private mutating func post(_ sent: ReplicationMessage, to index: Int) {
        var message = sent
        if seed % 4 == 0 {
            // Through the octets, as in life.
            guard let read = try? ReplicationCodec.decode(ReplicationCodec.encode(sent)) else {
                codecFailures += 1
                return
            }
            message = read
        }
        if isHealing || !random.chance(loss) { wire.append(.message(message, to: index)) }
        if !isHealing, random.chance(repeats) { wire.append(.message(message, to: index)) }
    }

    private mutating func deliver(_ envelope: Envelope) -> String? {
        guard case .message(let message, let index) = envelope else { return nil }
        let sender = replicas.firstIndex { $0.dsaGUID == message.header.dsaGUID } ?? index
        switch message {
        case .request(let request):
            guard let skip = ledgers[index].accept(request, at: now, skipSeconds: skipSeconds) else {
                statistics.ignoredRequests += 1
                return nil
            }
            for part in replicas[index].answer(request, skip: skip, at: now) {
                ledgers[index].note(part, for: request, at: now)
                post(.reply(part), to: sender)
            }
            return nil
        case .reply(let part): return receive(part, at: index, from: sender)
        case .poke(let poke):
            if replicas[index].destination.receive(poke) { ask(by: index, sender) }
            return nil
        case .error: return nil
        }
    }

    private mutating func receive(_ part: ChangesReply, at index: Int, from sender: Int) -> String? {
        statistics.parts += 1
        let claim = PartClaim(
            part,
            ownInvocationID: replicas[index].invocationID,
            ownUSN: replicas[index].usn
        )
        if mutant == .countsUnknownRequests { replicas[index].destination.pretendToHaveAsked(part, at: now) }
        switch replicas[index].destination.judge(claim, at: now) {
        case .apply(let movesCursors):
            if !movesCursors { statistics.dataOnly += 1 }
            replicas[index].apply(part)
        case .duplicate: statistics.duplicates += 1
        case .refused(.joinsFromAnother): return nil
        case .held(let reason): return "a healthy part was held: \(reason)"
        case .refused(let reason): return "a healthy part was refused: \(reason)"
        case .stale:
            return replicas[index].destination.hasJoined ? "a healthy part was called stale" : nil
        }
        let result = commit(claim, isLast: part.isLast, at: index)
        if result.adopted { statistics.adoptions += 1 }
        if result.wantsRequest { ask(by: index, sender) }
        return unsoundClaim(of: replicas[index])
    }

    private mutating func commit(_ claim: PartClaim, isLast: Bool, at index: Int) -> CommitResult {
        switch mutant {
        case nil, .countsUnknownRequests: return replicas[index].destination.commit(claim, at: now)
        case .adoptsAtTheLastPart:
            return replicas[index].destination.commit(claim, at: now) { cursor in
                isLast ? cursor.vectors.filter { $0.asOf == claim.asOf } : []
            }
        case .adoptsAnyCoveredVector:
            return replicas[index].destination.commit(claim, at: now) { cursor in
                cursor.vectors.filter { $0.asOf <= cursor.highWatermark }
            }
        }
    }

    // MARK: The oracle

    /// A change that a replica claims to hold or to have superseded, and does not.
    private func unsoundClaim(of replica: WorldReplica) -> String? {
        let vector = replica.vector(at: now)
        for change in written where vector.covers(change.invocationID, change.usn) {
            guard let held = replica.items[change.item], held.stamp >= change.stamp else {
                return
                    "\(replica.dsaGUID) claims \(change.invocationID) \(change.usn) and lacks \(change.item)"
            }
        }
        return nil
    }

    /// Exchanges without loss until no vector changes; then everything must be equal.
    private mutating func heal() -> String? {
        isHealing = true
        if codecFailures > 0 { return "\(codecFailures) messages did not survive the codec" }
        wire.removeAll()
        for _ in 0..<(2 * replicas.count + 4) {
            now = now.adding(seconds: 1000)
            for index in replicas.indices {
                for source in replicas.indices where source != index { ask(by: index, source) }
                while !wire.isEmpty {
                    if let finding = deliver(wire.removeFirst()) { return finding }
                }
            }
        }
        for replica in replicas.dropFirst() {
            if replica.items != replicas[0].items { return "stamped state diverged" }
            let usns = [replica, replicas[0]].map { $0.vector(at: now).entries.mapValues(\.usn) }
            if usns[0] != usns[1] { return "vectors differ after quiet" }
        }
        return nil
    }
}

extension Destination {
    /// The mutant's lie: whatever comes was asked for.
    fileprivate mutating func pretendToHaveAsked(_ part: ChangesReply, at now: Timestamp) {
        guard !requests.contains(where: { $0.requestID == part.requestID }) else { return }
        let request = ChangesRequest(
            header: part.header,
            requestID: part.requestID,
            sequence: 0,
            sourceInvocationID: nil,
            received: .init(),
            vector: .init(),
            isJoining: false,
            replica: .full,
            partBytesMax: 1,
            partObjectsMax: 1,
            credit: 1
        )
        requests.append(
            OutstandingRequest(request, to: part.header.dsaGUID, at: now, lifetimeSeconds: 1_000_000)
        )
    }
}
