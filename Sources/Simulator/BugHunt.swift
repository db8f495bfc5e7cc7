import Identifiers

/// Plays forests in which one rule is broken on purpose, until an oracle objects.
package struct BugHunt: Sendable {
    /// Every planted bug that this build knows, by name; empty in an ordinary build.
    package static var names: [String] { PlantedBug.isPossible ? PlantedBug.allCases.map(\.rawValue) : [] }

    private let bug: PlantedBug
    private let features: SimulationFeatures

    /// Nil when there is no such bug.
    package init?(_ name: String, features: SimulationFeatures) {
        guard PlantedBug.isPossible, let bug = PlantedBug(rawValue: name) else { return nil }
        self.bug = bug
        self.features = features
    }

    /// Plays one seed with the bug; forests are made without it.
    ///
    /// An error that is no oracle's verdict is found as well: the simulation does not end as it should.
    package func play(_ seed: UInt64, steps: Int?, sink: (@Sendable (String) -> Void)? = nil) async throws
        -> (oracle: String, text: String)?
    {
        let scenario = Scenario(seed: seed, features: features, steps: steps)
        PlantedBug.plant(nil)
        _ = try await ForestTemplate.shared(sites: scenario.sites, topology: scenario.topology)
        return try await planted {
            let failure = try await scenario.run(sink: sink).failure
            return failure.map { ($0.violation.oracle.rawValue, "\($0.violation)") }
        }
    }

    /// Whether the seed fails without the bug as well: then it says nothing about the bug.
    package func failsAnyway(_ seed: UInt64, steps: Int?) async throws -> Bool {
        PlantedBug.plant(nil)
        return try await Scenario(seed: seed, features: features, steps: steps).run().failure != nil
    }

    /// Plays a scenario file with the bug.
    package func play(_ file: ScenarioFile) async throws -> (oracle: String, text: String)? {
        PlantedBug.plant(nil)
        _ = try await ForestTemplate.shared(sites: file.dsas.count, topology: file.topology)
        return try await planted {
            do {
                _ = try await ScenarioPlayer.play(file)
                return nil
            } catch let failure as ScenarioFailure {
                return ("line \(failure.line), \(failure.text)", failure.reason)
            }
        }
    }

    private func planted(_ body: () async throws -> (oracle: String, text: String)?) async throws
        -> (oracle: String, text: String)?
    {
        PlantedBug.plant(bug)
        defer { PlantedBug.plant(nil) }
        do { return try await body() } catch { return ("error", "\(error)") }
    }
}
