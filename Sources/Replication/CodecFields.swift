import Identifiers

/// The fields of a message, unique over all message types; they are written ascending.
///
/// Tags 1 to 15 belong to several types. A number is never given a second meaning.
enum FieldTag: UInt64 {
    case dsaGUID = 1
    case invocationID = 2
    case namingContext = 3
    case bootRecords = 4
    case requestID = 5
    case vector = 6
    case addedVector = 7
    case collected = 8
    case replica = 9

    case sequence = 16
    case sourceInvocationID = 17
    case received = 18
    case addedAttributes = 19
    case isJoining = 20
    case partialAttributes = 21
    case partBytesMax = 22
    case partObjectsMax = 23
    case credit = 24
    case isRecovery = 25

    case interval = 32
    case asOf = 33
    case attributeTable = 34
    case invocationTable = 35
    case objects = 36
    case links = 37
    case partNumber = 38
    case isLast = 39
    case needsPartialAttributes = 40

    case usn = 48

    case errorCode = 64
    case errorText = 65
    case suspicionReason = 66
    case suspectedInvocation = 67
    case suspectedBoot = 68
    case missingBoot = 69
    case knownUSN = 70

    case parts = 80
    case digests = 81
}

/// Writes fields: tag, length, content.
struct FieldWriter {
    private(set) var message: ByteWriter

    init(_ start: ByteWriter) { message = start }

    mutating func field(_ tag: FieldTag, _ write: (inout ByteWriter) -> Void) {
        var content = ByteWriter()
        write(&content)
        field(tag, content)
    }

    mutating func field(_ tag: FieldTag, _ content: ByteWriter) {
        message.varint(tag.rawValue)
        message.lengthPrefixed(content.octets)
    }
}

/// Where the fields of a message are; of those it does not know it knows the length.
struct FieldTable {
    private let message: ByteReader
    private var fields: [(tag: UInt64, content: Range<Int>)] = []

    /// Reads to the end of the message; tags must ascend, so that none comes twice.
    init(_ start: ByteReader) throws(CodecError) {
        var reader = start
        while !reader.isAtEnd {
            let tag = try reader.varint()
            if let last = fields.last, last.tag >= tag { throw .malformed("field \(tag) behind \(last.tag)") }
            guard fields.count < ReplicationLimits.fieldsPerMessageMax else {
                throw .tooLarge(
                    item: "number of fields",
                    value: UInt64(fields.count) + 1,
                    max: ReplicationLimits.fieldsPerMessageMax
                )
            }
            let content = try reader.lengthPrefixedRange(
                max: ReplicationLimits.partOctetsMax,
                "length of a field"
            )
            fields.append((tag, content))
        }
        message = start
    }

    /// The whole content of a field, read by `read`; nil when the message lacks it.
    func optional<Value>(
        _ tag: FieldTag,
        _ read: (inout ByteReader) throws(CodecError) -> Value
    ) throws(CodecError) -> Value? {
        guard let field = fields.first(where: { $0.tag == tag.rawValue }) else { return nil }
        var reader = try message.reader(of: field.content)
        let value = try read(&reader)
        guard reader.isAtEnd else {
            throw .malformed("\(reader.remaining) octets too many in field \(tag.rawValue) (\(tag))")
        }
        return value
    }

    func required<Value>(
        _ tag: FieldTag,
        _ read: (inout ByteReader) throws(CodecError) -> Value
    ) throws(CodecError) -> Value {
        guard let value = try optional(tag, read) else {
            throw .malformed("field \(tag.rawValue) (\(tag)) is missing")
        }
        return value
    }

    func guid(_ tag: FieldTag) throws(CodecError) -> GUID {
        try required(tag) { reader throws(CodecError) in try reader.guid() }
    }

    func usn(_ tag: FieldTag) throws(CodecError) -> USN {
        try required(tag) { reader throws(CodecError) in try reader.usn() }
    }

    func bool(_ tag: FieldTag) throws(CodecError) -> Bool {
        try required(tag) { reader throws(CodecError) in try reader.bool() }
    }

    func number(
        _ tag: FieldTag,
        _ range: ClosedRange<Int>,
        _ item: StaticString
    ) throws(CodecError) -> Int {
        try required(tag) { reader throws(CodecError) in try reader.number(range, item) }
    }
}
