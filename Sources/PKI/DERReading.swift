import Identifiers
import SwiftASN1

/// One element of a DER structure whose bounds were checked.
struct DERElement {
    let node: ASN1Node

    /// Checks the bounds first; contents stay slices of `bytes`.
    static func parse(_ bytes: ArraySlice<UInt8>, within bounds: DERBounds, what: String) throws(PKIError)
        -> DERElement
    {
        try bounds.check(bytes, what: what)
        do {
            return DERElement(node: try DER.parse(bytes))
        } catch {
            throw .malformed("\(what) is not DER")
        }
    }

    var encoded: ArraySlice<UInt8> { node.encodedBytes }

    func has(_ tag: ASN1Identifier) -> Bool { node.identifier == tag }

    /// The children of a constructed element with that tag.
    func reader(_ tag: ASN1Identifier = .sequence, _ what: String) throws(PKIError) -> DERReader {
        guard has(tag), case .constructed(let nodes) = node.content else {
            throw .malformed("\(what) is missing or of another type")
        }
        return DERReader(iterator: nodes.makeIterator(), what: what)
    }

    /// The content of a primitive element with that tag.
    func octets(_ tag: ASN1Identifier, _ what: String) throws(PKIError) -> ArraySlice<UInt8> {
        guard has(tag), case .primitive(let octets) = node.content else {
            throw .malformed("\(what) is missing or of another type")
        }
        return octets
    }

    func objectIdentifier(_ what: String) throws(PKIError) -> ASN1ObjectIdentifier {
        do {
            return try ASN1ObjectIdentifier(derEncoded: node)
        } catch {
            throw .malformed("\(what) is no object identifier")
        }
    }

    /// A non-negative INTEGER's octets without the sign octet.
    func unsignedInteger(_ what: String, octetsMax: Int) throws(PKIError) -> [UInt8] {
        var octets = try octets(.integer, what)
        guard let first = octets.first, first < 0x80 else { throw .malformed("\(what) is negative or empty") }
        if first == 0, octets.count > 1 {
            octets = octets.dropFirst()
            guard octets.first.map({ $0 >= 0x80 }) ?? false else {
                throw .malformed("\(what) is not minimal")
            }
        }
        guard octets.count <= octetsMax else { throw .malformed("\(what) has over \(octetsMax) octets") }
        return Array(octets)
    }

    func smallInteger(_ what: String) throws(PKIError) -> UInt64 {
        try unsignedInteger(what, octetsMax: 8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    func bitString(_ what: String) throws(PKIError) -> (unused: Int, bits: ArraySlice<UInt8>) {
        let octets = try octets(.bitString, what)
        guard let unused = octets.first, unused < 8, unused == 0 || octets.count > 1 else {
            throw .malformed("\(what) is no bit string")
        }
        return (Int(unused), octets.dropFirst())
    }

    /// UTCTime or GeneralizedTime as RFC 5280 section 4.1.2.5 restricts them.
    func time(_ what: String) throws(PKIError) -> Timestamp {
        var time: Timestamp?
        if has(.utcTime) {
            let text = String(decoding: try octets(.utcTime, what), as: UTF8.self)
            let century = text < "5" ? "20" : "19"
            time = text.utf8.count == 13 ? Timestamp(generalizedTime: century + text) : nil
        } else {
            let text = String(decoding: try octets(.generalizedTime, what), as: UTF8.self)
            time = text.utf8.count == 15 ? Timestamp(generalizedTime: text) : nil
        }
        guard let time else { throw .malformed("\(what) is no time") }
        return time
    }
}

/// Takes a constructed element's children in order.
struct DERReader {
    private var iterator: ASN1NodeCollection.Iterator
    private var peeked: DERElement?
    private let what: String

    init(iterator: ASN1NodeCollection.Iterator, what: String) {
        self.iterator = iterator
        self.what = what
        peeked = self.iterator.next().map(DERElement.init)
    }

    mutating func nextIfAny() -> DERElement? {
        let element = peeked
        peeked = iterator.next().map(DERElement.init)
        return element
    }

    mutating func next(_ name: String) throws(PKIError) -> DERElement {
        guard let element = nextIfAny() else { throw .malformed("\(what) ends before \(name)") }
        return element
    }

    /// The next child if it has that tag.
    mutating func optional(_ tag: ASN1Identifier) -> DERElement? {
        guard let element = peeked, element.has(tag) else { return nil }
        return nextIfAny()
    }

    func end() throws(PKIError) {
        guard peeked == nil else { throw .malformed("\(what) has an element too many") }
    }
}

extension ASN1Identifier {
    /// A context-specific tag.
    static func context(_ number: UInt) -> ASN1Identifier {
        ASN1Identifier(tagWithNumber: number, tagClass: .contextSpecific)
    }
}
