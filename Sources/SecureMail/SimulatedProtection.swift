package import Identifiers
package import PKI

/// Seals and opens for the simulator: the checks of S/MIME without its cost, and the same octets at every run.
///
/// It protects nothing: whoever knows the format can forge a mail. It lies here because only this module makes
/// an `OpenedMail`. A mail is a header of printable lines, an empty line, the payload, and the SHA-256 of all
/// that; lines of the header end in LF.
package struct SimulatedProtection: MessageProtection {
    private static let mark = "X-Simulated-Mail: 1"
    private static let headerOctetsMax = 4_096

    package let limits: SecureMailLimits

    package init(limits: SecureMailLimits = SecureMailLimits()) { self.limits = limits }

    package func seal(
        _ payload: [UInt8],
        envelope: MessageEnvelope,
        addressing: MailAddressing,
        to recipients: [Certificate],
        membership: MembershipSnapshot
    ) throws(SealError) -> [UInt8] {
        guard !recipients.isEmpty else { throw .recipients(count: 0) }
        guard payload.count <= limits.payloadOctetsMax else {
            throw .tooLarge(octets: payload.count, octetsMax: limits.payloadOctetsMax)
        }
        let header = [
            Self.mark, "\(envelope.forest)", "\(envelope.from)", "\(envelope.to)", "\(envelope.messageID)",
            envelope.inReplyTo?.description ?? "-", envelope.service, "\(envelope.created.seconds)",
            "\(envelope.expires.seconds)", "\(payload.count)", envelope.summary,
            envelope.fragment?.description ?? "-", "", "",
        ].joined(separator: "\n")
        var mail = Array(header.utf8) + payload
        mail += Digest.sha256(mail)
        guard mail.count <= limits.sealedOctetsMax else {
            throw .tooLarge(octets: mail.count, octetsMax: limits.sealedOctetsMax)
        }
        return mail
    }

    package func open(
        _ message: [UInt8],
        membership: MembershipSnapshot,
        isCommitted: (_ message: GUID, _ from: GUID) -> Bool,
        at now: Timestamp
    ) -> OpenOutcome {
        do throws(OpenRefusal) {
            let (envelope, payload) = try read(message)
            guard let signer = membership.anchors.certificates.first else {
                throw OpenRefusal(.foreignCA, "no anchor is installed")
            }
            if let hold = try judge(envelope, membership: membership, at: now) { return .held(hold) }
            let opened = OpenedMail(
                envelope: envelope,
                payload: payload,
                signer: signer,
                crlStale: false,
                wasWrapped: false
            )
            if isCommitted(envelope.messageID, envelope.from) { return .duplicate(opened) }
            return envelope.fragment == nil ? .opened(opened) : .fragment(opened)
        } catch {
            return .refused(error)
        }
    }

    private func read(_ message: [UInt8]) throws(OpenRefusal) -> (MessageEnvelope, [UInt8]) {
        guard message.count <= limits.receivedOctetsMax else {
            throw OpenRefusal(.tooLarge, "the mail of \(message.count) octets is over the limit")
        }
        guard message.count > SHA256.octetsCount,
            message.starts(with: Array(Self.mark.utf8)),
            let end = Self.headerEnd(of: message)
        else { throw OpenRefusal(.notOurs, "no sealed part") }
        let lines = String(decoding: message[..<end], as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count >= 12, let octets = Int(lines[9]) else {
            throw OpenRefusal(.malformed, "a field is missing")
        }
        guard message.count >= end + octets + SHA256.octetsCount else {
            throw OpenRefusal(.truncated, "the mail ends early")
        }
        let signed = message.count - SHA256.octetsCount
        guard message.count == end + octets + SHA256.octetsCount,
            Digest.sha256(Array(message[..<signed])) == Array(message[signed...])
        else { throw OpenRefusal(.altered, "the mail was changed on its way") }
        guard let forest = GUID(lines[1]), let from = GUID(lines[2]), let to = GUID(lines[3]),
            let id = GUID(lines[4]), let created = Int64(lines[7]), let expires = Int64(lines[8])
        else { throw OpenRefusal(.envelope, "a field is malformed") }
        let fragment = MessageFragment(lines[11])
        guard fragment != nil || lines[11] == "-" else {
            throw OpenRefusal(.envelope, "the fragment is malformed")
        }
        let envelope = MessageEnvelope(
            forest: forest,
            from: from,
            to: to,
            messageID: id,
            inReplyTo: GUID(lines[5]),
            service: lines[6],
            fragment: fragment,
            created: Timestamp(seconds: created),
            expires: Timestamp(seconds: expires),
            summary: lines[10]
        )
        return (envelope, Array(message[end..<signed]))
    }

    /// The first octet behind the empty line.
    private static func headerEnd(of message: [UInt8]) -> Int? {
        var index = 1
        while index < min(message.count, headerOctetsMax) {
            if message[index] == 0x0a, message[index - 1] == 0x0a { return index + 1 }
            index += 1
        }
        return nil
    }

    private func judge(
        _ envelope: MessageEnvelope,
        membership: MembershipSnapshot,
        at now: Timestamp
    ) throws(OpenRefusal) -> HoldReason? {
        let lifetimeDays = membership.tombstoneLifetimeDays
        let expires = min(envelope.expires, envelope.created.adding(days: lifetimeDays))
        guard now <= expires else { throw OpenRefusal(.expired, "the message expired at \(expires)") }
        guard envelope.to == membership.ownDSA else {
            throw OpenRefusal(.wrongTo, "the message is for DSA \(envelope.to)")
        }
        guard envelope.forest == membership.forest else {
            throw OpenRefusal(.wrongForest, "the message is of forest \(envelope.forest)")
        }
        switch membership.members[envelope.from] {
        case .disabled: throw OpenRefusal(.disabled, "DSA \(envelope.from) is disabled")
        case .tombstoned: throw OpenRefusal(.tombstoned, "DSA \(envelope.from) was removed")
        case nil: return .unknownMember(envelope.from)
        case .active:
            let isAhead = envelope.created > now.adding(seconds: SMIMEProtection.createdAheadSecondsMax)
            return isAhead ? .createdAhead(envelope.created) : nil
        }
    }
}
