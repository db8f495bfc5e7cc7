package import Identifiers

/// Something that happened: a line of `watch`.
package struct EventReply: Codable, Hashable, Sendable {
    package var time: Timestamp
    /// Stable word: requested, answered, applied, refused, queued, sent, received ...
    package var kind: String
    /// The server at the other end.
    package var partner: String?
    package var namingContext: String?
    /// One line for people.
    package var text: String
    /// The same for machines.
    package var fields: [String: String]

    package init(
        time: Timestamp,
        kind: String,
        partner: String? = nil,
        namingContext: String? = nil,
        text: String,
        fields: [String: String] = [:]
    ) {
        self.time = time
        self.kind = kind
        self.partner = partner
        self.namingContext = namingContext
        self.text = text
        self.fields = fields
    }
}
