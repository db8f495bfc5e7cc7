import Identifiers
import Topology

/// A forest drawn from a seed, with its own oracle of who can be joined with whom.
struct RandomForest {
    var forest: TestForest
    let siteNames: [String]
    /// Servers as (name, site, domain).
    var servers: [(name: String, site: String, domain: String, guid: GUID)] = []
    var links: [(transport: String, sites: [String], cost: Int)] = []
    let hasSchedules: Bool
    let isBridged: Bool

    init(seed: UInt64, schedules: Bool = true, bridged: Bool? = nil, ipOnly: Bool = false) {
        var random = SeededRandom(seed: seed &* 77 &+ 5)
        let isBridged = bridged ?? random.chance(75)
        self.isBridged = isBridged
        hasSchedules = schedules
        forest = TestForest(
            seed: seed,
            ipOptions: isBridged ? 0 : 2,
            smtpOptions: (isBridged ? 0 : 2) | random.below(2)
        )
        let domains = (0..<(1 + random.below(3))).map { "d\($0)" }
        for domain in domains { forest.domain(domain, overMail: random.chance(30)) }
        siteNames = (0..<(1 + random.below(9))).map { "S\($0)" }
        for site in siteNames { forest.site(site) }
        for site in siteNames {
            // One domain a site more often than not, as where only mail leads.
            let home = random.below(domains.count)
            for number in 0..<[0, 1, 1, 1, 2, 3][random.below(6)] {
                let domain = domains[random.chance(80) ? home : random.below(domains.count)]
                let name = "\(site)-\(number)"
                let guid = forest.server(
                    name,
                    in: site,
                    domain: domain,
                    isCatalog: random.chance(70),
                    mail: random.chance(90) ? "default" : nil
                )
                servers.append((name, site, domain, guid))
            }
        }
        addLinks(&random, ipOnly: ipOnly)
    }

    private mutating func addLinks(_ random: inout SeededRandom, ipOnly: Bool) {
        guard siteNames.count > 1 else { return }
        for number in 0..<(siteNames.count + random.below(siteNames.count + 1)) {
            let transport = ipOnly || random.chance(60) ? "IP" : "SMTP"
            var sites: Set<String> = []
            for _ in 0..<(random.chance(85) ? 2 : 4) {
                sites.insert(siteNames[random.below(siteNames.count)])
            }
            // The first ones make a chain, so that most forests are whole.
            if number + 1 < siteNames.count, random.chance(85) {
                sites = [siteNames[number], siteNames[number + 1]]
            }
            let cost = [1, 10, 50, 100, 100, 100, 250][random.below(7)]
            let schedule =
                hasSchedules && random.chance(30)
                ? Schedule(windows: [
                    .init(firstQuarter: random.below(672), quarters: 100 + random.below(500))
                ])
                : nil
            links.append((transport, sites.sorted(), cost))
            forest.link(
                "L\(number)",
                transport,
                sites.sorted(),
                cost: cost,
                interval: 15 * (1 + random.below(24)),
                options: random.below(8),
                schedule: schedule
            )
        }
    }

    /// Who pulls what from whom, once the plans are carried out: (from, to) for one naming context.
    static func edges(
        of context: Ref<NamingContextView>,
        in snapshot: TopologySnapshot
    ) -> [(Ref<DirectorySystemAgent>, Ref<DirectorySystemAgent>)] {
        snapshot.connections.compactMap { connection in
            let isMail =
                connection.transport != nil && connection.transport != snapshot.ipTransport
                && snapshot[connection.source].site != snapshot[connection.destination].site
            guard let held = snapshot[connection.source].replica(of: context), held.isPresent,
                let wanted = snapshot[connection.destination].replica(of: context),
                held.isFull || !wanted.isFull,
                !isMail || !wanted.isFull || snapshot[context].kind != .domain
                    || snapshot[context].allowsReplicasOverMail
            else { return nil }
            return (connection.source, connection.destination)
        }
    }

    /// All that a change at `origin` reaches.
    static func reached(
        from origin: Ref<DirectorySystemAgent>,
        over edges: [(Ref<DirectorySystemAgent>, Ref<DirectorySystemAgent>)]
    ) -> Set<Ref<DirectorySystemAgent>> {
        var reached: Set = [origin]
        var queue = [origin]
        while let next = queue.popLast() {
            for edge in edges where edge.0 == next && reached.insert(edge.1).inserted { queue.append(edge.1) }
        }
        return reached
    }
}
