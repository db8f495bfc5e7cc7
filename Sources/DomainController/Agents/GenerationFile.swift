import InterSiteMessaging
import AdminAPI
package import Identifiers
package import Replication
package import Store
import Dispatch
import Synchronization

/// The highest asOf ever handed to the ISM, and the boot and life that handed it: kept outside the database, so
/// that a database put back from an older copy can be told.
///
/// One line: `<asOf> <bootID> <invocationID> <time of the last cure in seconds, 0 = never>`.
package final class GenerationFile: Sendable {
    private struct Line {
        var asOf = USN.zero
        /// Nil while the file is missing, or was written before lives were noted.
        var invocationID: GUID?
        var lastCure: Timestamp?
    }

    private let directory: DataDirectory
    private let bootID: GUID
    private let line: Mutex<Line>
    /// Writing waits for the disk, which the cooperative pool must not.
    private let queue = DispatchQueue(label: "bridgehead.generation")

    /// Reads the file; a missing one is generation 0.
    ///
    /// - Throws: `AdminError` when the file is damaged, unless that does not matter.
    package init(_ directory: DataDirectory, bootID: GUID, ignoringDamage: Bool = false) throws {
        self.directory = directory
        self.bootID = bootID
        var known = Line()
        // One that cannot be looked at is no missing one: it would be forgotten what was handed out.
        if try directory.files.holds(directory.generation) {
            let fields = try directory.readText(directory.generation, octetsMax: 4096)
                .split(whereSeparator: \.isWhitespace)
            let value = fields.first.flatMap { Int64($0) } ?? -1
            guard value >= 0 || ignoringDamage else {
                throw AdminError(
                    code: "generationDamaged",
                    message: "\(directory.generation) cannot be read",
                    hint: "if the database is not a restored copy, remove the file and start again"
                )
            }
            known.asOf = USN(max(0, value))
            if fields.count > 2 { known.invocationID = GUID(String(fields[2])) }
            if fields.count > 3, let seconds = Int64(fields[3]), seconds > 0 {
                known.lastCure = Timestamp(seconds: seconds)
            }
        }
        line = Mutex(known)
    }

    package var highest: USN { line.withLock { $0.asOf } }

    /// When a life of this database was last ended by itself; it survives a database that is put back.
    package var lastCure: Timestamp? { line.withLock { $0.lastCure } }

    /// Whether the database is older than what was handed out.
    package func isAhead(of identity: ReplicaIdentity, at databaseUSN: USN, retired: [RetiredInvocation])
        -> Bool
    {
        let line = line.withLock { $0 }
        guard let invocationID = line.invocationID, invocationID != identity.invocationID else {
            return line.asOf > databaseUSN
        }
        // A life that the database has ended: its end was not noted here yet. Any other comes after it.
        return !retired.contains { $0.invocationID == invocationID }
    }

    /// Makes `asOf` durable before anything cut from that snapshot leaves.
    package func handOut(_ asOf: USN, by identity: ReplicaIdentity) async throws {
        let isKnown = line.withLock { $0.asOf >= asOf && $0.invocationID == identity.invocationID }
        guard !isKnown, !planted(.generationNotWritten) else { return }
        try await onQueue { [self] in
            try write { line in
                // The number in the file never goes back, and a life that has ended is not noted again.
                guard line.invocationID != identity.invocationID || asOf > line.asOf else { return }
                line.asOf = asOf
                line.invocationID = identity.invocationID
            }
        }
    }

    /// Begins a new life of the database at this USN; `cure` is when, unless a person ordered it.
    package func begin(_ identity: ReplicaIdentity, at databaseUSN: USN, cure: Timestamp?) async throws {
        try await onQueue { [self] in
            try write { line in
                line.asOf = databaseUSN
                line.invocationID = identity.invocationID
                line.lastCure = cure ?? line.lastCure
            }
        }
    }

    private func onQueue(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }

    /// On the queue only: one change after the other reaches the disk.
    private func write(_ change: (inout Line) -> Void) throws {
        var next = line.withLock { $0 }
        change(&next)
        let life = next.invocationID ?? .zero
        let text = "\(next.asOf) \(bootID) \(life) \(next.lastCure?.seconds ?? 0)\n"
        try directory.write(Array(text.utf8), to: directory.generation)
        let written = next
        line.withLock { $0 = written }
    }
}
