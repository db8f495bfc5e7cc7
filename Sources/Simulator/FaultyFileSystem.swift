import Dispatch
import Glibc
package import Identifiers
package import InterSiteMessaging
import Synchronization

/// Files in memory that behave as badly as a disk may: the n-th call fails, or the machine dies at it and
/// everything that was not synced is lost.
package final class FaultyFileSystem: FileSystem {
    package static let full = ENOSPC
    package static let broken = EIO
    /// Calls that `log` remembers from the beginning.
    private static let logLinesMax = 10_000

    private struct Content {
        var octets: [UInt8] = []
        /// What survives; nil before the first sync.
        var synced: [UInt8]?
    }

    private struct Plan {
        var failingCall = 0
        var number: CInt = 0
        /// Every later call fails as well.
        var isDeath = false
    }

    private struct State {
        var contents: [Int: Content] = [:]
        var nextContent = 0
        /// Paths now, and what a crash leaves of them.
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        var folders: Set<String> = ["/"]
        var locks: Set<String> = []
        var plan = Plan()
        var calls = 0
        var hasFailed = false
        var isDead = false
        var log: [String] = []
        var syncs: [String: Int] = [:]
    }

    private let state: Mutex<State>
    /// Directory syncs wait here when set.
    private let syncGate: SyncGate?
    private let gate: @Sendable () -> Bool
    private let modified: Timestamp
    /// A type of its own: a closure that a generic lock holds directly is wrapped once more by every access.
    private struct DeathAction {
        let run: @Sendable () -> Void
    }

    private let died = Mutex(DeathAction(run: {}))

    /// Every file says that it was changed at `modified`; while `gate` says no, every call fails.
    package init(
        modified: Timestamp,
        syncGate: SyncGate? = nil,
        gate: @escaping @Sendable () -> Bool = { true }
    ) {
        state = Mutex(State())
        (self.modified, self.syncGate, self.gate) = (modified, syncGate, gate)
    }

    private init(_ state: State, of other: FaultyFileSystem, gate: @escaping @Sendable () -> Bool) {
        self.state = Mutex(state)
        (modified, syncGate, self.gate) = (other.modified, nil, gate)
    }

    /// A disk of its own with what is on this one now.
    package func copy(gate: @escaping @Sendable () -> Bool = { true }) -> FaultyFileSystem {
        var copied = state.withLock { $0 }
        (copied.plan, copied.locks, copied.log) = (Plan(), [], [])
        return FaultyFileSystem(copied, of: self, gate: gate)
    }

    /// Puts every file back as it was on another disk.
    package func restore(from other: FaultyFileSystem) {
        let (names, contents) = other.state.withLock { ($0.names, $0.contents) }
        state.withLock { state in
            (state.names, state.durableNames, state.contents) = (names, names, contents)
            state.nextContent = (contents.keys.max() ?? 0) + 1
        }
    }

    // MARK: - Faults

    package func arm(failingCall: Int, number: CInt = broken, isDeath: Bool = false) {
        state.withLock { state in
            state.plan = Plan(failingCall: failingCall, number: number, isDeath: isDeath)
            (state.calls, state.hasFailed) = (0, false)
        }
    }

    /// True when the planned call came.
    package func disarm() -> Bool {
        state.withLock { state in
            state.plan = Plan()
            return state.hasFailed
        }
    }

    package func whenDead(_ action: @escaping @Sendable () -> Void) {
        died.withLock { $0 = DeathAction(run: action) }
    }

    /// The machine starts again: names and contents that were not synced are gone.
    ///
    /// With `keepsNames` the system had written the names by itself, and perhaps no contents.
    package func crash(keepsNames: Bool) {
        state.withLock { state in
            if !keepsNames { state.names = state.durableNames }
            for (key, content) in state.contents {
                state.contents[key]?.octets = content.synced ?? []
                state.contents[key]?.synced = content.synced ?? []
            }
            state.durableNames = state.names
            state.locks = []
            state.isDead = false
            state.plan = Plan()
        }
    }

    package func files(below folder: String) -> [String] {
        state.withLock { $0.names.keys.filter { $0.hasPrefix(folder + "/") }.sorted() }
    }

    package var isDead: Bool { state.withLock { $0.isDead } }
    package var log: [String] { state.withLock { $0.log } }
    package func syncs(of folder: String) -> Int { state.withLock { $0.syncs[folder] ?? 0 } }

    private func run<Value>(
        _ operation: FileError.Operation,
        _ path: String,
        _ body: (inout State) -> Result<Value, FileError>
    ) throws(FileError) -> Value {
        guard gate() else { throw FileError(errno: EIO, path: path, operation: operation) }
        var isDeath = false
        let result: Result<Value, FileError> = state.withLock { state in
            guard !state.isDead else {
                return .failure(FileError(errno: EIO, path: path, operation: operation))
            }
            state.calls += 1
            if state.plan.failingCall > 0, state.calls == state.plan.failingCall {
                state.hasFailed = true
                if state.plan.isDeath {
                    state.isDead = true
                    isDeath = true
                }
                return .failure(FileError(errno: state.plan.number, path: path, operation: operation))
            }
            if state.log.count < Self.logLinesMax { state.log.append("\(operation.rawValue) \(path)") }
            return body(&state)
        }
        if isDeath { died.withLock { $0 }.run() }
        return try result.get()
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    // MARK: - FileSystem

    package func createDirectory(_ path: String, mode: UInt32) throws(FileError) {
        try run(.createDirectory, path) { state -> Result<Void, FileError> in
            state.folders.insert(path)
            return .success(())
        }
    }

    package func create(_ path: String, mode: UInt32) throws(FileError) -> any OpenFile {
        let content = try run(.create, path) { state -> Result<Int, FileError> in
            guard state.names[path] == nil else {
                return .failure(FileError(errno: EEXIST, path: path, operation: .create))
            }
            return .success(Self.make(path, &state))
        }
        return File(disk: self, path: path, content: content)
    }

    package func openAppending(_ path: String, mode: UInt32) throws(FileError) -> any OpenFile {
        let content = try run(.open, path) { state in .success(state.names[path] ?? Self.make(path, &state)) }
        return File(disk: self, path: path, content: content)
    }

    private static func make(_ path: String, _ state: inout State) -> Int {
        state.nextContent += 1
        state.contents[state.nextContent] = Content()
        state.names[path] = state.nextContent
        return state.nextContent
    }

    package func read(_ path: String, octetsMax: Int) throws(FileError) -> [UInt8] {
        try run(.read, path) { state in
            guard let key = state.names[path], let content = state.contents[key] else {
                return .failure(FileError(errno: ENOENT, path: path, operation: .read))
            }
            return .success(content.octets)
        }
    }

    package func list(_ folder: String) throws(FileError) -> [String] {
        try run(.list, folder) { state in
            .success(
                (Array(state.names.keys) + Array(state.folders)).filter { Self.folder(of: $0) == folder }
                    .map { String($0.dropFirst(folder.utf8.count + 1)) }
            )
        }
    }

    package func status(_ path: String) throws(FileError) -> FileStatus? {
        try run(.status, path) { state in
            if state.folders.contains(path) {
                return .success(
                    FileStatus(octets: 0, modified: modified, isRegular: false, isDirectory: true)
                )
            }
            guard let key = state.names[path], let content = state.contents[key] else { return .success(nil) }
            return .success(FileStatus(octets: content.octets.count, modified: modified))
        }
    }

    package func rename(_ path: String, to target: String) throws(FileError) {
        try run(.rename, path) { state -> Result<Void, FileError> in
            guard let key = state.names.removeValue(forKey: path) else {
                return .failure(FileError(errno: ENOENT, path: path, operation: .rename))
            }
            state.names[target] = key
            return .success(())
        }
    }

    package func remove(_ path: String) throws(FileError) {
        try run(.remove, path) { state -> Result<Void, FileError> in
            state.names[path] = nil
            return .success(())
        }
    }

    package func syncDirectory(_ path: String) throws(FileError) {
        syncGate?.pass()
        try run(.sync, path) { state -> Result<Void, FileError> in
            state.syncs[path, default: 0] += 1
            let isHere = { (name: String) in Self.folder(of: name) == path }
            state.durableNames = state.durableNames.filter { !isHere($0.key) }
            state.durableNames.merge(state.names.filter { isHere($0.key) }) { _, new in new }
            return .success(())
        }
    }

    package func lock(_ path: String) throws(FileError) -> any HeldLock {
        try run(.lock, path) { _ in .success(Lock()) }
    }

    private final class Lock: HeldLock {}

    private final class File: OpenFile {
        let disk: FaultyFileSystem
        let path: String
        let content: Int

        init(disk: FaultyFileSystem, path: String, content: Int) {
            self.disk = disk
            self.path = path
            self.content = content
        }

        func append(_ octets: ArraySlice<UInt8>) throws(FileError) {
            try disk.run(.append, path) { state in
                state.contents[content]?.octets += octets
                return .success(())
            }
        }

        func sync() throws(FileError) {
            try disk.run(.sync, path) { state in
                let octets = state.contents[content]?.octets
                state.contents[content]?.synced = octets
                return .success(())
            }
        }

        func close() throws(FileError) { try disk.run(.close, path) { _ in .success(()) } }
    }
}

/// Holds directory syncs up, one by one.
package final class SyncGate: Sendable {
    private let entered = DispatchSemaphore(value: 0)
    private let released = DispatchSemaphore(value: 0)
    private let isOpen = Mutex(true)

    package init() {}

    package func close() { isOpen.withLock { $0 = false } }

    func pass() {
        if isOpen.withLock({ $0 }) { return }
        entered.signal()
        released.wait()
    }

    /// Blocks until a sync has begun.
    package func waitUntilEntered() { entered.wait() }
    package func release() { released.signal() }

    package func open() {
        isOpen.withLock { $0 = true }
        released.signal()
    }
}
