import DirectoryModel
import DomainController
import Identifiers
import Logging
import PKI
import Replication
import SecureMail
import Store
import Synchronization

/// A converged forest on which worlds begin: made once per number of sites and topology, copied for every seed.
package final class ForestTemplate: Sendable {
    struct Machine: Sendable {
        let database: MemoryDatabase
        let disk: FaultyFileSystem
    }

    package let topology: Topology
    let plan: ForestPlan
    let machines: [Machine]
    let time: Timestamp

    package var siteCount: Int { machines.count }

    private init(plan: ForestPlan, machines: [Machine], time: Timestamp) {
        (self.plan, self.machines, self.time) = (plan, machines, time)
        topology = plan.topology
    }

    /// The template of that shape; who comes second waits for the first one's work.
    package static func shared(sites: Int, topology: Topology) async throws -> ForestTemplate {
        try await shelf.template(sites: sites, topology: topology)
    }

    private static let shelf = TemplateShelf()

    static func make(sites: Int, topology: Topology) async throws -> ForestTemplate {
        let plan = try ForestPlan(sites: sites, topology: topology)
        let builder = ForestBuilder(plan: plan)
        let raw = ForestTemplate(
            plan: plan,
            machines: try await builder.machines(),
            time: SimulatedClock.start
        )
        let world = try await World(WorldSettings(seed: 0), on: raw)
        try await world.startAll()
        for _ in 0..<64 {
            try await world.advance(seconds: world.settings.intervalSeconds)
            if try await world.difference() == nil {
                let machines = try world.sites.map {
                    Machine(database: try $0.database.copy(), disk: $0.disk.copy())
                }
                return ForestTemplate(plan: plan, machines: machines, time: world.now)
            }
        }
        throw SimulationError("a fresh forest of \(sites) sites does not converge")
    }
}

/// Our own mistake, or the machine's: not an oracle's verdict.
package struct SimulationError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

private actor TemplateShelf {
    private struct Shape: Hashable {
        let sites: Int
        let topology: Topology
    }

    private var templates: [Shape: Task<ForestTemplate, any Error>] = [:]

    func template(sites: Int, topology: Topology) async throws -> ForestTemplate {
        let shape = Shape(sites: sites, topology: topology)
        let task =
            templates[shape] ?? Task { try await ForestTemplate.make(sites: sites, topology: topology) }
        templates[shape] = task
        return try await task.value
    }
}

/// Makes the databases of a fresh forest: the first by hand, the others from its media, as joining does.
struct ForestBuilder {
    let plan: ForestPlan
    let now = SimulatedClock.start

    func machines() async throws -> [ForestTemplate.Machine] {
        let first = try MemoryDatabase()
        let store = try DirectoryStore(first, sha256: Digest.sha256)
        try await createForest(in: store)
        let media = try await media(of: store)
        var databases = [first]
        for index in plan.sites.indices.dropFirst() {
            databases.append(try await join(index, with: media))
        }
        return try databases.enumerated().map { index, database in
            .init(database: database, disk: try disk(of: index))
        }
    }

    private func source(_ index: Int) -> GUIDSource {
        GUIDSource(SimulationRandom(seed: 0x6d61_6b65, UInt64(index)))
    }

    private func createForest(in store: DirectoryStore) async throws {
        let guids = source(0)
        let own = plan.sites[0]
        try store.setIdentity(dsaGUID: own.dsaGUID, invocationID: own.invocationID)
        try await store.createNamingContext(
            plan.schema,
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["top", "dMD"])],
            at: now
        )
        let records = try Schema.builtinRecords().map { record in
            let text = record.dn.replacing(Schema.relativeSuffix, with: plan.names.schema)
            return try OriginatingOperation(record, dn: try plan.layout.dn(text), naming: store.schema)
        }
        _ = try await store.originate(records, at: now, randomGUID: { guids.next() })
        try await store.createNamingContext(
            plan.configuration,
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["top", "configuration"])],
            at: now
        )
        try await createDomain(own.domain, in: store)
        try await holdPartials(0, in: store)
        let operations =
            try plan.configurationObjects() + plan.connections { guids.next() }
            + [plan.replicaLinks(of: 0)]
        _ = try await store.originate(operations, at: now, randomGUID: { guids.next() })
    }

    private func createDomain(_ domain: NamingContext, in store: DirectoryStore) async throws {
        try await store.createNamingContext(
            domain,
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["top", "domain", "domainDNS"])],
            at: now
        )
    }

    private func holdPartials(_ index: Int, in store: DirectoryStore) async throws {
        for neighbour in plan.neighbours(of: index) {
            try await store.addReplica(plan.sites[neighbour].domain, isPartial: true)
        }
    }

    private func media(of store: DirectoryStore) async throws -> [ChangesReply] {
        let reader = ConfigurationReader(schema: store.schema, identity: store.identity)
        let view = try await store.snapshot { try reader.read($0) }
        let writer = MediaWriter(store: store, partialAttributes: view.partialAttributes)
        let (contexts, requestID) = ([plan.schema.guid, plan.configuration.guid], source(0).next())
        let packed = try await store.snapshot { [now] snapshot in
            var parts: [[UInt8]] = []
            let held = try contexts.map { try snapshot.namingContext($0) }
            try writer.parts(of: held, in: snapshot, at: now, requestID: requestID) { parts.append($0) }
            return parts
        }
        return try packed.map { octets in
            let plain = try Gzip.inflate(octets, octetsMax: 64 << 20, ratioMax: 1_000)
            guard case .reply(let part) = try ReplicationCodec.decode(plain) else {
                throw SimulationError("media that holds no changes")
            }
            return part
        }
    }

    private func join(_ index: Int, with media: [ChangesReply]) async throws -> MemoryDatabase {
        let database = try MemoryDatabase()
        let store = try DirectoryStore(database, sha256: Digest.sha256)
        let own = plan.sites[index]
        try store.setIdentity(dsaGUID: own.dsaGUID, invocationID: own.invocationID)
        try await store.addReplica(plan.schema, isPartial: false)
        try await store.addReplica(plan.configuration, isPartial: false)
        try await holdPartials(index, in: store)
        for part in media {
            let context = ApplyContext(ownDSA: own.dsaGUID, now: now, isMedia: true)
            for outcome in try await store.apply([part], context: context) {
                guard case .apply = outcome.verdict else {
                    throw SimulationError("media refused: \(outcome.verdict)")
                }
            }
        }
        try await createDomain(own.domain, in: store)
        let guids = source(index)
        _ = try await store.originate(
            [plan.replicaLinks(of: index)],
            at: now,
            randomGUID: { guids.next() }
        )
        return database
    }

    private func disk(of index: Int) throws -> FaultyFileSystem {
        let disk = FaultyFileSystem(modified: now)
        let directory = DataDirectory("/d\(index)", files: disk)
        for folder in [directory.path, directory.pki] { try disk.createDirectory(folder, mode: 0o700) }
        try directory.write(Array(ForestPlan.certificatePEM.utf8), to: directory.anchors)
        return disk
    }
}
