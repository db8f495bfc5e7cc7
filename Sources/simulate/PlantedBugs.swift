import Foundation
import Simulator
import Synchronization

/// Hunts planted bugs, some at a time, each in a process of its own; the last line counts those that were found.
struct PlantedBugs: Sendable {
    let bugs: [String]
    let seeds: Int
    let from: UInt64
    let jobs: Int
    /// What the hunting processes are to be told besides.
    let options: [String]

    /// - Returns: whether every bug was found.
    func run() async -> Bool {
        let queue = BugQueue(bugs)
        let found = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<max(1, min(jobs, bugs.count)) {
                group.addTask {
                    var found = 0
                    while let bug = queue.next() {
                        let verdict = await hunt(bug)
                        tell("\(bug): \(verdict.text)")
                        if verdict.isFound { found += 1 }
                    }
                    return found
                }
            }
            return await group.reduce(0, +)
        }
        tell("\(found) of \(bugs.count) planted bugs found")
        return found == bugs.count
    }

    /// At once, also into a file.
    private func tell(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

    private func hunt(_ bug: String) async -> HuntVerdict {
        await withCheckedContinuation { continuation in
            // Waiting for a process blocks, which the cooperative pool must not.
            Thread.detachNewThread { continuation.resume(returning: huntBlocking(bug)) }
        }
    }

    private func huntBlocking(_ bug: String) -> HuntVerdict {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0])
        process.arguments = ["--hunt", bug, "--seeds", "\(seeds)", "--from", "\(from)"] + options
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return HuntVerdict(isFound: false, text: "not hunted: \(error)") }
        let octets = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let lines = String(decoding: octets, as: UTF8.self).split(separator: "\n")
            .compactMap { HuntLine(String($0)) }
        return HuntVerdict(lines, status: process.terminationStatus)
    }
}

/// What became of the hunt for one bug.
struct HuntVerdict: Sendable {
    let isFound: Bool
    let text: String

    init(isFound: Bool, text: String) { (self.isFound, self.text) = (isFound, text) }

    /// A process that died or fell silent while it played has found the bug, too.
    init(_ lines: [HuntLine], status: Int32) {
        var seeds = 0
        for line in lines { if case .seed = line { seeds += 1 } }
        let played = "after \(seeds) \(seeds == 1 ? "seed" : "seeds")"
        switch lines.last {
        case .found(let oracle, let text):
            self.init(isFound: true, text: "found \(played) by \(oracle): \(text)")
        case .silent: self.init(isFound: true, text: "found \(played) by silence: the world does not rest")
        case .notFound: self.init(isFound: false, text: "NOT FOUND \(played)")
        case .seed, .plays:
            self.init(isFound: true, text: "found \(played) by a crash, exit status \(status)")
        case nil: self.init(isFound: false, text: "NOT FOUND: nothing was played, exit status \(status)")
        }
    }
}

/// Bugs that nobody hunts yet.
private final class BugQueue: Sendable {
    private let rest: Mutex<[String]>

    init(_ bugs: [String]) { rest = Mutex(bugs.reversed()) }

    func next() -> String? { rest.withLock { $0.popLast() } }
}
