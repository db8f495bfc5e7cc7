package import Identifiers
package import SecureMail

/// Bounds of what may wait to become whole.
package struct FragmentLimits: Sendable, Hashable {
    /// Messages of one partner that lack fragments.
    package var setsPerPartnerMax = 16
    /// Octets of one partner's mails that wait.
    package var octetsPerPartnerMax = 256 << 20
    /// Octets of the payload that all fragments together are.
    package var wholeOctetsMax = 64 << 20
    /// A set that got nothing for this long gives way when another bound is reached.
    package var idleSecondsMax: Int64 = 3 * 86_400
    /// Refused sets that are remembered, so that what comes of them later is refused as well.
    package var refusedSetsMax = 1024

    package init() {}
}

/// The fragments that wait for others of their message: which file is which, and when a message is whole.
///
/// No clock, no file, no digest: who holds the files asks what to do with each that arrives.
package struct FragmentSets: Sendable {
    /// The verified sender and its message's id.
    package struct Key: Sendable, Hashable {
        package let sender: GUID
        package let message: GUID

        package init(sender: GUID, message: GUID) {
            self.sender = sender
            self.message = message
        }
    }

    /// One fragment as its mail was opened.
    package struct Arrival: Sendable {
        package let envelope: MessageEnvelope
        package let fragment: MessageFragment
        /// Of the sealed mail.
        package let octets: Int
        package let payloadOctets: Int

        package init(
            envelope: MessageEnvelope,
            fragment: MessageFragment,
            octets: Int,
            payloadOctets: Int
        ) {
            self.envelope = envelope
            self.fragment = fragment
            self.octets = octets
            self.payloadOctets = payloadOctets
        }

        package var key: Key { Key(sender: envelope.from, message: envelope.messageID) }
    }

    /// What to do with the arrived one.
    package enum Verdict: Sendable, Hashable {
        /// Store it and call `keep`.
        case wait
        /// Its message is whole with these files; nil stands for the arrived one.
        case whole(files: [String?])
        /// One with its number waits already.
        case repeated
        case refused(Refusal)
    }

    package struct Refusal: Sendable, Hashable {
        /// Stable word of the `.reason` file.
        package let code: String
        package let sentence: String

        package init(code: String, sentence: String) { (self.code, self.sentence) = (code, sentence) }
    }

    /// Files that must leave, too: their set is refused.
    package struct Evicted: Sendable, Hashable {
        package let key: Key
        package let files: [String]
        package let refusal: Refusal
    }

    private struct Piece {
        let file: String
        let octets: Int
        let payloadOctets: Int
    }

    private struct Waiting {
        /// Grows with every new set.
        let age: Int
        let count: Int
        let wholeSHA256: [UInt8]
        let service: String
        let inReplyTo: GUID?
        let created: Timestamp
        let expires: Timestamp
        var pieces: [Int: Piece] = [:]
        /// When its newest fragment came.
        var touched: Timestamp

        var octets: Int { pieces.values.reduce(0) { $0 + $1.octets } }
        var payloadOctets: Int { pieces.values.reduce(0) { $0 + $1.payloadOctets } }
        var files: [String] { pieces.sorted { $0.key < $1.key }.map(\.value.file) }

        func fits(_ arrival: Arrival) -> Bool {
            count == arrival.fragment.count && wholeSHA256 == arrival.fragment.wholeSHA256
                && service == arrival.envelope.service && inReplyTo == arrival.envelope.inReplyTo
                && created == arrival.envelope.created && expires == arrival.envelope.expires
        }
    }

    package let limits: FragmentLimits
    private var sets: [Key: Waiting] = [:]
    private var refused: [Key: Refusal] = [:]
    private var refusedOrder: [Key] = []
    private var nextAge = 0

    package init(limits: FragmentLimits = FragmentLimits()) { self.limits = limits }

    /// Messages that lack fragments.
    package var count: Int { sets.count }

    /// When the next set expires.
    package var nextExpiry: Timestamp? { sets.values.map(\.expires).min() }

    // MARK: - Arrival

    /// Judges a fragment that has arrived; it counts as waiting only after `keep`.
    package mutating func judge(
        _ arrival: Arrival,
        at now: Timestamp
    ) -> (verdict: Verdict, evicted: [Evicted]) {
        let key = arrival.key
        if let refusal = refused[key] { return (.refused(refusal), []) }
        if let set = sets[key] {
            guard set.fits(arrival) else {
                return (
                    .refused(
                        Refusal(
                            code: "fragment-mismatch",
                            sentence:
                                "fragment \(arrival.fragment.number) of message \(key.message) does not "
                                + "belong to the fragments that came before"
                        )
                    ), []
                )
            }
            if set.pieces[arrival.fragment.number] != nil { return (.repeated, []) }
        }
        guard (sets[key]?.payloadOctets ?? 0) + arrival.payloadOctets <= limits.wholeOctetsMax else {
            return refuse(
                arrival,
                "message \(key.message) is larger than \(limits.wholeOctetsMax) octets"
            )
        }
        if let set = sets[key], set.pieces.count == set.count - 1 {
            return (.whole(files: (1...set.count).map { set.pieces[$0]?.file }), [])
        }
        return makeRoom(for: arrival, at: now)
    }

    /// The arrived fragment waits in `file` from now on.
    package mutating func keep(_ arrival: Arrival, file: String, at now: Timestamp) {
        let key = arrival.key
        if sets[key] == nil {
            nextAge += 1
            sets[key] = Waiting(
                age: nextAge,
                count: arrival.fragment.count,
                wholeSHA256: arrival.fragment.wholeSHA256,
                service: arrival.envelope.service,
                inReplyTo: arrival.envelope.inReplyTo,
                created: arrival.envelope.created,
                expires: arrival.envelope.expires,
                touched: now
            )
        }
        sets[key]?.touched = now
        sets[key]?.pieces[arrival.fragment.number] = Piece(
            file: file,
            octets: arrival.octets,
            payloadOctets: arrival.payloadOctets
        )
    }

    // MARK: - Leaving

    /// The message is done with; returns the files that waited for it.
    package mutating func close(_ key: Key) -> [String] { sets.removeValue(forKey: key)?.files ?? [] }

    /// A waiting file is gone or of no use: its number is missing again.
    package mutating func forget(_ file: String, of key: Key) {
        guard let number = sets[key]?.pieces.first(where: { $0.value.file == file })?.key else { return }
        sets[key]?.pieces[number] = nil
        if sets[key]?.pieces.isEmpty == true { sets[key] = nil }
    }

    /// The set cannot become a message; what comes of it later is refused, too.
    package mutating func refuse(_ key: Key, _ refusal: Refusal) -> Evicted {
        if refused.updateValue(refusal, forKey: key) == nil { refusedOrder.append(key) }
        if refusedOrder.count > limits.refusedSetsMax { refused[refusedOrder.removeFirst()] = nil }
        return Evicted(key: key, files: close(key), refusal: refusal)
    }

    /// Sets whose message has expired, in the order they began.
    package mutating func expire(at now: Timestamp) -> [Evicted] {
        let over = sets.filter { $0.value.expires < now }.sorted { $0.value.age < $1.value.age }
        return over.map { key, set in
            let sentence =
                "message \(key.message) expired at \(set.expires) with \(set.pieces.count) of \(set.count) "
                + "fragments"
            return Evicted(
                key: key,
                files: close(key),
                refusal: Refusal(code: "expired", sentence: sentence)
            )
        }
    }

    // MARK: - Bounds

    /// Over a bound the newest set goes, unless one has not grown for days; never one that still may.
    private mutating func makeRoom(
        for arrival: Arrival,
        at now: Timestamp
    ) -> (verdict: Verdict, evicted: [Evicted]) {
        let key = arrival.key
        var evicted: [Evicted] = []
        while true {
            let waiting = sets.filter { $0.key.sender == key.sender }
            guard let excess = excess(of: waiting, with: arrival) else { return (.wait, evicted) }
            let refusal = Refusal(code: "fragment-limit", sentence: excess)
            let oldest = waiting.filter { $0.key != key }.min { $0.value.age < $1.value.age }
            if let idle = oldest, idle.value.touched.adding(seconds: limits.idleSecondsMax) < now {
                evicted.append(refuse(idle.key, refusal))
                continue
            }
            let newest = waiting.max { $0.value.age < $1.value.age }
            guard let newest, newest.value.age > waiting[key]?.age ?? .max else {
                let last = refuse(arrival, excess)
                return (last.verdict, evicted + last.evicted)
            }
            evicted.append(refuse(newest.key, refusal))
        }
    }

    /// Which bound the arrived one would break; nil when none.
    private func excess(of waiting: [Key: Waiting], with arrival: Arrival) -> String? {
        let sender = arrival.envelope.from
        if waiting[arrival.key] == nil, waiting.count >= limits.setsPerPartnerMax {
            return "\(limits.setsPerPartnerMax) messages of DSA \(sender) lack fragments already"
        }
        let octets = waiting.values.reduce(arrival.octets) { $0 + $1.octets }
        guard octets > limits.octetsPerPartnerMax else { return nil }
        return "fragments of DSA \(sender) take more than \(limits.octetsPerPartnerMax) octets"
    }

    private mutating func refuse(
        _ arrival: Arrival,
        _ sentence: String
    ) -> (verdict: Verdict, evicted: [Evicted]) {
        let refusal = Refusal(code: "fragment-limit", sentence: sentence)
        return (.refused(refusal), [refuse(arrival.key, refusal)])
    }
}
