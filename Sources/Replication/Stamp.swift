package import Identifiers

/// Who wrote a value last, and how often it was written: the conflict rule is the order of stamps.
///
/// Higher version; then later time; then larger invocationID; then larger originating USN. Only full equality
/// is "the same write".
package struct Stamp: Hashable, Sendable {
    /// Saturates at `UInt32.max`.
    package let version: UInt32
    package let time: Timestamp
    package let invocationID: GUID
    package let originatingUSN: USN

    package init(version: UInt32, time: Timestamp, invocationID: GUID, originatingUSN: USN) {
        self.version = version
        self.time = time
        self.invocationID = invocationID
        self.originatingUSN = originatingUSN
    }

    /// The stamp of an originating write over `previous`.
    ///
    /// At a saturated version the time decides, so it is moved past the old one.
    package static func originating(
        over previous: Stamp?,
        at now: Timestamp,
        by invocationID: GUID,
        usn: USN
    ) -> Stamp {
        guard let previous else {
            return Stamp(version: 1, time: now, invocationID: invocationID, originatingUSN: usn)
        }
        guard previous.version < .max else {
            let time = planted(.saturatedTimeStays) ? now : max(now, previous.time.adding(seconds: 1))
            return Stamp(version: .max, time: time, invocationID: invocationID, originatingUSN: usn)
        }
        return Stamp(
            version: previous.version + 1,
            time: now,
            invocationID: invocationID,
            originatingUSN: usn
        )
    }
}

extension Stamp: Comparable {
    package static func < (left: Stamp, right: Stamp) -> Bool {
        if planted(.timeBeforeVersion), left.time != right.time { return left.time < right.time }
        if left.version != right.version { return left.version < right.version }
        return left.isOlder(than: right)
    }

    /// The order by time, invocationID and originating USN alone: it names the member of a cycle that is cut.
    package func isOlder(than other: Stamp) -> Bool {
        if time != other.time { return time < other.time }
        if invocationID != other.invocationID { return invocationID < other.invocationID }
        return originatingUSN < other.originatingUSN
    }
}

/// The stamp of one link value: creation time decides first, then the stamp.
package struct LinkStamp: Hashable, Sendable, Comparable {
    package let created: Timestamp
    package let stamp: Stamp

    package init(created: Timestamp, stamp: Stamp) {
        self.created = created
        self.stamp = stamp
    }

    package static func < (left: LinkStamp, right: LinkStamp) -> Bool {
        left.created != right.created ? left.created < right.created : left.stamp < right.stamp
    }
}
