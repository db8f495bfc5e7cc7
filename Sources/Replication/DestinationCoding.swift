import DirectoryModel
import Identifiers

/// Limits of a stored destination; the database is ours, but a damaged one must not trap.
private enum StoredLimits {
    static let sourcesMax = 65_536
    static let cursorsMax = 524_288
    static let requestsMax = 2_097_152
    static let retiredMax = 1_048_576
}

extension Destination {
    /// The first octet of the stored form.
    private static let formatVersion: UInt8 = 3

    /// The form in the database; equal destinations give equal octets.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.octet(Self.formatVersion)
        writer.guid(namingContext)
        writer.bool(isPartial)
        writer.bool(hasJoined)
        writer.optional(joinSource) { $0.guid($1) }
        writer.optional(joinStarted) { $0.timestamp($1) }
        writer.optional(joinStart) { writer, start in
            writer.usn(start.asOf)
            writer.vector(start.vector)
        }
        writer.bool(isResyncing)
        writer.vector(vector)
        writer.collected(collected)
        writer.count(sources.count)
        for source in sources { writer.source(source) }
        writer.count(cursors.count)
        for cursor in cursors { writer.cursor(cursor) }
        writer.count(requests.count)
        for request in requests { writer.outstanding(request) }
        writer.retired(retired)
        writer.optional(partialSet) { writer, set in
            writer.oids(set.attributes)
            writer.oids(set.added)
            writer.vector(set.addedVector)
        }
        return writer.octets
    }

    package init(encoded octets: [UInt8]) throws(CodecError) {
        var reader = ByteReader(octets)
        let version = try reader.octet()
        guard version == Self.formatVersion else {
            throw .malformed("stored destination of format \(version)")
        }
        self.init(namingContext: try reader.guid(), isPartial: try reader.bool())
        hasJoined = try reader.bool()
        joinSource = try reader.optional { reader throws(CodecError) in try reader.guid() }
        joinStarted = try reader.optional { reader throws(CodecError) in try reader.timestamp() }
        joinStart = try reader.optional { reader throws(CodecError) in
            JoinStart(asOf: try reader.usn(), vector: try reader.vector())
        }
        isResyncing = try reader.bool()
        vector = try reader.vector()
        collected = try reader.collected()
        for _ in 0..<(try reader.count(max: StoredLimits.sourcesMax, "number of sources")) {
            sources.append(try reader.source())
        }
        for _ in 0..<(try reader.count(max: StoredLimits.cursorsMax, "number of cursors")) {
            cursors.append(try reader.cursor())
        }
        for _ in 0..<(try reader.count(max: StoredLimits.requestsMax, "number of requests")) {
            requests.append(try reader.outstanding())
        }
        retired = try reader.retired()
        partialSet = try reader.optional { reader throws(CodecError) in
            var set = PartialSet(try reader.oids())
            (set.added, set.addedVector) = (try reader.oids(), try reader.vector())
            return set
        }
        try reader.finish("the stored destination")
    }
}

extension ByteWriter {
    fileprivate mutating func optional<Value>(_ value: Value?, _ write: (inout ByteWriter, Value) -> Void) {
        bool(value != nil)
        if let value { write(&self, value) }
    }

    fileprivate mutating func source(_ source: SourceRecord) {
        guid(source.sourceDSA)
        varint(source.sequence)
        varint(source.newestAnsweredSequence)
        optional(source.invocationID) { $0.guid($1) }
        optional(source.lastAttempt) { $0.timestamp($1) }
        optional(source.lastFailure) { writer, failure in
            writer.octet(failure.code.rawValue)
            writer.text(failure.text)
            writer.timestamp(failure.at)
        }
        count(source.roundTrips.count)
        for seconds in source.roundTrips { signed(seconds) }
        optional(source.rememberedPoke) { writer, poke in
            writer.guid(poke.invocationID)
            writer.usn(poke.usn)
        }
        bool(source.wantsPartialAttributes)
    }

    fileprivate mutating func cursor(_ cursor: SourceCursor) {
        guid(cursor.sourceDSA)
        guid(cursor.invocationID)
        intervals(cursor.received)
        count(cursor.vectors.count)
        for seen in cursor.vectors {
            usn(seen.asOf)
            vector(seen.vector)
            optional(seen.addedVector) { $0.vector($1) }
            collected(seen.collected)
        }
        usn(cursor.newestAsOf)
        usn(cursor.newestAdoptedAsOf)
        optional(cursor.lastSuccess) { $0.timestamp($1) }
    }

    fileprivate mutating func outstanding(_ request: OutstandingRequest) {
        guid(request.requestID)
        varint(request.sequence)
        guid(request.sourceDSA)
        optional(request.sourceInvocationID) { $0.guid($1) }
        timestamp(request.sentAt)
        timestamp(request.expires)
        signed(Int64(request.credit))
        replica(request.replica)
        bool(request.isJoining)
        oids(request.addedAttributes)
        count(request.resends)
        timestamp(request.lastSent)
        optional(request.lastPart) { $0.timestamp($1) }
        count(request.answeredParts)
        bool(request.isSettled)
        optional(request.request) { $0.lengthPrefixed(ReplicationCodec.encode(.request($1))) }
    }
}

extension ByteWriter {
    fileprivate mutating func retired(_ retired: [GUID: Retirement]) {
        count(retired.count)
        for (invocationID, life) in retired.sorted(by: { $0.key < $1.key }) {
            guid(invocationID)
            usn(life.keptUSN)
            bool(life.isReused)
            bool(life.isSettled)
        }
    }
}

extension ByteReader {
    fileprivate mutating func retired() throws(CodecError) -> [GUID: Retirement] {
        var retired: [GUID: Retirement] = [:]
        let count = try count(max: StoredLimits.retiredMax, octetsPerItem: 19, "number of ended lives")
        for _ in 0..<count {
            let invocationID = try guid()
            retired[invocationID] = Retirement(
                keptUSN: try usn(),
                isReused: try bool(),
                isSettled: try bool()
            )
        }
        return retired
    }
}

extension ByteReader {
    fileprivate mutating func optional<Value>(
        _ read: (inout ByteReader) throws(CodecError) -> Value
    ) throws(CodecError) -> Value? {
        try bool() ? try read(&self) : nil
    }

    fileprivate mutating func source() throws(CodecError) -> SourceRecord {
        var source = SourceRecord(sourceDSA: try guid())
        source.sequence = try varint()
        source.newestAnsweredSequence = try varint()
        source.invocationID = try optional { reader throws(CodecError) in try reader.guid() }
        source.lastAttempt = try optional { reader throws(CodecError) in try reader.timestamp() }
        source.lastFailure = try optional { reader throws(CodecError) in
            let code = try reader.octet()
            guard let code = ReplicationErrorCode(rawValue: code) else {
                throw .malformed("error code \(code)")
            }
            let text = try reader.text(octetsMax: ReplicationLimits.errorTextOctetsMax, "stored error text")
            return SourceFailure(code: code, text: text, at: try reader.timestamp())
        }
        for _ in 0..<(try count(max: SourceRecord.roundTripsMax, "number of round trips")) {
            source.roundTrips.append(try signed())
        }
        source.rememberedPoke = try optional { reader throws(CodecError) in
            .init(invocationID: try reader.guid(), usn: try reader.usn())
        }
        source.wantsPartialAttributes = try bool()
        return source
    }

    fileprivate mutating func cursor() throws(CodecError) -> SourceCursor {
        var cursor = SourceCursor(sourceDSA: try guid(), invocationID: try guid())
        cursor.received = try intervals()
        for _ in 0..<(try count(max: SourceCursor.vectorsMax, "number of vectors seen")) {
            let seen = SeenVector(
                asOf: try usn(),
                vector: try vector(),
                addedVector: try optional { reader throws(CodecError) in try reader.vector() },
                collected: try collected()
            )
            cursor.vectors.append(seen)
        }
        cursor.newestAsOf = try usn()
        cursor.newestAdoptedAsOf = try usn()
        cursor.lastSuccess = try optional { reader throws(CodecError) in try reader.timestamp() }
        return cursor
    }

    fileprivate mutating func outstanding() throws(CodecError) -> OutstandingRequest {
        OutstandingRequest(
            requestID: try guid(),
            sequence: try varint(),
            sourceDSA: try guid(),
            sourceInvocationID: try optional { reader throws(CodecError) in try reader.guid() },
            sentAt: try timestamp(),
            expires: try timestamp(),
            credit: try smallNumber("credit"),
            replica: try replica(),
            isJoining: try bool(),
            addedAttributes: try oids(),
            resends: try number(0...Int(Int32.max), "number of resends"),
            lastSent: try timestamp(),
            lastPart: try optional { reader throws(CodecError) in try reader.timestamp() },
            answeredParts: try number(0...Int(Int32.max), "number of parts"),
            isSettled: try bool(),
            request: try optional { reader throws(CodecError) in try reader.storedRequest() }
        )
    }

    private mutating func smallNumber(_ item: StaticString) throws(CodecError) -> Int {
        guard let value = Int(exactly: try signed()) else { throw .malformed("\(item) beyond its range") }
        return value
    }

    private mutating func storedRequest() throws(CodecError) -> ChangesRequest {
        let octets = try lengthPrefixed(max: ReplicationLimits.partOctetsMax, "stored request")
        guard case .request(let request) = try ReplicationCodec.decode(octets) else {
            throw .malformed("a stored request that is none")
        }
        return request
    }
}
