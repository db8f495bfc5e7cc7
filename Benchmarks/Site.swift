import DirectoryModel
import Identifiers
import PKI
import Replication
import SecureMail
import Store

/// The forest reskit.example with two DSAs that can seal to each other.
struct BenchForest: Sendable {
    static let now = Timestamp(seconds: 1_795_608_000)
    static let guid = GUID(high: 0x5c1f_0000_0000_40f0, low: 0x8000_0000_0000_00f0)
    static let domain = NamingContext(
        guid: GUID(high: 0x5c1f_0000_0000_40d0, low: 0x8000_0000_0000_00d0),
        dn: DistinguishedName(rdns: ["reskit", "example"].map { RDN(type: .dc, value: $0) }),
        role: .domain
    )

    struct Member: Sendable {
        let dsa: GUID
        let invocation: GUID
        let address: MailAddress
        let pair: KeyPair

        var protection: SMIMEProtection {
            get throws {
                var limits = SecureMailLimits()
                limits.sealedOctetsMax = 64 << 20
                return try SMIMEProtection(ownCertificate: pair.certificate, ownKey: pair.key, limits: limits)
            }
        }

        var header: MessageHeader {
            MessageHeader(
                dsaGUID: dsa,
                invocationID: invocation,
                bootRecords: [],
                namingContext: BenchForest.domain.guid
            )
        }
    }

    let hq: Member
    let vancouver: Member
    private let anchors: TrustAnchors

    init() throws {
        let before = Self.now.adding(seconds: -86_400)
        let authority = try CertificateAuthority.create(
            commonName: "Reskit Enterprise CA",
            forest: "reskit.example",
            serial: SecureRandom.octets(16),
            at: before
        )
        let list = try authority.issueCRL(revoked: [], number: 1, at: Self.now, nextUpdateDays: 30)
        anchors = try TrustAnchors(certificates: [authority.certificate], crls: [list])
        hq = try Self.member(1, "hq", authority, at: before)
        vancouver = try Self.member(2, "vancouver", authority, at: before)
    }

    private static func member(
        _ number: UInt64,
        _ host: String,
        _ authority: CertificateAuthority,
        at now: Timestamp
    ) throws -> Member {
        let dsa = GUID(high: 0x5c1f_0000_0000_4000, low: 0x8000_0000_0000_0000 | number)
        guard let address = MailAddress("_IsmService@\(host).reskit.example") else {
            throw BenchError.unexpected("no mail address for \(host)")
        }
        let key = try PrivateKey.generate(.p256)
        let certificate = try authority.issue(
            to: DSACertificateProfile(dsaGUID: dsa, mailAddress: address, dnsName: "\(host).reskit.example"),
            publicKeyOf: key.makeSigningRequest(),
            serial: SecureRandom.octets(16),
            at: now
        )
        return Member(
            dsa: dsa,
            invocation: GUID(high: 0x1f0, low: number),
            address: address,
            pair: try KeyPair(certificate: certificate, key: key)
        )
    }

    func membership(of own: Member) -> MembershipSnapshot {
        MembershipSnapshot(
            forest: Self.guid,
            ownDSA: own.dsa,
            members: [hq.dsa: .active, vancouver.dsa: .active],
            anchors: anchors
        )
    }

    /// Sealed by HQ for Vancouver.
    func seal(_ payload: [UInt8], _ protection: SMIMEProtection) throws -> [UInt8] {
        let id = BenchRandom.guid()
        return try protection.seal(
            payload,
            envelope: MessageEnvelope(
                forest: Self.guid,
                from: hq.dsa,
                to: vancouver.dsa,
                messageID: id,
                service: "replication",
                created: Self.now,
                expires: Self.now.adding(seconds: 30 * 86_400),
                summary: "changes"
            ),
            addressing: MailAddressing(
                from: hq.address,
                to: vancouver.address,
                messageIDHeader: "\(id)@hq.reskit.example",
                date: Self.now
            ),
            to: [vancouver.pair.certificate],
            membership: membership(of: hq)
        )
    }

    /// Opened in Vancouver.
    func open(_ mail: [UInt8], _ protection: SMIMEProtection) throws -> [UInt8] {
        let outcome = protection.open(
            mail,
            membership: membership(of: vancouver),
            isCommitted: { _, _ in false },
            at: Self.now
        )
        guard case .opened(let opened) = outcome else {
            throw BenchError.unexpected("the mail was not opened: \(outcome)")
        }
        return opened.payload
    }
}

enum BenchRandom {
    static func guid() -> GUID {
        var generator = SystemRandomNumberGenerator()
        return GUID.random(using: &generator)
    }
}

/// The databases of the two sites.
enum BenchStores {
    /// Objects that one transaction originates.
    private static let objectsPerWrite = 1_000

    /// HQ's: the domain with `count` people.
    static func source(_ forest: BenchForest, people count: Int, at path: String) async throws
        -> DirectoryStore
    {
        let store = try DirectoryStore(path: path, sha256: Digest.sha256)
        try store.setIdentity(dsaGUID: forest.hq.dsa, invocationID: forest.hq.invocation)
        try await store.createNamingContext(
            BenchForest.domain,
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["top", "domain", "domainDNS"])],
            at: BenchForest.now
        )
        let unit = BenchForest.domain.dn.child(RDN(type: .ou, value: "people"))
        var writes: [OriginatingOperation] = [
            .add(
                Entry(
                    dn: unit,
                    attributes: [
                        EntryAttribute(name: "objectClass", strings: ["top", "organizationalUnit"])
                    ]
                )
            )
        ]
        var people = People(below: unit)
        for number in 0..<count {
            writes.append(.add(people.entry(number)))
            if writes.count == objectsPerWrite || number == count - 1 {
                _ = try await store.originate(writes, at: BenchForest.now, randomGUID: BenchRandom.guid)
                writes = []
            }
        }
        return store
    }

    /// Vancouver's: an empty replica, and the request that it sends.
    static func destination(
        _ forest: BenchForest,
        at path: String
    ) async throws -> (store: DirectoryStore, request: ChangesRequest) {
        let store = try DirectoryStore(path: path, sha256: Digest.sha256)
        try store.setIdentity(dsaGUID: forest.vancouver.dsa, invocationID: forest.vancouver.invocation)
        try await store.addReplica(BenchForest.domain, isPartial: false)
        return (store, try await request(forest, store))
    }

    /// Vancouver's next request.
    static func request(_ forest: BenchForest, _ store: DirectoryStore) async throws -> ChangesRequest {
        try await store.updateDestination(BenchForest.domain.guid) { destination, usn in
            destination.makeRequest(
                to: forest.hq.dsa,
                id: BenchRandom.guid(),
                header: forest.vancouver.header,
                kind: .full,
                limits: PartLimits(credit: SourceCycle.creditMax),
                at: BenchForest.now,
                ownUSN: usn
            )
        }
    }

    /// Vancouver's with everything that HQ has.
    static func fill(
        _ path: String,
        _ forest: BenchForest,
        from source: DirectoryStore
    ) async throws -> DirectoryStore {
        let (store, request) = try await destination(forest, at: path)
        let parts = Collected<ChangesReply>()
        try await cut(request, from: source, header: forest.hq.header) { parts.append($0) }
        for part in parts.elements {
            try ApplyBench.check(try await store.apply([part], context: ApplyBench.context(forest)))
        }
        return store
    }

    static let digest: @Sendable ([UInt8]) -> [UInt8] = { Digest.sha256($0) }

    /// Cuts the answer to a request, part after part.
    static func cut(
        _ request: ChangesRequest,
        from store: DirectoryStore,
        header: MessageHeader,
        _ take: @escaping @Sendable (ChangesReply) throws -> Void
    ) async throws {
        let context = BenchForest.domain.guid
        try await store.snapshot { snapshot in
            var cycle = SourceCycle(
                request: request,
                header: header,
                asOf: try snapshot.highestUSN(),
                vector: try snapshot.vector(of: context, at: BenchForest.now),
                collected: try snapshot.collected(of: context)
            )
            for range in cycle.ranges where cycle.wantsMore {
                try snapshot.changes(of: context, in: range) { item in
                    let parts: [ChangesReply]
                    switch item {
                    case .object(let object):
                        for ancestor in try snapshot.ancestors(of: object.objectGUID, newerThan: object.usn) {
                            cycle.offerAncestor(ancestor)
                        }
                        parts = cycle.offer(object)
                    case .link(let link): parts = cycle.offer(link)
                    }
                    for part in parts { try take(part) }
                    return cycle.wantsMore
                }
            }
            for part in cycle.finish() { try take(part) }
        }
    }
}
