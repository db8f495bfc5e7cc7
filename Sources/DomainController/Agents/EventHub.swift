package import AdminAPI
import Synchronization

/// What happened, for `watch`, logs and tests: a ring of the newest events and any number of listeners.
package final class EventHub: Sendable {
    /// Events kept for a listener that arrives late.
    package static let recentEventsMax = 512
    /// Events buffered per slow listener; older ones are dropped.
    package static let bufferedEventsMax = 4096

    private struct State {
        var recent: [EventReply] = []
        var listeners: [Int: AsyncStream<EventReply>.Continuation] = [:]
        var nextListener = 0
        var counts: [String: Int] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    package init() {}

    package func post(_ event: EventReply) {
        let listeners = state.withLock { state in
            state.recent.append(event)
            if state.recent.count > Self.recentEventsMax { state.recent.removeFirst() }
            state.counts[event.kind, default: 0] += 1
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.yield(event) }
    }

    /// Events from now on; the stream ends when the hub closes or the listener goes away.
    package func events() -> AsyncStream<EventReply> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: EventReply.self,
            bufferingPolicy: .bufferingNewest(Self.bufferedEventsMax)
        )
        let key = state.withLock { state -> Int? in
            guard !state.isClosed else { return nil }
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        guard let key else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: key) }
        }
        return stream
    }

    /// How many events of each kind since the start.
    package var counts: [String: Int] { state.withLock { $0.counts } }

    package func close() {
        let listeners = state.withLock { state in
            state.isClosed = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }
}
