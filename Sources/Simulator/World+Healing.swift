import DomainController
import Identifiers

/// The second stage: no more faults, and everything must become equal.
extension World {
    /// Schedule slots after which a healed world counts as one that never converges.
    package static let slotsMax = 200
    /// Slots that a converged world is watched.
    private static let quietSlots = 2

    /// Ends all faults, waits until all replicas are equal, and checks what must hold then.
    ///
    /// - Returns: the schedule slots that it took.
    @discardableResult
    package func heal() async throws -> Int {
        note("! heal")
        network.weather = .fair
        network.openAll()
        for site in sites {
            _ = site.disk.disarm()
            if site.isUp { site.seams.revive() }
            site.clock.skewSeconds = 0
        }
        try await startAll()
        for site in sites { try await settle(site, contexts: []) }
        var slots = try await converge()
        // What was held up for months comes now: it must change nothing.
        network.hurry(to: now)
        slots += try await converge()
        try await checkNothingLost()
        try await checkRest()
        return slots
    }

    private func converge() async throws -> Int {
        var found = ""
        for slot in 1...Self.slotsMax {
            try await advance(seconds: settings.intervalSeconds)
            guard let difference = try await difference() else { return slot }
            found = difference
        }
        throw OracleViolation(.divergence, "after \(Self.slotsMax) slots: \(found)")
    }

    /// With nothing to tell, each link asks once a slot and is answered once.
    private func checkRest() async throws {
        var links = 0
        for site in sites { links += site.dsa?.partners.current.links.count ?? 0 }
        let before = mailCount
        for _ in 0..<Self.quietSlots { try await advance(seconds: settings.intervalSeconds) }
        let mails = mailCount - before
        let allowed = 2 * links * (Self.quietSlots + 1)
        guard mails <= allowed else {
            throw OracleViolation(
                .restlessness,
                "\(mails) mails in \(Self.quietSlots) quiet slots of \(links) links"
            )
        }
        if let found = try await difference() {
            throw OracleViolation(.divergence, "after it had converged: \(found)")
        }
    }
}
