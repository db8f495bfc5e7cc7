import DirectoryModel
import Identifiers
import Replication
import Testing

@testable import Store

@Suite struct `Growing partial replicas` {
    let base = "DC=reskit,DC=example"
    let schemaDN = "CN=Schema,CN=Configuration,DC=reskit,DC=example"
    let anna = "CN=Anna,DC=reskit,DC=example"

    /// A full replica with the schema as objects, and a partial one that has all of it.
    private func pair() async throws -> (hq: Replica, catalog: Replica) {
        let hq = try await Replica.withDomain(1)
        try await hq.store.createNamingContext(
            Replica.schema,
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["dMD"])],
            at: at(0)
        )
        _ = try await hq.write(
            all: Schema.builtinRecords().map { record in
                let parts = record.dn.split(separator: ",")
                return .add(
                    Entry(
                        dn: try name(parts.dropLast().joined(separator: ",") + "," + schemaDN),
                        attributes: record.contentAttributes
                    )
                )
            }
        )
        try await hq.write(
            person(anna, .numbered(1), ["title": ["Captain"], "roomNumber": ["7"], "description": ["x"]]),
            person("CN=Bob,\(base)", .numbered(2)),
            modify(anna, .add, "secretary", "CN=Bob,\(base)")
        )
        let catalog = try Replica(2)
        try await catalog.store.addReplica(Replica.schema, isPartial: false)
        try await catalog.store.addReplica(Replica.domain, isPartial: true)
        try await catalog.pull(from: hq, Replica.schema.guid)
        try await catalog.pull(from: hq, kind: Replica.partialKind)
        return (hq, catalog)
    }

    private func set(_ attribute: String, _ isMember: Bool, at replica: Replica) async throws {
        let name = try #require(
            try await replica.store.snapshot { snapshot in
                try snapshot.find(
                    attribute: try #require(snapshot.schema.attribute(named: "lDAPDisplayName")).oid,
                    equals: octets(attribute)
                ).first.flatMap { try snapshot.dn(of: $0)?.description(naming: snapshot.schema) }
            } ?? "CN=\(attribute),\(schemaDN)"
        )
        try await replica.write(
            modify(name, .replace, "isMemberOfPartialAttributeSet", isMember ? "TRUE" : "FALSE")
        )
    }

    private func partialSet(of replica: Replica) async throws -> PartialSet? {
        try await replica.store.snapshot { try $0.destination(of: Replica.domain.guid).partialSet }
    }

    @Test func `added attributes come by the second vector and join when it has what the main one has`()
        async throws
    {
        let (hq, catalog) = try await pair()
        #expect(try await catalog.entry(anna)?.strings("roomNumber") == [])
        try await set("roomNumber", true, at: hq)
        let before = try await catalog.highestUSN()
        try await catalog.pull(from: hq, Replica.schema.guid)
        let growing = try #require(try await partialSet(of: catalog))
        #expect(growing.added.count == 1)
        #expect(growing.addedVector == .init())
        try await catalog.pull(from: hq, kind: Replica.partialKind)
        #expect(try await catalog.entry(anna)?.strings("roomNumber") == ["7"])
        #expect(try await partialSet(of: catalog)?.added == [])
        #expect(try await catalog.highestUSN() > before)
    }

    @Test func `what leaves the set is purged without a USN, and comes again when it is added again`()
        async throws
    {
        let (hq, catalog) = try await pair()
        try await set("roomNumber", true, at: hq)
        try await catalog.pull(from: hq, Replica.schema.guid)
        try await catalog.pull(from: hq, kind: Replica.partialKind)
        try await set("roomNumber", false, at: hq)
        try await catalog.pull(from: hq, Replica.schema.guid)
        #expect(try await catalog.entry(anna)?.strings("roomNumber") == [])
        let metadata = try await catalog.store.snapshot { try $0.metadata(of: .numbered(1)) }
        #expect(metadata?.attributes.contains { $0.attribute == "roomNumber" } == false)
        try await set("roomNumber", true, at: hq)
        try await catalog.pull(from: hq, Replica.schema.guid)
        try await catalog.pull(from: hq, kind: Replica.partialKind)
        #expect(try await catalog.entry(anna)?.strings("roomNumber") == ["7"])
    }

    @Test func `an answer to a request of before the addition moves no cursor`() async throws {
        let (hq, catalog) = try await pair()
        try await hq.write(modify(anna, .replace, "description", "late"))
        let parts = try await catalog.request(from: hq, id: .numbered(77), kind: Replica.partialKind)
        try await set("roomNumber", true, at: hq)
        try await catalog.pull(from: hq, Replica.schema.guid)
        let outcomes = try await catalog.apply(parts)
        #expect(outcomes.allSatisfy { $0.verdict == .apply(movesCursors: false) })
        #expect(try await partialSet(of: catalog)?.added.count == 1)
    }

    @Test func `an added attribute of an object that was collected here is no lingering object`() async throws
    {
        let (hq, catalog) = try await pair()
        try await hq.write(.delete(.dn(try name(anna))))
        try await catalog.pull(from: hq, kind: Replica.partialKind)
        try await catalog.store.change(at: at(0)) { transaction in
            try Query("DELETE FROM objects WHERE guid = ?", in: transaction.db).run(.guid(.numbered(1)))
        }
        try await set("roomNumber", true, at: hq)
        try await catalog.pull(from: hq, Replica.schema.guid)
        let outcomes = try await catalog.pull(from: hq, kind: Replica.partialKind)
        #expect(outcomes.allSatisfy { $0.verdict == .apply(movesCursors: true) })
        #expect(try await partialSet(of: catalog)?.added == [])
    }
}
