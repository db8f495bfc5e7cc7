import DirectoryModel
import Identifiers

extension ReplicationCodec {
    static func encode(_ request: ChangesRequest) -> [UInt8] {
        var fields = start(.request, request.header)
        fields.field(.requestID) { $0.guid(request.requestID) }
        fields.field(.vector) { $0.vector(request.vector) }
        if !request.addedVector.entries.isEmpty {
            fields.field(.addedVector) { $0.vector(request.addedVector) }
        }
        if !request.collected.isEmpty { fields.field(.collected) { $0.collected(request.collected) } }
        fields.field(.replica) { $0.replica(request.replica) }
        fields.field(.sequence) { $0.varint(request.sequence) }
        if let invocationID = request.sourceInvocationID {
            fields.field(.sourceInvocationID) { $0.guid(invocationID) }
        }
        fields.field(.received) { $0.intervals(request.received) }
        if !request.addedAttributes.isEmpty {
            fields.field(.addedAttributes) { $0.oids(request.addedAttributes) }
        }
        fields.field(.isJoining) { $0.bool(request.isJoining) }
        if let attributes = request.partialAttributes {
            fields.field(.partialAttributes) { $0.oids(attributes) }
        }
        fields.field(.partBytesMax) { $0.count(request.partBytesMax) }
        fields.field(.partObjectsMax) { $0.count(request.partObjectsMax) }
        fields.field(.credit) { $0.count(request.credit) }
        if request.isRecovery { fields.field(.isRecovery) { $0.bool(true) } }
        return fields.message.octets
    }

    static func decodeRequest(_ fields: FieldTable) throws(CodecError) -> ChangesRequest {
        var request = ChangesRequest(
            header: try decodeHeader(fields),
            requestID: try fields.guid(.requestID),
            sequence: try fields.required(.sequence) { reader throws(CodecError) in try reader.varint() },
            sourceInvocationID: try fields.optional(.sourceInvocationID) { reader throws(CodecError) in
                try reader.guid()
            },
            received: try fields.required(.received) { reader throws(CodecError) in try reader.intervals() },
            vector: try fields.required(.vector) { reader throws(CodecError) in try reader.vector() },
            addedAttributes: try fields.optional(.addedAttributes) { reader throws(CodecError) in
                try reader.oids()
            } ?? [],
            addedVector: try fields.optional(.addedVector) { reader throws(CodecError) in
                try reader.vector()
            } ?? .init(),
            collected: try fields.optional(.collected) { reader throws(CodecError) in
                try reader.collected()
            } ?? [:],
            isJoining: try fields.bool(.isJoining),
            replica: try fields.required(.replica) { reader throws(CodecError) in try reader.replica() },
            partialAttributes: try fields.optional(.partialAttributes) { reader throws(CodecError) in
                try reader.oids()
            },
            partBytesMax: try fields.number(
                .partBytesMax,
                1...ReplicationLimits.requestedOctetsMax,
                "octets asked for per part"
            ),
            partObjectsMax: try fields.number(
                .partObjectsMax,
                1...ReplicationLimits.requestedObjectsMax,
                "objects asked for per part"
            ),
            credit: try fields.number(
                .credit,
                1...ReplicationLimits.creditPartsMax,
                "parts asked for in flight"
            )
        )
        request.isRecovery =
            try fields.optional(.isRecovery) { reader throws(CodecError) in try reader.bool() } ?? false
        return request
    }
}
