import AdminAPI
import Foundation
import Glibc

/// Files that the user names; `-` is standard input.
enum Input {
    /// Octets of one piece of a long file.
    static let pieceOctets = 64 << 10

    static func octets(_ path: String, what: String) throws -> [UInt8] {
        if path == "-" { return [UInt8](FileHandle.standardInput.readDataToEndOfFile()) }
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw AdminError(
                code: "file",
                message: "cannot read \(what) \(path): \(reason(error))",
                hint: "check the path"
            )
        }
    }

    static func text(_ path: String, what: String) throws -> String {
        String(decoding: try octets(path, what: what), as: UTF8.self)
    }

    static func handle(_ path: String, what: String) throws -> FileHandle {
        if path == "-" { return .standardInput }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw AdminError(
                code: "file",
                message: "cannot read \(what) \(path)",
                hint: "check the path and its mode"
            )
        }
        return handle
    }

    /// The file piece by piece, read as the reader asks.
    static func pieces(
        _ handle: FileHandle,
        read: @escaping @Sendable (Int) -> Void
    ) -> AsyncThrowingStream<[UInt8], any Error> {
        AsyncThrowingStream {
            guard let data = try handle.read(upToCount: pieceOctets), !data.isEmpty else { return nil }
            read(data.count)
            return [UInt8](data)
        }
    }

    /// Octets of a file; nil for a pipe.
    static func size(_ handle: FileHandle) -> Int? {
        var found = stat()
        guard fstat(handle.fileDescriptor, &found) == 0, found.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(found.st_size)
    }

    /// An empty file for the owner alone (0600), or stdout for `-`.
    static func create(_ path: String) throws -> FileHandle {
        if path == "-" { return .standardOutput }
        try write("", to: path)
        guard let handle = FileHandle(forWritingAtPath: path) else { throw unwritable(path) }
        return handle
    }

    /// A file for the owner alone (0600), or stdout for `-`.
    static func write(_ text: String, to path: String, mode: Int = 0o600) throws {
        if path == "-" { return Output.text(text) }
        guard
            FileManager.default.createFile(
                atPath: path,
                contents: Data(text.utf8),
                attributes: [.posixPermissions: mode]
            )
        else { throw unwritable(path) }
    }

    private static func unwritable(_ path: String) -> AdminError {
        AdminError(
            code: "file",
            message: "cannot write \(path)",
            hint: "check that its folder exists and is writable"
        )
    }

    private static func reason(_ error: any Error) -> String {
        (error as NSError).code == CocoaError.fileReadNoSuchFile.rawValue
            ? "no such file" : error.localizedDescription
    }
}
