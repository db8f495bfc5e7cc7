package import Identifiers

/// Asks how the values of an object came here.
package struct WhyQuery: Codable, Hashable, Sendable {
    package var target: ObjectTarget
    /// Nil = all.
    package var attribute: String?
    /// Answer with the values, too; targets of links always show.
    package var values: Bool

    package init(target: ObjectTarget, attribute: String? = nil, values: Bool = false) {
        self.target = target
        self.attribute = attribute
        self.values = values
    }
}

package struct WhyReply: Codable, Hashable, Sendable {
    package var dn: String
    package var objectGUID: GUID
    /// The lowest local USN whose part is remembered; nil when none is.
    package var recordBegins: USN?
    package var values: [ValueOrigin]
    /// What the values came with, each once.
    package var parts: [PartOriginReply]

    package init(
        dn: String,
        objectGUID: GUID,
        recordBegins: USN? = nil,
        values: [ValueOrigin],
        parts: [PartOriginReply]
    ) {
        self.dn = dn
        self.objectGUID = objectGUID
        self.recordBegins = recordBegins
        self.values = values
        self.parts = parts
    }
}

/// An attribute, or one value of a linked attribute: who wrote it, and how that came.
package struct ValueOrigin: Codable, Hashable, Sendable {
    package enum Way: String, Codable, Hashable, Sendable {
        /// Written at this DSA.
        case here
        /// It came with `part`.
        case part
        /// It came before the record of parts begins.
        case unrecorded
    }

    package var name: String
    /// Of a link: DN of the target, or its GUID when it is not here.
    package var target: String?
    package var isPresent: Bool?
    /// Nil unless asked for.
    package var values: [AttributeValue]?
    package var version: UInt32
    /// Of the write, by the writer's clock.
    package var time: Timestamp
    package var invocationID: GUID
    /// Whose database that is.
    package var server: String?
    package var originatingUSN: USN
    package var localUSN: USN
    package var way: Way
    /// Index in `parts`.
    package var part: Int?
    /// From the write to its being applied here, by two clocks.
    package var delaySeconds: Int64?

    package init(
        name: String,
        target: String? = nil,
        isPresent: Bool? = nil,
        values: [AttributeValue]? = nil,
        version: UInt32,
        time: Timestamp,
        invocationID: GUID,
        server: String? = nil,
        originatingUSN: USN,
        localUSN: USN,
        way: Way,
        part: Int? = nil,
        delaySeconds: Int64? = nil
    ) {
        self.name = name
        self.target = target
        self.isPresent = isPresent
        self.values = values
        self.version = version
        self.time = time
        self.invocationID = invocationID
        self.server = server
        self.originatingUSN = originatingUSN
        self.localUSN = localUSN
        self.way = way
        self.part = part
        self.delaySeconds = delaySeconds
    }
}

/// A part of a partner's answer that was applied here.
package struct PartOriginReply: Codable, Hashable, Sendable {
    package var source: String
    package var sourceGUID: GUID
    package var namingContext: String
    /// In the source's USNs, `from` excluded.
    package var interval: IntervalReply
    package var requestID: GUID
    /// Local USNs that it took.
    package var firstLocalUSN: USN
    package var lastLocalUSN: USN
    package var applied: Timestamp
    package var isMedia: Bool
    /// Nil for media.
    package var mail: CarrierReply?

    package init(
        source: String,
        sourceGUID: GUID,
        namingContext: String,
        interval: IntervalReply,
        requestID: GUID,
        firstLocalUSN: USN,
        lastLocalUSN: USN,
        applied: Timestamp,
        isMedia: Bool,
        mail: CarrierReply? = nil
    ) {
        self.source = source
        self.sourceGUID = sourceGUID
        self.namingContext = namingContext
        self.interval = interval
        self.requestID = requestID
        self.firstLocalUSN = firstLocalUSN
        self.lastLocalUSN = lastLocalUSN
        self.applied = applied
        self.isMedia = isMedia
        self.mail = mail
    }
}

/// The mail that brought a part; what relays wrote into it is not authenticated.
package struct CarrierReply: Codable, Hashable, Sendable {
    /// The file's name without extension.
    package var id: String
    package var transport: String
    /// The message's own id.
    package var messageID: GUID
    /// The `Message-ID` field of the mail.
    package var messageIDField: String?
    package var sent: Timestamp
    package var received: Timestamp
    /// Oldest first; the first one's delay counts from `sent`.
    package var hops: [MailHopReply]
    /// Older hops that are not remembered.
    package var omittedHops: Int

    package init(
        id: String,
        transport: String,
        messageID: GUID,
        messageIDField: String? = nil,
        sent: Timestamp,
        received: Timestamp,
        hops: [MailHopReply],
        omittedHops: Int = 0
    ) {
        self.id = id
        self.transport = transport
        self.messageID = messageID
        self.messageIDField = messageIDField
        self.sent = sent
        self.received = received
        self.hops = hops
        self.omittedHops = omittedHops
    }
}
