import FoundationEssentials
package import Identifiers
import Synchronization

/// The folders of mail at rest; one consumer per mailroot (a lock on `.lock`).
///
/// Every name is made here: no octet of a mail gets into a path. Only `*.eml` counts as a mail.
package final class MailRoot: Sendable {
    package let path: String
    package let limits: MailRootLimits
    let fileSystem: any FileSystem
    let threads: BlockingThreads
    /// Rings when a mail of ours is durable in Drop.
    let dropBell = Bell()
    private let now: @Sendable () -> Timestamp
    private let randomGUID: @Sendable () -> GUID
    private let lock: any HeldLock
    private let queueSync: DirectorySync
    private let dropSync: DirectorySync
    private let state: Mutex<State>

    private struct State {
        var counter = 0
        /// Mails in Drop that this process completed: they need no rest before they are read.
        var completed: Set<String> = []
        /// Octets in Archive, Badmail and Held; an estimate between two purges.
        var octets: [MailFolder: Int] = [:]
        /// The held mail of each `MessageHeld.copyKey`.
        var heldCopies: [String: String] = [:]
    }

    static let temporary = ".tmp"

    private init(
        path: String,
        limits: MailRootLimits,
        fileSystem: any FileSystem,
        threads: BlockingThreads,
        now: @escaping @Sendable () -> Timestamp,
        randomGUID: @escaping @Sendable () -> GUID,
        lock: any HeldLock
    ) {
        self.path = path
        self.limits = limits
        self.fileSystem = fileSystem
        self.threads = threads
        self.now = now
        self.randomGUID = randomGUID
        self.lock = lock
        queueSync = DirectorySync(
            folder: "\(path)/\(MailFolder.queue.rawValue)",
            fileSystem: fileSystem,
            threads: threads
        )
        dropSync = DirectorySync(
            folder: "\(path)/\(MailFolder.drop.rawValue)",
            fileSystem: fileSystem,
            threads: threads
        )
        state = Mutex(State())
    }

    /// Makes missing folders, takes the lock, and removes what an earlier process left half-written.
    ///
    /// - Throws: `FileError`; `isHeldByAnother` when another process consumes this mailroot.
    package static func open(
        at path: String,
        fileSystem: any FileSystem = POSIXFileSystem(),
        limits: MailRootLimits = MailRootLimits(),
        now: @escaping @Sendable () -> Timestamp,
        randomGUID: @escaping @Sendable () -> GUID
    ) async throws(FileError) -> MailRoot {
        let threads = BlockingThreads(count: max(1, limits.diskThreads))
        let lock = try await threads.run { () throws(FileError) -> any HeldLock in
            try fileSystem.createDirectory(path, mode: 0o700)
            let lock = try fileSystem.lock("\(path)/.lock")
            for folder in MailFolder.allCases {
                try fileSystem.createDirectory("\(path)/\(folder.rawValue)", mode: 0o700)
            }
            for folder in [MailFolder.queue, .drop] {
                let temporary = "\(path)/\(folder.rawValue)/\(Self.temporary)"
                try fileSystem.createDirectory(temporary, mode: 0o700)
                for name in try fileSystem.list(temporary) { try fileSystem.remove("\(temporary)/\(name)") }
            }
            try fileSystem.syncDirectory(path)
            return lock
        }
        let root = MailRoot(
            path: path,
            limits: limits,
            fileSystem: fileSystem,
            threads: threads,
            now: now,
            randomGUID: randomGUID,
            lock: lock
        )
        await root.purge()
        await root.readHeldCopies()
        return root
    }

    // MARK: - Queue

    /// A new name: time, counter, random digits; names sort in the order they were made.
    package func freshID() -> String {
        let count = state.withLock { state in
            state.counter = (state.counter + 1) % 1_000_000
            return state.counter
        }
        let digits = String(count)
        let random = String(randomGUID().low & 0xffff_ffff, radix: 16)
        return now().generalizedTime.dropLast() + "-" + String(repeating: "0", count: 6 - digits.utf8.count)
            + digits + "-" + String(repeating: "0", count: 8 - random.utf8.count) + random
    }

    /// Puts a sealed mail into Queue; durable when it returns, gone when it throws.
    package func storeQueue(id: String, bytes: [UInt8], sidecar: QueuedMail) async throws(FileError) {
        let temporary = try path(.queue, id, temporary: true)
        let target = try path(.queue, id)
        do throws(FileError) {
            try await threads.run { [self] () throws(FileError) in
                try fileSystem.writeNew(temporary, bytes[...], isSynced: true)
                do throws(FileError) {
                    // The sidecar is in place before the mail: a mail without one has to be guessed at.
                    try writeSidecar(id, sidecar)
                    try fileSystem.rename(temporary, to: target)
                } catch {
                    try? fileSystem.remove(temporary)
                    throw error
                }
            }
            try await queueSync.sync()
        } catch {
            await removeQueued(id)
            await makeRoom(after: error)
            throw error
        }
    }

    /// Rewrites what is known about a queued mail; not synced, as it can be rebuilt.
    func updateQueued(_ id: String, _ mail: QueuedMail) async throws(FileError) {
        try await threads.run { [self] () throws(FileError) in try writeSidecar(id, mail) }
    }

    /// Nil when there is none or it is damaged.
    package func queuedMail(_ id: String) async -> QueuedMail? {
        guard let file = try? path(.queue, id, "json") else { return nil }
        return await threads.run { [fileSystem, limits] in
            guard let octets = try? fileSystem.read(file, octetsMax: limits.reasonOctetsMax) else {
                return nil
            }
            return try? JSONDecoder().decode(QueuedMail.self, from: Data(octets))
        }
    }

    private func writeSidecar(_ id: String, _ mail: QueuedMail) throws(FileError) {
        let target = try path(.queue, id, "json")
        let temporary = try path(.queue, id, "json", temporary: true)
        // A structure of strings and numbers is always encodable.
        let octets = (try? JSONEncoder().encode(mail)).map { Array($0) } ?? []
        try fileSystem.remove(temporary)
        try fileSystem.writeNew(temporary, octets[...], isSynced: false)
        try fileSystem.rename(temporary, to: target)
    }

    private func removeQueued(_ id: String) async {
        guard let mail = try? path(.queue, id), let json = try? path(.queue, id, "json") else { return }
        await threads.run { [fileSystem] in
            try? fileSystem.remove(mail)
            try? fileSystem.remove(json)
        }
    }

    // MARK: - Drop

    /// Opens a spool file for a mail that is being received.
    package func beginDrop() async throws(FileError) -> DropSpool {
        let id = freshID()
        let file = try path(.drop, id, temporary: true)
        do throws(FileError) {
            return try await threads.run { [fileSystem] () throws(FileError) in
                DropSpool(id: id, path: file, file: try fileSystem.create(file, mode: 0o600))
            }
        } catch {
            await makeRoom(after: error)
            throw error
        }
    }

    /// Appends in the order of calls; the caller waits for one before it begins the next.
    package func append(_ octets: [UInt8], to spool: DropSpool) async throws(FileError) {
        try await threads.run { () throws(FileError) in try spool.append(octets) }
    }

    /// Makes the spooled mail durable in Drop; gone when it throws.
    package func commitDrop(_ spool: DropSpool) async throws(FileError) {
        let target = try path(.drop, spool.id)
        do throws(FileError) {
            try await threads.run { [fileSystem] () throws(FileError) in
                do throws(FileError) {
                    try spool.file.sync()
                } catch {
                    try? spool.file.close()
                    throw error
                }
                try spool.file.close()
                try fileSystem.rename(spool.path, to: target)
            }
            try await dropSync.sync()
        } catch {
            await threads.run { [fileSystem] in
                try? fileSystem.remove(spool.path)
                try? fileSystem.remove(target)
            }
            await makeRoom(after: error)
            throw error
        }
        _ = state.withLock { $0.completed.insert(spool.id) }
        dropBell.ring()
    }

    package func abortDrop(_ spool: DropSpool) async {
        await threads.run { [fileSystem] in
            try? spool.file.close()
            try? fileSystem.remove(spool.path)
        }
    }

    /// Whether this process wrote the mail whole: a file copied in by hand may still grow.
    func isCompleted(_ id: String) -> Bool { state.withLock { $0.completed.contains(id) } }

    /// Disk full: kept copies go first.
    private func makeRoom(after error: FileError) async {
        if error.isFull { await purge(.archive, octetsMax: 0, days: 0) }
    }

    // MARK: - Names

    /// - Throws: `FileError` (EINVAL) for an id that is no plain file name.
    func path(
        _ folder: MailFolder,
        _ id: String,
        _ suffix: String = "eml",
        temporary: Bool = false
    ) throws(FileError) -> String {
        guard Self.isFileID(id) else {
            throw FileError(errno: 22, path: "\(folder.rawValue)/?", operation: .open)
        }
        return "\(path)/\(folder.rawValue)/\(temporary ? "\(Self.temporary)/" : "")\(id).\(suffix)"
    }

    func folderPath(_ folder: MailFolder) -> String { "\(path)/\(folder.rawValue)" }

    static func isFileID(_ id: String) -> Bool {
        (1...200).contains(id.utf8.count) && !id.hasPrefix(".")
            && id.utf8.allSatisfy { $0 != UInt8(ascii: "/") && $0 != 0 }
    }

    /// Of the form that `freshID` makes.
    static func isOurName(_ id: String) -> Bool {
        let parts = id.split(separator: "-", omittingEmptySubsequences: false)
        let isDigit = { (octet: UInt8) in (0x30...0x39).contains(octet) }
        return parts.count == 3 && parts[0].utf8.count == 14 && parts[0].utf8.allSatisfy(isDigit)
            && parts[1].utf8.count == 6 && parts[1].utf8.allSatisfy(isDigit) && parts[2].utf8.count == 8
            && parts[2].utf8.allSatisfy { isDigit($0) || (0x61...0x66).contains($0) }
    }

    // MARK: - State shared with the moves

    func forgetCompleted(_ id: String) { _ = state.withLock { $0.completed.remove(id) } }

    /// The folder's octets after the change.
    func count(_ octets: Int, into folder: MailFolder) -> Int {
        state.withLock { state in
            let sum = (state.octets[folder] ?? 0) + octets
            state.octets[folder] = sum
            return sum
        }
    }

    func setCount(_ octets: Int, of folder: MailFolder) { state.withLock { $0.octets[folder] = octets } }

    func setHeldCopies(_ copies: [String: String]) { state.withLock { $0.heldCopies = copies } }

    /// Notes which mail is the copy; returns the one that was.
    func noteHeldCopy(_ key: String, _ id: String) -> String? {
        state.withLock { $0.heldCopies.updateValue(id, forKey: key) }
    }

    func forgetHeldCopy(_ id: String) {
        state.withLock { state in
            guard let key = state.heldCopies.first(where: { $0.value == id })?.key else { return }
            state.heldCopies[key] = nil
        }
    }

    /// The mail in Held that is the copy with this key.
    package func heldCopy(_ key: String) -> String? { state.withLock { $0.heldCopies[key] } }

    var time: Timestamp { now() }
}

/// A mail on its way into Drop.
package final class DropSpool: Sendable {
    /// Its name once it is durable.
    package let id: String
    let path: String
    let file: any OpenFile
    private let written = Mutex(0)

    init(id: String, path: String, file: any OpenFile) {
        self.id = id
        self.path = path
        self.file = file
    }

    package var octets: Int { written.withLock { $0 } }

    func append(_ octets: [UInt8]) throws(FileError) {
        try file.append(octets[...])
        written.withLock { $0 += octets.count }
    }
}
