import AdminAPI
import Foundation
package import Identifiers
import InterSiteMessaging
package import Logging
import PKI
import Replication
import Store

/// Puts a backup into a data directory; the database begins a new life there, whatever became of the old one.
package struct Restoration {
    let backup: String
    let directory: DataDirectory
    /// Replaces a database that is newer than the backup.
    let isForced: Bool
    /// Takes back from partial replicas what the own domain lost since the backup.
    let takesFromCatalogs: Bool

    package init(backup: String, dataDirectory: String, isForced: Bool, takesFromCatalogs: Bool = false) {
        self.backup = backup
        directory = DataDirectory(dataDirectory)
        self.isForced = isForced
        self.takesFromCatalogs = takesFromCatalogs
    }

    private var unfinished: String { directory.path + "/restore.tmp" }
    /// Where a database that was here before goes.
    private var replaced: String { directory.database + ".replaced" }

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
        let isNew = !directory.files.exists(directory.path)
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
        let kept = try place(header)
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
            replaced: directory.files.exists(replaced) ? replaced : nil
        )
    }

    // MARK: - What is there

    private func guardNotNewer(than header: BackupHeader) async throws {
        guard directory.holdsDatabase, !isForced else { return }
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
        var handles: [FileHandle] = []
        defer { for handle in handles { try? handle.close() } }
        for file in header.files {
            let path = unfinished + "/" + file.name
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
            guard
                FileManager.default.createFile(
                    atPath: path,
                    contents: nil,
                    attributes: [.posixPermissions: 0o600]
                ), let handle = FileHandle(forWritingAtPath: path)
            else {
                throw AdminError(
                    code: "file",
                    message: "cannot write \(path)",
                    hint: "check room and mode of \(directory.path)"
                )
            }
            handles.append(handle)
        }
        // A file that changed since it was checked fails here, and still nothing was replaced.
        let again = try BackupFile.read(backup, progress: progress) { index, octets in
            try handles[index].write(contentsOf: Data(octets))
        }
        guard again == header else { throw BackupFile.damaged(backup, "it changed while it was read") }
        for handle in handles { try handle.synchronize() }
    }

    private struct Lives {
        var ended: GUID
        var now: ReplicaIdentity
        var usn: USN
    }

    private func beginNewLife(_ header: BackupHeader, log: Logger, at now: Timestamp) async throws -> Lives {
        let store = try DirectoryStore(path: unfinished + "/directory.sqlite", sha256: Digest.sha256)
        do {
            let ended = store.identity.invocationID
            let usn = try await store.snapshot { try $0.highestUSN() }
            guard store.identity.dsaGUID == header.dsaGUID, ended == header.invocationID,
                usn == header.highestUSN
            else { throw BackupFile.damaged(backup, "its database is not the one that its list names") }
            try await store.finishCure(at: now)
            try await store.beginCure(
                CureOrder(
                    invocationID: ended,
                    keptUSN: try await store.snapshot { try $0.highestUSN() },
                    isReused: false,
                    newInvocationID: RandomSource.guid(),
                    isRecovering: takesFromCatalogs
                ),
                at: now
            )
            try await store.finishCure(at: now)
            let lives = Lives(
                ended: ended,
                now: store.identity,
                usn: try await store.snapshot { try $0.highestUSN() }
            )
            try store.close()
            return lives
        } catch {
            try? store.close()
            throw error
        }
    }

    // MARK: - Placing

    /// The database last; keys and configuration only where there are none, for those here may be newer.
    ///
    /// - Returns: what was kept.
    private func place(_ header: BackupHeader) throws -> [String] {
        let files = directory.files
        var kept: [String] = []
        for file in header.files.dropFirst() {
            let target = directory.path + "/" + file.name
            guard !files.exists(target) else {
                kept.append(file.name)
                continue
            }
            try files.createDirectory((target as NSString).deletingLastPathComponent, mode: 0o700)
            try files.rename(unfinished + "/" + file.name, to: target)
        }
        // Ids of messages whose effect is not in this database: a repeat must be looked at again.
        try files.remove(directory.committedMessages)
        for suffix in ["-shm", "-wal", ""] where files.exists(directory.database + suffix) {
            try files.rename(directory.database + suffix, to: replaced + suffix)
        }
        for suffix in ["-wal", ""] where files.exists(unfinished + "/directory.sqlite" + suffix) {
            try files.rename(unfinished + "/directory.sqlite" + suffix, to: directory.database + suffix)
        }
        try files.syncDirectory(directory.path)
        try FileManager.default.removeItem(atPath: unfinished)
        return kept
    }
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
