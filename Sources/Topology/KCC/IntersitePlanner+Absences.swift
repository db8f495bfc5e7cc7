import Identifiers

// MARK: - What is wrong with the whole

extension IntersitePlanner {
    /// Sites that no tree reaches, and domains whose full replicas only mail could join.
    mutating func findings() -> [Finding] {
        var findings: [Finding] = []
        var seen: Set<SiteColouring> = []
        for outcome in outcomes where !outcome.isConnected && seen.insert(outcome.colouring).inserted {
            // Naming contexts with one colouring have one tree, and one finding.
            let names = outcomes.filter { $0.colouring == outcome.colouring }
                .map { snapshot[$0.context].name }.joined(separator: "; ")
            let own = outcome.forest.component[ownSite.position]
            let apart = outcome.forest.component.indices.filter {
                outcome.forest.component[$0] >= 0 && outcome.forest.component[$0] != own
            }
            let helps = isJoinedByMail(outcome)
            if helps || outcome.forest.componentCount <= 1 {
                let allow = "set replicasOverMail to TRUE on the domain's crossRef: bridgehead object modify"
                findings.append(
                    Finding(
                        .domainSpansMail,
                        .error,
                        subject: names,
                        "full replicas of the domain are in sites that no links of IP join; "
                            + "they fall into \(outcome.redParts) parts that do not replicate with each other",
                        hint: helps ? "link the sites over IP, or \(allow)" : "link the sites over IP"
                    )
                )
            } else {
                findings.append(
                    Finding(
                        .siteUnreachable,
                        .error,
                        subject: names,
                        "\(siteNames(apart)) cannot be reached from \(snapshot[ownSite].name); "
                            + "no connection is removed until then",
                        hint: "add a site link, or look at --explain for the bridgeheads that are missing"
                    )
                )
            }
        }
        return findings
    }

    /// Whether fewer parts would be left if the domain's switch allowed mail.
    private mutating func isJoinedByMail(_ outcome: Outcome) -> Bool {
        guard !snapshot[outcome.context].mayJoinFullReplicasOverMail else { return false }
        var allowed = SiteColouring(siteCount: graph.vertexCount)
        let colouring = outcome.colouring
        for site in 0..<graph.vertexCount where colouring.isColoured(site) {
            let transports = colouring.transports(site)
            allowed.set(site, colouring.colour(site), transports: transports, redRed: transports)
        }
        let forest = forest(allowed)
        let other = Outcome(context: outcome.context, colouring: allowed, forest: forest, distances: [])
        return forest.componentCount < outcome.forest.componentCount || other.redParts < outcome.redParts
    }

    private func siteNames(_ sites: [Int]) -> String {
        let shown = sites.prefix(5).map { snapshot.sites[$0].name }.joined(separator: ", ")
        return sites.count > 5 ? "\(shown) and \(sites.count - 5) more sites" : shown
    }
}

// MARK: - Why something is not there

extension IntersitePlanner {
    /// Links with more sites are not gone through pair by pair.
    private static let explainedSites = 8

    /// For each naming context of the site and each link of it: why no connection comes over it.
    func absences() -> [Absence] {
        var absences: [Absence] = []
        let links = snapshot.links.indices.filter { snapshot.links[$0].sites.contains(ownSite) }
        let usable = Set(graph.edges.map(\.link))
        for outcome in outcomes {
            let ways = Ways(hops: firstHops(outcome), edges: edgesOfOwnSite(outcome), usable: usable)
            for link in links where snapshot.links[link].sites.count <= Self.explainedSites {
                for site in snapshot.links[link].sites where site != ownSite {
                    guard let reason = reason(outcome, Ref(link), site, ways) else { continue }
                    let absence = Absence(
                        namingContext: outcome.context,
                        site: site,
                        transport: snapshot.links[link].transport,
                        link: Ref(link),
                        reason: reason
                    )
                    absences.append(absence)
                }
            }
        }
        return absences + disabledConnections()
    }

    private func disabledConnections() -> [Absence] {
        book.connections.compactMap { connection in
            guard !connection.isEnabled, connection.isKept, let existing = connection.existing else {
                return nil
            }
            return Absence(site: snapshot[connection.source].site, reason: .disabledByHand(existing))
        }
    }

    /// What absences are explained by, looked up once.
    private struct Ways {
        /// By site: the edge of the tree that the way there from the own site begins with.
        let hops: [TreeEdge?]
        /// The tree's edges of the own site, by the other one.
        let edges: [Ref<Site>: TreeEdge]
        let usable: Set<Ref<SiteLink>>
    }

    private func edgesOfOwnSite(_ outcome: Outcome) -> [Ref<Site>: TreeEdge] {
        Dictionary(
            outcome.forest.edges(of: ownSite).map { ($0.other(than: ownSite), $0) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    private func reason(
        _ outcome: Outcome,
        _ link: Ref<SiteLink>,
        _ other: Ref<Site>,
        _ ways: Ways
    ) -> Absence.Reason? {
        let (colouring, transport) = (outcome.colouring, snapshot[link].transport)
        let direct = ways.edges[other]
        if let edge = direct, edge.transport == transport {
            guard Self.leads(edge, to: ownSite, outcome) else { return .fedFromHere }
            return outcome.unmet.contains(edge) ? missingEnd(edge, outcome) : nil
        }
        guard colouring.isColoured(other.position) else {
            return snapshot[outcome.context].kind == .configuration ? .nothingHeld(other) : nil
        }
        let isRedRed = colouring.isRed(ownSite.position) && colouring.isRed(other.position)
        if isRedRed, transport != snapshot.ipTransport,
            !snapshot[outcome.context].mayJoinFullReplicasOverMail
        {
            return .domainNotOverMail
        }
        for site in [ownSite, other] where !colouring.acceptsAny(site.position, transport) {
            return .noBridgehead(site, passedOver(site, outcome.context, transport, colouring))
        }
        guard ways.usable.contains(link) else { return .linkClosed }
        if let edge = direct { return .cheaperTransport(edge.transport, cost: edge.info.cost) }
        guard let hop = ways.hops[other.position] else { return .noPath }
        return .reachedThrough(hop.other(than: ownSite), cost: hop.info.cost)
    }

    private func missingEnd(_ edge: TreeEdge, _ outcome: Outcome) -> Absence.Reason {
        let other = edge.other(than: ownSite)
        let partialOkay = !outcome.colouring.isRed(ownSite.position)
        let someHealthy = bridgeheads.candidates(
            in: other,
            for: outcome.context,
            over: edge.transport,
            partialOkay: partialOkay,
            isRemote: false,
            health
        )
        if !someHealthy.isEmpty { return .notPresentYet(other) }
        return .noBridgehead(other, passedOver(other, outcome.context, edge.transport, outcome.colouring))
    }

    private func passedOver(
        _ site: Ref<Site>,
        _ context: Ref<NamingContextView>,
        _ transport: Ref<InterSiteTransport>,
        _ colouring: SiteColouring
    ) -> [PassedOver] {
        bridgeheads.passedOver(
            in: site,
            for: context,
            over: transport,
            partialOkay: !colouring.isRed(site.position),
            health
        )
    }

    private func firstHops(_ outcome: Outcome) -> [TreeEdge?] {
        var hops = [TreeEdge?](repeating: nil, count: graph.vertexCount)
        var queue: [Ref<Site>] = []
        for edge in outcome.forest.edges(of: ownSite) {
            let other = edge.other(than: ownSite)
            hops[other.position] = edge
            queue.append(other)
        }
        var next = 0
        while next < queue.count {
            let site = queue[next]
            next += 1
            for edge in outcome.forest.edges(of: site) {
                let other = edge.other(than: site)
                guard other != ownSite, hops[other.position] == nil else { continue }
                hops[other.position] = hops[site.position]
                queue.append(other)
            }
        }
        return hops
    }
}
