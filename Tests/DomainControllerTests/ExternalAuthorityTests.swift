import AdminAPI
import DomainController
import Foundation
import Identifiers
import PKI
import SecureMail
import Testing

/// A forest whose CA is the script `certs/own-ca.sh` around openssl.
@Suite struct `An external CA` {
    /// A CA's directory, and the forest's first DSA as `forest create --external-ca` leaves it.
    private struct Forest {
        let folder: URL
        let enrolment: EnrolmentSummary

        var authority: String { folder.appendingPathComponent("ca").path }
        var data: String { folder.appendingPathComponent("hq").path }

        init() async throws {
            folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("external-ca-\(UUID().uuidString.prefix(8))")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let ca = folder.appendingPathComponent("ca").path
            try ownCA("init", ca, "--name", "Reskit Own CA")
            try ownCA("crl", ca, "--out", ca + "/crl.pem")
            let summary = try await ForestCreation(
                forestName: "reskit.example",
                serverName: "HQ-RES-DC-01",
                siteName: "Headquarters",
                dataDirectory: folder.appendingPathComponent("hq").path,
                mailAddress: nil,
                caName: nil,
                externalAuthority: try ExternalAuthority(
                    certificatePEM: Array(try text(ca + "/ca.crt").utf8),
                    crlPEM: Array(try text(ca + "/crl.pem").utf8)
                )
            ).run(log: TwoSites.log, at: DomainControllerService.systemTime())
            enrolment = try #require(summary.enrolment)
        }

        func remove() { try? FileManager.default.removeItem(at: folder) }

        func sign(_ enrolment: EnrolmentSummary, as dsaGUID: GUID? = nil) throws -> String {
            try signed(enrolment, as: dsaGUID ?? enrolment.dsaGUID, by: authority, in: folder)
        }

        func install(_ certificate: String) async throws {
            _ = try await CertificateInstallation(
                dataDirectory: data,
                certificatePEM: Array(certificate.utf8)
            ).run()
        }

        func service() async throws -> DomainControllerService {
            try await DomainControllerService(
                configuration: .standard(dataDirectory: data),
                log: TwoSites.log
            )
        }
    }

    @Test func `the forest has no CA key, and serves once its certificate is installed`() async throws {
        let forest = try await Forest()
        defer { forest.remove() }
        #expect(!FileManager.default.fileExists(atPath: forest.data + "/pki/ca"))
        #expect(await code { _ = try await forest.service() } == "noCertificate")
        let pem = try forest.sign(forest.enrolment)
        let certificate = try Certificate(pem: pem)
        #expect(certificate.subject.isEmpty)
        #expect(certificate.dsaGUID == forest.enrolment.dsaGUID)
        #expect(certificate.mailAddress == forest.enrolment.mailAddress.description)
        #expect(certificate.keyUsage == [.digitalSignature, .keyAgreement])
        try await forest.install(pem)
        try await forest.install(pem)
        let published = try await forest.service()
            .object(ObjectQuery(target: ObjectTarget(objectGUID: forest.enrolment.dsaGUID)))
            .attributes.first { $0.name.lowercased() == "usercertificate" }
        #expect(published?.values.map(\.octets) == [certificate.der])
    }

    @Test func `a partner's certificate is published only if it is that partner's and not revoked`()
        async throws
    {
        let forest = try await Forest()
        defer { forest.remove() }
        try await forest.install(try forest.sign(forest.enrolment))
        let hq = try await forest.service()
        let added = try await hq.addDomain(
            DomainAddRequest(
                dnsName: "vancouver.reskit.example",
                serverName: "BR3-VAN-DC-01",
                siteName: "Vancouver"
            )
        )
        let joined = try await Join(
            joinFile: Array(added.joinFile.utf8),
            dataDirectory: forest.folder.appendingPathComponent("van").path
        ).run(log: TwoSites.log, at: DomainControllerService.systemTime())
        let good = try forest.sign(joined.enrolment)
        let publish = { (pem: String, server: String) in
            _ = try await hq.installCertificate(InstallCertificateRequest(certificatePEM: pem, dsa: server))
        }
        let other = try forest.sign(joined.enrolment, as: forest.enrolment.dsaGUID)
        #expect(await code { try await publish(other, "BR3-VAN-DC-01") } == "certificateRefused")
        #expect(await code { try await publish(good, "NOBODY") } == "noSuchServer")
        #expect(await code { try await publish(good, "HQ-RES-DC-01") } == "certificateRefused")
        let request = try String(contentsOfFile: joined.signingRequest, encoding: .utf8)
        #expect(
            await code {
                _ = try await hq.signRequest(SignRequest(signingRequestPEM: request, dsa: "BR3-VAN-DC-01"))
            } == "noAuthority"
        )
        try await publish(good, "BR3-VAN-DC-01")
        #expect(try await hq.certificates().contains { $0.use == "partner" && $0.dsaGUID == joined.dsaGUID })

        let revoked = try forest.sign(joined.enrolment)
        let file = forest.folder.appendingPathComponent("revoked.crt").path
        try Data(revoked.utf8).write(to: URL(fileURLWithPath: file))
        try ownCA("revoke", forest.authority, file)
        try ownCA("crl", forest.authority, "--out", forest.data + "/pki/crl.pem")
        #expect(await code { try await publish(revoked, "BR3-VAN-DC-01") } == "certificateRefused")
    }

    @Test func `DSAs with certificates of an own CA and of openssl open each other's mail`() throws {
        let two = try TwoAuthorities()
        defer { try? FileManager.default.removeItem(at: two.folder) }
        let (first, second) = (try two.byEnterpriseCA(), try two.byOpenSSL())
        let anchors = try TrustAnchors(certificates: two.certificates, crls: two.revocationLists)
        let address = try #require(MailAddress("dsa@reskit.example"))
        for (from, to) in [(first, second), (second, first)] {
            let membership = { (own: GUID) in
                MembershipSnapshot(
                    forest: two.forest,
                    ownDSA: own,
                    members: [first.dsaGUID: .active, second.dsaGUID: .active],
                    anchors: anchors,
                    lateMailDays: 180,
                    crlGraceDays: 180,
                    tombstoneLifetimeDays: 180
                )
            }
            let envelope = MessageEnvelope(
                forest: two.forest,
                from: from.dsaGUID,
                to: to.dsaGUID,
                messageID: RandomSource.guid(),
                service: "replication",
                created: two.now,
                expires: two.now.adding(days: 30)
            )
            let mail = try from.protection.seal(
                Array("payload".utf8),
                envelope: envelope,
                addressing: MailAddressing(
                    from: address,
                    to: address,
                    messageIDHeader: "\(envelope.messageID)@reskit.example",
                    date: two.now
                ),
                to: [to.certificate],
                membership: membership(from.dsaGUID)
            )
            let outcome = to.protection.open(
                mail,
                membership: membership(to.dsaGUID),
                isCommitted: { _, _ in false },
                at: two.now
            )
            guard case .opened(let opened) = outcome else {
                Issue.record("not opened: \(outcome)")
                continue
            }
            #expect(opened.payload == Array("payload".utf8))
        }
    }

    private func code(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "no error"
        } catch { return AdminError(error).code }
    }
}

/// An enterprise CA and one of `certs/own-ca.sh`, which a forest may trust both.
private struct TwoAuthorities {
    struct Side {
        let dsaGUID: GUID
        let certificate: Certificate
        let protection: SMIMEProtection

        init(_ dsaGUID: GUID, _ certificate: Certificate, _ key: PrivateKey) throws {
            self.dsaGUID = dsaGUID
            self.certificate = certificate
            protection = try SMIMEProtection(ownCertificate: certificate, ownKey: key)
        }
    }

    let folder: URL
    let now = DomainControllerService.systemTime()
    let forest = RandomSource.guid()
    let enterprise: CertificateAuthority

    private var directory: String { folder.appendingPathComponent("ca").path }

    init() throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("two-cas-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        enterprise = try CertificateAuthority.create(
            commonName: "RESKIT Enterprise CA",
            forest: "reskit.example",
            serial: RandomSource.serial(),
            at: now
        )
        try ownCA("init", directory, "--name", "Reskit Own CA")
        try ownCA("crl", directory, "--out", directory + "/crl.pem")
    }

    var certificates: [Certificate] {
        get throws { [enterprise.certificate, try Certificate(pem: text(directory + "/ca.crt"))] }
    }

    var revocationLists: [CertificateRevocationList] {
        get throws {
            [
                try enterprise.issueCRL(revoked: [], number: 1, at: now, nextUpdateDays: 30),
                try CertificateRevocationList(pem: text(directory + "/crl.pem")),
            ]
        }
    }

    func byEnterpriseCA() throws -> Side {
        let (guid, key) = (RandomSource.guid(), try PrivateKey.generate(.p256))
        let address = try #require(MailAddress("hq@reskit.example"))
        let certificate = try enterprise.issue(
            to: DSACertificateProfile(dsaGUID: guid, mailAddress: address, dnsName: "hq.reskit.example"),
            publicKeyOf: try key.makeSigningRequest(),
            serial: RandomSource.serial(),
            at: now
        )
        return try Side(guid, certificate, key)
    }

    func byOpenSSL() throws -> Side {
        let (guid, key) = (RandomSource.guid(), try PrivateKey.generate(.p256))
        let request = folder.appendingPathComponent("dsa.csr")
        try Data(try key.makeSigningRequest().pem.utf8).write(to: request)
        let enrolment = EnrolmentSummary(
            dsaGUID: guid,
            mailAddress: try #require(MailAddress("van@reskit.example")),
            dnsName: "van.reskit.example",
            request: request.path
        )
        let certificate = try Certificate(pem: try signed(enrolment, as: guid, by: directory, in: folder))
        return try Side(guid, certificate, key)
    }
}

private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

/// Has the script sign a request, and returns the certificate.
private func signed(
    _ enrolment: EnrolmentSummary,
    as dsaGUID: GUID,
    by authority: String,
    in folder: URL
) throws -> String {
    let out = folder.appendingPathComponent("\(UUID().uuidString).crt").path
    let (guid, mail) = (dsaGUID.description, enrolment.mailAddress.description)
    try ownCA(
        "sign",
        authority,
        enrolment.request,
        "--dsa",
        guid,
        "--mail",
        mail,
        "--dns",
        enrolment.dnsName,
        "--out",
        out
    )
    return try text(out)
}

/// Runs the script, which must succeed.
private func ownCA(_ arguments: String...) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["bash", root.appendingPathComponent("certs/own-ca.sh").path] + arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "own-ca.sh \(arguments[0])")
}
