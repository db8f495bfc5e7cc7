import Identifiers

/// Messages of the service `compare` as octets, and back: docs/protocol.md is the specification.
///
/// Framing, header and items are those of `ReplicationCodec`; the types go on counting.
package enum ComparisonCodec {
    package enum Message: Hashable, Sendable {
        case request(ComparisonRequest)
        case reply(ComparisonReply)

        package var header: MessageHeader {
            switch self {
            case .request(let request): request.header
            case .reply(let reply): reply.header
            }
        }
    }

    private enum Flag {
        static let settled: UInt8 = 1
        static let tombstone: UInt8 = 2
    }

    /// The GUID and the flags.
    private static let digestOctetsMin = 17

    package static func encode(_ message: Message) -> [UInt8] {
        switch message {
        case .request(let request):
            var fields = ReplicationCodec.start(.comparisonRequest, request.header)
            fields.field(.requestID) { $0.guid(request.requestID) }
            fields.field(.vector) { $0.vector(request.vector) }
            fields.field(.replica) { $0.replica(request.replica) }
            return fields.message.octets
        case .reply(let reply):
            var fields = ReplicationCodec.start(.comparisonReply, reply.header)
            fields.field(.requestID) { $0.guid(reply.requestID) }
            fields.field(.vector) { $0.vector(reply.vector) }
            fields.field(.replica) { $0.replica(reply.replica) }
            fields.field(.partNumber) { $0.count(reply.partNumber) }
            if let refusal = reply.refusal {
                fields.field(.errorText) { $0.text(ReplicationCodec.beginning(of: refusal)) }
            }
            fields.field(.parts) { $0.count(reply.parts) }
            fields.field(.digests) { writer in
                writer.count(reply.digests.count)
                for digest in reply.digests { write(digest, to: &writer) }
            }
            return fields.message.octets
        }
    }

    package static func decode(_ octets: [UInt8]) throws(CodecError) -> Message {
        let (type, fields) = try ReplicationCodec.opened(octets)
        switch type {
        case .comparisonRequest:
            return .request(
                ComparisonRequest(
                    header: try ReplicationCodec.decodeHeader(fields),
                    requestID: try fields.guid(.requestID),
                    vector: try vector(fields),
                    replica: try replica(fields)
                )
            )
        case .comparisonReply:
            return .reply(
                ComparisonReply(
                    header: try ReplicationCodec.decodeHeader(fields),
                    requestID: try fields.guid(.requestID),
                    vector: try vector(fields),
                    replica: try replica(fields),
                    partNumber: try number(.partNumber, fields),
                    parts: try number(.parts, fields),
                    digests: try fields.required(.digests) { reader throws(CodecError) in
                        try digests(&reader)
                    },
                    refusal: try fields.optional(.errorText) { reader throws(CodecError) in
                        try reader.text(
                            octetsMax: ReplicationLimits.errorTextOctetsMax,
                            "length of a refusal's text"
                        )
                    }
                )
            )
        case .request, .reply, .poke, .error:
            throw .malformed("message type \(type.rawValue) is no comparison")
        }
    }

    private static func vector(_ fields: FieldTable) throws(CodecError) -> UpToDatenessVector {
        try fields.required(.vector) { reader throws(CodecError) in try reader.vector() }
    }

    private static func replica(_ fields: FieldTable) throws(CodecError) -> ReplicaKind {
        try fields.required(.replica) { reader throws(CodecError) in try reader.replica() }
    }

    private static func number(_ tag: FieldTag, _ fields: FieldTable) throws(CodecError) -> Int {
        try fields.number(tag, 1...ReplicationLimits.comparisonPartsMax, "parts of a comparison")
    }

    private static func write(_ digest: ObjectDigest, to writer: inout ByteWriter) {
        writer.guid(digest.objectGUID)
        writer.octet(
            (digest.digest == nil ? 0 : Flag.settled) | (digest.isTombstone ? Flag.tombstone : 0)
        )
        guard let value = digest.digest else { return }
        for shift in stride(from: 56, through: 0, by: -8) {
            writer.octet(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    private static func digests(_ reader: inout ByteReader) throws(CodecError) -> [ObjectDigest] {
        let count = try reader.count(
            max: ReplicationLimits.comparisonObjectsMax,
            octetsPerItem: digestOctetsMin,
            "digests of a part"
        )
        var digests: [ObjectDigest] = []
        digests.reserveCapacity(count)
        for _ in 0..<count {
            let guid = try reader.guid()
            if let last = digests.last, last.objectGUID >= guid {
                throw .malformed("digests that do not ascend")
            }
            let flags = try reader.octet()
            guard flags & ~(Flag.settled | Flag.tombstone) == 0 else {
                throw .malformed("flags \(flags) of a digest")
            }
            var value: UInt64?
            if flags & Flag.settled != 0 {
                var octets: UInt64 = 0
                for _ in 0..<ObjectDigest.octets { octets = octets << 8 | UInt64(try reader.octet()) }
                value = octets
            }
            digests.append(
                ObjectDigest(objectGUID: guid, digest: value, isTombstone: flags & Flag.tombstone != 0)
            )
        }
        return digests
    }
}
