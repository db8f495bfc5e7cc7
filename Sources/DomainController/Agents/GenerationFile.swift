import InterSiteMessaging
import AdminAPI
package import Identifiers
import Dispatch
import Synchronization

/// The highest asOf ever handed to the ISM and the boot that handed it: kept outside the database, so that a
/// database put back from an older copy can be told.
package final class GenerationFile: Sendable {
    private let directory: DataDirectory
    private let bootID: GUID
    private let highest: Mutex<USN>
    /// Writing waits for the disk, which the cooperative pool must not.
    private let queue = DispatchQueue(label: "bridgehead.generation")

    /// Reads the file; a missing one is generation 0.
    ///
    /// - Throws: `AdminError` when the database is behind what was handed out, or the file is damaged.
    package init(_ directory: DataDirectory, bootID: GUID, databaseUSN: USN) throws {
        self.directory = directory
        self.bootID = bootID
        var known = USN.zero
        if directory.files.exists(directory.generation) {
            let fields = try directory.readText(directory.generation, octetsMax: 4096).split(separator: " ")
            guard let first = fields.first, let value = Int64(first), value >= 0 else {
                throw AdminError(
                    code: "generationDamaged",
                    message: "\(directory.generation) cannot be read",
                    hint: "if the database is not a restored copy, remove the file and start again"
                )
            }
            known = USN(value)
        }
        guard known <= databaseUSN else {
            throw AdminError(
                code: "databasePutBack",
                message: "the database ends at USN \(databaseUSN), but changes up to \(known) were sent to "
                    + "partners: it is an older copy",
                hint: "a copy put back by hand makes replicas diverge; put the newest database back"
            )
        }
        highest = Mutex(known)
    }

    /// Makes `asOf` durable before anything cut from that snapshot leaves.
    package func handOut(_ asOf: USN) async throws {
        guard asOf > highest.withLock({ $0 }) else { return }
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            queue.async { [self] in continuation.resume(with: Result { try write(asOf) }) }
        }
    }

    /// On the queue only, so that the number in the file never goes back.
    private func write(_ asOf: USN) throws {
        guard asOf > highest.withLock({ $0 }) else { return }
        try directory.write(Array("\(asOf) \(bootID)\n".utf8), to: directory.generation)
        highest.withLock { $0 = asOf }
    }
}
