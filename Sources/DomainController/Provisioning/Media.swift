import DirectoryModel
package import Identifiers
import Replication
import SecureMail
package import Store

/// What media says of itself; the creating DSA signs it with the rest.
package struct MediaHeader: Codable, Hashable, Sendable {
    package struct Context: Codable, Hashable, Sendable {
        package var guid: GUID
        package var dn: String
        /// Cut as far as the partial attribute set goes.
        package var isPartial: Bool
    }

    package var forest: GUID
    package var forestName: String
    package var created: Timestamp
    package var creatorGUID: GUID
    package var creator: String
    /// Older media cannot tell what was deleted since.
    package var tombstoneLifetimeDays: Int
    package var namingContexts: [Context]
}

/// The layout of a media file.
///
/// `magic`, then frames of a length in 4 octets (most significant first) and so many octets: the header as JSON,
/// the parts (a ChangesReply each, one gzip member), an empty frame, and a SignedData of `MediaFormat.signed` over
/// the SHA-256 of all octets before it. A reader holds one frame at a time.
enum MediaFormat {
    /// The last figure grows when an older reader could not load the file.
    static let magic = Array("bridgehead media 1\n".utf8)
    static let headerOctetsMax = 1 << 20
    /// A part is at most `ReplicationLimits.partOctetsMax` before it is compressed.
    static let frameOctetsMax = ReplicationLimits.partOctetsMax + (64 << 10)
    static let signatureOctetsMax = 64 << 10
    /// Inflated octets per compressed octet of a part.
    static let ratioMax = 1_000
    /// Octets that a new part is closed at.
    static let partTargetOctets = 4 << 20
    static let partTargetObjects = 5_000

    static func frame(_ octets: [UInt8]) -> [UInt8] {
        let count = UInt32(clamping: octets.count)
        return (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + octets
    }

    /// The signed text: nothing else that a DSA signs looks like it.
    static func signed(_ digest: [UInt8]) -> [UInt8] {
        let hex = digest.map { octet in
            let text = String(octet, radix: 16)
            return text.count == 1 ? "0" + text : text
        }
        return Array("bridgehead-media sha256=\(hex.joined())\n".utf8)
    }
}

/// Cuts whole naming contexts into parts that an empty replica takes as an answered request.
package struct MediaWriter: Sendable {
    let store: DirectoryStore
    let partialAttributes: PartialAttributes
    /// Objects and link values of one part.
    var partObjects = MediaFormat.partTargetObjects

    package init(store: DirectoryStore, partialAttributes: PartialAttributes) {
        (self.store, self.partialAttributes) = (store, partialAttributes)
    }

    /// Calls `each` with every part, encoded and compressed, in the order of the naming contexts.
    ///
    /// One part is in memory at a time. A domain is cut as far as the partial attribute set goes.
    package func parts(
        of contexts: [HeldNamingContext],
        in snapshot: StoreSnapshot,
        at now: Timestamp,
        requestID: GUID,
        _ each: ([UInt8]) throws -> Void
    ) throws {
        let identity = store.identity
        for context in contexts {
            let header = MessageHeader(
                dsaGUID: identity.dsaGUID,
                invocationID: identity.invocationID,
                bootRecords: store.bootRecords,
                namingContext: context.guid
            )
            let asOf = try snapshot.highestUSN()
            let vector = try snapshot.vector(of: context.guid, at: now)
            let collected = try snapshot.collected(of: context.guid)
            let isPartial = context.role == .domain
            var received = ReceivedIntervals()
            // One cycle cuts no more parts than its credit; the next goes on where it ended.
            repeat {
                var request = Self.request(header, requestID: requestID)
                request.received = received
                request.partObjectsMax = partObjects
                request.replica = isPartial ? .partial(digest: partialAttributes.digest) : .full
                var cycle = SourceCycle(
                    request: request,
                    header: header,
                    asOf: asOf,
                    vector: vector,
                    collected: collected,
                    partialAttributes: isPartial ? Set(partialAttributes.sorted) : nil
                )
                func take(_ parts: [ChangesReply]) throws {
                    for part in parts {
                        received.insert(part.interval, asOf: part.asOf)
                        try each(Gzip.deflate(ReplicationCodec.encode(.reply(part))))
                    }
                }
                for range in cycle.ranges where cycle.wantsMore {
                    try snapshot.changes(of: context.guid, in: range) { item in
                        try take(cycle.offer(item))
                        return cycle.wantsMore
                    }
                }
                try take(cycle.finish())
            } while received.contiguousPrefix < asOf
        }
    }

    static func request(_ header: MessageHeader, requestID: GUID) -> ChangesRequest {
        ChangesRequest(
            header: header,
            requestID: requestID,
            sequence: 0,
            sourceInvocationID: header.invocationID,
            received: ReceivedIntervals(),
            vector: UpToDatenessVector(),
            isJoining: true,
            replica: .full,
            partBytesMax: MediaFormat.partTargetOctets,
            partObjectsMax: MediaFormat.partTargetObjects,
            credit: .max
        )
    }
}
