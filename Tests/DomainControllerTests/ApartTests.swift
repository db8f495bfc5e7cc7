import AdminAPI
import DomainController
import Foundation
import Identifiers
import Testing

/// Both nodes change the configuration naming context, which both write, while no mail goes.
@Suite struct `Changes made apart` {
    private static let services = "CN=Services,CN=Configuration,DC=reskit,DC=example"
    private static let sites = "CN=Sites,CN=Configuration,DC=reskit,DC=example"
    private static let link = "CN=HQ/VAN Site Link,CN=SMTP,CN=Inter-Site Transports,\(sites)"

    @Test(.timeLimit(.minutes(3)))
    func `nothing is lost, clashes and orphans are rendered, and the dumps are equal`() async throws {
        let two = try await TwoSites { hq in
            for name in ["Moved", "First", "Second", "Doomed"] {
                try await hq.write(.add("CN=\(name),\(Self.services)", ["objectClass": ["container"]]))
            }
        }
        try await writeAtHQ(two.hq)
        try await writeAtVancouver(two.van)
        try await two.start()
        #expect(try await two.converge())
        for service in [two.hq, two.van] { try await check(service) }
        await two.stop()
    }

    private func writeAtHQ(_ hq: DomainControllerService) async throws {
        try await hq.write(
            .change("CN=Vancouver,\(Self.sites)", .replace, "description", "written at HQ"),
            .change("CN=Headquarters,\(Self.sites)", .replace, "description", "HQ's word"),
            .add("CN=Ottawa,\(Self.sites)", ["objectClass": ["site"]]),
            .change(Self.link, .add, "siteList", "CN=Ottawa,\(Self.sites)"),
            .add("CN=Twice,\(Self.services)", ["objectClass": ["container"], "description": ["from HQ"]]),
            .rename(
                target: ObjectTarget(dn: "CN=Moved,\(Self.services)"),
                newRDN: nil,
                deleteOldRDN: false,
                newSuperior: ObjectTarget(dn: "CN=First,\(Self.services)")
            ),
            .delete(target: ObjectTarget(dn: "CN=Doomed,\(Self.services)"), tree: false)
        )
    }

    private func writeAtVancouver(_ van: DomainControllerService) async throws {
        try await van.write(
            .change("CN=Vancouver,\(Self.sites)", .replace, "location", "written at Vancouver"),
            .change("CN=Headquarters,\(Self.sites)", .replace, "description", "Vancouver's word"),
            .add("CN=Victoria,\(Self.sites)", ["objectClass": ["site"]]),
            .change(Self.link, .add, "siteList", "CN=Victoria,\(Self.sites)"),
            .add(
                "CN=Twice,\(Self.services)",
                ["objectClass": ["container"], "description": ["from Vancouver"]]
            ),
            .rename(
                target: ObjectTarget(dn: "CN=Moved,\(Self.services)"),
                newRDN: nil,
                deleteOldRDN: false,
                newSuperior: ObjectTarget(dn: "CN=Second,\(Self.services)")
            ),
            .add("CN=Orphan,CN=Doomed,\(Self.services)", ["objectClass": ["container"]])
        )
    }

    private func check(_ service: DomainControllerService) async throws {
        let vancouver = try await service.read("CN=Vancouver,\(Self.sites)")
        #expect(vancouver["description"] == ["written at HQ"])
        #expect(vancouver["location"] == ["written at Vancouver"])

        let headquarters = try await service.read("CN=Headquarters,\(Self.sites)")
        #expect(["HQ's word", "Vancouver's word"].contains(headquarters["description"]?.first))

        let members = try await service.read(Self.link)["siteList"] ?? []
        #expect(
            Set(members)
                == Set(["Headquarters", "Vancouver", "Ottawa", "Victoria"].map { "CN=\($0),\(Self.sites)" })
        )

        let below = try await service.names(below: Self.services)
        let twice = below.filter { $0.hasPrefix("CN=Twice") }
        #expect(twice.count == 2, "both objects are there")
        #expect(twice.count { $0.contains("CNF:") } == 1, "one of them carries the mark")

        let places =
            try await service.names(below: "CN=First,\(Self.services)")
            + service.names(below: "CN=Second,\(Self.services)")
        #expect(places.count == 1, "the container stands in one place")

        let found = try await service.names(below: "CN=LostAndFoundConfig,\(TwoSites.configuration)")
        #expect(found.map { $0.prefix { $0 != "," } } == ["CN=Orphan"])
    }
}

extension DomainControllerService {
    func write(_ operations: WriteOperation...) async throws {
        _ = try await originate(WriteRequest(operations: operations))
    }

    func read(_ dn: String) async throws -> [String: [String]] {
        let reply = try await object(ObjectQuery(target: ObjectTarget(dn: dn)))
        return Dictionary(
            reply.attributes.map { ($0.name, $0.values.compactMap(\.text)) },
            uniquingKeysWith: { $0 + $1 }
        )
    }

    func names(below dn: String) async throws -> [String] {
        try await objects(SearchQuery(base: ObjectTarget(dn: dn), scope: .one)).objects.map(\.dn)
    }
}
