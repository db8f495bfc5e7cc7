/// Every key of the local configuration, by its name in the file.
///
/// Forest-wide values are attributes in the directory and have no key here.
package enum ConfigurationKey: String, CaseIterable, Hashable, Sendable {
    case data, name, mailroot, adminSocket
    case smtpListen = "smtp.listen"
    case smtpPort = "smtp.port"
    case smtpTLS = "smtp.tls"
    case smtpLMTP = "smtp.lmtp"
    case smtpMaildir = "smtp.maildir"
    case smtpAcceptFrom = "smtp.acceptFrom"
    case smtpMessageBytesMax = "smtp.messageBytesMax"
    case smtpSessionsMax = "smtp.sessionsMax"
    case routes
    case ipListen = "ip.listen"
    case ipPort = "ip.port"
    case ldapListen = "ldap.listen"
    case ldapPort = "ldap.port"
    case ldapTLSPort = "ldap.tlsPort"
    case ldapGCPort = "ldap.gcPort"
    case ldapGCTLSPort = "ldap.gcTlsPort"
    case consoleListen = "console.listen"
    case consolePort = "console.port"
    case replicationInterval = "replication.interval"
    case replicationPartBytes = "replication.partBytes"
    case replicationCredit = "replication.credit"
    case replicationNotifyDelay = "replication.notifyDelay"
    case mailArchive = "mail.archive"
    case mailArchiveBytesMax = "mail.archiveBytesMax"
    case mailArchiveDays = "mail.archiveDays"
    case mailBadmailBytesMax = "mail.badmailBytesMax"
    case mailHeldBytesMax = "mail.heldBytesMax"
    case mailRetry = "mail.retry"
    case mailReturnPath = "mail.returnPath"
    case mailQueueMessagesMax = "mail.queueMessagesMax"
    case mailQueueBytesMax = "mail.queueBytesMax"
    case mailMessageBytesMax = "mail.messageBytesMax"
    case logLevel = "log.level"
    case logFormat = "log.format"
    case plugins

    /// `smtp.messageBytesMax` is `BRIDGEHEAD_SMTP_MESSAGE_BYTES_MAX`.
    package var environmentVariable: String {
        var name = "BRIDGEHEAD_"
        var followsCapital = true
        for character in rawValue {
            if character == "." {
                name += "_"
                followsCapital = true
                continue
            }
            if character.isUppercase, !followsCapital { name += "_" }
            followsCapital = character.isUppercase
            name += character.uppercased()
        }
        return name
    }

    /// What a value must look like.
    package var form: ConfigurationForm {
        switch self {
        case .data, .mailroot, .adminSocket, .plugins, .name, .smtpLMTP, .smtpMaildir: .text
        case .smtpListen, .ipListen, .ldapListen, .consoleListen: .text
        case .smtpPort, .ipPort, .ldapPort, .ldapTLSPort, .ldapGCPort, .ldapGCTLSPort, .consolePort:
            .integer(0...65_535)
        case .smtpTLS: .choice(ListenerTLS.allCases.map(\.rawValue))
        case .smtpAcceptFrom: .list
        case .smtpMessageBytesMax: .bytes(64 << 10...1 << 30)
        case .smtpSessionsMax: .integer(1...65_535)
        case .routes: .routes
        case .replicationInterval: .duration(1...7 * 86_400)
        case .replicationPartBytes: .bytes(16 << 10...64 << 20)
        case .replicationCredit: .integer(1...65_536)
        case .replicationNotifyDelay: .duration(0...86_400)
        case .mailArchive: .boolean
        case .mailArchiveBytesMax, .mailBadmailBytesMax, .mailHeldBytesMax, .mailQueueBytesMax:
            .bytes(0...1 << 50)
        case .mailMessageBytesMax: .bytes(64 << 10...64 << 20)
        case .mailArchiveDays: .integer(0...36_500)
        case .mailRetry: .retry
        case .mailReturnPath: .mailAddress
        case .mailQueueMessagesMax: .integer(1...100_000_000)
        case .logLevel: .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"])
        case .logFormat: .choice(LogFormat.allCases.map(\.rawValue))
        }
    }

    /// The value where nothing is set; empty = none, or derived from `data`.
    package var defaultText: String {
        switch self {
        case .data: "/var/lib/bridgehead"
        case .name, .mailroot, .adminSocket, .smtpLMTP, .smtpMaildir, .smtpAcceptFrom, .routes, .plugins,
            .mailReturnPath, .ipListen, .ldapListen:
            ""
        case .smtpListen: "0.0.0.0"
        case .smtpPort: "25"
        case .smtpTLS: "opportunistic"
        case .smtpMessageBytesMax: "16MiB"
        case .smtpSessionsMax: "256"
        case .ipPort: "443"
        case .ldapPort: "389"
        case .ldapTLSPort: "636"
        case .ldapGCPort: "3268"
        case .ldapGCTLSPort: "3269"
        case .consoleListen: "127.0.0.1"
        case .consolePort: "9389"
        case .replicationInterval: "15m"
        case .replicationPartBytes: "1MiB"
        case .replicationCredit: "64"
        case .replicationNotifyDelay: "15s"
        case .mailArchive: "false"
        case .mailArchiveBytesMax: "256MiB"
        case .mailArchiveDays: "7"
        case .mailBadmailBytesMax, .mailHeldBytesMax: "64MiB"
        case .mailRetry: "60 10 300 +"
        case .mailQueueMessagesMax: "10000"
        case .mailQueueBytesMax: "4GiB"
        case .mailMessageBytesMax: "4MiB"
        case .logLevel: "info"
        case .logFormat: "human"
        }
    }

    /// False for keys that are read and checked but that this version does nothing with.
    package var hasEffect: Bool {
        switch self {
        case .smtpLMTP, .smtpMaildir, .smtpAcceptFrom, .ipListen, .ipPort, .ldapListen, .ldapPort,
            .ldapTLSPort, .ldapGCPort, .ldapGCTLSPort, .consoleListen, .consolePort, .mailReturnPath,
            .plugins:
            false
        case .data, .name, .mailroot, .adminSocket, .smtpListen, .smtpPort, .smtpTLS, .smtpMessageBytesMax,
            .smtpSessionsMax, .routes, .replicationInterval, .replicationPartBytes, .replicationCredit,
            .replicationNotifyDelay, .mailArchive, .mailArchiveBytesMax, .mailArchiveDays,
            .mailBadmailBytesMax, .mailHeldBytesMax, .mailRetry, .mailQueueMessagesMax, .mailQueueBytesMax,
            .mailMessageBytesMax, .logLevel, .logFormat:
            true
        }
    }
}
