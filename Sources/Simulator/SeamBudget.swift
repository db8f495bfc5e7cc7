import Synchronization

/// How many calls to the outside one site still has before its machine dies.
///
/// Every file operation, every sending and both sides of every commit are a call. A dead site's calls all fail:
/// nothing that its program does from then on has an effect.
package final class SeamBudget: Sendable {
    private struct State {
        var remaining: Int?
        var isDead = false
    }

    private let state = Mutex(State())

    init() {}

    package var isDead: Bool { state.withLock { $0.isDead } }

    /// The machine dies at the call after `calls` more.
    func arm(calls: Int) { state.withLock { $0.remaining = calls } }

    func kill() { state.withLock { $0.isDead = true } }

    func revive() { state.withLock { $0 = State() } }

    /// Counts a call; false when it must fail.
    func pass() -> Bool {
        state.withLock { state in
            guard !state.isDead else { return false }
            guard let remaining = state.remaining else { return true }
            state.remaining = remaining - 1
            if remaining <= 0 { state.isDead = true }
            return remaining > 0
        }
    }
}

/// The machine of a simulated site has died: its program is over.
struct MachineDied: Error, CustomStringConvertible {
    var description: String { "the machine died" }
}
