/// How large a DER structure may be before any parser builds something from it.
///
/// The scan keeps one offset per level and visits every element once: hostile octets cost no memory and no
/// recursion.
/// - Source: X.690 section 10.1 (definite, minimal lengths only).
struct DERBounds {
    var octetsMax: Int
    /// Elements of all levels together.
    var elementsMax: Int
    var depthMax: Int

    static let certificate = DERBounds(octetsMax: 64 << 10, elementsMax: 2000, depthMax: 16)
    static let revocationList = DERBounds(octetsMax: 4 << 20, elementsMax: 500_000, depthMax: 12)
    static let message = DERBounds(octetsMax: 128 << 20, elementsMax: 4000, depthMax: 24)

    /// Throws unless `bytes` are one definite-length element and nothing behind it.
    func check(_ bytes: ArraySlice<UInt8>, what: String) throws(PKIError) {
        guard bytes.count <= octetsMax else {
            throw .tooLarge(what: what, octets: bytes.count, octetsMax: octetsMax)
        }
        var ends = [bytes.endIndex]
        var position = bytes.startIndex
        var elements = 0
        while let end = ends.last {
            if position == end && elements > 0 {
                ends.removeLast()
                continue
            }
            guard ends.count > 1 || elements == 0 else {
                throw .malformed("\(what) has \(end - position) octets behind its end")
            }
            elements += 1
            guard elements <= elementsMax else {
                throw .malformed("\(what) has over \(elementsMax) elements")
            }
            let tag = bytes[at: position]
            let contentEnd = try header(
                bytes,
                at: &position,
                end: end,
                isOutermost: ends.count == 1,
                what: what
            )
            if let tag, tag & 0x20 != 0 {
                guard ends.count <= depthMax else { throw .malformed("\(what) nests over \(depthMax) deep") }
                ends.append(contentEnd)
            } else {
                position = contentEnd
            }
        }
    }

    /// Reads tag and length, moves behind them, and returns where the content ends.
    private func header(
        _ bytes: ArraySlice<UInt8>,
        at position: inout Int,
        end: Int,
        isOutermost: Bool,
        what: String
    ) throws(PKIError) -> Int {
        let short: PKIError =
            isOutermost ? .truncated(what) : .malformed("\(what) has an element over its parent's end")
        guard end - position >= 2 else { throw short }
        let tag = bytes[position]
        guard tag & 0x1f != 0x1f else { throw .malformed("\(what) has a tag number over 30") }
        let first = bytes[position + 1]
        position += 2
        guard first >= 0x80 else {
            guard end - position >= Int(first) else { throw short }
            return position + Int(first)
        }
        let count = Int(first & 0x7f)
        guard (1...4).contains(count) else {
            throw .malformed("\(what) has a length of indefinite or over-long form")
        }
        guard end - position >= count else { throw short }
        var length = 0
        for octet in bytes[position..<(position + count)] { length = length << 8 | Int(octet) }
        guard length >= 0x80, bytes[position] != 0 else {
            throw .malformed("\(what) has a length that is not minimal")
        }
        position += count
        guard end - position >= length else { throw short }
        return position + length
    }
}

extension ArraySlice<UInt8> {
    fileprivate subscript(at index: Int) -> UInt8? { indices.contains(index) ? self[index] : nil }
}
