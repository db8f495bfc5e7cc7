package import AdminAPI
package import Identifiers
import InterSiteMessaging
import PKI
import Replication
import SMTP
import SecureMail

/// Opens a mail to show it: nothing is committed, nothing moves.
package struct MailInspection: Sendable {
    let protection: any MessageProtection
    let membership: MembershipSnapshot
    let names: ConfigurationView?

    package func show(_ octets: [UInt8], id: String, payload: Bool, at now: Timestamp) -> MailShowReply {
        var reply = MailShowReply(
            id: id,
            octets: octets.count,
            fields: [],
            envelope: [],
            hops: [],
            verdict: "refused"
        )
        if let (header, _) = try? MIMEReader.parseEntity(octets) {
            reply.fields = header.fields.map { MailFieldReply(name: $0.name, value: Self.unfolded($0.value)) }
            reply.hops = Self.hops(header)
        }
        switch protection.open(octets, membership: membership, isCommitted: { _, _ in false }, at: now) {
        case .opened(let mail), .duplicate(let mail):
            reply.verdict = "opened"
            fill(&reply, from: mail, payload: payload)
        case .fragment(let mail):
            reply.verdict = "fragment"
            fill(&reply, from: mail, payload: false)
        case .held(let reason):
            reply.verdict = "held"
            reply.reason = "\(reason.code): \(reason)"
        case .refused(let refusal):
            // A mail to a partner is sealed to the partner alone.
            let isForAnother = refusal.code == .noKey
            reply.verdict = isForAnother ? "sealed" : "refused"
            reply.reason =
                isForAnother
                ? "it is sealed to another DSA's key" : "\(refusal.code.rawValue): \(refusal.detail)"
        }
        return reply
    }

    private func fill(_ reply: inout MailShowReply, from mail: OpenedMail, payload: Bool) {
        let envelope = mail.envelope
        let fields: [(String, String?)] = [
            ("Forest", envelope.forest.description), ("From", named(envelope.from)),
            ("To", named(envelope.to)),
            ("Message", envelope.messageID.description), ("In-Reply-To", envelope.inReplyTo?.description),
            ("Service", envelope.service), ("Fragment", envelope.fragment?.description),
            ("Created", envelope.created.description),
            ("Expires", envelope.expires.description),
        ]
        reply.envelope = fields.compactMap { name, value in
            value.map { MailFieldReply(name: name, value: $0) }
        }
        reply.summary = envelope.summary
        reply.signer = CertificateReply(mail.signer, use: "signer")
        guard payload else { return }
        guard envelope.service == ReplicationAgent.service else {
            reply.payloadText = "\(mail.payload.count) octets for service \(envelope.service)\n"
            return
        }
        do {
            reply.payloadText = PayloadText(names: names).text(try ReplicationCodec.decode(mail.payload))
        } catch { reply.payloadText = "the payload cannot be decoded: \(error)\n" }
    }

    private func named(_ dsa: GUID) -> String {
        guard let view = names?.dsa(dsa) else { return dsa.description }
        return "\(dsa) (\(view.siteName)\\\(view.serverName))"
    }

    /// Folded lines and tabs as single blanks.
    private static func unfolded(_ value: String) -> String {
        value.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// Oldest first; relays add theirs on top.
    private static func hops(_ header: MailHeader) -> [MailHopReply] {
        var previous: Timestamp?
        return MIMEReader.receivedHops(header).reversed().map { hop in
            defer { previous = hop.time ?? previous }
            let delay = hop.time.flatMap { time in previous.map { time.seconds - $0.seconds } }
            return MailHopReply(from: hop.from, by: hop.by, time: hop.time, delaySeconds: delay)
        }
    }
}

extension MailInspection {
    /// Opens a file with keys that lie anywhere, without a DSA and its directory.
    ///
    /// Membership is not known then: the mail is shown for whom it says it is.
    package static func show(
        file octets: [UInt8],
        id: String,
        keyPEM: String,
        certificatePEM: String,
        authorityPEM: String,
        payload: Bool,
        at now: Timestamp = DomainControllerService.systemTime()
    ) throws -> MailShowReply {
        let certificate = try Certificate(pem: certificatePEM)
        let protection = try SMIMEProtection(
            ownCertificate: certificate,
            ownKey: try PrivateKey(pem: keyPEM)
        )
        let anchors = try TrustAnchors(certificates: try PEMBundle.certificates(authorityPEM))
        var membership = MembershipSnapshot(
            forest: .zero,
            ownDSA: certificate.dsaGUID ?? .zero,
            members: [:],
            anchors: anchors
        )
        if let claims = try? protection.claims(of: octets, anchors: anchors) {
            membership.forest = claims.forest
            membership.members = [claims.from: .active]
        }
        let inspection = MailInspection(protection: protection, membership: membership, names: nil)
        return inspection.show(octets, id: id, payload: payload, at: now)
    }
}
