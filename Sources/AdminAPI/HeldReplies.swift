package import Identifiers

/// What is known of a part of changes that is held.
package struct HeldPartReply: Codable, Hashable, Sendable {
    package var namingContext: String
    /// The server that sent it.
    package var source: String
    package var sourceDSA: GUID
    package var invocationID: GUID
    /// (from, to] in the source's USN space.
    package var from: USN
    package var to: USN
    /// `stamp-ahead`, `version-leap`, `own-entry-ahead` or `vector-leap`.
    package var reason: String
    package var firstSeen: Timestamp
    package var lastSeen: Timestamp
    /// How often it came.
    package var times: Int
    /// `undecided`, `released` or `discarded`.
    package var decision: String
    package var decided: Timestamp?
    package var decidedBy: String?

    package init(
        namingContext: String,
        source: String,
        sourceDSA: GUID,
        invocationID: GUID,
        from: USN,
        to: USN,
        reason: String,
        firstSeen: Timestamp,
        lastSeen: Timestamp,
        times: Int,
        decision: String,
        decided: Timestamp? = nil,
        decidedBy: String? = nil
    ) {
        self.namingContext = namingContext
        self.source = source
        self.sourceDSA = sourceDSA
        self.invocationID = invocationID
        self.from = from
        self.to = to
        self.reason = reason
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.times = times
        self.decision = decision
        self.decided = decided
        self.decidedBy = decidedBy
    }
}

/// How many parts are held.
package struct HeldStatus: Codable, Hashable, Sendable {
    /// Waiting for their time or for a decision.
    package var parts: Int
    /// Discarded ones that their source has not changed since.
    package var discarded: Int
    /// Whose they are.
    package var sources: [String]
    /// Several partners' stamps are ahead: it is rather this DSA's clock.
    package var suspectsOwnClock: Bool

    package init(parts: Int, discarded: Int, sources: [String], suspectsOwnClock: Bool) {
        self.parts = parts
        self.discarded = discarded
        self.sources = sources
        self.suspectsOwnClock = suspectsOwnClock
    }
}

/// A decision about a held mail.
package struct MailDecisionRequest: Codable, Hashable, Sendable {
    package var id: String
    /// Who decides; it is kept with the decision.
    package var by: String

    package init(id: String, by: String) {
        self.id = id
        self.by = by
    }
}

/// Where a held mail went.
package struct MailDecisionReply: Codable, Hashable, Sendable {
    /// Its name there.
    package var id: String
    package var folder: String
    /// Nil for a mail that holds no part of changes.
    package var part: HeldPartReply?
    /// What becomes of it.
    package var text: String

    package init(id: String, folder: String, part: HeldPartReply? = nil, text: String) {
        self.id = id
        self.folder = folder
        self.part = part
        self.text = text
    }
}
