package import Identifiers

/// What one part claims, without its data, and what the database says of itself when it is judged.
package struct PartClaim: Hashable, Sendable {
    package var header: MessageHeader
    package var requestID: GUID
    package var interval: USNInterval
    package var asOf: USN
    package var vector: UpToDatenessVector
    package var addedVector: UpToDatenessVector?
    package var collected: [GUID: USN]
    package var cutFor: ReplicaKind
    package var needsPartialAttributes: Bool
    /// The latest time in any stamp of its data.
    package var newestStampTime: Timestamp?
    package var ownInvocationID: GUID
    package var ownUSN: USN

    package init(_ reply: ChangesReply, ownInvocationID: GUID, ownUSN: USN) {
        header = reply.header
        requestID = reply.requestID
        interval = reply.interval
        asOf = reply.asOf
        vector = reply.vector
        addedVector = reply.addedVector
        needsPartialAttributes = reply.needsPartialAttributes
        collected = reply.collected
        cutFor = reply.cutFor
        let objectTimes = reply.objects.lazy.flatMap { $0.attributes.lazy.map(\.stamp.time) }
        let linkTimes = reply.links.lazy.map { max($0.stamp.created, $0.stamp.stamp.time) }
        newestStampTime = [objectTimes.max(), linkTimes.max()].compactMap { $0 }.max()
        self.ownInvocationID = ownInvocationID
        self.ownUSN = ownUSN
    }

    var seen: SeenVector {
        SeenVector(asOf: asOf, vector: vector, addedVector: addedVector, collected: collected)
    }
}

/// What to do with a part.
package enum PartVerdict: Hashable, Sendable {
    /// Apply the data; without `movesCursors` it is data only, and `commit` changes nothing.
    case apply(movesCursors: Bool)
    /// Everything in it is held: nothing to apply; `commit` still counts the answer.
    case duplicate
    /// Apply nothing, keep the part, move nothing.
    case held(HeldReason)
    /// Apply nothing, say why.
    case refused(RefusalReason)
    /// Older than what is held of this source, or unasked while joining: dropped and counted.
    case stale
}

/// Which poison a part may carry and pass.
package enum PoisonWaiver: Int, Hashable, Sendable, Comparable {
    case none
    /// Stamps that are ahead: they bring nothing new here.
    case time
    /// A person released the part.
    case all

    package static func < (left: PoisonWaiver, right: PoisonWaiver) -> Bool { left.rawValue < right.rawValue }
}

/// Why a part is held: no healthy member sends this.
package enum HeldReason: Hashable, Sendable {
    /// More than 24 h ahead of this clock; examined again as time passes.
    case stampAhead(Timestamp)
    /// Found while applying: `PoisonCheck.isVersionLeap`.
    case versionLeap(objectGUID: GUID, version: UInt32)
    /// The source has seen more of us than we have: this database may be an old copy.
    case ownEntryAhead(claimed: USN, own: USN)
    case vectorLeap(invocationID: GUID, claimed: USN, known: USN)
}

extension HeldReason {
    /// Stable word for files, rows and counters.
    package var code: String {
        switch self {
        case .stampAhead: "stamp-ahead"
        case .versionLeap: "version-leap"
        case .ownEntryAhead: "own-entry-ahead"
        case .vectorLeap: "vector-leap"
        }
    }

    /// Time heals a clock; the rest is for a person to release or discard.
    package var needsDecision: Bool {
        switch self {
        case .stampAhead: false
        case .versionLeap, .ownEntryAhead, .vectorLeap: true
        }
    }
}

extension HeldReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .stampAhead(let time):
            "a stamp of \(time) is more than \(PoisonCheck.stampAheadSecondsMax / 3600) hours ahead of our clock"
        case .versionLeap(let objectGUID, let version):
            "version \(version) of an attribute of \(objectGUID) is too far above ours"
        case .ownEntryAhead(let claimed, let own):
            "the source claims our changes up to \(claimed), our highest USN is \(own)"
        case .vectorLeap(let invocationID, let claimed, let known):
            "the source claims changes of \(invocationID) up to \(claimed), we know \(known)"
        }
    }

    package var hint: String {
        switch self {
        case .stampAhead:
            "compare the clocks; the part is examined again by itself, bridgehead mail release takes it as it is"
        case .versionLeap, .vectorLeap:
            "ask the source's owner, then bridgehead mail release or mail discard"
        case .ownEntryAhead: "was this database put back without the restore command?"
        }
    }
}

/// Why a part is refused.
package enum RefusalReason: Hashable, Sendable {
    case wrongNamingContext(GUID)
    /// The interval or the source's own entry contradicts `asOf`.
    case contradictory(interval: USNInterval, asOf: USN)
    /// AD's 8614: the source does not know of a deletion whose tombstone is already collected here.
    case collectedNotCovered(invocationID: GUID, collected: USN, claimed: USN)
    /// 8614 the other way: the source has collected deletions that never came here.
    case collectedUnknown(invocationID: GUID, collected: USN, known: USN)
    /// This replica joins from another source.
    case joinsFromAnother(GUID)
    /// Found while applying: an update of an object that is not held, without what creates it.
    case lingeringObject(GUID)
    /// Found before anything else: the source's database is an older copy, or runs twice.
    case rollbackSuspected(RollbackSuspicion)
}

extension RefusalReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .wrongNamingContext(let namingContext):
            "the part is for naming context \(namingContext)"
        case .contradictory(let interval, let asOf):
            "the part for \(interval) contradicts its own snapshot at USN \(asOf)"
        case .collectedNotCovered(let invocationID, let collected, let claimed):
            "the source knows changes of \(invocationID) up to \(claimed), deletions up to \(collected) are "
                + "already collected here (8614)"
        case .collectedUnknown(let invocationID, let collected, let known):
            "the source has collected deletions of \(invocationID) up to \(collected), we know only \(known) (8614)"
        case .joinsFromAnother(let source):
            "this replica is joining from \(source) and takes nothing else until that is done"
        case .lingeringObject(let objectGUID):
            "the part changes object \(objectGUID), which was deleted and collected here: a lingering object"
        case .rollbackSuspected(let suspicion): "\(suspicion)"
        }
    }

    package var hint: String {
        switch self {
        case .wrongNamingContext, .contradictory: "the source is faulty; compare versions"
        case .collectedNotCovered: "the source was away longer than the tombstone lifetime: resync it"
        case .collectedUnknown:
            "this replica was cut off longer than the tombstone lifetime: bridgehead repl resync"
        case .joinsFromAnother: "wait, or start the join again from this source"
        case .lingeringObject: "remove the object at the source, or resync the source"
        case .rollbackSuspected(let suspicion): suspicion.hint
        }
    }
}

/// What `commit` changed.
package struct CommitResult: Hashable, Sendable {
    /// At least one vector was merged.
    package var adopted = false
    /// How far the source of the adopted vectors knows our own writes.
    package var ownCovered = USN.zero
    /// The join took longer than a tombstone lives at the source: begin it again.
    package var mustStartOver = false
    /// Make a request to this source in the same transaction.
    package var wantsRequest = false

    package init() {}
}
