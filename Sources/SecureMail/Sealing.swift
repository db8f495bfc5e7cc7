import Identifiers
package import PKI
import SMTP

extension SMIMEProtection {
    /// Octets of header that a mail adds to its base64 text at most.
    static let headerOctetsMax = 2048
    static let messageIDOctetsMax = 250

    package func seal(
        _ payload: [UInt8],
        envelope: MessageEnvelope,
        addressing: MailAddressing,
        to recipients: [Certificate],
        membership: MembershipSnapshot
    ) throws(SealError) -> [UInt8] {
        guard payload.count <= limits.payloadOctetsMax else {
            throw .tooLarge(octets: payload.count, octetsMax: limits.payloadOctetsMax)
        }
        try check(envelope, against: membership)
        try check(recipients, envelope: envelope, membership: membership)
        let fields = try outerFields(envelope: envelope, addressing: addressing)

        let packed = try Compression.deflate(payload, ratioMax: limits.inflateRatioMax)
        guard packed.count <= limits.sealedOctetsMax else {
            throw .tooLarge(octets: mailOctets(ofSealed: packed.count), octetsMax: limits.sealedOctetsMax)
        }
        let message: [UInt8]
        do {
            let entity = MIMEWriter.entity(fields: EnvelopeFields.write(envelope), body: packed)
            let signed = try CMS.sign(
                entity,
                certificate: own.certificate,
                key: own.key,
                at: envelope.created
            )
            message = MIMEWriter.message(
                fields: fields,
                base64Body: try CMS.encrypt(signed, to: recipients)
            )
        } catch {
            throw .cryptography(error)
        }
        guard message.count <= limits.sealedOctetsMax else {
            throw .tooLarge(octets: message.count, octetsMax: limits.sealedOctetsMax)
        }
        return message
    }

    /// Base64 takes four letters for three octets, and two more a line of 76.
    private func mailOctets(ofSealed octets: Int) -> Int {
        let letters = (octets + 2) / 3 * 4
        return letters + (letters + 75) / 76 * 2 + Self.headerOctetsMax
    }

    /// Nothing leaves that the partner would refuse for our fault.
    private func check(_ envelope: MessageEnvelope, against membership: MembershipSnapshot) throws(SealError)
    {
        guard envelope.forest == membership.forest else {
            throw .envelope("the message is of forest \(envelope.forest), not of \(membership.forest)")
        }
        guard envelope.from == membership.ownDSA else {
            throw .envelope("the message is from DSA \(envelope.from), not from \(membership.ownDSA)")
        }
        guard EnvelopeFields.isService(envelope.service) else {
            throw .envelope("\"\(envelope.service)\" is no service name")
        }
        guard envelope.created <= envelope.expires,
            envelope.expires <= envelope.created.adding(days: membership.tombstoneLifetimeDays)
        else {
            throw .envelope(
                "the message of \(envelope.created) expires at \(envelope.expires), not within "
                    + "\(membership.tombstoneLifetimeDays) days"
            )
        }
        guard own.certificate.dsaGUID == envelope.from else {
            throw .sender(OpenRefusal(.wrongFrom, "the own certificate is not that of DSA \(envelope.from)"))
        }
        let checks = CertificateChecks(anchors: membership.anchors, lateMailDays: membership.lateMailDays)
        do {
            try checks.checkDates(own.certificate, created: envelope.created, now: envelope.created)
        } catch {
            throw .sender(error)
        }
    }

    /// The directory is no proof: a certificate out of it passes what a received one passes.
    private func check(
        _ recipients: [Certificate],
        envelope: MessageEnvelope,
        membership: MembershipSnapshot
    ) throws(SealError) {
        guard (1...CMSWalk.recipientsMax).contains(recipients.count) else {
            throw .recipients(count: recipients.count)
        }
        for recipient in recipients {
            guard recipient.notBefore <= envelope.created else {
                throw .recipientNotYetValid(recipient.notBefore)
            }
            do throws(OpenRefusal) {
                try check(recipient, envelope: envelope, membership: membership)
            } catch {
                throw .recipient(error)
            }
        }
    }

    private func check(
        _ recipient: Certificate,
        envelope: MessageEnvelope,
        membership: MembershipSnapshot
    ) throws(OpenRefusal) {
        let checks = CertificateChecks(anchors: membership.anchors, lateMailDays: membership.lateMailDays)
        let (issuer, dsa) = try checks.check(recipient, as: .recipient)
        guard dsa == envelope.to else {
            throw OpenRefusal(.wrongTo, "the certificate is that of DSA \(dsa), not of \(envelope.to)")
        }
        guard !recipient.subjectKeyIdentifier.isEmpty else {
            throw OpenRefusal(.recipients, "the certificate has no key identifier to name it by")
        }
        switch membership.members[dsa] {
        case .disabled: throw OpenRefusal(.disabled, "DSA \(dsa) is disabled")
        case .tombstoned: throw OpenRefusal(.tombstoned, "DSA \(dsa) was removed from the forest")
        case .active, nil: break
        }
        try checks.checkDates(recipient, created: envelope.created, now: envelope.created)
        try checks.checkDates(issuer, created: envelope.created, now: envelope.created)
    }

    private func outerFields(
        envelope: MessageEnvelope,
        addressing: MailAddressing
    ) throws(SealError) -> [(String, String)] {
        let identifier = addressing.messageIDHeader.utf8
        // Printable ASCII without brackets: the value cannot end its field or open another.
        guard (3...Self.messageIDOctetsMax).contains(identifier.count), identifier.contains(0x40),
            identifier.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x3c && $0 != 0x3e })
        else { throw .envelope("\"\(addressing.messageIDHeader)\" cannot be a Message-ID") }
        return [
            ("From", "<\(addressing.from)>"),
            ("To", "<\(addressing.to)>"),
            ("Date", addressing.date.mailDate),
            ("Message-ID", "<\(addressing.messageIDHeader)>"),
            ("Subject", "Intersite message \(envelope.messageID)"),
            ("MIME-Version", "1.0"),
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("Content-Type", "application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m"),
            ("Content-Disposition", "attachment; filename=smime.p7m"),
            ("Content-Transfer-Encoding", "base64"),
        ]
    }
}
