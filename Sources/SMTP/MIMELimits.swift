/// How much a message may ask of its reader.
package struct MIMELimits: Sendable, Hashable {
    /// One header, of the message or of a part, with its line ends.
    package var headerOctetsMax = 65_536
    package var headerFieldsMax = 500
    /// One line of a header without its line end.
    package var headerLineOctetsMax = 8192
    /// Parts of all multiparts together.
    package var partsMax = 32
    /// Multiparts in multiparts.
    package var depthMax = 8

    package init() {}
}

/// Why no sealed part or no entity could be read.
package enum MIMEError: Error, Hashable, CustomStringConvertible {
    case headerTooLarge(octetsMax: Int)
    case tooManyHeaderFields(Int)
    case headerLineTooLong(line: Int, octetsMax: Int)
    /// Neither a field nor a continuation; lines count from 1.
    case malformedHeader(line: Int)
    /// The header never ends: no empty line.
    case headerNotEnded
    /// A multipart without a usable boundary parameter.
    case boundaryMissing
    case tooManyParts(Int)
    case tooDeep(Int)
    case noSealedPart
    case severalSealedParts(Int)
    case unsupportedEncoding(String)
    case badBase64(Base64Error)
    case emptySealedPart

    package var description: String {
        switch self {
        case .headerTooLarge(let octetsMax): "the header is larger than \(octetsMax) octets"
        case .tooManyHeaderFields(let max): "the header has more than \(max) fields"
        case .headerLineTooLong(let line, let octetsMax):
            "header line \(line) is longer than \(octetsMax) octets"
        case .malformedHeader(let line): "header line \(line) is no field"
        case .headerNotEnded: "the header is not ended by an empty line"
        case .boundaryMissing: "a multipart has no usable boundary"
        case .tooManyParts(let max): "the message has more than \(max) parts"
        case .tooDeep(let max): "multiparts are nested deeper than \(max)"
        case .noSealedPart: "the message has no application/pkcs7-mime part"
        case .severalSealedParts(let count): "the message has \(count) application/pkcs7-mime parts, not one"
        case .unsupportedEncoding(let name):
            "the sealed part has the transfer encoding \(name), not base64 or binary"
        case .badBase64(let problem): "the sealed part is damaged: \(problem)"
        case .emptySealedPart: "the sealed part is empty"
        }
    }
}

/// The one sealed part of a message, and what stood around it.
package struct SealedPart: Sendable {
    /// Of the message, not of the part: nothing in it is authenticated.
    package let header: MailHeader
    /// Of the part itself.
    package let contentType: ContentType
    /// The decoded content; not yet looked at as DER.
    package let der: [UInt8]
    /// A multipart around the part or text behind it: evidence that a gateway changed the message.
    package let wasWrapped: Bool
}
