import DirectoryModel
import DomainController
import Identifiers
import PKI
import Store

/// Who pulls from whom.
package enum Topology: String, Hashable, Sendable, CaseIterable {
    case mesh
    case star
    case ring

    /// Whether two of `count` sites are neighbours; each then pulls from the other.
    package func connects(_ left: Int, _ right: Int, of count: Int) -> Bool {
        guard left != right else { return false }
        switch self {
        case .mesh: return true
        case .star: return left == 0 || right == 0
        case .ring: return (left + 1) % count == right || (right + 1) % count == left
        }
    }
}

/// The identities and names of a simulated forest: site 0 masters the root domain, every other one a child
/// domain; each holds partial replicas of its neighbours' domains.
struct ForestPlan: Sendable {
    struct Site: Sendable {
        let dsaGUID: GUID
        let invocationID: GUID
        let server: String
        let site: String
        let domain: NamingContext
        let dnsName: String
    }

    let topology: Topology
    let names: ForestNames
    let schema: NamingContext
    let configuration: NamingContext
    let sites: [Site]

    init(sites count: Int, topology: Topology) throws {
        self.topology = topology
        let names = try ForestNames(dnsName: "sim.example")
        self.names = names
        let naming = WellKnownNames()
        let dn = { (text: String) in try DistinguishedName(parsing: text, naming: naming) }
        var random = SimulationRandom(seed: 0x666f_7265_7374, UInt64(count))
        let guid = { GUID.random(using: &random) }
        schema = NamingContext(guid: guid(), dn: try dn(names.schema), role: .schema)
        configuration = NamingContext(guid: guid(), dn: try dn(names.configuration), role: .configuration)
        sites = try (0..<count).map { index in
            let dnsName = index == 0 ? names.dnsName : "c\(index).\(names.dnsName)"
            return Site(
                dsaGUID: guid(),
                invocationID: guid(),
                server: "DC-\(index)",
                site: "Site-\(index)",
                domain: NamingContext(
                    guid: guid(),
                    dn: try dn(ForestNames.domainDN(dnsName)),
                    role: .domain
                ),
                dnsName: dnsName
            )
        }
    }

    func neighbours(of index: Int) -> [Int] {
        sites.indices.filter { topology.connects(index, $0, of: sites.count) }
    }

    var layout: ForestLayout { ForestLayout(names: names) }

    func settingsDN(_ index: Int) -> String {
        names.settings(sites[index].server, site: sites[index].site)
    }

    /// Everything of the configuration NC but what depends on a connection.
    func configurationObjects() throws -> [OriginatingOperation] {
        var operations = try layout.configurationObjects(firstSite: sites[0].site)
        for (index, site) in sites.enumerated() {
            if index > 0 { operations += try layout.site(site.site) }
            operations += try layout.server(
                site.server,
                site: site.site,
                dsaGUID: site.dsaGUID,
                dnsHostName: "\(site.server.lowercased()).\(site.dnsName)",
                mailAddress: ServerName.defaultMailAddress(site.dsaGUID, forest: names.dnsName),
                masters: [names.configuration, names.schema],
                partials: []
            )
            operations.append(
                .modify(
                    .guid(site.dsaGUID),
                    [
                        Modification(.replace, "invocationId", [site.invocationID.octets]),
                        Modification(.add, "userCertificate", [try Self.certificate().der]),
                    ]
                )
            )
        }
        return operations + (try crossReferences())
    }

    /// What each site says of itself: links to domains that only their neighbours can name.
    func replicaLinks(of index: Int) -> OriginatingOperation {
        let octets = { (site: Int) in Array(ForestNames.domainDN(sites[site].dnsName).utf8) }
        return .modify(
            .guid(sites[index].dsaGUID),
            [
                Modification(.add, "hasMasterNCs", [octets(index)]),
                Modification(.add, "hasPartialReplicaNCs", neighbours(of: index).map(octets)),
            ]
        )
    }

    private func crossReferences() throws -> [OriginatingOperation] {
        [
            try layout.crossRef("Enterprise Schema", for: names.schema, dnsName: names.dnsName),
            try layout.crossRef("Enterprise Configuration", for: names.configuration, dnsName: names.dnsName),
        ]
            + (try sites.enumerated().map { index, site in
                try layout.crossRef(
                    "DOMAIN-\(index)",
                    for: ForestNames.domainDN(site.dnsName),
                    dnsName: site.dnsName,
                    flatName: "DOMAIN-\(index)"
                )
            })
    }

    func connections(_ guid: () -> GUID) throws -> [OriginatingOperation] {
        try sites.indices.flatMap { index in
            try neighbours(of: index).map {
                try layout.connection(to: settingsDN(index), from: settingsDN($0), name: guid())
            }
        }
    }

    /// Stands for every simulated DSA's certificate and for the CA's.
    ///
    /// It is valid from the year 2200 on: in simulated time never, so that no chain is computed for every mail.
    static func certificate() throws -> Certificate { try Certificate(pem: certificatePEM) }

    static let certificatePEM = """
        -----BEGIN CERTIFICATE-----
        MIIBcTCCARegAwIBAgIBATAKBggqhkjOPQQDAjAeMRwwGgYDVQQDDBNTaW11bGF0
        ZWQgRm9yZXN0IENBMCIYDzIyMDAwMTAxMDAwMDAwWhgPMjI5OTEyMzEyMzU5NTla
        MB4xHDAaBgNVBAMME1NpbXVsYXRlZCBGb3Jlc3QgQ0EwWTATBgcqhkjOPQIBBggq
        hkjOPQMBBwNCAAS46v6R7KYr56WzkCyb5EaQn7CsOSA8Ot5XujU+3xPYIiyjbcIi
        SzyhmYqSQT7fN4KNyQsMG+v9/V8TJRmoUveuo0IwQDAPBgNVHRMBAf8EBTADAQH/
        MA4GA1UdDwEB/wQEAwIBhjAdBgNVHQ4EFgQUq4SdJc1Z3H5hChSkWrWmXoeqjHgw
        CgYIKoZIzj0EAwIDSAAwRQIhAJymhkpDAUh/H/MFu2bB7bEXxi5nGL3tksmAesJm
        pJncAiBHQ70MIqV9CjcWPtL23/vEFxNrttdeNbUlY/rFuP8qxA==
        -----END CERTIFICATE-----

        """
}
