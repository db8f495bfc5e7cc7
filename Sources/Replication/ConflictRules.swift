package import Identifiers

/// What becomes of a replicated write.
package enum MergeOutcome: Hashable, Sendable {
    case keepLocal
    case takeIncoming
    /// The same write again.
    case same
}

/// Which of two writes stands: a total order, so that the order of arrival never matters.
package enum ConflictRules {
    /// An attribute, the name and `isDeleted` alike; nil when nothing was ever written here.
    package static func outcome(local: Stamp?, incoming: Stamp) -> MergeOutcome {
        guard let local else { return .takeIncoming }
        if local == incoming { return .same }
        if planted(.latestArrivalWins) { return .takeIncoming }
        if planted(.tieKeepsLocal), local.version == incoming.version, local.time == incoming.time {
            return .keepLocal
        }
        return local < incoming ? .takeIncoming : .keepLocal
    }

    /// One value of a linked attribute.
    package static func outcome(local: LinkStamp?, incoming: LinkStamp) -> MergeOutcome {
        guard let local else { return .takeIncoming }
        if local == incoming { return .same }
        return local < incoming ? .takeIncoming : .keepLocal
    }

    /// Whether both were written without knowledge of each other, as far as stamps show: the losing value goes
    /// to the conflict ledger.
    package static func isConflict(local: Stamp, incoming: Stamp) -> Bool {
        local.version == incoming.version && local.invocationID != incoming.invocationID
    }
}

/// Stamps and vectors that no healthy member sends: the part that carries one is held, nothing of it applied.
package enum PoisonCheck {
    package static let stampAheadSecondsMax: Int64 = 24 * 3600
    package static let versionLeapMax: UInt32 = 1 << 20
    package static let vectorLeapUSNsMax: Int64 = 1 << 40

    /// A stamp that would win every tie until its time has come.
    package static func isAhead(_ time: Timestamp, at now: Timestamp) -> Bool {
        time > now.adding(seconds: stampAheadSecondsMax) && !planted(.futureStampAccepted)
    }

    /// A version too far above the one held here; not asked for an attribute never held, nor while joining.
    package static func isVersionLeap(existing: Stamp, incoming: Stamp) -> Bool {
        incoming.version > existing.version && incoming.version - existing.version > versionLeapMax
            && !planted(.versionLeapAccepted)
    }

    /// An entry that would filter out everything this originator ever writes.
    package static func isVectorLeap(known: USN, claimed: USN) -> Bool {
        let (difference, overflow) = claimed.rawValue.subtractingReportingOverflow(known.rawValue)
        return claimed > known && (overflow || difference > vectorLeapUSNsMax)
            && !planted(.vectorLeapAccepted)
    }
}
