import AdminAPI
import DomainController
import Foundation
import Testing

@Suite struct `Importing LDIF` {
    /// One DSA and what it makes of a text, fed in pieces of 7 octets.
    private func importing(
        _ text: String,
        options: ImportOptions = ImportOptions(),
        then check: (DomainControllerService, ImportReply) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("import-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = folder.appendingPathComponent("hq").path
        _ = try await ForestCreation(
            forestName: "reskit.example",
            serverName: "HQ-RES-DC-01",
            siteName: "Headquarters",
            dataDirectory: data,
            mailAddress: nil,
            caName: nil
        ).run(log: TwoSites.log, at: DomainControllerService.systemTime())
        let service = try await DomainControllerService(
            configuration: .standard(dataDirectory: data),
            log: TwoSites.log
        )
        let octets = Array(text.utf8)
        let chunks = AsyncThrowingStream<[UInt8], any Error> { continuation in
            for start in stride(from: 0, to: octets.count, by: 7) {
                continuation.yield(Array(octets[start..<min(start + 7, octets.count)]))
            }
            continuation.finish()
        }
        let reply = try await service.importLDIF(chunks, options: options) { _ in }
        try await check(service, reply)
    }

    @Test func `records before their parent and targets, and the head of the domain, all come in`()
        async throws
    {
        let text = """
            version: 1

            # a group whose members and parent come later
            dn: CN=Staff,OU=Groups,DC=reskit,DC=example
            objectClass: groupOfNames
            cn: Staff
            member: CN=Ann,OU=People,DC=reskit,DC=example
            member: CN=Bo,OU=People,DC=reskit,DC=example

            dn: CN=Ann,OU=People,DC=reskit,DC=example
            objectClass: inetOrgPerson
            cn: Ann
            sn: Taylor
            manager: CN=Bo,OU=People,DC=reskit,DC=example
            seeAlso: CN=Nobody,OU=People,DC=reskit,DC=example

            dn: CN=Bo,OU=People,DC=reskit,DC=example
            objectClass: inetOrgPerson
            cn: Bo
            sn: Chen
            manager: CN=Ann,OU=People,DC=reskit,DC=example

            dn: OU=People,DC=reskit,DC=example
            objectClass: organizationalUnit
            ou: People

            dn: DC=reskit,DC=example
            objectClass: organization
            objectClass: dcObject
            o: Reskit
            dc: reskit

            dn: OU=Groups,DC=reskit,DC=example
            objectClass: organizationalUnit
            ou: Groups

            """
        try await importing(text) { service, reply in
            #expect(
                (reply.read, reply.imported, reply.merged, reply.refused) == (6, 5, 1, 0),
                "\(reply.refusals)"
            )
            let staff = try await service.read("CN=Staff,OU=Groups,DC=reskit,DC=example")
            #expect(staff["member"]?.count == 2)
            let ann = try await service.read("CN=Ann,OU=People,DC=reskit,DC=example")
            #expect(ann["manager"] == ["CN=Bo,OU=People,DC=reskit,DC=example"])
            #expect(ann["seeAlso"] == ["CN=Nobody,OU=People,DC=reskit,DC=example"])
            #expect(try await service.read("DC=reskit,DC=example")["o"] == ["Reskit"])
        }
    }

    @Test func `each bad record is named with its line and reason, and the good ones are kept`() async throws
    {
        let text = """
            dn: OU=Good,DC=reskit,DC=example
            objectClass: organizationalUnit
            ou: Good

            dn: OU=Broken,DC=reskit,DC=example
            objectClass organizationalUnit

            dn: CN=Unknown,OU=Good,DC=reskit,DC=example
            objectClass: inetOrgPerson
            cn: Unknown
            sn: Unknown
            shoeSize: 44

            dn: CN=Syntax,OU=Good,DC=reskit,DC=example
            objectClass: inetOrgPerson
            objectClass: posixAccount
            cn: Syntax
            sn: Syntax
            uid: syntax
            uidNumber: many
            gidNumber: 1
            homeDirectory: /home/syntax

            dn: CN=Lost,OU=Nowhere,DC=reskit,DC=example
            objectClass: inetOrgPerson
            cn: Lost
            sn: Lost

            dn: OU=Good,DC=reskit,DC=example
            objectClass: organizationalUnit
            ou: Good

            dn: no name at all
            objectClass: organizationalUnit

            dn: CN=Last,OU=Good,DC=reskit,DC=example
            objectClass: inetOrgPerson
            cn: Last
            sn: Last

            """
        try await importing(text) { service, reply in
            #expect((reply.read, reply.imported, reply.refused) == (8, 2, 6), "\(reply.refusals)")
            let lines = Set(reply.refusals.map(\.line))
            #expect(lines == [6, 8, 14, 24, 29, 33], "\(reply.refusals)")
            #expect(reply.refusals.allSatisfy { !$0.reason.isEmpty })
            _ = try await service.read("CN=Last,OU=Good,DC=reskit,DC=example")
        }
    }

    @Test func `links go out and come in again, and a target that is not there takes no other away`()
        async throws
    {
        let text = """
            dn: OU=People,DC=reskit,DC=example
            objectClass: organizationalUnit

            dn: CN=Staff,OU=People,DC=reskit,DC=example
            objectClass: groupOfNames
            member: CN=Ann,OU=People,DC=reskit,DC=example
            member: CN=Bo,OU=People,DC=reskit,DC=example
            member: <GUID=11111111-2222-3333-4444-555555555555>

            dn: CN=Ann,OU=People,DC=reskit,DC=example
            objectClass: inetOrgPerson
            sn: Taylor
            manager: CN=Bo,OU=People,DC=reskit,DC=example

            dn: CN=Bo,OU=People,DC=reskit,DC=example
            objectClass: inetOrgPerson
            sn: Chen
            manager: CN=Ann,OU=People,DC=reskit,DC=example

            """
        func exported(_ service: DomainControllerService, operational: Bool = false) async throws -> String {
            var octets: [UInt8] = []
            let query = ExportQuery(namingContexts: ["DC=reskit,DC=example"], operational: operational)
            for try await piece in try await service.export(query) { octets += piece }
            let all = String(decoding: octets, as: UTF8.self)
            // Values of a link stand in the order of their targets' GUIDs, which are drawn anew.
            return all.components(separatedBy: "\n\n").filter { $0.contains("OU=People,") }
                .map { $0.split(separator: "\n").sorted().joined(separator: "\n") }.sorted()
                .joined(separator: "\n\n")
        }
        var first = ""
        var operational = ""
        try await importing(text) { service, reply in
            #expect(reply.refused == 1, "\(reply.refusals)")
            #expect(reply.refusals.first?.reason.contains("11111111-2222") == true)
            first = try await exported(service)
            operational = try await exported(service, operational: true)
        }
        #expect(first.components(separatedBy: "member: ").count == 3)
        #expect(!first.contains("memberOf") && !first.contains("\nname: "))
        #expect(operational.contains("memberOf: CN=Staff,OU=People,DC=reskit,DC=example"))
        for sorted in [first, operational] {
            // A record begins with its name.
            let text = sorted.components(separatedBy: "\n\n").map { record in
                let lines = record.split(separator: "\n")
                return (lines.filter { $0.hasPrefix("dn:") } + lines.filter { !$0.hasPrefix("dn:") })
                    .joined(separator: "\n") + "\n"
            }.joined(separator: "\n")
            try await importing(text) { service, reply in
                #expect(reply.refused == 0, "\(reply.refusals)")
                let again = try await exported(service)
                #expect(again == first)
            }
        }
    }
}
