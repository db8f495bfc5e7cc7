package import Identifiers

/// The oldest snapshot that a join took anything from.
package struct JoinStart: Hashable, Sendable {
    package let asOf: USN
    /// The source's vector in it.
    package let vector: UpToDatenessVector
}

/// Starting over from one source, and when a join has to.
extension Destination {
    /// Starts over: what is held stays until the source has shown what it holds, then the rest goes.
    ///
    /// Cursors, vector and `collected` are forgotten; the next request joins. With nil whoever is asked first is
    /// the source. The caller marks in the same transaction everything that is held as not yet seen.
    package mutating func resync(from source: GUID? = nil) {
        forgetReceived()
        (vector, collected, hasJoined, joinSource, joinStarted) = (.init(), [:], false, source, nil)
        (joinStart, isResyncing) = (nil, true)
        joinAddedAttributes()
    }

    /// What is kept of a replica that is given up, for the day on which it is taken up again.
    ///
    /// Nothing but the numbers of its requests, since a source ignores those that it takes for overtaken, and lives
    /// that have ended.
    package func successor() -> Destination {
        var next = Destination(namingContext: namingContext, isPartial: isPartial)
        next.retired = retired
        next.sources = sources.map { record in
            var kept = SourceRecord(sourceDSA: record.sourceDSA)
            kept.sequence = record.sequence
            return kept
        }
        return next
    }

    /// Whether the join is older than a tombstone lives: what came first may show objects that were deleted,
    /// and collected at the source, since.
    package func isJoinOverdue(at now: Timestamp, tombstoneLifetimeDays: Int) -> Bool {
        guard !hasJoined, let joinStarted else { return false }
        return now >= joinStarted.adding(days: tombstoneLifetimeDays)
    }

    /// Everything that was marked as not yet seen has been dealt with.
    package mutating func endResync() { isResyncing = false }

    mutating func noteJoinPart(asOf: USN, vector: UpToDatenessVector) {
        guard !hasJoined, joinStart.map({ asOf < $0.asOf }) ?? true else { return }
        joinStart = JoinStart(asOf: asOf, vector: vector)
    }

    /// Whether the source collected a deletion that is younger than the beginning of this join.
    ///
    /// Such an object may have come alive with an early part, and nothing will ever say that it is gone.
    func isOutlived(by seen: SeenVector) -> Bool {
        guard !hasJoined, let joinStart else { return false }
        return !seen.collected.allSatisfy { joinStart.vector.covers($0.key, $0.value) }
    }
}
