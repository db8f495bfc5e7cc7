import DirectoryModel
import GRDB
import Identifiers
import Replication
import Synchronization

/// The few values that exist once per database.
struct MetaRows {
    let db: Database

    func identity() throws -> ReplicaIdentity {
        let dsa = try octets("dsaGUID").flatMap { GUID(octets: $0) }
        let invocation = try octets("invocationID").flatMap { GUID(octets: $0) }
        guard let dsa, let invocation else { return .unset }
        return ReplicaIdentity(dsaGUID: dsa, invocationID: invocation)
    }

    func save(_ identity: ReplicaIdentity) throws {
        try save("dsaGUID", .octets(identity.dsaGUID.octets))
        try save("invocationID", .octets(identity.invocationID.octets))
    }

    func highestUSN() throws -> USN {
        try Query("SELECT value FROM meta WHERE key = 'usn'", in: db).first { $0.usn(0) } ?? .zero
    }

    func saveHighestUSN(_ usn: USN) throws { try save("usn", .usn(usn)) }

    func octets(_ key: String) throws -> [UInt8]? {
        try Query("SELECT value FROM meta WHERE key = ?", in: db).first(.text(key)) { $0.octets(0) }
    }

    func text(_ key: String) throws -> String? {
        try Query("SELECT value FROM meta WHERE key = ?", in: db).first(.text(key)) { $0.text(0) }
    }

    func integer(_ key: String) throws -> Int64? {
        try Query("SELECT value FROM meta WHERE key = ?", in: db).first(.text(key)) { $0.integer(0) }
    }

    func remove(_ key: String) throws {
        try Query("DELETE FROM meta WHERE key = ?", in: db).run(.text(key))
    }

    func save(_ key: String, _ value: SQLValue) throws {
        try Query("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", in: db).run(.text(key), value)
    }
}

/// The starts of this database.
struct BootRows {
    /// Starts remembered here; messages list the newest of them.
    static let bootsKeptMax: Int64 = 4_096

    let db: Database

    /// Newest first, at most `ReplicationLimits.bootRecordsMax`.
    func newest() throws -> [BootRecord] {
        try Query("SELECT id, start_usn FROM boots ORDER BY ordinal DESC LIMIT ?", in: db)
            .all(.integer(Int64(ReplicationLimits.bootRecordsMax))) {
                BootRecord(bootID: try $0.guid(0), startUSN: $0.usn(1))
            }
    }

    /// Every start that this database remembers, newest first.
    func all() throws -> [BootRecord] {
        try Query("SELECT id, start_usn FROM boots ORDER BY ordinal DESC", in: db)
            .all { BootRecord(bootID: try $0.guid(0), startUSN: $0.usn(1)) }
    }

    func record(_ id: GUID, startUSN: USN) throws {
        if planted(.bootNotRecorded), try !newest().isEmpty { return }
        try Query("INSERT INTO boots(id, start_usn) VALUES(?, ?)", in: db).run(.guid(id), .usn(startUSN))
        try Query(
            "DELETE FROM boots WHERE ordinal <= (SELECT max(ordinal) FROM boots) - ?",
            in: db
        ).run(.integer(Self.bootsKeptMax))
    }
}

/// The naming contexts that this DSA holds.
struct NamingContextRows {
    let db: Database

    /// Longest DN first.
    func all(naming: some AttributeNaming) throws -> [HeldNamingContext] {
        let rows = try Query("SELECT id, guid, dn, role, is_partial FROM naming_contexts", in: db).all {
            row in
            (row.integer(0), try row.guid(1), row.text(2), row.integer(3), row.integer(4) != 0)
        }
        let contexts = try rows.map { id, guid, text, role, isPartial in
            guard let role = NamingContextRole(rawValue: role),
                let dn = try? DistinguishedName(parsing: text, naming: naming)
            else { throw StoreError.damaged("naming context \(guid) has no readable name or role") }
            return HeldNamingContext(
                namingContext: NamingContext(guid: guid, dn: dn, role: role),
                isPartial: isPartial,
                id: id
            )
        }
        return contexts.sorted { $0.dn.rdns.count > $1.dn.rdns.count }
    }

    func insert(_ context: NamingContext, isPartial: Bool, naming: some AttributeNaming) throws
        -> HeldNamingContext
    {
        try Query("INSERT INTO naming_contexts(guid, dn, role, is_partial) VALUES(?, ?, ?, ?)", in: db).run(
            .guid(context.guid),
            .text(context.dn.description(naming: naming)),
            .integer(context.role.rawValue),
            .integer(isPartial ? 1 : 0)
        )
        return HeldNamingContext(namingContext: context, isPartial: isPartial, id: db.lastInsertedRowID)
    }
}

/// The destination's half of replication, one blob per naming context.
struct DestinationRows {
    let db: Database
    let memo: DestinationMemo

    func load(_ context: HeldNamingContext) throws -> Destination {
        let octets = try Query("SELECT state FROM destinations WHERE nc = ?", in: db)
            .first(.guid(context.guid)) { $0.octets(0) }
        guard let octets else {
            return Destination(namingContext: context.guid, isPartial: context.isPartial)
        }
        do {
            return try memo.destination(context.guid, octets)
        } catch { throw StoreError.damaged("the cursors of naming context \(context.guid): \(error)") }
    }

    func save(_ destination: Destination) throws {
        try Query("INSERT OR REPLACE INTO destinations(nc, state) VALUES(?, ?)", in: db)
            .run(.guid(destination.namingContext), .octets(destination.encoded()))
    }
}

/// The last state of each naming context that was decoded, and the octets that it was decoded from.
///
/// Cursors are asked for many times between two changes of them, and decoding costs more than all else of it.
final class DestinationMemo: Sendable {
    private struct Entry {
        let octets: [UInt8]
        let destination: Destination
    }

    private let last = Mutex<[GUID: Entry]>([:])

    func destination(_ namingContext: GUID, _ octets: [UInt8]) throws -> Destination {
        let known = last.withLock { $0[namingContext] }
        if let known, known.octets == octets { return known.destination }
        let destination = try Destination(encoded: octets)
        last.withLock { $0[namingContext] = Entry(octets: octets, destination: destination) }
        return destination
    }
}
