import AdminAPI
import Foundation
import Identifiers
import Synchronization

/// Answers everything with fixed values, remembers what it was asked, and fails on demand.
final class AdministrationDouble: Administration {
    struct Notes {
        var requests: [String] = []
        var imported: [UInt8] = []
        var importOptions: ImportOptions?
        var importFailure: String?
        var eventListeners = 0
    }

    let failure: AdminError?
    let notes = Mutex(Notes())
    let eventStream: AsyncStream<EventReply>
    let eventFeed: AsyncStream<EventReply>.Continuation
    let importBegan: AsyncStream<Void>
    private let importBegin: AsyncStream<Void>.Continuation
    let importEnded: AsyncStream<Void>
    private let importEnd: AsyncStream<Void>.Continuation
    /// Thrown by an export behind its third piece.
    let exportFailure: AdminError?
    let exportPieces: Int

    init(failure: AdminError? = nil, exportFailure: AdminError? = nil, exportPieces: Int = 3) {
        self.failure = failure
        self.exportFailure = exportFailure
        self.exportPieces = exportPieces
        (eventStream, eventFeed) = AsyncStream.makeStream(of: EventReply.self)
        (importBegan, importBegin) = AsyncStream.makeStream(of: Void.self)
        (importEnded, importEnd) = AsyncStream.makeStream(of: Void.self)
    }

    private func note(_ request: some Encodable, _ name: String = #function) throws {
        let json = String(decoding: try AdminJSON.encode(request), as: UTF8.self)
        let verb = String(name.prefix { $0 != "(" })
        notes.withLock { $0.requests.append("\(verb) \(json)") }
        if let failure { throw failure }
    }

    func status() async throws -> StatusReply {
        try note("")
        return Sample.status
    }
    func health() async throws -> HealthReply {
        try note("")
        return Sample.health
    }
    func configuration() async throws -> ConfigurationReply {
        try note("")
        return Sample.configuration
    }
    func events() async throws -> AsyncThrowingStream<EventReply, any Error> {
        try note("")
        notes.withLock { $0.eventListeners += 1 }
        return AsyncThrowingStream(eventStream)
    }
    func replicateNow(_ request: ReplicateNowRequest) async throws -> ReplicateNowReply {
        try note(request)
        return Sample.replicateNow
    }
    func replicationNeighbors() async throws -> ReplicationNeighborsReply {
        try note("")
        return Sample.neighbors
    }
    func replicationSummary() async throws -> ReplicationSummaryReply {
        try note("")
        return Sample.summary
    }
    func cure(_ request: CureRequest) async throws -> CureReply {
        try note(request)
        return Sample.cure
    }
    func backup() async throws -> AsyncThrowingStream<[UInt8], any Error> {
        try note("")
        return AsyncThrowingStream { continuation in
            for piece in ["bridgehead backup 1\n", "{}\n"] { continuation.yield(Array(piece.utf8)) }
            continuation.finish()
        }
    }
    func replicationCursors() async throws -> ReplicationCursorsReply {
        try note("")
        return Sample.cursors
    }
    func resync(_ request: ResyncRequest) async throws -> ResyncReply {
        try note(request)
        return ResyncReply(namingContext: request.namingContext, partner: request.partner)
    }
    func lingeringObjects() async throws -> [LingeringReply] {
        try note("")
        return [Sample.lingering]
    }
    func compare(_ request: CompareRequest) async throws -> CompareReply {
        try note(request)
        return Sample.compare
    }
    func object(_ query: ObjectQuery) async throws -> ObjectReply {
        try note(query)
        return Sample.object
    }
    func objects(_ query: SearchQuery) async throws -> SearchReply {
        try note(query)
        return SearchReply(objects: [Sample.object], isComplete: true)
    }
    func originate(_ request: WriteRequest) async throws -> WriteReply {
        try note(request)
        return Sample.write
    }
    func metadata(_ query: ObjectQuery) async throws -> MetadataReply {
        try note(query)
        return Sample.metadata
    }
    func why(_ query: WhyQuery) async throws -> WhyReply {
        try note(query)
        return Sample.why
    }
    func importLDIF(
        _ chunks: AsyncThrowingStream<[UInt8], any Error>,
        options: ImportOptions,
        progress: @escaping @Sendable (ImportProgress) -> Void
    ) async throws -> ImportReply {
        notes.withLock { $0.importOptions = options }
        importBegin.finish()
        defer { importEnd.finish() }
        try note("")
        var counts = ImportProgress()
        do {
            for try await chunk in chunks {
                notes.withLock { $0.imported += chunk }
                counts.read += 1
                progress(counts)
            }
        } catch {
            notes.withLock { $0.importFailure = "\(error)" }
            throw error
        }
        counts.imported = counts.read
        return ImportReply(counts, refusals: [ImportRefusal(line: 7, dn: "CN=Zoë", reason: "no parent")])
    }
    func export(_ query: ExportQuery) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        try note(query)
        let counter = PieceCounter(left: exportPieces)
        let exportFailure = exportFailure
        return AsyncThrowingStream {
            if let number = counter.next() { return Array("piece \(number)\n".utf8) }
            if let exportFailure { throw exportFailure }
            return nil
        }
    }
    func createMedia(_ request: MediaRequest) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        try note(request)
        let counter = PieceCounter(left: exportPieces)
        return AsyncThrowingStream { counter.next().map { [UInt8(truncatingIfNeeded: $0), 0, 0xff] } }
    }
    func mailFolders() async throws -> [MailFolderReply] {
        try note("")
        return [MailFolderReply(folder: "Queue", files: 2, octets: 4096, oldestAgeSeconds: 90)]
    }
    func mailList(_ query: MailListQuery) async throws -> [MailFileReply] {
        try note(query)
        return [Sample.mail]
    }
    func mailShow(_ query: MailShowQuery) async throws -> MailShowReply {
        try note(query)
        return Sample.mailShow
    }
    func mailRelease(_ request: MailDecisionRequest) async throws -> MailDecisionReply {
        try note(request)
        return Sample.decision
    }
    func mailDiscard(_ request: MailDecisionRequest) async throws -> MailDecisionReply {
        try note(request)
        return Sample.decision
    }
    func conflicts(_ query: ConflictListQuery) async throws -> ConflictListReply {
        try note(query)
        return Sample.conflicts
    }
    func conflict(_ query: ConflictQuery) async throws -> ConflictShowReply {
        try note(query)
        return Sample.conflictShow
    }
    func restoreConflict(_ query: ConflictQuery) async throws -> WriteReply {
        try note(query)
        return Sample.write
    }
    func signRequest(_ request: SignRequest) async throws -> SignReply {
        try note(request)
        return Sample.sign
    }
    func certificates() async throws -> [CertificateReply] {
        try note("")
        return [Sample.certificate]
    }
    func installCertificate(_ request: InstallCertificateRequest) async throws -> InstallCertificateReply {
        try note(request)
        return InstallCertificateReply(certificate: Sample.certificate)
    }
    func addDomain(_ request: DomainAddRequest) async throws -> DomainAddReply {
        try note(request)
        return Sample.domain
    }
}

final class PieceCounter: Sendable {
    private let state: Mutex<(sent: Int, left: Int)>
    init(left: Int) { state = Mutex((0, left)) }
    func next() -> Int? {
        state.withLock { state in
            guard state.left > 0 else { return nil }
            state.sent += 1
            state.left -= 1
            return state.sent
        }
    }
}

/// One value of every answer.
enum Sample {
    static let hq = GUID(high: 0x5d3a_0b4e_0c9f_4c2b, low: 0x9a35_1f0e_9d7c_6b5a)
    static let vancouver = GUID(high: 0x77b1_0b4e_0c9f_4c2b, low: 0x9a35_1f0e_9d7c_6b5a)
    static let noon = Timestamp(seconds: 1_795_608_000)
    static let configurationNC = "CN=Configuration,DC=reskit,DC=example"

    static let status = StatusReply(
        version: "0.1.0",
        name: "HQ-RES-DC-01",
        site: "Headquarters",
        domain: "reskit.example",
        forest: "reskit.example",
        forestGUID: hq,
        dsaGUID: hq,
        invocationID: vancouver,
        highestUSN: USN(2041),
        namingContexts: [
            NamingContextStatus(
                dn: configurationNC,
                objectGUID: hq,
                role: "configuration",
                isPartial: false,
                objects: 40
            )
        ],
        mail: [],
        startedAt: noon,
        smtpPort: 2525,
        eventCounts: ["applied": 3]
    )
    static let health = HealthReply(
        isHealthy: false,
        checks: [HealthCheck(name: "disk", isPassed: false, text: "4 MiB are free")]
    )
    static let configuration = ConfigurationReply(values: [
        ConfigurationValueReply(
            key: "smtp.port",
            value: "2525",
            origin: "environment",
            source: "BRIDGEHEAD_SMTP_PORT"
        ),
        ConfigurationValueReply(key: "log.level", value: "info", origin: "default"),
    ])
    static let replicateNow = ReplicateNowReply(
        requests: [
            SentRequest(
                namingContext: configurationNC,
                partner: "BR3-VAN-DC-01",
                transport: "SMTP",
                messageID: hq,
                requestID: vancouver
            ),
            SentRequest(
                namingContext: "DC=reskit,DC=example",
                partner: "BR3-VAN-DC-01",
                transport: "SMTP",
                failure: "no certificate"
            ),
        ],
        isApplied: false
    )
    static func neighbor(result: Int, text: String, failures: Int) -> NeighborReply {
        NeighborReply(
            namingContext: configurationNC,
            namingContextGUID: hq,
            isPartial: false,
            partnerSite: "Vancouver",
            partnerServer: "BR3-VAN-DC-01",
            partnerGUID: vancouver,
            transport: "SMTP",
            lastAttempt: noon,
            result: result,
            resultText: text,
            consecutiveFailures: failures,
            lastSuccess: noon.adding(seconds: -3600)
        )
    }
    static let neighbors = ReplicationNeighborsReply(
        site: "Headquarters",
        server: "HQ-RES-DC-01",
        dsaOptions: 1,
        dsaGUID: hq,
        invocationID: vancouver,
        inbound: [
            neighbor(result: 0, text: "", failures: 0),
            neighbor(result: 8477, text: "", failures: 0),
            neighbor(result: 1818, text: "the route is down", failures: 3),
        ]
    )
    static let summary = ReplicationSummaryReply(
        time: noon,
        sources: [
            SummaryRow(
                server: "BR3-VAN-DC-01",
                largestDeltaSeconds: 95,
                failures: 1,
                links: 3,
                result: 1818,
                resultText: "down"
            )
        ],
        destinations: [SummaryRow(server: "HQ-RES-DC-01", largestDeltaSeconds: 95, failures: 0, links: 3)]
    )
    static let lingering = LingeringReply(
        namingContext: configurationNC,
        objectGUID: hq,
        server: "BR3-VAN-DC-01",
        since: noon,
        above: USN(7),
        upTo: USN(9)
    )
    static let compare = CompareReply(
        partner: "BR3-VAN-DC-01",
        comparisons: [
            ContextComparison(
                namingContext: "CN=Configuration,DC=reskit,DC=example",
                equal: 97,
                moving: 1,
                differing: 1,
                differences: [ObjectDifference(objectGUID: hq, kind: .unlike, dn: "CN=x")]
            )
        ]
    )
    static let cursors = ReplicationCursorsReply(namingContexts: [
        NamingContextCursors(
            namingContext: configurationNC,
            objectGUID: hq,
            isPartial: false,
            vector: [VectorRow(invocationID: vancouver, server: "BR3-VAN-DC-01", usn: USN(77), time: noon)],
            sources: [
                SourceCursorReply(
                    partner: "BR3-VAN-DC-01",
                    dsaGUID: vancouver,
                    received: [IntervalReply(from: .zero, to: USN(50), asOf: USN(60))],
                    highWatermark: USN(50)
                )
            ]
        )
    ])
    static let object = ObjectReply(
        dn: "CN=Zoë,DC=reskit,DC=example",
        objectGUID: hq,
        standing: "placed",
        attributes: [
            AttributeReply(name: "cn", values: [AttributeValue("Zoë")]),
            AttributeReply(name: "jpegPhoto", values: [AttributeValue([0xff, 0xd8])]),
        ]
    )
    static let write = WriteReply(results: [
        WriteResultReply(dn: "CN=Zoë", objectGUID: hq, usn: USN(9)),
        WriteResultReply(dn: "CN=x", objectGUID: hq),
    ])
    static let metadata = MetadataReply(
        dn: "CN=Zoë",
        objectGUID: hq,
        attributes: [
            AttributeMetadataReply(
                name: "cn",
                version: 1,
                time: noon,
                invocationID: vancouver,
                originatingUSN: USN(5),
                localUSN: USN(6)
            )
        ],
        links: [
            LinkMetadataReply(
                name: "member",
                target: "CN=Ann",
                targetGUID: hq,
                isPresent: false,
                version: 2,
                time: noon,
                invocationID: vancouver,
                server: "BR3-VAN-DC-01",
                originatingUSN: USN(7),
                localUSN: USN(8)
            )
        ]
    )
    static let why = WhyReply(
        dn: "CN=Zoë",
        objectGUID: hq,
        recordBegins: USN(6),
        values: [
            ValueOrigin(
                name: "cn",
                values: [AttributeValue("Zoë\u{1b}")],
                version: 1,
                time: noon,
                invocationID: vancouver,
                server: "BR3-VAN-DC-01",
                originatingUSN: USN(5),
                localUSN: USN(6),
                way: .part,
                part: 0,
                delaySeconds: 95
            ),
            ValueOrigin(
                name: "member",
                target: "CN=Ann",
                isPresent: false,
                version: 2,
                time: noon,
                invocationID: hq,
                originatingUSN: USN(3),
                localUSN: USN(3),
                way: .unrecorded
            ),
        ],
        parts: [
            PartOriginReply(
                source: "BR3-VAN-DC-01",
                sourceGUID: vancouver,
                namingContext: configurationNC,
                interval: IntervalReply(from: USN(1), to: USN(9), asOf: USN(12)),
                requestID: hq,
                firstLocalUSN: USN(6),
                lastLocalUSN: USN(8),
                applied: noon.adding(seconds: 95),
                isMedia: false,
                mail: CarrierReply(
                    id: "0198-a",
                    transport: "smtp",
                    messageID: vancouver,
                    messageIDField: "a@b.example",
                    sent: noon.adding(seconds: 10),
                    received: noon.adding(seconds: 90),
                    hops: [
                        MailHopReply(
                            from: "van",
                            by: "relay",
                            time: noon.adding(seconds: 12),
                            delaySeconds: 2
                        ),
                        MailHopReply(
                            from: "relay",
                            by: "hq",
                            time: noon.adding(seconds: 85),
                            delaySeconds: 73
                        ),
                    ]
                )
            )
        ]
    )
    static let cure = CureReply(endedInvocationID: hq, keptUSN: USN(7), invocationID: vancouver)
    static let mail = MailFileReply(
        id: "0198-a",
        folder: "Queue",
        partner: "BR3-VAN-DC-01",
        service: "replication",
        ageSeconds: 95,
        octets: 20_480,
        attempts: 2,
        nextTry: noon,
        lastReply: "451 4.3.1 later",
        summary: "request"
    )
    static let certificate = CertificateReply(
        use: "own",
        file: "pki/dsa.crt",
        subject: "",
        issuer: "CN=reskit Enterprise CA",
        serial: "0a",
        notBefore: noon,
        notAfter: noon.adding(seconds: 86_400),
        dsaGUID: hq,
        fingerprintSHA256: "aa:bb"
    )
    static let mailShow = MailShowReply(
        id: "0198-a",
        folder: "Archive",
        octets: 20_480,
        fields: [MailFieldReply(name: "Subject", value: "bridgehead\u{1b}[2J")],
        envelope: [MailFieldReply(name: "Service", value: "replication")],
        summary: "part 1",
        hops: [MailHopReply(from: "a", by: "b", time: noon, delaySeconds: 3)],
        signer: certificate,
        verdict: "opened",
        payloadText: "part\nof\u{7} it\n"
    )
    static let heldPart = HeldPartReply(
        namingContext: configurationNC,
        source: "BR3-VAN-DC-01",
        sourceDSA: vancouver,
        invocationID: hq,
        from: USN(40),
        to: USN(41),
        reason: "version-leap",
        firstSeen: noon,
        lastSeen: noon,
        times: 2,
        decision: "discarded",
        decided: noon,
        decidedBy: "ada\u{7}"
    )
    static let decision = MailDecisionReply(
        id: "0198-a",
        folder: "Badmail",
        part: heldPart,
        text: "nothing of it was applied"
    )
    static let conflictWrite = ConflictWriteReply(
        version: 2,
        time: noon,
        invocationID: hq,
        server: "HQ-RES-DC-01",
        originatingUSN: USN(7)
    )
    static let conflict = ConflictReply(
        id: 12,
        kind: .attribute,
        dn: "CN=Zo\u{eb}\u{1b}[2J",
        objectGUID: hq,
        namingContext: configurationNC,
        attribute: "title",
        losing: conflictWrite,
        winning: conflictWrite,
        found: noon,
        source: "BR3-VAN-DC-01",
        text: "wrote 1 values"
    )
    static let conflicts = ConflictListReply(
        conflicts: [conflict],
        isComplete: false,
        ledgerEntries: 1,
        ledgerOctets: 300,
        ledgerDropped: 4
    )
    static let conflictShow = ConflictShowReply(
        conflict: conflict,
        losingValues: [AttributeValue("Captain"), AttributeValue([0, 1])],
        currentValues: [],
        isWinnerStanding: false
    )
    static let sign = SignReply(
        server: "BR3-VAN-DC-01",
        dsaGUID: vancouver,
        serial: "0b",
        notAfter: noon,
        certificatePEM: "cert",
        authorityPEM: "ca",
        revocationListPEM: "crl"
    )
    static let domain = DomainAddReply(
        domain: "vancouver.reskit.example",
        server: "BR3-VAN-DC-01",
        dsaGUID: vancouver,
        mailAddress: "dc@vancouver.reskit.example",
        joinFile: "{}"
    )
    static func event(_ kind: String) -> EventReply {
        EventReply(
            time: noon,
            kind: kind,
            partner: "BR3-VAN-DC-01",
            namingContext: configurationNC,
            text: "part 1"
        )
    }
}
