import DirectoryModel
import Dispatch
import Identifiers
import InterSiteMessaging
import Logging
import Replication
import Store

/// The source's half: one snapshot per request, cut into parts, each mailed as it is ready.
extension ReplicationAgent {
    /// Parts that may lie between the cutting thread and the queue.
    static let partsAheadMax = 4
    /// Parts are not cut smaller than this when the way takes no larger mail.
    static let partOctetsMin = 16 << 10

    func answer(_ request: ChangesRequest, to message: ReceivedMessage) async throws {
        let view = partners.current
        let context = request.header.namingContext
        if let refusal = await refusal(of: request) {
            try await sendError(refusal.code, refusal.text, to: request, inReplyTo: message.id)
            return
        }
        let time = now()
        lastRequest[ReplicationLink(namingContext: context, partner: request.header.dsaGUID)] = time
        // Not mail but memory orders requests: a lower sequence was overtaken by a newer request.
        guard
            let skip = ledger.accept(
                request,
                at: time,
                skipSeconds: settings.timing.resendFloorSeconds
            )
        else {
            post(
                "overtaken",
                partner: request.header.dsaGUID,
                namingContext: context,
                text: "request \(request.sequence) was overtaken by a newer one; ignored"
            )
            return
        }
        let sent: Sent?
        do {
            sent = try await mailFittingParts(
                request,
                // Who takes back a lost hour may have forgotten what it asked for, and waits for all of it.
                skip: request.isRecovery ? ReceivedIntervals() : skip,
                view: view,
                inReplyTo: message.id,
                at: time
            )
        } catch let refusal as RequestDeclined {
            try await sendError(refusal.code, refusal.text, to: request, inReplyTo: message.id)
            return
        }
        guard let sent else { return }
        post(
            "answered",
            partner: request.header.dsaGUID,
            namingContext: context,
            text: "\(sent.parts) parts, \(sent.objects) objects, as of USN \(sent.asOf)",
            fields: ["parts": "\(sent.parts)", "objects": "\(sent.objects)"]
        )
    }

    func poke(_ link: ReplicationLink) async {
        do {
            let usn = try await store.snapshot { try $0.highestUSN() }
            try await generation.handOut(usn, by: store.identity)
            let view = partners.current
            _ = try await send(
                .poke(Poke(header: messageHeader(link.namingContext), usn: usn)),
                to: link.partner,
                summary: "poke \(view.contextName(link.namingContext)) usn \(usn)",
                coalescingKey: "poke/\(link.namingContext)/\(link.partner)"
            )
        } catch {
            log.warning("no poke to \(partners.current.name(of: link.partner)): \(error)")
        }
    }

    private func refusal(of request: ChangesRequest) async -> (code: ReplicationErrorCode, text: String)? {
        let view = partners.current
        let context = request.header.namingContext
        guard let role = view.role(of: context) else {
            return (.unknownNamingContext, "this DSA holds no naming context \(context)")
        }
        guard view.isMember(request.header.dsaGUID) else {
            return (.notAPartner, "DSA \(request.header.dsaGUID) is no member of this forest")
        }
        guard role == .domain else { return nil }
        guard view.isFull(context) || mayRecover(request, view) else {
            return (
                .unknownNamingContext, "this DSA holds only a partial replica of \(view.contextName(context))"
            )
        }
        switch request.replica {
        case .full:
            return (
                .fullOverMailRefused,
                "a full replica of one domain does not travel by mail; ask for a partial one"
            )
        case .partial(let digest):
            if digest == view.partialAttributes.digest || planted(.unknownSetServed) { return nil }
            if let list = request.partialAttributes, PartialAttributes(list).digest == digest { return nil }
            return (.partialAttributeSetUnknown, "the partial attribute set is not known here; send the list")
        }
    }

    private struct Sent {
        var parts = 0
        var objects = 0
        var asOf = USN.zero
    }

    /// Cuts at half when a part does not fit into a mail; one object alone, and what cannot be cut smaller,
    /// travels in fragments.
    ///
    /// Parts that are mailed twice that way are duplicates at the other end.
    private func mailFittingParts(
        _ request: ChangesRequest,
        skip: ReceivedIntervals,
        view: ConfigurationView,
        inReplyTo: GUID,
        at time: Timestamp
    ) async throws -> Sent? {
        var fitting = request
        while true {
            do {
                return try await mailParts(fitting, skip: skip, view: view, inReplyTo: inReplyTo, at: time)
            } catch TransportError.tooLarge(let octets, let octetsMax) {
                guard fitting.partBytesMax > Self.partOctetsMin else {
                    post(
                        "tooLarge",
                        partner: request.header.dsaGUID,
                        namingContext: request.header.namingContext,
                        text: "a part makes a mail of \(octets) octets, over the limit of \(octetsMax)"
                    )
                    return nil
                }
                fitting.partBytesMax = max(Self.partOctetsMin, fitting.partBytesMax / 2)
            }
        }
    }

    private func mailParts(
        _ request: ChangesRequest,
        skip: ReceivedIntervals,
        view: ConfigurationView,
        inReplyTo: GUID,
        at time: Timestamp
    ) async throws -> Sent {
        let context = request.header.namingContext
        let header = messageHeader(context)
        let filter: Set<OID>? =
            switch request.replica {
            case .full: nil
            case .partial: Set(request.partialAttributes ?? view.partialAttributes.sorted)
            }
        let knowsSet = filter == nil || request.replica == .partial(digest: view.partialAttributes.digest)
        let pipe = BoundedPipe<ChangesReply>(
            elementsAheadMax: store.runsInPlace ? nil : Self.partsAheadMax
        )
        let store = store
        Task(executorPreference: taskExecutor) {
            do {
                try await store.snapshot { snapshot in
                    try Self.requireCovered(request, snapshot)
                    var cycle = SourceCycle(
                        request: request,
                        header: header,
                        asOf: planted(.asOfBehindSnapshot)
                            ? try snapshot.highestUSN().next : try snapshot.highestUSN(),
                        vector: try snapshot.vector(of: context, at: time),
                        collected: try snapshot.collected(of: context),
                        partialAttributes: filter,
                        knowsSet: knowsSet,
                        skip: skip
                    )
                    try Self.cut(&cycle, from: snapshot, of: context) { try pipe.put($0) }
                }
                pipe.finish()
            } catch {
                pipe.finish(throwing: error)
            }
        }
        var sent = Sent()
        defer { pipe.abandon() }
        while let part = try await pipe.next() {
            if part.asOf > sent.asOf { try await generation.handOut(part.asOf, by: store.identity) }
            // Holds for optimised builds, too: see the upcoming features in Package.swift.
            preconditionIsolated()
            sent.asOf = part.asOf
            sent.objects += part.objects.count
            sent.parts += 1
            let kind = filter == nil ? "full" : "partial"
            _ = try await send(
                .reply(part),
                to: request.header.dsaGUID,
                summary: "changes \(view.contextName(context)) \(kind) part \(part.partNumber) "
                    + "usn (\(part.interval.from),\(part.interval.to)] asof \(part.asOf)",
                inReplyTo: inReplyTo,
                mayFragment: part.objects.count + part.links.count <= 1
                    || request.partBytesMax <= Self.partOctetsMin
            )
            ledger.note(part, for: request, at: time)
        }
        return sent
    }

    /// Offers everything in the cycle's ranges, ancestors first, until the credit is spent.
    private static func cut(
        _ cycle: inout SourceCycle,
        from snapshot: StoreSnapshot,
        of context: GUID,
        _ take: (ChangesReply) throws -> Void
    ) throws {
        for range in cycle.ranges where cycle.wantsMore {
            try snapshot.changes(of: context, in: range) { item in
                if case .object(let object) = item {
                    for ancestor in try snapshot.ancestors(of: object.objectGUID, newerThan: object.usn) {
                        cycle.offerAncestor(ancestor)
                    }
                }
                for part in cycle.offer(item) { try take(part) }
                return cycle.wantsMore
            }
        }
        for part in cycle.finish() { try take(part) }
    }

    /// In the snapshot that the answer is cut from: what is collected between two would be missed for ever.
    private static func requireCovered(_ request: ChangesRequest, _ snapshot: StoreSnapshot) throws {
        let collected = try snapshot.collected(of: request.header.namingContext)
        guard SourceLedger.isUncovered(request, collected: collected) else { return }
        throw RequestDeclined(
            code: .collectedNotCovered,
            text:
                "deletions that never reached you are already collected here (8614): your replica was cut off "
                + "longer than the tombstone lifetime; bridgehead repl resync"
        )
    }

    private func sendError(
        _ code: ReplicationErrorCode,
        _ text: String,
        to request: ChangesRequest,
        inReplyTo: GUID
    ) async throws {
        post(
            "declined",
            partner: request.header.dsaGUID,
            namingContext: request.header.namingContext,
            text: text
        )
        let link = ReplicationLink(
            namingContext: request.header.namingContext,
            partner: request.header.dsaGUID
        )
        guard mayTell(code, link, at: now()) else { return }
        let error = ErrorReply(
            header: messageHeader(request.header.namingContext),
            requestID: request.requestID,
            code: code,
            text: text
        )
        _ = try await send(
            .error(error),
            to: request.header.dsaGUID,
            summary: "error \(code)",
            inReplyTo: inReplyTo,
            coalescingKey: "error/\(request.header.namingContext)/\(request.header.dsaGUID)"
        )
    }
}

extension SourceCycle {
    mutating func offer(_ item: SnapshotItem) -> [ChangesReply] {
        switch item {
        case .object(let object): offer(object)
        case .link(let link): offer(link)
        }
    }
}
