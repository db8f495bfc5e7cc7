import AdminAPI
import Glibc

/// The file of the admin socket: who answers on it, and that only its owner may.
struct AdminSocket: Sendable {
    let path: String

    init(path: String) throws(AdminError) {
        try AdminSocketPath.check(path)
        self.path = path
    }

    /// Removes a socket that nobody answers on, left by a process that was killed.
    ///
    /// - Throws: `AdminError` when somebody answers, or when the path is something else than a socket.
    func removeStale() throws(AdminError) {
        var found = stat()
        guard lstat(path, &found) == 0 else { return }
        guard found.st_mode & S_IFMT == S_IFSOCK else {
            throw AdminError(
                code: "adminSocketUnusable",
                message: "\(path) exists and is no socket",
                hint: "move it away, or choose another --admin-socket"
            )
        }
        guard !isAnswered() else {
            throw AdminError(
                code: "adminSocketInUse",
                message: "another process answers on \(path)",
                hint: "stop it, or choose another --data directory"
            )
        }
        guard unlink(path) == 0 || errno == ENOENT else {
            throw AdminError(
                code: "adminSocketUnusable",
                message: "cannot remove the stale socket \(path): \(Self.text(of: errno))",
                hint: "check owner and mode of its directory"
            )
        }
    }

    /// Mode 0600: whoever may connect may do everything.
    ///
    /// False when the socket is gone again: the server was stopped while it started.
    func restrict() throws(AdminError) -> Bool {
        if chmod(path, 0o600) == 0 { return true }
        guard errno != ENOENT else { return false }
        throw AdminError(
            code: "adminSocketUnusable",
            message: "cannot set the mode of \(path): \(Self.text(of: errno))"
        )
    }

    func remove() { unlink(path) }

    private func isAnswered() -> Bool {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { target in
            // One octet stays zero: the path was checked to be shorter.
            target.copyBytes(from: path.utf8.prefix(target.count - 1))
        }
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }

    static func text(of code: CInt) -> String { String(cString: strerror(code)) }
}
