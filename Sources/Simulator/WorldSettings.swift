import DomainController
import Replication

/// How one world is set up; a seed draws it, a scenario states it.
package struct WorldSettings: Hashable, Sendable {
    package var seed: UInt64
    package var weather = Weather.fair
    /// How often sites ask each other.
    package var intervalSeconds = 3_600
    package var notifyDelaySeconds = 15
    /// Objects and link values per part.
    package var partObjects = 1_000
    package var creditParts = 64
    /// How long a crashed machine takes to start again.
    package var restartSeconds = 60
    /// Whether names that were not synced survive a crash.
    package var keepsNames = false
    /// Octets of a sealed mail; nil when any size passes.
    package var mailOctetsMax: Int?

    package init(seed: UInt64) { self.seed = seed }

    /// After so long, what is held for its time is examined again.
    var holdSeconds: Int64 { Int64(max(3_600, intervalSeconds / 4)) }

    var replication: ReplicationSettings {
        var settings = ReplicationSettings()
        settings.intervalSeconds = intervalSeconds
        settings.notifyDelaySeconds = notifyDelaySeconds
        // Ages count no step of the clock for more than a day.
        settings.collectionIntervalSeconds = min(max(3_600, intervalSeconds), 86_400)
        settings.limits = PartLimits(objectsMax: partObjects, credit: creditParts)
        // The least that is asked for: what is larger is one object, and travels in fragments.
        if mailOctetsMax != nil { settings.limits.bytesMax = 16 << 10 }
        settings.timing = RequestTiming(resendFloorSeconds: Int64(min(900, max(10, intervalSeconds * 4))))
        return settings
    }
}

extension WorldSettings: CustomStringConvertible {
    package var description: String {
        """
        interval \(intervalSeconds) s, notify \(notifyDelaySeconds) s, parts of \(partObjects) objects, credit \
        \(creditParts), restart \(restartSeconds) s, mails of \(mailOctetsMax.map { "\($0) octets" } ?? "any size"); lost \(weather.lostPercent) %, doubled \
        \(weather.doubledPercent) %, altered \(weather.alteredPercent) %, truncated \(weather.truncatedPercent) %, \
        delay up to \(weather.longestDelaySeconds) s, \(weather.stragglerPercent) % up to \
        \(weather.longestStragglerSeconds) s
        """
    }
}
