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
    let mediaPath: String?

    /// - Throws: `AdminError` when the file is damaged or of another version.
    package init(joinFile: [UInt8], dataDirectory: String, media: String? = nil) throws {
        file = try JoinFile(decoding: joinFile)
        directory = DataDirectory(dataDirectory)
        mediaPath = media
    }

    package func run(log: Logger, at now: Timestamp) async throws -> JoinSummary {
        let anchors = try trustAnchors()
        let loading = try JoinLoading(file: file, mediaPath: mediaPath, anchors: anchors, at: now)
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
            try await fill(store, with: loading, invocationID: invocationID, log: log, at: now)
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
        with loading: JoinLoading,
        invocationID: GUID,
        log: Logger,
        at now: Timestamp
    ) async throws -> Int {
        try store.setIdentity(dsaGUID: file.dsa.dsaGUID, invocationID: invocationID)
        for context in [file.schema, file.configuration] {
            try await store.addReplica(try context.namingContext(), isPartial: false)
        }
        try await store.addReplica(try file.inviterDomain.namingContext(), isPartial: true)

        let objects = try await loading.load(into: store)
        log.info("snapshot loaded", metadata: ["objects": "\(objects)"])
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
}
