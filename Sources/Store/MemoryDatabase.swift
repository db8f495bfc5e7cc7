import GRDB

/// A directory database in memory that outlives the stores opened on it, as a file outlives its process.
///
/// One store at a time; what a store committed is there for the next one, and nothing else is.
package final class MemoryDatabase: Sendable {
    let queue: DatabaseQueue

    package init() throws { queue = try DatabaseQueue(configuration: DirectoryStore.configuration) }

    /// The committed state as a database of its own.
    package func copy() throws -> MemoryDatabase {
        let copy = try MemoryDatabase()
        try queue.backup(to: copy.queue)
        return copy
    }
}
