package import Identifiers

/// What mailroot, generation file and pki folder need of a file system.
///
/// Every call blocks: callers on the cooperative pool go through `DiskThreads`. Paths are absolute or relative
/// to the working directory; symbolic links at the end of a path are not followed when a file is made.
package protocol FileSystem: Sendable {
    /// Makes one folder; an existing one is fine and keeps its mode.
    func createDirectory(_ path: String, mode: UInt32) throws(FileError)
    /// Makes a file that must not exist yet.
    func create(_ path: String, mode: UInt32) throws(FileError) -> any OpenFile
    /// Opens a file to write behind its end; makes it when missing.
    func openAppending(_ path: String, mode: UInt32) throws(FileError) -> any OpenFile
    /// The whole file; more than `octetsMax` octets is an error (EFBIG).
    func read(_ path: String, octetsMax: Int) throws(FileError) -> [UInt8]
    /// Names in a folder without `.` and `..`, in no order; names that are no UTF-8 are left out.
    func list(_ folder: String) throws(FileError) -> [String]
    /// Nil when there is nothing of that name; links are not followed.
    func status(_ path: String) throws(FileError) -> FileStatus?
    /// Replaces `target`.
    func rename(_ path: String, to target: String) throws(FileError)
    /// A missing file is fine.
    func remove(_ path: String) throws(FileError)
    /// Makes the names in a folder durable.
    func syncDirectory(_ path: String) throws(FileError)
    /// Locks a file for this process (flock) without waiting; EWOULDBLOCK when another one holds it.
    func lock(_ path: String) throws(FileError) -> any HeldLock
}

/// A file that is being written.
package protocol OpenFile: Sendable {
    func append(_ octets: ArraySlice<UInt8>) throws(FileError)
    /// Makes the contents durable. After an error they are not, and trying again would lie.
    func sync() throws(FileError)
    /// Called once; errors of a written-back cache show here.
    func close() throws(FileError)
}

/// A lock that lasts as long as this value.
package protocol HeldLock: AnyObject, Sendable {}

/// What a folder says about a file.
package struct FileStatus: Sendable, Hashable {
    package var octets: Int
    package var modified: Timestamp
    package var isRegular: Bool
    package var isDirectory: Bool

    package init(octets: Int, modified: Timestamp, isRegular: Bool = true, isDirectory: Bool = false) {
        self.octets = octets
        self.modified = modified
        self.isRegular = isRegular
        self.isDirectory = isDirectory
    }
}

extension FileSystem {
    /// No, also where it cannot be found out.
    package func exists(_ path: String) -> Bool { ((try? status(path)) ?? nil) != nil }

    /// Whether there is something of that name: for those who would write over it.
    package func holds(_ path: String) throws(FileError) -> Bool { try status(path) != nil }

    /// Writes a whole file so that after a crash there is either the old one or the new one.
    package func replaceFile(_ path: String, with octets: [UInt8], mode: UInt32) throws(FileError) {
        let temporary = path + ".new"
        try remove(temporary)
        try writeNew(temporary, octets[...], mode: mode, isSynced: true)
        try rename(temporary, to: path)
        try syncDirectory(FilePath.folder(of: path))
    }

    /// Makes a file with these contents; on an error nothing is left of it.
    func writeNew(
        _ path: String,
        _ octets: ArraySlice<UInt8>,
        mode: UInt32 = 0o600,
        isSynced: Bool
    ) throws(FileError) {
        let file = try create(path, mode: mode)
        do throws(FileError) {
            do throws(FileError) {
                try file.append(octets)
                if isSynced { try file.sync() }
            } catch {
                try? file.close()
                throw error
            }
            try file.close()
        } catch {
            try? remove(path)
            throw error
        }
    }
}

enum FilePath {
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
