import Identifiers
import InterSiteMessaging
import Synchronization

/// Collects events and lets a test wait for those it needs: no sleeps.
final class EventLog: Sendable {
    private struct Waiter {
        let count: Int
        let predicate: @Sendable (MailEvent) -> Bool
        let continuation: CheckedContinuation<[MailEvent], Never>
    }

    private struct State {
        var events: [MailEvent] = []
        var waiters: [Waiter] = []
        var isCancelled = false
    }

    private let state = Mutex(State())

    func post(_ event: MailEvent) {
        let due = state.withLock { state -> [(Waiter, [MailEvent])] in
            state.events.append(event)
            var due: [(Waiter, [MailEvent])] = []
            state.waiters.removeAll { waiter in
                let found = state.events.filter(waiter.predicate)
                guard found.count >= waiter.count else { return false }
                due.append((waiter, found))
                return true
            }
            return due
        }
        for (waiter, found) in due { waiter.continuation.resume(returning: found) }
    }

    var all: [MailEvent] { state.withLock { $0.events } }

    func named(_ name: String) -> [MailEvent] { all.filter { $0.kind.name == name } }

    func count(_ name: String) -> Int { named(name).count }

    /// Returns once that many events fit, earlier ones included; throws when the test's time is over.
    @discardableResult
    func wait(
        _ count: Int = 1,
        where predicate: @escaping @Sendable (MailEvent) -> Bool
    ) async throws -> [MailEvent] {
        let found = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let found = state.withLock { state -> [MailEvent]? in
                    let found = state.events.filter(predicate)
                    if found.count >= count || state.isCancelled { return found }
                    state.waiters.append(
                        Waiter(count: count, predicate: predicate, continuation: continuation)
                    )
                    return nil
                }
                if let found { continuation.resume(returning: found) }
            }
        } onCancel: {
            let waiters = state.withLock { state in
                state.isCancelled = true
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.continuation.resume(returning: []) }
        }
        guard found.count >= count else { throw CancellationError() }
        return found
    }

    @discardableResult
    func wait(_ count: Int = 1, for name: String) async throws -> [MailEvent] {
        try await wait(count) { $0.kind.name == name }
    }
}
