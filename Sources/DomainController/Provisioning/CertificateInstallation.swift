import InterSiteMessaging
package import AdminAPI
import Identifiers
import PKI
import SecureMail
import Store

/// Puts a signed certificate beside its key, after checking that both and the forest belong together.
package struct CertificateInstallation: Sendable {
    let directory: DataDirectory
    let pem: String
    let time: Timestamp

    package init(dataDirectory: String, certificatePEM: [UInt8]) throws {
        self.init(
            directory: DataDirectory(dataDirectory),
            pem: String(decoding: certificatePEM, as: UTF8.self),
            at: DomainControllerService.systemTime()
        )
    }

    init(directory: DataDirectory, pem: String, at time: Timestamp) {
        self.directory = directory
        self.pem = pem
        self.time = time
    }

    /// Without a running DSA.
    ///
    /// - Returns: what was installed, a fact a line.
    package func run() throws -> [String] {
        try directory.requireDSA()
        let lock = try DataDirectoryLock(directory)
        defer { withExtendedLifetime(lock) {} }
        let store = try DirectoryStore(path: directory.database, sha256: Digest.sha256)
        return try install(for: store.identity.dsaGUID).summary
    }

    func install(for dsaGUID: GUID) throws -> Certificate {
        let certificate = try Certificate(pem: pem)
        guard certificate.dsaGUID == dsaGUID else {
            let holder = certificate.dsaGUID.map { "DSA \($0)" } ?? "no DSA"
            throw refusal("the certificate is for \(holder), this DSA is \(dsaGUID)")
        }
        let anchors = try TrustAnchors(
            certificates: try PEMBundle.certificates(try directory.readText(directory.anchors))
        )
        guard (try? anchors.issuer(of: certificate)) != nil else {
            throw refusal(
                "the certificate was not issued by this forest's CA (it names \(certificate.issuer))"
            )
        }
        guard certificate.notAfter >= time else {
            throw refusal("the certificate expired at \(certificate.notAfter)")
        }
        do {
            _ = try KeyPair(
                certificate: certificate,
                key: try PrivateKey(pem: try directory.readText(directory.key))
            )
        } catch PKIError.keyMismatch {
            throw refusal("the certificate is for another key than \(directory.key)")
        }
        try directory.write(Array(certificate.pem.utf8), to: directory.certificate, mode: 0o644)
        return certificate
    }

    private func refusal(_ message: String) -> AdminError {
        AdminError(
            code: "certificateRefused",
            message: message,
            hint: "sign this DSA's own request: bridgehead ca sign \(directory.signingRequest)"
        )
    }
}

/// The certificates in a data directory.
package struct CertificateInventory: Sendable {
    let directory: DataDirectory

    package init(dataDirectory: String) { directory = DataDirectory(dataDirectory) }

    package func list() throws -> [CertificateReply] {
        var found: [CertificateReply] = []
        if directory.files.exists(directory.certificate) {
            let own = try Certificate(pem: try directory.readText(directory.certificate))
            found.append(CertificateReply(own, use: "own", file: directory.certificate))
        }
        if directory.files.exists(directory.anchors) {
            for anchor in try PEMBundle.certificates(try directory.readText(directory.anchors)) {
                found.append(CertificateReply(anchor, use: "ca", file: directory.anchors))
            }
        }
        return found
    }
}
