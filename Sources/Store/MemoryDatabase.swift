import GRDB
import Synchronization

/// A directory database in memory that outlives the stores opened on it, as a file outlives its process.
///
/// One store at a time; what a store committed is there for the next one, and nothing else is.
package final class MemoryDatabase: Sendable {
    let queue: DatabaseQueue
    /// Shared by all copies.
    let schemaMemo: SchemaMemo
    private let commits = CommitObserver()

    package convenience init() throws { try self.init(schemaMemo: SchemaMemo()) }

    private init(schemaMemo: SchemaMemo) throws {
        self.schemaMemo = schemaMemo
        queue = try DatabaseQueue(configuration: DirectoryStore.configuration)
        queue.add(transactionObserver: commits, extent: .databaseLifetime)
    }

    /// Called before each commit, which fails with what `willCommit` throws, and after it.
    package func observeCommits(
        willCommit: @escaping @Sendable () throws -> Void,
        didCommit: @escaping @Sendable () -> Void
    ) {
        commits.actions.withLock { $0 = .init(willCommit: willCommit, didCommit: didCommit) }
    }

    /// The committed state as a database of its own.
    package func copy() throws -> MemoryDatabase {
        let copy = try MemoryDatabase(schemaMemo: schemaMemo)
        try queue.backup(to: copy.queue)
        return copy
    }
}

private final class CommitObserver: TransactionObserver, Sendable {
    /// A type of its own: a closure that a generic lock holds directly is wrapped once more by every access.
    struct Actions {
        let willCommit: @Sendable () throws -> Void
        let didCommit: @Sendable () -> Void
    }

    let actions = Mutex<Actions?>(nil)

    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { false }
    func databaseDidChange(with event: DatabaseEvent) {}
    func databaseWillCommit() throws { try actions.withLock { $0 }?.willCommit() }
    func databaseDidCommit(_ db: Database) { actions.withLock { $0 }?.didCommit() }
    func databaseDidRollback(_ db: Database) {}
}
