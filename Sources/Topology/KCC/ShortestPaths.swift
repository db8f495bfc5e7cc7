/// The forest of cheapest paths from coloured sites through one set of links.
///
/// - Source: MS-ADTS section 6.2.2.3.4.4 (Dijkstra, TryNewPath), where a path that no schedule allows is left
///   out: the published text goes on with values that it has not computed.
struct ShortestPaths: Sendable {
    /// By place in the edge set; nil = not reached.
    private(set) var info: [RouteInfo?]
    /// The place of the site that the path comes from; -1 = not reached.
    private(set) var root: [Int32]
    /// The link over which, and the place from which, the path arrives; -1 at roots.
    private(set) var viaEdge: [Int32]
    private(set) var viaPlace: [Int32]

    /// Roots are told by their place in the set.
    init(_ set: SiteGraph.EdgeSet, of graph: SiteGraph, roots isRoot: (Int) -> Bool) {
        let count = set.vertices.count
        info = Array(repeating: nil, count: count)
        root = Array(repeating: -1, count: count)
        viaEdge = root
        viaPlace = root
        var queue = MinHeap<UInt32>()
        for place in 0..<count where isRoot(place) {
            info[place] = .origin
            root[place] = Int32(place)
            queue.push(0, place)
        }
        // The best that each link has passed on: cost, then open time.
        var passed = [(cost: UInt32, open: Int)](repeating: (.max, -1), count: set.edges.count)
        var isSettled = [Bool](repeating: false, count: count)
        while let (_, place) = queue.pop() {
            guard !isSettled[place], let from = info[place] else { continue }
            isSettled[place] = true
            for member in set.incident[place] {
                let (edge, ends) = set.edges[member]
                guard let candidate = from.combined(with: graph.edges[edge].info) else { continue }
                // Vertices leave the queue by rising cost. What a link has passed on at no more cost and with no
                // less open time, all its ends have or better: a link of many ends is walked once, not once an end.
                let open = candidate.schedule.openQuarters
                let best = passed[member]
                guard candidate.cost < best.cost || candidate.cost == best.cost && open > best.open else {
                    continue
                }
                passed[member] = (candidate.cost, open)
                for end in ends where isBetter(candidate, at: end) {
                    info[end] = candidate
                    root[end] = root[place]
                    viaEdge[end] = Int32(edge)
                    viaPlace[end] = Int32(place)
                    queue.push(candidate.cost, end)
                }
            }
        }
    }

    /// Cheaper, or open longer at the same cost.
    private func isBetter(_ candidate: RouteInfo, at place: Int) -> Bool {
        guard let known = info[place] else { return true }
        if candidate.cost != known.cost { return candidate.cost < known.cost }
        return candidate.schedule.openQuarters > known.schedule.openQuarters
    }

    /// The links from the root to a place, from there backwards.
    func links(to place: Int) -> [Int] {
        var links: [Int] = []
        var place = place
        while viaEdge[place] >= 0 {
            links.append(Int(viaEdge[place]))
            place = Int(viaPlace[place])
        }
        return links
    }
}
