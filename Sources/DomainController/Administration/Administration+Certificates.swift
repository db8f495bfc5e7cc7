import Synchronization
package import AdminAPI
import DirectoryModel
import Identifiers
import PKI
import Store

extension DomainControllerService {
    package func signRequest(_ request: SignRequest) async throws -> SignReply {
        let authority = try EnterpriseCA(directory)
        let view = partners.current
        let dsa = try server(named: request.dsa, in: view)
        let csr = try SigningRequest(pem: request.signingRequestPEM)
        let profile = DSACertificateProfile(
            dsaGUID: dsa.dsaGUID,
            mailAddress: dsa.mailAddress,
            dnsName: dsa.dnsHostName
        )
        let certificate = try authority.issue(to: profile, for: csr, at: now())
        try await store.publish(certificate, of: dsa.dsaGUID, at: now())
        try await announce([view.configurationContext.guid])
        return SignReply(
            server: dsa.serverName,
            dsaGUID: dsa.dsaGUID,
            serial: certificate.serial.description,
            notAfter: certificate.notAfter,
            certificatePEM: certificate.pem,
            authorityPEM: try directory.readText(directory.anchors),
            revocationListPEM: try directory.readText(directory.revocationLists)
        )
    }

    private func server(named name: String, in view: ConfigurationView) throws -> DSAView {
        guard let dsa = view.dsa(named: name), !dsa.isTombstone else {
            throw AdminError(
                code: "noSuchServer",
                message: "no server \"\(name)\" in this forest",
                hint: "prepare it first: bridgehead domain add"
            )
        }
        return dsa
    }

    package func certificates() async throws -> [CertificateReply] {
        let partnersCertificates = partners.current.dsas.filter { $0.dsaGUID != partners.current.own.dsaGUID }
            .flatMap(\.certificates).map { CertificateReply($0, use: "partner") }
        return try CertificateInventory(dataDirectory: directory.path).list() + partnersCertificates
    }

    package func installCertificate(
        _ request: InstallCertificateRequest
    ) async throws -> InstallCertificateReply {
        let installation = CertificateInstallation(
            directory: directory,
            pem: request.certificatePEM,
            at: now()
        )
        let view = partners.current
        let dsa = try request.dsa.map { try server(named: $0, in: view) } ?? view.own
        let isOwn = dsa.dsaGUID == view.own.dsaGUID
        let certificate =
            isOwn
            ? try installation.install(for: dsa.dsaGUID)
            : try installation.check(for: dsa.dsaGUID, called: dsa.serverName)
        let isNew = try await store.publish(certificate, of: dsa.dsaGUID, at: now())
        if isOwn { try await reload(currentConfiguration.withLock { $0 }) }
        if isNew { try await announce([view.configurationContext.guid]) }
        return InstallCertificateReply(
            certificate: CertificateReply(certificate, use: isOwn ? "own" : "partner")
        )
    }

    package func addDomain(_ request: DomainAddRequest) async throws -> DomainAddReply {
        let view = partners.current
        let wanted = DomainAddition(
            dnsName: request.dnsName,
            serverName: request.serverName,
            siteName: request.siteName,
            siteLinkName: request.siteLink ?? "\(view.own.siteName)/\(request.siteName) Site Link",
            cost: request.cost ?? 100,
            mailAddress: try request.mailAddress.map { text in
                guard let address = MailAddress(text) else {
                    throw AdminError(
                        code: "badRequest",
                        message: "\"\(text)\" is not a mail address that we can use",
                        hint: "a plain name@domain without quotes"
                    )
                }
                return address
            },
            inviterRoute: request.smtpRoute,
            includesMedia: request.media ?? true
        )
        let file = try await DomainPreparation(store: store, view: view, directory: directory)
            .run(wanted, at: now())
        // The join file holds a snapshot: what leaves must be known to have left before it does.
        let usn = try await store.snapshot { try $0.highestUSN() }
        try await dsa.generation.handOut(usn, by: store.identity)
        try await announce([view.configurationContext.guid])
        return DomainAddReply(
            domain: file.domainDNSName,
            server: file.dsa.name,
            dsaGUID: file.dsa.dsaGUID,
            mailAddress: file.dsa.mailAddress.description,
            joinFile: try file.encoded()
        )
    }
}

extension CertificateReply {
    init(_ certificate: Certificate, use: String, file: String? = nil) {
        let hex = certificate.fingerprintSHA256.map { octet in
            let text = String(octet, radix: 16)
            return text.count == 1 ? "0" + text : text
        }
        self.init(
            use: use,
            file: file,
            subject: certificate.subject,
            issuer: certificate.issuer,
            serial: certificate.serial.description,
            notBefore: certificate.notBefore,
            notAfter: certificate.notAfter,
            dsaGUID: certificate.dsaGUID,
            mailAddress: certificate.mailAddress,
            dnsName: certificate.dnsName,
            fingerprintSHA256: hex.joined(separator: ":"),
            summary: certificate.summary
        )
    }
}
