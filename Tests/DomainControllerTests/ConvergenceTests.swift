import AdminAPI
import DomainController
import Foundation
import Testing

@Suite(.serialized) struct `Two sites over loopback SMTP` {
    @Test func `what each side writes is at the other, and the dumps are equal`() async throws {
        let sites = try await TwoSites()
        try await sites.start()
        try await sites.write(
            sites.hq,
            .add("OU=People,DC=reskit,DC=example", ["objectClass": ["organizationalUnit"], "ou": ["People"]]),
            .add(
                "CN=Ann Taylor,OU=People,DC=reskit,DC=example",
                ["objectClass": ["inetOrgPerson"], "cn": ["Ann Taylor"], "sn": ["Taylor"], "mail": ["ann@mail.example"]]
            ))
        try await sites.write(
            sites.van,
            .add(
                "CN=Bo Chen,DC=vancouver,DC=reskit,DC=example",
                ["objectClass": ["inetOrgPerson"], "cn": ["Bo Chen"], "sn": ["Chen"]]))
        #expect(try await sites.converge())
        let ann = try await sites.van.object(
            ObjectQuery(target: ObjectTarget(dn: "CN=Ann Taylor,OU=People,DC=reskit,DC=example")))
        #expect(ann.attributes.contains { $0.name == "mail" })
        _ = try await sites.hq.object(
            ObjectQuery(target: ObjectTarget(dn: "CN=Bo Chen,DC=vancouver,DC=reskit,DC=example")))
        await sites.stop()
    }
}
