import AdminAPI
import DirectoryModel
package import Identifiers
package import Logging
import PKI
import Store

/// What `forest create` made.
package struct ForestSummary: Sendable {
    package let forest: GUID
    package let dsaGUID: GUID
    package let invocationID: GUID
    package let schemaObjects: Int
    package let dataDirectory: String
    /// What an external CA has to sign; nil when the forest has its enterprise CA here.
    package let enrolment: EnrolmentSummary?
}

/// Makes the first DSA of a forest: schema, configuration, root domain, and by itself the enterprise CA and its
/// own certificate; with an external CA that publishes what it is given and leaves a signing request.
package struct ForestCreation: Sendable {
    let names: ForestNames
    let serverName: String
    let siteName: String
    let directory: DataDirectory
    let mailAddress: MailAddress?
    let authorityName: String
    let externalAuthority: ExternalAuthority?

    /// - Throws: `AdminError` for a name that is none.
    package init(
        forestName: String,
        serverName: String,
        siteName: String,
        dataDirectory: String,
        mailAddress: MailAddress?,
        caName: String?,
        externalAuthority: ExternalAuthority? = nil
    ) throws {
        names = try ForestNames(dnsName: forestName)
        self.serverName = try ServerName.validated(serverName)
        self.siteName = try ServerName.validatedRDN(siteName, what: "site name")
        directory = DataDirectory(dataDirectory)
        self.mailAddress = mailAddress
        authorityName = try ServerName.validatedRDN(
            caName ?? externalAuthority?.commonName ?? "\(ForestNames.flatName(names.dnsName)) Enterprise CA",
            what: "CA name"
        )
        self.externalAuthority = externalAuthority
    }

    package func run(log: Logger, at now: Timestamp) async throws -> ForestSummary {
        try externalAuthority?.requireValid(at: now)
        try directory.create(withAuthority: externalAuthority == nil)
        let lock = try DataDirectoryLock(directory)
        defer { withExtendedLifetime(lock) {} }
        let identity = ReplicaIdentity(dsaGUID: RandomSource.guid(), invocationID: RandomSource.guid())
        let credentials = try makeCredentials(for: profile(of: identity.dsaGUID), at: now)
        try credentials.write(to: directory, of: identity.dsaGUID)

        return try await directory.makeDatabase { store in
            try store.setIdentity(dsaGUID: identity.dsaGUID, invocationID: identity.invocationID)
            let forest = RandomSource.guid()
            let schemaObjects = try await createNamingContexts(in: store, forest: forest, at: now)
            log.info("schema loaded", metadata: ["objects": "\(schemaObjects)"])
            _ = try await store.originate(
                try configurationObjects(identity, credentials),
                at: now,
                randomGUID: RandomSource.guid
            )
            return ForestSummary(
                forest: forest,
                dsaGUID: identity.dsaGUID,
                invocationID: identity.invocationID,
                schemaObjects: schemaObjects,
                dataDirectory: directory.path,
                enrolment: externalAuthority.map { _ in
                    EnrolmentSummary(profile(of: identity.dsaGUID), request: directory.signingRequest)
                }
            )
        }
    }

    private var hostName: String { "\(serverName.lowercased()).\(names.dnsName)" }

    private func address(of dsaGUID: GUID) -> MailAddress {
        mailAddress ?? ServerName.defaultMailAddress(dsaGUID, forest: names.dnsName)
    }

    private func profile(of dsaGUID: GUID) -> DSACertificateProfile {
        DSACertificateProfile(dsaGUID: dsaGUID, mailAddress: address(of: dsaGUID), dnsName: hostName)
    }

    private func makeCredentials(for profile: DSACertificateProfile, at now: Timestamp) throws
        -> FirstCredentials
    {
        let key = try PrivateKey.generate(.p256)
        if let externalAuthority {
            return FirstCredentials(
                authority: externalAuthority.certificate,
                crl: externalAuthority.crl,
                key: key,
                issued: nil
            )
        }
        let authority = try CertificateAuthority.create(
            commonName: authorityName,
            forest: names.dnsName,
            serial: RandomSource.serial(),
            at: now
        )
        let certificate = try authority.issue(
            to: profile,
            publicKeyOf: try key.makeSigningRequest(),
            serial: RandomSource.serial(),
            at: now
        )
        return FirstCredentials(
            authority: authority.certificate,
            crl: try authority.issueCRL(revoked: [], number: 1, at: now, nextUpdateDays: 365),
            key: key,
            issued: (certificate, authority.key)
        )
    }

    private func configurationObjects(
        _ identity: ReplicaIdentity,
        _ credentials: FirstCredentials
    ) throws -> [OriginatingOperation] {
        let layout = ForestLayout(names: names)
        let settings = names.settings(serverName, site: siteName)
        var aboutOwnDSA = [Modification(.replace, "invocationId", [identity.invocationID.octets])]
        if let issued = credentials.issued {
            aboutOwnDSA.append(Modification(.add, "userCertificate", [issued.certificate.der]))
        }
        let generator = Modification(.replace, "interSiteTopologyGenerator", [Array(settings.utf8)])
        return try layout.configurationObjects(firstSite: siteName)
            + layout.server(
                serverName,
                site: siteName,
                dsaGUID: identity.dsaGUID,
                dnsHostName: hostName,
                mailAddress: address(of: identity.dsaGUID),
                masters: [names.root, names.configuration, names.schema],
                partials: []
            )
            + crossReferences(layout)
            + layout.authority(
                name: authorityName,
                certificate: credentials.authority,
                crl: credentials.crl,
                server: hostName
            )
            + [
                .modify(.guid(identity.dsaGUID), aboutOwnDSA),
                .modify(.dn(try layout.dn("CN=NTDS Site Settings,\(names.site(siteName))")), [generator]),
            ]
    }

    /// The configuration first: its head's GUID is the forest's.
    private func createNamingContexts(
        in store: DirectoryStore,
        forest: GUID,
        at now: Timestamp
    ) async throws -> Int {
        let layout = ForestLayout(names: names)
        let schemaContext = NamingContext(
            guid: RandomSource.guid(),
            dn: try layout.dn(names.schema),
            role: .schema
        )
        try await store.createNamingContext(
            schemaContext,
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["top", "dMD"])],
            at: now
        )
        let records = Schema.builtinRecords()
        let operations = try records.map { record in
            let text = record.dn.replacing(Schema.relativeSuffix, with: names.schema)
            return try OriginatingOperation(record, dn: try layout.dn(text), naming: store.schema)
        }
        _ = try await store.originate(operations, at: now, randomGUID: RandomSource.guid)
        try await store.createNamingContext(
            NamingContext(guid: forest, dn: try layout.dn(names.configuration), role: .configuration),
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["top", "configuration"])],
            at: now
        )
        try await store.createNamingContext(
            NamingContext(guid: RandomSource.guid(), dn: try layout.dn(names.root), role: .domain),
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["top", "domain", "domainDNS"])],
            at: now
        )
        return operations.count
    }

    private func crossReferences(_ layout: ForestLayout) throws -> [OriginatingOperation] {
        [
            try layout.crossRef("Enterprise Schema", for: names.schema, dnsName: names.dnsName),
            try layout.crossRef("Enterprise Configuration", for: names.configuration, dnsName: names.dnsName),
            try layout.crossRef(
                ForestNames.flatName(names.dnsName),
                for: names.root,
                dnsName: names.dnsName,
                flatName: ForestNames.flatName(names.dnsName)
            ),
        ]
    }
}

/// The CA of a new forest, and the first DSA's key.
private struct FirstCredentials {
    let authority: Certificate
    let crl: CertificateRevocationList
    let key: PrivateKey
    /// The DSA's certificate and the key of the enterprise CA that issued it; nil with an external CA.
    let issued: (certificate: Certificate, by: PrivateKey)?

    func write(to directory: DataDirectory, of dsaGUID: GUID) throws {
        try directory.write(Array(try key.pem.utf8), to: directory.key)
        try directory.write(Array(authority.pem.utf8), to: directory.anchors)
        try directory.write(Array(crl.pem.utf8), to: directory.revocationLists)
        guard let issued else {
            let request = try key.makeSigningRequest()
            return try directory.write(Array(request.pem.utf8), to: directory.signingRequest, mode: 0o644)
        }
        try directory.write(Array(issued.certificate.pem.utf8), to: directory.certificate)
        try directory.write(Array(try issued.by.pem.utf8), to: directory.authorityKey)
        try EnterpriseCA.recordIssue(issued.certificate, to: dsaGUID, in: directory)
    }
}

/// Names of servers and sites, and the address a DSA has unless it is given another.
package enum ServerName {
    /// A server's name: a DNS label, either case.
    package static func validated(_ name: String) throws -> String {
        let octets = Array(name.utf8)
        let isAlphanumeric = { (octet: UInt8) in
            (0x30...0x39).contains(octet) || (0x41...0x5a).contains(octet) || (0x61...0x7a).contains(octet)
        }
        guard (1...63).contains(octets.count), octets.allSatisfy({ isAlphanumeric($0) || $0 == 0x2d }),
            octets.first != 0x2d, octets.last != 0x2d
        else {
            throw AdminError(
                code: "invalidName",
                message: "\"\(name)\" is not a server name",
                hint: "letters, digits and hyphens, at most 63, for example HQ-RES-DC-01"
            )
        }
        return name
    }

    /// A name that becomes an RDN: 1 to 64 characters, no line feed.
    package static func validatedRDN(_ name: String, what: String) throws -> String {
        guard (1...64).contains(name.count), !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
            throw AdminError(
                code: "invalidName",
                message: "the \(what) must have 1 to 64 printable characters",
                hint: nil
            )
        }
        return name
    }

    package static func defaultMailAddress(_ dsaGUID: GUID, forest: String) -> MailAddress {
        // The parts are validated, so the address is one; the fallback only satisfies the type.
        MailAddress("_IsmService@\(dsaGUID)._msdcs.\(forest)") ?? MailAddress.unusable
    }
}
