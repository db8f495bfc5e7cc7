/// Finds our sealed part in what mail systems make of a message: LF or CRLF, header fields added and folded anew,
/// a multipart put around it, a footer put under it.
///
/// - Source: RFC 2045, RFC 2046 section 5.1, RFC 8551 section 3.2.
package enum MIMEReader {
    /// The only `application/pkcs7-mime` part of the message, decoded.
    ///
    /// A part of that old name (`x-pkcs7-mime`) or an `application/octet-stream` called `*.p7m` counts as well.
    /// Nothing is looked for in `message/*` parts: our own mail inside a bounce is not mail to us.
    package static func findSealedPart(
        in message: [UInt8],
        limits: MIMELimits = MIMELimits()
    ) throws(MIMEError) -> SealedPart {
        var search = PartSearch(limits: limits)
        var reader = HeaderReader(limits: limits)
        let (header, body) = try reader.read(message[...])
        try search.visit(header, body, depth: 0)
        guard let found = search.candidates.first else { throw .noSealedPart }
        guard search.candidates.count == 1 else { throw .severalSealedParts(search.candidates.count) }
        let (der, hasFooter) = try content(of: found)
        guard !der.isEmpty else { throw .emptySealedPart }
        return SealedPart(
            header: header,
            contentType: found.contentType,
            der: der,
            wasWrapped: hasFooter || found.depth > 0
        )
    }

    /// Splits an entity into its header and its body as it is.
    package static func parseEntity(
        _ bytes: [UInt8],
        limits: MIMELimits = MIMELimits()
    ) throws(MIMEError) -> (header: MailHeader, body: ArraySlice<UInt8>) {
        var reader = HeaderReader(limits: limits)
        return try reader.read(bytes[...])
    }

    private static func content(
        of candidate: PartSearch.Candidate
    ) throws(MIMEError) -> (der: [UInt8], hasFooter: Bool) {
        let name = candidate.header.first("Content-Transfer-Encoding") ?? "7bit"
        var words = HeaderWords(name)
        let encoding = words.text(until: ";").lowercased()
        switch encoding {
        case "base64":
            do throws(Base64Error) {
                return try SealedBody.decode(candidate.body)
            } catch {
                throw .badBase64(error)
            }
        case "binary": return (Array(candidate.body), false)
        default: throw .unsupportedEncoding(String(encoding.prefix(40)))
        }
    }
}

/// A walk over the parts of a message.
private struct PartSearch {
    struct Candidate {
        let header: MailHeader
        let contentType: ContentType
        let body: ArraySlice<UInt8>
        let depth: Int
    }

    /// RFC 2046 allows 70.
    static let boundaryOctetsMax = 200

    let limits: MIMELimits
    var candidates: [Candidate] = []
    private var parts = 0

    init(limits: MIMELimits) { self.limits = limits }

    mutating func visit(_ header: MailHeader, _ body: ArraySlice<UInt8>, depth: Int) throws(MIMEError) {
        let type = header.first("Content-Type").flatMap { ContentType($0) } ?? .plainText
        if type.mediaType.hasPrefix("multipart/") {
            guard depth < limits.depthMax else { throw .tooDeep(limits.depthMax) }
            guard let boundary = type.parameters["boundary"],
                (1...Self.boundaryOctetsMax).contains(boundary.utf8.count)
            else { throw .boundaryMissing }
            for part in try split(body, boundary: Array("--\(boundary)".utf8)) {
                var reader = HeaderReader(limits: limits)
                let (partHeader, partBody) = try reader.read(part, mayBeUnended: true)
                try visit(partHeader, partBody, depth: depth + 1)
            }
        } else if isSealed(type, header) {
            candidates.append(Candidate(header: header, contentType: type, body: body, depth: depth))
        }
    }

    private func isSealed(_ type: ContentType, _ header: MailHeader) -> Bool {
        switch type.mediaType {
        case "application/pkcs7-mime", "application/x-pkcs7-mime": return true
        case "application/octet-stream":
            let disposition = header.first("Content-Disposition").flatMap { ContentType($0) }
            let name = disposition?.parameters["filename"] ?? type.parameters["name"] ?? ""
            return name.lowercased().hasSuffix(".p7m")
        default: return false
        }
    }

    /// The parts between the delimiter lines; the last one may lack its end.
    private mutating func split(
        _ body: ArraySlice<UInt8>,
        boundary: [UInt8]
    ) throws(MIMEError) -> [ArraySlice<UInt8>] {
        var found: [ArraySlice<UInt8>] = []
        var partStart: Int?
        var lineStart = body.startIndex
        while lineStart < body.endIndex {
            let lineFeed = OctetSearch.firstIndex(of: 0x0a, in: body[lineStart...])
            let next = lineFeed.map { $0 + 1 } ?? body.endIndex
            if let delimiter = Delimiter(body[lineStart..<next], boundary) {
                if let start = partStart { found.append(trimLineEnd(body[start..<max(start, lineStart)])) }
                if delimiter == .last { return found }
                parts += 1
                guard parts <= limits.partsMax else { throw .tooManyParts(limits.partsMax) }
                partStart = next
            }
            lineStart = next
        }
        if let start = partStart { found.append(body[start...]) }
        return found
    }

    /// The line end before a delimiter belongs to the delimiter.
    private func trimLineEnd(_ part: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var part = part
        if part.last == 0x0a {
            part.removeLast()
            if part.last == 0x0d { part.removeLast() }
        }
        return part
    }

    private enum Delimiter {
        case next
        case last

        init?(_ line: ArraySlice<UInt8>, _ boundary: [UInt8]) {
            guard line.first == UInt8(ascii: "-"), line.starts(with: boundary) else { return nil }
            var rest = line.dropFirst(boundary.count)
            while let octet = rest.last, octet == 0x0a || octet == 0x0d || octet == 0x20 || octet == 0x09 {
                rest.removeLast()
            }
            if rest.isEmpty {
                self = .next
            } else if rest.elementsEqual("--".utf8) {
                self = .last
            } else {
                return nil
            }
        }
    }
}
