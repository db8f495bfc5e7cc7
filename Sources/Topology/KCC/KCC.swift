import Identifiers

/// The Knowledge Consistency Checker: which connections a DSA wants, and why.
///
/// A function of its arguments. Every DSA that has the same configuration and knows of no failures computes the
/// same trees; each makes its own part of them.
/// - Source: MS-ADTS section 6.2.2.
package enum KCC {
    package static func plan(_ snapshot: TopologySnapshot, _ input: KCCInput) -> Plan {
        let election = GeneratorElection(snapshot, input)
        var plan = Plan(election: election, isGenerator: election.generator == input.dsa)
        let site = snapshot[input.dsa].site
        let settings = snapshot[site].settings
        guard !snapshot[input.dsa].isDisabled else {
            plan.absences = [Absence(reason: .selfDisabled)]
            return plan
        }
        var destinations: Set = [input.dsa]
        if plan.isGenerator {
            destinations.formUnion(
                snapshot.dsas.indices.filter { snapshot.dsas[$0].site == site }.map { Ref($0) }
            )
        }
        var book = ConnectionBook(snapshot, of: destinations)
        if settings.options.contains(.autoTopologyDisabled) {
            plan.absences.append(Absence(site: site, reason: .turnedOff))
        } else {
            planWithinSite(snapshot, input, &book)
        }
        var isIntersitePlanned = false
        if settings.options.contains(.intersiteAutoTopologyDisabled) {
            plan.absences.append(Absence(reason: .turnedOff))
        } else if !plan.isGenerator {
            plan.absences.append(Absence(reason: .notGenerator(election.generator)))
        } else {
            var planner = IntersitePlanner(snapshot, input, book)
            planner.plan()
            book = planner.book
            isIntersitePlanned = true
            plan.isWhole = planner.isWhole
            plan.trees = trees(planner)
            plan.findings = planner.findings()
            if input.wantsAbsences { plan.absences += planner.absences() }
        }
        let cleaning = Cleaning(snapshot, input, plan.isWhole, isIntersitePlanned: isIntersitePlanned)
        let (removals, withheld, left) = cleaning.removals(among: book.connections)
        plan.removals = removals
        plan.absences += withheld
        plan.connections = left
        plan.sources = Translation(snapshot: snapshot).sources(of: input.dsa, over: left)
        plan.findings.sort()
        return plan
    }

    private static func planWithinSite(
        _ snapshot: TopologySnapshot,
        _ input: KCCInput,
        _ book: inout ConnectionBook
    ) {
        let site = snapshot[input.dsa].site
        let inside = book.positions(to: [input.dsa], from: site)
        var planner = IntrasitePlanner(snapshot, input.dsa)
        planner.plan(
            existing: Set(inside.map { book[$0].source }),
            Health(snapshot, input, isDetecting: true, isWithinSite: true)
        )
        for source in planner.reasons.keys.sorted() {
            let reasons = planner.reasons[source] ?? []
            let there = inside.filter { book[$0].source == source }
            for position in there {
                for reason in reasons { book.keep(position, for: reason) }
                book.clearTransport(position)
            }
            guard there.isEmpty, let first = reasons.first else { continue }
            book.add(
                to: input.dsa,
                from: source,
                over: nil,
                options: .isGenerated,
                schedule: snapshot[site].settings.schedule,
                for: first
            )
            for reason in reasons { book.keep(book.connections.count - 1, for: reason) }
        }
    }

    /// One for each tree that differs, in the order of planning.
    private static func trees(_ planner: IntersitePlanner) -> [PlannedTree] {
        var places: [SiteColouring: Int] = [:]
        var trees: [PlannedTree] = []
        for outcome in planner.outcomes {
            if let place = places[outcome.colouring] {
                let tree = trees[place]
                trees[place] = PlannedTree(
                    namingContexts: tree.namingContexts + [outcome.context],
                    edges: tree.edges,
                    flows: tree.flows,
                    componentCount: tree.componentCount,
                    colours: tree.colours
                )
            } else {
                places[outcome.colouring] = trees.count
                trees.append(
                    PlannedTree(
                        namingContexts: [outcome.context],
                        edges: outcome.forest.edges,
                        flows: outcome.forest.edges.map { IntersitePlanner.flow($0, outcome) },
                        componentCount: outcome.forest.componentCount,
                        colours: planner.snapshot.sites.indices.map(outcome.colouring.colour)
                    )
                )
            }
        }
        return trees
    }
}
