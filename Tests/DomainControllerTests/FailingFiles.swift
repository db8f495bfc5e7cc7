import Foundation
import Glibc
import Identifiers
import InterSiteMessaging
import PKI
import Simulator
import Synchronization

/// The machine's own files, of which the n-th call fails.
final class FailingFiles: FileSystem {
    private let real = POSIXFileSystem()
    private let failingCall: Int
    private let calls = Mutex(0)

    init(failingCall: Int) { self.failingCall = failingCall }

    var hasFailed: Bool { calls.withLock { $0 >= failingCall } }

    fileprivate func count(_ operation: FileError.Operation, _ path: String) throws(FileError) {
        let isFailing = calls.withLock { calls in
            calls += 1
            return calls == failingCall
        }
        if isFailing { throw FileError(errno: EIO, path: path, operation: operation) }
    }

    func createDirectory(_ path: String, mode: UInt32) throws(FileError) {
        try count(.createDirectory, path)
        try real.createDirectory(path, mode: mode)
    }
    func create(_ path: String, mode: UInt32) throws(FileError) -> any OpenFile {
        try count(.create, path)
        return File(owner: self, path: path, file: try real.create(path, mode: mode))
    }
    func openAppending(_ path: String, mode: UInt32) throws(FileError) -> any OpenFile {
        try count(.open, path)
        return File(owner: self, path: path, file: try real.openAppending(path, mode: mode))
    }
    func read(_ path: String, octetsMax: Int) throws(FileError) -> [UInt8] {
        try count(.read, path)
        return try real.read(path, octetsMax: octetsMax)
    }
    func list(_ folder: String) throws(FileError) -> [String] {
        try count(.list, folder)
        return try real.list(folder)
    }
    func status(_ path: String) throws(FileError) -> FileStatus? {
        try count(.status, path)
        return try real.status(path)
    }
    func rename(_ path: String, to target: String) throws(FileError) {
        try count(.rename, path)
        try real.rename(path, to: target)
    }
    func remove(_ path: String) throws(FileError) {
        try count(.remove, path)
        try real.remove(path)
    }
    func syncDirectory(_ path: String) throws(FileError) {
        try count(.sync, path)
        try real.syncDirectory(path)
    }
    func lock(_ path: String) throws(FileError) -> any HeldLock {
        try count(.lock, path)
        return try real.lock(path)
    }

    private struct File: OpenFile {
        let owner: FailingFiles
        let path: String
        let file: any OpenFile

        func append(_ octets: ArraySlice<UInt8>) throws(FileError) {
            try owner.count(.append, path)
            try file.append(octets)
        }
        func sync() throws(FileError) {
            try owner.count(.sync, path)
            try file.sync()
        }
        func close() throws(FileError) {
            try owner.count(.close, path)
            try file.close()
        }
    }
}

/// The machine's own files, and a model of the disk that says what a crash may leave of them.
///
/// What others write past it (SQLite) is not in the model: there a file keeps the octets it was made with. Of many
/// octets the model has the digest.
final class MirroredFiles: FileSystem {
    let model: CrashDisk
    private let real = POSIXFileSystem()

    init(_ files: [String: [UInt8]]) { model = CrashDisk(files: files) }

    fileprivate static func mark(_ octets: ArraySlice<UInt8>) -> [UInt8] {
        octets.count > 256 ? Digest.sha256(Array(octets)) : Array(octets)
    }

    static func files(below folder: String) throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for name in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? [] {
            let path = folder + "/" + name
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue
            else { continue }
            found[path] = mark([UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))[...])
        }
        return found
    }

    func createDirectory(_ path: String, mode: UInt32) throws(FileError) {
        try real.createDirectory(path, mode: mode)
        try model.createDirectory(path, mode: mode)
    }
    func create(_ path: String, mode: UInt32) throws(FileError) -> any OpenFile {
        File(real: try real.create(path, mode: mode), model: try model.create(path, mode: mode))
    }
    func openAppending(_ path: String, mode: UInt32) throws(FileError) -> any OpenFile {
        File(real: try real.openAppending(path, mode: mode), model: try model.openAppending(path, mode: mode))
    }
    func read(_ path: String, octetsMax: Int) throws(FileError) -> [UInt8] {
        try real.read(path, octetsMax: octetsMax)
    }
    func list(_ folder: String) throws(FileError) -> [String] { try real.list(folder) }
    func status(_ path: String) throws(FileError) -> FileStatus? { try real.status(path) }
    func rename(_ path: String, to target: String) throws(FileError) {
        try real.rename(path, to: target)
        // A file that SQLite made is unknown here.
        if (try? model.status(path)) ?? nil != nil { try model.rename(path, to: target) }
    }
    func remove(_ path: String) throws(FileError) {
        try real.remove(path)
        try model.remove(path)
    }
    func syncDirectory(_ path: String) throws(FileError) {
        try real.syncDirectory(path)
        try model.syncDirectory(path)
    }
    func lock(_ path: String) throws(FileError) -> any HeldLock { try real.lock(path) }

    private struct File: OpenFile {
        let real: any OpenFile
        let model: any OpenFile

        func append(_ octets: ArraySlice<UInt8>) throws(FileError) {
            try real.append(octets)
            try model.append(MirroredFiles.mark(octets)[...])
        }
        func sync() throws(FileError) {
            try real.sync()
            try model.sync()
        }
        func close() throws(FileError) {
            try real.close()
            try model.close()
        }
    }
}
