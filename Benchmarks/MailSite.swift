import Identifiers
import InterSiteMessaging
import Logging
import PKI
import SMTP
import SecureMail

/// One DSA's messaging with a mailroot on disk and a listener on the loopback interface.
struct MailSite {
    let service: InterSiteMessagingService
    let listener: SMTPListener
    private let transport: SMTPTransport

    static var quiet: Logger { Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() } }

    /// A site whose only partner listens on `partnerPort`; 1 when nothing will be sent.
    init(
        _ own: BenchForest.Member,
        partner: BenchForest.Member,
        partnerPort: Int = 1,
        forest: BenchForest,
        at path: String,
        receive: @escaping @Sendable (ReceivedMessage) async throws -> Void
    ) async throws {
        let root = try await Self.mailRoot(at: "\(path)/mailroot")
        let membership = forest.membership(of: own)
        let context = TransportContext(
            membership: { membership },
            partner: { _ in
                PartnerRoute(
                    dsaGUID: partner.dsa,
                    name: "partner",
                    mailAddress: partner.address,
                    certificates: [partner.pair.certificate],
                    route: Route(host: "127.0.0.1", port: partnerPort, starttls: .off)
                )
            },
            ownAddress: own.address,
            hostName: "localhost",
            now: { BenchForest.now },
            randomGUID: BenchRandom.guid,
            events: { _ in }
        )
        transport = SMTPTransport(
            context: context,
            protection: try own.protection,
            mailRoot: root,
            committed: try await CommittedMessageLog.open(at: "\(path)/committed", now: BenchForest.now),
            settings: SMTPTransportSettings(),
            log: Self.quiet
        )
        service = InterSiteMessagingService(log: Self.quiet)
        await service.register(service: "replication", handler: receive)
        await service.add(transport: transport)
        listener = try await Self.listener(for: own, root)
        try await service.start()
    }

    func stop() async {
        await listener.stop()
        await service.stop()
    }

    static func mailRoot(at path: String) async throws -> MailRoot {
        try await MailRoot.open(at: path, now: { BenchForest.now }, randomGUID: BenchRandom.guid)
    }

    static func listener(for own: BenchForest.Member, _ root: MailRoot) async throws -> SMTPListener {
        let server = SMTPServerConfiguration(
            hostName: "localhost",
            recipients: RecipientPolicy(mailboxes: [own.address])
        )
        return try await SMTPListener.start(
            SMTPListener.Settings(host: "127.0.0.1", port: 0, server: server),
            mailRoot: root,
            events: { _ in },
            log: quiet
        )
    }
}
