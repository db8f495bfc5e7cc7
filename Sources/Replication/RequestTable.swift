package import DirectoryModel
package import Identifiers

/// A request that was sent: only parts that name one of these move cursors.
package struct OutstandingRequest: Hashable, Sendable {
    package let requestID: GUID
    package let sequence: UInt64
    package let sourceDSA: GUID
    /// The invocationID that was asked; nil at first contact.
    package let sourceInvocationID: GUID?
    package let sentAt: Timestamp
    package let expires: Timestamp
    /// Parts that may be in flight.
    package let credit: Int
    package let replica: ReplicaKind
    package let isJoining: Bool
    /// What was being added to the partial attribute set.
    package let addedAttributes: [OID]
    package internal(set) var resends = 0
    /// When it was last sent, again or for the first time.
    package internal(set) var lastSent: Timestamp
    package internal(set) var lastPart: Timestamp?
    package internal(set) var answeredParts = 0
    /// Never sent again: a newer one was answered, or this one was refused.
    package internal(set) var isSettled = false
    /// Kept as long as it may be sent again; encoding is deterministic, so that the payload is the same octets.
    package internal(set) var request: ChangesRequest?

    /// No part and no refusal has come.
    package var isPending: Bool { answeredParts == 0 && !isSettled }
}

extension OutstandingRequest {
    init(_ request: ChangesRequest, to source: GUID, at now: Timestamp, lifetimeSeconds: Int64) {
        requestID = request.requestID
        sequence = request.sequence
        sourceDSA = source
        sourceInvocationID = request.sourceInvocationID
        sentAt = now
        expires = now.adding(seconds: lifetimeSeconds)
        credit = request.credit
        replica = request.replica
        isJoining = request.isJoining
        addedAttributes = request.addedAttributes
        lastSent = now
        self.request = request
    }
}

/// How much one answer may bring.
package struct PartLimits: Hashable, Sendable {
    package var bytesMax: Int
    /// Objects and link values together.
    package var objectsMax: Int
    /// Parts in flight.
    package var credit: Int

    package init(
        bytesMax: Int = ReplicationLimits.partTargetOctets,
        objectsMax: Int = ReplicationLimits.partTargetObjects,
        credit: Int = ReplicationLimits.creditParts
    ) {
        self.bytesMax = bytesMax
        self.objectsMax = objectsMax
        self.credit = credit
    }
}

/// When a request is sent again, and how long a late part is still recognised.
package struct RequestTiming: Hashable, Sendable {
    package var resendFloorSeconds: Int64
    package var requestLifetimeSeconds: Int64

    package init(
        resendFloorSeconds: Int64 = 900,
        requestLifetimeSeconds: Int64 = Int64(ReplicationLimits.messageLifeDays) * 86_400
    ) {
        self.resendFloorSeconds = resendFloorSeconds
        self.requestLifetimeSeconds = requestLifetimeSeconds
    }
}

/// The last refusal that a source sent.
package struct SourceFailure: Hashable, Sendable {
    package let code: ReplicationErrorCode
    package let text: String
    package let at: Timestamp

    package init(code: ReplicationErrorCode, text: String, at: Timestamp) {
        self.code = code
        self.text = text
        self.at = at
    }
}

/// What a destination knows of one source apart from cursors.
package struct SourceRecord: Hashable, Sendable {
    package static let roundTripsMax = 64

    package let sourceDSA: GUID
    /// Of the newest request; the next takes one more.
    package internal(set) var sequence: UInt64 = 0
    package internal(set) var newestAnsweredSequence: UInt64 = 0
    /// Whom to ask: as the newest answered request says.
    package internal(set) var invocationID: GUID?
    package internal(set) var lastAttempt: Timestamp?
    package internal(set) var lastFailure: SourceFailure?
    /// Seconds from request to first part, newest last; requests sent twice do not count.
    package internal(set) var roundTrips: [Int64] = []
    /// A poke that came while a request was pending.
    package internal(set) var rememberedPoke: RememberedPoke?
    /// The source asked for the partial attribute set itself.
    package internal(set) var wantsPartialAttributes = false

    package struct RememberedPoke: Hashable, Sendable {
        package let invocationID: GUID
        package let usn: USN
    }

    mutating func noteRoundTrip(seconds: Int64) {
        roundTrips.append(max(0, seconds))
        if roundTrips.count > Self.roundTripsMax { roundTrips.removeFirst() }
    }

    /// max(floor, 2 x 95th percentile of the round trips).
    package func resendAfterSeconds(_ timing: RequestTiming) -> Int64 {
        guard !roundTrips.isEmpty else { return timing.resendFloorSeconds }
        let sorted = roundTrips.sorted()
        let percentile = sorted[(sorted.count - 1) * 95 / 100]
        let (doubled, overflow) = percentile.multipliedReportingOverflow(by: 2)
        return max(timing.resendFloorSeconds, overflow ? .max : doubled)
    }
}

extension SourceRecord {
    init(sourceDSA: GUID) { self.init(sourceDSA: sourceDSA, sequence: 0) }
}
