import AdminAPI
import Glibc
package import InterSiteMessaging
import PKI
import Store

/// Where a DSA keeps everything that is its own: mode 0700, one process at a time.
package struct DataDirectory: Sendable {
    package let path: String
    package let files: any FileSystem

    package init(_ path: String, files: any FileSystem = POSIXFileSystem()) {
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        self.files = files
    }

    package var configurationFile: String { path + "/bridgehead.yaml" }
    package var database: String { path + "/directory.sqlite" }
    package var generation: String { path + "/generation" }
    package var lock: String { path + "/lock" }
    package var adminSocket: String { path + "/admin.sock" }
    package var committedMessages: String { path + "/committed-messages" }
    package var plugins: String { path + "/plugins" }
    package var mailroot: String { path + "/mailroot" }
    package var pki: String { path + "/pki" }
    package var key: String { pki + "/dsa.key" }
    package var certificate: String { pki + "/dsa.crt" }
    package var signingRequest: String { pki + "/dsa.csr" }
    package var anchors: String { pki + "/ca.crt" }
    package var revocationLists: String { pki + "/crl.pem" }
    package var retiredKeys: String { pki + "/retired" }
    package var authority: String { pki + "/ca" }
    package var authorityKey: String { authority + "/ca.key" }
    /// One line per issued certificate: serial, DSA GUID, notAfter, and `revoked` with its time.
    package var authoritySerials: String { authority + "/serials" }

    package var holdsDatabase: Bool { files.exists(database) }

    /// Makes the folders of a new DSA.
    ///
    /// - Throws: `AdminError` when the directory holds a DSA already or anything else.
    package func create(withAuthority: Bool) throws {
        if files.exists(path) {
            if holdsDatabase {
                throw AdminError(
                    code: "dataDirectoryInUse",
                    message: "\(path) already holds a DSA",
                    hint:
                        "choose another --data directory, or start this one: bridgehead serve --data \(path)"
                )
            }
            let others = try files.list(path).filter { $0 != "bridgehead.yaml" }
            guard others.isEmpty else { throw notEmpty(files: others.count) }
        }
        var folders = [path, pki, retiredKeys, mailroot, plugins]
        if withAuthority { folders.append(authority) }
        for folder in folders { try files.createDirectory(folder, mode: 0o700) }
        // One that was there before may have been open to others.
        guard chmod(path, 0o700) == 0 else {
            throw AdminError(
                code: "dataDirectoryUnusable",
                message: "cannot set the mode of \(path): \(String(cString: strerror(errno)))",
                hint: "check its owner, or choose another --data directory"
            )
        }
    }

    /// Makes the database under another name, and gives it its own when it is whole.
    ///
    /// A crash in the middle leaves nothing that looks like a DSA. Needs the lock.
    func makeDatabase<T>(_ fill: (DirectoryStore) async throws -> T) async throws -> T {
        let unfinished = database + ".new"
        guard !holdsDatabase, !files.exists(unfinished) else { throw notEmpty(files: 1) }
        let store = try DirectoryStore(path: unfinished, sha256: Digest.sha256)
        let result: T
        do { result = try await fill(store) } catch {
            try? store.close()
            throw error
        }
        try store.close()
        // Closing leaves no write-ahead log behind; were there one, it would belong to the database.
        for suffix in ["-wal", "-shm", ""] where files.exists(unfinished + suffix) {
            try files.rename(unfinished + suffix, to: database + suffix)
        }
        try files.syncDirectory(path)
        return result
    }

    private func notEmpty(files count: Int) -> AdminError {
        AdminError(
            code: "dataDirectoryNotEmpty",
            message: "\(path) is not empty (\(count) entries)",
            hint:
                "choose an empty or new --data directory; if an earlier try broke off, remove what it left"
        )
    }

    /// Checks that a DSA was made here.
    package func requireDSA() throws {
        guard holdsDatabase else {
            throw AdminError(
                code: "noDSA",
                message: "\(path) holds no DSA",
                hint: "make one with `bridgehead forest create` or `bridgehead join`, or name it with --data"
            )
        }
    }

    /// Writes a whole file so that it is either the old or the new one after a crash.
    package func write(_ octets: [UInt8], to file: String, mode: UInt32 = 0o600) throws {
        try files.replaceFile(file, with: octets, mode: mode)
    }

    package func readText(_ file: String, octetsMax: Int = 4 << 20) throws -> String {
        String(decoding: try files.read(file, octetsMax: octetsMax), as: UTF8.self)
    }
}

/// The lock on a data directory: held as long as the process and this value live.
package final class DataDirectoryLock: Sendable {
    private let descriptor: CInt

    /// - Throws: `AdminError` with the holder's pid when another process has the directory.
    package init(_ directory: DataDirectory) throws {
        let descriptor = open(directory.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw AdminError(
                code: "dataDirectoryUnusable",
                message: "cannot open \(directory.lock): \(String(cString: strerror(errno)))",
                hint: "check owner and mode of \(directory.path)"
            )
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            var buffer = [UInt8](repeating: 0, count: 32)
            let count = max(0, pread(descriptor, &buffer, buffer.count, 0))
            let holder = String(decoding: buffer[..<count].prefix { $0 != 10 }, as: UTF8.self)
            close(descriptor)
            throw AdminError(
                code: "dataDirectoryLocked",
                message: "\(directory.path) is in use by process \(holder.isEmpty ? "unknown" : holder)",
                hint: "stop that process, or choose another --data directory"
            )
        }
        let pid = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        pwrite(descriptor, pid, pid.count, 0)
        self.descriptor = descriptor
    }

    deinit {
        // Explicitly: a child process may hold a copy of the descriptor until it runs its program.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
