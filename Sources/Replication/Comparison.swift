package import Identifiers

/// "What do you hold?": asks for a digest of each object of a naming context.
package struct ComparisonRequest: Hashable, Sendable {
    package var header: MessageHeader
    package var requestID: GUID
    /// The asker's vector: what either side lacks cannot be compared yet.
    package var vector: UpToDatenessVector
    /// What the asker holds; two replicas are compared as far as a partial one goes.
    package var replica: ReplicaKind

    package init(header: MessageHeader, requestID: GUID, vector: UpToDatenessVector, replica: ReplicaKind) {
        self.header = header
        self.requestID = requestID
        self.vector = vector
        self.replica = replica
    }
}

/// Part of the answer: digests of one snapshot, ascending over all parts.
package struct ComparisonReply: Hashable, Sendable {
    package var header: MessageHeader
    package var requestID: GUID
    /// The answerer's vector in its snapshot.
    package var vector: UpToDatenessVector
    /// What the digests were made of.
    package var replica: ReplicaKind
    /// From 1.
    package var partNumber: Int
    package var parts: Int
    package var digests: [ObjectDigest]
    /// Why there is nothing to compare; then there are no digests.
    package var refusal: String?

    package init(
        header: MessageHeader,
        requestID: GUID,
        vector: UpToDatenessVector,
        replica: ReplicaKind,
        partNumber: Int = 1,
        parts: Int = 1,
        digests: [ObjectDigest] = [],
        refusal: String? = nil
    ) {
        self.header = header
        self.requestID = requestID
        self.vector = vector
        self.replica = replica
        self.partNumber = partNumber
        self.parts = parts
        self.digests = digests
        self.refusal = refusal
    }
}

/// The stamped state of one object in 8 octets, or that it is on the move.
package struct ObjectDigest: Hashable, Sendable {
    package static let octets = 8

    package var objectGUID: GUID
    /// Of its canonical lines and its present link values; nil when it holds a write that the other side, as
    /// far as its vector says, may not have.
    package var digest: UInt64?
    /// Its tombstone may be collected at one side and not yet at the other.
    package var isTombstone: Bool

    package init(objectGUID: GUID, digest: UInt64?, isTombstone: Bool) {
        self.objectGUID = objectGUID
        self.digest = digest
        self.isTombstone = isTombstone
    }
}

/// How two replicas of one naming context compare at what both claim to have.
package struct ReplicaComparison: Hashable, Sendable {
    package enum Difference: Hashable, Sendable, Comparable {
        case onlyHere(GUID)
        case onlyThere(GUID)
        /// Held by both, with another stamped state.
        case unlike(GUID)

        package var objectGUID: GUID {
            switch self {
            case .onlyHere(let guid), .onlyThere(let guid), .unlike(let guid): guid
            }
        }

        package static func < (left: Self, right: Self) -> Bool { left.objectGUID < right.objectGUID }
    }

    /// Objects with the same stamped state.
    package private(set) var equal = 0
    /// Objects with writes that one side does not claim to have: nothing can be said of them yet.
    package private(set) var moving = 0
    /// Tombstones that one side has collected.
    package private(set) var collected = 0
    /// Ascending by objectGUID.
    package private(set) var differences: [Difference] = []

    /// Both lists ascend by objectGUID, and the digests in them were made with both vectors known.
    ///
    /// A settled object that the other side lacks is a difference: its vector claims every write of it.
    package init(here: [ObjectDigest], there: [ObjectDigest]) {
        var (left, right) = (here[...], there[...])
        while let mine = left.first ?? right.first {
            let theirs = right.first
            if left.isEmpty || theirs.map({ $0.objectGUID < mine.objectGUID }) ?? false {
                right.removeFirst()
                noteAlone(theirs ?? mine, .onlyThere((theirs ?? mine).objectGUID))
            } else if let theirs, theirs.objectGUID == mine.objectGUID {
                left.removeFirst()
                right.removeFirst()
                note(mine, theirs)
            } else {
                left.removeFirst()
                noteAlone(mine, .onlyHere(mine.objectGUID))
            }
        }
    }

    private mutating func noteAlone(_ object: ObjectDigest, _ difference: Difference) {
        if object.digest == nil {
            moving += 1
        } else if object.isTombstone {
            collected += 1
        } else {
            differences.append(difference)
        }
    }

    private mutating func note(_ mine: ObjectDigest, _ theirs: ObjectDigest) {
        guard let left = mine.digest, let right = theirs.digest else {
            moving += 1
            return
        }
        if left == right { equal += 1 } else { differences.append(.unlike(mine.objectGUID)) }
    }
}

extension UpToDatenessVector {
    /// Per originator the lower entry; what only one of two vectors has is left out.
    package func common(with other: UpToDatenessVector) -> UpToDatenessVector {
        var common = UpToDatenessVector()
        for (invocationID, entry) in entries {
            guard let theirs = other[invocationID] else { continue }
            common[invocationID] = entry.usn < theirs.usn ? entry : theirs
        }
        return common
    }
}
