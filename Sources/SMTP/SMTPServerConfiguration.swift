package import Identifiers

/// What one client may cost the server, and when a session ends.
package struct SMTPServerLimits: Sendable, Hashable {
    /// One command line with its CRLF; RFC 5321 section 4.5.3.1.4 asks for 512 plus extensions.
    package var commandLineOctetsMax = 2048
    /// Announced as SIZE; counts the message as sent, without stuffed dots and the final dot.
    package var messageOctetsMax = 16 << 20
    /// One line of a message without its CRLF.
    ///
    /// RFC 5321 allows 998; relays that break this rule exist, so ours is wider.
    package var messageLineOctetsMax = 8192
    package var recipientsMax = 100
    /// Messages in one session; the next MAIL is answered 421.
    package var transactionsMax = 1000
    /// Commands without progress (NOOP, RSET, VRFY, another HELO) since the last stored message.
    package var junkCommandsMax = 100
    /// Commands answered with a 5xx since the last stored message.
    package var badCommandsMax = 20
    /// What may wait behind a message that is being opened or stored; more is answered 421.
    package var pendingOctetsMax = 65_536
    /// Delay of the greeting in which a client that talks is refused; 0 greets at once.
    package var greetingSeconds = 0
    /// For one whole command, however slowly its octets come.
    package var commandSeconds = 300
    /// For one whole message; wide, as the links this is made for are thin.
    package var messageSeconds = 3600
    /// For the disk: opening and storing.
    package var storeSeconds = 300

    package init() {}
}

/// Whom the server takes mail for.
package struct RecipientPolicy: Sendable, Hashable {
    package var mailboxes: [MailAddress]

    package init(mailboxes: [MailAddress]) { self.mailboxes = mailboxes }
}

/// One server's name and rules, the same for all of its sessions.
package struct SMTPServerConfiguration: Sendable, Hashable {
    /// The name in the greeting and in trace headers.
    package var hostName: String
    /// False when there is no certificate to offer.
    package var offersSTARTTLS: Bool
    /// Mail is taken over TLS only.
    package var requiresTLS: Bool
    package var recipients: RecipientPolicy
    package var limits: SMTPServerLimits

    package init(
        hostName: String,
        recipients: RecipientPolicy,
        offersSTARTTLS: Bool = false,
        requiresTLS: Bool = false,
        limits: SMTPServerLimits = SMTPServerLimits()
    ) {
        self.hostName = hostName
        self.recipients = recipients
        self.offersSTARTTLS = offersSTARTTLS
        self.requiresTLS = requiresTLS
        self.limits = limits
    }
}

/// A recipient that the policy accepted.
package enum AcceptedRecipient: Sendable, Hashable {
    /// One of our mailboxes, and what stood behind its `+`.
    case mailbox(MailAddress, detail: String?)
    case postmaster
}

/// What a client said about a message before its first octet.
package struct Envelope: Sendable, Hashable {
    /// Nil for `MAIL FROM:<>`: nobody is ever answered.
    package var reversePath: MailAddress?
    /// At least one.
    package var recipients: [AcceptedRecipient]
    /// As the client gave it: printable ASCII without spaces, not verified.
    package var heloName: String
    /// From `SIZE=`; the client's claim.
    package var declaredOctets: Int?
    package var isExtended: Bool
    package var isTLS: Bool
    /// The client's network address, as the shell gave it.
    package var peer: String?
}

extension RecipientPolicy {
    /// The recipient that a forward path means here; nil for anybody else's.
    ///
    /// Nothing is routed: a path with a source route, a quoted part or an address literal is no `MailAddress`,
    /// and `%` and `!` are ordinary letters of a local part that is not ours.
    package func accept(_ path: String, hostName: String) -> AcceptedRecipient? {
        if path.lowercased() == "postmaster" { return .postmaster }
        guard let address = MailAddress(path) else { return nil }
        if let mailbox = mailboxes.first(where: { $0 == address }) { return .mailbox(mailbox, detail: nil) }
        let (base, detail) = address.subaddress
        if let detail, let plain = MailAddress("\(base)@\(address.domain)"),
            let mailbox = mailboxes.first(where: { $0 == plain })
        {
            return .mailbox(mailbox, detail: detail)
        }
        let domain = address.domain.lowercased()
        let isOurs =
            domain == hostName.lowercased() || mailboxes.contains { $0.domain.lowercased() == domain }
        return isOurs && base.lowercased() == "postmaster" ? .postmaster : nil
    }
}
