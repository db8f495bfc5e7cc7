package import Identifiers

/// How long a transport may be silent before that means something.
package struct LatencyClass: Hashable, Sendable {
    /// Failures in a row that are borne however long they last.
    package var failuresAllowed: Int
    /// Seconds from the first failure until a bridgehead counts as failed.
    package var failedAfterSeconds: Int64

    package init(failuresAllowed: Int, failedAfterSeconds: Int64) {
        self.failuresAllowed = failuresAllowed
        self.failedAfterSeconds = failedAfterSeconds
    }

    /// Answers come at once: over one failure, for over two hours.
    /// - Source: MS-ADTS section 6.2.2.3.4.4 (BridgeheadDCFailed).
    package static let minutes = LatencyClass(failuresAllowed: 1, failedAfterSeconds: 7_200)
    /// Answers come by mail, which relays may hold for hours: over one failure, for over a day.
    package static let hours = LatencyClass(failuresAllowed: 1, failedAfterSeconds: 86_400)
}

/// What is known of reaching a DSA over a transport.
package struct ContactRecord: Hashable, Sendable {
    package enum State: Hashable, Sendable {
        /// A request is on its way; that is no failure, however old it is.
        case pending(since: Timestamp)
        /// Requests failed, one after the other.
        case failing(consecutive: Int, since: Timestamp)
    }

    package var dsa: GUID
    /// The transport that it is about, by name in any case; none = all.
    package var transport: String?
    package var state: State

    package init(dsa: GUID, transport: String?, state: State) {
        (self.dsa, self.transport, self.state) = (dsa, transport, state)
    }
}

/// A generated connection that this KCC removed.
package struct RemovedConnection: Hashable, Sendable {
    package var destination: GUID
    package var source: GUID
    /// None inside a site.
    package var transport: GUID?
    package var time: Timestamp

    package init(destination: GUID, source: GUID, transport: GUID?, time: Timestamp) {
        (self.destination, self.source, self.transport, self.time) = (destination, source, transport, time)
    }
}

/// What the KCC knows besides the configuration.
package struct KCCInput: Sendable {
    /// The DSA that plans.
    package var dsa: Ref<DirectorySystemAgent>
    package var now: Timestamp
    package var contacts: [ContactRecord] = []
    /// By the transport's name in lower case; those not named are `.hours`, but IP is `.minutes`.
    package var latencyClasses: [String: LatencyClass] = ["ip": .minutes]
    /// When the configuration was last known to be complete up to a DSA's own changes, by its objectGUID.
    package var lastHeard: [GUID: Timestamp] = [:]
    /// Removals of late, for the damper.
    package var removals: [RemovedConnection] = []
    /// Draws bridgeheads among equals; without it the order is global catalogues first, then objectGUID.
    package var seed: UInt64?
    /// Whether absences are looked for; a plan to be carried out alone does not need them.
    package var wantsAbsences = true

    package init(dsa: Ref<DirectorySystemAgent>, now: Timestamp) {
        (self.dsa, self.now) = (dsa, now)
    }
}

/// Which DSAs count as failed on which transports.
struct Health: Sendable {
    /// Bit t: failed on transport t.
    private let failed: [UInt32]
    let isAnyFailed: Bool

    /// Without detecting, no DSA counts as failed; within a site a single failure counts that lasts.
    /// - Source: MS-ADTS sections 6.2.2.2 and 6.2.2.3.4.4.
    init(_ snapshot: TopologySnapshot, _ input: KCCInput, isDetecting: Bool, isWithinSite: Bool = false) {
        var failed = [UInt32](repeating: 0, count: snapshot.dsas.count)
        if isDetecting, !input.contacts.isEmpty { Self.mark(&failed, snapshot, input, isWithinSite) }
        isAnyFailed = failed.contains { $0 != 0 }
        self.failed = failed
    }

    private static func mark(
        _ failed: inout [UInt32],
        _ snapshot: TopologySnapshot,
        _ input: KCCInput,
        _ isWithinSite: Bool
    ) {
        let positions = Dictionary(
            snapshot.dsas.enumerated().map { ($1.guid, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        for record in input.contacts {
            guard let position = positions[record.dsa] else { continue }
            for (bit, transport) in snapshot.transports.enumerated()
            where record.transport.map({ $0.lowercased() == transport.name.lowercased() }) ?? true {
                var latency = latency(of: transport, input)
                if isWithinSite { latency.failuresAllowed = 0 }
                if isFailed(record.state, latency, input.now) { failed[position] |= 1 << UInt32(bit) }
            }
        }
    }

    func isFailed(_ dsa: Ref<DirectorySystemAgent>, on transport: Ref<InterSiteTransport>) -> Bool {
        failed[dsa.position] >> UInt32(transport.position) & 1 == 1
    }

    func failedTransports(_ dsa: Ref<DirectorySystemAgent>) -> UInt32 { failed[dsa.position] }

    static func latency(of transport: InterSiteTransport, _ input: KCCInput) -> LatencyClass {
        input.latencyClasses[transport.name.lowercased()] ?? (transport.isIP ? .minutes : .hours)
    }

    private static func isFailed(_ state: ContactRecord.State, _ latency: LatencyClass, _ now: Timestamp)
        -> Bool
    {
        switch state {
        case .pending: false
        case .failing(let consecutive, let since):
            consecutive > latency.failuresAllowed
                && now > since.adding(seconds: latency.failedAfterSeconds)
        }
    }
}
