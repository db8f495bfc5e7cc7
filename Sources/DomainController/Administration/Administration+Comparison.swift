package import AdminAPI
import DirectoryModel
import Identifiers
import Replication
import Store

extension DomainControllerService {
    package func compare(_ request: CompareRequest) async throws -> CompareReply {
        let view = partners.current
        guard let partner = view.dsa(named: request.partner), !partner.isTombstone,
            partner.dsaGUID != view.own.dsaGUID
        else {
            throw AdminError(
                code: "noSuchPartner",
                message: "no other server \"\(request.partner)\" in this forest",
                hint: "bridgehead repl show lists the partners"
            )
        }
        guard (1...CompareRequest.timeoutSecondsMax).contains(request.timeoutSeconds) else {
            throw AdminError(
                code: "invalidQuery",
                message: "the timeout must be from 1 to \(CompareRequest.timeoutSecondsMax) seconds"
            )
        }
        let contexts =
            if let name = request.namingContext {
                [try contextGUID(name, view)]
            } else {
                view.held.filter { holds(partner, $0) }.map(\.guid).sorted { view.rank($0) < view.rank($1) }
            }
        let comparisons = try await withThrowingTaskGroup(of: (Int, ContextComparison).self) { group in
            for (index, context) in contexts.enumerated() {
                group.addTask {
                    (index, try await self.compare(context, with: partner.dsaGUID, request.timeoutSeconds))
                }
            }
            var found: [(Int, ContextComparison)] = []
            for try await comparison in group { found.append(comparison) }
            return found.sorted { $0.0 < $1.0 }.map(\.1)
        }
        return CompareReply(partner: partner.serverName, comparisons: comparisons)
    }

    private func holds(_ partner: DSAView, _ context: HeldNamingContext) -> Bool {
        context.role != .domain || (partner.masters + partner.partials).contains(context.dn)
    }

    private func compare(_ context: GUID, with partner: GUID, _ timeoutSeconds: Int) async throws
        -> ContextComparison
    {
        var reply = ContextComparison(namingContext: partners.current.contextName(context))
        let answer: ComparisonAgent.Answer?
        do {
            answer = try await comparison.digests(
                of: context,
                from: partner,
                timeoutSeconds: timeoutSeconds
            )
        } catch {
            reply.failure = AdminError(error).message
            return reply
        }
        guard let answer else {
            reply.failure = "no answer within \(timeoutSeconds) s; the mail may still be on its way"
            return reply
        }
        if let refusal = answer.refusal {
            reply.failure = refusal
            return reply
        }
        let attributes = ReplicaKind.partial(digest: partners.current.partialAttributes.digest)
        guard answer.replica == .full || answer.replica == attributes else {
            reply.failure = "the partial attribute sets differ: the schema is still on its way"
            return reply
        }
        let (vector, digests) = try await comparison.snapshot(
            of: context,
            against: answer.vector,
            as: answer.replica
        )
        reply.isPartial = answer.replica != .full
        try await fill(&reply, ReplicaComparison(here: digests, there: answer.digests))
        let servers = try await invocations()
        reply.vector = vector.common(with: answer.vector).sorted.map { invocationID, entry in
            VectorRow(
                invocationID: invocationID,
                server: servers[invocationID],
                usn: entry.usn,
                time: entry.time
            )
        }
        return reply
    }

    private func fill(_ reply: inout ContextComparison, _ comparison: ReplicaComparison) async throws {
        reply.equal = comparison.equal
        reply.moving = comparison.moving
        reply.collected = comparison.collected
        reply.differing = comparison.differences.count
        let listed = Array(comparison.differences.prefix(ContextComparison.listedMax))
        let schema = partners.current.schema
        reply.differences = try await store.snapshot { snapshot in
            try listed.map { difference in
                let kind: ObjectDifference.Kind =
                    switch difference {
                    case .onlyHere: .onlyHere
                    case .onlyThere: .onlyThere
                    case .unlike: .unlike
                    }
                let dn = try snapshot.dn(of: difference.objectGUID)?.description(naming: schema)
                return ObjectDifference(objectGUID: difference.objectGUID, kind: kind, dn: dn)
            }
        }
    }
}
