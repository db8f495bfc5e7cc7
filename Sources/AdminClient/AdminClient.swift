package import AdminAPI
import Foundation

/// The administration of a running DSA, through its admin socket.
package struct AdminClient: Sendable {
    private let socketPath: String
    private let dataDirectory: String

    /// - Parameters:
    ///   - socketPath: the running DSA's admin socket.
    ///   - dataDirectory: for hints only.
    /// - Throws: `AdminError` `socketPathTooLong`.
    package init(socketPath: String, dataDirectory: String) throws(AdminError) {
        try AdminSocketPath.check(socketPath)
        self.socketPath = socketPath
        self.dataDirectory = dataDirectory
    }

    private func open(_ route: AdminRoute, query: String = "", upload: Upload = .none) -> PieceSource {
        Transfer.start(
            TransferRequest(
                socketPath: socketPath,
                dataDirectory: dataDirectory,
                method: route.method,
                path: route.path + query,
                upload: upload
            )
        )
    }

    private func get<Reply: Decodable>(_ route: AdminRoute) async throws -> Reply {
        try await reply(to: open(route))
    }

    private func post<Reply: Decodable>(_ route: AdminRoute, _ body: some Encodable) async throws -> Reply {
        try await reply(to: open(route, upload: .octets([UInt8](try AdminJSON.encode(body)))))
    }

    private func reply<Reply: Decodable>(to source: PieceSource) async throws -> Reply {
        let data = Data(try await source.body(octetsMax: AdminLimits.lineOctetsMax))
        do throws(AdminError) {
            return try AdminJSON.decode(Reply.self, from: data)
        } catch {
            throw AdminError(
                code: "badAnswer",
                message: "the DSA's answer cannot be read: \(error.message)",
                hint: "client and server may be of different versions: bridgehead version"
            )
        }
    }
}

extension AdminClient: Administration {
    package func status() async throws -> StatusReply { try await get(.status) }
    package func health() async throws -> HealthReply { try await get(.health) }
    package func configuration() async throws -> ConfigurationReply { try await get(.configuration) }

    package func replicateNow(_ request: ReplicateNowRequest) async throws -> ReplicateNowReply {
        try await post(.replicateNow, request)
    }
    package func replicationNeighbors() async throws -> ReplicationNeighborsReply {
        try await get(.replicationNeighbors)
    }
    package func replicationSummary() async throws -> ReplicationSummaryReply {
        try await get(.replicationSummary)
    }
    package func replicationCursors() async throws -> ReplicationCursorsReply {
        try await get(.replicationCursors)
    }

    package func resync(_ request: ResyncRequest) async throws -> ResyncReply {
        try await post(.resync, request)
    }
    package func lingeringObjects() async throws -> [LingeringReply] { try await get(.lingeringObjects) }

    package func compare(_ request: CompareRequest) async throws -> CompareReply {
        try await post(.compare, request)
    }
    package func cure(_ request: CureRequest) async throws -> CureReply { try await post(.cure, request) }

    package func object(_ query: ObjectQuery) async throws -> ObjectReply { try await post(.object, query) }
    package func objects(_ query: SearchQuery) async throws -> SearchReply { try await post(.objects, query) }
    package func originate(_ request: WriteRequest) async throws -> WriteReply {
        try await post(.originate, request)
    }
    package func metadata(_ query: ObjectQuery) async throws -> MetadataReply {
        try await post(.metadata, query)
    }
    package func why(_ query: WhyQuery) async throws -> WhyReply { try await post(.why, query) }

    package func mailFolders() async throws -> [MailFolderReply] { try await get(.mailFolders) }
    package func mailList(_ query: MailListQuery) async throws -> [MailFileReply] {
        try await post(.mailList, query)
    }
    package func mailShow(_ query: MailShowQuery) async throws -> MailShowReply {
        try await post(.mailShow, query)
    }

    package func mailRelease(_ request: MailDecisionRequest) async throws -> MailDecisionReply {
        try await post(.mailRelease, request)
    }
    package func mailDiscard(_ request: MailDecisionRequest) async throws -> MailDecisionReply {
        try await post(.mailDiscard, request)
    }

    package func conflicts(_ query: ConflictListQuery) async throws -> ConflictListReply {
        try await post(.conflicts, query)
    }
    package func conflict(_ query: ConflictQuery) async throws -> ConflictShowReply {
        try await post(.conflict, query)
    }
    package func restoreConflict(_ query: ConflictQuery) async throws -> WriteReply {
        try await post(.restoreConflict, query)
    }

    package func signRequest(_ request: SignRequest) async throws -> SignReply {
        try await post(.signRequest, request)
    }
    package func certificates() async throws -> [CertificateReply] { try await get(.certificates) }
    package func installCertificate(
        _ request: InstallCertificateRequest
    ) async throws -> InstallCertificateReply { try await post(.installCertificate, request) }
    package func addDomain(_ request: DomainAddRequest) async throws -> DomainAddReply {
        try await post(.addDomain, request)
    }

    // MARK: - Streams

    /// Returns once the DSA has begun to listen for this client.
    package func events() async throws -> AsyncThrowingStream<EventReply, any Error> {
        let lines = LineReader(open(.events))
        _ = try await lines.next()
        return AsyncThrowingStream {
            while let line = try await lines.next() {
                if !line.isEmpty { return try AdminJSON.decode(EventReply.self, from: Data(line)) }
            }
            return nil
        }
    }

    package func export(_ query: ExportQuery) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        let source = open(.export, upload: .octets([UInt8](try AdminJSON.encode(query))))
        try await source.open()
        return AsyncThrowingStream { try await source.next() }
    }

    package func backup() async throws -> AsyncThrowingStream<[UInt8], any Error> {
        let source = open(.backup)
        try await source.open()
        return AsyncThrowingStream { try await source.next() }
    }

    package func createMedia(_ request: MediaRequest) async throws -> AsyncThrowingStream<[UInt8], any Error>
    {
        let source = open(.createMedia, upload: .octets([UInt8](try AdminJSON.encode(request))))
        try await source.open()
        return AsyncThrowingStream { try await source.next() }
    }

    package func importLDIF(
        _ chunks: AsyncThrowingStream<[UInt8], any Error>,
        options: ImportOptions = ImportOptions(),
        progress: @escaping @Sendable (ImportProgress) -> Void
    ) async throws -> ImportReply {
        let source = UploadSource()
        let lines = LineReader(open(.importLDIF, query: options.query, upload: .stream(source)))
        let pump = Task { await source.pump(chunks) }
        defer { pump.cancel() }
        do {
            while let line = try await lines.next() {
                guard !line.isEmpty else { continue }
                switch try AdminJSON.decode(ImportLine.self, from: Data(line)) {
                case .progress(let counts): progress(counts)
                case .result(let reply): return reply
                case .error(let error): throw error
                }
            }
        } catch {
            // What stopped the file from being read says more than the connection that ended with it.
            throw source.failure ?? error
        }
        throw AdminError(code: "badAnswer", message: "the DSA ended the import without a result")
    }
}
