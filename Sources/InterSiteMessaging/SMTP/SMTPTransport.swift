import Identifiers
package import Logging
package import SecureMail
import Synchronization

/// Sealed mail over SMTP, store and forward: a queue of files out, a drop of files in.
package final class SMTPTransport: InterSiteTransport {
    package let name = "smtp"
    package let properties: TransportProperties

    let context: TransportContext
    let protection: any MessageProtection
    let mailRoot: MailRoot
    let committed: CommittedMessageLog
    let settings: SMTPTransportSettings
    let log: Logger

    package init(
        context: TransportContext,
        protection: any MessageProtection,
        mailRoot: MailRoot,
        committed: CommittedMessageLog,
        settings: SMTPTransportSettings = SMTPTransportSettings(),
        log: Logger
    ) {
        self.context = context
        self.protection = protection
        self.mailRoot = mailRoot
        self.committed = committed
        self.settings = settings
        self.log = log
        properties = TransportProperties(
            protectsConfidentiality: true,
            protectsIntegrity: true,
            payloadOctetsMax: 64 << 20,
            latency: .storeAndForward
        )
    }

    package func send(_ message: IntersiteMessage, to address: TransportAddress) async throws -> SendReceipt {
        throw TransportError.notStarted
    }

    package func start(
        receiving handler: @escaping @Sendable (ReceivedMessage) async throws -> Void
    ) async throws {}

    package func deliveryReports() -> AsyncStream<DeliveryReport> { AsyncStream { $0.finish() } }

    package func stop() async {}

    /// Members, certificates or revocation lists changed: held mail is tried again.
    package func membershipChanged() async {}

    /// Tries everything in Queue again now.
    package func retryNow() async {}
}
