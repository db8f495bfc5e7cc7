import AdminAPI
import DirectoryModel
import Foundation
import Store
import Testing

@testable import DomainController

/// LDIF in the shape in which Active Directory's schema is published; every name and number is made up.
@Suite struct `Importing a schema` {
    private static let schema = "CN=Schema,CN=Configuration,DC=reskit,DC=example"

    private func importing(
        _ octets: [UInt8],
        options: ImportOptions = ImportOptions(fromDN: "DC=X"),
        then check: (DomainControllerService, Result<ImportReply, AdminError>) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("schema-\(UUID().uuidString.prefix(8))")
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
        let chunks = AsyncThrowingStream<[UInt8], any Error> { continuation in
            continuation.yield(octets)
            continuation.finish()
        }
        let result: Result<ImportReply, AdminError>
        do {
            result = .success(try await service.importLDIF(chunks, options: options) { _ in })
        } catch {
            result = .failure(AdminError(error))
        }
        try await check(service, result)
    }

    private static func attribute(_ cn: String, _ name: String, _ oid: String, _ more: String...) -> String {
        ([
            "dn: CN=\(cn),CN=Schema,CN=Configuration,DC=X", "changetype: add", "objectClass: top",
            "objectClass: attributeSchema", "cn: \(cn)", "attributeID: \(oid)", "lDAPDisplayName: \(name)",
            "systemOnly: FALSE", "systemFlags: 16", "adminDisplayName: \(cn)", "schemaFlagsEx: 1",
            "schemaIDGUID:: AAECAwQFBgcICQoLDA0ODw==", "showInAdvancedViewOnly: TRUE",
            "objectCategory: CN=Attribute-Schema,CN=Schema,CN=Configuration,DC=X",
        ] + more + ["", ""]).joined(separator: "\r\n")
    }

    private static func objectClass(_ cn: String, _ name: String, _ oid: String, _ more: String...) -> String
    {
        ([
            "dn: CN=\(cn),CN=Schema,CN=Configuration,DC=X", "changetype: add", "objectClass: top",
            "objectClass: classSchema", "cn: \(cn)", "governsID: \(oid)", "lDAPDisplayName: \(name)",
            "rDNAttID: cn", "defaultHidingValue: TRUE", "instanceType: 4",
            "defaultObjectCategory: CN=\(cn),CN=Schema,CN=Configuration,DC=X",
        ] + more + ["", ""]).joined(separator: "\r\n")
    }

    private static let text = ["attributeSyntax: 2.5.5.12", "oMSyntax: 64"]
    private static let dn = ["attributeSyntax: 2.5.5.1", "oMSyntax: 127", "isSingleValued: FALSE"]

    /// Classes before what they name, a back link before its forward link.
    private static var published: [UInt8] {
        let records = [
            objectClass(
                "Tug",
                "tug",
                "1.3.6.1.4.1.99999.2.2",
                "subClassOf: vessel",
                "objectClassCategory: 1",
                "systemPossSuperiors: harbour"
            ),
            objectClass(
                "Harbour",
                "harbour",
                "1.3.6.1.4.1.99999.2.3",
                "subClassOf: top",
                "objectClassCategory: 1",
                "systemPossSuperiors: vessel"
            ),
            objectClass(
                "Vessel",
                "vessel",
                "1.3.6.1.4.1.99999.2.1",
                "subClassOf: top",
                "objectClassCategory: 1",
                "systemMayContain: berth-Name",
                "systemMayContain: crew",
                "systemPossSuperiors: organizationalUnit"
            ),
            objectClass(
                "Ghost",
                "ghost",
                "1.3.6.1.4.1.99999.2.4",
                "subClassOf: top",
                "objectClassCategory: 1",
                "systemMayContain: nobodyHasThis"
            ),
            objectClass(
                "Ghost-Child",
                "ghostChild",
                "1.3.6.1.4.1.99999.2.5",
                "subClassOf: ghost",
                "objectClassCategory: 1"
            ),
            objectClass(
                "Container",
                "container",
                "1.2.840.113556.1.3.23",
                "subClassOf: top",
                "objectClassCategory: 1",
                "systemMustContain: cn",
                "mayContain: berth-Name",
                "systemPossSuperiors: harbour"
            ),
            attribute("Crew-Of", "crewOf", "1.3.6.1.4.1.99999.1.3", dn[0], dn[1], dn[2], "linkID: 9001"),
            attribute("Crew", "crew", "1.3.6.1.4.1.99999.1.2", dn[0], dn[1], dn[2], "linkID: 9000"),
            attribute(
                "Berth-Name",
                "berth-Name",
                "1.3.6.1.4.1.99999.1.1",
                text[0],
                text[1],
                "isSingleValued: TRUE"
            ),
            // Here already: Active Directory's surname is the same, its common name takes one value only.
            attribute("Common-Name", "cn", "2.5.4.3", text[0], text[1], "isSingleValued: TRUE"),
            attribute("Surname", "sn", "2.5.4.4", text[0], text[1], "isSingleValued: FALSE"),
            attribute("Odd", "odd", "1.3.6.1.4.1.99999.1.4", "attributeSyntax: 2.5.5.12", "oMSyntax: 4"),
        ]
        // Comments as Windows wrote them, in no UTF-8.
        let comment = Array("# Licence: IDL".utf8) + [0x92] + Array("s, or code samples \r\n\r\n".utf8)
        return comment + Array(records.joined().utf8)
    }

    @Test func `what does not contradict comes in, in whatever order; the rest is named by rule`()
        async throws
    {
        try await importing(Self.published) { service, result in
            let reply = try result.get()
            #expect(reply.read == 12 && reply.imported == 6 && reply.merged == 1, "\(reply.text)")
            #expect(reply.alreadyHere == 1 && reply.refused == 4)
            let reasons = Dictionary(
                reply.refusals.map { ($0.dn.prefix { $0 != "," }, $0.reason) },
                uniquingKeysWith: { first, _ in first }
            )
            #expect(reasons["CN=Common-Name"] == "isSingleValued: FALSE here, TRUE there")
            #expect(reasons["CN=Ghost"] == "systemMayContain names nobodyHasThis, which is not in the schema")
            #expect(reasons["CN=Ghost-Child"] == "subClassOf names ghost, which is not in the schema")
            #expect(reasons["CN=Odd"]?.contains("oMSyntax 4") == true, "\(reasons)")
            #expect(service.store.schema.problems.isEmpty)
            #expect(service.store.schema.attribute(named: "crewOf")?.linkID == 9001)
            let vessel = try await service.read("CN=Vessel,\(Self.schema)")
            #expect(vessel["defaultObjectCategory"] == ["CN=Vessel,\(Self.schema)"])
            #expect(try await service.read("CN=Container,\(Self.schema)")["mayContain"] == ["berth-Name"])
            try await service.write(
                .add("OU=Fleet,DC=reskit,DC=example", ["objectClass": ["organizationalUnit"]]),
                .add(
                    "CN=Fram,OU=Fleet,DC=reskit,DC=example",
                    [
                        "objectClass": ["vessel"], "berth-Name": ["7"],
                        "crew": ["OU=Fleet,DC=reskit,DC=example"],
                    ]
                )
            )
        }
    }

    @Test func `the same file once more brings nothing and loses nothing`() async throws {
        try await importing(Self.published + Self.published) { _, result in
            let reply = try result.get()
            #expect(reply.read == 24 && reply.imported == 6 && reply.refused == 8, "\(reply.text)")
            #expect(reply.merged + reply.alreadyHere == 10)
        }
    }

    @Test func `a file without the exchange of suffixes is refused record by record`() async throws {
        try await importing(Self.published, options: ImportOptions()) { _, result in
            let reply = try result.get()
            #expect(reply.imported == 0 && reply.refused == 12, "\(reply.text)")
        }
    }

    @Test func `a listing that is no LDIF is refused as a whole, with the way out`() async throws {
        let listing = "#\n\ncn: Account-Expires\nldapDisplayName: accountExpires\n\ncn: Next\n"
        try await importing(Array(listing.utf8)) { _, result in
            guard case .failure(let error) = result else {
                Issue.record("it was taken")
                return
            }
            #expect(error.code == "notLDIF" && error.message.contains("line 3"))
            #expect(error.hint?.contains(".ldf") == true)
        }
    }

    @Test(arguments: ["no name", "DC=X=Y,"])
    func `a suffix that is no name is an error before anything is read`(suffix: String) async throws {
        try await importing(Self.published, options: ImportOptions(fromDN: "DC=X", toDN: suffix)) {
            _,
            result in
            guard case .failure = result else {
                Issue.record("it was taken")
                return
            }
        }
    }
}
