package import Identifiers

/// What `repl show` prints: this DSA and whom it pulls from.
package struct ReplicationNeighborsReply: Codable, Hashable, Sendable {
    package var site: String
    package var server: String
    /// The `options` of its NTDS Settings object.
    package var dsaOptions: Int
    package var dsaGUID: GUID
    package var invocationID: GUID
    package var inbound: [NeighborReply]
    package var outbound: [OutboundNeighborReply]
    /// What a person should look at, oldest first.
    package var alarms: [AlarmReply]

    package init(
        site: String,
        server: String,
        dsaOptions: Int = 0,
        dsaGUID: GUID,
        invocationID: GUID,
        inbound: [NeighborReply],
        outbound: [OutboundNeighborReply] = [],
        alarms: [AlarmReply] = []
    ) {
        self.site = site
        self.server = server
        self.dsaOptions = dsaOptions
        self.dsaGUID = dsaGUID
        self.invocationID = invocationID
        self.inbound = inbound
        self.outbound = outbound
        self.alarms = alarms
    }
}

/// One naming context pulled from one partner.
package struct NeighborReply: Codable, Hashable, Sendable {
    package var namingContext: String
    package var namingContextGUID: GUID
    package var isPartial: Bool
    package var partnerSite: String
    package var partnerServer: String
    package var partnerGUID: GUID
    /// Nil until its first answer.
    package var partnerInvocationID: GUID?
    /// `SMTP`.
    package var transport: String
    package var lastAttempt: Timestamp?
    /// 0, or a Win32 code as repadmin shows it: 8477 = posted, waiting for the reply.
    package var result: Int
    package var resultText: String
    package var consecutiveFailures: Int
    package var lastSuccess: Timestamp?
    package var pendingSince: Timestamp?
    /// How far everything of the partner has been received.
    package var highWatermark: USN?
    /// Attributes that have joined the partial attribute set and are not complete here; nil when there are none.
    package var addition: AdditionReply?

    package init(
        namingContext: String,
        namingContextGUID: GUID,
        isPartial: Bool,
        partnerSite: String,
        partnerServer: String,
        partnerGUID: GUID,
        partnerInvocationID: GUID? = nil,
        transport: String,
        lastAttempt: Timestamp? = nil,
        result: Int,
        resultText: String,
        consecutiveFailures: Int,
        lastSuccess: Timestamp? = nil,
        pendingSince: Timestamp? = nil,
        highWatermark: USN? = nil,
        addition: AdditionReply? = nil
    ) {
        self.namingContext = namingContext
        self.namingContextGUID = namingContextGUID
        self.isPartial = isPartial
        self.partnerSite = partnerSite
        self.partnerServer = partnerServer
        self.partnerGUID = partnerGUID
        self.partnerInvocationID = partnerInvocationID
        self.transport = transport
        self.lastAttempt = lastAttempt
        self.result = result
        self.resultText = resultText
        self.consecutiveFailures = consecutiveFailures
        self.lastSuccess = lastSuccess
        self.pendingSince = pendingSince
        self.highWatermark = highWatermark
        self.addition = addition
    }

    /// The request has been sent and its answer has not come: no failure.
    package static let pendingResult = 8477
    package var isPending: Bool { result == Self.pendingResult }
    package var isFailing: Bool { result != 0 && !isPending }
}

/// How far attributes that joined the partial attribute set have come in a partial replica.
package struct AdditionReply: Codable, Hashable, Sendable {
    package var attributes: [String]
    /// Databases of whose changes the added attributes hold as much as the others do, and how many there are.
    package var originatorsComplete: Int
    package var originators: Int

    package init(attributes: [String], originatorsComplete: Int, originators: Int) {
        self.attributes = attributes
        self.originatorsComplete = originatorsComplete
        self.originators = originators
    }
}

/// A partner that pulls a naming context from this DSA.
package struct OutboundNeighborReply: Codable, Hashable, Sendable {
    package var namingContext: String
    package var partnerSite: String
    package var partnerServer: String
    package var partnerGUID: GUID
    package var transport: String
    /// When its newest request came.
    package var lastRequest: Timestamp?

    package init(
        namingContext: String,
        partnerSite: String,
        partnerServer: String,
        partnerGUID: GUID,
        transport: String,
        lastRequest: Timestamp? = nil
    ) {
        self.namingContext = namingContext
        self.partnerSite = partnerSite
        self.partnerServer = partnerServer
        self.partnerGUID = partnerGUID
        self.transport = transport
        self.lastRequest = lastRequest
    }
}

/// What `repl summary` prints: per partner the age of the oldest success, and failures.
package struct ReplicationSummaryReply: Codable, Hashable, Sendable {
    package var time: Timestamp
    package var sources: [SummaryRow]
    package var destinations: [SummaryRow]

    package init(
        time: Timestamp,
        sources: [SummaryRow],
        destinations: [SummaryRow]
    ) {
        self.time = time
        self.sources = sources
        self.destinations = destinations
    }

    package var isHealthy: Bool { (sources + destinations).allSatisfy { $0.failures == 0 } }
}

/// One DSA in the summary.
package struct SummaryRow: Codable, Hashable, Sendable {
    package var server: String
    /// Since the oldest last success of its links; nil = one never succeeded.
    package var largestDeltaSeconds: Int64?
    /// Links whose newest attempt failed.
    package var failures: Int
    package var links: Int
    /// Code of a failing link.
    package var result: Int?
    package var resultText: String?

    package init(
        server: String,
        largestDeltaSeconds: Int64? = nil,
        failures: Int,
        links: Int,
        result: Int? = nil,
        resultText: String? = nil
    ) {
        self.server = server
        self.largestDeltaSeconds = largestDeltaSeconds
        self.failures = failures
        self.links = links
        self.result = result
        self.resultText = resultText
    }
}
