package import Identifiers

/// Tells how long something has been in this database, by a clock that jumps of the system's clock cannot run
/// away with.
///
/// It follows the system's clock from one observation to the next, but no single step counts for more than a
/// day, forwards or backwards. A clock that leaps by years ages nothing by more than a day and gives that back
/// when it is set right; a machine that was switched off for months has aged by a day. Tombstones therefore live
/// too long at times, and never too short.
package struct AgeClock: Hashable, Sendable {
    /// What one step may count for, in seconds.
    package static let stepSecondsMax: Int64 = 86_400

    /// Seconds counted so far.
    package private(set) var seconds: Int64
    /// What the system's clock showed then.
    package private(set) var observed: Timestamp

    package init(seconds: Int64 = 0, observed: Timestamp) {
        self.seconds = seconds
        self.observed = observed
    }

    /// What it shows when the system's clock shows `now`.
    package func reading(at now: Timestamp) -> Int64 {
        let step = min(max(elapsed(at: now), -Self.stepSecondsMax), Self.stepSecondsMax)
        let (sum, overflow) = seconds.addingReportingOverflow(step)
        return overflow ? seconds : sum
    }

    /// Takes a step.
    ///
    /// - Returns: the seconds by which the system's clock had moved.
    @discardableResult
    package mutating func observe(_ now: Timestamp) -> Int64 {
        let moved = elapsed(at: now)
        (seconds, observed) = (reading(at: now), now)
        return moved
    }

    private func elapsed(at now: Timestamp) -> Int64 {
        let (difference, overflow) = now.seconds.subtractingReportingOverflow(observed.seconds)
        return overflow ? (now < observed ? .min : .max) : difference
    }
}
