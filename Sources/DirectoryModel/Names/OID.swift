/// An object identifier, held, compared and ordered by its DER content octets.
///
/// Named OID so that it does not collide with `Swift.ObjectIdentifier`.
/// - Source: X.690 section 8.19; RFC 4512 section 1.4 (`numericoid`).
package struct OID: Hashable, Sendable {
    package let derContent: [UInt8]

    package static let octetsMax = 64
    package static let arcsMax = 64

    /// Nil unless the octets are whole, minimal base-128 arcs, each below 2^128, at most `octetsMax` octets.
    package init?(derContent: [UInt8]) {
        guard (1...Self.octetsMax).contains(derContent.count) else { return nil }
        self.init(boundedContent: derContent)
    }

    /// As above; with one initializer for any collection, other modules would run it unspecialised.
    package init?(derContent: ArraySlice<UInt8>) {
        guard (1...Self.octetsMax).contains(derContent.count) else { return nil }
        self.init(boundedContent: Array(derContent))
    }

    private init?(boundedContent octets: [UInt8]) {
        guard Self.areArcs(octets) else { return nil }
        derContent = octets
    }

    /// Reads the dotted form: two or more arcs, no leading zeros, no spaces.
    package init?(_ dotted: String) {
        guard dotted.utf8.count <= 512 else { return nil }
        let fields = dotted.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (2...Self.arcsMax).contains(fields.count) else { return nil }
        var arcs: [UInt128] = []
        for field in fields {
            guard let arc = Self.arc(digits: field) else { return nil }
            arcs.append(arc)
        }
        guard arcs[0] <= 2, arcs[0] == 2 || arcs[1] < 40 else { return nil }
        let (first, overflow) = arcs[1].addingReportingOverflow(arcs[0] * 40)
        guard !overflow else { return nil }
        var octets = Self.base128(first)
        for arc in arcs.dropFirst(2) { octets += Self.base128(arc) }
        guard octets.count <= Self.octetsMax else { return nil }
        derContent = octets
    }

    /// For the constants of this module: reads arcs that are known to be good.
    init(arcs root: UInt8, _ arcs: UInt32...) {
        var octets = [root]
        for arc in arcs { octets += Self.base128(UInt128(arc)) }
        derContent = octets
    }

    /// As above, with a UUID as an arc of its own behind the first octet.
    init(arcs root: UInt8, uuid: UInt128, _ arcs: UInt32...) {
        var octets = [root] + Self.base128(uuid)
        for arc in arcs { octets += Self.base128(UInt128(arc)) }
        derContent = octets
    }

    private static func arc(digits: some Collection<UInt8>) -> UInt128? {
        guard !digits.isEmpty, digits.count == 1 || digits.first != UInt8(ascii: "0") else { return nil }
        var value: UInt128 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            let (product, tooBig) = value.multipliedReportingOverflow(by: 10)
            let (sum, tooBigStill) = product.addingReportingOverflow(UInt128(digit - UInt8(ascii: "0")))
            guard !tooBig, !tooBigStill else { return nil }
            value = sum
        }
        return value
    }

    private static func base128(_ value: UInt128) -> [UInt8] {
        var octets = [UInt8(truncatingIfNeeded: value & 0x7f)]
        var rest = value >> 7
        while rest > 0 {
            octets.append(UInt8(truncatingIfNeeded: rest & 0x7f) | 0x80)
            rest >>= 7
        }
        return octets.reversed()
    }

    private static func areArcs(_ octets: [UInt8]) -> Bool {
        var value: UInt128 = 0
        var isInsideArc = false
        for octet in octets {
            // A leading 0x80 is a padded arc: two encodings of one OID would be two OIDs.
            guard isInsideArc || octet != 0x80, value >> 121 == 0 else { return false }
            isInsideArc = octet & 0x80 != 0
            value = isInsideArc ? value << 7 | UInt128(octet & 0x7f) : 0
        }
        return !isInsideArc
    }

    private var arcs: [UInt128] {
        var arcs: [UInt128] = []
        var value: UInt128 = 0
        for octet in derContent {
            value = value << 7 | UInt128(octet & 0x7f)
            guard octet & 0x80 == 0 else { continue }
            arcs.append(value)
            value = 0
        }
        return arcs
    }
}

extension OID: Comparable {
    package static func < (left: OID, right: OID) -> Bool {
        left.derContent.lexicographicallyPrecedes(right.derContent)
    }
}

extension OID: CustomStringConvertible {
    /// The dotted form.
    package var description: String {
        let arcs = arcs
        guard let first = arcs.first else { return "" }
        let root: UInt128 = first < 40 ? 0 : first < 80 ? 1 : 2
        return ([root, first - root * 40] + arcs.dropFirst()).map { String($0) }.joined(separator: ".")
    }
}
