import Identifiers

/// The mails that wait for one partner, and when each may go: no clock, no file.
struct SendQueue: Sendable {
    struct Entry: Sendable {
        let id: String
        let octets: Int
        var mail: QueuedMail
        /// Nil: at once.
        var due: ContinuousClock.Instant?
    }

    /// In the order they were queued.
    private(set) var entries: [Entry] = []
    private(set) var octets = 0
    /// Failures of the whole route since the last success.
    private(set) var routeAttempts = 0
    private var routeDue: ContinuousClock.Instant?
    /// The mail that libcurl has.
    private(set) var underWay: String?

    mutating func append(_ entry: Entry) {
        entries.append(entry)
        octets += entry.octets
    }

    mutating func remove(_ id: String) {
        guard let index = entries.firstIndex(where: { $0.id == id }) else { return }
        octets -= entries[index].octets
        entries.remove(at: index)
        if underWay == id { underWay = nil }
    }

    /// Waiting mails that a message with this key makes pointless; one that is under way is let go.
    mutating func removeReplaced(service: String, key: String) -> [Entry] {
        let replaced = entries.filter {
            $0.id != underWay && $0.mail.service == service && $0.mail.coalescingKey == key
        }
        for entry in replaced { remove(entry.id) }
        return replaced
    }

    /// The first mail whose time has come; it is under way until `remove` or `postpone`.
    mutating func begin(at now: ContinuousClock.Instant) -> Entry? {
        if let routeDue, routeDue > now { return nil }
        guard let entry = entries.first(where: { $0.due.map { $0 <= now } ?? true }) else { return nil }
        underWay = entry.id
        return entry
    }

    /// When `begin` is worth another look; nil while nothing waits.
    var nextDue: ContinuousClock.Instant? {
        guard !entries.isEmpty else { return nil }
        guard !entries.contains(where: { $0.due == nil }) else { return routeDue }
        guard let first = entries.compactMap(\.due).min() else { return routeDue }
        return max(first, routeDue ?? first)
    }

    /// The mail under way failed by itself; returns it as it waits now.
    mutating func postpone(
        _ id: String,
        until due: ContinuousClock.Instant,
        at time: Timestamp,
        reply: String
    ) -> QueuedMail? {
        underWay = nil
        guard let index = entries.firstIndex(where: { $0.id == id }) else { return nil }
        entries[index].due = due
        entries[index].mail.attempts += 1
        entries[index].mail.nextTrySeconds = time.seconds
        entries[index].mail.lastReply = reply
        return entries[index].mail
    }

    /// Nothing can be sent to that partner before then; counts as an attempt of the mail under way.
    mutating func postponeRoute(
        until due: ContinuousClock.Instant,
        at time: Timestamp,
        reply: String
    ) -> QueuedMail? {
        routeAttempts += 1
        routeDue = due
        defer { underWay = nil }
        guard let index = entries.firstIndex(where: { $0.id == underWay }) else { return nil }
        entries[index].mail.attempts += 1
        entries[index].mail.nextTrySeconds = time.seconds
        entries[index].mail.lastReply = reply
        return entries[index].mail
    }

    /// The route works.
    mutating func routeSucceeded() {
        routeAttempts = 0
        routeDue = nil
    }

    /// Signs of life from the partner, or an operator's wish: everything is due.
    mutating func makeDue() {
        routeSucceeded()
        for index in entries.indices { entries[index].due = nil }
    }
}
