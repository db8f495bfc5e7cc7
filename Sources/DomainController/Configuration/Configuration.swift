package import AdminAPI
import Identifiers
package import InterSiteMessaging
package import Logging

/// The local configuration of one DSA, checked and with the defaults filled in.
package struct Configuration: Sendable {
    /// The own SMTP listener.
    package struct SMTP: Hashable, Sendable {
        package var listen: String
        /// 0 lets the system choose.
        package var port: Int
        package var tls: ListenerTLS
        package var messageOctetsMax: Int
        package var sessionsMax: Int
    }

    /// How this DSA asks and answers where no site link says otherwise.
    package struct Replication: Hashable, Sendable {
        package var intervalSeconds: Int
        package var partOctetsMax: Int
        package var creditParts: Int
        package var notifyDelaySeconds: Int
    }

    /// Queue, archive and retries.
    package struct Mail: Hashable, Sendable {
        package var isArchiveOn: Bool
        package var archiveOctetsMax: Int
        package var archiveDays: Int
        package var badmailOctetsMax: Int
        package var heldOctetsMax: Int
        package var retry: RetrySchedule
        package var queueMessagesMax: Int
        package var queueOctetsMax: Int
        /// Of a mail that is made here.
        package var messageOctetsMax: Int
    }

    /// What goes to stderr.
    package struct Log: Hashable, Sendable {
        package var level: Logger.Level
        package var format: LogFormat
    }

    package var dataDirectory: String
    /// What this host calls itself in SMTP; nil = its server object's DNS host name.
    package var name: String?
    package var mailroot: String
    package var adminSocket: String
    package var smtp: SMTP
    /// In order; the first match wins.
    package var routes: [RouteRule]
    package var replication: Replication
    package var mail: Mail
    package var log: Log
    /// Every key, for `config show`.
    package var values: [ConfigurationValue]

    /// The same, as the admin interface says it.
    package var reply: ConfigurationReply {
        ConfigurationReply(
            values: values.map {
                ConfigurationValueReply(
                    key: $0.key.rawValue,
                    value: $0.text,
                    origin: $0.origin.name,
                    source: $0.origin.source
                )
            }
        )
    }

    /// - Throws: `AdminError` `badConfiguration` with the first problem.
    package init(_ sources: ConfigurationSources) throws(AdminError) {
        var resolution = ConfigurationResolution(sources)
        resolution.run()
        if let error = resolution.error { throw error }
        self.init(resolution)
    }

    /// Every error and warning, for `config check`.
    package static func problems(in sources: ConfigurationSources) -> [ConfigurationProblem] {
        var resolution = ConfigurationResolution(sources)
        resolution.run()
        return resolution.problems
    }

    /// The defaults over one data directory: what tests and offline verbs start from.
    package static func standard(dataDirectory: String) -> Configuration {
        var resolution = ConfigurationResolution(
            ConfigurationSources(
                flags: [.data: ("--data", dataDirectory)],
                readSecret: { $0 },
                parse: { .scalar($0, line: 1) }
            )
        )
        resolution.run()
        return Configuration(resolution)
    }

    /// Expects a resolution without errors; what does not parse falls back to its default.
    private init(_ found: ConfigurationResolution) {
        let data = found.text(.data)
        dataDirectory = data.count > 1 && data.hasSuffix("/") ? String(data.dropLast()) : data
        name = found.optionalText(.name)
        mailroot = found.optionalText(.mailroot) ?? dataDirectory + "/mailroot"
        adminSocket = found.optionalText(.adminSocket) ?? dataDirectory + "/admin.sock"
        smtp = SMTP(
            listen: found.text(.smtpListen),
            port: found.integer(.smtpPort),
            tls: ListenerTLS(rawValue: found.text(.smtpTLS)) ?? .opportunistic,
            messageOctetsMax: found.integer(.smtpMessageBytesMax),
            sessionsMax: found.integer(.smtpSessionsMax)
        )
        routes = found.routes
        replication = Replication(
            intervalSeconds: found.integer(.replicationInterval),
            partOctetsMax: found.integer(.replicationPartBytes),
            creditParts: found.integer(.replicationCredit),
            notifyDelaySeconds: found.integer(.replicationNotifyDelay)
        )
        mail = Mail(
            isArchiveOn: ConfigurationForm.boolean(found.text(.mailArchive)) ?? false,
            archiveOctetsMax: found.integer(.mailArchiveBytesMax),
            archiveDays: found.integer(.mailArchiveDays),
            badmailOctetsMax: found.integer(.mailBadmailBytesMax),
            heldOctetsMax: found.integer(.mailHeldBytesMax),
            retry: RetrySchedule(found.text(.mailRetry)) ?? .standard,
            queueMessagesMax: found.integer(.mailQueueMessagesMax),
            queueOctetsMax: found.integer(.mailQueueBytesMax),
            messageOctetsMax: found.integer(.mailMessageBytesMax)
        )
        log = Log(
            level: Logger.Level(rawValue: found.text(.logLevel)) ?? .info,
            format: LogFormat(rawValue: found.text(.logFormat)) ?? .human
        )
        values = found.values(mailroot: mailroot, adminSocket: adminSocket)
    }
}
