package import DirectoryModel
package import Identifiers

/// One start of a database: a random id and the USN it started at.
package struct BootRecord: Hashable, Sendable {
    package let bootID: GUID
    package let startUSN: USN

    package init(bootID: GUID, startUSN: USN) {
        self.bootID = bootID
        self.startUSN = startUSN
    }
}

/// What every replication message says about its sender.
package struct MessageHeader: Hashable, Sendable {
    package var dsaGUID: GUID
    package var invocationID: GUID
    /// Newest first, at most `ReplicationLimits.bootRecordsMax`.
    package var bootRecords: [BootRecord]
    /// The objectGUID of the NC's head.
    package var namingContext: GUID

    package init(dsaGUID: GUID, invocationID: GUID, bootRecords: [BootRecord], namingContext: GUID) {
        self.dsaGUID = dsaGUID
        self.invocationID = invocationID
        self.bootRecords = bootRecords
        self.namingContext = namingContext
    }
}

/// Whether a replica holds every attribute or the partial attribute set, known by its digest.
package enum ReplicaKind: Hashable, Sendable {
    case full
    /// First 16 octets of SHA-256 over the sorted attribute OIDs (each length-prefixed by one octet).
    case partial(digest: [UInt8])
}

/// "Give me what I lack": the destination's pull.
package struct ChangesRequest: Hashable, Sendable {
    package var header: MessageHeader
    package var requestID: GUID
    /// Grows with every new request of one (destination, source, NC); a source ignores lower ones.
    package var sequence: UInt64
    /// The invocationID that `received` belongs to; nil before the first contact.
    package var sourceInvocationID: GUID?
    package var received: ReceivedIntervals
    package var vector: UpToDatenessVector
    /// While the PAS grows: what was added, and how far that is complete.
    package var addedAttributes: [OID]
    package var addedVector: UpToDatenessVector
    package var collected: [GUID: USN]
    package var isJoining: Bool
    package var replica: ReplicaKind
    /// The sorted PAS itself, sent when the source answered "PAS unknown".
    package var partialAttributes: [OID]?
    package var partBytesMax: Int
    package var partObjectsMax: Int
    /// How many parts may be in flight.
    package var credit: Int
    /// A full replica takes back from a partial one what it lost; the parts move no cursors.
    package var isRecovery = false

    package init(
        header: MessageHeader,
        requestID: GUID,
        sequence: UInt64,
        sourceInvocationID: GUID?,
        received: ReceivedIntervals,
        vector: UpToDatenessVector,
        addedAttributes: [OID] = [],
        addedVector: UpToDatenessVector = .init(),
        collected: [GUID: USN] = [:],
        isJoining: Bool,
        replica: ReplicaKind,
        partialAttributes: [OID]? = nil,
        partBytesMax: Int,
        partObjectsMax: Int,
        credit: Int
    ) {
        self.header = header
        self.requestID = requestID
        self.sequence = sequence
        self.sourceInvocationID = sourceInvocationID
        self.received = received
        self.vector = vector
        self.addedAttributes = addedAttributes
        self.addedVector = addedVector
        self.collected = collected
        self.isJoining = isJoining
        self.replica = replica
        self.partialAttributes = partialAttributes
        self.partBytesMax = partBytesMax
        self.partObjectsMax = partObjectsMax
        self.credit = credit
    }
}

/// One part of an answer: everything the destination lacked in one interval of the source's USNs.
package struct ChangesReply: Hashable, Sendable {
    package var header: MessageHeader
    package var requestID: GUID
    /// (from, to] in the source's USN space.
    package var interval: USNInterval
    /// The source's highest USN in the snapshot that the part was cut from.
    package var asOf: USN
    /// The source's vector in that snapshot.
    package var vector: UpToDatenessVector
    package var addedVector: UpToDatenessVector?
    package var collected: [GUID: USN]
    /// The PAS the part was cut with; `.full` when nothing was filtered by attribute.
    package var cutFor: ReplicaKind
    /// The source knows the partial attribute set by the list in the request alone: send it again.
    package var needsPartialAttributes: Bool
    /// The table that `objects` and `links` index.
    package var attributes: [OID]
    package var objects: [ReplicatedObject]
    package var links: [ReplicatedLink]
    /// For people only: 1-based.
    package var partNumber: Int
    /// For people only.
    package var isLast: Bool

    package init(
        header: MessageHeader,
        requestID: GUID,
        interval: USNInterval,
        asOf: USN,
        vector: UpToDatenessVector,
        addedVector: UpToDatenessVector? = nil,
        collected: [GUID: USN] = [:],
        cutFor: ReplicaKind,
        needsPartialAttributes: Bool = false,
        attributes: [OID] = [],
        objects: [ReplicatedObject] = [],
        links: [ReplicatedLink] = [],
        partNumber: Int,
        isLast: Bool
    ) {
        self.header = header
        self.requestID = requestID
        self.interval = interval
        self.asOf = asOf
        self.vector = vector
        self.addedVector = addedVector
        self.collected = collected
        self.cutFor = cutFor
        self.needsPartialAttributes = needsPartialAttributes
        self.attributes = attributes
        self.objects = objects
        self.links = links
        self.partNumber = partNumber
        self.isLast = isLast
    }
}

/// The notice that an NC has news up to a USN of the sender.
package struct Poke: Hashable, Sendable {
    package var header: MessageHeader
    package var usn: USN

    package init(header: MessageHeader, usn: USN) {
        self.header = header
        self.usn = usn
    }
}

/// Why a source does not answer with changes.
package enum ReplicationErrorCode: UInt8, Hashable, Sendable, CaseIterable {
    case unknownNamingContext = 1
    case notAPartner = 2
    case disabled = 3
    case partialAttributeSetUnknown = 4
    case rollbackSuspected = 5
    case fullOverMailRefused = 6
    case collectedNotCovered = 7
}

package struct ErrorReply: Hashable, Sendable {
    package var header: MessageHeader
    package var requestID: GUID?
    package var code: ReplicationErrorCode
    /// For people; at most `ReplicationLimits.errorTextOctetsMax`.
    package var text: String
    /// With `rollbackSuspected`: what the receiver needs in order to judge and to cure itself.
    package var suspicion: RollbackSuspicion?

    package init(
        header: MessageHeader,
        requestID: GUID?,
        code: ReplicationErrorCode,
        text: String,
        suspicion: RollbackSuspicion? = nil
    ) {
        self.header = header
        self.requestID = requestID
        self.code = code
        self.text = text
        self.suspicion = suspicion
    }
}

package enum ReplicationMessage: Hashable, Sendable {
    case request(ChangesRequest)
    case reply(ChangesReply)
    case poke(Poke)
    case error(ErrorReply)

    package var header: MessageHeader {
        switch self {
        case .request(let message): message.header
        case .reply(let message): message.header
        case .poke(let message): message.header
        case .error(let message): message.header
        }
    }
}
