import Identifiers

/// Messages as octets, and back: docs/protocol.md is the specification.
///
/// A message: type, major and minor version, one octet each, then fields (tag, length, content) with ascending
/// tags. The same message always gives the same octets.
package enum ReplicationCodec {
    /// A receiver refuses a higher one.
    package static let majorVersion: UInt8 = 1
    /// Grows with fields that an older receiver may skip.
    package static let minorVersion: UInt8 = 0

    enum MessageType: UInt8 {
        case request = 1
        case reply = 2
        case poke = 3
        case error = 4
        /// Of `ComparisonCodec`.
        case comparisonRequest = 5
        case comparisonReply = 6
    }

    /// Writes a message.
    ///
    /// The attribute table of a reply and the attributes of its objects leave sorted by OID, whatever their
    /// order was. Of more than `bootRecordsMax` boot records the newest go, of a longer text its beginning.
    package static func encode(_ message: ReplicationMessage) -> [UInt8] {
        switch message {
        case .request(let request): encode(request)
        case .reply(let reply): encode(reply)
        case .poke(let poke): encode(poke)
        case .error(let error): encode(error)
        }
    }

    /// Reads a message; fields that it does not know are skipped.
    package static func decode(_ octets: [UInt8]) throws(CodecError) -> ReplicationMessage {
        let (type, fields) = try opened(octets)
        switch type {
        case .request: return .request(try decodeRequest(fields))
        case .reply: return .reply(try decodeReply(fields))
        case .poke: return .poke(Poke(header: try decodeHeader(fields), usn: try fields.usn(.usn)))
        case .error: return .error(try decodeError(fields))
        case .comparisonRequest, .comparisonReply:
            throw .malformed("message type \(type.rawValue) belongs to a comparison")
        }
    }

    /// Checks size, type and version, and finds the fields.
    static func opened(_ octets: [UInt8]) throws(CodecError) -> (type: MessageType, fields: FieldTable) {
        guard octets.count <= ReplicationLimits.partOctetsMax else {
            throw .tooLarge(
                item: "octets of a message",
                value: UInt64(octets.count),
                max: ReplicationLimits.partOctetsMax
            )
        }
        var reader = ByteReader(octets)
        let type = try reader.octet()
        let major = try reader.octet()
        _ = try reader.octet()
        guard major <= majorVersion else { throw .incompatible(major: Int(major)) }
        guard major > 0 else { throw .malformed("major version 0") }
        guard let type = MessageType(rawValue: type) else { throw .malformed("message type \(type)") }
        return (type, try FieldTable(reader))
    }

    // MARK: - Start and header

    static func start(_ type: MessageType, _ header: MessageHeader, reservingOctets: Int = 512) -> FieldWriter
    {
        var writer = ByteWriter(reservingOctets: reservingOctets)
        writer.octet(type.rawValue)
        writer.octet(majorVersion)
        writer.octet(minorVersion)
        var fields = FieldWriter(writer)
        fields.field(.dsaGUID) { $0.guid(header.dsaGUID) }
        fields.field(.invocationID) { $0.guid(header.invocationID) }
        fields.field(.namingContext) { $0.guid(header.namingContext) }
        fields.field(.bootRecords) { $0.bootRecords(header.bootRecords) }
        return fields
    }

    static func decodeHeader(_ fields: FieldTable) throws(CodecError) -> MessageHeader {
        MessageHeader(
            dsaGUID: try fields.guid(.dsaGUID),
            invocationID: try fields.guid(.invocationID),
            bootRecords: try fields.required(.bootRecords) { reader throws(CodecError) in
                try reader.bootRecords()
            },
            namingContext: try fields.guid(.namingContext)
        )
    }

    // MARK: - Poke and error

    private static func encode(_ poke: Poke) -> [UInt8] {
        var fields = start(.poke, poke.header)
        fields.field(.usn) { $0.usn(poke.usn) }
        return fields.message.octets
    }

    private static func encode(_ error: ErrorReply) -> [UInt8] {
        var fields = start(.error, error.header)
        if let requestID = error.requestID { fields.field(.requestID) { $0.guid(requestID) } }
        fields.field(.errorCode) { $0.octet(error.code.rawValue) }
        fields.field(.errorText) { $0.text(beginning(of: error.text)) }
        if let suspicion = error.suspicion { encode(suspicion, to: &fields) }
        return fields.message.octets
    }

    private static func decodeError(_ fields: FieldTable) throws(CodecError) -> ErrorReply {
        let code = try fields.required(.errorCode) { reader throws(CodecError) in try reader.octet() }
        guard let code = ReplicationErrorCode(rawValue: code) else { throw .malformed("error code \(code)") }
        return ErrorReply(
            header: try decodeHeader(fields),
            requestID: try fields.optional(.requestID) { reader throws(CodecError) in try reader.guid() },
            code: code,
            text: try fields.required(.errorText) { reader throws(CodecError) in
                try reader.text(octetsMax: ReplicationLimits.errorTextOctetsMax, "length of an error's text")
            },
            suspicion: try decodeSuspicion(fields)
        )
    }

    private static func encode(_ suspicion: RollbackSuspicion, to fields: inout FieldWriter) {
        fields.field(.suspicionReason) { $0.octet(suspicion.reason.rawValue) }
        fields.field(.suspectedInvocation) { $0.guid(suspicion.invocationID) }
        fields.field(.suspectedBoot) {
            $0.guid(suspicion.boot.bootID)
            $0.usn(suspicion.boot.startUSN)
        }
        if let missing = suspicion.missingBoot { fields.field(.missingBoot) { $0.guid(missing) } }
        fields.field(.knownUSN) { $0.usn(suspicion.knownUSN) }
    }

    /// Nil without a reason, or with one that a later version gives.
    private static func decodeSuspicion(_ fields: FieldTable) throws(CodecError) -> RollbackSuspicion? {
        let octet = try fields.optional(.suspicionReason) { reader throws(CodecError) in try reader.octet() }
        guard let reason = octet.flatMap(RollbackSuspicion.Reason.init(rawValue:)) else { return nil }
        return RollbackSuspicion(
            reason: reason,
            invocationID: try fields.guid(.suspectedInvocation),
            boot: try fields.required(.suspectedBoot) { reader throws(CodecError) in
                BootRecord(bootID: try reader.guid(), startUSN: try reader.usn())
            },
            missingBoot: try fields.optional(.missingBoot) { reader throws(CodecError) in try reader.guid() },
            knownUSN: try fields.usn(.knownUSN)
        )
    }

    /// As many whole characters as the limit allows.
    static func beginning(of text: String) -> String {
        var octetsLeft = ReplicationLimits.errorTextOctetsMax
        return String(
            text.prefix { character in
                octetsLeft -= character.utf8.count
                return octetsLeft >= 0
            }
        )
    }
}
