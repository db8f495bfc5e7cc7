import AdminAPI
import Foundation
import Identifiers
import Testing

@Suite struct `Admin interface's JSON` {
    @Test func `a value is text where its octets are readable`() throws {
        let json = try AdminJSON.encode([
            AttributeValue("Zoë"), AttributeValue([0xff, 0x00]), AttributeValue([7]),
        ])
        #expect(
            String(decoding: json, as: UTF8.self) == #"[{"text":"Zoë"},{"base64":"/wA="},{"base64":"Bw=="}]"#
        )
        let back = try AdminJSON.decode([AttributeValue].self, from: json)
        #expect(back.map(\.octets) == [Array("Zoë".utf8), [0xff, 0x00], [7]])
    }

    @Test func `a target is a DN or a GUID in three spellings`() throws {
        let guid = try #require(GUID("5d3a0b4e-0c9f-4c2b-9a35-1f0e9d7c6b5a"))
        #expect(ObjectTarget("5D3A0B4E-0C9F-4C2B-9A35-1F0E9D7C6B5A").objectGUID == guid)
        #expect(ObjectTarget("<GUID=5d3a0b4e-0c9f-4c2b-9a35-1f0e9d7c6b5a>").objectGUID == guid)
        #expect(ObjectTarget("CN=x").dn == "CN=x")
        #expect(ObjectTarget("<GUID=zz>").dn == "<GUID=zz>")
    }

    @Test func `an error names the place in the JSON and never the value`() throws {
        let bad = Data(
            #"{"target":{"dn":"CN=x"},"deleted":"secret","operational":false,"attributes":[]}"#.utf8
        )
        let error = #expect(throws: AdminError.self) { try AdminJSON.decode(ObjectQuery.self, from: bad) }
        #expect(error?.code == "badRequest")
        #expect(error?.message == "the JSON body needs Bool for deleted")
        #expect(throws: AdminError.self) { try AdminJSON.decode(ObjectQuery.self, from: Data("{".utf8)) }
        #expect(throws: AdminError.self) { try AdminJSON.decode(ObjectQuery.self, from: Data("{}".utf8)) }
    }

    @Test func `each line of an import's answer comes back as it was`() throws {
        let progress = ImportProgress(read: 4, imported: 1, merged: 2, refused: 1)
        let lines: [ImportLine] = [
            .progress(progress),
            .result(ImportReply(progress, refusals: [ImportRefusal(line: 7, dn: "CN=x", reason: "no")])),
            .error(AdminError(code: "internal", message: "disk full", hint: "make room")),
        ]
        for line in lines {
            #expect(try AdminJSON.decode(ImportLine.self, from: try AdminJSON.encode(line)) == line)
        }
    }

    @Test func `every route has its own path and a status for every fault`() {
        #expect(Set(AdminRoute.allCases.map(\.rawValue)).count == AdminRoute.allCases.count)
        for route in AdminRoute.allCases {
            #expect(["GET", "POST"].contains(route.method))
            #expect(route.path.hasPrefix("/\(ProductVersion.adminInterface)/"))
        }
        #expect(AdminError(code: "noSuchObject", ldapCode: 32, message: "m").httpStatus == 404)
        #expect(AdminError(code: "objectClassViolation", ldapCode: 65, message: "m").httpStatus == 422)
        #expect(AdminError(CancellationError()).httpStatus == 503)
        #expect(AdminError(code: "internal", message: "m").httpStatus == 500)
    }

    @Test func `every route stands in docs/admin-api.md`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/admin-api.md"), encoding: .utf8)
        for route in AdminRoute.allCases { #expect(text.contains("| `\(route.rawValue)` |")) }
    }
}
