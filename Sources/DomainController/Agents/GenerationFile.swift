import InterSiteMessaging
import AdminAPI
package import Identifiers
import Synchronization

/// The highest asOf ever handed to the ISM and the boot that handed it: kept outside the database, so that a
/// database put back from an older copy can be told.
package final class GenerationFile: Sendable {
    private let directory: DataDirectory
    private let bootID: GUID
    private let highest: Mutex<USN>

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
    package func handOut(_ asOf: USN) throws {
        try highest.withLock { highest in
            guard asOf > highest else { return }
            try directory.write(Array("\(asOf) \(bootID)\n".utf8), to: directory.generation)
            highest = asOf
        }
    }
}
