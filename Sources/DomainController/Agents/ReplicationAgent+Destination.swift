import AdminAPI
package import Identifiers
package import InterSiteMessaging
package import Replication
import Store

/// A part between its arrival and the transaction that applies it.
struct WaitingPart {
    let part: ChangesReply
    let carrier: PartCarrier
    let continuation: CheckedContinuation<PartOutcome, any Error>
}

/// Somebody waits until a request is answered in full.
struct AwaitedAnswer {
    let link: ReplicationLink
    /// The snapshot that must be covered; known when the first part has come.
    var asOf: USN?
    /// The request was declined, and another one that the source can answer took its place.
    var isAskedAnew = false
    var isApplied: Bool?
    var continuations: [CheckedContinuation<Bool, Never>] = []
}

/// The destination's half: asking, and applying what comes.
extension ReplicationAgent {
    /// Asks the partner for what this replica lacks, or sends an unanswered request once more.
    ///
    /// - Returns: the request and the message that carries it; nil when one is on its way and not overdue.
    package func request(
        _ link: ReplicationLink,
        isForced: Bool
    ) async throws -> (request: ChangesRequest, receipt: SendReceipt)? {
        let time = now()
        let view = partners.current
        let header = messageHeader(link.namingContext)
        let (limits, timing) = (settings.limits, settings.timing)
        let randomGUID = randomGUID
        // A partner that no mail can be sealed to is not asked: the request would count as pending.
        do { _ = try partners.route(to: link.partner, at: time) } catch {
            unsent.insert(link)
            throw error
        }
        let asksAnew = isForced || unsent.contains(link)
        let request = try await store.updateDestination(link.namingContext) {
            (destination, ownUSN) -> ChangesRequest? in
            guard destination.mayAsk(link.partner) else { return nil }
            // One of an earlier start is not sent again: what was put back counts from lower numbers since, and says
            // so only by the start that its requests name.
            let pending = destination.pendingRequest(to: link.partner)?.request?.header.bootRecords.first
            if !asksAnew, let pending, pending == header.bootRecords.first {
                return destination.requestToResend(to: link.partner, at: time, timing: timing)
            }
            return destination.makeRequest(
                to: link.partner,
                id: randomGUID(),
                header: header,
                kind: destination.replicaKind,
                limits: limits,
                timing: timing,
                at: time,
                ownUSN: ownUSN
            )
        }
        guard let request else { return nil }
        status[link, default: LinkStatus()].lastAttempt = time
        status[link, default: LinkStatus()].result = 8477
        status[link, default: LinkStatus()].text = "a request is on its way"
        // Before the mail leaves: its answer may be quicker than whoever asks for it.
        if isForced { awaited[request.requestID] = AwaitedAnswer(link: link) }
        let summary =
            "request \(view.contextName(link.namingContext)) have \(request.received.contiguousPrefix)"
        let receipt: SendReceipt
        do {
            receipt = try await send(
                .request(request),
                to: link.partner,
                summary: summary,
                coalescingKey: "request/\(link.namingContext)/\(link.partner)"
            )
            unsent.remove(link)
        } catch {
            unsent.insert(link)
            awaited[request.requestID] = nil
            throw error
        }
        post(
            "requested",
            partner: link.partner,
            namingContext: link.namingContext,
            text: summary,
            fields: ["message": "\(receipt.id)", "request": "\(request.requestID)"]
        )
        return (request, receipt)
    }

    /// Waits until a forced request is answered in full.
    ///
    /// False when it is declined, when nobody awaits it (any more), and when the agent stops.
    package func answer(to requestID: GUID) async -> Bool {
        guard !isStopped, let known = awaited[requestID] else { return false }
        if let isApplied = known.isApplied { return isApplied }
        return await withCheckedContinuation { awaited[requestID]?.continuations.append($0) }
    }

    /// Nobody waits for that answer any more.
    package func stopWaiting(for requestID: GUID) {
        conclude(requestID, isApplied: false)
        awaited[requestID] = nil
    }

    func conclude(_ requestID: GUID, isApplied: Bool) {
        guard var known = awaited[requestID], known.isApplied == nil else { return }
        let continuations = known.continuations
        (known.isApplied, known.continuations) = (isApplied, [])
        awaited[requestID] = known
        for continuation in continuations { continuation.resume(returning: isApplied) }
    }

    func receive(_ part: ChangesReply, from message: ReceivedMessage) async throws {
        let link = ReplicationLink(
            namingContext: part.header.namingContext,
            partner: part.header.dsaGUID
        )
        guard try await isWanted(part, link) else {
            throw MessageRefused(
                "this DSA takes no changes of naming context \(link.namingContext) from that sender",
                code: "not-pulled"
            )
        }
        if message.isCRLStale, !partners.current.isForestWide(part.header.namingContext) {
            throw MessageHeld(
                "the revocation list is stale: only schema and configuration are applied",
                code: "crl-stale",
                copyKey: "crl-stale/\(part.header.dsaGUID)/\(part.header.namingContext)/\(part.interval.from)"
            )
        }
        let outcome = try await withCheckedThrowingContinuation { continuation in
            waitingParts.append(
                WaitingPart(part: part, carrier: PartCarrier(message), continuation: continuation)
            )
            if !isApplying {
                isApplying = true
                Task(executorPreference: taskExecutor) { [self] in await applyWaitingParts() }
            }
        }
        try await finished(part, outcome, link: link)
    }

    private func isWanted(_ part: ChangesReply, _ link: ReplicationLink) async throws -> Bool {
        let view = partners.current
        if view.mayPull(link.namingContext, from: link.partner) || rollback.recoveries[part.requestID] == link
        {
            return true
        }
        return try await isLostHour(of: link)
    }

    func receive(_ poke: Poke) async throws {
        let link = ReplicationLink(
            namingContext: poke.header.namingContext,
            partner: poke.header.dsaGUID
        )
        guard partners.current.links.contains(link) else { return }
        let wants = try await store.updateDestination(link.namingContext) { destination, _ in
            destination.receive(poke)
        }
        post(
            "poked",
            partner: link.partner,
            namingContext: link.namingContext,
            text: "news up to USN \(poke.usn)"
        )
        if wants { scheduleSoon(link) }
    }

    func receive(_ error: ErrorReply) async throws {
        if let suspicion = error.suspicion, error.code == .rollbackSuspected {
            try await receive(suspicion, from: error.header.dsaGUID)
        }
        let link = ReplicationLink(
            namingContext: error.header.namingContext,
            partner: error.header.dsaGUID
        )
        guard partners.current.links.contains(link) else { return }
        let time = now()
        let wants = try await store.updateDestination(link.namingContext) { destination, _ in
            destination.receive(error, at: time)
        }
        if wants {
            if let id = error.requestID, awaited[id]?.link == link { awaited[id]?.isAskedAnew = true }
            scheduleSoon(link)
        } else {
            let code = error.code == .collectedNotCovered ? 8614 : Int(error.code.rawValue)
            failed(link, code: code, "the partner answers: \(error.text)")
            if let id = error.requestID, awaited[id]?.link == link { conclude(id, isApplied: false) }
        }
    }

    /// Everything that waits goes into as few transactions as the bound allows, the schema first.
    private func applyWaitingParts() async {
        while !waitingParts.isEmpty {
            let view = partners.current
            let order = waitingParts.enumerated().sorted { left, right in
                let leftRank = view.rank(left.element.part.header.namingContext)
                let rightRank = view.rank(right.element.part.header.namingContext)
                return leftRank != rightRank ? leftRank < rightRank : left.offset < right.offset
            }.map(\.element)
            let batch = Array(order.prefix(Self.partsPerTransactionMax))
            waitingParts = Array(order.dropFirst(batch.count))
            await apply(batch)
        }
        isApplying = false
    }

    private func apply(_ batch: [WaitingPart]) async {
        let context = ApplyContext(
            ownDSA: partners.current.own.dsaGUID,
            now: now(),
            carriers: batch.map(\.carrier)
        )
        do {
            let outcomes = try await store.apply(batch.map(\.part), context: context)
            preconditionIsolated()
            if outcomes.contains(where: { $0.schemaChanged || $0.configurationChanged }) {
                await reloadView()
            }
            for (waiting, outcome) in zip(batch, outcomes) { waiting.continuation.resume(returning: outcome) }
        } catch {
            // One bad part must not keep the others from being applied.
            guard batch.count > 1 else {
                batch.first?.continuation.resume(throwing: error)
                return
            }
            for waiting in batch { await apply([waiting]) }
        }
    }

    private func finished(_ part: ChangesReply, _ outcome: PartOutcome, link: ReplicationLink) async throws {
        report(outcome, from: link)
        let range = "(\(part.interval.from),\(part.interval.to)] asof \(part.asOf)"
        switch outcome.verdict {
        case .apply:
            status[link, default: LinkStatus()].result = 0
            status[link, default: LinkStatus()].text = ""
            status[link, default: LinkStatus()].consecutiveFailures = 0
            post(
                "applied",
                partner: link.partner,
                namingContext: link.namingContext,
                text: "part \(part.partNumber) usn \(range): \(outcome.objectsApplied) objects, "
                    + "\(outcome.linksApplied) links",
                fields: [
                    "objects": "\(outcome.objectsApplied)", "links": "\(outcome.linksApplied)",
                    "adopted": "\(outcome.commit?.adopted ?? false)",
                ]
            )
        case .duplicate:
            post(
                "duplicate",
                partner: link.partner,
                namingContext: link.namingContext,
                text: "part \(part.partNumber) usn \(range) was here before"
            )
        case .stale:
            post(
                "stale",
                partner: link.partner,
                namingContext: link.namingContext,
                text: "part \(part.partNumber) usn \(range) is older than what was adopted; dropped"
            )
        case .held(let reason):
            if awaited[part.requestID]?.link == link { conclude(part.requestID, isApplied: false) }
            if case .ownEntryAhead = reason { raiseOwnEntryAhead(reason, by: link.partner) }
            return try await hold(part, reason, outcome.heldCopy, link: link)
        case .refused(let reason):
            failed(link, code: reason.resultCode, "part usn \(range) is refused: \(reason)")
            if awaited[part.requestID]?.link == link { conclude(part.requestID, isApplied: false) }
            if case .rollbackSuspected(let suspicion) = reason {
                await suspect(suspicion, in: part.header, inReplyTo: nil)
            }
            throw MessageRefused("\(reason); hint: \(reason.hint)", code: "part-refused")
        }
        await noteRecovered(part)
        if outcome.commit?.adopted == true { await settleRetirements(part, link: link) }
        await settle(outcome, link: link)
        if outcome.changedUpTo != nil { changed(link.namingContext, from: link.partner) }
        if planted(.emptyAnswerIsNews) { changed(link.namingContext) }
        if outcome.commit?.wantsRequest == true { scheduleSoon(link) }
        if outcome.commit?.adopted == true { await partApplied(in: link.namingContext) }
        try await concludeCovered(part, link: link)
    }

    /// Ends the waiting for requests whose snapshot has come in full, be it in answer to later ones: when the
    /// credit is spent, a new request asks for the rest.
    private func concludeCovered(_ part: ChangesReply, link: ReplicationLink) async throws {
        for (id, known) in awaited where known.link == link && known.asOf == nil {
            if id == part.requestID || known.isAskedAnew { awaited[id]?.asOf = part.asOf }
        }
        let open = awaited.filter {
            $0.value.link == link && $0.value.isApplied == nil && $0.value.asOf != nil
        }
        guard !open.isEmpty else { return }
        let watermark = try await store.snapshot { snapshot in
            let destination = try snapshot.destination(of: link.namingContext)
            return destination.cursor(of: link.partner, part.header.invocationID)?.highWatermark ?? .zero
        }
        for (id, known) in open where known.asOf.map({ $0 <= watermark }) ?? false {
            conclude(id, isApplied: true)
        }
    }

    func messageHeader(_ namingContext: GUID) -> MessageHeader {
        let identity = store.identity
        return MessageHeader(
            dsaGUID: identity.dsaGUID,
            invocationID: identity.invocationID,
            bootRecords: store.bootRecords,
            namingContext: namingContext
        )
    }

    func send(
        _ message: ReplicationMessage,
        to partner: GUID,
        summary: String,
        inReplyTo: GUID? = nil,
        coalescingKey: String? = nil,
        mayFragment: Bool = false
    ) async throws -> SendReceipt {
        let time = now()
        return try await messaging.send(
            IntersiteMessage(
                id: randomGUID(),
                service: Self.service,
                to: partner,
                payload: ReplicationCodec.encode(message),
                inReplyTo: inReplyTo,
                created: time,
                expires: partners.current.expiry(
                    ofMessageLivingDays: ReplicationLimits.messageLifeDays,
                    from: time
                ),
                summary: summary,
                coalescingKey: coalescingKey,
                mayFragment: mayFragment
            ),
            via: partners.current.transport(to: partner)
        )
    }
}
