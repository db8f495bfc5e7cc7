package import Identifiers

/// What a running DSA says of itself.
package struct StatusReply: Codable, Hashable, Sendable {
    package var version: String
    /// The server's name, such as HQ-RES-DC-01.
    package var name: String
    package var site: String
    /// DNS name of its own domain.
    package var domain: String
    /// DNS name of the forest's root domain.
    package var forest: String
    package var forestGUID: GUID
    package var dsaGUID: GUID
    package var invocationID: GUID
    package var highestUSN: USN
    package var namingContexts: [NamingContextStatus]
    package var mail: [MailFolderReply]
    package var startedAt: Timestamp
    /// Of its own listener; nil when mail comes by another way.
    package var smtpPort: Int?
    /// Events of each kind since the start.
    package var eventCounts: [String: Int]
    /// What a person should look at, oldest first.
    package var alarms: [AlarmReply]
    package var held: HeldStatus?

    package init(
        version: String,
        name: String,
        site: String,
        domain: String,
        forest: String,
        forestGUID: GUID,
        dsaGUID: GUID,
        invocationID: GUID,
        highestUSN: USN,
        namingContexts: [NamingContextStatus],
        mail: [MailFolderReply],
        startedAt: Timestamp,
        smtpPort: Int? = nil,
        eventCounts: [String: Int] = [:],
        alarms: [AlarmReply] = [],
        held: HeldStatus? = nil
    ) {
        self.held = held
        self.version = version
        self.name = name
        self.site = site
        self.domain = domain
        self.forest = forest
        self.forestGUID = forestGUID
        self.dsaGUID = dsaGUID
        self.invocationID = invocationID
        self.highestUSN = highestUSN
        self.namingContexts = namingContexts
        self.mail = mail
        self.startedAt = startedAt
        self.smtpPort = smtpPort
        self.eventCounts = eventCounts
        self.alarms = alarms
    }
}

/// One naming context that a DSA holds.
package struct NamingContextStatus: Codable, Hashable, Sendable {
    package var dn: String
    package var objectGUID: GUID
    /// `schema`, `configuration` or `domain`.
    package var role: String
    package var isPartial: Bool
    package var objects: Int
    package var tombstones: Int

    package init(
        dn: String,
        objectGUID: GUID,
        role: String,
        isPartial: Bool,
        objects: Int,
        tombstones: Int = 0
    ) {
        self.dn = dn
        self.objectGUID = objectGUID
        self.role = role
        self.isPartial = isPartial
        self.objects = objects
        self.tombstones = tombstones
    }
}

/// Whether a DSA is fit to work, and what is not.
package struct HealthReply: Codable, Hashable, Sendable {
    package var isHealthy: Bool
    package var checks: [HealthCheck]

    package init(
        isHealthy: Bool,
        checks: [HealthCheck]
    ) {
        self.isHealthy = isHealthy
        self.checks = checks
    }
}

/// One thing that was looked at.
package struct HealthCheck: Codable, Hashable, Sendable {
    /// The check of the links to partners.
    package static let replication = "replication"
    /// The check of parts that wait for a decision.
    package static let held = "held"
    /// What partners do or fail to do: the DSA itself serves on.
    package static let ofOthers: Set<String> = [replication, held]

    package var name: String
    package var isPassed: Bool
    /// A sentence with names and numbers.
    package var text: String

    package init(
        name: String,
        isPassed: Bool,
        text: String
    ) {
        self.name = name
        self.isPassed = isPassed
        self.text = text
    }
}
