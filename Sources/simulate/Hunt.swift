import Foundation
import Simulator
import Synchronization

/// Hunts one planted bug; runs in a process of its own, since a bug may end it.
///
/// Tells on standard output what it plays, and in the end what it found, one `HuntLine` a line.
struct Hunt: Sendable {
    /// A world of any size is played in less.
    static let silenceSeconds = 180.0
    /// Seeds that are played before the scenario files are.
    static let seedsBeforeScenarios = 40

    let hunt: BugHunt
    let seeds: [UInt64]
    let steps: Int?

    func run() async throws {
        let watch = Watch()
        watch.start(seconds: Self.silenceSeconds)
        let first = seeds.prefix(Self.seedsBeforeScenarios)
        for seed in first where try await isFound(by: seed, watch) { return }
        for file in try Self.scenarioFiles() {
            tell(.plays(file.name), watch)
            if let found = try await hunt.play(file.scenario) {
                return tell(.found("scenario \(file.name), \(found.oracle)", found.text), watch)
            }
        }
        for seed in seeds.dropFirst(first.count) where try await isFound(by: seed, watch) { return }
        tell(.notFound, watch)
    }

    private func isFound(by seed: UInt64, _ watch: Watch) async throws -> Bool {
        tell(.seed(seed), watch)
        guard let found = try await hunt.play(seed, steps: steps),
            try await !hunt.failsAnyway(seed, steps: steps)
        else { return false }
        tell(.found(found.oracle, found.text), watch)
        return true
    }

    private func tell(_ line: HuntLine, _ watch: Watch) {
        watch.touch()
        FileHandle.standardOutput.write(Data("\(line.text)\n".utf8))
    }

    /// Those beside the tests, of the checkout in which this is run.
    private static func scenarioFiles() throws -> [(name: String, scenario: ScenarioFile)] {
        let folder = "Tests/SimulationTests/Scenarios"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return try names.filter { $0.hasSuffix(".scenario") }.sorted().compactMap { name in
            let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            let file = try ScenarioFile(parsing: text)
            return file.pending == nil ? (String(name.dropLast(9)), file) : nil
        }
    }
}

/// What a hunting process tells the one that started it.
enum HuntLine: Equatable {
    case seed(UInt64)
    case plays(String)
    /// By whom, and what it says.
    case found(String, String)
    case notFound
    /// Nothing was played to its end for too long.
    case silent

    var text: String {
        switch self {
        case .seed(let seed): "seed\t\(seed)"
        case .plays(let name): "plays\t\(name)"
        case .found(let oracle, let text):
            "found\t\(oracle)\t\(text.split(separator: "\n").first.map(String.init) ?? "")"
        case .notFound: "not-found"
        case .silent: "silent"
        }
    }

    init?(_ text: String) {
        let words = text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        switch words.first {
        case "seed": self = .seed(words.count > 1 ? UInt64(words[1]) ?? 0 : 0)
        case "plays": self = .plays(words.count > 1 ? words[1] : "")
        case "found" where words.count > 2: self = .found(words[1], words[2])
        case "not-found": self = .notFound
        case "silent": self = .silent
        default: return nil
        }
    }
}

/// Ends the process when nothing happens: a bug may keep a world busy for ever.
private final class Watch: Sendable {
    private let last = Mutex(Date())

    func touch() { last.withLock { $0 = Date() } }

    func start(seconds allowed: Double) {
        Thread.detachNewThread { [self] in
            while true {
                Thread.sleep(forTimeInterval: 1)
                guard Date().timeIntervalSince(last.withLock { $0 }) > allowed else { continue }
                FileHandle.standardOutput.write(Data("\(HuntLine.silent.text)\n".utf8))
                exit(3)
            }
        }
    }
}
