package import AdminAPI
import DirectoryModel
import Foundation
import Identifiers
import PKI
import Replication
import SecureMail
import Store

extension DomainControllerService {
    /// Pieces that may wait for a slow client; each is a part of some megabytes.
    private static let mediaPartsAheadMax = 2

    package func createMedia(_ request: MediaRequest) async throws -> AsyncThrowingStream<[UInt8], any Error>
    {
        let view = partners.current
        let contexts = try mediaContexts(request, view)
        let created = now()
        let signing = try KeyPair(
            certificate: try Certificate(pem: try directory.readText(directory.certificate)),
            key: try PrivateKey(pem: try directory.readText(directory.key))
        )
        let header = MediaHeader(
            forest: view.configurationContext.guid,
            forestName: view.names.dnsName,
            created: created,
            creatorGUID: view.own.dsaGUID,
            creator: view.own.serverName,
            tombstoneLifetimeDays: view.tombstoneLifetimeDays,
            namingContexts: contexts.map {
                MediaHeader.Context(
                    guid: $0.guid,
                    dn: $0.dn.description(naming: WellKnownNames()),
                    isPartial: $0.role == .domain
                )
            }
        )
        let writer = MediaWriter(store: store, partialAttributes: view.partialAttributes)
        // What leaves must be known to have left before it does; the snapshot below is at least this new.
        let usn = try await store.snapshot { try $0.highestUSN() }
        try await dsa.generation.handOut(usn, by: store.identity)
        let pipe = BoundedPipe<[UInt8]>(elementsAheadMax: Self.mediaPartsAheadMax)
        let (store, requestID) = (store, RandomSource.guid())
        Task {
            do {
                try await store.snapshot { snapshot in
                    let digesting = DigestingPipe(pipe)
                    try digesting.put(MediaFormat.magic)
                    try digesting.put(MediaFormat.frame(Array(try JSONEncoder().encode(header))))
                    try writer.parts(of: contexts, in: snapshot, at: created, requestID: requestID) {
                        try digesting.put(MediaFormat.frame($0))
                    }
                    try digesting.put(MediaFormat.frame([]))
                    let signature = try CMS.sign(
                        MediaFormat.signed(digesting.finish()),
                        certificate: signing.certificate,
                        key: signing.key,
                        at: created
                    )
                    try pipe.put(MediaFormat.frame(signature))
                }
                pipe.finish()
            } catch {
                pipe.finish(throwing: error)
            }
        }
        let reader = PipeReader(pipe)
        return AsyncThrowingStream { try await reader.pipe.next() }
    }

    /// Schema first, then configuration, then domains: as they must be loaded.
    private func mediaContexts(_ request: MediaRequest, _ view: ConfigurationView) throws
        -> [HeldNamingContext]
    {
        let wanted =
            request.namingContexts.isEmpty
            ? view.held.filter { !$0.isPartial }
            : try request.namingContexts.map { name in
                let guid = try contextGUID(name, view)
                guard let context = view.heldContext(guid), !context.isPartial else {
                    throw AdminError(
                        code: "partialReplica",
                        message: "this DSA holds only a partial replica of \(view.contextName(guid))",
                        hint: "make the media where that domain is held in full"
                    )
                }
                return context
            }
        var seen: Set<GUID> = []
        return wanted.filter { seen.insert($0.guid).inserted }
            .sorted { (view.rank($0.guid), $0.guid) < (view.rank($1.guid), $1.guid) }
    }
}

/// Hashes what it hands on.
private final class DigestingPipe {
    private let pipe: BoundedPipe<[UInt8]>
    private var digest: SHA256? = SHA256()

    init(_ pipe: BoundedPipe<[UInt8]>) { self.pipe = pipe }

    func put(_ octets: [UInt8]) throws {
        digest?.update(octets)
        try pipe.put(octets)
    }

    /// The digest of all that was put; called once.
    func finish() -> [UInt8] {
        guard let digest = digest.take() else { return [] }
        return digest.finish()
    }
}
