import DirectoryModel
package import Identifiers

/// What a source remembers of its destinations, in memory only: losing it costs duplicates, never data.
package struct SourceLedger: Hashable, Sendable {
    package static let cutsPerDestinationMax = 256

    private struct Key: Hashable {
        let dsaGUID: GUID
        let namingContext: GUID
    }

    private struct Cut: Hashable {
        let interval: USNInterval
        let asOf: USN
        let sequence: UInt64
        let at: Timestamp
    }

    private struct Entry: Hashable {
        let invocationID: GUID
        /// The destination's start that asked last.
        var bootID: GUID?
        /// What its requests ask for: what was cut with less is no part of an answer to more.
        var replica: ReplicaKind?
        var added: [OID] = []
        var sequence: UInt64 = 0
        var cuts: [Cut] = []
    }

    private var entries: [Key: Entry] = [:]

    package init() {}

    /// Whether to answer a request, and what to leave out.
    ///
    /// `skipSeconds` is how long a part may still be on its way: the partner's resend time. The result is what
    /// was cut for earlier requests of this destination within it; nil when a newer request was seen, and this
    /// one is ignored.
    package mutating func accept(
        _ request: ChangesRequest,
        at now: Timestamp,
        skipSeconds: Int64
    ) -> ReceivedIntervals? {
        let key = Self.key(of: request)
        var entry = entries[key] ?? Entry(invocationID: request.header.invocationID)
        // A restored destination counts anew and has lost what was on its way.
        if entry.invocationID != request.header.invocationID {
            entry = Entry(invocationID: request.header.invocationID)
        }
        if let boot = request.header.bootRecords.first?.bootID, boot != entry.bootID {
            // Late mail of a start before the one that asked last: of what was lost, its sequence may be higher.
            guard entry.bootID.map({ isLater(request.header.bootRecords, than: $0) }) ?? true else {
                return nil
            }
            entry.bootID = boot
            // Put back without anything lost that has a USN: it counts again from where it stood then.
            if request.sequence < entry.sequence { (entry.sequence, entry.cuts) = (.zero, []) }
        }
        guard request.sequence >= entry.sequence || planted(.overtakenRequestAnswered) else { return nil }
        entry.sequence = request.sequence
        if entry.replica != request.replica || entry.added != request.addedAttributes {
            (entry.replica, entry.added, entry.cuts) = (request.replica, request.addedAttributes, [])
        }
        if !planted(.cutPartsSkippedForEver) {
            // A clock that was set back must not withhold them for as long as it jumped.
            entry.cuts.removeAll {
                now < $0.at && !planted(.cutsOfTheFutureWithheld)
                    || now >= $0.at.adding(seconds: skipSeconds)
            }
        }
        entries[key] = entry
        var skip = ReceivedIntervals()
        // A request that is sent again gets the same parts again.
        for cut in entry.cuts where cut.sequence < request.sequence {
            skip.insert(cut.interval, asOf: cut.asOf)
        }
        return skip
    }

    /// A full list may have forgotten the start.
    private func isLater(_ boots: [BootRecord], than bootID: GUID) -> Bool {
        boots.count >= ReplicationLimits.bootRecordsMax || boots.contains { $0.bootID == bootID }
    }

    /// Notes a part that was cut in answer to a request.
    package mutating func note(_ part: ChangesReply, for request: ChangesRequest, at now: Timestamp) {
        let key = Self.key(of: request)
        guard var entry = entries[key], entry.invocationID == request.header.invocationID else { return }
        let cut = Cut(interval: part.interval, asOf: part.asOf, sequence: request.sequence, at: now)
        entry.cuts.append(cut)
        if entry.cuts.count > Self.cutsPerDestinationMax { entry.cuts.removeFirst() }
        entries[key] = entry
    }

    /// Whether a request may not be answered: it does not know of a deletion that is collected here (8614).
    ///
    /// To be asked in the snapshot that the answer is cut from: one collected in between would be missed.
    package static func isUncovered(_ request: ChangesRequest, collected: [GUID: USN]) -> Bool {
        !planted(.uncoveredDeletionAccepted) && !request.isJoining
            && !collected.allSatisfy { request.vector.covers($0.key, $0.value) }
    }

    private static func key(of request: ChangesRequest) -> Key {
        Key(dsaGUID: request.header.dsaGUID, namingContext: request.header.namingContext)
    }
}
