import DirectoryModel
import Foundation
import Identifiers
import Replication
import Testing

@testable import Store

@Suite struct `Database file` {
    let base = "DC=reskit,DC=example"

    private func inTemporaryDirectory(_ body: (String) async throws -> Void) async throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        try await body(url.path)
    }

    @Test func `opening it again shows everything as it was`() async throws {
        try await inTemporaryDirectory { directory in
            let path = directory + "/directory.sqlite"
            var before: [String] = []
            do {
                let hq = try await Replica.withDomain(1, path: path)
                try hq.store.recordBoot(id: .numbered(1))
                try await hq.write(
                    unit("OU=A,\(base)"),
                    person("CN=Ada,OU=A,\(base)", nil, ["mail": ["ada@reskit.example"]])
                )
                _ = try await hq.write(.delete(.dn(try name("CN=Ada,OU=A,\(base)"))))
                let van = try await Replica.joined(2, to: hq)
                try await van.write(unit("OU=B,\(base)"))
                try await hq.pull(from: van)
                before = try await hq.dump()
            }
            let again = try Replica(9, path: path)
            #expect(again.store.identity.invocationID == GUID(high: 0x1f0, low: 1))
            #expect(again.store.bootRecords.map(\.bootID) == [.numbered(1)])
            #expect(again.store.namingContexts.map(\.namingContext) == [Replica.domain])
            #expect(try await again.dump() == before)
            #expect(try await again.entry("OU=B,\(base)") != nil)
            let usn = try await again.highestUSN()
            let boots = try again.store.recordBoot(id: .numbered(2))
            #expect(boots == [BootRecord(bootID: .numbered(2), startUSN: usn), boots[1]])
            try await again.write(unit("OU=C,\(base)"))
            #expect(try await again.highestUSN() == usn.next)
        }
    }

    @Test func `commits reach stable storage before they are acknowledged`() async throws {
        try await inTemporaryDirectory { directory in
            let store = try Replica(1, path: directory + "/directory.sqlite").store
            #expect(try store.synchronousLevel() == 2)
        }
    }

    @Test func `32 boot records are kept`() throws {
        let store = try Replica(1).store
        for number in 1...40 { try store.recordBoot(id: .numbered(UInt64(number))) }
        #expect(store.bootRecords.count == ReplicationLimits.bootRecordsMax)
        #expect(store.bootRecords.first?.bootID == .numbered(40))
    }

    @Test func `a file of another version or another program is refused`() async throws {
        try await inTemporaryDirectory { directory in
            let path = directory + "/directory.sqlite"
            do { _ = try DirectoryStore(path: path, sha256: digest) }
            // The version is the big-endian number at octet 60 of the file (SQLite file format, section 1.3).
            let handle = try #require(FileHandle(forUpdatingAtPath: path))
            try handle.seek(toOffset: 60)
            try handle.write(contentsOf: Data([0, 0, 0, 99]))
            try handle.close()
            #expect(throws: StoreError.otherVersion(found: 99, expected: Tables.version)) {
                try DirectoryStore(path: path, sha256: digest)
            }
            let other = directory + "/other"
            try Data(repeating: 0x61, count: 4096).write(to: URL(fileURLWithPath: other))
            #expect(throws: StoreError.notADirectoryDatabase(path: other)) {
                try DirectoryStore(path: other, sha256: digest)
            }
        }
    }

    private struct Crash: Error {}

    @Test func `a transaction that fails in the middle changes nothing`() async throws {
        try await inTemporaryDirectory { directory in
            let hq = try await Replica.withDomain(1)
            let van = try await Replica.joined(2, to: hq, path: directory + "/directory.sqlite")
            try await hq.write(
                unit("OU=A,\(base)"),
                person("CN=Ada,OU=A,\(base)", nil, ["roomNumber": ["1"]])
            )
            let parts = try await van.request(from: hq, id: .numbered(7))
            let (dump, usn) = (try await van.dump(), try await van.highestUSN())
            let destination = try await van.store.snapshot { try $0.destination(of: Replica.domain.guid) }
            await #expect(throws: Crash.self) {
                try await van.store.change(at: at(100)) { transaction in
                    let context = ApplyContext(ownDSA: van.dsa, now: at(100))
                    let outcomes = try transaction.apply(parts, context: context)
                    #expect(outcomes[0].objectsApplied == 2)
                    throw Crash()
                }
            }
            #expect(try await van.dump() == dump)
            #expect(try await van.highestUSN() == usn)
            #expect(
                try await van.store.snapshot { try $0.destination(of: Replica.domain.guid) } == destination
            )
            #expect(try await van.apply(parts)[0].verdict == .apply(movesCursors: true))
            #expect(try await van.entry("CN=Ada,OU=A,\(base)")?.strings("roomNumber") == ["1"])
            #expect(try await van.stampedState() == hq.stampedState())
        }
    }
}
