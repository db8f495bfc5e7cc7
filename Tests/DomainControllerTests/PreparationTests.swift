import AdminAPI
import DirectoryModel
@testable import DomainController
import Foundation
import Identifiers
import Store
import Testing

@Suite struct `Preparing DSAs again after a failure` {
    private static let wanted = DomainAddRequest(
        dnsName: "vancouver.reskit.example",
        serverName: "BR3-VAN-DC-01",
        siteName: "Vancouver"
    )

    private func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("preparing-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    private func create(_ data: String) async throws {
        _ = try await ForestCreation(
            forestName: "reskit.example",
            serverName: "HQ-RES-DC-01",
            siteName: "Headquarters",
            dataDirectory: data,
            mailAddress: nil,
            caName: nil
        ).run(log: TwoSites.log, at: DomainControllerService.systemTime())
    }

    private func service(_ data: String) async throws -> DomainControllerService {
        try await DomainControllerService(configuration: .standard(dataDirectory: data), log: TwoSites.log)
    }

    private func code(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "nothing was thrown"
        } catch { return AdminError(error).code }
    }

    @Test func `a data directory that was there before gets the mode of one`() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = folder.path + "/hq"
        try FileManager.default.createDirectory(
            atPath: data,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o755]
        )
        try await create(data)
        let attributes = try FileManager.default.attributesOfItem(atPath: data)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
    }

    @Test func `a creation that breaks off leaves no database that looks whole`() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = folder.path + "/hq"
        let directory = DataDirectory(data)
        try directory.create(withAuthority: false)
        await #expect(throws: CancellationError.self) {
            try await directory.makeDatabase { store in
                try store.setIdentity(dsaGUID: RandomSource.guid(), invocationID: RandomSource.guid())
                throw CancellationError()
            }
        }
        #expect(!FileManager.default.fileExists(atPath: data + "/directory.sqlite"))
        #expect(await code { _ = try await service(data) } == "noDSA")
        #expect(await code { try await create(data) } == "dataDirectoryNotEmpty")
    }

    @Test func `a domain whose preparation broke off after its replica can be prepared again`() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try await create(folder.path + "/hq")
        let hq = try await service(folder.path + "/hq")
        let left = NamingContext(
            guid: RandomSource.guid(),
            dn: try DistinguishedName(
                parsing: "DC=vancouver,DC=reskit,DC=example",
                naming: WellKnownNames()
            ),
            role: .domain
        )
        try await hq.store.addReplica(left, isPartial: true)
        let reply = try await hq.addDomain(Self.wanted)
        #expect(try JoinFile(decoding: Array(reply.joinFile.utf8)).domain.guid == left.guid)
    }

    @Test func `a lost join file is made again until the DSA has a certificate`() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try await create(folder.path + "/hq")
        let hq = try await service(folder.path + "/hq")
        let first = try JoinFile(decoding: Array(try await hq.addDomain(Self.wanted).joinFile.utf8))
        let again = try JoinFile(decoding: Array(try await hq.addDomain(Self.wanted).joinFile.utf8))
        #expect(again.dsa.dsaGUID == first.dsa.dsaGUID)
        #expect(again.domain.guid == first.domain.guid)
        #expect(again.dsa.settingsDN == first.dsa.settingsDN)

        var other = Self.wanted
        other.serverName = "BR3-VAN-DC-02"
        #expect(await code { _ = try await hq.addDomain(other) } == "entryAlreadyExists")

        let joined = try await Join(
            joinFile: Array(try again.encoded().utf8),
            dataDirectory: folder.path + "/van"
        ).run(log: TwoSites.log, at: DomainControllerService.systemTime())
        let request = try String(contentsOfFile: joined.signingRequest, encoding: .utf8)
        _ = try await hq.signRequest(SignRequest(signingRequestPEM: request, dsa: "BR3-VAN-DC-01"))
        #expect(await code { _ = try await hq.addDomain(Self.wanted) } == "entryAlreadyExists")
    }

    @Test func `certificates issued side by side are all on record`() async throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        try await create(folder.path + "/hq")
        let hq = try await service(folder.path + "/hq")
        let joinFile = try await hq.addDomain(Self.wanted).joinFile
        let joined = try await Join(joinFile: Array(joinFile.utf8), dataDirectory: folder.path + "/van")
            .run(log: TwoSites.log, at: DomainControllerService.systemTime())
        let request = try String(contentsOfFile: joined.signingRequest, encoding: .utf8)
        let issued = 24
        let serials = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<issued {
                group.addTask {
                    try await hq.signRequest(SignRequest(signingRequestPEM: request, dsa: "BR3-VAN-DC-01"))
                        .serial
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        let record = try String(contentsOfFile: folder.path + "/hq/pki/ca/serials", encoding: .utf8)
        let recorded = Set(
            record.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) }
        )
        #expect(serials.isSubset(of: recorded))
    }
}
