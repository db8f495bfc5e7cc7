package import Identifiers
import Synchronization

/// The messages whose service has committed, so that a repeat is told from news.
///
/// An append-only file of lines `sender message expires`, kept until Expires + 24 h, rewritten at start. It is
/// not synced per message: what a power cut takes is handed over once more, and services bear that.
package final class CommittedMessageLog: Sendable {
    package static let messagesPerSenderMax = 100_000
    package static let keptBehindExpirySeconds: Int64 = 86_400
    package static let fileOctetsMax = 1 << 30

    private struct Sender {
        var expiries: [GUID: Timestamp] = [:]
        /// Oldest first; the front leaves when the sender is over its cap.
        var order: [GUID] = []
        var firstOrder = 0

        mutating func insert(_ message: GUID, expires: Timestamp) {
            if expiries.updateValue(expires, forKey: message) == nil { order.append(message) }
            while expiries.count > CommittedMessageLog.messagesPerSenderMax {
                expiries[order[firstOrder]] = nil
                firstOrder += 1
            }
            if firstOrder > CommittedMessageLog.messagesPerSenderMax {
                order.removeFirst(firstOrder)
                firstOrder = 0
            }
        }
    }

    private struct State {
        var senders: [GUID: Sender] = [:]
        /// The last append failed half-way: the next line begins with a line end.
        var isTorn = false
    }

    private let path: String
    private let file: any OpenFile
    private let threads: BlockingThreads
    private let state: Mutex<State>

    private init(path: String, file: any OpenFile, threads: BlockingThreads, senders: [GUID: Sender]) {
        self.path = path
        self.file = file
        self.threads = threads
        state = Mutex(State(senders: senders))
    }

    /// Reads the file, drops what is past its time, and writes the rest back.
    package static func open(
        at path: String,
        fileSystem: any FileSystem = POSIXFileSystem(),
        now: Timestamp
    ) async throws(FileError) -> CommittedMessageLog {
        let threads = BlockingThreads(count: 1)
        let (senders, file) = try await threads.run { () throws(FileError) in
            let octets =
                try fileSystem.holds(path)
                ? try fileSystem.read(path, octetsMax: fileOctetsMax) : []
            let senders = parse(octets, now: now)
            try fileSystem.replaceFile(path, with: text(of: senders), mode: 0o600)
            return (senders, try fileSystem.openAppending(path, mode: 0o600))
        }
        return CommittedMessageLog(path: path, file: file, threads: threads, senders: senders)
    }

    package func contains(message: GUID, from sender: GUID) -> Bool {
        state.withLock { $0.senders[sender]?.expiries[message] != nil }
    }

    package var count: Int { state.withLock { $0.senders.values.reduce(0) { $0 + $1.expiries.count } } }

    /// Called after the service has committed.
    ///
    /// Known from now on even if the file cannot be written.
    package func record(message: GUID, from sender: GUID, expires: Timestamp) async throws(FileError) {
        let isTorn = state.withLock { state in
            state.senders[sender, default: Sender()].insert(message, expires: expires)
            return state.isTorn
        }
        let line = (isTorn ? "\n" : "") + Self.line(sender, message, expires)
        do throws(FileError) {
            try await threads.run { [file] () throws(FileError) in try file.append(Array(line.utf8)[...]) }
            if isTorn { state.withLock { $0.isTorn = false } }
        } catch {
            state.withLock { $0.isTorn = true }
            throw error
        }
    }

    private static func line(_ sender: GUID, _ message: GUID, _ expires: Timestamp) -> String {
        "\(sender) \(message) \(expires.seconds)\n"
    }

    private static func text(of senders: [GUID: Sender]) -> [UInt8] {
        var octets: [UInt8] = []
        for (guid, sender) in senders {
            for message in sender.order.dropFirst(sender.firstOrder) {
                guard let expires = sender.expiries[message] else { continue }
                octets += line(guid, message, expires).utf8
            }
        }
        return octets
    }

    /// Lines that cannot be read are left out: the file is a record of work done, not of work to do.
    private static func parse(_ octets: [UInt8], now: Timestamp) -> [GUID: Sender] {
        var senders: [GUID: Sender] = [:]
        for line in octets.split(separator: 0x0a) {
            let words = line.split(separator: 0x20, maxSplits: 3).map { String(decoding: $0, as: UTF8.self) }
            guard words.count == 3, let sender = GUID(words[0]), let message = GUID(words[1]),
                let seconds = Int64(words[2])
            else { continue }
            let expires = Timestamp(seconds: seconds)
            guard now <= expires.adding(seconds: keptBehindExpirySeconds) else { continue }
            senders[sender, default: Sender()].insert(message, expires: expires)
        }
        return senders
    }
}
