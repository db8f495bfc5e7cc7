package import Identifiers

/// The authenticated fields of an intersite message: the header of the signed entity.
package struct MessageEnvelope: Sendable, Hashable {
    package var forest: GUID
    package var from: GUID
    package var to: GUID
    package var messageID: GUID
    package var inReplyTo: GUID?
    /// Lower-case letters, digits and hyphens, 32 at most: `replication`.
    package var service: String
    /// Nil when the mail carries the whole message.
    package var fragment: MessageFragment?
    package var created: Timestamp
    package var expires: Timestamp
    /// For people, never parsed: printable ASCII, cut at 400 octets when sealed.
    package var summary: String

    package init(
        forest: GUID,
        from: GUID,
        to: GUID,
        messageID: GUID,
        inReplyTo: GUID? = nil,
        service: String,
        fragment: MessageFragment? = nil,
        created: Timestamp,
        expires: Timestamp,
        summary: String = ""
    ) {
        self.forest = forest
        self.from = from
        self.to = to
        self.messageID = messageID
        self.inReplyTo = inReplyTo
        self.service = service
        self.fragment = fragment
        self.created = created
        self.expires = expires
        self.summary = summary
    }
}

/// The outer header of a sealed mail: what relays see.
package struct MailAddressing: Sendable, Hashable {
    package var from: MailAddress
    package var to: MailAddress
    /// What stands between the angle brackets of `Message-ID`: `left@right`, new for every sending.
    package var messageIDHeader: String
    package var date: Timestamp

    package init(from: MailAddress, to: MailAddress, messageIDHeader: String, date: Timestamp) {
        self.from = from
        self.to = to
        self.messageIDHeader = messageIDHeader
        self.date = date
    }
}
