import Identifiers
import Testing

@testable import Replication

@Suite struct `Random worlds` {
    static let worlds = 400

    @Test func `no vector claims what its replica lacks, and after healing all replicas are equal`() {
        var parts = 0
        var adoptions = 0
        var (dataOnly, duplicates, restores, joins, resends, ignored, pokes) = (0, 0, 0, 0, 0, 0, 0)
        for seed in 0..<Self.worlds {
            var world = World(seed: seed)
            let finding = world.run()
            #expect(finding == nil)
            parts += world.statistics.parts
            adoptions += world.statistics.adoptions
            dataOnly += world.statistics.dataOnly
            duplicates += world.statistics.duplicates
            restores += world.statistics.restores
            joins += world.statistics.joins
            resends += world.statistics.resends
            ignored += world.statistics.ignoredRequests
            pokes += world.statistics.pokes
        }
        let seen = [parts, adoptions, dataOnly, duplicates, restores, joins, resends, ignored, pokes]
        #expect(seen.allSatisfy { $0 >= 100 }, "too tame: \(seen)")
    }

    @Test(arguments: [
        (WorldMutant.adoptsAtTheLastPart, 30), (.adoptsAnyCoveredVector, 60), (.countsUnknownRequests, 300),
    ])
    func `a weaker rule is caught`(mutant: WorldMutant, worldsMax: Int) {
        let isCaught = (0..<worldsMax).contains { seed in
            var world = World(seed: seed, mutant: mutant)
            return world.run()?.contains("claims") ?? false
        }
        #expect(isCaught, "\(mutant) lived through \(worldsMax) worlds")
    }
}
