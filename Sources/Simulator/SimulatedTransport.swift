import Identifiers
package import InterSiteMessaging
import PKI
import SecureMail
import Synchronization

/// The mail transport of one incarnation of a simulated DSA: seals, and queues in the simulated network.
package final class SimulatedTransport: InterSiteTransport {
    package let name = "smtp"
    package let properties = TransportProperties(
        protectsConfidentiality: true,
        protectsIntegrity: true,
        payloadOctetsMax: 64 << 20,
        latency: .storeAndForward
    )

    typealias Handler = @Sendable (ReceivedMessage) async throws -> Void

    /// A type of its own: a closure that a generic lock holds directly is wrapped once more by every access.
    private struct Receiver {
        let handle: Handler?
    }

    private let site: Int
    private let siteOf: [GUID: Int]
    private let network: SimulatedNetwork
    private let protection: any MessageProtection
    private let seams: SeamBudget
    private let mailOctetsMax: Int
    private let context: TransportContext
    private let handler = Mutex(Receiver(handle: nil))

    init(
        site: Int,
        siteOf: [GUID: Int],
        network: SimulatedNetwork,
        protection: any MessageProtection,
        seams: SeamBudget,
        mailOctetsMax: Int,
        context: TransportContext
    ) {
        self.site = site
        self.siteOf = siteOf
        self.network = network
        self.protection = protection
        self.seams = seams
        self.mailOctetsMax = mailOctetsMax
        self.context = context
    }

    package func send(_ message: IntersiteMessage, to address: TransportAddress) async throws -> SendReceipt {
        guard seams.pass() else { throw MachineDied() }
        let now = context.now()
        guard message.expires > now else { throw TransportError.expired(message.expires) }
        let partner = try await context.partner(address.dsaGUID)
        guard let to = siteOf[partner.dsaGUID] else { throw TransportError.address("\(partner.dsaGUID)") }
        let mails = try await sealFitting(message, to: partner, at: now)
        var first: Int?
        for mail in mails {
            let number = network.queue(
                SimulatedMail(
                    number: 0,
                    from: site,
                    to: to,
                    octets: mail.octets,
                    payload: mails.count == 1 ? message.payload : [],
                    service: message.service,
                    summary: mail.summary,
                    coalescingKey: message.coalescingKey,
                    expires: message.expires,
                    isLaterFragment: first != nil
                )
            )
            first = first ?? number
        }
        // The mails are in the queue, and whoever sent them may never hear of that.
        guard seams.pass() else { throw MachineDied() }
        let octets = mails.reduce(0) { $0 + $1.octets.count }
        return SendReceipt(id: message.id, fileID: "\(first ?? 0)", octets: octets, transport: name)
    }

    /// As the SMTP transport does: one mail, or the message's fragments when it may be cut.
    private func sealFitting(_ message: IntersiteMessage, to partner: PartnerRoute, at now: Timestamp)
        async throws
        -> [(octets: [UInt8], summary: String)]
    {
        let whole = try await seal(message, fragment: nil, to: partner, at: now)
        if whole.count <= mailOctetsMax { return [(whole, message.summary)] }
        var count = FragmentCutter.count(octets: whole.count, octetsMax: mailOctetsMax)
        while message.mayFragment, let tried = count,
            let pieces = FragmentCutter.pieces(of: message.payload, count: tried)
        {
            let digest = Digest.sha256(message.payload)
            var mails: [(octets: [UInt8], summary: String)] = []
            for (index, piece) in pieces.enumerated() {
                var part = message
                part.payload = Array(piece)
                part.summary += " (fragment \(index + 1)/\(tried))"
                let fragment = MessageFragment(number: index + 1, count: tried, wholeSHA256: digest)
                mails.append((try await seal(part, fragment: fragment, to: partner, at: now), part.summary))
            }
            if mails.allSatisfy({ $0.octets.count <= mailOctetsMax }) { return mails }
            count = FragmentCutter.count(after: tried)
        }
        throw TransportError.tooLarge(octets: whole.count, octetsMax: mailOctetsMax)
    }

    private func seal(
        _ message: IntersiteMessage,
        fragment: MessageFragment?,
        to partner: PartnerRoute,
        at now: Timestamp
    ) async throws -> [UInt8] {
        let membership = await context.membership()
        do throws(SealError) {
            return try protection.seal(
                message.payload,
                envelope: MessageEnvelope(
                    forest: membership.forest,
                    from: membership.ownDSA,
                    to: partner.dsaGUID,
                    messageID: message.id,
                    inReplyTo: message.inReplyTo,
                    service: message.service,
                    fragment: fragment,
                    created: message.created,
                    expires: message.expires,
                    summary: message.summary
                ),
                addressing: MailAddressing(
                    from: context.ownAddress,
                    to: partner.mailAddress,
                    messageIDHeader: "\(message.id)@simulation",
                    date: now
                ),
                to: partner.certificates,
                membership: membership
            )
        } catch {
            if case .tooLarge(let octets, let octetsMax) = error {
                throw TransportError.tooLarge(octets: octets, octetsMax: octetsMax)
            }
            throw TransportError.sealing("\(error)")
        }
    }

    package func start(
        receiving handler: @escaping @Sendable (ReceivedMessage) async throws -> Void
    ) async throws { self.handler.withLock { $0 = Receiver(handle: handler) } }

    package func deliveryReports() -> AsyncStream<DeliveryReport> { AsyncStream { $0.finish() } }

    package func stop() async { handler.withLock { $0 = Receiver(handle: nil) } }

    /// Hands a message to the messaging service, as reading a mail in Drop does.
    func receive(_ message: ReceivedMessage) async throws {
        guard let handle = handler.withLock({ $0 }).handle else { throw TransportError.notStarted }
        try await handle(message)
    }
}
