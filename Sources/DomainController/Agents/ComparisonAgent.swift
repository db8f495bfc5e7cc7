import AdminAPI
package import Identifiers
package import InterSiteMessaging
import Replication
package import Store

/// Compares replicas with partners over mail: digests of objects travel, never values.
///
/// A service of its own at the ISM; nothing here is stored, and an answer that comes after the asking process ended
/// is nobody's.
package actor ComparisonAgent {
    package static let service = "compare"
    /// Comparisons that may wait for their answers at the same time.
    package static let openMax = 64
    /// Answers wait this long at the partner's mail before they are worthless.
    private static let lifeDays = 7

    /// What came back, once all of it is there.
    struct Answer: Sendable {
        var vector: UpToDatenessVector
        var replica: ReplicaKind
        var digests: [ObjectDigest]
        var refusal: String?
    }

    private struct Open {
        let partner: GUID
        let namingContext: GUID
        var parts: [Int: ComparisonReply] = [:]
        var continuation: CheckedContinuation<Answer?, Never>?
    }

    private let store: DirectoryStore
    private let messaging: InterSiteMessagingService
    private let partners: PartnerDirectory
    private let now: @Sendable () -> Timestamp
    private let randomGUID: @Sendable () -> GUID
    private var open: [GUID: Open] = [:]

    package init(
        store: DirectoryStore,
        messaging: InterSiteMessagingService,
        partners: PartnerDirectory,
        now: @escaping @Sendable () -> Timestamp,
        randomGUID: @escaping @Sendable () -> GUID
    ) {
        self.store = store
        self.messaging = messaging
        self.partners = partners
        self.now = now
        self.randomGUID = randomGUID
    }

    // MARK: - Asking

    /// Asks and waits; nil when the time is over first.
    ///
    /// - Throws: `AdminError` when too many wait already, or what sending threw.
    func digests(of namingContext: GUID, from partner: GUID, timeoutSeconds: Int) async throws -> Answer? {
        guard open.count < Self.openMax else {
            throw AdminError(
                code: "busy",
                message: "\(open.count) comparisons wait for their answers",
                hint: "wait for one to end"
            )
        }
        let id = randomGUID()
        let time = now()
        let vector = try await store.snapshot { try $0.vector(of: namingContext, at: time) }
        let request = ComparisonRequest(
            header: header(namingContext),
            requestID: id,
            vector: vector,
            replica: partners.current.replicaKind(of: namingContext)
        )
        open[id] = Open(partner: partner, namingContext: namingContext)
        defer { open[id] = nil }
        try await send(
            .request(request),
            to: partner,
            summary: "compare \(name(namingContext))",
            inReplyTo: nil
        )
        let timer = Task {
            try? await Task.sleep(for: .seconds(timeoutSeconds))
            giveUp(id)
        }
        defer { timer.cancel() }
        return await withCheckedContinuation { continuation in
            guard let known = open[id] else { return continuation.resume(returning: nil) }
            open[id]?.continuation = continuation
            finishIfWhole(id, known.parts)
        }
    }

    private func giveUp(_ id: GUID) {
        open[id]?.continuation?.resume(returning: nil)
        open[id]?.continuation = nil
    }

    // MARK: - Receiving

    /// The ISM's handler.
    package func receive(_ message: ReceivedMessage) async throws {
        let decoded: ComparisonCodec.Message
        do { decoded = try ComparisonCodec.decode(message.payload) } catch {
            throw MessageRefused("\(error)", code: "undecodable")
        }
        guard decoded.header.dsaGUID == message.sender else {
            throw MessageRefused(
                "it names DSA \(decoded.header.dsaGUID) as its sender, but \(message.sender) signed it",
                code: "wrong-sender"
            )
        }
        switch decoded {
        case .request(let request): try await answer(request, to: message)
        case .reply(let reply): take(reply)
        }
    }

    private func take(_ reply: ComparisonReply) {
        let id = reply.requestID
        guard let known = open[id], known.partner == reply.header.dsaGUID,
            known.namingContext == reply.header.namingContext
        else { return }
        open[id]?.parts[reply.partNumber] = reply
        if let parts = open[id]?.parts { finishIfWhole(id, parts) }
    }

    private func finishIfWhole(_ id: GUID, _ parts: [Int: ComparisonReply]) {
        guard let first = parts.values.first, parts.count >= first.parts, let waiting = open[id]?.continuation
        else { return }
        open[id]?.continuation = nil
        let digests = parts.sorted { $0.key < $1.key }.flatMap(\.value.digests)
        waiting.resume(
            returning: Answer(
                vector: first.vector,
                replica: first.replica,
                digests: digests,
                refusal: parts.values.compactMap(\.refusal).first
            )
        )
    }

    // MARK: - Answering

    private func answer(_ request: ComparisonRequest, to message: ReceivedMessage) async throws {
        let view = partners.current
        let context = request.header.namingContext
        guard view.isMember(message.sender) else { return }
        var reply = ComparisonReply(
            header: header(context),
            requestID: request.requestID,
            vector: .init(),
            replica: request.replica
        )
        do throws(ComparisonRefusal) {
            reply.replica = try Self.common(request.replica, with: view.heldContext(context), in: view)
        } catch {
            reply.refusal = error.sentence
            try await send(
                .reply(reply),
                to: message.sender,
                summary: "compare refused",
                inReplyTo: message.id
            )
            return
        }
        let (vector, digests) = try await snapshot(
            of: context,
            against: request.vector,
            as: reply.replica
        )
        reply.vector = vector
        let size = ReplicationLimits.comparisonObjectsMax
        reply.parts = max(1, (digests.count + size - 1) / size)
        for part in 0..<reply.parts {
            reply.partNumber = part + 1
            reply.digests = Array(digests[(part * size)..<min(digests.count, (part + 1) * size)])
            try await send(
                .reply(reply),
                to: message.sender,
                summary: "digests \(name(context)) part \(part + 1)/\(reply.parts)",
                inReplyTo: message.id
            )
        }
    }

    /// Own vector and digests of one snapshot, settled under what both sides claim.
    func snapshot(
        of context: GUID,
        against theirs: UpToDatenessVector,
        as replica: ReplicaKind
    ) async throws -> (vector: UpToDatenessVector, digests: [ObjectDigest]) {
        let attributes = partners.current.partialAttributes.sorted
        let time = now()
        return try await store.snapshot { snapshot in
            let vector = try snapshot.vector(of: context, at: time)
            return (
                vector,
                try snapshot.objectDigests(
                    of: context,
                    restrictedTo: replica == .full ? nil : Set(attributes),
                    settledUnder: vector.common(with: theirs)
                )
            )
        }
    }

    /// What two replicas can be compared by: everything, or the partial attribute set that both know.
    private static func common(
        _ theirs: ReplicaKind,
        with held: HeldNamingContext?,
        in view: ConfigurationView
    ) throws(ComparisonRefusal) -> ReplicaKind {
        guard let held else {
            throw ComparisonRefusal(sentence: "this DSA does not hold that naming context")
        }
        let partial = ReplicaKind.partial(digest: view.partialAttributes.digest)
        if theirs == .full { return held.isPartial ? partial : .full }
        guard theirs == partial else {
            throw ComparisonRefusal(
                sentence: "the partial attribute sets differ: the schema is still on its way"
            )
        }
        return partial
    }

    // MARK: - Messages

    private func header(_ namingContext: GUID) -> MessageHeader {
        let identity = store.identity
        return MessageHeader(
            dsaGUID: identity.dsaGUID,
            invocationID: identity.invocationID,
            bootRecords: store.bootRecords,
            namingContext: namingContext
        )
    }

    private func name(_ context: GUID) -> String { partners.current.contextName(context) }

    private func send(
        _ message: ComparisonCodec.Message,
        to partner: GUID,
        summary: String,
        inReplyTo: GUID?
    ) async throws {
        let time = now()
        _ = try await messaging.send(
            IntersiteMessage(
                id: randomGUID(),
                service: Self.service,
                to: partner,
                payload: ComparisonCodec.encode(message),
                inReplyTo: inReplyTo,
                created: time,
                expires: partners.current.expiry(ofMessageLivingDays: Self.lifeDays, from: time),
                summary: summary
            ),
            via: partners.current.transport(to: partner)
        )
    }
}

private struct ComparisonRefusal: Error {
    let sentence: String
}
