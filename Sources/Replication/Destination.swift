package import DirectoryModel
package import Identifiers

/// The destination's half of pulling one naming context from all its sources, without I/O or clock.
///
/// It lives in the database and is loaded and saved inside the transaction that applies a part. The order for
/// one part: `judge`; apply the data when the verdict says so; `commit` after `.apply` and after `.duplicate`.
/// The own vector entry is not stored: it is the database's highest USN, passed in with every request.
package struct Destination: Hashable, Sendable {
    package static let requestsPerSourceMax = 32
    package static let cursorsPerSourceMax = 8

    /// The objectGUID of the NC's head.
    package let namingContext: GUID
    package let isPartial: Bool
    /// Every change up to these USNs is held or superseded; without the own entry.
    package internal(set) var vector = UpToDatenessVector()
    /// Per originator the highest stamp of a tombstone that was collected here, or at a source we follow.
    package internal(set) var collected: [GUID: USN] = [:]
    package internal(set) var sources: [SourceRecord] = []
    package internal(set) var cursors: [SourceCursor] = []
    package internal(set) var requests: [OutstandingRequest] = []
    /// Lives of databases, anybody's, that have ended.
    package internal(set) var retired: [GUID: Retirement] = [:]
    /// A vector was merged since creation or resync, or the naming context was created here.
    package internal(set) var hasJoined = false
    /// The one source that a joining replica pulls from.
    package internal(set) var joinSource: GUID?
    package internal(set) var joinStarted: Timestamp?
    package internal(set) var joinStart: JoinStart?
    /// What is held and was not yet seen at the source is marked in the database.
    package internal(set) var isResyncing = false
    /// Of a partial replica: the attributes that it keeps; nil until the schema here was asked.
    package internal(set) var partialSet: PartialSet?

    package init(namingContext: GUID, isPartial: Bool) {
        self.namingContext = namingContext
        self.isPartial = isPartial
    }

    // MARK: Requests

    /// Whether this source may be asked: a joining replica pulls from one source only.
    package func mayAsk(_ source: GUID) -> Bool { hasJoined || joinSource == nil || joinSource == source }

    /// Makes the next request to a source; everything that is not a resend takes a new id and sequence.
    ///
    /// `id` is random, 128 bits: the only proof that a part answers us. `ownUSN` is this database's highest USN,
    /// read in the transaction that saves the result.
    package mutating func makeRequest(
        to source: GUID,
        id: GUID,
        header: MessageHeader,
        kind: ReplicaKind,
        limits: PartLimits,
        timing: RequestTiming = .init(),
        at now: Timestamp,
        ownUSN: USN,
        partialAttributes: [OID]? = nil
    ) -> ChangesRequest {
        expireRequests(at: now)
        if !hasJoined, joinSource ?? source == source, joinStarted == nil {
            (joinSource, joinStarted) = (source, now)
        }
        var record = record(of: source)
        record.sequence &+= 1
        record.lastAttempt = now
        record.rememberedPoke = nil
        let request = ChangesRequest(
            header: header,
            requestID: id,
            sequence: record.sequence,
            sourceInvocationID: record.invocationID,
            received: record.invocationID.flatMap { cursor(of: source, $0)?.received } ?? .init(),
            // Who joins must be shown everything that the source holds.
            vector: hasJoined ? advertisedVector(own: header.invocationID, ownUSN: ownUSN, at: now) : .init(),
            addedAttributes: partialSet?.added ?? [],
            addedVector: hasJoined ? partialSet?.addedVector ?? .init() : .init(),
            collected: collected,
            isJoining: !hasJoined && joinSource == source,
            replica: kind,
            partialAttributes: record.wantsPartialAttributes
                ? partialSet?.attributes ?? partialAttributes : nil,
            partBytesMax: limits.bytesMax,
            partObjectsMax: limits.objectsMax,
            credit: limits.credit
        )
        save(record)
        requests.append(
            OutstandingRequest(request, to: source, at: now, lifetimeSeconds: timing.requestLifetimeSeconds)
        )
        let mine = requests.indices.filter { requests[$0].sourceDSA == source }
        if mine.count > Self.requestsPerSourceMax { requests.remove(at: mine[0]) }
        return request
    }

    /// The vector as peers see it: a full replica's own entry is its highest USN.
    package func advertisedVector(own: GUID, ownUSN: USN, at now: Timestamp) -> UpToDatenessVector {
        guard !isPartial else { return vector }
        var advertised = vector
        advertised[own] = VectorEntry(usn: ownUSN, time: now)
        return advertised
    }

    /// The newest request to a source while nothing has answered it.
    package func pendingRequest(to source: GUID) -> OutstandingRequest? {
        newestRequest(to: source).flatMap { $0.isPending ? $0 : nil }
    }

    /// The requests that are due to be sent again, to any source.
    package mutating func requestsToResend(at now: Timestamp, timing: RequestTiming = .init())
        -> [ChangesRequest]
    {
        sources.map(\.sourceDSA).compactMap { requestToResend(to: $0, at: now, timing: timing) }
    }

    /// The newest request to a source when it is due to be sent again: the same octets in a new mail.
    ///
    /// Notes that it is sent.
    package mutating func requestToResend(
        to source: GUID,
        at now: Timestamp,
        timing: RequestTiming = .init()
    ) -> ChangesRequest? {
        expireRequests(at: now)
        let record = record(of: source)
        let index = requests.firstIndex {
            $0.sourceDSA == source && $0.sequence == record.sequence && $0.isPending
        }
        guard let index, var message = requests[index].request, !planted(.lostRequestNotSentAgain),
            // A clock that was set back must not silence us for as long as it jumped.
            now < requests[index].lastSent
                || now >= requests[index].lastSent.adding(seconds: record.resendAfterSeconds(timing))
        else { return nil }
        requests[index].lastSent = now
        requests[index].resends += 1
        if planted(.resentUnderAnotherID) { message.requestID = message.header.namingContext }
        return message
    }

    /// Sources whose answer stopped short: a gap or a poke remains, and nothing has come for a resend time.
    package func stalledSources(at now: Timestamp, timing: RequestTiming = .init()) -> [GUID] {
        sources.compactMap { record in
            guard let invocationID = record.invocationID,
                let cursor = cursor(of: record.sourceDSA, invocationID),
                !cursor.gaps.isEmpty || record.rememberedPoke != nil,
                pendingRequest(to: record.sourceDSA) == nil
            else { return nil }
            let newest = newestRequest(to: record.sourceDSA)
            guard let last = newest.map({ $0.lastPart ?? $0.lastSent }) else { return record.sourceDSA }
            return now >= last.adding(seconds: record.resendAfterSeconds(timing)) ? record.sourceDSA : nil
        }
    }

    // MARK: Pokes and refusals

    /// Takes "there is news up to this USN".
    ///
    /// - Returns: whether to make a request now; during a pending one the poke is only remembered.
    package mutating func receive(_ poke: Poke) -> Bool {
        let header = poke.header
        guard header.namingContext == namingContext, mayAsk(header.dsaGUID) else { return false }
        if let cursor = cursor(of: header.dsaGUID, header.invocationID), cursor.newestAsOf >= poke.usn,
            !planted(.emptyAnswerIsNews)
        {
            return false
        }
        guard pendingRequest(to: header.dsaGUID) != nil else { return true }
        var record = record(of: header.dsaGUID)
        record.rememberedPoke = .init(invocationID: header.invocationID, usn: poke.usn)
        save(record)
        return false
    }

    /// Takes a source's refusal of one of our requests; one that we do not know is nobody's answer.
    ///
    /// - Returns: whether to make a request now (only to send the partial attribute set that was asked for).
    @discardableResult
    package mutating func receive(_ error: ErrorReply, at now: Timestamp) -> Bool {
        guard error.header.namingContext == namingContext,
            let index = requests.firstIndex(where: {
                $0.requestID == error.requestID && $0.sourceDSA == error.header.dsaGUID
            })
        else { return false }
        requests[index].isSettled = true
        requests[index].request = nil
        var record = record(of: error.header.dsaGUID)
        record.lastFailure = SourceFailure(code: error.code, text: error.text, at: now)
        let asksForList = error.code == .partialAttributeSetUnknown && !record.wantsPartialAttributes
        if asksForList { record.wantsPartialAttributes = true }
        save(record)
        return asksForList
    }

    // MARK: Life of the replica

    /// The naming context was created here: there is nobody to join.
    package mutating func markCreatedHere() { hasJoined = true }

    /// Forgets what was received and asked, after PAS growth or when the NC was created again.
    package mutating func forgetReceived() {
        cursors = []
        requests = []
    }

    /// The database lives on under a new invocationID, after a restore.
    ///
    /// The old own entry is frozen at `usn`, the highest that surely belongs to the old life.
    package mutating func startNewInvocation(previous: GUID, frozenAt usn: USN, at now: Timestamp) {
        if !planted(.newLifeKeepsCursors) { forgetReceived() }
        guard !isPartial else { return }
        vector[previous] = usn > .zero ? VectorEntry(usn: usn, time: now) : nil
    }

    /// A tombstone or absent link value with this stamp was collected here.
    package mutating func noteCollected(_ stamp: Stamp) {
        if planted(.collectedNotRaised) { return }
        collected[stamp.invocationID] = max(collected[stamp.invocationID] ?? .zero, stamp.originatingUSN)
        collected.cap(by: retired)
    }

    // MARK: Look-up

    package func cursor(of source: GUID, _ invocationID: GUID) -> SourceCursor? {
        cursors.first { $0.sourceDSA == source && $0.invocationID == invocationID }
    }

    package func source(_ dsaGUID: GUID) -> SourceRecord? { sources.first { $0.sourceDSA == dsaGUID } }

    /// The newest last success over all lives of a source.
    package func lastSuccess(of source: GUID) -> Timestamp? {
        cursors.filter { $0.sourceDSA == source }.compactMap(\.lastSuccess).max()
    }

    func newestRequest(to source: GUID) -> OutstandingRequest? {
        requests.filter { $0.sourceDSA == source }.max { $0.sequence < $1.sequence }
    }

    func record(of source: GUID) -> SourceRecord { self.source(source) ?? SourceRecord(sourceDSA: source) }

    mutating func save(_ record: SourceRecord) {
        if let index = sources.firstIndex(where: { $0.sourceDSA == record.sourceDSA }) {
            sources[index] = record
        } else {
            sources.append(record)
        }
    }

    /// The newest used cursors are last; the oldest life of a source is forgotten first.
    mutating func save(_ cursor: SourceCursor) {
        cursors.removeAll { $0.sourceDSA == cursor.sourceDSA && $0.invocationID == cursor.invocationID }
        cursors.append(cursor)
        let mine = cursors.indices.filter { cursors[$0].sourceDSA == cursor.sourceDSA }
        if mine.count > Self.cursorsPerSourceMax { cursors.remove(at: mine[0]) }
    }

    private mutating func expireRequests(at now: Timestamp) { requests.removeAll { $0.expires <= now } }
}
