import Dispatch
import Synchronization

/// Hands elements from a thread that may block to one asynchronous reader; the thread waits when too many lie
/// between.
///
/// The writing side runs on a database reader's own thread, never on the cooperative pool.
final class BoundedPipe<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var end: Result<Void, any Error>?
        var reader: CheckedContinuation<Element?, any Error>?
        var isAbandoned = false
    }

    private let state = Mutex(State())
    /// Nil when there is always room.
    private let room: DispatchSemaphore?

    /// Nil = the writing side never waits: it shares the reader's thread.
    init(elementsAheadMax: Int?) {
        guard let elementsAheadMax else {
            room = nil
            return
        }
        // A semaphore that goes away below its first value traps: it starts at 0 and is raised, so that a pipe
        // may be given up with elements in it.
        let room = DispatchSemaphore(value: 0)
        for _ in 0..<elementsAheadMax { room.signal() }
        self.room = room
    }

    /// Blocks while the pipe is full.
    ///
    /// - Throws: `CancellationError` when nobody reads any more.
    func put(_ element: Element) throws {
        room?.wait()
        let (isAbandoned, reader) = state.withLock { state in
            if state.isAbandoned { return (true, nil as CheckedContinuation<Element?, any Error>?) }
            guard let reader = state.reader else {
                state.elements.append(element)
                return (false, nil)
            }
            state.reader = nil
            return (false, reader)
        }
        if isAbandoned {
            room?.signal()
            throw CancellationError()
        }
        if let reader {
            room?.signal()
            reader.resume(returning: element)
        }
    }

    /// The writer is done; an error reaches the reader after the last element.
    func finish(throwing error: (any Error)? = nil) {
        let end: Result<Void, any Error> = error.map { .failure($0) } ?? .success(())
        let reader = state.withLock { state in
            if state.end == nil { state.end = end }
            defer { state.reader = nil }
            return state.reader
        }
        if let reader { Self.resume(reader, with: end) }
    }

    /// The next element, or nil at the end; one reader at a time.
    func next() async throws -> Element? {
        try await withCheckedThrowingContinuation { continuation in
            let action = state.withLock { state -> (() -> Void)? in
                if !state.elements.isEmpty {
                    let element = state.elements.removeFirst()
                    return { continuation.resume(returning: element) }
                }
                if let end = state.end { return { Self.resume(continuation, with: end) } }
                state.reader = continuation
                return nil
            }
            guard let action else { return }
            action()
            room?.signal()
        }
    }

    /// The reader gives up: a waiting writer goes on and is refused.
    func abandon() {
        state.withLock { state in
            state.isAbandoned = true
            state.elements = []
        }
        room?.signal()
    }

    private static func resume(
        _ reader: CheckedContinuation<Element?, any Error>,
        with end: Result<Void, any Error>
    ) {
        switch end {
        case .success: reader.resume(returning: nil)
        case .failure(let error): reader.resume(throwing: error)
        }
    }
}
