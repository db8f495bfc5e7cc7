import InterSiteMessaging
package import AdminAPI
import DirectoryModel
import Identifiers
import Replication
import Store

extension DomainControllerService {
    package func replicateNow(_ request: ReplicateNowRequest) async throws -> ReplicateNowReply {
        let view = partners.current
        let links = try view.links.filter { link in
            try (request.partner.map { try isPartner($0, link.partner, view) } ?? true)
                && (request.namingContext.map { try contextGUID($0, view) == link.namingContext } ?? true)
        }.sorted(by: view.comesFirst)
        guard !links.isEmpty else { throw noLink(request, view) }
        var sent: [SentRequest] = []
        for link in links {
            let (name, partner) = (view.contextName(link.namingContext), view.name(of: link.partner))
            let transport = view.transport(to: link.partner)
            do {
                let result = try await agent.request(link, isForced: true)
                sent.append(
                    SentRequest(
                        namingContext: name,
                        partner: partner,
                        transport: transport,
                        messageID: result?.receipt.id,
                        requestID: result?.request.requestID
                    )
                )
            } catch {
                sent.append(
                    SentRequest(
                        namingContext: name,
                        partner: partner,
                        transport: transport,
                        failure: AdminError(error).message
                    )
                )
            }
        }
        guard request.wait else {
            for id in sent.compactMap(\.requestID) { await agent.stopWaiting(for: id) }
            return ReplicateNowReply(requests: sent, isApplied: false)
        }
        return await waiting(for: sent, timeoutSeconds: request.timeoutSeconds)
    }

    private func waiting(for sent: [SentRequest], timeoutSeconds: Int) async -> ReplicateNowReply {
        var requests = sent
        let agent = agent
        await withTaskGroup(of: (Int, Bool).self) { group in
            for (index, request) in sent.enumerated() {
                guard let id = request.requestID else { continue }
                group.addTask { (index, await agent.answer(to: id)) }
            }
            group.addTask {
                try? await Task.sleep(for: .seconds(min(max(timeoutSeconds, 1), 86_400)))
                return (-1, false)
            }
            var open = sent.count { $0.requestID != nil }
            while open > 0, let (index, isApplied) = await group.next(), index >= 0 {
                requests[index].isApplied = isApplied
                open -= 1
            }
            for request in sent {
                if let id = request.requestID { await agent.stopWaiting(for: id) }
            }
            group.cancelAll()
        }
        return ReplicateNowReply(requests: requests, isApplied: requests.allSatisfy(\.isApplied))
    }

    package func replicationNeighbors() async throws -> ReplicationNeighborsReply {
        let view = partners.current
        let inbound = try await neighbors(view)
        let asked = await agent.lastRequests()
        let outbound = view.held.flatMap { context in
            view.destinations(of: context.guid).map { partner in
                OutboundNeighborReply(
                    namingContext: view.contextName(context.guid),
                    partnerSite: view.dsa(partner)?.siteName ?? "",
                    partnerServer: view.name(of: partner),
                    partnerGUID: partner,
                    transport: view.transport(to: partner).uppercased(),
                    lastRequest: asked[ReplicationLink(namingContext: context.guid, partner: partner)]
                )
            }
        }
        return ReplicationNeighborsReply(
            site: view.own.siteName,
            server: view.own.serverName,
            dsaOptions: view.own.options,
            dsaGUID: view.own.dsaGUID,
            invocationID: store.identity.invocationID,
            inbound: inbound,
            outbound: outbound,
            alarms: try await agent.alarms() + heldAlarms()
        )
    }

    private func neighbors(_ view: ConfigurationView) async throws -> [NeighborReply] {
        let statuses = await agent.statuses()
        let links = view.links.sorted(by: view.comesFirst)
        let destinations = try await store.snapshot { snapshot in
            try Dictionary(
                links.map { ($0.namingContext, try snapshot.destination(of: $0.namingContext)) },
                uniquingKeysWith: { first, _ in first }
            )
        }
        return links.map { link in
            let destination = destinations[link.namingContext]
            let record = destination?.source(link.partner)
            let pending = destination?.pendingRequest(to: link.partner)
            let cursor = record?.invocationID.flatMap { destination?.cursor(of: link.partner, $0) }
            let status = statuses[link]
            let result = linkResult(status, isPending: pending != nil)
            return NeighborReply(
                namingContext: view.contextName(link.namingContext),
                namingContextGUID: link.namingContext,
                isPartial: !view.isFull(link.namingContext),
                partnerSite: view.dsa(link.partner)?.siteName ?? "",
                partnerServer: view.name(of: link.partner),
                partnerGUID: link.partner,
                partnerInvocationID: record?.invocationID,
                transport: view.transport(to: link.partner).uppercased(),
                lastAttempt: record?.lastAttempt,
                result: result,
                resultText: resultText(result, status),
                consecutiveFailures: status?.consecutiveFailures ?? 0,
                lastSuccess: destination?.lastSuccess(of: link.partner),
                pendingSince: pending?.sentAt,
                highWatermark: cursor?.highWatermark,
                addition: destination.flatMap { AdditionReply($0, naming: view.schema) }
            )
        }
    }

    /// A request in the database that could not be mailed is a failure, not one that waits for its reply.
    private func linkResult(_ status: LinkStatus?, isPending: Bool) -> Int {
        let known = status?.result ?? 0
        guard known == 0 || known == NeighborReply.pendingResult else { return known }
        return isPending ? NeighborReply.pendingResult : 0
    }

    private func resultText(_ result: Int, _ status: LinkStatus?) -> String {
        switch result {
        case 0: "was successful"
        case NeighborReply.pendingResult: "the request was posted and waits for its reply"
        default: status?.text ?? "failed"
        }
    }

    package func replicationSummary() async throws -> ReplicationSummaryReply {
        let time = now()
        let inbound = try await neighbors(partners.current)
        let rows = Dictionary(grouping: inbound, by: \.partnerServer).map { server, links in
            let failing = links.filter(\.isFailing)
            let deltas = links.map { $0.lastSuccess.map { max(0, time.seconds - $0.seconds) } }
            return SummaryRow(
                server: server,
                largestDeltaSeconds: deltas.contains(nil) ? nil : deltas.compactMap { $0 }.max(),
                failures: failing.count,
                links: links.count,
                result: failing.first?.result,
                resultText: failing.first?.resultText
            )
        }.sorted { $0.server < $1.server }
        let own = SummaryRow(
            server: partners.current.own.serverName,
            largestDeltaSeconds: rows.contains { $0.largestDeltaSeconds == nil }
                ? nil : rows.compactMap(\.largestDeltaSeconds).max(),
            failures: rows.reduce(0) { $0 + $1.failures },
            links: inbound.count,
            result: rows.compactMap(\.result).first,
            resultText: rows.compactMap(\.resultText).first
        )
        return ReplicationSummaryReply(time: time, sources: rows, destinations: [own])
    }

    package func replicationCursors() async throws -> ReplicationCursorsReply {
        let view = partners.current
        let servers = try await invocations()
        let time = now()
        let contexts = try await store.snapshot { snapshot in
            try view.held.sorted { view.rank($0.guid) < view.rank($1.guid) }.map { context in
                let destination = try snapshot.destination(of: context.guid)
                let vector = try snapshot.vector(of: context.guid, at: time)
                return NamingContextCursors(
                    namingContext: view.contextName(context.guid),
                    objectGUID: context.guid,
                    isPartial: context.isPartial,
                    vector: vector.sorted.map { invocationID, entry in
                        VectorRow(
                            invocationID: invocationID,
                            server: servers[invocationID],
                            usn: entry.usn,
                            time: entry.time
                        )
                    },
                    sources: destination.sources.map { record in
                        SourceCursorReply(record, of: destination, named: view.name(of: record.sourceDSA))
                    }
                )
            }
        }
        return ReplicationCursorsReply(namingContexts: contexts)
    }

    /// Whose database each invocationID is, as far as the configuration says.
    func invocations() async throws -> [GUID: String] {
        let configuration = partners.current.configurationContext.guid
        let view = partners.current
        return try await store.snapshot { snapshot in
            var servers: [GUID: String] = [:]
            for entry in try snapshot.entries(ofClass: "nTDSDSA", in: configuration) {
                guard let octets = entry["invocationId"].first, let guid = GUID(octets: octets) else {
                    continue
                }
                servers[guid] = view.name(of: entry.objectGUID)
            }
            return servers
        }
    }

    // MARK: - What people call things

    private func isPartner(_ name: String, _ dsaGUID: GUID, _ view: ConfigurationView) throws -> Bool {
        guard let found = view.dsa(named: name) else {
            throw AdminError(
                code: "noSuchPartner",
                message: "no server \"\(name)\" in this forest",
                hint: "bridgehead repl show lists the partners"
            )
        }
        return found.dsaGUID == dsaGUID
    }

    func contextGUID(_ name: String, _ view: ConfigurationView) throws -> GUID {
        if let guid = GUID(name), view.heldContext(guid) != nil { return guid }
        let dn = try DistinguishedName(parsing: name, naming: view.schema)
        guard let context = view.held.first(where: { $0.dn == dn }) else {
            throw AdminError(
                code: "noSuchNamingContext",
                message: "this DSA holds no naming context \(name)",
                hint: "bridgehead repl cursors lists those it holds"
            )
        }
        return context.guid
    }

    private func noLink(_ request: ReplicateNowRequest, _ view: ConfigurationView) -> AdminError {
        if let name = request.namingContext, let guid = try? contextGUID(name, view), view.isFull(guid),
            view.role(of: guid) == .domain
        {
            return AdminError(
                code: "fullOverMail",
                message: "\(name) is held in full here: one domain does not replicate full to full over mail",
                hint: "a domain travels by mail to partial replicas only"
            )
        }
        return AdminError(
            code: "noSuchPartner",
            message: "this DSA pulls nothing of that kind from anybody",
            hint: "bridgehead repl show lists what it pulls from whom"
        )
    }
}

extension AdditionReply {
    /// Nil when nothing is being added.
    init?(_ destination: Destination, naming schema: Schema) {
        guard let set = destination.partialSet, !set.added.isEmpty else { return nil }
        self.init(
            attributes: set.added.map { schema.name(of: $0) ?? $0.description },
            originatorsComplete: destination.vector.entries.count {
                set.addedVector.covers($0.key, $0.value.usn)
            },
            originators: destination.vector.entries.count
        )
    }
}

extension SourceCursorReply {
    init(_ record: SourceRecord, of destination: Destination, named name: String) {
        let cursor = record.invocationID.flatMap { destination.cursor(of: record.sourceDSA, $0) }
        self.init(
            partner: name,
            dsaGUID: record.sourceDSA,
            invocationID: record.invocationID,
            received: (cursor?.received.tagged ?? []).map {
                IntervalReply(from: $0.interval.from, to: $0.interval.to, asOf: $0.asOf)
            },
            highWatermark: cursor?.highWatermark ?? .zero,
            newestAdopted: cursor?.newestAdoptedAsOf,
            pendingRequest: destination.pendingRequest(to: record.sourceDSA)?.requestID
        )
    }
}
