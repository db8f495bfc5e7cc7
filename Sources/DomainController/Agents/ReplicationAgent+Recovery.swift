import Identifiers
import InterSiteMessaging
import Logging
import Replication
import Store

/// A restored database takes back from partial replicas what no full one has: its own domain's lost hour.
extension ReplicationAgent {
    /// Whether a partial replica may answer: the asker is that domain's own DSA, in a new life.
    func mayRecover(_ request: ChangesRequest, _ view: ConfigurationView) -> Bool {
        guard request.isRecovery, let dn = view.dn(of: request.header.namingContext),
            let asker = view.dsa(request.header.dsaGUID)
        else { return false }
        return asker.masters.contains(dn) && request.replica != .full
    }

    /// Asks each partial replica of the own domain once an hour, until all have answered or a week is over.
    func recoverFromPartialReplicas() async {
        let time = now()
        guard rollback.nextRecovery.map({ time >= $0 }) ?? true else { return }
        rollback.nextRecovery = time.adding(seconds: RollbackMemory.askAgainSeconds)
        do {
            let state = try await store.snapshot { try $0.cureState() }
            let lives = state.retired.filter(\.isRecovering)
            guard !lives.isEmpty else { return }
            let view = partners.current
            let context = view.ownDomain.guid
            let links = view.destinations(of: context).sorted().map {
                ReplicationLink(namingContext: context, partner: $0)
            }
            let open = links.filter { !rollback.recoveryDone.contains($0) }
            let isOver =
                state.lastCure.map { time > $0.adding(seconds: RollbackMemory.recoverySecondsMax) } ?? false
            guard view.role(of: context) == .domain, !open.isEmpty, !isOver else {
                return try await endRecovery(of: lives)
            }
            for link in open { try await askForLostHour(link, at: time) }
        } catch { log.warning("the lost hour is not taken back from partial replicas yet: \(error)") }
    }

    private func askForLostHour(_ link: ReplicationLink, at time: Timestamp) async throws {
        let view = partners.current
        let vector = try await store.snapshot { try $0.vector(of: link.namingContext, at: time) }
        var request = ChangesRequest(
            header: messageHeader(link.namingContext),
            requestID: randomGUID(),
            sequence: UInt64(clamping: time.seconds),
            sourceInvocationID: rollback.recovered[link]?.invocationID,
            received: rollback.recovered[link]?.received ?? .init(),
            vector: vector,
            isJoining: false,
            replica: .partial(digest: view.partialAttributes.digest),
            partialAttributes: view.partialAttributes.sorted,
            partBytesMax: settings.limits.bytesMax,
            partObjectsMax: settings.limits.objectsMax,
            credit: ReplicationLimits.creditPartsMax
        )
        request.isRecovery = true
        rollback.recoveries = rollback.recoveries.filter { $0.value != link }
        rollback.recoveries[request.requestID] = link
        let name = view.name(of: link.partner)
        _ = try await send(
            .request(request),
            to: link.partner,
            summary: "request \(view.contextName(link.namingContext)) lost hour",
            coalescingKey: "recovery/\(link.namingContext)/\(link.partner)"
        )
        post(
            "recovering",
            partner: link.partner,
            namingContext: link.namingContext,
            text: "\(name) is asked for what this restored database lost"
        )
    }

    /// Whether this link may bring what a restored database lost, as data only.
    ///
    /// Also in answer to what was asked before a restart, which nothing remembers.
    func isLostHour(of link: ReplicationLink) async throws -> Bool {
        let view = partners.current
        guard link.namingContext == view.ownDomain.guid,
            view.destinations(of: link.namingContext).contains(link.partner)
        else { return false }
        return try await store.snapshot { try $0.cureState() }.retired.contains(where: \.isRecovering)
    }

    /// Counts a part of such an answer; the last one ends the recovery.
    func noteRecovered(_ part: ChangesReply) async {
        guard let link = rollback.recoveries[part.requestID] else { return }
        let life = part.header.invocationID
        var known = rollback.recovered[link] ?? .init(invocationID: life)
        if known.invocationID != life { known = .init(invocationID: life) }
        known.received.insert(part.interval, asOf: part.asOf)
        rollback.recovered[link] = known
        guard known.received.contains(USNInterval(from: .zero, to: part.asOf)) else { return }
        rollback.recoveries[part.requestID] = nil
        rollback.recovered[link] = nil
        rollback.recoveryDone.insert(link)
        rollback.nextRecovery = now()
        await recoverFromPartialReplicas()
    }

    private func endRecovery(of lives: [RetiredInvocation]) async throws {
        for life in lives { try await store.endRecovery(of: life.invocationID, at: now()) }
        preconditionIsolated()
        await reloadView()
        post(
            "recovered",
            partner: partners.current.own.dsaGUID,
            text: "what partial replicas had is taken back"
        )
        for context in partners.current.held where !context.isPartial { changed(context.guid) }
    }
}
