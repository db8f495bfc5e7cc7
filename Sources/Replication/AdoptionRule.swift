package import Identifiers

/// When a source's up-to-dateness vector may be merged: the rule on which everything hangs.
///
/// Let T be the largest USN <= high watermark such that every interval meeting (0, T] was cut at an `asOf` <= T.
/// A vector of that source may be merged if its `asOf` <= T. Data may be applied in any order; vectors may not.
///
/// Why it is sound: take a change in the vector at A <= T, on object O. When the source's USN was T, O stood at
/// some u <= T. The interval holding u was cut at s with u <= s <= T; O did not move between s and T, so at s it
/// stood at u, and that state was received: it holds the change or what superseded it.
///
/// What looks like the same and loses data: merging when the last part arrives (a lost part in the middle is
/// then filtered out by every source for ever), and merging a vector as soon as (0, its `asOf`] is covered (an
/// object can move out of a gap before the gap is filled again). "The newest `asOf` is covered" is sound, but
/// under constant load it never comes true.
package enum AdoptionRule {
    /// T; zero while nothing may be merged.
    package static func closedPrefix(of received: ReceivedIntervals) -> USN {
        var closed = USN.zero
        var reached = USN.zero
        var newestAsOf = USN.zero
        for piece in received.tagged {
            guard piece.interval.from <= reached else { break }
            newestAsOf = max(newestAsOf, piece.asOf)
            reached = piece.interval.to
            // Within one piece the end is the largest candidate, so only ends need a look.
            if newestAsOf <= reached || planted(.adoptsCoveredRange) { closed = reached }
        }
        return closed
    }

    package static func allows(_ asOf: USN, closedPrefix: USN) -> Bool {
        asOf <= closedPrefix || planted(.adoptsDespiteGaps)
    }
}
