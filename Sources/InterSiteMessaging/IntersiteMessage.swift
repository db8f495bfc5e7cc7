package import Identifiers
package import SMTP
package import SecureMail

/// A payload on its way from a service here to the service of the same name at another DSA.
package struct IntersiteMessage: Sendable, Hashable {
    /// Drawn by the sender; the receiver's service sees it and drops repeats by it.
    package var id: GUID
    /// 1 to 32 lower-case letters, digits and hyphens: `replication`.
    package var service: String
    /// The partner's dsaGUID.
    package var to: GUID
    package var payload: [UInt8]
    package var inReplyTo: GUID?
    package var created: Timestamp
    /// From here on the mail is dropped unsent, and refused unread.
    package var expires: Timestamp
    /// For people: shown in lists and logs, never parsed.
    package var summary: String
    /// A newer message with the same key, service and partner replaces one that has not left yet.
    package var coalescingKey: String?
    /// Whether the transport may cut it; a whole message too large for the way is refused otherwise.
    package var mayFragment: Bool

    package init(
        id: GUID,
        service: String,
        to: GUID,
        payload: [UInt8],
        inReplyTo: GUID? = nil,
        created: Timestamp,
        expires: Timestamp,
        summary: String = "",
        coalescingKey: String? = nil,
        mayFragment: Bool = false
    ) {
        self.id = id
        self.service = service
        self.to = to
        self.payload = payload
        self.inReplyTo = inReplyTo
        self.created = created
        self.expires = expires
        self.summary = summary
        self.coalescingKey = coalescingKey
        self.mayFragment = mayFragment
    }
}

/// A payload whose sender is proven; only a transport makes one.
package struct ReceivedMessage: Sendable, Hashable {
    package let id: GUID
    package let inReplyTo: GUID?
    package let service: String
    /// The dsaGUID of the certificate that signed it.
    package let sender: GUID
    package let payload: [UInt8]
    package let created: Timestamp
    package let expires: Timestamp
    package let summary: String
    /// The name of the transport that brought it.
    package let transport: String
    /// The signer's CA has no revocation list that is new enough.
    package let isCRLStale: Bool
    /// The mail's file below `mailroot/`, without extension.
    package let fileID: String
    /// When that file was complete in Drop; nil for a transport without files.
    package let received: Timestamp?
    /// Not authenticated.
    package let trace: MailTrace

    init(
        id: GUID,
        inReplyTo: GUID?,
        service: String,
        sender: GUID,
        payload: [UInt8],
        created: Timestamp,
        expires: Timestamp,
        summary: String,
        transport: String,
        isCRLStale: Bool,
        fileID: String,
        received: Timestamp? = nil,
        trace: MailTrace = MailTrace()
    ) {
        self.id = id
        self.inReplyTo = inReplyTo
        self.service = service
        self.sender = sender
        self.payload = payload
        self.created = created
        self.expires = expires
        self.summary = summary
        self.transport = transport
        self.isCRLStale = isCRLStale
        self.fileID = fileID
        self.received = received
        self.trace = trace
    }
}

extension ReceivedMessage {
    /// What a transport hands over: `fileID` names the mail where the transport keeps it.
    ///
    /// `payload` is what the mail's fragment and the others together are; nil when the mail carries it all.
    package init(
        _ mail: OpenedMail,
        payload: [UInt8]? = nil,
        transport: String,
        fileID: String,
        received: Timestamp,
        trace: MailTrace = MailTrace()
    ) {
        let envelope = mail.envelope
        self.init(
            id: envelope.messageID,
            inReplyTo: envelope.inReplyTo,
            service: envelope.service,
            sender: envelope.from,
            payload: payload ?? mail.payload,
            created: envelope.created,
            expires: envelope.expires,
            summary: envelope.summary,
            transport: transport,
            isCRLStale: mail.crlStale,
            fileID: fileID,
            received: received,
            trace: trace
        )
    }
}

/// Proof that a message is on disk and will be sent, however often this process ends before that.
package struct SendReceipt: Sendable, Hashable {
    /// The message's id.
    package let id: GUID
    /// The mail's file in `mailroot/Queue`, without extension.
    package let fileID: String
    /// Of the sealed mail.
    package let octets: Int
    package let transport: String

    package init(id: GUID, fileID: String, octets: Int, transport: String) {
        self.id = id
        self.fileID = fileID
        self.octets = octets
        self.transport = transport
    }
}
