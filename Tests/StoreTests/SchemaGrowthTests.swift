import DirectoryModel
import Identifiers
import Replication
import Testing

@testable import Store

@Suite struct `Schema growth` {
    let base = "DC=reskit,DC=example"
    let schemaDN = "CN=Schema,CN=Configuration,DC=reskit,DC=example"

    private func createSchema(at replica: Replica) async throws {
        try await replica.store.createNamingContext(
            Replica.schema,
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["dMD"])],
            at: at(0)
        )
    }

    private func builtinObjects() throws -> [OriginatingOperation] {
        try Schema.builtinRecords().map { record in
            let parts = record.dn.split(separator: ",")
            return .add(
                Entry(
                    dn: try name(parts.dropLast().joined(separator: ",") + "," + schemaDN),
                    attributes: record.contentAttributes
                )
            )
        }
    }

    private func attribute(_ name: String, _ oid: String, indexed: Bool = false) throws
        -> OriginatingOperation
    {
        .add(
            Entry(
                dn: try StoreTests.name("CN=\(name),\(schemaDN)"),
                attributes: [
                    EntryAttribute(name: "objectClass", strings: ["attributeSchema"]),
                    EntryAttribute(name: "lDAPDisplayName", strings: [name]),
                    EntryAttribute(name: "attributeID", strings: [oid]),
                    EntryAttribute(name: "attributeSyntax", strings: ["2.5.5.12"]),
                    EntryAttribute(name: "oMSyntax", strings: ["64"]),
                    EntryAttribute(name: "isSingleValued", strings: ["FALSE"]),
                    EntryAttribute(name: "searchFlags", strings: [indexed ? "1" : "0"]),
                ]
            )
        )
    }

    private func auxiliary(
        _ name: String,
        _ oid: String,
        may: String,
        superior: String = "top"
    ) throws -> OriginatingOperation {
        .add(
            Entry(
                dn: try StoreTests.name("CN=\(name),\(schemaDN)"),
                attributes: [
                    EntryAttribute(name: "objectClass", strings: ["classSchema"]),
                    EntryAttribute(name: "lDAPDisplayName", strings: [name]),
                    EntryAttribute(name: "governsID", strings: [oid]),
                    EntryAttribute(name: "subClassOf", strings: [superior]),
                    EntryAttribute(name: "objectClassCategory", strings: ["3"]),
                    EntryAttribute(name: "mayContain", strings: [may]),
                ]
            )
        )
    }

    private func ship(_ text: String, berth: String) throws -> OriginatingOperation {
        .add(
            Entry(
                dn: try name(text),
                attributes: [
                    EntryAttribute(name: "objectClass", strings: ["organizationalUnit", "berthed"]),
                    EntryAttribute(name: "berth", strings: [berth]),
                ]
            )
        )
    }

    /// A directory keeps values sorted, a file as they were written.
    private func sorted(_ definition: ClassDefinition) -> ClassDefinition {
        var sorted = definition
        sorted.must.sort()
        sorted.may.sort()
        sorted.auxiliary.sort()
        sorted.possibleSuperiors.sort()
        sorted.aliases.sort()
        return sorted
    }

    @Test func `the built-in schema loads as objects and stays the same schema`() async throws {
        let hq = try await Replica.withDomain(1)
        try await createSchema(at: hq)
        let builtin = try Schema.builtin()
        let results = try await hq.write(all: builtinObjects())
        #expect(results.count == Schema.builtinRecords().count)
        #expect(hq.store.schema.attributes == builtin.attributes)
        #expect(hq.store.schema.classes.map(sorted) == builtin.classes.map(sorted))
        #expect(hq.store.schema.partialAttributeSet == builtin.partialAttributeSet)
        #expect(hq.store.schema.problems.isEmpty)
    }

    @Test func `a definition can be used by the next operation of the same list`() async throws {
        let hq = try await Replica.withDomain(1)
        try await createSchema(at: hq)
        #expect(try await hq.refusal(ship("OU=Fram,\(base)", berth: "7"))?.code == .undefinedAttributeType)
        try await hq.write(
            attribute("berth", "1.3.6.1.4.1.99999.1.1", indexed: true),
            auxiliary("berthed", "1.3.6.1.4.1.99999.2.1", may: "berth"),
            ship("OU=Fram,\(base)", berth: "Pier 7")
        )
        #expect(try await hq.entry("OU=Fram,\(base)")?.strings("berth") == ["Pier 7"])
        let found = try await hq.store.snapshot {
            try $0.find(attribute: $0.schema.attribute(named: "berth")?.oid ?? .cn, equals: octets("pier 7"))
        }
        #expect(found.count == 1)
        let berth = "CN=berth,\(schemaDN)"
        #expect(try await hq.refusal(.delete(.dn(try name(berth))))?.code == .unwillingToPerform)
        #expect(try await hq.refusal(rename(berth, "CN=berth", under: base))?.code == .unwillingToPerform)
    }

    @Test func `an attribute ahead of its schema is kept, and shown and found when the schema arrives`()
        async throws
    {
        let hq = try await Replica.withDomain(1)
        try await createSchema(at: hq)
        try await hq.write(
            attribute("berth", "1.3.6.1.4.1.99999.1.1", indexed: true),
            auxiliary("berthed", "1.3.6.1.4.1.99999.2.1", may: "berth"),
            ship("OU=Fram,\(base)", berth: "Pier 7")
        )
        let van = try await Replica.joined(2, to: hq)
        #expect(try await van.entry("OU=Fram,\(base)")?.strings("berth") == [])
        #expect(try await van.stampedState() == hq.stampedState())
        try await van.store.addReplica(Replica.schema, isPartial: false)
        let outcomes = try await van.pull(from: hq, Replica.schema.guid)
        #expect(outcomes.contains { $0.schemaChanged })
        #expect(try await van.entry("OU=Fram,\(base)")?.strings("berth") == ["Pier 7"])
        let found = try await van.store.snapshot {
            try $0.find(attribute: $0.schema.attribute(named: "berth")?.oid ?? .cn, equals: octets("PIER 7"))
        }
        #expect(found.count == 1)
    }

    // MARK: - Classes

    /// An auxiliary class and one below it, which implies it.
    private func berthedAndMoored() throws -> [OriginatingOperation] {
        [
            try attribute("berth", "1.3.6.1.4.1.99999.1.1"),
            try auxiliary("berthed", "1.3.6.1.4.1.99999.2.1", may: "berth"),
            try auxiliary("moored", "1.3.6.1.4.1.99999.2.2", may: "berth", superior: "berthed"),
        ]
    }

    private func members(_ name: String, at replica: Replica) async throws -> Int {
        try await replica.store.snapshot { try $0.entries(ofClass: name).count }
    }

    @Test func `an object is found by each of its classes, as it gets and loses them`() async throws {
        let hq = try await Replica.withDomain(1)
        try await createSchema(at: hq)
        _ = try await hq.write(all: berthedAndMoored())
        let fram = "OU=Fram,\(base)"
        try await hq.write(unit(fram))
        #expect(try await members("berthed", at: hq) == 0)
        for classes in [["moored"], ["berthed"], ["moored"], []] {
            try await hq.write(
                .modify(
                    .dn(try name(fram)),
                    [Modification(.replace, "objectClass", (["organizationalUnit"] + classes).map(octets))]
                )
            )
            #expect(try await members("moored", at: hq) == (classes == ["moored"] ? 1 : 0), "\(classes)")
            #expect(try await members("berthed", at: hq) == (classes.isEmpty ? 0 : 1), "\(classes)")
            #expect(try await members("organizationalUnit", at: hq) == 1, "\(classes)")
        }
    }

    @Test func `an object whose classes came ahead of the schema is found by a superior`() async throws {
        let hq = try await Replica.withDomain(1)
        try await createSchema(at: hq)
        _ = try await hq.write(all: berthedAndMoored())
        let entry = Entry(
            dn: try name("OU=Fram,\(base)"),
            attributes: [EntryAttribute(name: "objectClass", strings: ["organizationalUnit", "moored"])]
        )
        try await hq.write(.add(entry))
        let van = try await Replica.joined(2, to: hq)
        try await van.store.addReplica(Replica.schema, isPartial: false)
        try await van.pull(from: hq, Replica.schema.guid)
        for name in ["berthed", "moored", "organizationalUnit"] {
            #expect(try await members(name, at: van) == 1, "\(name)")
        }
    }

    @Test func `an implication that the schema takes back makes the rows anew`() async throws {
        let hq = try await Replica.withDomain(1)
        try await createSchema(at: hq)
        _ = try await hq.write(all: berthedAndMoored())
        let entry = Entry(
            dn: try name("OU=Fram,\(base)"),
            attributes: [EntryAttribute(name: "objectClass", strings: ["organizationalUnit", "moored"])]
        )
        try await hq.write(.add(entry))
        // No originating write may do that; one that replicates here is taken as it is.
        let loose = try await hq.looseParts(Replica.schema.guid).compactMap { part -> ChangesReply? in
            var part = part
            guard let subClassOf = part.attributes.firstIndex(where: { "\($0)" == "1.2.840.113556.1.2.21" }),
                part.objects.count == 1,
                let index = part.objects[0].attributes.firstIndex(where: {
                    $0.attribute == subClassOf && $0.valueSet.first == octets("berthed")
                })
            else { return nil }
            let before = part.objects[0].attributes[index].stamp
            let stamp = Stamp(
                version: before.version + 1,
                time: before.time,
                invocationID: .numbered(77),
                originatingUSN: before.originatingUSN
            )
            part.objects[0].attributes = [
                ReplicatedAttribute(attribute: subClassOf, stamp: stamp, values: [octets("top")])
            ]
            part.header.dsaGUID = .numbered(78)
            part.header.invocationID = .numbered(77)
            return part
        }
        #expect(loose.count == 1)
        #expect(try await hq.apply(loose).map(\.objectsApplied) == [1])
        #expect(try await members("berthed", at: hq) == 1)
        #expect(try await members("moored", at: hq) == 1)
    }
}
