import Identifiers
import SMTP

/// The envelope as header fields of the signed entity.
enum EnvelopeFields {
    static let mediaType = "application/vnd.bridgehead.message"
    static let version = "1"
    static let serviceOctetsMax = 32
    static let summaryOctetsMax = 400

    private enum Name {
        static let contentType = "Content-Type"
        static let transferEncoding = "Content-Transfer-Encoding"
        static let contentEncoding = "Content-Encoding"
        static let forest = "Bridgehead-Forest"
        static let from = "Bridgehead-From"
        static let to = "Bridgehead-To"
        static let message = "Bridgehead-Message"
        static let inReplyTo = "Bridgehead-In-Reply-To"
        static let service = "Bridgehead-Service"
        static let fragment = "Bridgehead-Fragment"
        static let created = "Bridgehead-Created"
        static let expires = "Bridgehead-Expires"
        static let summary = "Bridgehead-Summary"
    }

    static func write(_ envelope: MessageEnvelope) -> [(String, String)] {
        var fields = [
            (Name.contentType, "\(mediaType); version=\(version)"),
            (Name.transferEncoding, "binary"),
            (Name.contentEncoding, "gzip"),
            (Name.forest, envelope.forest.description),
            (Name.from, envelope.from.description),
            (Name.to, envelope.to.description),
            (Name.message, envelope.messageID.description),
        ]
        if let inReplyTo = envelope.inReplyTo { fields.append((Name.inReplyTo, inReplyTo.description)) }
        fields.append((Name.service, envelope.service))
        if let fragment = envelope.fragment { fields.append((Name.fragment, fragment.description)) }
        fields += [
            (Name.created, envelope.created.description),
            (Name.expires, envelope.expires.description),
        ]
        let summary = printable(envelope.summary)
        if !summary.isEmpty { fields.append((Name.summary, summary)) }
        return fields
    }

    /// Every field we know must come exactly once; fields we do not know are left alone.
    static func read(_ header: MailHeader) throws(OpenRefusal) -> MessageEnvelope {
        try checkForm(header)
        let envelope = MessageEnvelope(
            forest: try guid(header, Name.forest),
            from: try guid(header, Name.from),
            to: try guid(header, Name.to),
            messageID: try guid(header, Name.message),
            inReplyTo: header.all(Name.inReplyTo).isEmpty ? nil : try guid(header, Name.inReplyTo),
            service: try single(header, Name.service),
            fragment: try fragment(header),
            created: try time(header, Name.created),
            expires: try time(header, Name.expires),
            summary: header.all(Name.summary).isEmpty ? "" : printable(try single(header, Name.summary))
        )
        guard isService(envelope.service) else {
            throw OpenRefusal(.envelope, "\(Name.service) is no service name")
        }
        guard envelope.created <= envelope.expires else {
            throw OpenRefusal(.envelope, "the message expires before it is created")
        }
        return envelope
    }

    static func isService(_ text: String) -> Bool {
        (1...serviceOctetsMax).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
    }

    private static func checkForm(_ header: MailHeader) throws(OpenRefusal) {
        let type = ContentType(try single(header, Name.contentType))
        guard type?.mediaType == mediaType else {
            throw OpenRefusal(.incompatible, "the signed content is no \(mediaType)")
        }
        guard type?.parameters["version"] == version else {
            throw OpenRefusal(.incompatible, "the signed content is not of version \(version)")
        }
        guard try single(header, Name.contentEncoding).lowercased() == "gzip" else {
            throw OpenRefusal(.incompatible, "the payload is not encoded as gzip")
        }
        guard try single(header, Name.transferEncoding).lowercased() == "binary" else {
            throw OpenRefusal(.incompatible, "the payload is not binary")
        }
    }

    private static func fragment(_ header: MailHeader) throws(OpenRefusal) -> MessageFragment? {
        guard !header.all(Name.fragment).isEmpty else { return nil }
        guard let fragment = MessageFragment(try single(header, Name.fragment)) else {
            throw OpenRefusal(
                .envelope,
                "\(Name.fragment) is no fragment of 2 to \(MessageFragment.countMax)"
            )
        }
        return fragment
    }

    private static func single(_ header: MailHeader, _ name: String) throws(OpenRefusal) -> String {
        let values = header.all(name)
        guard values.count == 1, let value = values.first else {
            throw OpenRefusal(.envelope, "\(name) comes \(values.count) times instead of once")
        }
        return value
    }

    private static func guid(_ header: MailHeader, _ name: String) throws(OpenRefusal) -> GUID {
        guard let guid = GUID(try single(header, name)) else {
            throw OpenRefusal(.envelope, "\(name) is no GUID")
        }
        return guid
    }

    private static func time(_ header: MailHeader, _ name: String) throws(OpenRefusal) -> Timestamp {
        guard let time = Timestamp(rfc3339: try single(header, name)) else {
            throw OpenRefusal(.envelope, "\(name) is no RFC 3339 time in UTC")
        }
        return time
    }

    /// One line of printable ASCII.
    private static func printable(_ text: String) -> String {
        let octets = text.unicodeScalars.lazy.map { scalar in
            (0x20...0x7e).contains(scalar.value) ? UInt8(truncatingIfNeeded: scalar.value) : UInt8(ascii: "?")
        }
        return String(decoding: Array(octets.prefix(summaryOctetsMax)), as: UTF8.self)
    }
}
