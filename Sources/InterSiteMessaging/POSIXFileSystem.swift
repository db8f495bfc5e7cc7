import Glibc
import Identifiers
import Synchronization

/// The machine's own files.
package struct POSIXFileSystem: FileSystem {
    package init() {}

    package func createDirectory(_ path: String, mode: UInt32) throws(FileError) {
        if mkdir(path, mode_t(mode)) == 0 { return }
        let number = errno
        if number == EEXIST, let found = try status(path), found.isDirectory { return }
        throw FileError(errno: number, path: path, operation: .createDirectory)
    }

    package func create(_ path: String, mode: UInt32) throws(FileError) -> any OpenFile {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        return try POSIXFile(path: path, flags: flags, mode: mode, operation: .create)
    }

    package func openAppending(_ path: String, mode: UInt32) throws(FileError) -> any OpenFile {
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC
        return try POSIXFile(path: path, flags: flags, mode: mode, operation: .open)
    }

    package func read(_ path: String, octetsMax: Int) throws(FileError) -> [UInt8] {
        let descriptor = retryingInterrupted { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        guard descriptor >= 0 else { throw FileError(errno: errno, path: path, operation: .open) }
        defer { Glibc.close(descriptor) }
        var found = stat()
        guard fstat(descriptor, &found) == 0 else {
            throw FileError(errno: errno, path: path, operation: .status)
        }
        guard found.st_size <= octetsMax else { throw FileError(errno: EFBIG, path: path, operation: .read) }
        var octets: [UInt8] = []
        var capacity = Int(found.st_size) + 1
        while true {
            // One octet beyond the known size shows a file that grows meanwhile.
            let chunk = try readChunk(descriptor, capacity: capacity, path: path)
            if chunk.isEmpty { return octets }
            if octets.isEmpty { octets = chunk } else { octets += chunk }
            guard octets.count <= octetsMax else {
                throw FileError(errno: EFBIG, path: path, operation: .read)
            }
            capacity = 65_536
        }
    }

    private func readChunk(
        _ descriptor: CInt,
        capacity: Int,
        path: String
    ) throws(FileError) -> [UInt8] {
        var number: CInt = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            let result = retryingInterrupted { Glibc.read(descriptor, buffer.baseAddress, capacity) }
            number = result < 0 ? errno : 0
            count = max(0, result)
        }
        guard number == 0 else { throw FileError(errno: number, path: path, operation: .read) }
        return chunk
    }

    package func list(_ folder: String) throws(FileError) -> [String] {
        guard let stream = opendir(folder) else {
            throw FileError(errno: errno, path: folder, operation: .list)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
            }
            if let name, name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw FileError(errno: errno, path: folder, operation: .list) }
        return names
    }

    package func status(_ path: String) throws(FileError) -> FileStatus? {
        var found = stat()
        guard lstat(path, &found) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw FileError(errno: errno, path: path, operation: .status)
        }
        return FileStatus(
            octets: Int(found.st_size),
            modified: Timestamp(seconds: Int64(found.st_mtim.tv_sec)),
            isRegular: found.st_mode & S_IFMT == S_IFREG,
            isDirectory: found.st_mode & S_IFMT == S_IFDIR
        )
    }

    package func rename(_ path: String, to target: String) throws(FileError) {
        guard Glibc.rename(path, target) == 0 else {
            throw FileError(errno: errno, path: path, operation: .rename)
        }
    }

    package func remove(_ path: String) throws(FileError) {
        guard unlink(path) == 0 || errno == ENOENT else {
            throw FileError(errno: errno, path: path, operation: .remove)
        }
    }

    package func syncDirectory(_ path: String) throws(FileError) {
        let descriptor = retryingInterrupted { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw FileError(errno: errno, path: path, operation: .open) }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError(errno: errno, path: path, operation: .sync) }
    }

    package func lock(_ path: String) throws(FileError) -> any HeldLock {
        let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC
        let descriptor = retryingInterrupted { open(path, flags, 0o600) }
        guard descriptor >= 0 else { throw FileError(errno: errno, path: path, operation: .open) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            Glibc.close(descriptor)
            throw FileError(errno: number, path: path, operation: .lock)
        }
        return POSIXLock(descriptor: descriptor)
    }
}

private func retryingInterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

private final class POSIXFile: OpenFile {
    private let path: String
    /// Negative once closed.
    private let descriptor: Mutex<CInt>

    init(path: String, flags: CInt, mode: UInt32, operation: FileError.Operation) throws(FileError) {
        let descriptor = retryingInterrupted { open(path, flags, mode_t(mode)) }
        guard descriptor >= 0 else { throw FileError(errno: errno, path: path, operation: operation) }
        self.path = path
        self.descriptor = Mutex(descriptor)
    }

    deinit { descriptor.withLock { if $0 >= 0 { Glibc.close($0) } } }

    func append(_ octets: ArraySlice<UInt8>) throws(FileError) {
        let number = descriptor.withLock { descriptor in
            octets.withUnsafeBytes { bytes -> CInt in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let chunk = UnsafeRawBufferPointer(rebasing: rest)
                    let written = retryingInterrupted { write(descriptor, chunk.baseAddress, chunk.count) }
                    if written < 0 { return errno }
                    rest = rest.dropFirst(written)
                }
                return 0
            }
        }
        guard number == 0 else { throw FileError(errno: number, path: path, operation: .append) }
    }

    func sync() throws(FileError) {
        let number = descriptor.withLock { fsync($0) == 0 ? 0 : errno }
        guard number == 0 else { throw FileError(errno: number, path: path, operation: .sync) }
    }

    func close() throws(FileError) {
        let number = descriptor.withLock { descriptor -> CInt in
            guard descriptor >= 0 else { return 0 }
            defer { descriptor = -1 }
            // Linux releases the descriptor even when close is interrupted.
            return Glibc.close(descriptor) == 0 || errno == EINTR ? 0 : errno
        }
        guard number == 0 else { throw FileError(errno: number, path: path, operation: .close) }
    }
}

private final class POSIXLock: HeldLock {
    private let descriptor: CInt
    init(descriptor: CInt) { self.descriptor = descriptor }
    deinit {
        // Explicitly: a child process may hold a copy of the descriptor until it runs its program.
        flock(descriptor, LOCK_UN)
        Glibc.close(descriptor)
    }
}
