import InterSiteMessaging
package import AdminAPI
import DirectoryModel
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

    /// Without a running DSA: installs, and writes the certificate into the directory object as partners read it.
    ///
    /// - Returns: what was installed, a fact a line.
    package func run() async throws -> [String] {
        try directory.requireDSA()
        let lock = try DataDirectoryLock(directory)
        defer { withExtendedLifetime(lock) {} }
        let store = try DirectoryStore(path: directory.database, sha256: Digest.sha256)
        let dsaGUID = store.identity.dsaGUID
        let certificate = try install(for: dsaGUID)
        try await store.publish(certificate, of: dsaGUID, at: time)
        try store.close()
        return certificate.summary
    }

    func install(for dsaGUID: GUID) throws -> Certificate {
        let certificate = try check(for: dsaGUID, called: "this DSA")
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

    /// Whether mail of that DSA would be taken with the certificate, and sealed to it: holder, chain, purposes,
    /// revocation, dates.
    func check(for dsaGUID: GUID, called name: String) throws -> Certificate {
        let certificate = try Certificate(pem: pem)
        guard certificate.dsaGUID == dsaGUID else {
            let holder = certificate.dsaGUID.map { "DSA \($0)" } ?? "no DSA"
            throw refusal("the certificate is for \(holder), \(name) is \(dsaGUID)")
        }
        let checks = CertificateChecks(
            anchors: try directory.readTrustAnchors(),
            lateMailDays: 0
        )
        do throws(OpenRefusal) {
            _ = try checks.check(certificate, as: .signer)
            _ = try checks.check(certificate, as: .recipient)
        } catch  where error.code == .foreignCA {
            throw refusal(
                "the certificate was not issued by this forest's CA (it names \(certificate.issuer))"
            )
        } catch { throw refusal(error.detail) }
        guard certificate.isValid(at: time) else {
            throw refusal(
                "the certificate is valid from \(certificate.notBefore) to \(certificate.notAfter)"
            )
        }
        return certificate
    }

    private func refusal(_ message: String) -> AdminError {
        AdminError(
            code: "certificateRefused",
            message: message,
            hint: "have that DSA's pki/dsa.csr signed by the forest's CA: bridgehead ca sign, or where an "
                + "external CA is run"
        )
    }
}

extension DirectoryStore {
    /// Adds the certificate to the DSA's object, unless it is there.
    ///
    /// - Returns: whether that was a write.
    @discardableResult
    func publish(_ certificate: Certificate, of dsaGUID: GUID, at time: Timestamp) async throws -> Bool {
        let isKnown = try await snapshot { snapshot in
            try snapshot.entry(.guid(dsaGUID), includeDeleted: false)?["userCertificate"]
                .contains(certificate.der) ?? false
        }
        guard !isKnown else { return false }
        _ = try await originate(
            [.modify(.guid(dsaGUID), [Modification(.add, "userCertificate", [certificate.der])])],
            at: time,
            randomGUID: RandomSource.guid
        )
        return true
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
