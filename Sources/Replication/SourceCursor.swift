package import Identifiers

/// A source's vector in one snapshot, kept until the rule lets it be merged.
package struct SeenVector: Hashable, Sendable {
    package let asOf: USN
    package internal(set) var vector: UpToDatenessVector
    /// What the source's snapshot held of the attributes that are being added here; nil when it was not asked.
    package internal(set) var addedVector: UpToDatenessVector?
    package internal(set) var collected: [GUID: USN]

    package init(
        asOf: USN,
        vector: UpToDatenessVector,
        addedVector: UpToDatenessVector? = nil,
        collected: [GUID: USN]
    ) {
        self.asOf = asOf
        self.vector = vector
        self.addedVector = addedVector
        self.collected = collected
    }
}

/// What a destination has of one life (invocationID) of one source, in that source's USN space.
package struct SourceCursor: Hashable, Sendable {
    /// More are thinned out in the middle; forgetting a vector is always safe.
    package static let vectorsMax = 64

    package let sourceDSA: GUID
    package let invocationID: GUID
    package internal(set) var received = ReceivedIntervals()
    /// Ascending by `asOf`, not merged yet.
    package internal(set) var vectors: [SeenVector] = []
    /// The highest `asOf` of any part that counted.
    package internal(set) var newestAsOf = USN.zero
    package internal(set) var newestAdoptedAsOf = USN.zero
    /// The source's clock in the newest snapshot whose vector was merged: a permanent gap must not look healthy.
    package internal(set) var lastSuccess: Timestamp?

    package var highWatermark: USN { received.contiguousPrefix }

    /// What is known to exist and has not come, ascending.
    package var gaps: [USNInterval] { received.missing(upTo: newestAsOf) }

    mutating func note(_ seen: SeenVector) {
        newestAsOf = max(newestAsOf, seen.asOf)
        let index = vectors.firstIndex { $0.asOf >= seen.asOf } ?? vectors.endIndex
        if index < vectors.endIndex, vectors[index].asOf == seen.asOf {
            // Two snapshots at one USN hold the same stamped state: what either vector claims is true of both.
            vectors[index].vector.merge(seen.vector, excluding: nil)
            if let added = seen.addedVector {
                vectors[index].addedVector = vectors[index].addedVector ?? .init()
                vectors[index].addedVector?.merge(added, excluding: nil)
            }
            vectors[index].collected.merge(seen.collected) { max($0, $1) }
        } else {
            vectors.insert(seen, at: index)
        }
        if vectors.count > Self.vectorsMax { vectors.remove(at: Self.vectorsMax / 2) }
    }

    /// Takes out the vectors that the rule allows to merge now, ascending.
    mutating func takeAdoptable() -> [SeenVector] {
        let closed = AdoptionRule.closedPrefix(of: received)
        received.collapse(closedPrefix: closed)
        if planted(.adoptsOnlyNewest), closed < newestAsOf { return [] }
        let adoptable = vectors.filter { AdoptionRule.allows($0.asOf, closedPrefix: closed) }
        vectors.removeAll { AdoptionRule.allows($0.asOf, closedPrefix: closed) }
        return adoptable
    }

    /// Whether a part at `asOf` with this vector can teach nothing: its data, its interval, its vector.
    func hasAll(of interval: USNInterval, seen: SeenVector, merged: UpToDatenessVector) -> Bool {
        guard let newest = received.newestAsOf(in: interval), newest <= seen.asOf else { return false }
        if seen.asOf < newestAdoptedAsOf { return true }
        if let kept = vectors.first(where: { $0.asOf == seen.asOf }) {
            return kept.vector.isNotOlder(than: seen.vector)
        }
        guard seen.asOf == newestAdoptedAsOf, let time = seen.vector[invocationID]?.time else { return false }
        return merged.dominates(seen.vector) && (lastSuccess ?? .epoch) >= time
    }
}

extension SourceCursor {
    package init(sourceDSA: GUID, invocationID: GUID) {
        self.init(sourceDSA: sourceDSA, invocationID: invocationID, received: .init())
    }
}

extension UpToDatenessVector {
    /// Whether merging `other` would change nothing, times included.
    fileprivate func isNotOlder(than other: UpToDatenessVector) -> Bool {
        other.entries.allSatisfy { invocationID, entry in
            guard let mine = entries[invocationID] else { return false }
            return mine.usn > entry.usn || mine.usn == entry.usn && mine.time >= entry.time
        }
    }
}
