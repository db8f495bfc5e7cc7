import DirectoryModel
import Identifiers
import Testing

@testable import Replication

@Suite struct `Worlds of growing attribute sets` {
    static let worlds = 300

    @Test func `no vector claims an attribute that its replica lacks, and every addition ends`() {
        var seen = [0, 0, 0, 0, 0, 0, 0]
        for seed in 0..<Self.worlds {
            var world = GrowthWorld(seed: seed)
            let finding = world.run()
            #expect(finding == nil)
            let statistics = world.statistics
            let counts = [
                statistics.growths, statistics.shrinks, statistics.restarts, statistics.joins,
                statistics.adoptions, statistics.dataOnly, statistics.fromPartial,
            ]
            for index in seen.indices { seen[index] += counts[index] }
        }
        #expect(seen.allSatisfy { $0 >= 30 }, "too tame: \(seen)")
    }

    @Test(arguments: GrowthMutant.allCases)
    func `a shortcut loses data and is caught`(mutant: GrowthMutant) {
        let caught = (0..<300).first { seed in
            var world = GrowthWorld(seed: seed, mutant: mutant)
            return world.run() != nil
        }
        #expect(caught != nil, "\(mutant) lived through 300 worlds")
    }
}
