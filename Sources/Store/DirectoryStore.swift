package import DirectoryModel
import GRDB
package import Identifiers
package import Replication
import Synchronization

/// The directory database of one DSA: objects, link values, cursors, in one SQLite file.
///
/// Every call is one transaction. Writers queue up; reads see committed state only and block nobody.
/// Asynchronous calls are `@concurrent`: they never run in the caller's actor.
package final class DirectoryStore: Sendable {
    /// Snapshots that may be open at the same time; more wait.
    static let readersMax = 16
    /// Octets of a page: four bodies of people fit into 4 KiB badly.
    static let pageOctets = 8 << 10
    /// Octets of pages that the writing connection keeps in memory.
    static let writerCacheOctets = 32 << 20
    /// Octets of pages that each reading connection keeps in memory.
    static let readerCacheOctets = 2 << 20

    private struct Cache {
        var identity: ReplicaIdentity
        var bootRecords: [BootRecord]
        var contexts: [HeldNamingContext]
        var schema: Schema
        var attributeIDs: AttributeIDs
    }

    let writer: any DatabaseWriter
    /// Whether transactions run on the caller's thread, as those of a database in memory do: it never waits for a
    /// disk, and a hop to another thread costs more than most of its transactions.
    package let runsInPlace: Bool
    private let sha256: @Sendable ([UInt8]) -> [UInt8]
    private let memos: StoreMemos
    /// What the newest commit left; changed on the writer's queue only, right after a commit.
    private let cache: Mutex<Cache>

    /// Opens or makes the database.
    ///
    /// - Parameters:
    ///   - path: of the file; nil = in memory, for tests and simulation.
    ///   - sha256: what canonical dumps hash value sets with.
    /// - Throws: `StoreError.otherVersion`, `.notADirectoryDatabase`, `.sqlite`.
    package convenience init(path: String?, sha256: @escaping @Sendable ([UInt8]) -> [UInt8]) throws {
        do {
            let configuration = Self.configuration
            let writer: any DatabaseWriter =
                if let path {
                    try DatabasePool(path: path, configuration: configuration)
                } else {
                    try DatabaseQueue(configuration: configuration)
                }
            try self.init(writer: writer, path: path, sha256: sha256)
        } catch let error as DatabaseError {
            throw Self.storeError(error, path: path)
        }
    }

    /// Opens a database in memory, which outlives this store.
    package convenience init(
        _ database: MemoryDatabase,
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8]
    ) throws {
        try self.init(writer: database.queue, path: nil, memory: database, sha256: sha256)
    }

    private init(
        writer opened: any DatabaseWriter,
        path: String?,
        memory: MemoryDatabase? = nil,
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8]
    ) throws {
        self.sha256 = sha256
        let memos = StoreMemos(schema: memory?.schemaMemo)
        self.memos = memos
        runsInPlace = memory != nil
        let loaded: Cache
        do {
            // The pool itself sets NORMAL when it turns the write-ahead log on. What a partner was told must survive
            // a power cut, or its USNs would be given out twice.
            try opened.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            loaded = try opened.write { db in
                try Tables.prepare(db, path: path ?? "the database in memory")
                let loaded = try Self.load(db, memos, sha256: sha256)
                // Another version of the program may build in another schema.
                let view = Self.openSnapshot(db, loaded, memos, sha256: sha256)
                try WriteTransaction(view, at: .epoch).takePartialSets()
                return loaded
            }
        } catch let error as DatabaseError {
            throw Self.storeError(error, path: path)
        }
        writer = opened
        cache = Mutex(loaded)
    }

    package var identity: ReplicaIdentity { cache.withLock { $0.identity } }

    /// Newest first, at most `ReplicationLimits.bootRecordsMax`.
    package var bootRecords: [BootRecord] { cache.withLock { $0.bootRecords } }

    /// As the newest commit left it; `Schema.builtin()` until the schema naming context has objects.
    package var schema: Schema { cache.withLock { $0.schema } }

    package var namingContexts: [HeldNamingContext] { cache.withLock { $0.contexts } }

    /// Says whose database this is, or begins a new life of it under a new invocationID.
    package func setIdentity(dsaGUID: GUID, invocationID: GUID) throws {
        let identity = ReplicaIdentity(dsaGUID: dsaGUID, invocationID: invocationID)
        try writer.write { db in
            try MetaRows(db: db).save(identity)
            db.afterNextTransaction { [self] _ in cache.withLock { $0.identity = identity } }
        }
    }

    /// Records this start of the program, once and before anything is sent.
    ///
    /// The id is random: it tells a database that was put back from one that went on. All records kept come
    /// back, newest first.
    @discardableResult
    package func recordBoot(id: GUID) throws -> [BootRecord] {
        try writer.write { db in
            try BootRows(db: db).record(id, startUSN: MetaRows(db: db).highestUSN())
            let records = try BootRows(db: db).newest()
            db.afterNextTransaction { [self] _ in cache.withLock { $0.bootRecords = records } }
            return records
        }
    }

    /// Ends all use of the database; calls after this fail.
    package func close() throws { try writer.close() }

    // MARK: - Naming contexts

    /// Takes up an empty replica of a naming context; its data comes by replication.
    @concurrent package func addReplica(_ context: NamingContext, isPartial: Bool) async throws {
        try await change(at: .epoch) { transaction in
            _ = try transaction.insert(context, isPartial: isPartial)
        }
    }

    /// Makes a new naming context: originates its head and, unless it is the schema, its fixed containers.
    ///
    /// - Throws: `StoreError.namingContextExists`, `DirectoryError` when the head does not fit the schema.
    @concurrent package func createNamingContext(
        _ context: NamingContext,
        headAttributes: [EntryAttribute],
        at now: Timestamp
    ) async throws {
        try await change(at: now) { try $0.create(context, headAttributes: headAttributes) }
    }

    // MARK: - Writes

    /// Carries out originating writes, all or none, in one transaction.
    ///
    /// `randomGUID` draws the GUIDs of new objects. A refusal is a `DirectoryError` with the index of its
    /// operation.
    @concurrent package func originate(
        _ operations: [OriginatingOperation],
        by author: WriteAuthor = .directory,
        at now: Timestamp,
        randomGUID: @escaping @Sendable () -> GUID
    ) async throws -> [WriteResult] {
        try await change(at: now) { transaction in
            transaction.governance.author = author
            var results: [WriteResult] = []
            results.reserveCapacity(operations.count)
            for (index, operation) in operations.enumerated() {
                do {
                    transaction.governance.operationIndex = index
                    results.append(try transaction.originate(operation, randomGUID: randomGUID))
                } catch var error as DirectoryError {
                    error.operationIndex = index
                    throw error
                }
            }
            return results
        }
    }

    /// Writes once more what lost a conflict, and takes it out of the ledger.
    ///
    /// - Throws: `DirectoryError` when there is no such entry, or the object or the schema does not allow it.
    @concurrent package func restoreConflict(_ id: Int64, at now: Timestamp) async throws -> WriteResult {
        try await change(at: now) { try $0.restoreConflict(id) }
    }

    /// Applies parts in their order, in one transaction with their cursors.
    @concurrent package func apply(_ parts: [ChangesReply], context: ApplyContext) async throws
        -> [PartOutcome]
    {
        if planted(.cursorsBeforeData) {
            try await change(at: context.now) { try $0.commitWithoutData(parts) }
        }
        return try await change(at: context.now) { try $0.apply(parts, context: context) }
    }

    /// Changes the destination's half of replication: makes requests, takes pokes and refusals.
    ///
    /// Takes no USN. The body also gets the highest USN, read in the same transaction.
    @concurrent package func updateDestination<T: Sendable>(
        _ namingContext: GUID,
        _ body: @escaping @Sendable (inout Destination, USN) throws -> T
    ) async throws -> T {
        try await change(at: .epoch) { transaction in
            let context = try transaction.view.namingContext(namingContext)
            let rows = transaction.destinationRows
            var destination = try rows.load(context)
            let before = destination
            let result = try body(&destination, transaction.highestUSN)
            if destination != before { try rows.save(destination) }
            return result
        }
    }

    // MARK: - Reads

    /// Runs `body` over one consistent state of the database.
    @concurrent package func snapshot<T: Sendable>(_ body: @escaping @Sendable (StoreSnapshot) throws -> T)
        async throws
        -> T
    {
        try await reporting { [self] in
            let read = { @Sendable [self] (db: Database) in try body(openSnapshot(db)) }
            return runsInPlace ? try readInPlace(read) : try await writer.read(read)
        }
    }

    // MARK: - Transactions

    /// The writing connection's `PRAGMA synchronous`: 2 = FULL.
    func synchronousLevel() throws -> Int64 {
        try writer.writeWithoutTransaction { db in
            try Query("PRAGMA synchronous", in: db).first { $0.integer(0) } ?? 0
        }
    }

    func change<T: Sendable>(
        at now: Timestamp,
        _ body: @escaping @Sendable (WriteTransaction) throws -> T
    ) async throws -> T {
        try await reporting { [self] in
            let write = { @Sendable [self] (db: Database) in
                let view = openSnapshot(db)
                let transaction = try WriteTransaction(view, at: now)
                let result = try body(transaction)
                try transaction.finish()
                let (contexts, schema, ids) = (view.namingContexts, view.schema, view.attributeIDs)
                let identity = view.identity
                db.afterNextTransaction { [self] _ in
                    cache.withLock { cache in
                        (cache.contexts, cache.schema, cache.attributeIDs) = (contexts, schema, ids)
                        cache.identity = identity
                    }
                }
                return result
            }
            return runsInPlace ? try writeInPlace(write) : try await writer.write(write)
        }
    }

    /// Nothing else uses the one connection meanwhile. (A guarded read would turn writing off and on again, and each
    /// of that expires every prepared statement.)
    private func readInPlace<T>(_ body: (Database) throws -> T) throws -> T { try writer.unsafeRead(body) }
    private func writeInPlace<T>(_ body: (Database) throws -> T) throws -> T { try writer.write(body) }

    private func openSnapshot(_ db: Database) -> StoreSnapshot {
        Self.openSnapshot(db, cache.withLock { $0 }, memos, sha256: sha256)
    }

    private static func openSnapshot(
        _ db: Database,
        _ cache: Cache,
        _ memos: StoreMemos,
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8]
    ) -> StoreSnapshot {
        StoreSnapshot(
            db,
            identity: cache.identity,
            contexts: cache.contexts,
            schema: cache.schema,
            attributeIDs: cache.attributeIDs,
            memos: memos,
            sha256: sha256
        )
    }

    private func reporting<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch let error as DatabaseError {
            throw Self.storeError(error, path: nil)
        }
    }

    private static func load(
        _ db: Database,
        _ memos: StoreMemos,
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8]
    ) throws -> Cache {
        let builtin = try Schema.builtin()
        let contexts = try NamingContextRows(db: db).all(naming: builtin)
        let view = StoreSnapshot(
            db,
            identity: try MetaRows(db: db).identity(),
            contexts: contexts,
            schema: builtin,
            attributeIDs: try AttributeIDs(loadingFrom: db),
            memos: memos,
            sha256: sha256
        )
        return Cache(
            identity: view.identity,
            bootRecords: try BootRows(db: db).newest(),
            contexts: contexts,
            schema: try SchemaRows.load(from: view),
            attributeIDs: view.attributeIDs
        )
    }

    static var configuration: Configuration {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(10)
        // Exports and answers hold a reader while their consumer is slow; short reads need some besides.
        configuration.maximumReaderCount = Self.readersMax
        configuration.prepareDatabase { db in
            // Of a new file only, and before it has a write-ahead log.
            if !db.configuration.readonly { try db.execute(sql: "PRAGMA page_size = \(Self.pageOctets)") }
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
            let octets = db.configuration.readonly ? Self.readerCacheOctets : Self.writerCacheOctets
            try db.execute(sql: "PRAGMA cache_size = -\(octets >> 10)")
        }
        return configuration
    }

    static func storeError(_ error: DatabaseError, path: String?) -> StoreError {
        if error.resultCode == .SQLITE_NOTADB, let path { return .notADirectoryDatabase(path: path) }
        // Without the statement's arguments: they are attribute values.
        return .sqlite(code: error.extendedResultCode.rawValue, message: error.message ?? "no message")
    }
}
