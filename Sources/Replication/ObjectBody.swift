package import Identifiers

/// What a replica keeps of one object in one blob: every attribute with its stamp, local USN and values.
///
/// The blob: format (1 octet), table of invocationIDs, count, then per attribute, ascending by id: difference
/// to the id before, stamp, signed difference to the local USN before, octets of the value set, value set. The
/// octet count lets one attribute be read without the values of the others.
package struct ObjectBody: Hashable, Sendable {
    package struct Attribute: Hashable, Sendable {
        /// The database's own number of the attribute, 0 or more.
        package var id: Int32
        package var stamp: Stamp
        /// The USN of the write that put it here.
        package var localUSN: USN
        package var valueSet: ValueSet

        package init(id: Int32, stamp: Stamp, localUSN: USN, valueSet: ValueSet) {
            self.id = id
            self.stamp = stamp
            self.localUSN = localUSN
            self.valueSet = valueSet
        }

        package init(id: Int32, stamp: Stamp, localUSN: USN, values: [[UInt8]]) {
            self.init(id: id, stamp: stamp, localUSN: localUSN, valueSet: ValueSet(values))
        }

        /// Sorted by octets, no repeats; empty = removed, only the stamp is kept.
        package var values: [[UInt8]] {
            get { valueSet.values }
            set { valueSet = ValueSet(newValue) }
        }
    }

    /// Ascending by id.
    package private(set) var attributes: [Attribute]

    package init() { attributes = [] }

    /// Takes attributes in any order; of those with the same id the last stays.
    package init(attributes: [Attribute]) {
        self.attributes = []
        self.attributes.reserveCapacity(attributes.count)
        for attribute in attributes { set(attribute) }
    }

    /// The newest local USN of any attribute; 0 without attributes.
    package var newestLocalUSN: USN { attributes.reduce(.zero) { max($0, $1.localUSN) } }

    package subscript(id: Int32) -> Attribute? {
        let index = position(of: id)
        return index < attributes.count && attributes[index].id == id ? attributes[index] : nil
    }

    /// Adds or replaces one attribute.
    package mutating func set(_ attribute: Attribute) {
        let index = position(of: attribute.id)
        if index < attributes.count, attributes[index].id == attribute.id {
            attributes[index] = attribute
        } else {
            attributes.insert(attribute, at: index)
        }
    }

    /// Forgets one attribute, its stamp too.
    package mutating func remove(id: Int32) {
        let index = position(of: id)
        if index < attributes.count, attributes[index].id == id { attributes.remove(at: index) }
    }

    /// The first index whose id is not below `id`.
    private func position(of id: Int32) -> Int {
        if let last = attributes.last, last.id < id { return attributes.count }
        var low = 0
        var high = attributes.count
        while low < high {
            let middle = (low + high) / 2
            if attributes[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

// MARK: - The blob

extension ObjectBody {
    private static let format: UInt8 = 1
    /// The id, stamp, local USN, octet count and value count of an attribute take at least this.
    private static let attributeOctetsMin = StampReader.stampOctetsMin + 4

    package func encoded() -> [UInt8] {
        let valueOctets = attributes.reduce(0) { $0 + $1.valueSet.octets.count }
        var content = ByteWriter(reservingOctets: attributes.count * 16 + valueOctets)
        var stamps = StampWriter()
        var idBefore: Int32 = 0
        var usnBefore: Int64 = 0
        content.count(attributes.count)
        for attribute in attributes {
            content.count(Int(attribute.id) - Int(idBefore))
            stamps.write(attribute.stamp, to: &content)
            content.signed(attribute.localUSN.rawValue &- usnBefore)
            content.count(attribute.valueSet.octets.count)
            content.valueSet(attribute.valueSet)
            idBefore = attribute.id
            usnBefore = attribute.localUSN.rawValue
        }
        var blob = ByteWriter(reservingOctets: content.octets.count + 16 * stamps.table.count + 4)
        blob.octet(Self.format)
        stamps.writeTable(to: &blob)
        blob.raw(content.octets)
        return blob.octets
    }

    package init(decoding blob: [UInt8]) throws(CodecError) {
        var walk = try BodyWalk(blob)
        attributes = []
        attributes.reserveCapacity(walk.remainingAttributes)
        while let item = try walk.next() {
            attributes.append(item.attribute(try walk.values(of: item)))
        }
        try walk.finish()
    }

    /// One attribute of a blob, without decoding the values of the others; nil when the object lacks it.
    ///
    /// What lies behind the attribute in the blob is not checked.
    package static func attribute(_ id: Int32, in blob: [UInt8]) throws(CodecError) -> Attribute? {
        var walk = try BodyWalk(blob)
        while let item = try walk.next() {
            if item.id == id { return item.attribute(try walk.values(of: item)) }
            if item.id > id { return nil }
        }
        return nil
    }

    /// An attribute whose values are not read yet.
    private struct Item {
        let id: Int32
        let stamp: Stamp
        let localUSN: USN
        let values: Range<Int>

        func attribute(_ valueSet: ValueSet) -> Attribute {
            Attribute(id: id, stamp: stamp, localUSN: localUSN, valueSet: valueSet)
        }
    }

    /// Goes over the attributes of a blob, skipping their values.
    private struct BodyWalk {
        private var reader: ByteReader
        private var stamps: StampReader
        private(set) var remainingAttributes: Int
        private var idBefore: Int32 = 0
        private var isFirst = true
        private var usnBefore: Int64 = 0

        init(_ blob: [UInt8]) throws(CodecError) {
            reader = ByteReader(blob)
            let format = try reader.octet()
            guard format == ObjectBody.format else { throw .incompatible(major: Int(format)) }
            stamps = try StampReader(table: &reader)
            remainingAttributes = try reader.count(
                max: ReplicationLimits.attributesPerMessageMax,
                octetsPerItem: ObjectBody.attributeOctetsMin,
                "number of attributes"
            )
        }

        mutating func next() throws(CodecError) -> Item? {
            guard remainingAttributes > 0 else { return nil }
            remainingAttributes -= 1
            let step = try reader.number(0...Int(Int32.max), "difference of attribute numbers")
            guard let id = Int32(exactly: Int(idBefore) + step), isFirst || step > 0 else {
                throw .malformed("attribute numbers out of order")
            }
            let stamp = try stamps.read(&reader)
            let usn = usnBefore &+ (try reader.signed())
            guard usn >= 0 else { throw .malformed("a local USN above 2^63-1") }
            let octets = try reader.number(0...Int.max, "octets of a value set")
            let values = try reader.skip(octets)
            (idBefore, usnBefore, isFirst) = (id, usn, false)
            return Item(id: id, stamp: stamp, localUSN: USN(usn), values: values)
        }

        func values(of item: Item) throws(CodecError) -> ValueSet {
            var values = try reader.reader(of: item.values)
            let set = try values.valueSet()
            try values.finish("a value set")
            return set
        }

        func finish() throws(CodecError) { try reader.finish("the last attribute") }
    }
}
