import AdminAPI
import Foundation
package import Identifiers
package import InterSiteMessaging
package import Logging
import PKI
import Replication
package import Store

/// Puts a backup into a data directory; the database begins a new life there, whatever became of the old one.
package struct Restoration {
    let backup: String
    let directory: DataDirectory
    /// Replaces a database that is newer than the backup.
    let isForced: Bool
    /// Takes back from partial replicas what the own domain lost since the backup.
    let takesFromCatalogs: Bool

    package init(
        backup: String,
        dataDirectory: String,
        isForced: Bool,
        takesFromCatalogs: Bool = false,
        files: any FileSystem = POSIXFileSystem()
    ) {
        self.backup = backup
        directory = DataDirectory(dataDirectory, files: files)
        self.isForced = isForced
        self.takesFromCatalogs = takesFromCatalogs
    }

    private var unfinished: String { directory.path + "/restore.tmp" }
    /// The database in its new life, in one file without a log.
    private var whole: String { unfinished + "/whole.sqlite" }
    /// Where databases that were here before are, the first of them without a number.
    private func replaced(_ number: Int) -> String {
        directory.database + ".replaced" + (number == 1 ? "" : "-\(number)")
    }

    /// Checks the whole backup before it changes anything.
    ///
    /// `progress` gets the octets read so far and in all; the backup is read twice.
    /// - Throws: `AdminError` when the backup is damaged, the directory is in use, or what it holds is newer.
    package func run(log: Logger, at now: Timestamp, progress: (Int, Int) -> Void = { _, _ in }) async throws
        -> RestoreSummary
    {
        var done = 0
        let all = 2 * (try directory.files.status(backup)?.octets ?? 0)
        func advance(_ octets: Int) {
            done += octets
            progress(done, all)
        }
        let header = try BackupFile.read(backup, progress: advance)
        let isNew = try !directory.files.holds(directory.path)
        for folder in [
            directory.path, directory.pki, directory.retiredKeys, directory.mailroot, directory.plugins,
        ] {
            try directory.files.createDirectory(folder, mode: 0o700)
        }
        let lock = try DataDirectoryLock(directory)
        defer { withExtendedLifetime(lock) {} }
        if !isNew { try await guardNotNewer(than: header) }
        try unpack(header, progress: advance)
        let identity = try await beginNewLife(header, log: log, at: now)
        let (kept, replaced) = try place(header)
        // Written last: a start without it ends the new life again, which costs nothing.
        let generation = try GenerationFile(directory, bootID: .zero, ignoringDamage: true)
        try await generation.begin(identity.now, at: identity.usn, cure: nil)
        return RestoreSummary(
            server: header.server,
            created: header.created,
            endedInvocationID: identity.ended,
            invocationID: identity.now.invocationID,
            keptUSN: header.highestUSN,
            keptFiles: kept,
            replaced: replaced
        )
    }

    // MARK: - What is there

    private func guardNotNewer(than header: BackupHeader) async throws {
        guard !isForced, try directory.files.holds(directory.database) else { return }
        let found: (identity: ReplicaIdentity, usn: USN)
        do {
            let store = try DirectoryStore(path: directory.database, sha256: Digest.sha256)
            found = (store.identity, try await store.snapshot { try $0.highestUSN() })
            try store.close()
        } catch {
            throw AdminError(
                code: "databaseUnreadable",
                message: "\(directory.path) holds a database that cannot be read: \(error)",
                hint: "restore with --force; the old file is kept beside the new one"
            )
        }
        guard found.identity.dsaGUID == header.dsaGUID else {
            throw AdminError(
                code: "otherDSA",
                message: "\(directory.path) holds another DSA, \(found.identity.dsaGUID); the backup is of "
                    + "\(header.server), \(header.dsaGUID)",
                hint: "choose another --data directory"
            )
        }
        guard found.identity.invocationID == header.invocationID, found.usn <= header.highestUSN else {
            throw AdminError(
                code: "databaseNewer",
                message: "\(directory.path) holds a newer database (USN \(found.usn)) than the backup of "
                    + "\(header.created) (USN \(header.highestUSN))",
                hint: "to go back to the backup nevertheless: --force; the newer file is kept beside it"
            )
        }
    }

    // MARK: - Unpacking

    /// All files into a folder of their own, in the same file system.
    private func unpack(_ header: BackupHeader, progress: (Int) -> Void) throws {
        try? FileManager.default.removeItem(atPath: unfinished)
        var unpacked: [any OpenFile] = []
        defer { for file in unpacked { try? file.close() } }
        for file in header.files {
            let path = unfinished + "/" + file.name
            try FileManager.default.createDirectory(
                atPath: folder(of: path),
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            unpacked.append(try directory.files.create(path, mode: 0o600))
        }
        // A file that changed since it was checked fails here, and still nothing was replaced.
        let again = try BackupFile.read(backup, progress: progress) { index, octets in
            try unpacked[index].append(octets[...])
        }
        guard again == header else { throw BackupFile.damaged(backup, "it changed while it was read") }
        for file in unpacked { try file.sync() }
    }

    /// The life that a restore ends, and the one that it begins.
    package struct Lives: Sendable {
        package var ended: GUID
        package var now: ReplicaIdentity
        package var usn: USN
    }

    private func beginNewLife(_ header: BackupHeader, log: Logger, at now: Timestamp) async throws -> Lives {
        let store = try DirectoryStore(path: unfinished + "/directory.sqlite", sha256: Digest.sha256)
        do {
            let ended = store.identity.invocationID
            let usn = try await store.snapshot { try $0.highestUSN() }
            guard store.identity.dsaGUID == header.dsaGUID, ended == header.invocationID,
                usn == header.highestUSN
            else { throw BackupFile.damaged(backup, "its database is not the one that its list names") }
            let lives = try await Self.beginNewLife(
                in: store,
                newInvocationID: RandomSource.guid(),
                takesFromCatalogs: takesFromCatalogs,
                at: now
            )
            _ = try store.copy(to: whole)
            try store.close()
            let file = try directory.files.openAppending(whole, mode: 0o600)
            try file.sync()
            try file.close()
            return lives
        } catch {
            try? store.close()
            throw error
        }
    }

    /// Ends the life of a restored database where it stands and begins the next one, before anything is sent.
    package static func beginNewLife(
        in store: DirectoryStore,
        newInvocationID: GUID,
        takesFromCatalogs: Bool,
        at now: Timestamp
    ) async throws -> Lives {
        let ended = store.identity.invocationID
        try await store.finishCure(at: now)
        try await store.beginCure(
            CureOrder(
                invocationID: ended,
                keptUSN: try await store.snapshot { try $0.highestUSN() },
                isReused: false,
                newInvocationID: newInvocationID,
                isRecovering: takesFromCatalogs
            ),
            at: now
        )
        try await store.finishCure(at: now)
        return Lives(
            ended: ended,
            now: store.identity,
            usn: try await store.snapshot { try $0.highestUSN() }
        )
    }

    // MARK: - Placing

    /// The database last; keys and configuration only where there are none, for those here may be newer.
    ///
    /// - Returns: what was kept, and where the database is that was here.
    private func place(_ header: BackupHeader) throws -> (kept: [String], replaced: String?) {
        let files = directory.files
        var kept: [String] = []
        var folders: Set<String> = []
        for file in header.files.dropFirst() {
            let target = directory.path + "/" + file.name
            guard try !files.holds(target) else {
                kept.append(file.name)
                continue
            }
            folders.insert(folder(of: target))
            try files.createDirectory(folder(of: target), mode: 0o700)
            try files.rename(unfinished + "/" + file.name, to: target)
        }
        for folder in folders.sorted() { try files.syncDirectory(folder) }
        // Ids of messages whose effect is not in this database: a repeat must be looked at again.
        try files.remove(directory.committedMessages)
        let replaced = try moveAway()
        try files.rename(whole, to: directory.database)
        try files.syncDirectory(directory.path)
        try FileManager.default.removeItem(atPath: unfinished)
        return (kept, replaced)
    }

    /// The database before its log: one without its log would be an older one that nobody notices.
    ///
    /// And the log must be gone for good before another database stands beside it.
    private func moveAway() throws -> String? {
        let files = directory.files
        var free = 1
        while try files.holds(replaced(free)) { free += 1 }
        // Without a database there may be the log of one that a restore before this one moved away.
        let target = try files.holds(directory.database) ? replaced(free) : replaced(max(1, free - 1))
        for suffix in ["", "-wal", "-shm"] where try files.holds(directory.database + suffix) {
            try files.rename(directory.database + suffix, to: target + suffix)
            try files.syncDirectory(directory.path)
        }
        return try files.holds(target) ? target : nil
    }

    private func folder(of path: String) -> String { (path as NSString).deletingLastPathComponent }
}

/// What a restore did.
package struct RestoreSummary: Codable, Hashable, Sendable {
    package var server: String
    package var created: Timestamp
    package var endedInvocationID: GUID
    package var invocationID: GUID
    package var keptUSN: USN
    /// Files of the backup that were not taken because the directory has its own.
    package var keptFiles: [String]
    /// Where the database went that was there before.
    package var replaced: String?
}
