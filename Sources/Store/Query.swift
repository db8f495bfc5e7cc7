import GRDB
import GRDBSQLite
import Identifiers

/// What a statement's parameter is bound to.
enum SQLValue {
    case null
    case integer(Int64)
    case octets([UInt8])
    case text(String)
    case guid(GUID)

    static func usn(_ usn: USN) -> SQLValue { .integer(usn.rawValue) }
    static func guid(_ guid: GUID?) -> SQLValue { guid.map { SQLValue.guid($0) } ?? .null }
    static func integer(_ value: Int64?) -> SQLValue { value.map { SQLValue.integer($0) } ?? .null }
    static func time(_ time: Timestamp?) -> SQLValue { time.map { .integer($0.seconds) } ?? .null }
}

/// A prepared statement driven by SQLite's own functions: blobs are octet arrays, and there are no row objects.
///
/// GRDB prepares, caches and finalises it. A cached statement must not be started again while it runs.
struct Query {
    private let statement: Statement
    private let connection: OpaquePointer?

    /// The connection's cached statement for this SQL.
    init(_ sql: String, in db: Database) throws {
        statement = try db.cachedStatement(sql: sql)
        connection = db.sqliteConnection
    }

    /// A statement of its own, for rows that are streamed while other statements run.
    init(streaming sql: String, in db: Database) throws {
        statement = try db.makeStatement(sql: sql)
        connection = db.sqliteConnection
    }

    func run(_ values: SQLValue...) throws { try run(values) }

    /// SQLite reads the octets in one buffer, in place: a copy of each of its own costs more than the binding.
    func run(_ values: [SQLValue]) throws {
        let octetCount = values.reduce(0) { sum, value in
            switch value {
            case .octets(let octets): sum + octets.count
            case .guid: sum + 16
            case .null, .integer, .text: sum
            }
        }
        try withUnsafeTemporaryAllocation(byteCount: octetCount, alignment: 8) { buffer in
            defer {
                stop()
                // Nothing may point into the buffer after this.
                sqlite3_clear_bindings(statement.sqliteStatement)
            }
            try bind(values, gatheringIn: buffer)
            while try step() {}
        }
    }

    func first<T>(_ values: SQLValue..., read: (Columns) throws -> T) throws -> T? {
        defer { stop() }
        try bind(values)
        return try step() ? try read(columns) : nil
    }

    func all<T>(_ values: SQLValue..., read: (Columns) throws -> T) throws -> [T] {
        try all(values, read: read)
    }

    func all<T>(_ values: [SQLValue], read: (Columns) throws -> T) throws -> [T] {
        defer { stop() }
        try bind(values)
        var rows: [T] = []
        while try step() { rows.append(try read(columns)) }
        return rows
    }

    // MARK: - Streaming

    func start(_ values: SQLValue...) throws { try bind(values) }

    /// False after the last row.
    func step() throws -> Bool {
        switch sqlite3_step(statement.sqliteStatement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw failure(code)
        }
    }

    var columns: Columns { Columns(handle: statement.sqliteStatement) }

    /// Releases what the statement holds of the database.
    func stop() { sqlite3_reset(statement.sqliteStatement) }

    private func bind(_ values: [SQLValue]) throws {
        let handle = statement.sqliteStatement
        sqlite3_reset(handle)
        for (offset, value) in values.enumerated() {
            let index = CInt(offset + 1)
            let code =
                switch value {
                case .null: sqlite3_bind_null(handle, index)
                case .integer(let number): sqlite3_bind_int64(handle, index, number)
                case .text(let text): sqlite3_bind_text(handle, index, text, -1, Self.transient)
                case .octets(let octets): Self.bind(octets, to: handle, at: index)
                case .guid(let guid): Self.bind(guid, to: handle, at: index)
                }
            guard code == SQLITE_OK else { throw failure(code) }
        }
    }

    private func bind(_ values: [SQLValue], gatheringIn buffer: UnsafeMutableRawBufferPointer) throws {
        let handle = statement.sqliteStatement
        sqlite3_reset(handle)
        var offset = 0
        for (position, value) in values.enumerated() {
            let index = CInt(position + 1)
            var code = SQLITE_OK
            switch value {
            case .null: code = sqlite3_bind_null(handle, index)
            case .integer(let number): code = sqlite3_bind_int64(handle, index, number)
            case .text(let text): code = sqlite3_bind_text(handle, index, text, -1, Self.transient)
            case .octets(let octets):
                let end = offset + octets.count
                let part = UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<end])
                part.copyBytes(from: octets)
                code = Self.bind(part, to: handle, at: index)
                offset = end
            case .guid(let guid):
                let part = UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<offset + 16])
                part.storeBytes(of: guid.high.bigEndian, as: UInt64.self)
                part.storeBytes(of: guid.low.bigEndian, toByteOffset: 8, as: UInt64.self)
                code = Self.bind(part, to: handle, at: index)
                offset += 16
            }
            guard code == SQLITE_OK else { throw failure(code) }
        }
    }

    /// Not copied: SQLite reads it while the statement runs.
    private static func bind(
        _ octets: UnsafeMutableRawBufferPointer,
        to handle: OpaquePointer?,
        at index: CInt
    ) -> CInt {
        // SQLite takes a nil pointer for NULL; an empty blob is not NULL.
        guard let base = octets.baseAddress, octets.count > 0 else {
            return sqlite3_bind_zeroblob(handle, index, 0)
        }
        return sqlite3_bind_blob64(handle, index, base, UInt64(octets.count), nil)
    }

    private static func bind(_ octets: [UInt8], to handle: OpaquePointer?, at index: CInt) -> CInt {
        octets.withUnsafeBytes { bytes in
            // SQLite takes a nil pointer for NULL; an empty blob is not NULL.
            guard let base = bytes.baseAddress, bytes.count > 0 else {
                return sqlite3_bind_zeroblob(handle, index, 0)
            }
            return sqlite3_bind_blob64(handle, index, base, UInt64(bytes.count), transient)
        }
    }

    private static func bind(_ guid: GUID, to handle: OpaquePointer?, at index: CInt) -> CInt {
        withUnsafeBytes(of: (guid.high.bigEndian, guid.low.bigEndian)) { bytes in
            sqlite3_bind_blob(handle, index, bytes.baseAddress, 16, transient)
        }
    }

    /// SQLITE_TRANSIENT, a cast that Swift does not import: SQLite copies what it is given.
    private static var transient: sqlite3_destructor_type {
        unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    }

    private func failure(_ code: CInt) -> StoreError {
        .sqlite(code: code, message: sqlite3_errmsg(connection).map { String(cString: $0) } ?? "no message")
    }
}

/// A statement that one transaction runs for every object: GRDB looks it up by its text once only.
final class RepeatedQuery {
    private let sql: String
    private let db: Database
    private var query: Query?

    init(_ sql: String, in db: Database) {
        self.sql = sql
        self.db = db
    }

    func callAsFunction() throws -> Query {
        if let query { return query }
        let prepared = try Query(sql, in: db)
        query = prepared
        return prepared
    }
}

/// The columns of the row that a statement stands on.
struct Columns {
    let handle: OpaquePointer?

    func isNull(_ index: CInt) -> Bool { sqlite3_column_type(handle, index) == SQLITE_NULL }

    func integer(_ index: CInt) -> Int64 { sqlite3_column_int64(handle, index) }

    func optionalInteger(_ index: CInt) -> Int64? { isNull(index) ? nil : integer(index) }

    func usn(_ index: CInt) -> USN { USN(sqlite3_column_int64(handle, index)) }

    func time(_ index: CInt) -> Timestamp? { isNull(index) ? nil : Timestamp(seconds: integer(index)) }

    func text(_ index: CInt) -> String {
        sqlite3_column_text(handle, index).map { String(cString: $0) } ?? ""
    }

    func octets(_ index: CInt) -> [UInt8] {
        guard let base = sqlite3_column_blob(handle, index) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(handle, index))))
    }

    func guid(_ index: CInt) throws -> GUID {
        guard let guid = optionalGUID(index) else {
            throw StoreError.damaged("a GUID column without 16 octets")
        }
        return guid
    }

    func optionalGUID(_ index: CInt) -> GUID? {
        guard let base = sqlite3_column_blob(handle, index), sqlite3_column_bytes(handle, index) == 16 else {
            return nil
        }
        let high = base.loadUnaligned(as: UInt64.self)
        let low = base.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        return GUID(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
    }
}
