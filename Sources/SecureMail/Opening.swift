package import Identifiers
package import PKI
import SMTP

extension SMIMEProtection {
    /// How far ahead of our clock a message may be made.
    static let createdAheadSecondsMax: Int64 = 86_400

    package func open(
        _ message: [UInt8],
        membership: MembershipSnapshot,
        isCommitted: (_ message: GUID, _ from: GUID) -> Bool,
        at now: Timestamp
    ) -> OpenOutcome {
        do throws(OpenRefusal) {
            let part = try sealedPart(of: message)
            let (entity, signer) = try unwrap(part.der)
            let checks = CertificateChecks(
                anchors: membership.anchors,
                lateMailDays: membership.lateMailDays
            )
            let (issuer, dsa) = try checks.check(signer, as: .signer)
            let (envelope, body) = try readEntity(entity)

            var hold = try checkTimes(
                envelope,
                signer: signer,
                issuer: issuer,
                checks: checks,
                membership: membership,
                now: now
            )
            switch membership.members[dsa] {
            case .active: break
            case .disabled: throw OpenRefusal(.disabled, "DSA \(dsa) is disabled")
            case .tombstoned: throw OpenRefusal(.tombstoned, "DSA \(dsa) was removed from the forest")
            case nil: hold = hold ?? .unknownMember(dsa)
            }
            try bind(envelope, to: dsa, membership: membership)
            // Only mail that is ours and from this forest may take room among the held.
            if let hold { return .held(hold) }

            let isRepeated = isCommitted(envelope.messageID, dsa)
            let opened = OpenedMail(
                envelope: envelope,
                payload: try Compression.inflate(
                    body,
                    octetsMax: limits.payloadOctetsMax,
                    ratioMax: limits.inflateRatioMax
                ),
                signer: signer,
                crlStale: membership.anchors.isCRLStale(
                    issuer: issuer,
                    graceDays: membership.crlGraceDays,
                    at: now
                ),
                wasWrapped: part.wasWrapped
            )
            if isRepeated { return .duplicate(opened) }
            return envelope.fragment == nil ? .opened(opened) : .fragment(opened)
        } catch {
            return .refused(error)
        }
    }

    /// What a mail says of itself, once its signature and the signer's chain hold.
    ///
    /// For showing a mail where no directory says who is a member: it makes no `OpenedMail`.
    package func claims(
        of message: [UInt8],
        anchors: TrustAnchors
    ) throws(OpenRefusal) -> MessageEnvelope {
        let (entity, signer) = try unwrap(try sealedPart(of: message).der)
        _ = try CertificateChecks(anchors: anchors, lateMailDays: 0).check(signer, as: .signer)
        return try readEntity(entity).envelope
    }

    private func sealedPart(of message: [UInt8]) throws(OpenRefusal) -> SealedPart {
        guard message.count <= limits.receivedOctetsMax else {
            throw OpenRefusal(
                .tooLarge,
                "the mail of \(message.count) octets is over the limit of \(limits.receivedOctetsMax)"
            )
        }
        do {
            return try MIMEReader.findSealedPart(in: message)
        } catch {
            throw OpenRefusal(error)
        }
    }

    /// Decrypts and verifies: what was signed, and by which certificate.
    private func unwrap(_ sealed: [UInt8]) throws(OpenRefusal) -> (entity: [UInt8], signer: Certificate) {
        do throws(CMSFault) {
            let recipients = try CMSWalk.authEnveloped(sealed).recipients
            let pair = keys.first { recipients.contains($0.certificate.subjectKeyIdentifier) }
            guard let pair else { throw CMSFault.noKey }
            let signed = try CMS.decrypt(sealed, certificate: pair.certificate, key: pair.key)
            try CMSWalk.signed(signed)
            let (entity, signer) = try CMS.verify(signed)
            return (entity, signer)
        } catch {
            throw OpenRefusal(error)
        }
    }

    private func readEntity(
        _ entity: [UInt8]
    ) throws(OpenRefusal) -> (envelope: MessageEnvelope, body: ArraySlice<UInt8>) {
        let header: MailHeader
        let body: ArraySlice<UInt8>
        do {
            (header, body) = try MIMEReader.parseEntity(entity)
        } catch {
            throw OpenRefusal(.envelope, "the signed content is no entity: \(error)")
        }
        return (try EnvelopeFields.read(header), body)
    }

    /// Refuses what is too old; says what has to wait.
    private func checkTimes(
        _ envelope: MessageEnvelope,
        signer: Certificate,
        issuer: Certificate,
        checks: CertificateChecks,
        membership: MembershipSnapshot,
        now: Timestamp
    ) throws(OpenRefusal) -> HoldReason? {
        let lifetimeDays = membership.tombstoneLifetimeDays
        let expires = min(envelope.expires, envelope.created.adding(days: lifetimeDays))
        guard now <= expires else { throw OpenRefusal(.expired, "the message expired at \(expires)") }
        if envelope.created > now.adding(seconds: Self.createdAheadSecondsMax) {
            return .createdAhead(envelope.created)
        }
        if signer.notBefore > now { return .certificateNotYetValid(signer.notBefore) }
        try checks.checkDates(signer, created: envelope.created, now: now)
        try checks.checkDates(issuer, created: envelope.created, now: now)
        return nil
    }

    /// The outer `From` is never read: the certificate says who speaks, the signed fields must agree.
    private func bind(
        _ envelope: MessageEnvelope,
        to dsa: GUID,
        membership: MembershipSnapshot
    ) throws(OpenRefusal) {
        guard envelope.from == dsa else {
            throw OpenRefusal(.wrongFrom, "DSA \(dsa) signed a message as \(envelope.from)")
        }
        guard envelope.to == membership.ownDSA else {
            throw OpenRefusal(.wrongTo, "the message is for DSA \(envelope.to)")
        }
        guard envelope.forest == membership.forest else {
            throw OpenRefusal(.wrongForest, "the message is of forest \(envelope.forest)")
        }
    }
}
