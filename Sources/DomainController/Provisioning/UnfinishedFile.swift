package import InterSiteMessaging

/// A file that gets its name when it is whole: until then nothing of that name changes.
package final class UnfinishedFile: Sendable {
    private let path: String
    private let unfinished: String
    private let files: any FileSystem
    private let file: any OpenFile

    /// Begins a file for its owner alone (mode 0600) under another name; what an earlier try left there goes.
    package init(_ path: String, files: any FileSystem = POSIXFileSystem()) throws {
        (self.path, self.files) = (path, files)
        unfinished = path + ".unfinished"
        try files.remove(unfinished)
        file = try files.create(unfinished, mode: 0o600)
    }

    package func append(_ octets: [UInt8]) throws { try file.append(octets[...]) }

    /// Makes it durable, looks at it once more with `check`, and gives it its name.
    ///
    /// Durable under its name when this returns. On an error call `abandon`.
    package func finish<Value>(_ check: (_ path: String) throws -> Value) throws -> Value {
        do { try file.sync() } catch {
            try? file.close()
            throw error
        }
        try file.close()
        let value = try check(unfinished)
        try files.rename(unfinished, to: path)
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) }
        try files.syncDirectory(folder ?? ".")
        return value
    }

    /// Leaves nothing behind.
    package func abandon() {
        try? file.close()
        try? files.remove(unfinished)
    }
}
