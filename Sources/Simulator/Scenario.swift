/// A world to be, as text or as drawn from a seed: shape, settings, and what is done to it.
package struct Scenario: Hashable, Sendable {
    package var sites: Int
    package var topology: Topology
    package var settings: WorldSettings
    package var operations: [Operation]

    package init(sites: Int, topology: Topology, settings: WorldSettings, operations: [Operation]) {
        self.sites = sites
        self.topology = topology
        self.settings = settings
        self.operations = operations
    }
}

/// What became of one scenario.
package struct ScenarioResult: Sendable {
    package struct Failure: Sendable {
        package let violation: OracleViolation
        /// The operation during which it was found; the number of operations when in healing.
        package let operation: Int
        /// The newest lines of the trace.
        package internal(set) var traceTail: [String]
    }

    package var failure: Failure?
    package var digest = TraceDigest()
    package var slots = 0
    package var mails = 0
    package var events = 0
    package var writes = 0
    package var simulatedSeconds: Int64 = 0
    package var badmail: [String: Int] = [:]
    /// How often what people and the forest did happened, by kind.
    package var happened: [String: Int] = [:]
}

extension Scenario {
    /// Whether the healed forest is then written without a pause: it takes as long as all the rest.
    private var bearsLoad: Bool { settings.seed % 16 == 0 && sites <= 3 }

    /// Plays the scenario with faults, then healed.
    ///
    /// - Throws: `SimulationError` and what is no oracle's verdict.
    package func run(sink: (@Sendable (String) -> Void)? = nil) async throws -> ScenarioResult {
        let template = try await ForestTemplate.shared(sites: sites, topology: topology)
        let executor = WorldExecutor()
        return try await withTaskExecutorPreference(executor) {
            try await play(on: template, executor, sink)
        }
    }

    private func play(
        on template: ForestTemplate,
        _ executor: WorldExecutor,
        _ sink: (@Sendable (String) -> Void)?
    ) async throws -> ScenarioResult {
        let settings = bearsLoad ? World.load(settings) : settings
        let world = try await World(settings, on: template, executor: executor)
        world.trace.sink = sink
        var result = ScenarioResult()
        var position = 0
        do {
            try await world.startAll()
            for operation in operations {
                try await world.perform(operation)
                position += 1
            }
            result.slots = try await world.heal()
            if bearsLoad {
                try await world.bearLoad()
                try await world.heal()
            }
        } catch let violation as OracleViolation {
            world.note("violated: \(violation.oracle.rawValue): \(violation)")
            result.failure = .init(
                violation: violation,
                operation: position,
                traceTail: world.trace.tail.suffix(Trace.linesKept)
            )
        }
        result.digest = world.trace.digest
        result.mails = world.mailCount
        result.events = world.events
        result.writes = world.journal.count
        result.simulatedSeconds = world.simulatedSeconds
        result.badmail = world.badmail
        for site in world.sites { world.countEvents(of: site) }
        result.happened = world.happened
        return result
    }
}
