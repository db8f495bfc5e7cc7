import AdminAPI
import Dispatch
import Synchronization

/// The pieces of an answer, one reader.
actor PieceSource {
    private var iterator: AsyncThrowingStream<[UInt8], any Error>.Iterator
    private let room: DispatchSemaphore
    private var opening: [UInt8]?

    init(_ stream: AsyncThrowingStream<[UInt8], any Error>, _ room: DispatchSemaphore) {
        iterator = stream.makeAsyncIterator()
        self.room = room
    }

    /// Waits for the first piece, or throws why there is none.
    func open() async throws { opening = try await next() }

    func next() async throws -> [UInt8]? {
        if let opening {
            self.opening = nil
            return opening
        }
        var current = iterator
        defer { iterator = current }
        guard let piece = try await current.next(isolation: self) else {
            // A cancelled reader sees the end of the stream; that is not the end of the answer.
            try Task.checkCancellation()
            return nil
        }
        room.signal()
        return piece
    }

    /// The whole answer.
    func body(octetsMax: Int) async throws -> [UInt8] {
        var body: [UInt8] = []
        while let piece = try await next() {
            guard body.count + piece.count <= octetsMax else {
                throw AdminError(code: "badAnswer", message: "the DSA's answer is over \(octetsMax) octets")
            }
            body += piece
        }
        return body
    }
}

/// Cuts pieces into lines without their line feed.
actor LineReader {
    private let source: PieceSource
    private var rest: [UInt8] = []
    /// How far `rest` is known to hold no line feed.
    private var scanned = 0

    init(_ source: PieceSource) { self.source = source }

    func next() async throws -> [UInt8]? {
        while true {
            if let end = rest[scanned...].firstIndex(of: 0x0a) {
                let line = Array(rest[..<end])
                rest.removeFirst(end + 1)
                scanned = 0
                return line
            }
            scanned = rest.count
            guard scanned <= AdminLimits.lineOctetsMax else {
                throw AdminError(
                    code: "badAnswer",
                    message: "a line of the DSA's answer is over \(AdminLimits.lineOctetsMax) octets"
                )
            }
            guard let piece = try await source.next() else {
                defer { (rest, scanned) = ([], 0) }
                return rest.isEmpty ? nil : rest
            }
            rest += piece
        }
    }
}

/// Hands pieces of an async sequence to the transfer's thread, one at a time and on demand.
final class UploadSource: Sendable {
    private struct State {
        var piece: ArraySlice<UInt8> = []
        var isFinished = false
        var isCancelled = false
        var failure: (any Error)?
    }

    private let state = Mutex(State())
    private let ready = DispatchSemaphore(value: 0)
    private let demands: AsyncStream<Void>
    private let demand: AsyncStream<Void>.Continuation

    init() { (demands, demand) = AsyncStream.makeStream(of: Void.self) }

    /// Why the pieces ended early.
    var failure: (any Error)? { state.withLock { $0.failure } }

    func cancel() {
        state.withLock { $0.isCancelled = true }
        ready.signal()
    }

    /// Runs until the pieces end, fail, or nobody wants them.
    func pump(_ pieces: AsyncThrowingStream<[UInt8], any Error>) async {
        var iterator = pieces.makeAsyncIterator()
        for await _ in demands {
            do {
                let piece = try await iterator.next()
                try Task.checkCancellation()
                state.withLock { state in
                    if let piece { state.piece = piece[...] } else { state.isFinished = true }
                }
            } catch {
                state.withLock { $0.failure = error }
            }
            ready.signal()
        }
        cancel()
    }

    /// Blocks; 0 = the end, nil = there will be no end.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        while true {
            let count = state.withLock { state -> Int?? in
                if state.isCancelled || state.failure != nil { return .some(nil) }
                if !state.piece.isEmpty {
                    let taken = state.piece.prefix(buffer.count)
                    buffer.copyBytes(from: taken)
                    state.piece = state.piece.dropFirst(taken.count)
                    return .some(taken.count)
                }
                return state.isFinished ? .some(0) : nil
            }
            if let count { return count }
            demand.yield()
            ready.wait()
        }
    }
}
