import DirectoryModel
import DomainController
import Identifiers
import InterSiteMessaging
import Replication
import SecureMail
import Store

/// What a member with a valid key might claim, and what people decide about parts that are held for it.
extension World {
    /// Changes a part and seals it anew, as a member with a valid key can; other mails stay as they are.
    ///
    /// - Returns: whether the mail was a part.
    @discardableResult
    func forge(_ mail: inout SimulatedMail, _ change: (inout ChangesReply) -> Void) throws -> Bool {
        let receiver = sites[mail.to]
        guard let dsa = receiver.dsa else { return false }
        let outcome = SimulatedProtection().open(
            mail.octets,
            membership: dsa.partners.membership,
            isCommitted: { _, _ in false },
            at: receiver.clock.now
        )
        guard case .opened(let opened) = outcome,
            case .reply(var part) = try ReplicationCodec.decode(opened.payload)
        else { return false }
        change(&part)
        journal.noteForged(part)
        let address = dsa.partners.current.own.mailAddress
        mail.payload = ReplicationCodec.encode(.reply(part))
        mail.isForged = true
        mail.octets = try SimulatedProtection().seal(
            mail.payload,
            envelope: opened.envelope,
            addressing: MailAddressing(
                from: address,
                to: address,
                messageIDHeader: "\(opened.envelope.messageID)@simulation",
                date: now
            ),
            to: [ForestPlan.certificate()],
            membership: dsa.partners.membership
        )
        return true
    }

    /// The next part that changes something on a road that was named so claims a version.
    ///
    /// Only a part that is held for it: a claim about a write that others know already would stay where it is
    /// believed, since nobody asks for that write again.
    func forgeIfAsked(_ index: Int, at site: SimulatedSite) async throws {
        let road = site.drop[index].mail.from * sites.count + site.index
        guard let version = forgeries[road], site.drop[index].holdCode == nil, let store = site.dsa?.store,
            case .reply(let part) = try? ReplicationCodec.decode(site.drop[index].mail.payload),
            store.namingContexts.contains(where: { $0.guid == part.header.namingContext })
        else { return }
        let isHeld = try await store.snapshot { snapshot in
            let destination = try snapshot.destination(of: part.header.namingContext)
            // Who joins has nothing to compare versions with: its source is believed.
            let answers = destination.requests.first { $0.requestID == part.requestID }
            guard destination.hasJoined, answers?.isJoining != true else { return false }
            return try part.objects.contains { object in
                let attributes = Set(object.attributes.map(\.attribute)).map { part.attributes[$0] }
                return try snapshot.snapshotObject(object.objectGUID)?.attributes.contains {
                    attributes.contains($0.attribute)
                        && $0.stamp.version < version - PoisonCheck.versionLeapMax
                } ?? false
            }
        }
        guard isHeld else { return }
        var mail = site.drop[index].mail
        try forge(&mail) { $0.restamp { $0.with(version: max(version, $0.version)) } }
        forgeries[road] = nil
        site.drop[index].mail = mail
        note("\(site.name) mail \(mail.number): forged to version \(version)")
    }

    // MARK: - Decisions

    /// Discards what is held at a site and is not what its source has, or releases the rest.
    ///
    /// Who asks a source's owner learns what its database really holds: that is never discarded.
    func decide(_ site: SimulatedSite, _ decision: HeldDecision) async throws {
        try await decide(site) { mail in mail.mail.isForged == (decision == .discarded) ? decision : nil }
    }

    /// Decides about each held part as somebody says; nil leaves it.
    func decide(_ site: SimulatedSite, _ choose: (SimulatedSite.DroppedMail) -> HeldDecision?) async throws {
        guard let store = site.dsa?.store else { return }
        for mail in site.drop where mail.holdCode != nil {
            guard let decision = choose(mail), let key = mail.copyKey.flatMap(HeldPartKey.init),
                let index = site.drop.firstIndex(where: { $0.copyKey == mail.copyKey })
            else { continue }
            let isDiscarded = decision == .discarded
            do {
                _ = try await store.decide(key, decision, by: "simulation", at: site.clock.now)
            } catch {
                guard site.seams.isDead else { throw OracleViolation(.failure, "no decision: \(error)") }
                return collapse(site)
            }
            note("\(site.name) \(isDiscarded ? "discards" : "releases") mail \(mail.mail.number)")
            happened[isDiscarded ? "discarded" : "released", default: 0] += 1
            if isDiscarded {
                site.drop.remove(at: index)
            } else {
                (site.drop[index].holdCode, site.drop[index].due) = (nil, now)
            }
        }
    }

    /// Of mails with the same key only the newest is kept.
    func keepNewestCopy(_ number: Int, of copyKey: String, at site: SimulatedSite) {
        site.drop.removeAll { $0.copyKey == copyKey && $0.mail.number != number }
    }

    /// Copies of held parts that are of no use any more.
    func dropSettledCopies(of site: SimulatedSite) {
        let keys = site.settledCopies.take()
        guard !keys.isEmpty else { return }
        site.drop.removeAll { mail in mail.holdCode != nil && mail.copyKey.map(keys.contains) ?? false }
    }
}

extension Stamp {
    func with(version: UInt32) -> Stamp {
        Stamp(version: version, time: time, invocationID: invocationID, originatingUSN: originatingUSN)
    }

    func with(time: Timestamp) -> Stamp {
        Stamp(version: version, time: time, invocationID: invocationID, originatingUSN: originatingUSN)
    }
}

extension ChangesReply {
    /// Gives every attribute of every object another stamp, or only one of them.
    mutating func restamp(_ only: OID? = nil, _ change: (Stamp) -> Stamp) {
        for object in objects.indices {
            for attribute in objects[object].attributes.indices
            where only.map({ $0 == attributes[objects[object].attributes[attribute].attribute] }) ?? true {
                let stamp = objects[object].attributes[attribute].stamp
                objects[object].attributes[attribute].stamp = change(stamp)
            }
        }
    }
}
