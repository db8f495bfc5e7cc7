import AdminAPI
import DirectoryModel
import DomainController
import Foundation
import Testing

@Suite struct `Schema over mail` {
    private static let schema = "CN=Schema,\(TwoSites.configuration)"
    private static let services = "CN=Services,\(TwoSites.configuration)"

    private func attribute(_ name: String, _ arc: Int, _ more: [String: [String]]) -> WriteOperation {
        .add(
            "CN=\(name),\(Self.schema)",
            [
                "objectClass": ["attributeSchema"], "lDAPDisplayName": [name],
                "attributeID": ["1.3.6.1.4.1.99999.1.\(arc)"], "isSingleValued": ["FALSE"],
            ].merging(more) { $1 }
        )
    }

    @Test(.timeLimit(.minutes(5)))
    func
        `an attribute and a link defined at HQ act at Vancouver, and are taken back there, without a restart`()
        async throws
    {
        let sites = try await TwoSites()
        try await sites.start()
        let link = ["attributeSyntax": ["2.5.5.1"], "oMSyntax": ["127"]]
        try await sites.hq.write(
            attribute("berth", 1, ["attributeSyntax": ["2.5.5.12"], "oMSyntax": ["64"]]),
            attribute("crew", 2, link.merging(["linkID": ["9000"]]) { $1 }),
            attribute("crewOf", 3, link.merging(["linkID": ["9001"]]) { $1 }),
            .add(
                "CN=berthed,\(Self.schema)",
                [
                    "objectClass": ["classSchema"], "lDAPDisplayName": ["berthed"],
                    "governsID": ["1.3.6.1.4.1.99999.2.1"], "subClassOf": ["top"],
                    "objectClassCategory": ["3"], "mayContain": ["berth", "crew", "crewOf"],
                ]
            ),
            .add(
                "CN=Fram,\(Self.services)",
                [
                    "objectClass": ["container", "berthed"], "cn": ["Fram"], "berth": ["7"],
                    "crew": [Self.services],
                ]
            )
        )
        #expect(try await sites.converge())
        let fram = try await sites.van.read("CN=Fram,\(Self.services)")
        #expect(fram["berth"] == ["7"] && fram["crew"] == [Self.services])
        #expect(try await sites.van.read(Self.services)["crewOf"] == ["CN=Fram,\(Self.services)"])

        // Vancouver writes with it, and its rules are there as well.
        try await sites.van.write(.change("CN=Fram,\(Self.services)", .replace, "berth", "8"))
        await #expect(throws: (any Error).self) {
            try await sites.van.write(.change("CN=berth,\(Self.schema)", .replace, "isDefunct", "TRUE"))
        }
        try await sites.van.write(
            .change("CN=berthed,\(Self.schema)", .delete, "mayContain", "berth"),
            .change("CN=berth,\(Self.schema)", .replace, "isDefunct", "TRUE")
        )
        #expect(try await sites.converge())
        #expect(try await sites.hq.read("CN=Fram,\(Self.services)")["berth"] == nil)
        await #expect(throws: (any Error).self) {
            try await sites.hq.write(.change("CN=Fram,\(Self.services)", .replace, "berth", "9"))
        }
        try await sites.hq.write(.change("CN=berth,\(Self.schema)", .replace, "isDefunct", "FALSE"))
        #expect(try await sites.hq.read("CN=Fram,\(Self.services)")["berth"] == ["8"])
        await sites.stop()
    }
}
