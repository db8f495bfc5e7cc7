import AdminAPI
import DomainController
import Foundation
import Identifiers
import Testing

@Suite struct `Why a value is here` {
    @Test(.timeLimit(.minutes(3)))
    func `a value leads to its write, its part, its mail and that mail's hops`() async throws {
        let sites = try await TwoSites()
        try await sites.start()
        let dn = "CN=Ann Taylor,DC=reskit,DC=example"
        try await sites.hq.write(
            .add(dn, ["objectClass": ["inetOrgPerson"], "cn": ["Ann Taylor"], "sn": ["Taylor"]])
        )
        #expect(try await sites.converge())
        let target = ObjectTarget(dn: dn)

        let there = try await sites.van.why(WhyQuery(target: target))
        let name = try #require(there.values.first { $0.name == "sn" })
        #expect(name.way == .part && name.server == "HQ-RES-DC-01" && name.values == nil)
        #expect((name.delaySeconds ?? -1) >= 0)
        let part = there.parts[try #require(name.part)]
        #expect(part.source == "HQ-RES-DC-01" && part.namingContext == TwoSites.root && !part.isMedia)
        #expect((part.firstLocalUSN...part.lastLocalUSN).contains(name.localUSN))
        #expect(part.interval.from < name.originatingUSN && name.originatingUSN <= part.interval.to)
        let mail = try #require(part.mail)
        #expect(mail.transport == "smtp" && mail.hops.count == 1 && mail.omittedHops == 0)
        #expect(mail.messageIDField?.contains("@") == true)
        #expect(mail.hops.allSatisfy { $0.by != nil && $0.time != nil && $0.delaySeconds != nil })
        // The file is there to be looked at.
        let shown = try await sites.van.mailShow(MailShowQuery(id: mail.id))
        #expect(shown.folder == "Archive")
        #expect(shown.envelope.contains { $0.name == "Message" && $0.value == "\(mail.messageID)" })

        let one = try await sites.van.why(WhyQuery(target: target, attribute: "SN", values: true))
        #expect(one.values.map(\.name) == ["sn"] && one.values[0].values == [AttributeValue("Taylor")])
        let here = try await sites.hq.why(WhyQuery(target: target))
        #expect(here.parts.isEmpty && here.values.allSatisfy { $0.way == .here })
        // What came with the join file came by media, without a mail.
        let site = "CN=Headquarters,CN=Sites,CN=Configuration,DC=reskit,DC=example"
        let media = try await sites.van.why(WhyQuery(target: ObjectTarget(dn: site)))
        #expect(media.parts.count == 1 && media.parts[0].isMedia && media.parts[0].mail == nil)
        await sites.stop()
    }

    @Test func `what is not there is said`() async throws {
        let sites = try await TwoSites()
        for (query, code) in [
            (WhyQuery(target: ObjectTarget("CN=Nobody,DC=reskit,DC=example")), "noSuchObject"),
            (WhyQuery(target: ObjectTarget(TwoSites.root), attribute: "jpegPhoto"), "noSuchAttribute"),
        ] {
            do {
                _ = try await sites.hq.why(query)
                Issue.record("answered")
            } catch { #expect(AdminError(error).code == code) }
        }
    }
}
