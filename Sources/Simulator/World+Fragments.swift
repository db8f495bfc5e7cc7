import DomainController
import Identifiers
import InterSiteMessaging
import PKI
import SecureMail

/// Messages that came in pieces: what reading Drop does with them, on simulated mails.
extension World {
    /// The whole message when this fragment was the last that lacked; else nil, and the mail is where it belongs.
    func collect(_ mail: OpenedMail, _ index: Int, at site: SimulatedSite, _ label: String)
        -> ReceivedMessage?
    {
        guard let fragment = mail.envelope.fragment else { return nil }
        expireFragments(at: site)
        let dropped = site.drop[index].mail
        let arrival = FragmentSets.Arrival(
            envelope: mail.envelope,
            fragment: fragment,
            octets: dropped.octets.count,
            payloadOctets: mail.payload.count
        )
        let (verdict, evicted) = site.fragments.judge(arrival, at: site.clock.now)
        for set in evicted { forget(set.files, at: site) }
        switch verdict {
        case .wait:
            note("\(label): fragment \(fragment.number) of \(fragment.count) waits")
            let file = "\(dropped.number)"
            site.fragments.keep(arrival, file: file, at: site.clock.now)
            site.fragmentMails[file] = dropped
            site.drop.remove(at: index)
        case .repeated:
            note("\(label): repeated fragment")
            site.drop.remove(at: index)
        case .refused(let refusal):
            note("\(label): \(refusal.code)")
            badmail[refusal.code, default: 0] += 1
            site.drop.remove(at: index)
        case .whole(let files):
            note("\(label): fragment \(fragment.number) of \(fragment.count) makes it whole")
            happened["joined", default: 0] += 1
            return join(mail, files, index, arrival, fragment, at: site)
        }
        return nil
    }

    private func join(
        _ mail: OpenedMail,
        _ files: [String?],
        _ index: Int,
        _ arrival: FragmentSets.Arrival,
        _ fragment: MessageFragment,
        at site: SimulatedSite
    ) -> ReceivedMessage? {
        guard let membership = site.dsa?.partners.membership else { return nil }
        var payload: [UInt8] = []
        for file in files {
            guard let file, let waiting = site.fragmentMails[file] else {
                payload += mail.payload
                continue
            }
            let outcome = SimulatedProtection().open(
                waiting.octets,
                membership: membership,
                isCommitted: { _, _ in false },
                at: site.clock.now
            )
            guard case .fragment(let piece) = outcome else {
                // Spoilt while it waited, by its age: the one that came last waits for another copy.
                note("\(site.name) mail \(waiting.number): \(outcome)")
                site.fragments.forget(file, of: arrival.key)
                site.fragmentMails[file] = nil
                let last = site.drop.remove(at: index).mail
                site.fragments.keep(arrival, file: "\(last.number)", at: site.clock.now)
                site.fragmentMails["\(last.number)"] = last
                return nil
            }
            payload += piece.payload
        }
        guard Digest.sha256(payload) == fragment.wholeSHA256 else {
            let refusal = FragmentSets.Refusal(code: "fragment-digest", sentence: "not what was cut")
            forget(site.fragments.refuse(arrival.key, refusal).files, at: site)
            badmail[refusal.code, default: 0] += 1
            site.drop.remove(at: index)
            return nil
        }
        return ReceivedMessage(
            mail,
            payload: payload,
            transport: "smtp",
            fileID: "\(site.drop[index].mail.number)",
            received: site.clock.now
        )
    }

    /// The message is committed: its fragments are done with.
    func finishFragments(of message: ReceivedMessage, at site: SimulatedSite) {
        forget(site.fragments.close(.init(sender: message.sender, message: message.id)), at: site)
    }

    /// The message is refused: so are all its fragments, and those that come later.
    func refuseFragments(of message: ReceivedMessage, _ code: String, at site: SimulatedSite) {
        let key = FragmentSets.Key(sender: message.sender, message: message.id)
        let refusal = FragmentSets.Refusal(code: code, sentence: code)
        let files = site.fragments.close(key)
        guard !files.isEmpty else { return }
        forget(files, at: site)
        _ = site.fragments.refuse(key, refusal)
    }

    private func expireFragments(at site: SimulatedSite) {
        guard let next = site.fragments.nextExpiry, next < site.clock.now else { return }
        for set in site.fragments.expire(at: site.clock.now) { forget(set.files, at: site) }
    }

    private func forget(_ files: [String], at site: SimulatedSite) {
        for file in files { site.fragmentMails[file] = nil }
    }

    /// Before a run of the program ends: what it counted.
    func countEvents(of site: SimulatedSite) {
        guard let counts = site.dsa?.events.counts else { return }
        for kind in [
            "collected", "resynced", "joinRestarted", "held", "attributesAdded", "attributesComplete",
        ] {
            guard let count = counts[kind] else { continue }
            happened[kind, default: 0] += count
        }
    }
}
