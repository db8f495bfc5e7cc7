import Identifiers
import Testing

@Suite struct `Planted bugs` {
    @Test(arguments: PlantedBug.allCases)
    func `none can be planted in an ordinary build`(_ bug: PlantedBug) {
        PlantedBug.plant(bug)
        #expect(!planted(bug))
        #expect(!PlantedBug.isPossible)
    }
}
