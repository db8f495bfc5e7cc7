import DirectoryModel
import Identifiers
import Topology

/// The KCC over drawn topologies: LDIF to a snapshot, and a snapshot to a plan.
enum KCCBench {
    /// How sites are linked; each shape grows with the number of sites alone.
    enum Shape: String, CaseIterable {
        /// All with the first.
        case star
        /// Ten below each.
        case tree
        /// Each with the next.
        case ring
        /// Each with the next and with four others.
        case mesh
        /// As a star, over mail, each site with a domain of its own, all global catalogues.
        case domains
    }

    /// Every site holds a replica of every domain in the last shape, so that its input grows as the square.
    private static let domainSitesMax = 1_000

    static func run(_ options: Options, _ report: inout Report) throws {
        for shape in Shape.allCases where shape != .domains || options.count <= domainSitesMax {
            let ldif = ldif(shape, sites: options.count)
            for _ in 0..<options.runs {
                var reading = Sample()
                let snapshot = reading.add { TopologySnapshot(ldif: ldif) }
                reading.octets = ldif.count
                report.add("read, \(shape)", options.count, reading, unit: "sites")
                guard snapshot.findings.isEmpty, snapshot.sites.count == options.count else {
                    throw BenchError.unexpected("the LDIF of the \(shape) was not read as it was written")
                }
                for (name, server) in [("first site", "DC0"), ("last site", "DC\(options.count - 1)")] {
                    guard let dsa = snapshot.dsa(named: server) else {
                        throw BenchError.unexpected("no \(server)")
                    }
                    var planning = Sample()
                    let plan = planning.add { KCC.plan(snapshot, KCCInput(dsa: dsa, now: now)) }
                    report.add("plan, \(shape), \(name)", options.count, planning, unit: "sites")
                    guard plan.isWhole, options.count == 1 || !plan.connections.isEmpty else {
                        throw BenchError.unexpected("the \(shape) was not connected")
                    }
                }
            }
        }
    }

    private static let now = Timestamp(seconds: 1_796_000_000)
    private static let configuration = "CN=Configuration,DC=corp,DC=example"

    // MARK: - Content

    static func ldif(_ shape: Shape, sites count: Int) -> [UInt8] {
        var random = SplitMix(seed: 5)
        var text = ""
        let isMail = shape == .domains
        func entry(_ dn: String, _ name: String, _ attributes: [(String, [String])]) {
            let guid = GUID.random(using: &random)
            let all =
                [EntryAttribute(name: "objectClass", strings: ["top", name])]
                + attributes.map { EntryAttribute(name: $0.0, strings: $0.1) }
                + [EntryAttribute(name: "objectGUID", values: [guid.microsoftOctets])]
            text += LDIFWriter.lines(for: LDIFRecord(line: 0, dn: dn, kind: .content(all)))
        }
        let transports = "CN=Inter-Site Transports,CN=Sites,\(configuration)"
        entry("CN=IP,\(transports)", "interSiteTransport", [("transportAddressAttribute", ["dNSHostName"])])
        entry("CN=SMTP,\(transports)", "interSiteTransport", [("transportAddressAttribute", ["mailAddress"])])
        let domains = isMail ? (0..<count).map { "DC=d\($0),DC=corp,DC=example" } : ["DC=corp,DC=example"]
        let schema = "CN=Schema,\(configuration)"
        for (number, context) in ([configuration, schema] + domains).enumerated() {
            let flags = number < 2 ? "1" : "3"
            entry(
                "CN=Context \(number),CN=Partitions,\(configuration)",
                "crossRef",
                [("nCName", [context]), ("systemFlags", [flags])]
            )
        }
        for number in 0..<count {
            let site = site(number)
            let settings = "CN=NTDS Settings,CN=DC\(number),CN=Servers,\(site)"
            let domain = domains[number % domains.count]
            entry(site, "site", [])
            entry(
                "CN=NTDS Site Settings,\(site)",
                "nTDSSiteSettings",
                [("interSiteTopologyGenerator", [settings])]
            )
            entry(
                "CN=DC\(number),CN=Servers,\(site)",
                "server",
                [
                    ("dNSHostName", ["dc\(number).corp.example"]),
                    ("mailAddress", ["dc\(number)@corp.example"]),
                ]
            )
            entry(
                settings,
                "nTDSDSA",
                [
                    ("options", ["1"]), ("hasMasterNCs", [domain, configuration, schema]),
                    ("hasPartialReplicaNCs", domains.filter { $0 != domain }),
                ]
            )
        }
        for (number, ends) in links(shape, count, &random).enumerated() {
            entry(
                "CN=L\(number),CN=\(isMail ? "SMTP" : "IP"),\(transports)",
                "siteLink",
                [
                    ("cost", ["\(100 + number % 7)"]), ("replInterval", ["180"]),
                    ("siteList", [site(ends.0), site(ends.1)]),
                ]
            )
        }
        return Array(text.utf8)
    }

    private static func site(_ number: Int) -> String { "CN=S\(number),CN=Sites,\(configuration)" }

    private static func links(_ shape: Shape, _ count: Int, _ random: inout SplitMix) -> [(Int, Int)] {
        guard count > 1 else { return [] }
        switch shape {
        case .star, .domains: return (1..<count).map { (0, $0) }
        case .tree: return (1..<count).map { (($0 - 1) / 10, $0) }
        case .ring: return (0..<count).map { ($0, ($0 + 1) % count) }
        case .mesh:
            return (0..<count).flatMap { site in
                [(site, (site + 1) % count)]
                    + (0..<4).map { _ in
                        let other = Int.random(in: 1..<count, using: &random)
                        return (site, (site + other) % count)
                    }
            }
        }
    }
}
