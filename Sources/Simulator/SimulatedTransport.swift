import Identifiers
package import InterSiteMessaging
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
    private let context: TransportContext
    private let handler = Mutex(Receiver(handle: nil))

    init(
        site: Int,
        siteOf: [GUID: Int],
        network: SimulatedNetwork,
        protection: any MessageProtection,
        seams: SeamBudget,
        context: TransportContext
    ) {
        self.site = site
        self.siteOf = siteOf
        self.network = network
        self.protection = protection
        self.seams = seams
        self.context = context
    }

    package func send(_ message: IntersiteMessage, to address: TransportAddress) async throws -> SendReceipt {
        guard seams.pass() else { throw MachineDied() }
        let now = context.now()
        guard message.expires > now else { throw TransportError.expired(message.expires) }
        let partner = try await context.partner(address.dsaGUID)
        let membership = await context.membership()
        guard let to = siteOf[partner.dsaGUID] else { throw TransportError.address("\(partner.dsaGUID)") }
        let sealed: [UInt8]
        do throws(SealError) {
            sealed = try protection.seal(
                message.payload,
                envelope: MessageEnvelope(
                    forest: membership.forest,
                    from: membership.ownDSA,
                    to: partner.dsaGUID,
                    messageID: message.id,
                    inReplyTo: message.inReplyTo,
                    service: message.service,
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
        let number = network.queue(
            SimulatedMail(
                number: 0,
                from: site,
                to: to,
                octets: sealed,
                payload: message.payload,
                service: message.service,
                summary: message.summary,
                coalescingKey: message.coalescingKey,
                expires: message.expires
            )
        )
        // The mail is in the queue, and whoever sent it may never hear of that.
        guard seams.pass() else { throw MachineDied() }
        return SendReceipt(id: message.id, fileID: "\(number)", octets: sealed.count, transport: name)
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
