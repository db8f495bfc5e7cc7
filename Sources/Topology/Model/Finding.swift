/// What is wrong in the configuration, with what was done about it.
///
/// A finding never stops the rest: the object is used as far as it can be, and the message says how.
package struct Finding: Hashable, Sendable {
    /// What kind of thing is wrong; the raw value is stable, for tools.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        // Reading
        case recordUnreadable, nameUnreadable, objectWithoutGUID, duplicateGUID, numberUnreadable
        case scheduleUnreadable, scheduleNeverOpen
        // Sites, links, subnets
        case noSite, siteWithoutServers, siteWithoutSettings, siteUnknown, siteDeleted
        case linkWithoutSite, linkWithOneSite, linkCostNotPositive, linkIntervalInvalid
        case bridgeLinkUnknown, bridgeWithoutLink, bridgeIgnored, subnetInvalid, subnetWithoutSite
        case transportUnknown, transportMissing, transportsTooMany
        // Servers
        case serverOutsideSite, settingsWithoutServer, mailAddressMissing, mailAddressInvalid
        case readOnlyIgnored, replicaUnknown
        case generatorUnknown, generatorElsewhere, generatorTwice
        case connectionSourceUnknown, connectionToItself, connectionDuplicate, connectionOutsideSettings
        // Naming contexts
        case namingContextInvalid
        // What the KCC sees
        case siteUnreachable, domainSpansMail, selfUnknown
    }

    package enum Severity: Int, Hashable, Sendable {
        /// Replication of something stops.
        case error
        /// Something is not as it was meant to be; replication goes on.
        case warning
    }

    package var code: Code
    package var severity: Severity
    /// The DN of the object, or what else it is about.
    package var subject: String
    /// One sentence: what is wrong, and what was done instead.
    package var message: String
    package var hint: String?

    package init(
        _ code: Code,
        _ severity: Severity = .warning,
        subject: String,
        _ message: String,
        hint: String? = nil
    ) {
        self.code = code
        self.severity = severity
        self.subject = subject
        self.message = message
        self.hint = hint
    }
}

extension Finding: Comparable {
    /// Errors first, then by subject, code and message.
    package static func < (left: Finding, right: Finding) -> Bool {
        (left.severity.rawValue, left.subject, left.code.rawValue, left.message)
            < (right.severity.rawValue, right.subject, right.code.rawValue, right.message)
    }
}

extension Finding: CustomStringConvertible {
    package var description: String {
        "\(severity == .error ? "error" : "warning") \(code.rawValue): \(subject): \(message)"
    }
}
