import AdminAPI
import DomainController
import Foundation
import Testing

@Suite struct `Two sites over loopback SMTP` {
    @Test(.timeLimit(.minutes(3)))
    func `what each side writes is at the other, and the dumps are equal`() async throws {
        let sites = try await TwoSites()
        try await sites.start()
        try await sites.hq.write(
            .add(
                "OU=People,DC=reskit,DC=example",
                ["objectClass": ["organizationalUnit"], "ou": ["People"]]
            ),
            .add(
                "CN=Ann Taylor,OU=People,DC=reskit,DC=example",
                [
                    "objectClass": ["inetOrgPerson"], "cn": ["Ann Taylor"], "sn": ["Taylor"],
                    "mail": ["ann@mail.example"],
                ]
            )
        )
        try await sites.van.write(
            .add(
                "CN=Bo Chen,DC=vancouver,DC=reskit,DC=example",
                ["objectClass": ["inetOrgPerson"], "cn": ["Bo Chen"], "sn": ["Chen"]]
            )
        )
        #expect(try await sites.converge())
        let ann = try await sites.van.object(
            ObjectQuery(target: ObjectTarget(dn: "CN=Ann Taylor,OU=People,DC=reskit,DC=example"))
        )
        #expect(ann.attributes.contains { $0.name == "mail" })
        _ = try await sites.hq.object(
            ObjectQuery(target: ObjectTarget(dn: "CN=Bo Chen,DC=vancouver,DC=reskit,DC=example"))
        )
        await sites.stop()
    }
}
