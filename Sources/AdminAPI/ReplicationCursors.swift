package import Identifiers

/// What this DSA knows to have, per naming context.
package struct ReplicationCursorsReply: Codable, Hashable, Sendable {
    package var namingContexts: [NamingContextCursors]

    package init(
        namingContexts: [NamingContextCursors]
    ) {
        self.namingContexts = namingContexts
    }
}

/// The cursors of one naming context.
package struct NamingContextCursors: Codable, Hashable, Sendable {
    package var namingContext: String
    package var objectGUID: GUID
    package var isPartial: Bool
    /// The up-to-dateness vector.
    package var vector: [VectorRow]
    package var sources: [SourceCursorReply]

    package init(
        namingContext: String,
        objectGUID: GUID,
        isPartial: Bool,
        vector: [VectorRow],
        sources: [SourceCursorReply]
    ) {
        self.namingContext = namingContext
        self.objectGUID = objectGUID
        self.isPartial = isPartial
        self.vector = vector
        self.sources = sources
    }
}

/// Everything that one database originated up to a USN is here.
package struct VectorRow: Codable, Hashable, Sendable {
    package var invocationID: GUID
    /// Nil when no DSA of the configuration has that invocationID.
    package var server: String?
    package var usn: USN
    /// When that was known.
    package var time: Timestamp?

    package init(
        invocationID: GUID,
        server: String? = nil,
        usn: USN,
        time: Timestamp? = nil
    ) {
        self.invocationID = invocationID
        self.server = server
        self.usn = usn
        self.time = time
    }
}

/// What was received of one partner.
package struct SourceCursorReply: Codable, Hashable, Sendable {
    package var partner: String
    package var dsaGUID: GUID
    package var invocationID: GUID?
    /// Ascending, disjoint.
    package var received: [IntervalReply]
    /// End of the contiguous prefix from 0.
    package var highWatermark: USN
    /// `asOf` of the newest vector that was adopted.
    package var newestAdopted: USN?
    package var pendingRequest: GUID?

    package init(
        partner: String,
        dsaGUID: GUID,
        invocationID: GUID? = nil,
        received: [IntervalReply],
        highWatermark: USN,
        newestAdopted: USN? = nil,
        pendingRequest: GUID? = nil
    ) {
        self.partner = partner
        self.dsaGUID = dsaGUID
        self.invocationID = invocationID
        self.received = received
        self.highWatermark = highWatermark
        self.newestAdopted = newestAdopted
        self.pendingRequest = pendingRequest
    }
}

/// A stretch of a source's USNs: above `from`, up to and including `to`.
package struct IntervalReply: Codable, Hashable, Sendable {
    package var from: USN
    package var to: USN
    /// The source's highest USN in the snapshot that it was cut from.
    package var asOf: USN

    package init(
        from: USN,
        to: USN,
        asOf: USN
    ) {
        self.from = from
        self.to = to
        self.asOf = asOf
    }
}
