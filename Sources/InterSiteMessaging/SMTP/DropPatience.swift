import Identifiers
import SecureMail

/// How long a file that somebody copies into Drop is left alone: no clock, no file.
struct DropPatience: Sendable {
    private struct Look {
        var octets: Int
        var modifiedSeconds: Int64
        var since: ContinuousClock.Instant
        var first: ContinuousClock.Instant
    }

    private let rest: Duration
    private let settle: Duration
    private var looks: [String: Look] = [:]

    init(rest: Duration, settle: Duration) {
        self.rest = rest
        self.settle = settle
    }

    /// Whether size and time of the file have not changed for a while.
    mutating func hasRested(_ file: MailFile, at now: ContinuousClock.Instant) -> Bool {
        guard var look = looks[file.id] else {
            looks[file.id] = Look(
                octets: file.octets,
                modifiedSeconds: file.modified.seconds,
                since: now,
                first: now
            )
            return rest <= .zero
        }
        if look.octets != file.octets || look.modifiedSeconds != file.modified.seconds {
            look.octets = file.octets
            look.modifiedSeconds = file.modified.seconds
            look.since = now
            looks[file.id] = look
        }
        return now - look.since >= rest
    }

    /// Whether the verdict may be that of a mail that is not all there yet.
    func mayStillGrow(
        _ file: MailFile,
        _ refusal: OpenRefusal,
        isOurs: Bool,
        at now: ContinuousClock.Instant
    ) -> Bool {
        guard !isOurs, let look = looks[file.id], now - look.first < settle else { return false }
        switch refusal.code {
        case .notMIME, .notOurs, .truncated, .malformed: return true
        default: return false
        }
    }

    mutating func forget(allBut present: Set<String>) {
        looks = looks.filter { present.contains($0.key) }
    }
}
