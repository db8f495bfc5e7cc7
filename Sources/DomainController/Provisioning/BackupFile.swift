package import Identifiers
import AdminAPI
import Foundation
import PKI

/// The first two lines of a backup: what it is, whose, and which files follow.
package struct BackupHeader: Codable, Hashable, Sendable {
    /// One file of the data directory.
    package struct File: Codable, Hashable, Sendable {
        /// Relative to the data directory.
        package var name: String
        package var octets: Int
    }

    package var version: String
    package var created: Timestamp
    package var server: String
    package var dsaGUID: GUID
    package var invocationID: GUID
    package var highestUSN: USN
    /// The database is the first.
    package var files: [File]
}

/// A backup is one file: a line that names the format, a line of JSON (`BackupHeader`), the octets of its files one
/// behind the other, and the SHA-256 of all of it.
///
/// It holds the DSA's private key, and the CA's where it is: it is written for its owner alone.
package enum BackupFile {
    static let formatLine = "bridgehead backup 1\n"
    static let headerOctetsMax = 1 << 20
    static let filesMax = 10_000
    static let pieceOctets = 1 << 20

    /// Calls `take` with every piece of a backup, in order; blocks on the disk.
    static func write(_ header: BackupHeader, paths: [String], _ take: ([UInt8]) throws -> Void) throws {
        var digest = SHA256()
        let head = Array(formatLine.utf8) + [UInt8](try AdminJSON.encode(header)) + [0x0a]
        digest.update(head)
        try take(head)
        for (file, path) in zip(header.files, paths) {
            guard let handle = FileHandle(forReadingAtPath: path) else { throw unreadable(path) }
            defer { try? handle.close() }
            var left = file.octets
            while left > 0 {
                let piece = [UInt8](try handle.read(upToCount: min(pieceOctets, left)) ?? Data())
                guard !piece.isEmpty else { throw changed(path) }
                left -= piece.count
                digest.update(piece)
                try take(piece)
            }
        }
        try take(digest.finish())
    }

    /// Checks a whole backup; `piece` gets the octets of each file, by its index, as they are read.
    ///
    /// - Throws: `AdminError` `backupDamaged` when a single octet is missing, added or changed.
    package static func read(
        _ path: String,
        progress: (Int) -> Void = { _ in },
        piece: (Int, [UInt8]) throws -> Void = { _, _ in }
    ) throws -> BackupHeader {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw unreadable(path) }
        defer { try? handle.close() }
        var reader = PieceReader(handle: handle, name: path)
        var digest = SHA256()
        let format = try reader.octets(formatLine.utf8.count)
        guard format == Array(formatLine.utf8) else {
            throw AdminError(
                code: "notABackup",
                message: "\(path) is no backup, or one of another version",
                hint: "name a file that `bridgehead backup` wrote"
            )
        }
        digest.update(format)
        let line = try reader.line(octetsMax: headerOctetsMax)
        digest.update(line + [0x0a])
        guard let header = try? AdminJSON.decode(BackupHeader.self, from: Data(line)), isSafe(header) else {
            throw damaged(path, "its list of files cannot be read")
        }
        for (index, file) in header.files.enumerated() {
            var left = file.octets
            while left > 0 {
                let octets = try reader.octets(min(pieceOctets, left))
                left -= octets.count
                digest.update(octets)
                progress(octets.count)
                try piece(index, octets)
            }
        }
        let stated = try reader.octets(SHA256.octetsCount)
        guard stated == digest.finish() else { throw damaged(path, "its checksum does not fit") }
        guard try reader.isAtEnd() else { throw damaged(path, "there are octets behind its end") }
        return header
    }

    /// No name leads out of the data directory, and the sizes are sizes.
    private static func isSafe(_ header: BackupHeader) -> Bool {
        guard header.files.count <= filesMax, header.files.first?.name == "directory.sqlite" else {
            return false
        }
        return header.files.allSatisfy { file in
            let steps = file.name.split(separator: "/", omittingEmptySubsequences: false)
            return file.octets >= 0 && steps.count <= 4
                && steps.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }
        }
    }

    private static func unreadable(_ path: String) -> AdminError {
        AdminError(code: "file", message: "cannot read \(path)", hint: "check the path and its mode")
    }

    private static func changed(_ path: String) -> AdminError {
        AdminError(
            code: "file",
            message: "\(path) changed while it was copied",
            hint: "make the backup again"
        )
    }

    static func damaged(_ path: String, _ reason: String) -> AdminError {
        AdminError(
            code: "backupDamaged",
            message: "\(path) is damaged or cut off: \(reason); nothing was changed",
            hint: "take another backup, or join this DSA again"
        )
    }
}

/// Reads exactly as much as is asked for.
private struct PieceReader {
    let handle: FileHandle
    let name: String
    private var buffer: [UInt8] = []

    init(handle: FileHandle, name: String) {
        self.handle = handle
        self.name = name
    }

    mutating func octets(_ count: Int) throws -> [UInt8] {
        while buffer.count < count {
            let more = [UInt8](
                try handle.read(upToCount: max(BackupFile.pieceOctets, count - buffer.count)) ?? Data()
            )
            guard !more.isEmpty else { throw BackupFile.damaged(name, "it ends too early") }
            buffer += more
        }
        let octets = Array(buffer[..<count])
        buffer.removeFirst(count)
        return octets
    }

    /// Without the line feed.
    mutating func line(octetsMax: Int) throws -> [UInt8] {
        var line: [UInt8] = []
        while true {
            let octet = try octets(1)[0]
            if octet == 0x0a { return line }
            guard line.count < octetsMax else {
                throw BackupFile.damaged(name, "its list of files has no end")
            }
            line.append(octet)
        }
    }

    mutating func isAtEnd() throws -> Bool {
        guard buffer.isEmpty else { return false }
        return try handle.read(upToCount: 1)?.isEmpty ?? true
    }
}
