import Identifiers
import Synchronization

/// A mail between two sites of a simulated world.
struct SimulatedMail: Sendable {
    /// In the order in which the world's mails were queued.
    var number: Int
    var from: Int
    var to: Int
    var octets: [UInt8]
    /// What was sealed, for traces.
    var payload: [UInt8]
    var service: String
    var summary: String
    var coalescingKey: String?
    var expires: Timestamp
    /// A member claims something in it that its database does not have.
    var isForged = false
    /// Of a message in fragments, any but the first.
    var isLaterFragment = false
}

/// What the mail of a world suffers; percentages are per mail.
package struct Weather: Hashable, Sendable {
    package var lostPercent = 0
    package var doubledPercent = 0
    package var alteredPercent = 0
    package var truncatedPercent = 0
    /// Delays are drawn by magnitude from 1 second up to this.
    package var longestDelaySeconds = 2
    /// So many mails take up to `longestStragglerSeconds` instead.
    package var stragglerPercent = 0
    package var longestStragglerSeconds = 1

    package static let fair = Weather()

    package init() {}
}

/// Every mail queue and every mail on its way.
///
/// Queues belong to the senders and survive their crashes; what has left is out of everybody's hands.
final class SimulatedNetwork: Sendable {
    struct Arrival: Sendable {
        var at: Timestamp
        var mail: SimulatedMail
    }

    private struct State {
        var queues: [[SimulatedMail]]
        var arrivals: [Arrival] = []
        var nextNumber = 0
        var laterFragments = 0
        /// By sender.
        var newest: [Int]
        var weather = Weather.fair
        /// Roads that carry nothing: `from * sites + to`.
        var blocked: Set<Int> = []
        var left: [Int: UInt64] = [:]
        /// Roads whose mails wait until somebody delivers them: `from * sites + to`.
        var holding: Set<Int> = []
        var waiting: [Int: [SimulatedMail]] = [:]
    }

    private let sites: Int
    private let seed: UInt64
    private let state: Mutex<State>

    init(sites: Int, seed: UInt64) {
        (self.sites, self.seed) = (sites, seed)
        state = Mutex(
            State(
                queues: Array(repeating: [], count: sites),
                newest: Array(repeating: -1, count: sites)
            )
        )
    }

    var weather: Weather {
        get { state.withLock { $0.weather } }
        set { state.withLock { $0.weather = newValue } }
    }

    var mailsQueued: Int { state.withLock { $0.nextNumber } }
    /// Messages: one in fragments is one.
    var messagesQueued: Int { state.withLock { $0.nextNumber - $0.laterFragments } }
    /// On their way, or in a queue.
    var mailsWaiting: Int {
        state.withLock { state in state.queues.reduce(state.arrivals.count) { $0 + $1.count } }
    }

    func block(from: Int, to: Int) { state.withLock { _ = $0.blocked.insert(from * sites + to) } }
    func open(from: Int, to: Int) { state.withLock { _ = $0.blocked.remove(from * sites + to) } }
    func openAll() { state.withLock { $0.blocked = [] } }

    /// Durable when it returns; a newer mail takes the place of one with its key that has not left.
    func queue(_ mail: SimulatedMail) -> Int {
        state.withLock { state in
            var mail = mail
            mail.number = state.nextNumber
            state.nextNumber += 1
            if mail.isLaterFragment { state.laterFragments += 1 }
            state.newest[mail.from] = mail.number
            if let key = mail.coalescingKey {
                state.queues[mail.from].removeAll {
                    $0.coalescingKey == key && $0.to == mail.to && $0.service == mail.service
                }
            }
            state.queues[mail.from].append(mail)
            return mail.number
        }
    }

    /// What leaves a site's queue now, and what has expired in it: recipients of expired mails.
    func leave(_ site: Int, at now: Timestamp) -> (left: [SimulatedMail], expired: [SimulatedMail]) {
        state.withLock { state in
            var (left, expired, kept): ([SimulatedMail], [SimulatedMail], [SimulatedMail]) = ([], [], [])
            for mail in state.queues[site] {
                if mail.expires <= now {
                    expired.append(mail)
                } else if state.blocked.contains(site * sites + mail.to) {
                    kept.append(mail)
                } else {
                    left.append(mail)
                    let road = site * sites + mail.to
                    if state.holding.contains(road) {
                        state.waiting[road, default: []].append(mail)
                    } else {
                        cast(mail, at: now, &state)
                    }
                }
            }
            state.queues[site] = kept
            return (left, expired)
        }
    }

    /// Decides what becomes of a mail; by the seed and its number on its road, whatever other roads carry.
    private func cast(_ mail: SimulatedMail, at now: Timestamp, _ state: inout State) {
        let road = mail.from * sites + mail.to
        let count = state.left[road, default: 0]
        state.left[road] = count + 1
        var random = SimulationRandom(seed: seed, 0x6d61_696c, UInt64(road), count)
        let weather = state.weather
        guard !random.chance(percent: weather.lostPercent) else { return }
        let copies = random.chance(percent: weather.doubledPercent) ? 2 : 1
        for _ in 0..<copies {
            var copy = mail
            if random.chance(percent: weather.alteredPercent) {
                let index = random.int(0...(copy.octets.count - 1))
                copy.octets[index] ^= UInt8(1) << UInt8(random.int(0...7))
            }
            if random.chance(percent: weather.truncatedPercent) {
                copy.octets = Array(copy.octets.prefix(random.int(0...(copy.octets.count - 1))))
            }
            let isStraggler = random.chance(percent: weather.stragglerPercent)
            let delayMax = isStraggler ? weather.longestStragglerSeconds : weather.longestDelaySeconds
            let delay = random.magnitude(1...max(1, delayMax))
            let arrival = Arrival(at: now.adding(seconds: Int64(delay)), mail: copy)
            let index = state.arrivals.firstIndex { $0.at > arrival.at } ?? state.arrivals.endIndex
            state.arrivals.insert(arrival, at: index)
        }
    }

    /// What a site's machine still has to send.
    func queue(of site: Int) -> [SimulatedMail] { state.withLock { $0.queues[site] } }

    /// The number of the newest mail that a site ever queued; -1 before the first.
    func newestMail(of site: Int) -> Int { state.withLock { $0.newest[site] } }

    /// Another machine, or an older state of it, takes the site's place.
    func setQueue(of site: Int, to mails: [SimulatedMail]) { state.withLock { $0.queues[site] = mails } }

    // MARK: - Roads on which mails wait

    func hold(from: Int, to: Int) { state.withLock { _ = $0.holding.insert(from * sites + to) } }

    /// What waits arrives, and what comes after passes.
    func pass(from: Int, to: Int, at now: Timestamp) {
        let waiting = state.withLock { state in
            state.holding.remove(from * sites + to)
            return state.waiting.removeValue(forKey: from * sites + to) ?? []
        }
        for mail in waiting { arrive(mail, at: now) }
    }

    func passAll(at now: Timestamp) {
        for from in 0..<sites { for to in 0..<sites { pass(from: from, to: to, at: now) } }
    }

    func waiting(from: Int, to: Int) -> [SimulatedMail] {
        state.withLock { $0.waiting[from * sites + to] ?? [] }
    }

    func changeWaiting(from: Int, to: Int, _ body: (inout [SimulatedMail]) -> Void) {
        var mails = waiting(from: from, to: to)
        body(&mails)
        state.withLock { [mails] in $0.waiting[from * sites + to] = mails }
    }

    /// Behind what arrives at that time already.
    func arrive(_ mail: SimulatedMail, at now: Timestamp) {
        state.withLock { state in
            let index = state.arrivals.firstIndex { $0.at > now } ?? state.arrivals.endIndex
            state.arrivals.insert(Arrival(at: now, mail: mail), at: index)
        }
    }

    /// Where a mail waits that has just left; nil when it is on its way.
    func place(of mail: SimulatedMail) -> String? {
        let mails = waiting(from: mail.from, to: mail.to)
        return mails.firstIndex { $0.number == mail.number }.map { "waits as \($0 + 1)" }
    }

    var nextArrival: Timestamp? { state.withLock { $0.arrivals.first?.at } }

    func takeArrival(notAfter now: Timestamp) -> SimulatedMail? {
        state.withLock { state in
            guard let first = state.arrivals.first, first.at <= now else { return nil }
            return state.arrivals.removeFirst().mail
        }
    }

    /// Everything on its way arrives at once.
    func hurry(to now: Timestamp) {
        state.withLock { state in
            for index in state.arrivals.indices { state.arrivals[index].at = now }
        }
    }
}
