/// Which kinds of faults a seed may draw.
package struct SimulationFeatures: OptionSet, Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    package static let crashes = SimulationFeatures(rawValue: 1)
    package static let fileFaults = SimulationFeatures(rawValue: 2)
    package static let clocks = SimulationFeatures(rawValue: 4)
    package static let schema = SimulationFeatures(rawValue: 8)
    package static let undelete = SimulationFeatures(rawValue: 16)
    package static let partialSet = SimulationFeatures(rawValue: 32)
    /// Tombstones that live for days only, and what follows from their collection.
    package static let collection = SimulationFeatures(rawValue: 1 << 10)
    /// Stamps that no healthy member sends.
    package static let poison = SimulationFeatures(rawValue: 1 << 11)
    /// Values that fit into no mail.
    package static let large = SimulationFeatures(rawValue: 1 << 12)
    /// Partial replicas that are given up and taken up again.
    package static let replicas = SimulationFeatures(rawValue: 1 << 13)
    /// The product's own restore of a backup.
    package static let restore = SimulationFeatures(rawValue: 1 << 16)
    /// Database files and whole machines put back behind the product's back.
    package static let rollback = SimulationFeatures(rawValue: 1 << 17)
    /// Copies of a machine that run beside it.
    package static let twins = SimulationFeatures(rawValue: 1 << 18)

    /// `putBack` and `lasting` in one forest.
    package static let mixed = SimulationFeatures(rawValue: 1 << 20)

    /// Machines that lose what others have of them.
    package static let putBack: SimulationFeatures = [.restore, .rollback, .twins]
    /// What replicas must remember, and rightly forget, for long.
    package static let lasting: SimulationFeatures = [.collection, .poison, .partialSet, .replicas, .large]

    /// What every run draws from: each seed from machines that are put back, or from `lasting`.
    package static let standard: SimulationFeatures = [
        .crashes, .fileFaults, .clocks, .schema, .undelete, .restore, .rollback, .lasting,
    ]

    /// What hunts for planted bugs draw from: kinds in which no oracle objects without one.
    package static let hunted: SimulationFeatures = [
        .crashes, .fileFaults, .clocks, .schema, .undelete, .partialSet, .replicas, .putBack, .mixed,
    ]

    package static let names: [(name: String, feature: SimulationFeatures)] = [
        ("crashes", .crashes), ("file-faults", .fileFaults), ("clocks", .clocks), ("schema", .schema),
        ("undelete", .undelete), ("partial-set", .partialSet), ("collection", .collection),
        ("poison", .poison), ("large", .large), ("replicas", .replicas),
        ("restore", .restore), ("rollback", .rollback), ("twins", .twins), ("mixed", .mixed),
    ]
}

extension SimulationFeatures {
    /// Without one of the two families, unless they may be mixed.
    fileprivate func ofOneFamily(_ random: inout SimulationRandom) -> SimulationFeatures {
        guard !contains(.mixed), !isDisjoint(with: .putBack), !isDisjoint(with: .lasting) else { return self }
        return subtracting(random.chance(percent: 50) ? .putBack : .lasting)
    }
}

extension Scenario {
    /// Draws a scenario from a seed.
    package init(seed: UInt64, features: SimulationFeatures = .standard, steps: Int? = nil) {
        var random = SimulationRandom(seed: seed, 0x6472_6177)
        let features = features.ofOneFamily(&random)
        let counts = [2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8]
        sites = random.element(of: counts) ?? 2
        let shapes: [Topology] = sites < 4 ? [.mesh] : sites == 4 ? [.mesh, .star, .ring] : [.star, .ring]
        topology = random.element(of: shapes) ?? .mesh
        settings = WorldSettings(seed: seed)
        // Ages count no step of a clock for more than a day: only days of schedule slots collect anything.
        let collects = features.contains(.collection) && random.chance(percent: 60)
        let intervals = collects ? [43_200, 86_400, 604_800] : [900, 3_600, 10_800, 86_400, 604_800]
        settings.intervalSeconds = random.element(of: intervals) ?? 3_600
        settings.partObjects = random.element(of: [1, 2, 3, 5, 20, 1_000]) ?? 1_000
        settings.creditParts = random.element(of: [1, 2, 4, 64]) ?? 64
        settings.restartSeconds = random.magnitude(1...settings.intervalSeconds * 2)
        settings.keepsNames = random.chance(percent: 30)
        if features.contains(.large), random.chance(percent: 30) {
            settings.mailOctetsMax = random.element(of: [6_000, 12_000])
        }
        settings.weather = Self.weather(interval: settings.intervalSeconds, &random)
        let length = steps ?? max(16, random.int(30...80) / (sites < 4 ? 1 : 2))
        var draw = OperationDraw(
            sites: sites,
            interval: settings.intervalSeconds,
            features: features,
            isLarge: settings.mailOctetsMax != nil,
            random: random
        )
        operations = collects ? [draw.lifetime()] : []
        operations += (0..<length).map { _ in draw.next() }
        var putBacks = PutBackDraw(seed: seed, sites: sites, features: features)
        putBacks.insert(into: &operations)
    }

    private static func weather(interval: Int, _ random: inout SimulationRandom) -> Weather {
        var weather = Weather()
        weather.lostPercent = random.chance(percent: 35) ? 0 : random.int(0...30)
        weather.doubledPercent = random.chance(percent: 35) ? 0 : random.int(0...50)
        weather.alteredPercent = random.element(of: [0, 0, 3]) ?? 0
        weather.truncatedPercent = random.element(of: [0, 0, 3]) ?? 0
        weather.longestDelaySeconds = random.magnitude(1...max(2, interval))
        weather.stragglerPercent = random.element(of: [0, 5, 20]) ?? 0
        weather.longestStragglerSeconds = min(90 * 86_400, random.magnitude(interval...interval * 16))
        return weather
    }
}

/// Draws operations one by one.
struct OperationDraw {
    let sites: Int
    let interval: Int
    let features: SimulationFeatures
    let isLarge: Bool
    var random: SimulationRandom
    private var attributesMade = 0
    /// What comes between other operations, in this order.
    private var planned: [Operation] = []

    init(
        sites: Int,
        interval: Int,
        features: SimulationFeatures,
        isLarge: Bool,
        random: SimulationRandom
    ) {
        (self.sites, self.interval, self.features) = (sites, interval, features)
        (self.isLarge, self.random) = (isLarge, random)
    }

    /// A lifetime within the bounds of the program, short enough to be over in this scenario.
    mutating func lifetime() -> Operation {
        let days = random.element(of: interval > 86_400 ? [3, 7, 14] : [2, 2, 3]) ?? 2
        return .lifetime(site: random.int(0...(sites - 1)), days: days)
    }

    mutating func next() -> Operation {
        if !planned.isEmpty, random.chance(percent: 40) { return planned.removeFirst() }
        let site = random.int(0...(sites - 1))
        switch random.int(0...99) {
        case 0..<30: return .advance(seconds: pause())
        case 30..<82: return writing(site)
        case 82..<90: return road()
        default: return fault(site) ?? writing(site)
        }
    }

    private mutating func pause() -> Int {
        random.chance(percent: 50)
            ? random.magnitude(1...max(2, interval / 2)) : random.int(interval / 2...interval * 3)
    }

    /// Few numbers: the same objects are met again and again.
    private mutating func object() -> Int { random.int(0...11) }
    private mutating func parent() -> Int? { random.chance(percent: 35) ? nil : object() }

    private mutating func writing(_ site: Int) -> Operation {
        let context: SimulatedContext = random.chance(percent: 65) ? .configuration : .domain
        switch random.int(0...99) {
        case 0..<28:
            return .add(
                site: site,
                context,
                isGroup: random.chance(percent: 30),
                name: random.int(0...5),
                parent: parent()
            )
        case 28..<48:
            let value = random.chance(percent: 15) ? nil : random.int(0...99)
            return .modify(site: site, context, object: object(), attribute: random.int(0...3), value: value)
        case 48..<58: return .rename(site: site, context, object: object(), name: random.int(0...5))
        case 58..<72: return .move(site: site, context, object: object(), parent: parent())
        case 72..<80:
            return .delete(site: site, context, object: object(), isTree: random.chance(percent: 40))
        case 80..<84:
            guard features.contains(.undelete) else { break }
            return .undelete(site: site, context, object: object())
        case 84..<94:
            return .link(
                site: site,
                context,
                group: object(),
                member: object(),
                isPresent: random.chance(percent: 65)
            )
        case 94..<96:
            guard isLarge else { break }
            return .enlarge(
                site: site,
                context,
                object: object(),
                kibioctets: random.magnitude(4...40),
                value: random.int(0...99)
            )
        case 96..<98:
            guard features.contains(.schema) else { break }
            attributesMade += 1
            return .addAttribute(site: site, number: random.int(0...attributesMade))
        default:
            guard features.contains(.partialSet) else { break }
            return .setPartial(
                site: site,
                attribute: random.int(0...3),
                isMember: random.chance(percent: 60)
            )
        }
        return .rename(site: site, context, object: object(), name: random.int(0...5))
    }

    private mutating func road() -> Operation {
        if random.chance(percent: 40) { return .openAll }
        let from = random.int(0...(sites - 1))
        let to = (from + random.int(1...(sites - 1))) % sites
        if planned.isEmpty, random.chance(percent: 20) { return swizzle() }
        return random.chance(percent: 75) ? .block(from: from, to: to) : .open(from: from, to: to)
    }

    /// Some roads stop one by one, and open again in another order.
    private mutating func swizzle() -> Operation {
        var roads = (0..<sites).flatMap { from in
            (0..<sites).compactMap { from == $0 ? nil : (from: from, to: $0) }
        }
        roads.shuffle(using: &random)
        roads = Array(roads.prefix(random.int(1...min(roads.count, 8))))
        planned = roads.map { .block(from: $0.from, to: $0.to) }
        roads.shuffle(using: &random)
        planned += roads.map { .open(from: $0.from, to: $0.to) }
        return planned.removeFirst()
    }

    /// What no healthy member does, and what people do about it.
    private mutating func poison(_ site: Int) -> Operation? {
        guard features.contains(.poison) else { return nil }
        switch random.int(0...3) {
        case 0:
            let to = (site + random.int(1...(sites - 1))) % sites
            let version: UInt32 = random.chance(percent: 70) ? 4_000_000 : .max
            planned.append(.decide(site: to, isReleased: false))
            return .forge(from: site, to: to, version: version)
        case 1:
            // Beyond what partners bear: a day, and what some slots make good.
            let seconds = 86_400 + min(20 * 86_400, random.magnitude(1...interval * 20))
            let other = (site + random.int(1...(sites - 1))) % sites
            if random.chance(percent: 50) { planned.append(.decide(site: other, isReleased: true)) }
            planned.append(.clock(site: site, seconds: -seconds))
            return .clock(site: site, seconds: seconds)
        default: return .decide(site: site, isReleased: random.chance(percent: 50))
        }
    }

    private mutating func starting(over site: Int) -> Operation? {
        let other = (site + random.int(1...(sites - 1))) % sites
        if features.contains(.replicas), random.chance(percent: 60) {
            planned.append(.addReplica(site: site, of: other))
            return .dropReplica(site: site, of: other)
        }
        guard features.contains(.collection) else { return nil }
        let context: SimulatedContext = random.chance(percent: 65) ? .configuration : .domain
        return .resync(site: site, context, source: other)
    }

    private mutating func fault(_ site: Int) -> Operation? {
        switch random.int(0...14) {
        case 0..<4:
            return features.contains(.crashes) ? .crash(site: site, afterCalls: random.int(0...12)) : nil
        case 4:
            return features.contains(.fileFaults)
                ? .fileFault(site: site, afterCalls: random.int(0...3)) : nil
        case 5: return .stop(site: site)
        case 6: return .start(site: site)
        case 7:
            guard features.contains(.clocks) else { return nil }
            let seconds = random.magnitude(1...40_000)
            return .clock(site: site, seconds: random.chance(percent: 50) ? seconds : -seconds)
        case 8, 9, 10: return poison(site)
        case 11: return starting(over: site)
        default: return .sleep(seconds: random.int(1...interval * 8))
        }
    }
}
