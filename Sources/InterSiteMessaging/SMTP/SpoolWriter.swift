import NIOCore

/// Writes one received mail to its spool file, off the event loop it lives on, in order.
final class SpoolWriter {
    private let sessions: ListenerSessions
    private let mailRoot: MailRoot
    private let eventLoop: any EventLoop
    private var spool: DropSpool?
    private var unwritten: [UInt8] = []
    private var isWriting = false
    private var isEnding = false
    private var isAborted = false
    private var failure: FileError?

    // Each may hold whoever holds this writer: they are forgotten at its end.
    var opened: (Result<String, FileError>) -> Void = { _ in }
    var stored: (Result<String, FileError>) -> Void = { _ in }
    /// Something was written: there may be room again.
    var drained: () -> Void = {}

    init(sessions: ListenerSessions, eventLoop: any EventLoop) {
        self.sessions = sessions
        mailRoot = sessions.mailRoot
        self.eventLoop = eventLoop
    }

    var unwrittenOctets: Int { unwritten.count }
    var octets: Int { spool?.octets ?? 0 }

    func begin() {
        run { [mailRoot] () throws(FileError) in
            try await mailRoot.beginDrop()
        } then: { [self] result in
            switch result {
            case .success(let spool):
                self.spool = spool
                if isAborted { removeSpool() } else { opened(.success(spool.id)) }
            case .failure(let error): if !isAborted { opened(.failure(error)) }
            }
        }
    }

    func append(_ bytes: ArraySlice<UInt8>) {
        guard failure == nil, !isAborted else { return }
        unwritten += bytes
        pump()
    }

    /// Everything was appended: make it durable and call `stored`.
    func end() {
        isEnding = true
        pump()
    }

    /// Leaves no file; neither `opened` nor `stored` is called any more.
    func abort() {
        isAborted = true
        unwritten = []
        if !isWriting { removeSpool() }
        forget()
    }

    private func finish(_ result: Result<String, FileError>) {
        let stored = self.stored
        forget()
        stored(result)
    }

    private func forget() {
        opened = { _ in }
        stored = { _ in }
        drained = {}
    }

    private func pump() {
        guard let spool, !isWriting, !isAborted else { return }
        if failure == nil, !unwritten.isEmpty { return write(to: spool) }
        guard isEnding else { return }
        isEnding = false
        if let failure {
            // The answer goes out only when nothing is left of the file.
            removeSpool { [self] in finish(.failure(failure)) }
        } else {
            commit(spool)
        }
    }

    private func write(to spool: DropSpool) {
        let chunk = unwritten
        unwritten = []
        isWriting = true
        run { [mailRoot] () throws(FileError) in
            try await mailRoot.append(chunk, to: spool)
        } then: { [self] result in
            isWriting = false
            if case .failure(let error) = result {
                failure = error
                unwritten = []
            }
            if isAborted { return removeSpool() }
            drained()
            pump()
        }
    }

    private func commit(_ spool: DropSpool) {
        run { [mailRoot] () throws(FileError) in
            try await mailRoot.commitDrop(spool)
        } then: { [self] result in
            finish(result.map { spool.id })
        }
    }

    private func removeSpool(then done: @escaping () -> Void = {}) {
        guard let spool else { return done() }
        self.spool = nil
        run { [mailRoot] () throws(FileError) in
            await mailRoot.abortDrop(spool)
        } then: { _ in
            done()
        }
    }

    private func run<Value: Sendable>(
        _ work: @escaping @Sendable () async throws(FileError) -> Value,
        then done: @escaping (Result<Value, FileError>) -> Void
    ) {
        sessions.diskWorkBegins()
        eventLoop.makeFutureWithTask { () async -> Result<Value, FileError> in
            do throws(FileError) {
                return .success(try await work())
            } catch {
                return .failure(error)
            }
        }.assumeIsolated().whenSuccess { [sessions] result in
            done(result)
            sessions.diskWorkEnds()
        }
    }
}
