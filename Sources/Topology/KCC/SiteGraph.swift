/// Sites and links as a graph: what does not depend on a naming context, made once per plan.
///
/// A link of more than two sites joins all of them, each with each, but is never taken apart into pairs.
/// - Source: MS-ADTS section 6.2.2.3.4.3.
struct SiteGraph: Sendable {
    /// A usable link: two sites or more, and sometimes open.
    struct Edge: Sendable {
        let link: Ref<SiteLink>
        let transport: Ref<InterSiteTransport>
        /// Positions of sites, ascending.
        let vertices: [Int]
        let info: RouteInfo
    }

    /// Links that can be passed one after the other: all of a transport, or those of a bridge.
    struct EdgeSet: Sendable {
        let transport: Ref<InterSiteTransport>
        /// Positions of sites, ascending; the run of shortest paths knows them by their place here.
        let vertices: [Int]
        /// Positions of edges, with their vertices by place.
        let edges: [(edge: Int, places: [Int])]
        /// For each vertex, by place: places in `edges`.
        let incident: [[Int]]
    }

    let vertexCount: Int
    /// In the order of the links' objectGUIDs.
    let edges: [Edge]
    let edgeSets: [EdgeSet]
    /// For each site, bit t: it stands on a usable link of transport t.
    let linkedTransports: [UInt32]
    let joinsOnlyPairs: Bool

    init(_ snapshot: TopologySnapshot) {
        vertexCount = snapshot.sites.count
        var edges: [Edge] = []
        var linked = [UInt32](repeating: 0, count: vertexCount)
        var byLink: [Ref<SiteLink>: Int] = [:]
        for (position, link) in snapshot.links.enumerated() where link.sites.count > 1 {
            let ignores = snapshot[link.transport].options.contains(.ignoreSchedules)
            let info = RouteInfo(link, ignoringSchedule: ignores)
            guard !info.schedule.isNever else { continue }
            byLink[Ref(position)] = edges.count
            let vertices = link.sites.map(\.position)
            for vertex in vertices { linked[vertex] |= 1 << UInt32(link.transport.position) }
            edges.append(Edge(link: Ref(position), transport: link.transport, vertices: vertices, info: info))
        }
        self.edges = edges
        linkedTransports = linked
        joinsOnlyPairs = edges.allSatisfy { $0.vertices.count == 2 }
        var sets: [EdgeSet] = []
        for (position, transport) in snapshot.transports.enumerated() {
            let ref = Ref<InterSiteTransport>(position)
            if transport.options.contains(.bridgesRequired) {
                for bridge in snapshot.bridges where bridge.transport == ref {
                    sets.append(Self.edgeSet(bridge.links.compactMap { byLink[$0] }, of: edges, ref))
                }
            } else {
                sets.append(
                    Self.edgeSet(edges.indices.filter { edges[$0].transport == ref }, of: edges, ref)
                )
            }
        }
        edgeSets = sets.filter { !$0.edges.isEmpty }
    }

    private static func edgeSet(
        _ positions: [Int],
        of edges: [Edge],
        _ transport: Ref<InterSiteTransport>
    ) -> EdgeSet {
        let vertices = Set(positions.flatMap { edges[$0].vertices }).sorted()
        let places = Dictionary(uniqueKeysWithValues: vertices.enumerated().map { ($1, $0) })
        var incident = [[Int]](repeating: [], count: vertices.count)
        var members: [(edge: Int, places: [Int])] = []
        for position in positions {
            let ends = edges[position].vertices.compactMap { places[$0] }
            for end in ends { incident[end].append(members.count) }
            members.append((position, ends))
        }
        return EdgeSet(transport: transport, vertices: vertices, edges: members, incident: incident)
    }
}
