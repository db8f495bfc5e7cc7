import AdminAPI
import Foundation
package import Identifiers
import InterSiteMessaging
package import Logging
import PKI
import Replication
import SMTP
import SecureMail
import ServiceLifecycle
import Store
import Synchronization

/// A running DSA: opens its data directory, holds the parts together, answers the admin interface.
package final class DomainControllerService: Sendable {
    let dsa: DirectorySystemAgent
    let transport: SMTPTransport
    let mailRoot: MailRoot
    let protection: CurrentProtection
    let log: Logger
    let now: @Sendable () -> Timestamp
    let startedAt: Timestamp
    let currentConfiguration: Mutex<Configuration>
    private let listener = Mutex<SMTPListener?>(nil)
    private let lock: DataDirectoryLock

    /// - Throws: `AdminError` when the directory holds no DSA, is in use, or its certificate is missing.
    package init(
        configuration: Configuration,
        log: Logger,
        now: @escaping @Sendable () -> Timestamp = DomainControllerService.systemTime
    ) async throws {
        self.log = log
        self.now = now
        startedAt = now()
        currentConfiguration = Mutex(configuration)
        let directory = DataDirectory(configuration.dataDirectory)
        try directory.requireDSA()
        lock = try DataDirectoryLock(directory)
        dsa = try await DirectorySystemAgent(
            store: try DirectoryStore(path: directory.database, sha256: Digest.sha256),
            directory: directory,
            routes: configuration.routes,
            settings: configuration.replicationSettings,
            surroundings: DSASurroundings(now: now, log: log)
        )
        protection = CurrentProtection(try Self.readProtection(directory, configuration))
        mailRoot = try await MailRoot.open(
            at: configuration.mailroot,
            fileSystem: directory.files,
            limits: configuration.mailRootLimits,
            now: now,
            randomGUID: RandomSource.guid
        )
        let context = Self.transportContext(configuration, dsa.partners, dsa.events, now: now)
        transport = SMTPTransport(
            context: context,
            protection: protection,
            mailRoot: mailRoot,
            committed: try await CommittedMessageLog.open(
                at: directory.committedMessages,
                fileSystem: directory.files,
                now: now()
            ),
            settings: configuration.transportSettings,
            log: log
        )
        await dsa.connect(transport) { [weak transport] in await transport?.membershipChanged() }
        await dsa.agent.whenHoldsSettle { [mailRoot] keys in
            for key in keys {
                guard let id = mailRoot.heldCopy(key) else { continue }
                try? await mailRoot.discard(.held, id)
            }
        }
    }

    var directory: DataDirectory { dsa.directory }
    var store: DirectoryStore { dsa.store }
    var partners: PartnerDirectory { dsa.partners }
    var messaging: InterSiteMessagingService { dsa.messaging }
    var agent: ReplicationAgent { dsa.agent }
    var comparison: ComparisonAgent { dsa.comparison }
    var hub: EventHub { dsa.events }

    private static func transportContext(
        _ configuration: Configuration,
        _ partners: PartnerDirectory,
        _ hub: EventHub,
        now: @escaping @Sendable () -> Timestamp
    ) -> TransportContext {
        TransportContext(
            membership: { partners.membership },
            partner: { try partners.route(to: $0, at: now()) },
            ownAddress: partners.current.own.mailAddress,
            hostName: configuration.name ?? partners.current.own.dnsHostName,
            now: now,
            randomGUID: RandomSource.guid,
            events: { hub.post(EventReply($0, names: partners.current, at: now())) }
        )
    }

    package static let systemTime: @Sendable () -> Timestamp = {
        Timestamp(seconds: Int64(Date().timeIntervalSince1970))
    }

    /// The port of the SMTP listener once it runs.
    package var smtpPort: Int? { listener.withLock { $0?.port } }

    /// Serves until its task is cancelled or the process is asked to stop.
    package func run() async throws {
        try await start()
        await cancelWhenGracefulShutdown { [self] in
            await withTaskCancellationHandler {
                await runAgent()
            } onCancel: {
                Task { [self] in await agent.stop() }
            }
        }
        await stop()
    }

    /// Everything that happens here, for those inside the process.
    package var eventHub: EventHub { hub }

    /// The replication agent's loop; ends after `stop`.
    package func runAgent() async { await agent.run() }

    /// The configuration in force.
    package var currentSettings: Configuration { currentConfiguration.withLock { $0 } }

    /// Listens, sends and receives; `run` calls it.
    package func start() async throws {
        let configuration = currentConfiguration.withLock { $0 }
        let (hub, now, partners) = (hub, now, partners)
        let started = try await SMTPListener.start(
            try listenerSettings(configuration),
            mailRoot: mailRoot,
            events: { hub.post(EventReply($0, names: partners.current, at: now())) },
            log: log
        )
        listener.withLock { $0 = started }
        await examineHeldAgain()
        do { try await messaging.start() } catch {
            await stop()
            throw error
        }
        watchDeliveries()
        await agent.topologyChanged()
        let own = partners.current.own
        log.info(
            "serving",
            metadata: [
                "server": "\(own.siteName)\\\(own.serverName)",
                "smtp": "\(configuration.smtp.listen):\(started.port)",
                "data": "\(directory.path)",
            ]
        )
    }

    /// What was given up is a failure of the link; it ends with the transport.
    private func watchDeliveries() {
        let (reports, agent) = (transport.deliveryReports(), agent)
        Task {
            for await report in reports {
                switch report.outcome {
                case .gaveUp(let reason): await agent.deliveryFailed(to: report.partner, reason: reason)
                case .tooLarge(let octetsMax):
                    let limit = octetsMax.map { " (\($0) octets)" } ?? ""
                    await agent.deliveryFailed(
                        to: report.partner,
                        reason: "the next hop takes no mail that large\(limit)"
                    )
                case .expired: await agent.deliveryFailed(to: report.partner, reason: "it expired unsent")
                case .accepted, .replaced: break
                }
            }
        }
    }

    package func stop() async {
        await agent.stop()
        await listener.withLock { $0 }?.stop()
        await messaging.stop()
        hub.close()
        log.info("stopped")
    }

    /// Takes new routes, the largest mail, and the certificate for sealing and opening; other keys need a restart.
    package func reload(_ configuration: Configuration) async throws {
        protection.replace(try Self.readProtection(directory, configuration))
        partners.replaceRoutes(configuration.routes)
        try await partners.reload()
        currentConfiguration.withLock { $0 = configuration }
        log.info("routes and certificates read again")
    }

    private static func readProtection(
        _ directory: DataDirectory,
        _ configuration: Configuration
    ) throws -> SMIMEProtection {
        guard directory.files.exists(directory.certificate) else {
            throw AdminError(
                code: "noCertificate",
                message: "this DSA has no certificate yet",
                hint: "have \(directory.signingRequest) signed at the CA (bridgehead ca sign, or where an "
                    + "external CA is run); then here: bridgehead cert install"
            )
        }
        var limits = SecureMailLimits()
        limits.sealedOctetsMax = configuration.mail.messageOctetsMax
        return try SMIMEProtection(
            ownCertificate: try Certificate(pem: try directory.readText(directory.certificate)),
            ownKey: try PrivateKey(pem: try directory.readText(directory.key)),
            limits: limits
        )
    }

    private func listenerSettings(_ configuration: Configuration) throws -> SMTPListener.Settings {
        let smtp = configuration.smtp
        var limits = SMTPServerLimits()
        limits.messageOctetsMax = smtp.messageOctetsMax
        let server = SMTPServerConfiguration(
            hostName: configuration.name ?? partners.current.own.dnsHostName,
            recipients: RecipientPolicy(mailboxes: [partners.current.own.mailAddress]),
            offersSTARTTLS: smtp.tls == .opportunistic || smtp.tls == .required,
            requiresTLS: smtp.tls == .required,
            limits: limits
        )
        var settings = SMTPListener.Settings(host: smtp.listen, port: smtp.port, server: server)
        settings.sessionsMax = smtp.sessionsMax
        settings.isImplicitTLS = smtp.tls == .implicit
        if smtp.tls != .off {
            settings.identity = TLSIdentity(
                certificatesPEM: try directory.readText(directory.certificate),
                keyPEM: try directory.readText(directory.key)
            )
        }
        return settings
    }
}

extension Configuration {
    var mailRootLimits: MailRootLimits {
        var limits = MailRootLimits()
        limits.isArchiveOn = mail.isArchiveOn
        limits.archiveOctetsMax = mail.archiveOctetsMax
        limits.archiveDays = mail.archiveDays
        limits.badmailOctetsMax = mail.badmailOctetsMax
        limits.heldOctetsMax = mail.heldOctetsMax
        return limits
    }

    var transportSettings: SMTPTransportSettings {
        var settings = SMTPTransportSettings()
        settings.retry = mail.retry
        settings.queueMessagesMax = mail.queueMessagesMax
        settings.queueOctetsMax = mail.queueOctetsMax
        return settings
    }

    var replicationSettings: ReplicationSettings {
        var settings = ReplicationSettings()
        settings.intervalSeconds = replication.intervalSeconds
        settings.notifyDelaySeconds = replication.notifyDelaySeconds
        settings.limits = PartLimits(
            bytesMax: replication.partOctetsMax,
            objectsMax: ReplicationLimits.partTargetObjects,
            credit: replication.creditParts
        )
        // A short interval belongs to a quick path: then a lost request is not waited for as long.
        let floor = min(900, max(10, replication.intervalSeconds * 4))
        settings.timing = RequestTiming(resendFloorSeconds: Int64(floor))
        return settings
    }
}

extension EventReply {
    /// A mail's event, for `watch`.
    init(_ event: MailEvent, names: ConfigurationView, at time: Timestamp) {
        self.init(
            time: time,
            kind: "mail-\(event.kind.name)",
            partner: event.partnerName ?? event.partner.map(names.name(of:)),
            namingContext: nil,
            text: "\(event.fileID ?? "mail") \(event.sentence)",
            fields: event.fileID.map { ["file": $0] } ?? [:]
        )
    }
}
