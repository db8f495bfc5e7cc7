import AdminAPI
import Foundation
import Synchronization

/// One line on a terminal's stderr that is written over; nothing where stderr is no terminal.
final class ProgressBar: Sendable {
    private static let columns = 24

    private let octetsAll: Int?
    private let octetsRead = Mutex(0)

    /// Nil octets = unknown, as from a pipe.
    init(octetsAll: Int?) { self.octetsAll = octetsAll }

    func read(_ octets: Int) { octetsRead.withLock { $0 += octets } }

    func show(_ progress: ImportProgress) {
        guard Output.isTerminal else { return }
        Output.rewrite(bar(octetsRead.withLock { $0 }) + progress.text)
    }

    func clear() {
        if Output.isTerminal { Output.rewrite("") }
    }

    private func bar(_ octets: Int) -> String {
        guard let octetsAll, octetsAll > 0 else { return "" }
        let done = min(octets, octetsAll)
        let filled = done * Self.columns / octetsAll
        return "[" + String(repeating: "#", count: filled)
            + String(repeating: "-", count: Self.columns - filled) + "] \(done * 100 / octetsAll) %  "
    }
}
