import Identifiers

/// The connections of a site from other sites, over one tree for each naming context.
///
/// - Source: MS-ADTS section 6.2.2.3.4.
struct IntersitePlanner {
    let snapshot: TopologySnapshot
    let input: KCCInput
    let ownSite: Ref<Site>
    let graph: SiteGraph
    let holders: Holders
    let bridgeheads: Bridgeheads
    let health: Health
    let noFailures: Health
    var book: ConnectionBook
    private(set) var isWhole = true
    /// Of the naming contexts that the site holds, in the order of planning.
    private(set) var outcomes: [Outcome] = []
    private var forests: [SiteColouring: SpanningForest] = [:]

    /// What became of a naming context.
    struct Outcome {
        let context: Ref<NamingContextView>
        let colouring: SiteColouring
        let forest: SpanningForest
        let distances: [Int32?]
        /// Groups of red sites that only black ones join, if anything does: between them full replicas do not meet.
        var redParts: Int {
            let isRedRed = { (edge: TreeEdge) in
                colouring.isRed(edge.first.position) && colouring.isRed(edge.second.position)
            }
            return colouring.redCount - forest.edges.count(where: isRedRed)
        }
        var isConnected: Bool { forest.componentCount <= 1 && redParts <= 1 }
        /// Edges that end here and have no bridgehead at one end.
        var unmet: [TreeEdge] = []
    }

    init(_ snapshot: TopologySnapshot, _ input: KCCInput, _ book: ConnectionBook) {
        self.snapshot = snapshot
        self.input = input
        self.book = book
        ownSite = snapshot[input.dsa].site
        graph = SiteGraph(snapshot)
        holders = Holders(snapshot)
        bridgeheads = Bridgeheads(snapshot, holders, seed: input.seed)
        let isDetecting = !snapshot[ownSite].settings.options.contains(.staleDetectionDisabled)
        health = Health(snapshot, input, isDetecting: isDetecting)
        noFailures = Health(snapshot, input, isDetecting: false)
    }

    /// Domains first: they find the fewest bridgeheads, and the others use what is there.
    static func order(_ snapshot: TopologySnapshot) -> [Ref<NamingContextView>] {
        let rank: (NamingContextView.Kind) -> Int = { kind in
            switch kind {
            case .domain: 0
            case .application: 1
            case .configuration: 2
            case .schema: 3
            }
        }
        return snapshot.namingContexts.indices.map { Ref($0) }.sorted {
            (rank(snapshot[$0].kind), $0) < (rank(snapshot[$1].kind), $1)
        }
    }

    mutating func plan() {
        for context in Self.order(snapshot) where !holders.holders(of: context, in: ownSite).isEmpty {
            let (colouring, foundFailed) = colours(of: context, health)
            let isConnected = connect(context, colouring, health, isIdeal: false)
            guard !isConnected else { continue }
            isWhole = false
            // A bridgehead that has failed keeps the best tree from being made; it is made as well.
            if foundFailed {
                let (ideal, _) = colours(of: context, noFailures)
                _ = connect(context, ideal, noFailures, isIdeal: true)
            }
        }
        // What was added for one naming context may serve those before it, too: by their reasons it shows which
        // connections can be spared, now and not in the next run.
        guard book.connections.contains(where: { $0.existing == nil }) else { return }
        for outcome in outcomes {
            for edge in outcome.forest.edges(of: ownSite) where Self.leads(edge, to: ownSite, outcome) {
                _ = connect(edge, outcome.context, outcome.colouring, health, isIdeal: false)
            }
        }
    }

    /// - Returns: the colours, and whether a failed DSA left a site without bridgehead.
    func colours(of context: Ref<NamingContextView>, _ health: Health) -> (SiteColouring, Bool) {
        var colouring = SiteColouring(siteCount: graph.vertexCount)
        var foundFailed = false
        let view = snapshot[context]
        let ip = snapshot.ipTransport.map { UInt32(1) << UInt32($0.position) } ?? 0
        for site in holders.sites(of: context) {
            let held = holders.holders(of: context, in: Ref(site))
            let isRed = held.contains(where: \.isFull)
            let (healthy, all) = bridgeheads.transports(held, partialOkay: !isRed, health)
            let linked = graph.linkedTransports[site]
            if healthy & linked != all & linked { foundFailed = true }
            let transports = healthy & linked
            colouring.set(
                site,
                isRed ? .red : .black,
                transports: transports,
                redRed: view.mayJoinFullReplicasOverMail ? transports : transports & ip
            )
        }
        return (colouring, foundFailed)
    }

    mutating func forest(_ colouring: SiteColouring) -> SpanningForest {
        let key = colouring.forTree(of: graph)
        if let known = forests[key] { return known }
        let forest = SpanningForest(graph, key)
        forests[key] = forest
        return forest
    }

    /// - Returns: whether all sites that hold something are connected.
    private mutating func connect(
        _ context: Ref<NamingContextView>,
        _ colouring: SiteColouring,
        _ health: Health,
        isIdeal: Bool
    ) -> Bool {
        let forest = forest(colouring)
        var outcome = Outcome(
            context: context,
            colouring: colouring,
            forest: forest,
            distances: forest.distancesToRed(colouring)
        )
        for edge in forest.edges(of: ownSite) where Self.leads(edge, to: ownSite, outcome) {
            if !connect(edge, context, colouring, health, isIdeal: isIdeal) { outcome.unmet.append(edge) }
        }
        // An edge that cannot be made yet leaves what was there before needed.
        if !outcome.unmet.isEmpty { isWhole = false }
        if !isIdeal { outcomes.append(outcome) }
        return outcome.isConnected
    }

    static func leads(_ edge: TreeEdge, to site: Ref<Site>, _ outcome: Outcome) -> Bool {
        switch flow(edge, outcome) {
        case .both: true
        case .toFirst: edge.first == site
        case .toSecond: edge.second == site
        }
    }

    /// Edges with a black end lead away from red; all others both ways.
    static func flow(_ edge: TreeEdge, _ outcome: Outcome) -> TreeFlow {
        let (colouring, distances) = (outcome.colouring, outcome.distances)
        let isRedRed = colouring.isRed(edge.first.position) && colouring.isRed(edge.second.position)
        guard !isRedRed, let first = distances[edge.first.position],
            let second = distances[edge.second.position]
        else { return .both }
        // Equal distances lead from the lower objectGUID to the higher.
        return second < first ? .toFirst : .toSecond
    }

    /// - Returns: whether both ends have a bridgehead.
    private mutating func connect(
        _ edge: TreeEdge,
        _ context: Ref<NamingContextView>,
        _ colouring: SiteColouring,
        _ health: Health,
        isIdeal: Bool
    ) -> Bool {
        let partialOkay = !colouring.isRed(ownSite.position)
        let other = edge.other(than: ownSite)
        let schedule = edge.info.schedule.slots(everyMinutes: edge.info.intervalMinutes)
        let options = ConnectionOptions(generatedFor: edge.info.options)
        let reason = isIdeal ? ConnectionReason.treeWithoutFailures(context, edge) : .tree(context, edge)
        let ends = { [bridgeheads, ownSite] (site: Ref<Site>, health: Health?) in
            bridgeheads.candidates(
                in: site,
                for: context,
                over: edge.transport,
                partialOkay: partialOkay,
                isRemote: site != ownSite,
                health
            )
        }
        let (locals, remotes) = (ends(ownSite, nil), Set(ends(other, nil)))
        var isServed = false
        for position in book.positions(to: locals, from: other) where remotes.contains(book[position].source)
        {
            let connection = book[position]
            let transport = connection.transport ?? snapshot.ipTransport
            guard connection.isManual || transport == edge.transport else { continue }
            book.adjust(position, schedule: schedule, options: options)
            // A manual connection over another transport may carry less than the edge is for.
            guard
                Translation(snapshot: snapshot).carries(
                    context,
                    from: connection.source,
                    to: connection.destination,
                    over: transport
                )
            else { continue }
            let isFailed = [connection.source, connection.destination].contains {
                health.isFailed($0, on: edge.transport)
            }
            book.keep(position, for: isFailed ? nil : reason)
            if !isFailed { isServed = true }
        }
        guard !isServed else { return true }
        guard let local = ends(ownSite, health).first, let remote = ends(other, health).first else {
            return false
        }
        book.add(
            to: local,
            from: remote,
            over: edge.transport,
            options: options,
            schedule: schedule,
            for: reason
        )
        return true
    }
}
