/// Every request of the admin interface; `docs/admin-api.md` lists them.
///
/// Bodies and answers are JSON except where noted. The first path segment is the interface's version.
package enum AdminRoute: String, CaseIterable, Hashable, Sendable {
    case status = "GET /v1/status"
    case health = "GET /v1/health"
    case configuration = "GET /v1/configuration"
    /// Answer: one `EventReply` a line (NDJSON) until the client goes away.
    case events = "GET /v1/events"
    case replicateNow = "POST /v1/replication/requests"
    case replicationNeighbors = "GET /v1/replication/neighbors"
    case replicationSummary = "GET /v1/replication/summary"
    case replicationCursors = "GET /v1/replication/cursors"
    case resync = "POST /v1/replication/resync"
    case lingeringObjects = "GET /v1/replication/lingering"
    case compare = "POST /v1/replication/comparisons"
    case cure = "POST /v1/replication/cure"
    case object = "POST /v1/objects/read"
    case objects = "POST /v1/objects/search"
    case originate = "POST /v1/objects/write"
    case metadata = "POST /v1/objects/metadata"
    case why = "POST /v1/objects/why"
    /// Body: LDIF of any length. Answer: one `ImportLine` a line (NDJSON).
    case importLDIF = "POST /v1/import"
    /// Answer: text, cut short when something fails on the way.
    case export = "POST /v1/export"
    /// Answer: octets, cut short when something fails on the way.
    case backup = "POST /v1/backup"
    /// Answer: octets, cut short when something fails on the way; media has an end of its own.
    case createMedia = "POST /v1/media"
    case mailFolders = "GET /v1/mail/folders"
    case mailList = "POST /v1/mail/list"
    case mailShow = "POST /v1/mail/show"
    case mailRelease = "POST /v1/mail/release"
    case mailDiscard = "POST /v1/mail/discard"
    case conflicts = "POST /v1/conflicts/list"
    case conflict = "POST /v1/conflicts/show"
    case restoreConflict = "POST /v1/conflicts/restore"
    case signRequest = "POST /v1/certificates/sign"
    case certificates = "GET /v1/certificates"
    case installCertificate = "POST /v1/certificates/install"
    case addDomain = "POST /v1/domains"

    package var method: String { String(rawValue.prefix { $0 != " " }) }
    package var path: String { String(rawValue.drop { $0 != " " }.dropFirst()) }
}

/// What one request may cost the admin server.
package enum AdminLimits {
    /// JSON bodies; LDIF to import is streamed and has no limit of its own.
    package static let bodyOctetsMax = 32 << 20
    /// Length of a Unix socket's path that every platform takes.
    package static let socketPathOctetsMax = 100
    /// One line of an NDJSON answer.
    package static let lineOctetsMax = 64 << 20
    /// Objects of one search.
    package static let searchObjectsMax = 10_000
    /// Conflicts of one list.
    package static let conflictsMax = 100_000
    /// Header fields of one request, with their names.
    package static let headerOctetsMax = 80 << 10
}
