import GRDB
import Synchronization

/// A directory database in memory that outlives the stores opened on it, as a file outlives its process.
///
/// One store at a time; what a store committed is there for the next one, and nothing else is.
package final class MemoryDatabase: Sendable {
    let queue: DatabaseQueue
    private let commits = CommitObserver()

    package init() throws {
        queue = try DatabaseQueue(configuration: DirectoryStore.configuration)
        queue.add(transactionObserver: commits, extent: .databaseLifetime)
    }

    /// Called before each commit, which fails with what `willCommit` throws, and after it.
    package func observeCommits(
        willCommit: @escaping @Sendable () throws -> Void,
        didCommit: @escaping @Sendable () -> Void
    ) {
        commits.actions.withLock { $0 = (willCommit, didCommit) }
    }

    /// The committed state as a database of its own.
    package func copy() throws -> MemoryDatabase {
        let copy = try MemoryDatabase()
        try queue.backup(to: copy.queue)
        return copy
    }
}

private final class CommitObserver: TransactionObserver, Sendable {
    typealias Actions = (willCommit: @Sendable () throws -> Void, didCommit: @Sendable () -> Void)
    let actions = Mutex<Actions?>(nil)

    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { false }
    func databaseDidChange(with event: DatabaseEvent) {}
    func databaseWillCommit() throws { try actions.withLock { $0 }?.willCommit() }
    func databaseDidCommit(_ db: Database) { actions.withLock { $0 }?.didCommit() }
    func databaseDidRollback(_ db: Database) {}
}
