package import AdminAPI
import Dispatch
import Foundation
import Identifiers
import InterSiteMessaging
import Replication
import Store

extension DomainControllerService {
    /// Pieces that may wait for a slow client.
    private static let backupPiecesAheadMax = 4

    /// The octets of a `BackupFile`: a consistent copy of the database, keys and certificates, the configuration file.
    ///
    /// Writers go on meanwhile. The copy needs as much room in the data directory as the database.
    package func backup() async throws -> AsyncThrowingStream<[UInt8], any Error> {
        let (store, directory, now) = (store, directory, now())
        let server = partners.current.own.serverName
        let copy = directory.path + "/backup-\(RandomSource.guid()).tmp"
        let pipe = BoundedPipe<[UInt8]>(elementsAheadMax: Self.backupPiecesAheadMax)
        DispatchQueue(label: "bridgehead.backup").async {
            defer { try? directory.files.remove(copy) }
            do {
                let (identity, usn) = try store.copy(to: copy)
                let others = try directory.filesBesideDatabase()
                let names = [directory.database] + others
                let header = BackupHeader(
                    version: ProductVersion.current,
                    created: now,
                    server: server,
                    dsaGUID: identity.dsaGUID,
                    invocationID: identity.invocationID,
                    highestUSN: usn,
                    files: try names.map { name in
                        let path = name == directory.database ? copy : name
                        return BackupHeader.File(
                            name: String(name.dropFirst(directory.path.count + 1)),
                            octets: try directory.files.status(path)?.octets ?? 0
                        )
                    }
                )
                try BackupFile.write(header, paths: [copy] + others) { try pipe.put($0) }
                pipe.finish()
            } catch {
                pipe.finish(throwing: error)
            }
        }
        let reader = PipeReader(pipe)
        return AsyncThrowingStream { try await reader.pipe.next() }
    }

    package func cure(_ request: CureRequest) async throws -> CureReply {
        let ended = try await agent.cureOnDemand(keptUSN: request.keptUSN)
        return CureReply(
            endedInvocationID: ended.invocationID,
            keptUSN: ended.keptUSN,
            invocationID: store.identity.invocationID
        )
    }
}

extension DataDirectory {
    /// Keys, certificates, the CA where it is, and the configuration file.
    func filesBesideDatabase() throws -> [String] {
        var found = try files.holds(configurationFile) ? [configurationFile] : []
        for folder in [pki, retiredKeys, authority] where try files.holds(folder) {
            for name in try files.list(folder).sorted() {
                let path = folder + "/" + name
                if let status = try files.status(path), status.isRegular { found.append(path) }
            }
        }
        return found
    }
}
