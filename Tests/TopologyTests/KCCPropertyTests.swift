import Identifiers
import Testing
import Topology

/// What holds of every plan, whatever the forest; seeds are drawn forests.
@Suite struct `Plans of drawn forests` {
    private static let seeds = Array(UInt64(0)..<100)

    private func input(_ snapshot: TopologySnapshot, _ position: Int) -> KCCInput {
        KCCInput(dsa: Ref(position), now: TestForest.now)
    }

    @Test(arguments: seeds) func `every tree is a forest over the sites that hold something`(seed: UInt64) {
        let snapshot = RandomForest(seed: seed).forest.snapshot
        for position in snapshot.dsas.indices {
            for tree in KCC.plan(snapshot, input(snapshot, position)).trees {
                let coloured = tree.colours.count { $0 != .white }
                #expect(tree.edges.count == coloured - tree.componentCount, "seed \(seed)")
                var parents = Array(snapshot.sites.indices)
                func root(_ site: Int) -> Int { parents[site] == site ? site : root(parents[site]) }
                for edge in tree.edges {
                    #expect(tree.colours[edge.first.position] != .white)
                    #expect(tree.colours[edge.second.position] != .white)
                    let ends = (root(edge.first.position), root(edge.second.position))
                    #expect(ends.0 != ends.1, "seed \(seed): a cycle")
                    parents[ends.0] = ends.1
                }
            }
        }
    }

    @Test(arguments: seeds) func `every DSA computes the same trees`(seed: UInt64) {
        let snapshot = RandomForest(seed: seed).forest.snapshot
        var known: [Ref<NamingContextView>: ([TreeEdge], [TreeFlow])] = [:]
        for position in snapshot.dsas.indices {
            for tree in KCC.plan(snapshot, input(snapshot, position)).trees {
                for context in tree.namingContexts {
                    if let (edges, flows) = known[context] {
                        #expect(edges == tree.edges, "seed \(seed)")
                        #expect(flows == tree.flows, "seed \(seed)")
                    } else {
                        known[context] = (tree.edges, tree.flows)
                    }
                }
            }
        }
    }

    @Test(arguments: seeds) func `the order of the objects says nothing`(seed: UInt64) {
        let forest = RandomForest(seed: seed).forest
        var random = SeededRandom(seed: seed)
        let snapshots = [forest.topologyObjects, forest.topologyObjects.shuffled(using: &random)]
            .map { TopologySnapshot($0) }
        for position in snapshots[0].dsas.indices {
            let texts = snapshots.map { snapshot in
                PlanText(snapshot, KCC.plan(snapshot, input(snapshot, position)))
                    .lines(for: Ref(position), at: TestForest.now, explains: true)
            }
            #expect(texts[0] == texts[1], "seed \(seed)")
        }
    }

    @Test(arguments: seeds) func `changes reach every replica of a part that the trees connect`(seed: UInt64)
    {
        var drawn = RandomForest(seed: seed)
        let plans = drawn.forest.planEverywhere()
        expectDelivery(drawn.forest.snapshot, plans, away: [], "seed \(seed)")
    }

    @Test(arguments: seeds) func `without any one DSA changes still reach the others`(seed: UInt64) {
        // What was planned before the loss stays; what is planned after it goes round.
        var before = RandomForest(seed: seed)
        before.forest.planEverywhere()
        for lost in before.servers.prefix(4) {
            var drawn = before
            let plans = drawn.forest.planEverywhere(away: [lost.guid])
            expectDelivery(
                drawn.forest.snapshot,
                plans,
                away: [lost.guid],
                "seed \(seed) without \(lost.name)"
            )
        }
    }

    /// Wherever the trees lead, a change arrives; full replicas of what is in one tree all hear of each other.
    private func expectDelivery(
        _ snapshot: TopologySnapshot,
        _ plans: [GUID: Plan],
        away: Set<GUID>,
        _ what: String
    ) {
        for position in snapshot.namingContexts.indices {
            let context = Ref<NamingContextView>(position)
            let edges = RandomForest.edges(of: context, in: snapshot).filter {
                !away.contains(snapshot[$0.0].guid) && !away.contains(snapshot[$0.1].guid)
            }
            let holders = snapshot.dsas.indices.map { Ref<DirectorySystemAgent>($0) }
                .filter { snapshot[$0].replica(of: context) != nil && !away.contains(snapshot[$0].guid) }
            guard
                let tree = plans.values.flatMap(\.trees).first(where: { $0.namingContexts.contains(context) })
            else { continue }
            for origin in holders where snapshot[origin].replica(of: context)?.isFull == true {
                let reached = RandomForest.reached(from: origin, over: edges)
                // Where red sites are joined without black ones between, everybody hears of every full replica.
                let sites =
                    isWhole(tree)
                    ? Set(snapshot.sites.indices.map { Ref($0) })
                    : sitesReached(from: snapshot[origin].site, tree)
                for holder in holders where sites.contains(snapshot[holder].site) {
                    #expect(
                        reached.contains(holder),
                        """
                        \(what): \(snapshot[context].name) of \(snapshot.name(of: origin)) does not reach \
                        \(snapshot.name(of: holder))
                        """
                    )
                }
            }
        }
    }

    private func isWhole(_ tree: PlannedTree) -> Bool {
        let redRed = tree.edges.count {
            tree.colours[$0.first.position] == .red && tree.colours[$0.second.position] == .red
        }
        return tree.componentCount == 1 && tree.colours.count { $0 == .red } - redRed == 1
    }

    /// Over the tree's edges in the direction of their flow.
    private func sitesReached(from site: Ref<Site>, _ tree: PlannedTree) -> Set<Ref<Site>> {
        var reached: Set = [site]
        var queue = [site]
        while let next = queue.popLast() {
            for (edge, flow) in zip(tree.edges, tree.flows)
            where (edge.first == next && flow != .toFirst) || (edge.second == next && flow != .toSecond) {
                if reached.insert(edge.other(than: next)).inserted { queue.append(edge.other(than: next)) }
            }
        }
        return reached
    }

    @Test(arguments: seeds) func `a second run changes nothing`(seed: UInt64) {
        var drawn = RandomForest(seed: seed)
        drawn.forest.planEverywhere()
        let count = drawn.forest.objects.count
        let plans = drawn.forest.planEverywhere()
        for plan in plans.values {
            #expect(plan.isUnchanged, "seed \(seed)")
            #expect(plan.removals.isEmpty, "seed \(seed)")
        }
        #expect(drawn.forest.objects.count == count, "seed \(seed)")
    }

    @Test(arguments: seeds)
    func `mail never carries a domain between full replicas, and nothing inside a site`(
        seed: UInt64
    ) {
        var drawn = RandomForest(seed: seed)
        let plans = drawn.forest.planEverywhere()
        let snapshot = drawn.forest.snapshot
        for (guid, plan) in plans {
            guard let dsa = snapshot.dsa(guid) else { continue }
            for source in plan.sources where source.mailTransport != nil {
                let view = snapshot[source.namingContext]
                let isFull = snapshot[dsa].replica(of: source.namingContext)?.isFull == true
                #expect(!isFull || view.kind != .domain || view.allowsReplicasOverMail, "seed \(seed)")
                #expect(snapshot[source.source].site != snapshot[dsa].site, "seed \(seed)")
            }
            for source in plan.sources {
                let held = snapshot[source.source].replica(of: source.namingContext)
                let wanted = snapshot[dsa].replica(of: source.namingContext)
                #expect(held?.isFull == true || wanted?.isFull == false, "seed \(seed): full from partial")
            }
        }
    }

    /// The configuration is everywhere in full, so that it shows who can be joined at all.
    @Test(arguments: seeds) func `no site is alone that a link could join`(seed: UInt64) throws {
        let drawn = RandomForest(seed: seed, schedules: false, bridged: true)
        let snapshot = drawn.forest.snapshot
        guard !snapshot.dsas.isEmpty else { return }
        let tree = try #require(configurationTree(snapshot))
        // Sites joined by links of one transport, then with each other where they hold a bridgehead for it.
        var parts = snapshot.sites.indices.map { Set([$0]) }
        func merge(_ sites: Set<Int>) {
            let touched = parts.filter { !$0.isDisjoint(with: sites) }
            parts.removeAll { !$0.isDisjoint(with: sites) }
            parts.append(touched.reduce(sites) { $0.union($1) })
        }
        for (position, transport) in snapshot.transports.enumerated() {
            var linked = snapshot.links.filter { $0.transport == Ref(position) && $0.sites.count > 1 }
                .map { Set($0.sites.map(\.position)) }
            var isMerged = true
            while isMerged {
                isMerged = false
                for (i, j) in linked.indices.flatMap({ i in linked.indices.filter { $0 > i }.map { (i, $0) } }
                )
                where !linked[i].isDisjoint(with: linked[j]) {
                    linked[i].formUnion(linked[j])
                    linked.remove(at: j)
                    isMerged = true
                    break
                }
            }
            for group in linked {
                let usable = group.filter { site in
                    snapshot.dsas.contains {
                        $0.site == Ref(site)
                            && (transport.isIP || snapshot[$0.server].mailAddress != nil)
                    }
                }
                if usable.count > 1 { merge(usable) }
            }
        }
        let populated = Set(snapshot.dsas.map(\.site.position))
        let expected = parts.filter { !$0.isDisjoint(with: populated) }.count
        #expect(tree.componentCount == expected, "seed \(seed)")
    }

    @Test(arguments: seeds) func `the tree costs no more than one over all shortest paths`(seed: UInt64)
        throws
    {
        let drawn = RandomForest(seed: seed, schedules: false, bridged: true, ipOnly: true)
        let snapshot = drawn.forest.snapshot
        guard !snapshot.dsas.isEmpty else { return }
        let tree = try #require(configurationTree(snapshot))
        // Every pair's distance, then the cheapest edges that join two parts.
        let count = snapshot.sites.count
        var distance = [[Int]](repeating: [Int](repeating: .max / 4, count: count), count: count)
        for link in snapshot.links {
            for a in link.sites {
                for b in link.sites where a != b {
                    distance[a.position][b.position] = min(distance[a.position][b.position], Int(link.cost))
                }
            }
        }
        for k in 0..<count {
            for i in 0..<count {
                for j in 0..<count {
                    distance[i][j] = min(distance[i][j], distance[i][k] + distance[k][j])
                }
            }
        }
        let populated = Array(Set(snapshot.dsas.map(\.site.position)))
        var part = Dictionary(uniqueKeysWithValues: populated.map { ($0, $0) })
        let pairs = populated.flatMap { a in populated.filter { $0 > a }.map { (distance[a][$0], a, $0) } }
        var cost = 0
        for (length, a, b) in pairs.sorted(by: <) where length < .max / 4 && part[a] != part[b] {
            cost += length
            let gone = part[b]
            for (site, root) in part where root == gone { part[site] = part[a] }
        }
        #expect(tree.edges.reduce(0) { $0 + Int($1.info.cost) } == cost, "seed \(seed)")
    }

    private func configurationTree(_ snapshot: TopologySnapshot) -> PlannedTree? {
        let plan = KCC.plan(snapshot, input(snapshot, 0))
        return plan.trees.first { tree in
            tree.namingContexts.contains { snapshot[$0].kind == .configuration }
        }
    }

    @Test(arguments: seeds) func `a tree edge's way is the sum of its links`(seed: UInt64) {
        let snapshot = RandomForest(seed: seed).forest.snapshot
        for position in snapshot.dsas.indices {
            for edge in KCC.plan(snapshot, input(snapshot, position)).trees.flatMap(\.edges) {
                let links = edge.links.map { snapshot[$0] }
                let ignores = snapshot[edge.transport].options.contains(.ignoreSchedules)
                #expect(edge.info.cost == links.reduce(0) { $0 + $1.cost }, "seed \(seed)")
                #expect(edge.info.intervalMinutes == links.map(\.intervalMinutes).max(), "seed \(seed)")
                let options = links.reduce(UInt32.max) { $0 & $1.options.rawValue }
                #expect(edge.info.options.rawValue == options, "seed \(seed)")
                let open = links.reduce(Schedule.always) { $0.intersection(ignores ? .always : $1.schedule) }
                #expect(edge.info.schedule == open, "seed \(seed)")
                #expect(!open.isNever, "seed \(seed)")
                #expect(
                    links.allSatisfy { $0.transport == edge.transport },
                    "seed \(seed): transports are mixed"
                )
                // One after the other they lead from one end to the other.
                var ends: Set<Ref<Site>> = [edge.first]
                for link in links {
                    #expect(!ends.isDisjoint(with: link.sites), "seed \(seed): the way is broken")
                    ends = Set(link.sites)
                }
                #expect(ends.contains(edge.second), "seed \(seed): the way leads elsewhere")
            }
        }
    }

    @Test func `nobody on a ring is more than three hops away`() {
        for size in Array(1...17) + [27, 28, 43, 44] {
            var forest = TestForest(seed: UInt64(size))
            forest.domain("d")
            forest.site("S")
            for number in 0..<size { forest.server("DC\(number)", in: "S", domain: "d") }
            forest.planEverywhere()
            let snapshot = forest.snapshot
            let context = Ref<NamingContextView>(0)
            let edges = RandomForest.edges(of: context, in: snapshot)
            for origin in snapshot.dsas.indices {
                var reached: Set = [Ref<DirectorySystemAgent>(origin)]
                for _ in 0..<3 {
                    reached.formUnion(edges.filter { reached.contains($0.0) }.map(\.1))
                }
                #expect(reached.count == size, "a ring of \(size)")
            }
        }
    }
}
