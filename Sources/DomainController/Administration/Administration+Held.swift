package import AdminAPI
import Identifiers
import InterSiteMessaging
import Store

/// Decisions about held mail.
extension DomainControllerService {
    package func mailRelease(_ request: MailDecisionRequest) async throws -> MailDecisionReply {
        let id = try await heldMail(request.id)
        let reason = await mailRoot.reason(.held, id)
        let part = try await decide(reason, .released, by: request.by)
        let name = try await mailRoot.release(id)
        hub.post(event("held-released", part, "mail \(name) is released by \(request.by)"))
        return MailDecisionReply(
            id: name,
            folder: MailFolder.drop.rawValue,
            part: part.map { reply($0) },
            text: part == nil
                ? "it is read again, and held again if the reason stands"
                : "it is applied in spite of its reason: \(reason?.sentence ?? "")"
        )
    }

    package func mailDiscard(_ request: MailDecisionRequest) async throws -> MailDecisionReply {
        let id = try await heldMail(request.id)
        var reason =
            await mailRoot.reason(.held, id)
            ?? MailReason(code: "discarded", sentence: "no reason is known", time: now())
        let part = try await decide(reason, .discarded, by: request.by)
        reason.sentence =
            "discarded by \(request.by) at \(now()); it was held (\(reason.code)): \(reason.sentence)"
        (reason.code, reason.hint, reason.isRetried, reason.copyKey) = ("discarded", nil, true, nil)
        let name = try await mailRoot.refuse(.held, id, reason: reason)
        hub.post(event("held-discarded", part, "mail \(name) is discarded by \(request.by)"))
        return MailDecisionReply(
            id: name,
            folder: MailFolder.badmail.rawValue,
            part: part.map { reply($0) },
            text: part == nil
                ? "nothing of it was applied"
                : "nothing of it was applied; its interval stays missing, and the same data is dropped whenever "
                    + "the source sends it, until the source changes it"
        )
    }

    /// What is held, for `status`.
    func heldStatus() async throws -> HeldStatus {
        let parts = try await store.snapshot { try $0.heldParts() }
        return HeldStatus(
            parts: parts.filter { $0.decision == .undecided }.count,
            discarded: parts.filter { $0.decision == .discarded }.count,
            sources: Set(parts.map(\.key.source)).map(partners.current.name(of:)).sorted(),
            suspectsOwnClock: parts.suspectsOwnClock
        )
    }

    /// What of it a person should look at.
    func heldAlarms() async throws -> [AlarmReply] {
        let parts = try await store.snapshot { try $0.heldParts() }.filter { $0.decision == .undecided }
        var alarms: [AlarmReply] = []
        for (source, held) in Dictionary(grouping: parts, by: \.key.source).sorted(by: { $0.key < $1.key }) {
            guard let first = held.min(by: { $0.firstSeen < $1.firstSeen }) else { continue }
            alarms.append(
                AlarmReply(
                    since: first.firstSeen,
                    kind: "partsHeld",
                    partner: partners.current.name(of: source),
                    text:
                        "\(held.count) parts of \(partners.current.name(of: source)) are held: \(first.sentence)",
                    hint: "bridgehead mail list --held"
                )
            )
        }
        if parts.suspectsOwnClock, let since = parts.map(\.firstSeen).min() {
            alarms.append(
                AlarmReply(
                    since: since,
                    kind: "clockSuspected",
                    partner: nil,
                    text: "stamps of \(parts.sourcesAhead.count) partners are ahead of this clock",
                    hint: "compare this machine's clock; what is held is examined again by itself"
                )
            )
        }
        return alarms
    }

    /// What is known of the part in a held mail.
    func heldPart(_ reason: MailReason?) async throws -> HeldPartReply? {
        guard let key = reason?.copyKey.flatMap(HeldPartKey.init) else { return nil }
        return try await store.snapshot { try $0.heldPart(key) }.map(reply)
    }

    /// At start: a copy of whose part nothing is known, or which was released, is read again.
    func examineHeldAgain() async {
        guard let files = try? await mailRoot.list(.held) else { return }
        for file in files {
            guard let key = await mailRoot.reason(.held, file.id)?.copyKey.flatMap(HeldPartKey.init),
                let part = try? await store.snapshot({ [try $0.heldPart(key)] }).first,
                part?.decision != .undecided
            else { continue }
            _ = try? await mailRoot.release(file.id)
        }
    }

    // MARK: - Parts of it

    private func heldMail(_ id: String) async throws -> String {
        let wanted = id.hasSuffix(".eml") ? String(id.dropLast(4)) : id
        guard try await mailRoot.list(.held).contains(where: { $0.id == wanted }) else {
            throw AdminError(
                code: "noSuchMail",
                message: "no mail \(id) in Held",
                hint: "bridgehead mail list --held shows those that are there"
            )
        }
        return wanted
    }

    /// The decision is on disk before the mail moves: repeated, it is the same.
    private func decide(_ reason: MailReason?, _ decision: HeldDecision, by name: String) async throws
        -> HeldPart?
    {
        guard let key = reason?.copyKey.flatMap(HeldPartKey.init) else { return nil }
        return try await store.decide(key, decision, by: name, at: now())
    }

    private func event(_ kind: String, _ part: HeldPart?, _ text: String) -> EventReply {
        let view = partners.current
        return EventReply(
            time: now(),
            kind: kind,
            partner: part.map { view.name(of: $0.key.source) },
            namingContext: part.map { view.contextName($0.key.namingContext) },
            text: text
        )
    }

    private func reply(_ part: HeldPart) -> HeldPartReply {
        let view = partners.current
        return HeldPartReply(
            namingContext: view.contextName(part.key.namingContext),
            source: view.name(of: part.key.source),
            sourceDSA: part.key.source,
            invocationID: part.key.invocationID,
            from: part.key.from,
            to: part.to,
            reason: part.code,
            firstSeen: part.firstSeen,
            lastSeen: part.lastSeen,
            times: part.times,
            decision: "\(part.decision)",
            decided: part.decided,
            decidedBy: part.decidedBy.isEmpty ? nil : part.decidedBy
        )
    }
}
