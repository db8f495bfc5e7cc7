/// The edge of a tree: two sites, the transport and the way between them.
package struct TreeEdge: Hashable, Sendable {
    /// The one with the lower objectGUID.
    package let first: Ref<Site>
    package let second: Ref<Site>
    package let transport: Ref<InterSiteTransport>
    package let info: RouteInfo
    /// The site links that it runs over, in either direction.
    package let links: [Ref<SiteLink>]

    package func other(than site: Ref<Site>) -> Ref<Site> { first == site ? second : first }
}

/// Trees of least cost over the coloured sites, one for each component.
///
/// - Source: MS-ADTS section 6.2.2.3.4.4; `docs/topology.md` lists where the published text is read otherwise.
struct SpanningForest: Sendable {
    let edges: [TreeEdge]
    /// By site: places in `edges`.
    private let incident: [[Int32]]
    /// By site: its component, any number; -1 for white sites.
    let component: [Int32]
    let componentCount: Int

    init(_ graph: SiteGraph, _ colouring: SiteColouring) {
        var finder = InternalEdges(graph, colouring)
        finder.find()
        // With the published ties first; the rest only makes the order total.
        let candidates = finder.edges.sorted { $0.precedes($1) }
        var components = UnionFind(count: graph.vertexCount)
        var chosen: [TreeEdge] = []
        var incident = [[Int32]](repeating: [], count: graph.vertexCount)
        // A tree over n vertices has n - 1 edges; the published count takes white vertices for black ones.
        let expected = max(0, colouring.colouredCount - 1)
        for candidate in candidates where chosen.count < expected {
            guard components.join(Int(candidate.first), Int(candidate.second)) else { continue }
            incident[Int(candidate.first)].append(Int32(chosen.count))
            incident[Int(candidate.second)].append(Int32(chosen.count))
            chosen.append(finder.treeEdge(candidate))
        }
        edges = chosen
        self.incident = incident
        let coloured = (0..<graph.vertexCount).filter(colouring.isColoured)
        var component = [Int32](repeating: -1, count: graph.vertexCount)
        for site in coloured { component[site] = Int32(components.root(of: site)) }
        self.component = component
        componentCount = Set(coloured.map { component[$0] }).count
    }

    func edges(of site: Ref<Site>) -> [TreeEdge] { incident[site.position].map { edges[Int($0)] } }

    /// Edges from each site to the nearest red one; nil where no tree leads to any.
    func distancesToRed(_ colouring: SiteColouring) -> [Int32?] {
        var distances = [Int32?](repeating: nil, count: incident.count)
        var queue = (0..<incident.count).filter(colouring.isRed)
        for site in queue { distances[site] = 0 }
        var next = 0
        while next < queue.count {
            let site = queue[next]
            next += 1
            for place in incident[site] {
                let other = edges[Int(place)].other(than: Ref(site)).position
                if distances[other] == nil {
                    distances[other] = (distances[site] ?? 0) + 1
                    queue.append(other)
                }
            }
        }
        return distances
    }
}

/// A shortest path between two coloured sites, a candidate for the tree.
private struct InternalEdge {
    let first: Int32
    let second: Int32
    let isRedRed: Bool
    let info: RouteInfo
    let transport: Int32
    /// Which link joins the two paths.
    let edge: Int32
    /// Which run of shortest paths; -1 = the link alone.
    let run: Int32
    /// The link's ends, by place in the run's set.
    let firstEnd: Int32
    let secondEnd: Int32

    /// Red-red before others, cheaper before dearer, open longer before shorter, then objectGUIDs.
    func precedes(_ other: InternalEdge) -> Bool {
        if isRedRed != other.isRedRed { return isRedRed }
        if info.cost != other.info.cost { return info.cost < other.info.cost }
        let (open, otherOpen) = (info.schedule.openQuarters, other.info.schedule.openQuarters)
        if open != otherOpen { return open > otherOpen }
        return (first, second, transport, edge, run, firstEnd)
            < (other.first, other.second, other.transport, other.edge, other.run, other.firstEnd)
    }
}

/// Finds the shortest paths between neighbouring coloured sites.
private struct InternalEdges {
    private let graph: SiteGraph
    private let colouring: SiteColouring
    private var runs: [(paths: ShortestPaths, set: Int)] = []
    private(set) var edges: [InternalEdge] = []

    init(_ graph: SiteGraph, _ colouring: SiteColouring) {
        (self.graph, self.colouring) = (graph, colouring)
    }

    mutating func find() {
        for (position, set) in graph.edgeSets.enumerated() {
            let accepts = set.vertices.map { colouring.acceptsAny($0, set.transport) }
            // From red sites first, so that full replicas are joined past the partial ones between them.
            let colours = colouring
            if colours.redCount > 1 {
                run(position) { accepts[$0] && colours.isRed(set.vertices[$0]) }
            }
            run(position) { accepts[$0] && colours.isColoured(set.vertices[$0]) }
        }
        for edge in graph.edges.indices { addAlone(edge) }
    }

    private mutating func run(_ position: Int, roots: (Int) -> Bool) {
        let set = graph.edgeSets[position]
        let paths = ShortestPaths(set, of: graph, roots: roots)
        let run = Int32(runs.count)
        runs.append((paths, position))
        for (edge, places) in set.edges {
            // Every tree that the link touches is joined with the best one, not each with each.
            let reached = places.filter { paths.root[$0] >= 0 }
            guard reached.count > 1, let best = reached.min(by: { isBetter($0, $1, set, paths) }) else {
                continue
            }
            for place in reached where paths.root[place] != paths.root[best] {
                add(edge, run, (best, place), set, paths)
            }
        }
    }

    /// Red before black before white; then cheaper; then by objectGUID.
    private func isBetter(_ left: Int, _ right: Int, _ set: SiteGraph.EdgeSet, _ paths: ShortestPaths) -> Bool
    {
        let colours = (
            colouring.colour(set.vertices[left]).rawValue, colouring.colour(set.vertices[right]).rawValue
        )
        if colours.0 != colours.1 { return colours.0 > colours.1 }
        let costs = (paths.info[left]?.cost ?? .max, paths.info[right]?.cost ?? .max)
        return costs.0 != costs.1 ? costs.0 < costs.1 : left < right
    }

    private mutating func add(
        _ edge: Int,
        _ run: Int32,
        _ ends: (Int, Int),
        _ set: SiteGraph.EdgeSet,
        _ paths: ShortestPaths
    ) {
        let roots = (
            set.vertices[Int(paths.root[ends.0])], set.vertices[Int(paths.root[ends.1])]
        )
        guard let isRedRed = kind(roots, set.transport), let one = paths.info[ends.0],
            let other = paths.info[ends.1],
            let info = one.combined(with: other)?.combined(with: graph.edges[edge].info)
        else { return }
        append(edge, run, roots, ends, isRedRed, info)
    }

    /// A link by itself, between coloured sites that it joins: what holds without any bridge.
    private mutating func addAlone(_ edge: Int) {
        let transport = graph.edges[edge].transport
        let ends = graph.edges[edge].vertices.filter {
            colouring.isColoured($0) && colouring.acceptsAny($0, transport)
        }
        guard let best = ends.first(where: colouring.isRed) ?? ends.first else { return }
        for end in ends where end != best {
            guard let isRedRed = kind((best, end), transport) else { continue }
            append(edge, -1, (best, end), (best, end), isRedRed, graph.edges[edge].info)
        }
    }

    /// Whether the edge joins two red sites; nil if one of its ends does not take it.
    private func kind(_ roots: (Int, Int), _ transport: Ref<InterSiteTransport>) -> Bool? {
        let isRedRed = colouring.isRed(roots.0) && colouring.isRed(roots.1)
        let accepts = isRedRed ? colouring.acceptsRedRed : colouring.acceptsBlack
        return accepts(roots.0, transport) && accepts(roots.1, transport) ? isRedRed : nil
    }

    private mutating func append(
        _ edge: Int,
        _ run: Int32,
        _ roots: (Int, Int),
        _ ends: (Int, Int),
        _ isRedRed: Bool,
        _ info: RouteInfo
    ) {
        let isAscending = roots.0 < roots.1
        edges.append(
            InternalEdge(
                first: Int32(isAscending ? roots.0 : roots.1),
                second: Int32(isAscending ? roots.1 : roots.0),
                isRedRed: isRedRed,
                info: info,
                transport: Int32(graph.edges[edge].transport.position),
                edge: Int32(edge),
                run: run,
                firstEnd: Int32(isAscending ? ends.0 : ends.1),
                secondEnd: Int32(isAscending ? ends.1 : ends.0)
            )
        )
    }

    func treeEdge(_ edge: InternalEdge) -> TreeEdge {
        var passed = [Int(edge.edge)]
        if edge.run >= 0 {
            let paths = runs[Int(edge.run)].paths
            passed =
                paths.links(to: Int(edge.firstEnd)).reversed() + passed
                + paths.links(to: Int(edge.secondEnd))
        }
        return TreeEdge(
            first: Ref(Int(edge.first)),
            second: Ref(Int(edge.second)),
            transport: Ref(Int(edge.transport)),
            info: edge.info,
            links: passed.map { graph.edges[$0].link }
        )
    }
}

private struct UnionFind {
    private var parents: [Int32]

    init(count: Int) { parents = (0..<Int32(count)).map { $0 } }

    mutating func root(of vertex: Int) -> Int {
        var vertex = vertex
        while Int(parents[vertex]) != vertex {
            parents[vertex] = parents[Int(parents[vertex])]
            vertex = Int(parents[vertex])
        }
        return vertex
    }

    /// The root with the lower place stays; false when both were in one component.
    mutating func join(_ left: Int, _ right: Int) -> Bool {
        let roots = (root(of: left), root(of: right))
        guard roots.0 != roots.1 else { return false }
        parents[max(roots.0, roots.1)] = Int32(min(roots.0, roots.1))
        return true
    }
}
