import DirectoryModel
import Identifiers

extension ReplicationCodec {
    static func encode(_ reply: ChangesReply) -> [UInt8] {
        let order = AttributeOrder(reply.attributes)
        var stamps = StampWriter()
        // Data first: it makes the table of invocationIDs, which goes before it.
        let objects = encodeObjects(reply.objects, order, &stamps)
        let links = encodeLinks(reply.links, order, &stamps)
        let octets = objects.octets.count + links.octets.count + 16 * stamps.table.count + 2_048
        var fields = start(.reply, reply.header, reservingOctets: octets)
        fields.field(.requestID) { $0.guid(reply.requestID) }
        fields.field(.vector) { $0.vector(reply.vector) }
        if let addedVector = reply.addedVector { fields.field(.addedVector) { $0.vector(addedVector) } }
        if !reply.collected.isEmpty { fields.field(.collected) { $0.collected(reply.collected) } }
        fields.field(.replica) { $0.replica(reply.cutFor) }
        fields.field(.interval) {
            $0.usn(reply.interval.from)
            $0.usn(reply.interval.to)
        }
        fields.field(.asOf) { $0.usn(reply.asOf) }
        if !order.table.isEmpty { fields.field(.attributeTable) { $0.oids(order.table) } }
        if !stamps.table.isEmpty { fields.field(.invocationTable) { stamps.writeTable(to: &$0) } }
        if !reply.objects.isEmpty { fields.field(.objects, objects) }
        if !reply.links.isEmpty { fields.field(.links, links) }
        fields.field(.partNumber) { $0.count(reply.partNumber) }
        fields.field(.isLast) { $0.bool(reply.isLast) }
        if reply.needsPartialAttributes { fields.field(.needsPartialAttributes) { $0.bool(true) } }
        return fields.message.octets
    }

    private static func encodeObjects(
        _ objects: [ReplicatedObject],
        _ order: AttributeOrder,
        _ stamps: inout StampWriter
    ) -> ByteWriter {
        var writer = ByteWriter()
        writer.count(objects.count)
        for object in objects {
            writer.guid(object.objectGUID)
            writer.count(object.attributes.count)
            for index in order.sortedIndices(of: object.attributes) {
                let attribute = object.attributes[index]
                writer.count(order.position(of: attribute.attribute))
                stamps.write(attribute.stamp, to: &writer)
                writer.valueSet(attribute.valueSet)
            }
        }
        return writer
    }

    private static func encodeLinks(
        _ links: [ReplicatedLink],
        _ order: AttributeOrder,
        _ stamps: inout StampWriter
    ) -> ByteWriter {
        var writer = ByteWriter()
        writer.count(links.count)
        var sourceBefore: GUID?
        for link in links {
            let isSameSource = link.source == sourceBefore
            writer.octet((link.isPresent ? LinkFlags.present : 0) | (isSameSource ? LinkFlags.sameSource : 0))
            if !isSameSource { writer.guid(link.source) }
            writer.count(order.position(of: link.attribute))
            writer.guid(link.target)
            stamps.write(link.stamp.stamp, to: &writer)
            writer.signed(link.stamp.created.seconds &- link.stamp.stamp.time.seconds)
            sourceBefore = link.source
        }
        return writer
    }

    // MARK: - Decoding

    static func decodeReply(_ fields: FieldTable) throws(CodecError) -> ChangesReply {
        let attributes = try fields.optional(.attributeTable) { reader throws(CodecError) in
            try reader.oids()
        }
        var data = DataReader(
            attributeCount: attributes?.count ?? 0,
            stamps: try fields.optional(.invocationTable) { reader throws(CodecError) in
                try StampReader(table: &reader)
            } ?? StampReader()
        )
        return ChangesReply(
            header: try decodeHeader(fields),
            requestID: try fields.guid(.requestID),
            interval: try fields.required(.interval) { reader throws(CodecError) in
                USNInterval(from: try reader.usn(), to: try reader.usn())
            },
            asOf: try fields.usn(.asOf),
            vector: try fields.required(.vector) { reader throws(CodecError) in try reader.vector() },
            addedVector: try fields.optional(.addedVector) { reader throws(CodecError) in
                try reader.vector()
            },
            collected: try fields.optional(.collected) { reader throws(CodecError) in
                try reader.collected()
            } ?? [:],
            cutFor: try fields.required(.replica) { reader throws(CodecError) in try reader.replica() },
            needsPartialAttributes: try fields.optional(.needsPartialAttributes) {
                reader throws(CodecError) in
                try reader.bool()
            } ?? false,
            attributes: attributes ?? [],
            // Links continue the stamps of the objects: the order of these two lines is the protocol's.
            objects: try fields.optional(.objects) { reader throws(CodecError) in
                try data.objects(&reader)
            } ?? [],
            links: try fields.optional(.links) { reader throws(CodecError) in try data.links(&reader) } ?? [],
            partNumber: try fields.number(
                .partNumber,
                0...ReplicationLimits.partNumberMax,
                "number of a part"
            ),
            isLast: try fields.bool(.isLast)
        )
    }
}

/// The octet before each link value.
private enum LinkFlags {
    static let present: UInt8 = 1
    /// The source GUID is that of the link value before, and is left out.
    static let sameSource: UInt8 = 2
}

/// Objects and link values against the two tables of their message.
private struct DataReader {
    private let attributeCount: Int
    private var stamps: StampReader

    init(attributeCount: Int, stamps: StampReader) {
        self.attributeCount = attributeCount
        self.stamps = stamps
    }

    mutating func objects(_ reader: inout ByteReader) throws(CodecError) -> [ReplicatedObject] {
        let count = try reader.count(
            max: ReplicationLimits.objectsPerPartMax,
            octetsPerItem: 17,
            "number of objects"
        )
        var objects: [ReplicatedObject] = []
        objects.reserveCapacity(count)
        for _ in 0..<count {
            let objectGUID = try reader.guid()
            objects.append(
                ReplicatedObject(objectGUID: objectGUID, attributes: try attributes(&reader))
            )
        }
        return objects
    }

    private mutating func attributes(_ reader: inout ByteReader) throws(CodecError) -> [ReplicatedAttribute] {
        let count = try reader.count(
            max: ReplicationLimits.attributesPerMessageMax,
            octetsPerItem: StampReader.stampOctetsMin + 2,
            "number of attributes"
        )
        var attributes: [ReplicatedAttribute] = []
        attributes.reserveCapacity(count)
        var previous = -1
        for _ in 0..<count {
            let index = try attributeIndex(&reader)
            guard index > previous else { throw .malformed("attributes out of order, or one twice") }
            previous = index
            let stamp = try stamps.read(&reader)
            attributes.append(
                ReplicatedAttribute(attribute: index, stamp: stamp, valueSet: try reader.valueSet())
            )
        }
        return attributes
    }

    mutating func links(_ reader: inout ByteReader) throws(CodecError) -> [ReplicatedLink] {
        let count = try reader.count(
            max: ReplicationLimits.linksPerPartMax,
            octetsPerItem: StampReader.stampOctetsMin + 19,
            "number of link values"
        )
        var links: [ReplicatedLink] = []
        links.reserveCapacity(count)
        for _ in 0..<count {
            let flags = try reader.octet()
            guard flags <= LinkFlags.present | LinkFlags.sameSource else {
                throw .malformed("link flags \(flags)")
            }
            let source: GUID
            if flags & LinkFlags.sameSource == 0 {
                source = try reader.guid()
            } else {
                guard let last = links.last else { throw .malformed("the first link value has no source") }
                source = last.source
            }
            let attribute = try attributeIndex(&reader)
            let target = try reader.guid()
            let stamp = try stamps.read(&reader)
            let created = Timestamp(seconds: stamp.time.seconds &+ (try reader.signed()))
            links.append(
                ReplicatedLink(
                    source: source,
                    attribute: attribute,
                    target: target,
                    stamp: LinkStamp(created: created, stamp: stamp),
                    isPresent: flags & LinkFlags.present != 0
                )
            )
        }
        return links
    }

    private func attributeIndex(_ reader: inout ByteReader) throws(CodecError) -> Int {
        let index = try reader.varint()
        guard index < UInt64(attributeCount) else { throw .malformed("an attribute beyond its table") }
        return Int(index)
    }
}

/// The attribute table of a reply, sorted by OID, and where its indexes have gone.
private struct AttributeOrder {
    let table: [OID]
    /// New index by old one; nil when nothing moved.
    private let positions: [Int]?

    init(_ attributes: [OID]) {
        let order = attributes.indices.sorted { attributes[$0] < attributes[$1] }
        table = order.map { attributes[$0] }
        if order.elementsEqual(attributes.indices) {
            positions = nil
        } else {
            var positions = Array(repeating: 0, count: order.count)
            for (new, old) in order.enumerated() { positions[old] = new }
            self.positions = positions
        }
    }

    /// An index beyond the table stays as it is: every receiver refuses it.
    func position(of index: Int) -> Int {
        guard let positions, positions.indices.contains(index) else { return index }
        return positions[index]
    }

    /// The indexes of attributes in the order in which they are written.
    func sortedIndices(of attributes: [ReplicatedAttribute]) -> [Int] {
        var keys = attributes.indices.map { (position: position(of: attributes[$0].attribute), index: $0) }
        // Insertion: most objects come in order, and few have more than twenty attributes.
        for end in keys.indices.dropFirst() where keys[end].position < keys[end - 1].position {
            guard keys.count <= Self.insertedAttributesMax else {
                keys.sort { $0.position < $1.position }
                break
            }
            let key = keys[end]
            var place = end
            while place > 0, key.position < keys[place - 1].position {
                keys[place] = keys[place - 1]
                place -= 1
            }
            keys[place] = key
        }
        return keys.map(\.index)
    }

    private static let insertedAttributesMax = 32
}
