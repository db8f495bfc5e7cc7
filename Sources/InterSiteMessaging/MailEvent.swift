package import Identifiers

/// Something that happened to a mail: for logs, `watch`, counters and tests.
package struct MailEvent: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// On disk in Queue.
        case queued(messageID: GUID, service: String, summary: String, octets: Int)
        /// A newer message with the same key took its place before it left.
        case replaced
        /// The next hop said 250.
        case sent(reply: String, octets: Int, seconds: Double)
        /// `isRoute` when nothing at all can be sent to that partner.
        case retry(attempt: Int, nextSeconds: Double, reason: String, isRoute: Bool)
        /// In Badmail, or dropped as expired.
        case gaveUp(reason: String)
        /// By the listener, on disk in Drop.
        case received(peer: String, octets: Int)
        case opened(messageID: GUID, service: String, summary: String, octets: Int, hops: Int)
        /// A piece of a larger message, waiting for the others.
        case fragment(messageID: GUID, number: Int, count: Int)
        /// The service has committed.
        case committed(messageID: GUID, service: String)
        case duplicate(messageID: GUID)
        case refused(code: String, sentence: String)
        case held(code: String, sentence: String)
        /// Back from Held to Drop.
        case released
        /// The service could not take it now.
        case deferred(attempt: Int, nextSeconds: Double, reason: String)
        /// Kept in Archive.
        case archived
        /// A file operation failed; the work goes on by itself.
        case storageTrouble(reason: String)
    }

    package let kind: Kind
    /// The mail's file, without extension.
    package let fileID: String?
    /// The dsaGUID at the other end.
    package let partner: GUID?
    package let partnerName: String?

    package init(_ kind: Kind, fileID: String? = nil, partner: GUID? = nil, partnerName: String? = nil) {
        self.kind = kind
        self.fileID = fileID
        self.partner = partner
        self.partnerName = partnerName
    }
}

extension MailEvent.Kind {
    /// Stable word for filters and counters.
    package var name: String {
        switch self {
        case .queued: "queued"
        case .replaced: "replaced"
        case .sent: "sent"
        case .retry: "retry"
        case .gaveUp: "gaveUp"
        case .received: "received"
        case .opened: "opened"
        case .fragment: "fragment"
        case .committed: "committed"
        case .duplicate: "duplicate"
        case .refused: "refused"
        case .held: "held"
        case .released: "released"
        case .deferred: "deferred"
        case .archived: "archived"
        case .storageTrouble: "storageTrouble"
        }
    }
}

extension MailEvent: CustomStringConvertible {
    /// One line for people.
    package var description: String {
        let parts = [fileID.map { "mail \($0)" }, (partnerName ?? partner?.description).map { "DSA \($0)" }]
        let subject = parts.compactMap(\.self).joined(separator: ", ")
        return subject.isEmpty ? sentence : "\(subject): \(sentence)"
    }

    /// What happened, without whose mail it was.
    package var sentence: String {
        switch kind {
        case .queued(let message, let service, let summary, let octets):
            "queued \(octets) octets for \(service), message \(message): \(summary)"
        case .replaced: "replaced by a newer one before it left"
        case .sent(let reply, let octets, let seconds):
            "sent \(octets) octets in \(Self.text(seconds)) s: \(reply)"
        case .retry(let attempt, let next, let reason, let isRoute):
            "attempt \(attempt) failed\(isRoute ? " for the whole route" : ""), next in "
                + "\(Self.text(next)) s: \(reason)"
        case .gaveUp(let reason): "given up: \(reason)"
        case .received(let peer, let octets): "received \(octets) octets from \(peer)"
        case .opened(let message, let service, let summary, let octets, let hops):
            "opened \(octets) octets for \(service) after \(hops) hops, message \(message): \(summary)"
        case .fragment(let message, let number, let count):
            "fragment \(number) of \(count) of message \(message) waits for the others"
        case .committed(let message, let service): "message \(message) committed by \(service)"
        case .duplicate(let message): "message \(message) came again"
        case .refused(let code, let sentence): "refused (\(code)): \(sentence)"
        case .held(let code, let sentence): "held (\(code)): \(sentence)"
        case .released: "released from Held"
        case .deferred(let attempt, let next, let reason):
            "not taken, attempt \(attempt), next in \(Self.text(next)) s: \(reason)"
        case .archived: "archived"
        case .storageTrouble(let reason): reason
        }
    }

    /// Tenths of a second.
    private static func text(_ seconds: Double) -> String {
        let tenths = Int((seconds * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
