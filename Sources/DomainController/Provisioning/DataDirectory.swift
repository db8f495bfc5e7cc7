import AdminAPI
import Glibc
package import InterSiteMessaging

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
            guard others.isEmpty else {
                throw AdminError(
                    code: "dataDirectoryNotEmpty",
                    message: "\(path) is not empty (\(others.count) entries)",
                    hint: "choose an empty or new --data directory"
                )
            }
        }
        var folders = [path, pki, retiredKeys, mailroot, plugins]
        if withAuthority { folders.append(authority) }
        for folder in folders { try files.createDirectory(folder, mode: 0o700) }
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

    deinit { close(descriptor) }
}
