import ArgumentParser
import Foundation
import Simulator
import Synchronization

/// Runs seeds of the simulator; the last line counts what they found.
@main
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Plays whole forests over bad mail, and looks for divergence and lost writes.",
        discussion: """
            Every seed draws a forest of 2 to 8 DSAs, the weather of its mail, and what is done to it. A seed that \
            fails prints its shortest failing list of operations and exits with 1; --replay shows its trace.
            """
    )

    @Option(help: "How many seeds to run.") var seeds = 100
    @Option(help: "The first seed.") var from: UInt64 = 1
    @Option(help: "Worlds side by side; 0 = one per processor.") var jobs = 0
    @Option(help: "Operations per seed; drawn when not given.") var steps: Int?
    @Option(help: "Run one seed and print every line of its trace.") var replay: UInt64?
    @Option(help: "With --replay: the operations of this file, one a line, in the place of those drawn.")
    var operations: String?
    @Option(parsing: .upToNextOption, help: "Play these scenario files and print what happens.")
    var scenario: [String] = []
    @Option(help: "Run the seeds of this file, one a line, before the others.") var failed: String?
    @Option(parsing: .upToNextOption, help: "Draw these kinds of faults as well.") var with: [String] = []
    @Option(parsing: .upToNextOption, help: "Do not draw these kinds of faults.") var without: [String] = []
    @Flag(help: "Hunt the planted bugs, all or those named; only in a build that has them.")
    var planted = false
    @Argument(help: "Planted bugs to hunt.") var bugs: [String] = []
    @Option(help: "Replay with this planted bug.") var plant: String?
    @Option(help: .hidden) var hunt: String?
    @Flag(help: "Do not look for the shortest failing scenario.") var asDrawn = false
    @Flag(help: "Print a line per seed.") var verbose = false
    @OptionGroup(title: "One long cycle") var longPull: LongPullOptions

    func validate() throws {
        guard seeds >= 0, jobs >= 0 else { throw ValidationError("numbers start at 0") }
        _ = try features()
        guard bugs.isEmpty || planted else {
            throw ValidationError("\"\(bugs[0])\" is no option; planted bugs follow --planted")
        }
        guard operations == nil || replay != nil else {
            throw ValidationError("--operations goes with --replay")
        }
        guard plant == nil || replay != nil else { throw ValidationError("--plant goes with --replay") }
        guard planted || plant != nil || hunt != nil else { return }
        guard !BugHunt.names.isEmpty else {
            throw ValidationError("no bug is planted in this build; scripts/simulate --planted makes one")
        }
        for bug in bugs + [plant, hunt].compactMap({ $0 }) where !BugHunt.names.contains(bug) {
            let known = BugHunt.names.joined(separator: ", ")
            throw ValidationError("no planted bug \"\(bug)\"; there are: \(known)")
        }
    }

    private func features() throws -> SimulationFeatures {
        // A planted bug may need any of them, but what objects without one proves nothing.
        let isHunting = planted || plant != nil || hunt != nil
        var features = isHunting ? SimulationFeatures.hunted : .standard
        let find = { (name: String) throws -> SimulationFeatures in
            guard let found = SimulationFeatures.names.first(where: { $0.name == name }) else {
                let known = SimulationFeatures.names.map(\.name).joined(separator: ", ")
                throw ValidationError("no kind of fault \"\(name)\"; there are: \(known)")
            }
            return found.feature
        }
        for name in with { features.insert(try find(name)) }
        for name in without { features.remove(try find(name)) }
        return features
    }

    func run() async throws {
        if longPull.cycle != nil { return try await longPull.run(seeds: seeds, from: from, verbose: verbose) }
        let features = try features()
        if planted { return try await huntAll() }
        if let hunt, let one = BugHunt(hunt, features: features) {
            return try await Hunt(hunt: one, seeds: (0..<UInt64(seeds)).map { from + $0 }, steps: steps).run()
        }
        guard scenario.isEmpty else { return try await playScenarios() }
        if let replay { return try await show(replay, features) }
        var list = (0..<UInt64(seeds)).map { from + $0 }
        if let failed { list = try Self.seeds(in: failed) + list }
        let tally = try await play(list, features)
        print(
            "\(tally.seeds) seeds, \(tally.divergent) divergent, \(tally.lost) lost, "
                + "\(tally.seconds / 86_400) simulated days"
        )
        if tally.divergent + tally.lost > 0 { throw ExitCode(1) }
    }

    private func huntAll() async throws {
        let hunts = PlantedBugs(
            bugs: bugs.isEmpty ? BugHunt.names : bugs,
            seeds: seeds,
            from: from,
            jobs: jobs > 0 ? jobs : ProcessInfo.processInfo.activeProcessorCount,
            options: sameWorlds
        )
        guard await hunts.run() else { throw ExitCode(1) }
    }

    /// The options that a seed's world depends on besides the seed.
    private var sameWorlds: [String] {
        (steps.map { ["--steps", "\($0)"] } ?? []) + (with.isEmpty ? [] : ["--with"] + with)
            + (without.isEmpty ? [] : ["--without"] + without)
    }

    private static func seeds(in file: String) throws -> [UInt64] {
        try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
            .compactMap { $0.split(separator: " ").first.flatMap { UInt64($0) } }
    }

    private func playScenarios() async throws {
        var failures = 0
        for path in scenario {
            print("\(path):")
            do {
                let file = try ScenarioFile(parsing: String(contentsOfFile: path, encoding: .utf8))
                if let pending = file.pending {
                    print("    not played: \(pending)")
                    continue
                }
                for line in try await ScenarioPlayer.play(file) { print("    \(line)") }
            } catch {
                failures += 1
                print("failed: \(error)")
            }
        }
        if failures > 0 { throw ExitCode(1) }
    }

    private func show(_ seed: UInt64, _ features: SimulationFeatures) async throws {
        if let plant, let one = BugHunt(plant, features: features) {
            guard let found = try await one.play(seed, steps: steps, sink: { print($0) }) else {
                return print("no oracle objects")
            }
            print("\(found.oracle): \(found.text)")
            throw ExitCode(1)
        }
        var scenario = Scenario(seed: seed, features: features, steps: steps)
        if let operations {
            scenario.operations = try String(contentsOfFile: operations, encoding: .utf8)
                .split(separator: "\n").map { try Operation(parsing: String($0.drop { $0 == " " })) }
        }
        print("seed \(seed): \(scenario.sites) sites, \(scenario.topology.rawValue); \(scenario.settings)")
        let result = try await scenario.run { print($0) }
        guard let failure = result.failure else { return print("no oracle objects") }
        print("\(failure.violation.oracle.rawValue): \(failure.violation)")
        throw ExitCode(1)
    }

    private func play(_ list: [UInt64], _ features: SimulationFeatures) async throws -> Tally {
        let runner = SeedRunner(
            features: features,
            steps: steps,
            isAsDrawn: asDrawn,
            isVerbose: verbose,
            options: sameWorlds,
            queue: SeedQueue(list)
        )
        let workers = jobs > 0 ? jobs : ProcessInfo.processInfo.activeProcessorCount
        var tally = Tally()
        try await withThrowingTaskGroup(of: Tally.self) { group in
            for _ in 0..<workers { group.addTask { try await runner.run() } }
            for try await part in group { tally.add(part) }
        }
        runner.queue.finish()
        return tally
    }
}

private struct Tally: Sendable {
    var seeds = 0
    var divergent = 0
    var lost = 0
    var seconds: Int64 = 0

    mutating func add(_ result: ScenarioResult) {
        seeds += 1
        seconds += result.simulatedSeconds
        switch result.failure?.violation.oracle {
        case .divergence, .placement, .restlessness, .starvation, .successTime, .failure: divergent += 1
        case .vector, .lostWrite: lost += 1
        case nil: break
        }
    }

    mutating func add(_ other: Tally) {
        seeds += other.seeds
        divergent += other.divergent
        lost += other.lost
        seconds += other.seconds
    }
}

/// Takes seeds from the queue and plays them, one after the other.
private struct SeedRunner: Sendable {
    let features: SimulationFeatures
    let steps: Int?
    let isAsDrawn: Bool
    let isVerbose: Bool
    /// What must be said besides the seed to play the same world again.
    let options: [String]
    let queue: SeedQueue

    func run() async throws -> Tally {
        var tally = Tally()
        while let seed = queue.next() {
            let scenario = Scenario(seed: seed, features: features, steps: steps)
            let result = try await scenario.run()
            if result.failure != nil { try await report(scenario, result) }
            if isVerbose { print(line(seed, scenario, result)) }
            queue.note(failed: result.failure != nil)
            tally.add(result)
        }
        return tally
    }

    private func line(_ seed: UInt64, _ scenario: Scenario, _ result: ScenarioResult) -> String {
        "seed \(seed): \(scenario.sites) sites, \(scenario.topology.rawValue), \(scenario.operations.count) "
            + "operations, \(result.writes) writes, \(result.mails) mails, \(result.events) events, "
            + "\(result.slots) slots to converge, \(result.simulatedSeconds / 86_400) days, "
            + "trace \(result.digest.value)"
            + result.happened.sorted { $0.key < $1.key }.map { ", \($0.value) \($0.key)" }.joined()
    }

    private func report(_ scenario: Scenario, _ result: ScenarioResult) async throws {
        guard let failure = result.failure else { return }
        var text = """
            seed \(scenario.settings.seed) fails at operation \(failure.operation): \
            \(failure.violation.oracle.rawValue): \(failure.violation)

            """
        let shortest =
            isAsDrawn
            ? scenario : try await Minimisation().shorten(scenario, failingBy: failure.violation.oracle)
        let last = isAsDrawn ? failure : try await shortest.run().failure ?? failure
        text += last.traceTail.suffix(isVerbose ? 60 : 12).map { "    \($0)\n" }.joined()
        text += "shortest scenario that fails (\(shortest.sites) sites, \(shortest.topology.rawValue); "
        text += "\(shortest.settings)):\n"
        text += shortest.operations.map { "  \($0)\n" }.joined()
        text += "\(last.violation)\nsee every line: "
        text += (["scripts/simulate --replay \(scenario.settings.seed)"] + options).joined(separator: " ")
        print(text)
    }
}

/// Seeds that nobody has taken yet, and a line on a terminal that counts those that are done.
private final class SeedQueue: Sendable {
    private struct Counts {
        var taken = 0
        var done = 0
        var failed = 0
    }

    private let seeds: [UInt64]
    private let isShown = isatty(STDERR_FILENO) == 1
    private let counts = Mutex(Counts())
    private let start = Date()

    init(_ seeds: [UInt64]) { self.seeds = seeds }

    func next() -> UInt64? {
        counts.withLock { counts in
            guard counts.taken < seeds.count else { return nil }
            counts.taken += 1
            return seeds[counts.taken - 1]
        }
    }

    func note(failed: Bool) {
        let now = counts.withLock { counts in
            counts.done += 1
            if failed { counts.failed += 1 }
            return counts
        }
        guard isShown else { return }
        let seconds = Int(Date().timeIntervalSince(start))
        let text = "\r\(now.done) of \(seeds.count) seeds, \(now.failed) failed, \(seconds) s "
        FileHandle.standardError.write(Data(text.utf8))
    }

    func finish() { if isShown { FileHandle.standardError.write(Data("\n".utf8)) } }
}
