/// What an administrator can ask of a DSA: a running one conforms, and so does a client of its socket.
///
/// Every function throws `AdminError`, or an error that `AdminError.init(_:)` turns into one.
package protocol Administration: Sendable {
    func status() async throws -> StatusReply
    func health() async throws -> HealthReply
    /// Effective values with their origin.
    func configuration() async throws -> ConfigurationReply
    /// What happens from now on; ends when the DSA stops.
    func events() async throws -> AsyncThrowingStream<EventReply, any Error>

    func replicateNow(_ request: ReplicateNowRequest) async throws -> ReplicateNowReply
    func replicationNeighbors() async throws -> ReplicationNeighborsReply
    func replicationSummary() async throws -> ReplicationSummaryReply
    func replicationCursors() async throws -> ReplicationCursorsReply
    /// Asks the partner over mail and waits for its answer.
    func resync(_ request: ResyncRequest) async throws -> ResyncReply
    func lingeringObjects() async throws -> [LingeringReply]
    func compare(_ request: CompareRequest) async throws -> CompareReply
    /// Ends the present life of the database because a person says so.
    func cure(_ request: CureRequest) async throws -> CureReply

    func object(_ query: ObjectQuery) async throws -> ObjectReply
    func objects(_ query: SearchQuery) async throws -> SearchReply
    func originate(_ request: WriteRequest) async throws -> WriteReply
    func metadata(_ query: ObjectQuery) async throws -> MetadataReply
    /// The way each value came: stamp, part, mail, hops.
    func why(_ query: WhyQuery) async throws -> WhyReply
    /// Reads LDIF to its end; calls `progress` now and then, from any thread.
    func importLDIF(
        _ chunks: AsyncThrowingStream<[UInt8], any Error>,
        options: ImportOptions,
        progress: @escaping @Sendable (ImportProgress) -> Void
    ) async throws -> ImportReply
    /// Pieces of a text, in order.
    func export(_ query: ExportQuery) async throws -> AsyncThrowingStream<[UInt8], any Error>

    /// Pieces of a backup, in order; the last 32 octets are the checksum.
    func backup() async throws -> AsyncThrowingStream<[UInt8], any Error>
    /// Pieces of a media file, in order.
    func createMedia(_ request: MediaRequest) async throws -> AsyncThrowingStream<[UInt8], any Error>

    func mailFolders() async throws -> [MailFolderReply]
    func mailList(_ query: MailListQuery) async throws -> [MailFileReply]
    func mailShow(_ query: MailShowQuery) async throws -> MailShowReply

    /// Takes a held mail as it is: a part of changes in spite of its poison.
    func mailRelease(_ request: MailDecisionRequest) async throws -> MailDecisionReply
    func mailDiscard(_ request: MailDecisionRequest) async throws -> MailDecisionReply

    func conflicts(_ query: ConflictListQuery) async throws -> ConflictListReply
    func conflict(_ query: ConflictQuery) async throws -> ConflictShowReply
    /// Writes the losing values once more.
    func restoreConflict(_ query: ConflictQuery) async throws -> WriteReply

    func signRequest(_ request: SignRequest) async throws -> SignReply
    func certificates() async throws -> [CertificateReply]
    func installCertificate(_ request: InstallCertificateRequest) async throws -> InstallCertificateReply
    func addDomain(_ request: DomainAddRequest) async throws -> DomainAddReply
}

extension AsyncThrowingStream where Failure == any Error, Element: Sendable {
    /// The same elements from a stream that cannot fail.
    package init(_ stream: AsyncStream<Element>) {
        self.init { continuation in
            let forwarding = Task {
                for await element in stream { continuation.yield(element) }
                continuation.finish()
            }
            continuation.onTermination = { _ in forwarding.cancel() }
        }
    }
}
