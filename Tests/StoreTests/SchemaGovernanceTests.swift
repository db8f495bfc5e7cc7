import DirectoryModel
import Identifiers
import Replication
import Testing

@testable import Store

@Suite struct `Originating schema changes` {
    private static let schemaDN = "CN=Schema,CN=Configuration,DC=reskit,DC=example"
    private static let base = "DC=reskit,DC=example"

    private func withSchema() async throws -> Replica {
        let hq = try await Replica.withDomain(1)
        try await hq.store.createNamingContext(
            Replica.schema,
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["dMD"])],
            at: at(0)
        )
        return hq
    }

    private func definition(_ name: String, _ values: [String: [String]]) throws -> OriginatingOperation {
        .add(
            Entry(
                dn: try StoreTests.name("CN=\(name),\(Self.schemaDN)"),
                attributes: values.sorted { $0.key < $1.key }
                    .map { EntryAttribute(name: $0.key, strings: $0.value) }
            )
        )
    }

    private func attribute(_ name: String, _ arc: Int, _ more: [String: [String]] = [:]) throws
        -> OriginatingOperation
    {
        try definition(
            name,
            [
                "objectClass": ["attributeSchema"], "lDAPDisplayName": [name],
                "attributeID": ["1.3.6.1.4.1.99999.1.\(arc)"], "attributeSyntax": ["2.5.5.12"],
                "oMSyntax": ["64"], "isSingleValued": ["FALSE"],
            ].merging(more) { $1 }
        )
    }

    private func link(_ name: String, _ arc: Int, _ linkID: Int) throws -> OriginatingOperation {
        try attribute(
            name,
            arc,
            ["attributeSyntax": ["2.5.5.1"], "oMSyntax": ["127"], "linkID": [String(linkID)]]
        )
    }

    private func auxiliary(_ name: String, _ arc: Int, may: [String], _ more: [String: [String]] = [:]) throws
        -> OriginatingOperation
    {
        try definition(
            name,
            [
                "objectClass": ["classSchema"], "lDAPDisplayName": [name],
                "governsID": ["1.3.6.1.4.1.99999.2.\(arc)"], "subClassOf": ["top"],
                "objectClassCategory": ["3"],
            ].merging(may.isEmpty ? [:] : ["mayContain": may]) { $1 }.merging(more) { $1 }
        )
    }

    private func change(_ cn: String, _ attribute: String, _ values: String...) throws -> OriginatingOperation
    {
        .modify(
            .dn(try name("CN=\(cn),\(Self.schemaDN)")),
            [Modification(.replace, attribute, values.map(octets))]
        )
    }

    private func unit(_ name: String, _ values: [String: [String]]) throws -> OriginatingOperation {
        let all = ["objectClass": ["organizationalUnit", "berthed"]].merging(values) { $1 }
        return .add(
            Entry(
                dn: try StoreTests.name("OU=\(name),\(Self.base)"),
                attributes: all.sorted { $0.key < $1.key }
                    .map { EntryAttribute(name: $0.key, strings: $0.value) }
            )
        )
    }

    // MARK: - Refusals

    @Test func `a refusal names object, rule and operation, and nothing of the list is written`() async throws
    {
        let hq = try await withSchema()
        let usn = try await hq.highestUSN()
        let refusal = try await hq.refusal(attribute("berth", 1), attribute("quay", 1))
        #expect(refusal?.code == .entryAlreadyExists && refusal?.operationIndex == 1)
        #expect(
            refusal?.sentence
                == "schema object quay: attributeID 1.3.6.1.4.1.99999.1.1 already belongs to berth"
        )
        #expect(refusal?.hint?.isEmpty == false)
        #expect(try await hq.highestUSN() == usn)
        #expect(hq.store.schema.attribute(named: "berth") == nil)
    }

    @Test func `references are judged when the whole list is known`() async throws {
        let hq = try await withSchema()
        try await hq.write(auxiliary("berthed", 1, may: ["berth"]), attribute("berth", 1))
        #expect(hq.store.schema.problems.isEmpty)
        let refusal = try await hq.refusal(attribute("quay", 2), auxiliary("moored", 2, may: ["nothing"]))
        #expect(refusal?.code == .constraintViolation && refusal?.operationIndex == 1)
        #expect(refusal?.sentence.contains("mayContain names nothing") == true)
    }

    @Test func `what a definition is never changes`() async throws {
        let hq = try await withSchema()
        try await hq.write(
            attribute("berth", 1, ["isSingleValued": ["TRUE"]]),
            link("crew", 2, 9000),
            attribute("quay", 3),
            auxiliary("berthed", 1, may: ["berth"])
        )
        let refused = [
            ("berth", "attributeSyntax", "2.5.5.5"), ("berth", "attributeID", "1.2.3.4"),
            ("berth", "oMSyntax", "22"), ("crew", "linkID", "9002"), ("quay", "isSingleValued", "TRUE"),
            ("berthed", "governsID", "1.2.3.4"), ("berthed", "objectClassCategory", "1"),
            ("berthed", "subClassOf", "person"), ("berth", "systemOnly", "TRUE"),
            ("berthed", "mustContain", "berth"),
        ]
        for (name, attribute, value) in refused {
            let refusal = try await hq.refusal(change(name, attribute, value))
            #expect(refusal?.code == .unwillingToPerform, "\(name) \(attribute): \(refusal as Any)")
        }
        try await hq.write(change("berth", "isSingleValued", "FALSE"))
        #expect(hq.store.schema.attribute(named: "berth")?.isSingleValued == false)
    }

    @Test func `definitions stand below the head of the schema, and nothing else does`() async throws {
        let hq = try await withSchema()
        try await hq.write(attribute("berth", 1))
        let below = try definition("quay,CN=berth", ["objectClass": ["container"]])
        #expect(try await hq.refusal(below)?.code == .namingViolation)
        let container = try definition("quay", ["objectClass": ["container"]])
        #expect(try await hq.refusal(container)?.code == .objectClassViolation)
        let elsewhere = OriginatingOperation.add(
            Entry(
                dn: try name("CN=quay,\(Self.base)"),
                attributes: [
                    ("objectClass", "attributeSchema"), ("lDAPDisplayName", "quay"),
                    ("attributeID", "1.2.3.4"),
                    ("attributeSyntax", "2.5.5.12"), ("oMSyntax", "64"), ("isSingleValued", "TRUE"),
                ].map { EntryAttribute(name: $0.0, strings: [$0.1]) }
            )
        )
        #expect(try await hq.refusal(elsewhere)?.code == .namingViolation)
    }

    @Test func `an attribute of the directory itself is written by it alone`() async throws {
        let hq = try await Replica.withDomain(1)
        let operation = try modify(Self.base, .replace, "msDS-Behavior-Version", "7")
        for author in [WriteAuthor.administrator, .directory] {
            do {
                let guid = GUID.numbered(1)
                _ = try await hq.store.originate([operation], by: author, at: at(2)) { guid }
                #expect(author == .directory)
            } catch let error as DirectoryError {
                #expect(author == .administrator && error.code == .constraintViolation)
                #expect(error.sentence.contains("msDS-Behavior-Version"))
            }
        }
    }

    // MARK: - Defunct definitions

    @Test func `a defunct attribute takes no new values, frees its name, and comes back with what was kept`()
        async throws
    {
        let hq = try await withSchema()
        try await hq.write(
            attribute("berth", 1),
            auxiliary("berthed", 1, may: ["berth"]),
            unit("Fram", ["berth": ["7"]])
        )
        #expect(try await hq.refusal(change("berth", "isDefunct", "TRUE"))?.code == .unwillingToPerform)
        try await hq.write(change("berthed", "mayContain"), change("berth", "isDefunct", "TRUE"))
        let refusal = try await hq.refusal(unit("Maud", ["berth": ["8"]]))
        #expect(refusal?.code == .undefinedAttributeType && refusal?.sentence.contains("defunct") == true)
        let named = try await hq.refusal(auxiliary("moored", 2, may: ["berth"]))
        #expect(named?.code == .constraintViolation && named?.sentence.contains("defunct") == true)
        #expect(try await hq.entry("OU=Fram,\(Self.base)")?.strings("berth") == [])

        try await hq.write(change("berth", "isDefunct", "FALSE"), change("berthed", "mayContain", "berth"))
        #expect(try await hq.entry("OU=Fram,\(Self.base)")?.strings("berth") == ["7"])

        try await hq.write(change("berthed", "mayContain"), change("berth", "isDefunct", "TRUE"))
        var successor = try attribute("berth", 9)
        if case .add(var entry, let guid) = successor {
            entry.dn = try name("CN=berth-2,\(Self.schemaDN)")
            successor = .add(entry, objectGUID: guid)
        }
        try await hq.write(successor, change("berthed", "mayContain", "berth"))
        #expect(hq.store.schema.attribute(named: "berth")?.oid.description == "1.3.6.1.4.1.99999.1.9")
        #expect(try await hq.refusal(change("berth", "isDefunct", "FALSE"))?.code == .entryAlreadyExists)
    }

    @Test func `a defunct class takes no new objects`() async throws {
        let hq = try await withSchema()
        try await hq.write(attribute("berth", 1), auxiliary("berthed", 1, may: ["berth"]), unit("Fram", [:]))
        try await hq.write(change("berthed", "isDefunct", "TRUE"))
        let refusal = try await hq.refusal(unit("Maud", [:]))
        #expect(refusal?.code == .objectClassViolation && refusal?.sentence.contains("defunct") == true)
        // What is there can be taken away.
        try await hq.write(.delete(.dn(try name("OU=Fram,\(Self.base)"))))
        let derived = try auxiliary("moored", 2, may: [], ["subClassOf": ["berthed"]])
        #expect(try await hq.refusal(derived)?.sentence.contains("defunct") == true)
    }

    // MARK: - Replication

    private func joined(_ hq: Replica) async throws -> Replica {
        let van = try await Replica.joined(2, to: hq)
        try await van.store.addReplica(Replica.schema, isPartial: false)
        return van
    }

    @Test func `links and references that come before their schema show when it arrives`() async throws {
        let hq = try await withSchema()
        try await hq.write(
            link("crew", 1, 9000),
            link("crewOf", 2, 9001),
            attribute("flagship", 3, ["attributeSyntax": ["2.5.5.1"], "oMSyntax": ["127"]]),
            auxiliary("berthed", 1, may: ["crew", "flagship"]),
            auxiliary("sailor", 2, may: ["crewOf"]),
            StoreTests.person("CN=Ann,\(Self.base)"),
            StoreTests.person("CN=Bo,\(Self.base)"),
            unit(
                "Fram",
                [
                    "crew": ["CN=Ann,\(Self.base)", "CN=Bo,\(Self.base)"],
                    "flagship": ["CN=Ann,\(Self.base)"],
                ]
            )
        )
        let van = try await joined(hq)
        let fram = "OU=Fram,\(Self.base)"
        #expect(try await van.entry(fram)?.strings("crew") == [])
        #expect(try await van.stampedState() == hq.stampedState())
        // Meanwhile a value goes, and a target gets another name.
        try await hq.write(
            modify(fram, .delete, "crew", "CN=Bo,\(Self.base)"),
            rename("CN=Ann,\(Self.base)", "CN=Anna")
        )
        try await van.pull(from: hq)
        #expect(try await van.entry(fram)?.strings("crew") == [])
        let outcomes = try await van.pull(from: hq, Replica.schema.guid)
        #expect(outcomes.contains { $0.schemaChanged })
        let anna = "CN=Anna,\(Self.base)"
        let shown = try await van.entry(fram)
        #expect(shown?.strings("crew") == [anna] && shown?.strings("flagship") == [anna])
        #expect(try await van.entry(anna)?.strings("crewOf") == [fram])
        #expect(try await van.entry("CN=Bo,\(Self.base)")?.strings("crewOf") == [])
        #expect(try await van.stampedState() == hq.stampedState())
        // And they can be written here now.
        try await van.write(modify(fram, .add, "crew", "CN=Bo,\(Self.base)"), seconds: 200)
        #expect(try await van.entry("CN=Bo,\(Self.base)")?.strings("crewOf") == [fram])
    }

    @Test func `a replicated definition is taken whatever the rules here say`() async throws {
        let hq = try await withSchema()
        let van = try await joined(hq)
        try await van.pull(from: hq, Replica.schema.guid)
        // Two sites take one name and one OID before they hear of each other.
        try await hq.write(attribute("berth", 1))
        try await van.write(attribute("berth", 1, ["adminDescription": ["Vancouver's"]]))
        try await van.pull(from: hq, Replica.schema.guid)
        try await hq.pull(from: van, Replica.schema.guid)
        let schema = Replica.schema.guid
        #expect(try await hq.stampedState(schema) == van.stampedState(schema))
        #expect(hq.store.schema.problems.count == 1)
        #expect(hq.store.schema.attribute(named: "berth") == van.store.schema.attribute(named: "berth"))
    }
}
