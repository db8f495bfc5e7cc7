import AdminAPI
import DirectoryModel
import Foundation
package import Identifiers
package import Logging
import PKI
import Replication
import SecureMail
import Store

/// What `join` made.
package struct JoinSummary: Sendable {
    package let dsaGUID: GUID
    package let invocationID: GUID
    package let serverName: String
    package let domain: String
    package let enrolment: EnrolmentSummary
    package let objects: Int

    package var signingRequest: String { enrolment.request }
}

/// Turns a join file into a DSA: schema and configuration from its media, a new domain of its own.
package struct Join: Sendable {
    let file: JoinFile
    let directory: DataDirectory

    /// - Throws: `AdminError` when the file is damaged or of another version.
    package init(joinFile: [UInt8], dataDirectory: String) throws {
        file = try JoinFile(decoding: joinFile)
        directory = DataDirectory(dataDirectory)
    }

    package func run(log: Logger, at now: Timestamp) async throws -> JoinSummary {
        let parts = try mediaParts()
        let anchors = try trustAnchors()
        try directory.create(withAuthority: false)
        let lock = try DataDirectoryLock(directory)
        defer { withExtendedLifetime(lock) {} }
        let key = try PrivateKey.generate(.p256)
        let request = try key.makeSigningRequest()
        try directory.write(Array(try key.pem.utf8), to: directory.key)
        try directory.write(Array(request.pem.utf8), to: directory.signingRequest, mode: 0o644)
        try directory.write(
            Array(anchors.certificates.map(\.pem).joined().utf8),
            to: directory.anchors
        )
        try directory.write(Array(anchors.crls.map(\.pem).joined().utf8), to: directory.revocationLists)
        let invocationID = RandomSource.guid()
        let objects = try await directory.makeDatabase { store in
            try await fill(store, with: parts, invocationID: invocationID, log: log, at: now)
        }
        return JoinSummary(
            dsaGUID: file.dsa.dsaGUID,
            invocationID: invocationID,
            serverName: file.dsa.name,
            domain: file.domainDNSName,
            enrolment: EnrolmentSummary(
                dsaGUID: file.dsa.dsaGUID,
                mailAddress: file.dsa.mailAddress,
                dnsName: file.dsa.dnsHostName,
                request: directory.signingRequest
            ),
            objects: objects
        )
    }

    /// - Returns: how many objects the media brought.
    private func fill(
        _ store: DirectoryStore,
        with parts: [ChangesReply],
        invocationID: GUID,
        log: Logger,
        at now: Timestamp
    ) async throws -> Int {
        try store.setIdentity(dsaGUID: file.dsa.dsaGUID, invocationID: invocationID)
        for context in [file.schema, file.configuration] {
            try await store.addReplica(try context.namingContext(), isPartial: false)
        }
        try await store.addReplica(try file.inviterDomain.namingContext(), isPartial: true)

        var objects = 0
        for part in parts {
            let context = ApplyContext(ownDSA: file.dsa.dsaGUID, now: now, isMedia: true)
            for outcome in try await store.apply([part], context: context) {
                guard case .apply = outcome.verdict else {
                    throw JoinFile.damaged("a part of its media was refused (\(outcome.verdict))")
                }
                objects += outcome.objectsApplied
            }
        }
        log.info("media loaded", metadata: ["objects": "\(objects)", "parts": "\(parts.count)"])
        try await store.createNamingContext(
            try file.domain.namingContext(),
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["top", "domain", "domainDNS"])],
            at: now
        )
        _ = try await store.originate(
            [
                .modify(
                    .guid(file.dsa.dsaGUID),
                    [Modification(.replace, "invocationId", [invocationID.octets])]
                )
            ],
            at: now,
            randomGUID: RandomSource.guid
        )
        return objects
    }

    private func trustAnchors() throws -> TrustAnchors {
        do {
            return try TrustAnchors(
                certificates: try file.anchors.map { try Certificate(pem: $0) },
                crls: try file.revocationLists.map { try CertificateRevocationList(pem: $0) }
            )
        } catch { throw JoinFile.damaged("its CA certificates: \(error)") }
    }

    private func mediaParts() throws -> [ChangesReply] {
        var parts: [ChangesReply] = []
        for (index, text) in file.media.enumerated() {
            guard let packed = Data(base64Encoded: text) else {
                throw JoinFile.damaged("media part \(index + 1) is not base64")
            }
            do {
                let octets = try Gzip.inflate(
                    Array(packed),
                    octetsMax: ReplicationLimits.partOctetsMax,
                    ratioMax: 1_000
                )
                guard case .reply(let part) = try ReplicationCodec.decode(octets) else {
                    throw JoinFile.damaged("media part \(index + 1) holds no changes")
                }
                parts.append(part)
            } catch let error as AdminError {
                throw error
            } catch { throw JoinFile.damaged("media part \(index + 1): \(error)") }
        }
        guard !parts.isEmpty else { throw JoinFile.damaged("it has no media") }
        return parts
    }
}
