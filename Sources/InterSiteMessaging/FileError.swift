import Glibc

/// A file operation that the system refused.
package struct FileError: Error, Sendable, Hashable {
    package enum Operation: String, Sendable, Hashable {
        case createDirectory = "make folder"
        case create = "make"
        case open = "open"
        case read = "read"
        case append = "write"
        case sync = "sync"
        case close = "close"
        case list = "list"
        case status = "look at"
        case rename = "rename"
        case remove = "remove"
        case lock = "lock"
    }

    /// The system's error number.
    package let errno: CInt
    package let path: String
    package let operation: Operation

    package init(errno: CInt, path: String, operation: Operation) {
        self.errno = errno
        self.path = path
        self.operation = operation
    }

    /// No room or no quota: passes when somebody makes room.
    package var isFull: Bool { errno == ENOSPC || errno == EDQUOT }
    package var isMissing: Bool { errno == ENOENT }
    /// Another process holds the lock.
    package var isHeldByAnother: Bool { errno == EWOULDBLOCK }
    package var isTooLarge: Bool { errno == EFBIG }
}

extension FileError: CustomStringConvertible {
    package var description: String {
        "cannot \(operation.rawValue) \(path): \(String(cString: strerror(errno)).lowercased())"
    }

    package var hint: String? {
        switch errno {
        case ENOSPC, EDQUOT: "make room on that file system; the work goes on by itself"
        case EACCES, EPERM: "check owner and mode of the path and of the folders above it"
        case EROFS: "the file system is mounted read-only"
        case EWOULDBLOCK: "another process uses it: stop that one first"
        default: nil
        }
    }
}
