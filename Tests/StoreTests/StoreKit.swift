import DirectoryModel
import Identifiers
import Replication
import Store

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

func name(_ text: String) throws -> DistinguishedName {
    try DistinguishedName(parsing: text, naming: WellKnownNames())
}

func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_800_000_000 + seconds) }

extension GUID {
    static func numbered(_ number: UInt64) -> GUID { GUID(high: 0x1111, low: number) }
}

/// FNV-1a: enough to tell value sets apart in a test.
@Sendable func digest(_ octets: [UInt8]) -> [UInt8] {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for octet in octets { hash = (hash ^ UInt64(octet)) &* 0x100_0000_01b3 }
    return (0..<8).map { UInt8(truncatingIfNeeded: hash >> (56 - 8 * UInt64($0))) }
}

/// One DSA's store with its names.
struct Replica: Sendable {
    static let domain = NamingContext(
        guid: GUID(high: 0xd0, low: 1),
        dn: DistinguishedName(rdns: dc("reskit", "example")),
        role: .domain
    )
    static let configuration = NamingContext(
        guid: GUID(high: 0xc0, low: 1),
        dn: DistinguishedName(rdns: [RDN(type: .cn, value: "Configuration")] + dc("reskit", "example")),
        role: .configuration
    )
    static let schema = NamingContext(
        guid: GUID(high: 0x50, low: 1),
        dn: DistinguishedName(
            rdns: [RDN(type: .cn, value: "Schema"), RDN(type: .cn, value: "Configuration")]
                + dc("reskit", "example")
        ),
        role: .schema
    )

    /// Both sides of a test have the same attribute set, whatever its digest.
    static let partialKind = ReplicaKind.partial(digest: [UInt8](repeating: 7, count: 16))

    let store: DirectoryStore
    let dsa: GUID
    let invocation: GUID

    private static func dc(_ labels: String...) -> [RDN] { labels.map { RDN(type: .dc, value: $0) } }

    init(_ number: UInt64, path: String? = nil) throws {
        store = try DirectoryStore(path: path, sha256: digest)
        dsa = GUID(high: 0xd5a, low: number)
        invocation = GUID(high: 0x1f0, low: number)
        if !store.identity.isSet { try store.setIdentity(dsaGUID: dsa, invocationID: invocation) }
    }

    /// A store that is open already.
    init(store: DirectoryStore, dsa: GUID, invocation: GUID) {
        self.store = store
        self.dsa = dsa
        self.invocation = invocation
    }

    /// With a writable domain of its own.
    static func withDomain(_ number: UInt64 = 1, path: String? = nil) async throws -> Replica {
        let replica = try Replica(number, path: path)
        try await replica.createDomain()
        return replica
    }

    func createDomain() async throws {
        try await store.createNamingContext(
            Self.domain,
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["top", "domain", "domainDNS"])],
            at: at(0)
        )
    }

    // MARK: - Writes

    @discardableResult
    func write(_ operations: OriginatingOperation..., seconds: Int64 = 1) async throws -> [WriteResult] {
        try await write(all: operations, seconds: seconds)
    }

    func write(all operations: [OriginatingOperation], seconds: Int64 = 1) async throws -> [WriteResult] {
        try await store.originate(operations, at: at(seconds)) {
            var system = SystemRandomNumberGenerator()
            return GUID.random(using: &system)
        }
    }

    /// The refusal of a write; nil when it was taken.
    func refusal(_ operations: OriginatingOperation..., seconds: Int64 = 1) async throws -> DirectoryError? {
        do {
            _ = try await write(all: operations, seconds: seconds)
            return nil
        } catch let error as DirectoryError {
            return error
        }
    }

    // MARK: - Reads

    func entry(_ text: String, deleted: Bool = false, operational: Bool = false) async throws
        -> DirectoryEntry?
    {
        let dn = try name(text)
        return try await store.snapshot {
            try $0.entry(.dn(dn), includeDeleted: deleted, operational: operational)
        }
    }

    func dn(_ guid: GUID) async throws -> String? {
        try await store.snapshot { snapshot in try snapshot.dn(of: guid)?.description(naming: snapshot.schema)
        }
    }

    func dump(_ context: GUID = Replica.domain.guid, restricted: Set<OID>? = nil) async throws -> [String] {
        try await store.snapshot { snapshot in
            var lines: [String] = []
            try snapshot.canonicalDump(of: context, restrictedTo: restricted) { lines.append($0) }
            return lines
        }
    }

    func highestUSN() async throws -> USN { try await store.snapshot { try $0.highestUSN() } }

    /// Every visible name, and the number of what is not visible.
    func tree(_ context: GUID = Replica.domain.guid) async throws -> [String] {
        try await store.snapshot { snapshot in
            var names: [String] = []
            try snapshot.subtree(of: context) {
                names.append($0.dn.description)
                return true
            }
            return names
        }
    }

    // MARK: - Replication

    /// Every object and link value as a part of its own that answers no request: data only.
    func looseParts(_ context: GUID = Replica.domain.guid, above usn: USN = .zero) async throws
        -> [ChangesReply]
    {
        let header = MessageHeader(
            dsaGUID: dsa,
            invocationID: invocation,
            bootRecords: [],
            namingContext: context
        )
        return try await store.snapshot { snapshot in
            let asOf = try snapshot.highestUSN()
            let vector = try snapshot.vector(of: context, at: at(0))
            var parts: [ChangesReply] = []
            try snapshot.changes(of: context, in: USNInterval(from: usn, to: asOf)) { item in
                var part = ChangesReply(
                    header: header,
                    requestID: .numbered(999),
                    interval: USNInterval(from: USN(item.usn.rawValue - 1), to: item.usn),
                    asOf: asOf,
                    vector: vector,
                    cutFor: .full,
                    partNumber: 0,
                    isLast: false
                )
                part.add(item)
                parts.append(part)
                return true
            }
            return parts
        }
    }

    @discardableResult
    func apply(_ parts: [ChangesReply], seconds: Int64 = 100, isMedia: Bool = false) async throws
        -> [PartOutcome]
    {
        try await store.apply(parts, context: ApplyContext(ownDSA: dsa, now: at(seconds), isMedia: isMedia))
    }

    /// One request of this replica to `source`, and the parts that answer it.
    func request(
        from source: Replica,
        _ context: GUID = Replica.domain.guid,
        id: GUID,
        kind: ReplicaKind = .full,
        limits: PartLimits = PartLimits(),
        seconds: Int64 = 100
    ) async throws -> [ChangesReply] {
        let header = MessageHeader(
            dsaGUID: dsa,
            invocationID: invocation,
            bootRecords: [],
            namingContext: context
        )
        let request = try await store.updateDestination(context) { destination, ownUSN in
            destination.makeRequest(
                to: source.dsa,
                id: id,
                header: header,
                kind: kind,
                limits: limits,
                at: at(seconds),
                ownUSN: ownUSN
            )
        }
        return try await source.answer(request, seconds: seconds)
    }

    /// Asks until nothing is missing, or `rounds` answers came.
    @discardableResult
    func pull(
        from source: Replica,
        _ context: GUID = Replica.domain.guid,
        kind: ReplicaKind = .full,
        rounds: Int = 1,
        limits: PartLimits = PartLimits(),
        seconds: Int64 = 100
    ) async throws -> [PartOutcome] {
        var outcomes: [PartOutcome] = []
        for _ in 0..<rounds {
            var system = SystemRandomNumberGenerator()
            let parts = try await request(
                from: source,
                context,
                id: GUID.random(using: &system),
                kind: kind,
                limits: limits,
                seconds: seconds
            )
            outcomes += try await apply(parts, seconds: seconds)
        }
        return outcomes
    }

    /// A further full replica of the domain, with all that `source` holds.
    static func joined(_ number: UInt64, to source: Replica, path: String? = nil) async throws -> Replica {
        let replica = try Replica(number, path: path)
        try await replica.store.addReplica(domain, isPartial: false)
        try await replica.pull(from: source)
        return replica
    }

    func answer(_ request: ChangesRequest, seconds: Int64) async throws -> [ChangesReply] {
        let context = request.header.namingContext
        let header = MessageHeader(
            dsaGUID: dsa,
            invocationID: invocation,
            bootRecords: [],
            namingContext: context
        )
        return try await store.snapshot { snapshot in
            let set = request.replica == .full ? nil : Set(snapshot.schema.partialAttributeSet)
            var cycle = SourceCycle(
                request: request,
                header: header,
                asOf: try snapshot.highestUSN(),
                vector: try snapshot.vector(of: context, at: at(seconds)),
                collected: try snapshot.collected(of: context),
                partialAttributes: set
            )
            var parts: [ChangesReply] = []
            for range in cycle.ranges {
                try snapshot.changes(of: context, in: range) { item in
                    switch item {
                    case .object(let object):
                        for ancestor in try snapshot.ancestors(of: object.objectGUID, newerThan: object.usn) {
                            cycle.offerAncestor(ancestor)
                        }
                        parts += cycle.offer(object)
                    case .link(let link): parts += cycle.offer(link)
                    }
                    return cycle.wantsMore
                }
            }
            return parts + cycle.finish()
        }
    }
}

extension ChangesReply {
    /// Adds one item of a snapshot, its attributes to the table.
    mutating func add(_ item: SnapshotItem) {
        switch item {
        case .object(let object):
            let attributes = object.attributes.map {
                ReplicatedAttribute(attribute: index(of: $0.attribute), stamp: $0.stamp, values: $0.values)
            }
            objects.append(ReplicatedObject(objectGUID: object.objectGUID, attributes: attributes))
        case .link(let link):
            links.append(
                ReplicatedLink(
                    source: link.source,
                    attribute: index(of: link.attribute),
                    target: link.target,
                    stamp: link.stamp,
                    isPresent: link.isPresent
                )
            )
        }
    }

    private mutating func index(of oid: OID) -> Int {
        if let index = attributes.firstIndex(of: oid) { return index }
        attributes.append(oid)
        return attributes.count - 1
    }
}

// MARK: - Operations

func unit(_ text: String, _ guid: GUID? = nil) throws -> OriginatingOperation {
    .add(
        Entry(
            dn: try name(text),
            attributes: [EntryAttribute(name: "objectClass", strings: ["organizationalUnit"])]
        ),
        objectGUID: guid
    )
}

func person(_ text: String, _ guid: GUID? = nil, _ more: [String: [String]] = [:]) throws
    -> OriginatingOperation
{
    var attributes = [
        EntryAttribute(name: "objectClass", strings: ["inetOrgPerson"]),
        EntryAttribute(name: "sn", strings: ["Doe"]),
    ]
    for (name, values) in more.sorted(by: { $0.key < $1.key }) {
        attributes.append(EntryAttribute(name: name, strings: values))
    }
    return .add(Entry(dn: try name(text), attributes: attributes), objectGUID: guid)
}

func group(_ text: String, _ guid: GUID? = nil, members: [String]) throws -> OriginatingOperation {
    .add(
        Entry(
            dn: try name(text),
            attributes: [
                EntryAttribute(name: "objectClass", strings: ["groupOfNames"]),
                EntryAttribute(name: "member", strings: members),
            ]
        ),
        objectGUID: guid
    )
}

func modify(_ text: String, _ operation: ModifyOperation, _ attribute: String, _ values: String...) throws
    -> OriginatingOperation
{
    .modify(.dn(try name(text)), [Modification(operation, attribute, values.map(octets))])
}

func rename(_ text: String, _ rdn: String, deleteOld: Bool = true, under superior: String? = nil) throws
    -> OriginatingOperation
{
    let parts = rdn.split(separator: "=", maxSplits: 1).map(String.init)
    let type: OID = parts[0].lowercased() == "ou" ? .ou : .cn
    return .rename(
        .dn(try name(text)),
        newRDN: RDN(type: type, value: parts[1]),
        deleteOldRDN: deleteOld,
        newSuperior: try superior.map { .dn(try name($0)) }
    )
}
