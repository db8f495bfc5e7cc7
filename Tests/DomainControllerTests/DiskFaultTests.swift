@testable import DomainController
import Foundation
import Identifiers
import InterSiteMessaging
import Replication
import Simulator
import Store
import Testing

private func identity(_ life: Int) throws -> ReplicaIdentity {
    ReplicaIdentity(
        dsaGUID: try #require(GUID("00000000-0000-4000-8000-0000000000d5")),
        invocationID: try #require(GUID("00000000-0000-4000-8000-00000000000\(life)"))
    )
}

/// What was handed out must be known at the next start, or a database that is put back is not noticed.
@Suite(.timeLimit(.minutes(2))) struct `The generation file` {
    private func open(_ disk: any FileSystem) throws -> GenerationFile {
        try GenerationFile(DataDirectory("/data", files: disk), bootID: .zero)
    }

    @Test func `forgets nothing that was handed out, wherever the machine dies`() async throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SimulationRandom(seed: seed)
        let disk = CrashDisk(folders: ["/", "/data"])
        let (first, second) = (try identity(1), try identity(2))
        let cure = Timestamp(seconds: 1_800_000_000)
        let generation = try open(disk)
        disk.record()
        try await generation.begin(first, at: USN(100), cure: nil)
        disk.promise("first", Array("100".utf8))
        for usn in stride(from: Int64(110), through: 190, by: 10) {
            try await generation.handOut(USN(usn), by: first)
            disk.promise("first", Array("\(usn)".utf8))
        }
        try await generation.begin(second, at: USN(200), cure: cure)
        disk.promise("second", Array("200".utf8))
        for usn in stride(from: Int64(210), through: 290, by: 10) {
            try await generation.handOut(USN(usn), by: second)
            disk.promise("second", Array("\(usn)".utf8))
        }
        var seen: Set<[String: [UInt8]]> = []
        for moment in disk.moments {
            for files in moment.disk.afterCrash(countMax: 200, using: &random) {
                seen.insert(files)
                let found = try open(CrashDisk(files: files, folders: ["/", "/data"]))
                let life = moment.promises["second"] == nil ? first : second
                let promise = moment.promises["second"] ?? moment.promises["first"]
                guard let promise, let usn = Int64(String(decoding: promise, as: UTF8.self)) else { continue }
                #expect(found.isAhead(of: life, at: USN(usn - 1), retired: []), "seed \(seed): \(usn)")
                #expect(!found.isAhead(of: second, at: USN(1_000), retired: [retired(first)]), "seed \(seed)")
                if life == second { #expect(found.lastCure == cure, "seed \(seed)") }
            }
        }
        print("\(seen.count) crash states of the generation file in \(disk.moments.count) calls")
        #expect(seen.count >= 60)
    }

    private func retired(_ identity: ReplicaIdentity) -> RetiredInvocation {
        RetiredInvocation(invocationID: identity.invocationID, keptUSN: USN(100), isReused: false)
    }

    @Test(arguments: CrashDisk.Fault.allCases)
    func `never says less than was handed out, whichever call fails`(fault: CrashDisk.Fault) async throws {
        let life = try identity(1)
        var call = 0
        var isClean = false
        while !isClean {
            call += 1
            let disk = CrashDisk(folders: ["/", "/data"])
            try await open(disk).begin(life, at: USN(100), cure: nil)
            disk.arm(call: call, fault)
            var promised = USN(100)
            // One that cannot be read stops the start.
            let generation = try? open(disk)
            for usn in [USN(110), USN(120), USN(130)]
            where (try? await generation?.handOut(usn, by: life)) != nil {
                promised = usn
            }
            isClean = !disk.disarm()
            if let generation {
                #expect(generation.highest == promised, "\(fault) at call \(call)")
                if isClean { #expect(promised == USN(130)) }
            }
            #expect(try open(disk).highest.rawValue >= promised.rawValue, "\(fault) at call \(call)")
            // The disk is well again: so is the file.
            let later = try generation ?? open(disk)
            try await later.handOut(USN(140), by: life)
            #expect(try open(disk).highest == USN(140), "\(fault) at call \(call)")
        }
        #expect(call > (fault == .sync ? 6 : 20))
    }
}

@Suite(.timeLimit(.minutes(3))) struct `A life of a database` {
    /// Starts of one database, with one call of the generation file's disk failing in the first.
    private func start(
        from database: String,
        ahead: Int64,
        expect: (_ call: Int, _ store: DirectoryStore, _ before: ReplicaIdentity) async throws -> Void
    ) async throws -> Int {
        let folder = FileManager.default.temporaryDirectory.path + "/life-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var call = 0
        var isClean = false
        while !isClean {
            call += 1
            let path = folder + "/\(call).sqlite"
            for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: database + suffix) {
                try FileManager.default.copyItem(atPath: database + suffix, toPath: path + suffix)
            }
            let store = try DirectoryStore(path: path, sha256: { _ in [] })
            let before = store.identity
            let disk = FaultyFileSystem(modified: .epoch)
            try disk.createDirectory("/data", mode: 0o700)
            let directory = DataDirectory("/data", files: disk)
            let usn = try await store.snapshot { try $0.highestUSN() }
            try await GenerationFile(directory, bootID: .zero).handOut(USN(usn.rawValue + ahead), by: before)
            disk.arm(failingCall: call)
            try? await begin(store, directory)
            isClean = !disk.disarm()
            // The next start goes well.
            try await begin(store, directory)
            try await expect(call, store, before)
            let generation = try GenerationFile(directory, bootID: .zero)
            let now = try await store.snapshot { try $0.highestUSN() }
            #expect(!generation.isAhead(of: store.identity, at: now, retired: []), "call \(call)")
            try store.close()
        }
        return call
    }

    private func begin(_ store: DirectoryStore, _ directory: DataDirectory) async throws {
        let generation = try GenerationFile(directory, bootID: RandomSource.guid())
        let life = DatabaseLife(
            store: store,
            generation: generation,
            randomGUID: RandomSource.guid,
            log: TwoSites.log
        )
        try await life.begin(bootID: RandomSource.guid(), at: Timestamp(seconds: 1_800_000_000))
    }

    @Test func `ends once when the database is behind, whichever call fails at the start`() async throws {
        let two = try await TwoSites()
        let calls = try await start(from: two.hqData + "/directory.sqlite", ahead: 50) {
            call,
            store,
            before in
            let state = try await store.snapshot { try $0.cureState() }
            #expect(store.identity.invocationID != before.invocationID, "call \(call)")
            #expect(state.retired.map(\.invocationID) == [before.invocationID], "call \(call)")
            #expect(state.haltReason == nil && !state.isPending, "call \(call)")
        }
        #expect(calls > 6)
    }

    @Test func `goes on when the database is whole, whichever call fails at the start`() async throws {
        let two = try await TwoSites()
        let calls = try await start(from: two.hqData + "/directory.sqlite", ahead: 0) { call, store, before in
            #expect(store.identity == before, "call \(call)")
            let state = try await store.snapshot { try $0.cureState() }
            #expect(state.retired.isEmpty, "call \(call)")
        }
        #expect(calls > 6)
    }

    @Test func `that was halted ends where it was halted first, whatever was written since`() async throws {
        let two = try await TwoSites()
        let store = two.hq.store
        let disk = FaultyFileSystem(modified: .epoch)
        try disk.createDirectory("/data", mode: 0o700)
        let life = DatabaseLife(
            store: store,
            generation: try GenerationFile(DataDirectory("/data", files: disk), bootID: .zero),
            randomGUID: RandomSource.guid,
            log: TwoSites.log
        )
        let first = Timestamp(seconds: 1_800_000_000)
        func end(after seconds: Int64) async throws -> (isEnded: Bool, at: USN, life: GUID) {
            let usn = try await store.snapshot { try $0.highestUSN() }
            let present = store.identity.invocationID
            let isEnded = try await life.end(
                present,
                keptUSN: usn,
                isReused: false,
                why: "a test",
                at: first.adding(seconds: seconds)
            )
            return (isEnded, usn, present)
        }
        #expect(try await end(after: 0).isEnded)
        let halt = try await end(after: 60)
        #expect(!halt.isEnded)
        try await two.hq.write(
            .add("CN=Later,CN=Sites,\(TwoSites.configuration)", ["objectClass": ["site"]])
        )
        let again = try await end(after: 120)
        #expect(!again.isEnded && again.at > halt.at)
        let halted = try await store.snapshot { try $0.cureState().haltedLife }
        #expect(halted == RetiredInvocation(invocationID: halt.life, keptUSN: halt.at, isReused: true))
        #expect(try await end(after: 200_000).isEnded)
        let ended = try await store.snapshot { try $0.cureState().retired.last }
        #expect(ended?.invocationID == halt.life && ended?.keptUSN == halt.at && ended?.isReused == true)
    }
}
