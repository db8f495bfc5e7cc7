package import Identifiers

/// What a received mail says of its way, trimmed to what is worth keeping; nothing of it is authenticated.
///
/// - Source: RFC 5322 section 3.6.4, RFC 5321 section 4.4.
package struct MailTrace: Sendable, Hashable {
    /// Hops kept: those nearest to us, which were added last.
    package static let hopsMax = 16
    /// Octets of a name or identifier that are kept.
    package static let wordOctetsMax = 128

    package struct Hop: Sendable, Hashable {
        package let from: String?
        package let by: String?
        package let with: String?
        package let id: String?
        /// Nil when the date cannot be read.
        package let time: Timestamp?
    }

    /// The `Message-ID` without its angle brackets.
    package let messageID: String?
    /// Oldest first.
    package let hops: [Hop]
    /// Older hops that the mail names beside these.
    package let omittedHops: Int

    /// Of a message that did not come as a mail.
    package init() { (messageID, hops, omittedHops) = (nil, [], 0) }

    package init(_ header: MailHeader) {
        messageID = header.first("Message-ID").flatMap { value in
            let identifier = value.utf8.drop { $0 == UInt8(ascii: "<") }.prefix { $0 != UInt8(ascii: ">") }
            return Self.trimmed(String(decoding: identifier, as: UTF8.self))
        }
        // They stand in the mail with the newest on top.
        let fields = header.all("Received")
        hops = fields.prefix(Self.hopsMax).reversed().map { Hop(ReceivedHop($0)) }
        omittedHops = max(0, fields.count - Self.hopsMax)
    }

    /// Without white space around it and cut to the limit; nil when nothing is left.
    fileprivate static func trimmed(_ text: String?) -> String? {
        guard let text else { return nil }
        var octets = Array(text.utf8.drop { $0 <= 0x20 }.prefix(wordOctetsMax))
        while let last = octets.last, last <= 0x20 { octets.removeLast() }
        // A character that was cut in two.
        if text.utf8.count > wordOctetsMax {
            while let last = octets.last, last & 0xc0 == 0x80 { octets.removeLast() }
            if let last = octets.last, last >= 0xc0 { octets.removeLast() }
        }
        return octets.isEmpty ? nil : String(decoding: octets, as: UTF8.self)
    }
}

extension MailTrace.Hop {
    init(_ hop: ReceivedHop) {
        self.init(
            from: MailTrace.trimmed(hop.from),
            by: MailTrace.trimmed(hop.by),
            with: MailTrace.trimmed(hop.with),
            id: MailTrace.trimmed(hop.id),
            time: hop.time
        )
    }
}
