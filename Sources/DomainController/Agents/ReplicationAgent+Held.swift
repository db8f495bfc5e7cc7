import Identifiers
import InterSiteMessaging
import Logging
import Replication
import Store

/// Poison from a member: parts that wait for their time or for a decision.
extension ReplicationAgent {
    /// The copies of held parts lie elsewhere: this is told when one is of no use any more.
    package func whenHoldsSettle(_ drop: @escaping @Sendable ([String]) async -> Void) {
        dropHeldCopies = drop
    }

    /// Ends the handling of a part that is not applied for what it carries.
    ///
    /// - Throws: `MessageHeld` when the mail is to be kept; else it is done with.
    func hold(
        _ part: ChangesReply,
        _ reason: HeldReason,
        _ fate: HeldCopyFate?,
        link: ReplicationLink
    ) async throws {
        let what = "part usn (\(part.interval.from),\(part.interval.to)]"
        switch fate {
        case .keep(let held, let isNew):
            let text = "\(what) is held: \(reason)"
            if isNew {
                failed(link, code: LinkResult.held, text)
                post(
                    "held",
                    partner: link.partner,
                    namingContext: link.namingContext,
                    text: "\(text); \(reason.hint)",
                    fields: ["reason": reason.code]
                )
                await suspectOwnClock(link)
            } else {
                repeated(link, text, "\(what) came again and is held: time \(held.times)")
            }
            throw MessageHeld(
                "\(reason)",
                code: reason.code,
                hint: reason.hint,
                needsDecision: reason.needsDecision,
                copyKey: held.key.description
            )
        case .dropOlder(let held):
            repeated(
                link,
                "\(what) is held: \(reason)",
                "\(what) is held in a newer copy: time \(held.times)"
            )
        case .dropDiscarded(let held):
            let text = "\(what) was discarded by \(held.decidedBy); its source sends the same again"
            repeated(link, text, "\(text): time \(held.times)")
        case .dropFull, nil:
            failed(link, code: LinkResult.held, "\(what) is dropped, too many parts are held: \(reason)")
        }
    }

    /// What was held and is here now needs no copy.
    func settle(_ outcome: PartOutcome, link: ReplicationLink) async {
        guard !outcome.settledHolds.isEmpty else { return }
        post(
            "held-settled",
            partner: link.partner,
            namingContext: link.namingContext,
            text: "\(outcome.settledHolds.count) held parts are of no use any more: what they brought is here"
        )
        await dropHeldCopies?(outcome.settledHolds.map(\.description))
    }

    /// The link goes on failing; nobody is told twice.
    private func repeated(_ link: ReplicationLink, _ text: String, _ event: String) {
        if partners.current.links.contains(link) {
            status[link, default: LinkStatus()].result = LinkResult.held
            status[link, default: LinkStatus()].text = text
        }
        post("held-repeat", partner: link.partner, namingContext: link.namingContext, text: event)
    }

    /// One partner's stamps ahead of us are its fault; those of several are rather ours.
    private func suspectOwnClock(_ link: ReplicationLink) async {
        guard let held = try? await store.snapshot({ try $0.heldParts() }), held.suspectsOwnClock else {
            return
        }
        let text =
            "stamps of \(held.sourcesAhead.count) partners are ahead of this clock: it is probably this DSA's clock "
            + "that is behind"
        post("clock-suspected", partner: link.partner, namingContext: link.namingContext, text: text)
        log.error("\(text)")
    }
}

/// What `LinkStatus.result` says beside an error reply's code.
enum LinkResult {
    static let held = 2
}

extension [HeldPart] {
    /// The sources whose parts wait for our clock.
    var sourcesAhead: Set<GUID> {
        Set(
            filter { $0.code == HeldReason.stampAhead(.epoch).code && $0.decision == .undecided }.map(
                \.key.source
            )
        )
    }

    var suspectsOwnClock: Bool { sourcesAhead.count > 1 }
}
