/// Draws machines that are put back: behind the other faults, so that those stay what they are without these.
struct PutBackDraw {
    private static let percentOfSeeds = 45
    private static let perSeed = 1...3

    let features: SimulationFeatures
    let sites: Int
    private var random: SimulationRandom

    init(seed: UInt64, sites: Int, features: SimulationFeatures) {
        (self.sites, self.features) = (sites, features)
        random = SimulationRandom(seed: seed, 0x7075_7462_6163_6b)
    }

    private var kinds: [RestoreKind] {
        (features.contains(.restore) ? [.restore, .recovery] : [])
            + (features.contains(.rollback) ? [.database, .machine, .machine] : [])
    }

    /// Puts backups, and what is made of them, anywhere into a list of operations.
    mutating func insert(into operations: inout [Operation]) {
        let (kinds, hasTwins) = (kinds, features.contains(.twins))
        guard !kinds.isEmpty || hasTwins, random.chance(percent: Self.percentOfSeeds) else { return }
        for _ in 0..<random.int(Self.perSeed) {
            let site = random.int(0...(sites - 1))
            var positions = [position(in: operations), position(in: operations)].sorted()
            if hasTwins, kinds.isEmpty || random.chance(percent: 25) {
                for _ in 0..<random.int(0...2) { positions.append(position(in: operations)) }
                positions.sort()
                for index in positions.indices.dropFirst().reversed() {
                    operations.insert(.swap(site: site), at: positions[index])
                }
            } else if let kind = random.element(of: kinds) {
                operations.insert(.restore(site: site, kind), at: positions[1])
            }
            operations.insert(.backup(site: site), at: positions[0])
        }
    }

    private mutating func position(in operations: [Operation]) -> Int { random.int(0...operations.count) }
}
