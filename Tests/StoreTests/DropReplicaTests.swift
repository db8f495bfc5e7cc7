import DirectoryModel
import Identifiers
import Replication
import Testing

@testable import Store

@Suite struct `Giving up a replica` {
    private let base = "DC=reskit,DC=example"
    private var unitA: String { "OU=A,\(base)" }

    private func pair() async throws -> (hq: Replica, catalog: Replica) {
        let hq = try await Replica.withDomain(1)
        try await hq.write(unit(unitA, .numbered(2)), person("CN=Ada,\(unitA)", .numbered(1)))
        let catalog = try Replica(4)
        try await catalog.store.addReplica(Replica.domain, isPartial: true)
        try await catalog.pull(from: hq, kind: Replica.partialKind)
        #expect(try await catalog.holds(.numbered(1)))
        return (hq, catalog)
    }

    private func rows(_ replica: Replica) async throws -> [String: Int] {
        try await replica.store.change(at: at(0)) { transaction in
            var counts: [String: Int] = [:]
            for table in [
                "objects", "links", "naming_contexts", "unseen_objects", "unseen_links", "lingering",
                "conflicts", "held_parts",
            ] {
                counts[table] =
                    try Query("SELECT count(*) FROM \(table)", in: transaction.db)
                    .first { Int($0.integer(0)) } ?? 0
            }
            return counts.filter { $0.value > 0 }
        }
    }

    @Test func `nothing of a partial replica stays, and taken up again it joins and has all`() async throws {
        let (hq, catalog) = try await pair()
        // In the middle of a resync there is more to forget.
        try await catalog.store.resync(Replica.domain.guid, from: nil)
        try await catalog.store.dropReplica(Replica.domain.guid)
        #expect(catalog.store.namingContexts.isEmpty)
        #expect(try await !catalog.holds(.numbered(1)))
        #expect(try await rows(catalog) == [:])

        try await hq.write(modify(unitA, .replace, "description", "later"))
        try await catalog.store.addReplica(Replica.domain, isPartial: true)
        #expect(
            try await catalog.store.snapshot { try !$0.destination(of: Replica.domain.guid).hasJoined }
        )
        try await catalog.pull(from: hq, kind: Replica.partialKind, seconds: 10)
        #expect(try await catalog.holds(.numbered(1)))
        #expect(try await catalog.tree().sorted() == hq.tree().sorted())
        try await catalog.checkPlacement()
    }

    @Test func `a late part of its first life moves no cursor of the second`() async throws {
        let (hq, catalog) = try await pair()
        try await hq.write(modify(unitA, .replace, "description", "late"))
        let late = try await catalog.request(
            from: hq,
            id: .numbered(77),
            kind: Replica.partialKind,
            seconds: 5
        )
        try await catalog.store.dropReplica(Replica.domain.guid)
        try await catalog.store.addReplica(Replica.domain, isPartial: true)
        _ = try? await catalog.apply(late, seconds: 6)
        let destination = try await catalog.store.snapshot { try $0.destination(of: Replica.domain.guid) }
        #expect(!destination.hasJoined && destination.cursors.isEmpty && destination.vector == .init())
    }

    @Test func `a full replica and one that is not held are refused`() async throws {
        let hq = try await Replica.withDomain(1)
        try await hq.write(unit(unitA, .numbered(2)))
        let before = try await hq.dump()
        await #expect(throws: DirectoryError.self) { try await hq.store.dropReplica(Replica.domain.guid) }
        await #expect(throws: StoreError.self) { try await hq.store.dropReplica(.numbered(500)) }
        #expect(try await hq.dump() == before)
    }
}
