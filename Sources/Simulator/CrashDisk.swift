import Glibc
package import Identifiers
package import InterSiteMessaging
import Synchronization

/// Files in memory that record what a crash may leave after every single call.
///
/// The model: a folder's changes that were not synced survive each or not, a rename as one change (as journaling
/// file systems do it); of a file, what was synced survives, and of the rest nothing, all, half, or zeros.
package final class CrashDisk: FileSystem {
    package struct Inode: Sendable, Hashable {
        package var octets: [UInt8] = []
        /// Octets from the start that a crash leaves.
        package var synced = 0
    }

    /// One change of names; nil = gone.
    package struct Change: Sendable, Hashable {
        package let names: [String: Int?]
    }

    package struct Disk: Sendable {
        var inodes: [Int: Inode] = [:]
        var names: [String: Int] = [:]
        var durable: [String: Int] = [:]
        var pending: [Change] = []
        var folders: Set<String> = ["/"]
    }

    /// The disk after a call, and what had been promised by then.
    package struct Moment: Sendable {
        package let disk: Disk
        package let promises: [String: [UInt8]]
    }

    /// What goes wrong at the n-th call.
    package enum Fault: Sendable, CaseIterable {
        case inputOutput
        /// ENOSPC; an append writes half of its octets.
        case full
        /// EIO of syncs alone; what was written is gone.
        case sync
    }

    private struct State {
        var disk = Disk()
        var moments: [Moment] = []
        var promises: [String: [UInt8]] = [:]
        var isRecording = false
        var calls = 0
        var fault: (call: Int, kind: Fault)?
        var hasFailed = false
    }

    private let state: Mutex<State>
    private let modified: Timestamp

    /// Every file says that it was changed at `modified`.
    package init(
        files: [String: [UInt8]] = [:],
        folders: Set<String> = ["/"],
        modified: Timestamp = .epoch
    ) {
        self.modified = modified
        var disk = Disk()
        disk.folders = folders
        for (index, file) in files.sorted(by: { $0.key < $1.key }).enumerated() {
            disk.inodes[index] = Inode(octets: file.value, synced: file.value.count)
            disk.names[file.key] = index
        }
        disk.durable = disk.names
        state = Mutex(State(disk: disk))
    }

    // MARK: - Recording

    package func record() { state.withLock { $0.isRecording = true } }

    /// The disk as it is, as one more moment: with what was promised since the last call.
    package func note() {
        state.withLock { $0.moments.append(Moment(disk: $0.disk, promises: $0.promises)) }
    }

    package var moments: [Moment] { state.withLock { $0.moments } }
    package var folders: Set<String> { state.withLock { $0.disk.folders } }

    /// From now on a crash must leave a file of these octets whose path contains `name`; nil = no longer.
    package func promise(_ name: String, _ octets: [UInt8]?) { state.withLock { $0.promises[name] = octets } }
    package var promises: [String: [UInt8]] { state.withLock { $0.promises } }

    package func files(below folder: String) -> [String: [UInt8]] {
        state.withLock { state in
            state.disk.names.filter { $0.key.hasPrefix(folder + "/") }
                .mapValues { state.disk.inodes[$0]?.octets ?? [] }
        }
    }

    package func arm(call: Int, _ kind: Fault) {
        state.withLock { ($0.calls, $0.hasFailed, $0.fault) = (0, false, (call, kind)) }
    }

    /// Whether the fault came; calls go well from now on.
    package func disarm() -> Bool {
        state.withLock { state in
            state.fault = nil
            return state.hasFailed
        }
    }

    private func run<Value>(
        _ operation: FileError.Operation,
        _ path: String,
        appending: (key: Int, octets: ArraySlice<UInt8>)? = nil,
        _ body: (inout Disk) -> Result<Value, FileError>
    ) throws(FileError) -> Value {
        let result: Result<Value, FileError> = state.withLock { state in
            let isCounted = state.fault?.kind != .sync || operation == .sync
            if isCounted { state.calls += 1 }
            if let fault = state.fault, isCounted, state.calls == fault.call {
                state.hasFailed = true
                if fault.kind == .full, let appending {
                    state.disk.inodes[appending.key]?.octets += appending.octets.prefix(
                        appending.octets.count / 2
                    )
                }
                let number = fault.kind == .full ? ENOSPC : EIO
                return .failure(FileError(errno: number, path: path, operation: operation))
            }
            let result = body(&state.disk)
            if state.isRecording {
                state.moments.append(Moment(disk: state.disk, promises: state.promises))
            }
            return result
        }
        return try result.get()
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    // MARK: - FileSystem

    package func createDirectory(_ path: String, mode: UInt32) throws(FileError) {
        // Folders are made once, at the first start, and survive here.
        try run(.createDirectory, path) { disk -> Result<Void, FileError> in
            disk.folders.insert(path)
            return .success(())
        }
    }

    package func create(_ path: String, mode: UInt32) throws(FileError) -> any OpenFile {
        let key = try run(.create, path) { disk -> Result<Int, FileError> in
            guard disk.names[path] == nil else {
                return .failure(FileError(errno: EEXIST, path: path, operation: .create))
            }
            return .success(disk.make(path))
        }
        return File(owner: self, path: path, key: key)
    }

    package func openAppending(_ path: String, mode: UInt32) throws(FileError) -> any OpenFile {
        let key = try run(.open, path) { disk -> Result<Int, FileError> in
            .success(disk.names[path] ?? disk.make(path))
        }
        return File(owner: self, path: path, key: key)
    }

    package func read(_ path: String, octetsMax: Int) throws(FileError) -> [UInt8] {
        try run(.read, path) { disk -> Result<[UInt8], FileError> in
            guard let key = disk.names[path], let inode = disk.inodes[key] else {
                return .failure(FileError(errno: ENOENT, path: path, operation: .read))
            }
            return .success(inode.octets)
        }
    }

    package func list(_ folder: String) throws(FileError) -> [String] {
        try run(.list, folder) { disk -> Result<[String], FileError> in
            .success(
                (Array(disk.names.keys) + Array(disk.folders)).filter { Self.folder(of: $0) == folder }
                    .map { String($0.dropFirst(folder.utf8.count + 1)) }
            )
        }
    }

    package func status(_ path: String) throws(FileError) -> FileStatus? {
        try run(.status, path) { disk -> Result<FileStatus?, FileError> in
            if disk.folders.contains(path) {
                return .success(
                    FileStatus(octets: 0, modified: modified, isRegular: false, isDirectory: true)
                )
            }
            guard let key = disk.names[path], let inode = disk.inodes[key] else { return .success(nil) }
            return .success(FileStatus(octets: inode.octets.count, modified: modified))
        }
    }

    package func rename(_ path: String, to target: String) throws(FileError) {
        try run(.rename, path) { disk -> Result<Void, FileError> in
            guard let key = disk.names[path] else {
                return .failure(FileError(errno: ENOENT, path: path, operation: .rename))
            }
            disk.change([path: Int?.none, target: key])
            return .success(())
        }
    }

    package func remove(_ path: String) throws(FileError) {
        try run(.remove, path) { disk -> Result<Void, FileError> in
            if disk.names[path] != nil { disk.change([path: Int?.none]) }
            return .success(())
        }
    }

    package func syncDirectory(_ path: String) throws(FileError) {
        try run(.sync, path) { disk -> Result<Void, FileError> in
            let isHere = { (change: Change) in change.names.keys.contains { Self.folder(of: $0) == path } }
            // What a name was before must not come back behind what it is now.
            let last = disk.pending.lastIndex(where: isHere) ?? -1
            var kept: [Change] = []
            for (index, change) in disk.pending.enumerated() {
                let shares = disk.pending[index...].contains { later in
                    isHere(later) && !Set(later.names.keys).isDisjoint(with: change.names.keys)
                }
                if index <= last, shares { disk.durable.apply(change) } else { kept.append(change) }
            }
            disk.pending = kept
            return .success(())
        }
    }

    package func lock(_ path: String) throws(FileError) -> any HeldLock {
        try run(.lock, path) { _ -> Result<any HeldLock, FileError> in .success(Lock()) }
    }

    private final class Lock: HeldLock {}

    private final class File: OpenFile {
        let owner: CrashDisk
        let path: String
        let key: Int

        init(owner: CrashDisk, path: String, key: Int) {
            self.owner = owner
            self.path = path
            self.key = key
        }

        func append(_ octets: ArraySlice<UInt8>) throws(FileError) {
            try owner.run(.append, path, appending: (key, octets)) { disk -> Result<Void, FileError> in
                disk.inodes[key]?.octets += octets
                return .success(())
            }
        }

        func sync() throws(FileError) {
            try owner.run(.sync, path) { disk -> Result<Void, FileError> in
                let count = disk.inodes[key]?.octets.count ?? 0
                disk.inodes[key]?.synced = count
                return .success(())
            }
        }

        func close() throws(FileError) {
            try owner.run(.close, path) { _ -> Result<Void, FileError> in .success(()) }
        }
    }
}

extension [String: Int] {
    mutating func apply(_ change: CrashDisk.Change) {
        for (name, key) in change.names { self[name] = key }
    }
}

extension CrashDisk.Disk {
    mutating func make(_ path: String) -> Int {
        let key = (inodes.keys.max() ?? -1) + 1
        inodes[key] = CrashDisk.Inode()
        change([path: key])
        return key
    }

    mutating func change(_ changed: [String: Int?]) {
        let change = CrashDisk.Change(names: changed)
        names.apply(change)
        pending.append(change)
    }

    /// Disks that a crash may leave: `countMax` at most, the likely ones first, the others drawn.
    package func afterCrash(
        countMax: Int,
        using generator: inout some RandomNumberGenerator
    ) -> [[String: [UInt8]]] {
        let count = pending.count
        var masks: [[Bool]] = (0...count).map { kept in (0..<count).map { $0 < kept } }
        for index in 0..<count {
            masks.append((0..<count).map { $0 != index })
            masks.append((0..<count).map { $0 == index })
        }
        var states: Set<[String: [UInt8]]> = []
        for tail in 0..<4 {
            for mask in masks where states.count < countMax { states.insert(left(mask) { _ in tail }) }
        }
        guard count > 0 else { return Array(states) }
        for _ in 0..<countMax where states.count < countMax {
            let mask = (0..<count).map { _ in Bool.random(using: &generator) }
            let tails = Int.random(in: 0..<256, using: &generator)
            states.insert(left(mask) { (tails >> (2 * ($0 & 3))) & 3 })
        }
        return Array(states)
    }

    private func left(_ mask: [Bool], tail: (Int) -> Int) -> [String: [UInt8]] {
        var names = durable
        for (change, isKept) in zip(pending, mask) where isKept { names.apply(change) }
        return names.mapValues { key in
            guard let inode = inodes[key] else { return [] }
            let safe = inode.octets.prefix(inode.synced)
            let rest = inode.octets.dropFirst(inode.synced)
            switch tail(key) {
            case 0: return Array(safe)
            case 1: return inode.octets
            case 2: return Array(safe + rest.prefix(rest.count / 2))
            default: return Array(safe) + [UInt8](repeating: 0, count: rest.count)
            }
        }
    }
}
