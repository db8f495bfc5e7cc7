import InterSiteMessaging
import AdminAPI
package import Identifiers
package import PKI
import Synchronization

/// The CA on the DSA that holds its key: issues from directory objects, keeps a record of serials.
package struct EnterpriseCA: Sendable {
    let directory: DataDirectory
    let authority: CertificateAuthority
    /// Two that append at once would lose a line.
    private static let recording = Mutex(())

    /// - Throws: `AdminError` when this DSA has no CA key.
    package init(_ directory: DataDirectory) throws {
        guard directory.files.exists(directory.authorityKey) else {
            throw AdminError(
                code: "noAuthority",
                message: "this DSA does not hold the enterprise CA's key",
                hint:
                    "run `bridgehead ca sign` at the DSA that made the forest; an external CA signs where it is "
                    + "run, then here: bridgehead cert install FILE --server NAME"
            )
        }
        self.directory = directory
        authority = try CertificateAuthority(
            certificate: try Certificate(pem: try directory.readText(directory.anchors)),
            key: try PrivateKey(pem: try directory.readText(directory.authorityKey))
        )
    }

    package func issue(
        to profile: DSACertificateProfile,
        for request: SigningRequest,
        at now: Timestamp
    ) throws -> Certificate {
        let certificate = try authority.issue(
            to: profile,
            publicKeyOf: request,
            serial: RandomSource.serial(),
            at: now
        )
        try Self.recordIssue(certificate, to: profile.dsaGUID, in: directory)
        return certificate
    }

    /// Appends to the record that revocation looks serials up in.
    static func recordIssue(_ certificate: Certificate, to dsaGUID: GUID, in directory: DataDirectory) throws
    {
        let line = "\(certificate.serial) \(dsaGUID) \(certificate.notAfter)\n"
        try recording.withLock { _ in try append(line, in: directory) }
    }

    private static func append(_ line: String, in directory: DataDirectory) throws {
        let before =
            try directory.files.holds(directory.authoritySerials)
            ? try directory.readText(directory.authoritySerials, octetsMax: 64 << 20) : ""
        try directory.write(Array((before + line).utf8), to: directory.authoritySerials)
    }
}
