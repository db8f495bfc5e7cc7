package import Identifiers

/// Asks partners for changes at once.
package struct ReplicateNowRequest: Codable, Hashable, Sendable {
    /// A server's name or DSA GUID; nil = every partner.
    package var partner: String?
    /// A DN or GUID; nil = every one that is pulled.
    package var namingContext: String?
    /// Answer only when everything asked for has been applied.
    package var wait: Bool
    /// Of waiting.
    package var timeoutSeconds: Int

    package init(
        partner: String? = nil,
        namingContext: String? = nil,
        wait: Bool = false,
        timeoutSeconds: Int = 600
    ) {
        self.partner = partner
        self.namingContext = namingContext
        self.wait = wait
        self.timeoutSeconds = timeoutSeconds
    }
}

/// The requests that were sent, and whether their answers were applied.
package struct ReplicateNowReply: Codable, Hashable, Sendable {
    package var requests: [SentRequest]
    /// False when nobody waited, or the time was over first.
    package var isApplied: Bool

    package init(
        requests: [SentRequest],
        isApplied: Bool
    ) {
        self.requests = requests
        self.isApplied = isApplied
    }
}

/// One request for changes on its way.
package struct SentRequest: Codable, Hashable, Sendable {
    package var namingContext: String
    package var partner: String
    package var transport: String
    /// Nil when the request could not be sent.
    package var messageID: GUID?
    package var requestID: GUID?
    package var isApplied: Bool
    /// Why it was not sent.
    package var failure: String?

    package init(
        namingContext: String,
        partner: String,
        transport: String,
        messageID: GUID? = nil,
        requestID: GUID? = nil,
        isApplied: Bool = false,
        failure: String? = nil
    ) {
        self.namingContext = namingContext
        self.partner = partner
        self.transport = transport
        self.messageID = messageID
        self.requestID = requestID
        self.isApplied = isApplied
        self.failure = failure
    }
}
