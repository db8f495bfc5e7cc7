package import Identifiers

/// One folder of the mailroot.
package struct MailFolderReply: Codable, Hashable, Sendable {
    /// Pickup, Queue, Drop, Fragments, Held, Badmail or Archive.
    package var folder: String
    package var files: Int
    package var octets: Int
    package var oldestAgeSeconds: Int64?

    package init(
        folder: String,
        files: Int,
        octets: Int,
        oldestAgeSeconds: Int64? = nil
    ) {
        self.folder = folder
        self.files = files
        self.octets = octets
        self.oldestAgeSeconds = oldestAgeSeconds
    }
}

/// Which folders to list.
package struct MailListQuery: Codable, Hashable, Sendable {
    /// Nil = all.
    package var folder: String?

    package init(
        folder: String? = nil
    ) {
        self.folder = folder
    }
}

/// One mail in the mailroot.
package struct MailFileReply: Codable, Hashable, Sendable {
    /// The file's name without extension.
    package var id: String
    package var folder: String
    package var partner: String?
    package var service: String?
    package var ageSeconds: Int64
    package var octets: Int
    package var attempts: Int?
    package var nextTry: Timestamp?
    /// The next hop's newest answer, or why the mail is in Held or Badmail.
    package var lastReply: String?
    package var summary: String?
    /// In Held: true when it waits for `mail release` or `mail discard`.
    package var needsDecision: Bool?
    /// In Held: the part of changes that it carries.
    package var held: HeldPartReply?

    package init(
        id: String,
        folder: String,
        partner: String? = nil,
        service: String? = nil,
        ageSeconds: Int64,
        octets: Int,
        attempts: Int? = nil,
        nextTry: Timestamp? = nil,
        lastReply: String? = nil,
        summary: String? = nil,
        needsDecision: Bool? = nil,
        held: HeldPartReply? = nil
    ) {
        self.needsDecision = needsDecision
        self.held = held
        self.id = id
        self.folder = folder
        self.partner = partner
        self.service = service
        self.ageSeconds = ageSeconds
        self.octets = octets
        self.attempts = attempts
        self.nextTry = nextTry
        self.lastReply = lastReply
        self.summary = summary
    }
}

/// Which mail to open.
package struct MailShowQuery: Codable, Hashable, Sendable {
    package var id: String
    /// Decode what it carries, too.
    package var payload: Bool

    package init(
        id: String,
        payload: Bool = false
    ) {
        self.id = id
        self.payload = payload
    }
}

/// A mail, opened as far as possible.
package struct MailShowReply: Codable, Hashable, Sendable {
    package var id: String
    /// Nil for a file outside of the mailroot.
    package var folder: String?
    package var octets: Int
    /// Header fields in their order.
    package var fields: [MailFieldReply]
    /// What the sealed part says: From, To, Service, Created ...
    package var envelope: [MailFieldReply]
    package var summary: String?
    /// Oldest first.
    package var hops: [MailHopReply]
    package var signer: CertificateReply?
    /// `opened`, `duplicate`, `held` or `refused`, `sealed` for a mail to someone else.
    package var verdict: String
    /// Why it is held or refused.
    package var reason: String?
    package var hint: String?
    package var held: HeldPartReply?
    package var payloadText: String?

    package init(
        id: String,
        folder: String? = nil,
        octets: Int,
        fields: [MailFieldReply],
        envelope: [MailFieldReply],
        summary: String? = nil,
        hops: [MailHopReply],
        signer: CertificateReply? = nil,
        verdict: String,
        reason: String? = nil,
        hint: String? = nil,
        held: HeldPartReply? = nil,
        payloadText: String? = nil
    ) {
        self.hint = hint
        self.held = held
        self.id = id
        self.folder = folder
        self.octets = octets
        self.fields = fields
        self.envelope = envelope
        self.summary = summary
        self.hops = hops
        self.signer = signer
        self.verdict = verdict
        self.reason = reason
        self.payloadText = payloadText
    }
}

/// A named line.
package struct MailFieldReply: Codable, Hashable, Sendable {
    package var name: String
    package var value: String

    package init(
        name: String,
        value: String
    ) {
        self.name = name
        self.value = value
    }
}

/// One `Received:` line.
package struct MailHopReply: Codable, Hashable, Sendable {
    package var from: String?
    package var by: String?
    package var time: Timestamp?
    /// Since the hop before.
    package var delaySeconds: Int64?

    package init(
        from: String? = nil,
        by: String? = nil,
        time: Timestamp? = nil,
        delaySeconds: Int64? = nil
    ) {
        self.from = from
        self.by = by
        self.time = time
        self.delaySeconds = delaySeconds
    }
}
