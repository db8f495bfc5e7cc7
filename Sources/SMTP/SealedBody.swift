/// Takes a sealed content out of a base64 body under which a gateway may have put a footer.
enum SealedBody {
    /// The content, and whether other text follows it.
    ///
    /// Nothing is guessed about the content beyond its outermost length: anything odd is left to the DER walk.
    static func decode(_ body: ArraySlice<UInt8>) throws(Base64Error) -> (der: [UInt8], hasFooter: Bool) {
        let (bytes, problem) = Base64.decodePrefix(body)
        if problem == nil, derLength(bytes) ?? bytes.count == bytes.count { return (bytes, false) }
        // A footer may consist of base64 letters, so what counts is whole lines up to the content's own length.
        if let exact = decodeLines(body, wanted: derLength(bytes)) { return (exact, true) }
        if let problem { throw problem }
        return (bytes, false)
    }

    /// Decodes line by line until `wanted` octets are there exactly at a line's end.
    private static func decodeLines(_ body: ArraySlice<UInt8>, wanted: Int?) -> [UInt8]? {
        guard let wanted, wanted <= body.count else { return nil }
        var letters = 0
        let lettersWanted = (wanted + 2) / 3 * 4
        var lineStart = body.startIndex
        while lineStart < body.endIndex, letters < lettersWanted {
            let lineFeed = OctetSearch.firstIndex(of: 0x0a, in: body[lineStart...])
            let next = lineFeed.map { $0 + 1 } ?? body.endIndex
            for octet in body[lineStart..<next] where !isSpace(octet) { letters += 1 }
            lineStart = next
        }
        guard letters == lettersWanted else { return nil }
        let (bytes, problem) = Base64.decodePrefix(body[..<lineStart])
        return problem == nil && bytes.count == wanted ? bytes : nil
    }

    private static func isSpace(_ octet: UInt8) -> Bool {
        octet == 0x20 || octet == 0x09 || octet == 0x0d || octet == 0x0a
    }

    /// The length of the outermost DER element with its header; nil when the octets do not say.
    private static func derLength(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 2, bytes[0] == 0x30 else { return nil }
        let first = bytes[1]
        if first < 0x80 { return 2 + Int(first) }
        let octets = Int(first & 0x7f)
        guard (1...4).contains(octets), bytes.count >= 2 + octets else { return nil }
        return bytes[2..<(2 + octets)].reduce(0) { $0 << 8 | Int($1) } + 2 + octets
    }
}
