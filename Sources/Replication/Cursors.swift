package import Identifiers

/// A stretch of a source's USNs: everything above `from` up to and including `to`.
package struct USNInterval: Hashable, Sendable {
    /// Exclusive.
    package let from: USN
    /// Inclusive.
    package let to: USN

    package init(from: USN, to: USN) {
        self.from = from
        self.to = to
    }

    /// True also for an interval that ends before it starts: it can come from the network.
    package var isEmpty: Bool { to <= from }
}

extension USNInterval: CustomStringConvertible {
    package var description: String { "(\(from), \(to)]" }
}

/// A received interval and the source's highest USN in the snapshot that it was cut from.
package struct TaggedInterval: Hashable, Sendable {
    package let interval: USNInterval
    package let asOf: USN

    package init(interval: USNInterval, asOf: USN) {
        self.interval = interval
        self.asOf = asOf
    }
}

/// What a destination has received of one source's USN space: sorted, disjoint intervals, each with its `asOf`.
///
/// Where intervals overlap the smaller `asOf` stays. At most `intervalsMax`: the highest are forgotten, which
/// is always safe, since what is forgotten is asked for again.
package struct ReceivedIntervals: Hashable, Sendable {
    package static let intervalsMax = 256

    /// Ascending; neighbours with the same `asOf` are one interval.
    package private(set) var tagged: [TaggedInterval] = []

    package init() {}

    /// The high watermark: the end of the contiguous prefix from 0.
    package var contiguousPrefix: USN {
        var end = USN.zero
        for piece in tagged {
            if piece.interval.from > end { break }
            end = piece.interval.to
        }
        return end
    }

    package var isEmpty: Bool { tagged.isEmpty }

    /// Adds what was cut at `asOf`; a piece above `asOf` claims what that snapshot cannot know and is left out.
    package mutating func insert(_ interval: USNInterval, asOf: USN) {
        let added = USNInterval(from: max(interval.from, .zero), to: min(interval.to, asOf))
        guard !added.isEmpty else { return }
        var result = PieceList()
        /// How far `added` has been written to the result.
        var written = added.from
        for piece in tagged {
            let (from, to) = (piece.interval.from, piece.interval.to)
            if to > added.from, from < added.to {
                result.append(from: written, to: min(from, added.to), asOf: asOf)
                result.append(from: from, to: min(to, added.from), asOf: piece.asOf)
                let overlapEnd = min(to, added.to)
                let smaller = planted(.overlapKeepsNewestAsOf) ? max(piece.asOf, asOf) : min(piece.asOf, asOf)
                result.append(from: max(from, added.from), to: overlapEnd, asOf: smaller)
                result.append(from: overlapEnd, to: to, asOf: piece.asOf)
                written = overlapEnd
            } else {
                if from >= added.to {
                    result.append(from: written, to: added.to, asOf: asOf)
                    written = added.to
                }
                result.append(from: from, to: to, asOf: piece.asOf)
            }
        }
        result.append(from: written, to: added.to, asOf: asOf)
        tagged = Array(result.pieces.prefix(Self.intervalsMax))
    }

    /// Whether the whole interval was received; an empty one always was.
    package func contains(_ interval: USNInterval) -> Bool { newestAsOf(in: interval) != nil }

    /// The newest `asOf` among the pieces that cover the interval; nil when a USN of it is missing.
    package func newestAsOf(in interval: USNInterval) -> USN? {
        guard !interval.isEmpty else { return .zero }
        var reached = interval.from
        var newest = USN.zero
        for piece in tagged where piece.interval.to > reached {
            guard piece.interval.from <= reached else { return nil }
            newest = max(newest, piece.asOf)
            reached = piece.interval.to
            if reached >= interval.to { return newest }
        }
        return nil
    }

    /// What was not received of (0, top], ascending.
    package func missing(upTo top: USN) -> [USNInterval] {
        var gaps: [USNInterval] = []
        var reached = USN.zero
        for piece in tagged where reached < top {
            if piece.interval.from > reached {
                gaps.append(USNInterval(from: reached, to: min(piece.interval.from, top)))
            }
            reached = piece.interval.to
        }
        if reached < top { gaps.append(USNInterval(from: reached, to: top)) }
        return gaps
    }

    /// Makes (0, prefix] one piece under its newest tag.
    ///
    /// `prefix` is a result of `AdoptionRule.closedPrefix`: every tag in it is <= `prefix`, so that no later
    /// result of the rule changes. Without this, a set that grows by one tag per cycle would hit its cap.
    package mutating func collapse(closedPrefix prefix: USN) {
        guard prefix > .zero, let newest = newestAsOf(in: USNInterval(from: .zero, to: prefix)) else {
            return
        }
        var result = PieceList()
        result.append(from: .zero, to: prefix, asOf: newest)
        for piece in tagged {
            result.append(from: max(piece.interval.from, prefix), to: piece.interval.to, asOf: piece.asOf)
        }
        tagged = result.pieces
    }
}

/// Collects ascending pieces, drops empty ones, joins equal neighbours.
private struct PieceList {
    var pieces: [TaggedInterval] = []

    mutating func append(from: USN, to: USN, asOf: USN) {
        guard from < to else { return }
        if let last = pieces.last, last.interval.to == from, last.asOf == asOf {
            let joined = USNInterval(from: last.interval.from, to: to)
            pieces[pieces.count - 1] = TaggedInterval(interval: joined, asOf: asOf)
        } else {
            pieces.append(TaggedInterval(interval: USNInterval(from: from, to: to), asOf: asOf))
        }
    }
}

/// One entry of an up-to-dateness vector: a USN of the originator, and the time of the snapshot that showed it.
package struct VectorEntry: Hashable, Sendable {
    package let usn: USN
    package let time: Timestamp

    package init(usn: USN, time: Timestamp) {
        self.usn = usn
        self.time = time
    }
}

/// Per originating invocationID the highest originating USN up to which a replica surely holds every change.
package struct UpToDatenessVector: Hashable, Sendable {
    package var entries: [GUID: VectorEntry]

    package init(entries: [GUID: VectorEntry] = [:]) { self.entries = entries }

    package subscript(invocationID: GUID) -> VectorEntry? {
        get { entries[invocationID] }
        set { entries[invocationID] = newValue }
    }

    /// In GUID order: the form that travels and that a dump shows.
    package var sorted: [(invocationID: GUID, entry: VectorEntry)] {
        entries.map { (invocationID: $0.key, entry: $0.value) }.sorted { $0.invocationID < $1.invocationID }
    }

    /// Whether the write with this stamp is surely held or superseded.
    package func covers(_ stamp: Stamp) -> Bool { covers(stamp.invocationID, stamp.originatingUSN) }

    package func covers(_ invocationID: GUID, _ usn: USN) -> Bool {
        (entries[invocationID]?.usn ?? .zero) >= usn
    }

    /// Whether every USN of `other` is covered; times do not matter.
    package func dominates(_ other: UpToDatenessVector) -> Bool {
        other.entries.allSatisfy { covers($0.key, $0.value.usn) }
    }

    /// Takes the higher entry of each originator; the own one is never raised by a peer.
    package mutating func merge(_ other: UpToDatenessVector, excluding own: GUID?) {
        for (invocationID, entry) in other.entries where invocationID != own {
            guard let mine = entries[invocationID] else {
                entries[invocationID] = entry
                continue
            }
            if entry.usn > mine.usn || entry.usn == mine.usn && entry.time > mine.time {
                entries[invocationID] = entry
            }
        }
    }
}
