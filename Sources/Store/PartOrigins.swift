import GRDB
package import Identifiers
package import Replication

/// One server's account of taking a mail.
package struct CarrierHop: Hashable, Sendable {
    package var from: String?
    package var by: String?
    package var with: String?
    package var id: String?
    package var time: Timestamp?

    package init(from: String?, by: String?, with: String?, id: String?, time: Timestamp?) {
        (self.from, self.by, self.with, self.id, self.time) = (from, by, with, id, time)
    }
}

/// The message that brought a part.
package struct PartCarrier: Hashable, Sendable {
    /// The message's own id, which its sender signed.
    package var messageID: GUID
    package var transport: String
    /// The mail's file below `mailroot/`, without extension.
    package var fileID: String
    /// The `Message-ID` field; like the hops, not authenticated.
    package var messageIDField: String?
    /// When the sender sealed it.
    package var sent: Timestamp
    package var received: Timestamp
    /// Oldest first.
    package var hops: [CarrierHop]
    /// Older hops that are not kept.
    package var omittedHops: Int

    package init(
        messageID: GUID,
        transport: String,
        fileID: String,
        messageIDField: String?,
        sent: Timestamp,
        received: Timestamp,
        hops: [CarrierHop],
        omittedHops: Int
    ) {
        self.messageID = messageID
        self.transport = transport
        self.fileID = fileID
        self.messageIDField = messageIDField
        self.sent = sent
        self.received = received
        self.hops = hops
        self.omittedHops = omittedHops
    }
}

/// Where the local USNs first...last came from.
package struct PartOrigin: Hashable, Sendable {
    package var first: USN
    package var last: USN
    package var namingContext: GUID
    package var source: GUID
    package var invocationID: GUID
    package var interval: USNInterval
    package var asOf: USN
    package var requestID: GUID
    package var applied: Timestamp
    package var isMedia: Bool
    /// Nil for media.
    package var carrier: PartCarrier?
}

extension PartOrigin {
    /// Parts remembered; the oldest is forgotten.
    package static let entriesMax: Int64 = 32_768
    /// Octets of one record; the oldest hops are left out of a longer one.
    package static let recordOctetsMax = 2_048
    /// Octets of one text in a record.
    static let textOctetsMax = 256

    func encoded() -> [UInt8] {
        var shortened = self
        var octets = shortened.octets
        while octets.count > Self.recordOctetsMax, shortened.carrier?.hops.isEmpty == false {
            shortened.carrier?.hops.removeFirst()
            shortened.carrier?.omittedHops += 1
            octets = shortened.octets
        }
        return octets
    }

    private var octets: [UInt8] {
        var writer = ByteWriter()
        for guid in [namingContext, source, invocationID, requestID] { writer.guid(guid) }
        for usn in [interval.from, interval.to, asOf] { writer.usn(usn) }
        writer.timestamp(applied)
        writer.bool(isMedia)
        writer.bool(carrier != nil)
        guard let carrier else { return writer.octets }
        writer.guid(carrier.messageID)
        Self.write(carrier.transport, to: &writer)
        Self.write(carrier.fileID, to: &writer)
        Self.write(carrier.messageIDField, to: &writer)
        writer.timestamp(carrier.sent)
        writer.timestamp(carrier.received)
        writer.count(carrier.omittedHops)
        writer.count(carrier.hops.count)
        for hop in carrier.hops {
            for text in [hop.from, hop.by, hop.with, hop.id] { Self.write(text, to: &writer) }
            writer.bool(hop.time != nil)
            if let time = hop.time { writer.timestamp(time) }
        }
        return writer.octets
    }

    /// Empty = nil; cut to the limit.
    private static func write(_ text: String?, to writer: inout ByteWriter) {
        writer.lengthPrefixed(Array((text ?? "").utf8.prefix(textOctetsMax)))
    }

    init(first: USN, last: USN, decoding octets: [UInt8]) throws(CodecError) {
        var reader = ByteReader(octets)
        (self.first, self.last) = (first, last)
        namingContext = try reader.guid()
        source = try reader.guid()
        invocationID = try reader.guid()
        requestID = try reader.guid()
        let (from, to) = (try reader.usn(), try reader.usn())
        interval = USNInterval(from: from, to: to)
        asOf = try reader.usn()
        applied = try reader.timestamp()
        isMedia = try reader.bool()
        carrier = try reader.bool() ? try Self.carrier(&reader) : nil
        try reader.finish("a part's origin")
    }

    private static func carrier(_ reader: inout ByteReader) throws(CodecError) -> PartCarrier {
        var carrier = PartCarrier(
            messageID: try reader.guid(),
            transport: try text(&reader) ?? "",
            fileID: try text(&reader) ?? "",
            messageIDField: try text(&reader),
            sent: try reader.timestamp(),
            received: try reader.timestamp(),
            hops: [],
            omittedHops: try reader.number(0...Int(Int32.max), "omitted hops")
        )
        for _ in 0..<(try reader.number(0...recordOctetsMax, "hops")) {
            carrier.hops.append(
                CarrierHop(
                    from: try text(&reader),
                    by: try text(&reader),
                    with: try text(&reader),
                    id: try text(&reader),
                    time: try reader.bool() ? try reader.timestamp() : nil
                )
            )
        }
        return carrier
    }

    private static func text(_ reader: inout ByteReader) throws(CodecError) -> String? {
        let octets = try reader.lengthPrefixed(max: textOctetsMax, "a text of a part's origin")
        return octets.isEmpty ? nil : String(decoding: octets, as: UTF8.self)
    }
}

extension WriteTransaction {
    /// Remembers where the USNs came from that a part has just taken.
    func record(_ part: ChangesReply, above usn: USN, _ context: ApplyContext, _ index: Int) throws {
        guard highestUSN > usn else { return }
        let origin = PartOrigin(
            first: usn.next,
            last: highestUSN,
            namingContext: part.header.namingContext,
            source: part.header.dsaGUID,
            invocationID: part.header.invocationID,
            interval: part.interval,
            asOf: part.asOf,
            requestID: part.requestID,
            applied: context.now,
            isMedia: context.isMedia,
            carrier: context.carriers.indices.contains(index) ? context.carriers[index] : nil
        )
        try Query("INSERT INTO part_origins(first_usn, last_usn, record) VALUES(?, ?, ?)", in: db)
            .run(.usn(origin.first), .usn(origin.last), .octets(origin.encoded()))
        try Query("DELETE FROM part_origins WHERE ordinal <= ?", in: db)
            .run(.integer(db.lastInsertedRowID - PartOrigin.entriesMax))
    }
}

extension StoreSnapshot {
    /// The part that a local USN came with; nil for a write of our own, and for what is forgotten.
    package func partOrigin(of usn: USN) throws -> PartOrigin? {
        let row = try Query(
            """
            SELECT first_usn, last_usn, record FROM part_origins WHERE first_usn <= ?
              ORDER BY first_usn DESC LIMIT 1
            """,
            in: db
        ).first(.usn(usn)) { ($0.usn(0), $0.usn(1), $0.octets(2)) }
        guard let (first, last, octets) = row, usn <= last else { return nil }
        do { return try PartOrigin(first: first, last: last, decoding: octets) } catch {
            throw StoreError.damaged("the origin of local USN \(usn): \(error)")
        }
    }

    /// The lowest local USN whose part is remembered; nil when none is.
    package func originsBegin() throws -> USN? {
        try Query("SELECT first_usn FROM part_origins ORDER BY first_usn LIMIT 1", in: db).first { $0.usn(0) }
    }
}
