import AdminAPI
import DirectoryModel
import Foundation
package import Identifiers
import PKI
import Replication
import SecureMail
import Store

/// What `domain add` needs to know, with the defaults applied.
package struct DomainAddition: Sendable {
    package var dnsName: String
    package var serverName: String
    package var siteName: String
    package var siteLinkName: String
    package var cost: Int
    package var mailAddress: MailAddress?
    package var inviterRoute: String?
    /// Schema and configuration travel inside the join file.
    package var includesMedia = true
}

/// The first DSA of a new domain, as the directory names it.
private struct PreparedDSA {
    let domain: NamingContext
    let server: String
    let site: String
    let dsaGUID: GUID
    let host: String
    let address: MailAddress
}

/// Prepares a child domain and its first DSA, and writes the join file.
///
/// This DSA originates site, site link, server, NTDS Settings, crossRef and both connections, and takes up a
/// partial replica of the new domain; the new DSA originates its own NC head under the given GUID.
package struct DomainPreparation: Sendable {
    let store: DirectoryStore
    let view: ConfigurationView
    let directory: DataDirectory

    package func run(_ wanted: DomainAddition, at now: Timestamp) async throws -> JoinFile {
        let names = view.names
        let child = try ForestNames.validated(wanted.dnsName)
        guard child.hasSuffix("." + names.dnsName) else {
            throw AdminError(
                code: "notInForest",
                message: "\(child) is not below the forest's root \(names.dnsName)",
                hint: "for example \(wanted.siteName.lowercased()).\(names.dnsName)"
            )
        }
        if let prepared = try prepared(wanted, child: child) {
            return try await joinFile(wanted, child: child, prepared, at: now)
        }
        guard !view.domains.contains(where: { $0.dnsName == child }) else {
            throw AdminError(
                code: "entryAlreadyExists",
                ldapCode: 68,
                message: "the forest has a domain \(child) already",
                hint: "see it with `bridgehead object get CN=Partitions,...`, or choose another name"
            )
        }
        let server = try ServerName.validated(wanted.serverName)
        if let other = view.dsas.first(where: { $0.serverName.lowercased() == server.lowercased() }) {
            throw AdminError(
                code: "entryAlreadyExists",
                ldapCode: 68,
                message: "a server \(other.serverName) exists in site \(other.siteName)",
                hint: "choose another --server name"
            )
        }
        let site = try ServerName.validatedRDN(wanted.siteName, what: "site name")
        let dsaGUID = RandomSource.guid()
        // The replica first: the crossRef's nCName then resolves nowhere yet, which is what a new domain is.
        let new = PreparedDSA(
            domain: try await replica(of: child),
            server: server,
            site: site,
            dsaGUID: dsaGUID,
            host: "\(server.lowercased()).\(child)",
            address: wanted.mailAddress ?? ServerName.defaultMailAddress(dsaGUID, forest: names.dnsName)
        )
        try await originate(wanted, child: child, new, at: now)
        return try await joinFile(wanted, child: child, new, at: now)
    }

    /// The DSA that was prepared under these names before and has not come up: its join file was lost.
    private func prepared(_ wanted: DomainAddition, child: String) throws -> PreparedDSA? {
        let dn = try ForestLayout(names: view.names).dn(ForestNames.domainDN(child))
        guard let dsa = view.dsa(named: wanted.serverName), !dsa.isTombstone, dsa.certificates.isEmpty,
            dsa.siteName.lowercased() == wanted.siteName.lowercased(), dsa.masters.contains(dn),
            let held = store.namingContexts.first(where: { $0.dn == dn })
        else { return nil }
        return PreparedDSA(
            domain: held.namingContext,
            server: dsa.serverName,
            site: dsa.siteName,
            dsaGUID: dsa.dsaGUID,
            host: dsa.dnsHostName,
            address: dsa.mailAddress
        )
    }

    /// The partial replica of the new domain, perhaps from an attempt that broke off.
    private func replica(of child: String) async throws -> NamingContext {
        let dn = try ForestLayout(names: view.names).dn(ForestNames.domainDN(child))
        if let held = store.namingContexts.first(where: { $0.dn == dn && $0.isPartial }) {
            return held.namingContext
        }
        let domain = NamingContext(guid: RandomSource.guid(), dn: dn, role: .domain)
        try await store.addReplica(domain, isPartial: true)
        return domain
    }

    private func originate(
        _ wanted: DomainAddition,
        child: String,
        _ new: PreparedDSA,
        at now: Timestamp
    ) async throws {
        let (server, site) = (new.server, new.site)
        let names = view.names
        let layout = ForestLayout(names: names)
        let root = ForestNames.domainDN(child)
        let settings = names.settings(server, site: site)
        var operations: [OriginatingOperation] = []
        if !view.sites.contains(where: { $0.lowercased() == site.lowercased() }) {
            operations += try layout.site(site)
        }
        let link = "CN=\(ForestNames.escaped(wanted.siteLinkName)),\(names.smtpTransport)"
        if !view.siteLinks.contains(where: { $0.lowercased() == wanted.siteLinkName.lowercased() }) {
            operations.append(
                try layout.siteLink(
                    link,
                    sites: [names.site(view.own.siteName), names.site(site)],
                    cost: wanted.cost
                )
            )
        }
        operations += try layout.server(
            server,
            site: site,
            dsaGUID: new.dsaGUID,
            dnsHostName: new.host,
            mailAddress: new.address,
            masters: [root, names.configuration, names.schema],
            partials: [view.ownDomainDN]
        )
        operations.append(
            try layout.crossRef(
                ForestNames.flatName(child),
                for: root,
                dnsName: child,
                flatName: ForestNames.flatName(child),
                parent: "CN=\(ForestNames.flatName(names.dnsName)),\(names.partitions)"
            )
        )
        operations.append(
            try layout.connection(
                to: view.own.settingsDN,
                from: settings,
                name: RandomSource.guid()
            )
        )
        operations.append(
            try layout.connection(to: settings, from: view.own.settingsDN, name: RandomSource.guid())
        )
        operations.append(
            .modify(
                .guid(view.own.dsaGUID),
                [Modification(.add, "hasPartialReplicaNCs", [Array(root.utf8)])]
            )
        )
        _ = try await store.originate(operations, at: now, randomGUID: RandomSource.guid)
    }

    private func joinFile(
        _ wanted: DomainAddition,
        child: String,
        _ new: PreparedDSA,
        at now: Timestamp
    ) async throws -> JoinFile {
        let naming = WellKnownNames()
        let anchors = try PEMBundle.certificates(try directory.readText(directory.anchors))
        let lists = try PEMBundle.revocationLists(try directory.readText(directory.revocationLists))
        let media = wanted.includesMedia ? try await media(at: now) : []
        let seed = wanted.includesMedia ? [] : [try await seed(for: new, at: now)]
        return JoinFile(
            version: JoinFile.currentVersion,
            created: now,
            forestName: view.names.dnsName,
            forest: view.configurationContext.guid,
            schema: .init(view.schemaContext, naming: naming),
            configuration: .init(view.configurationContext, naming: naming),
            inviterDomain: .init(view.ownDomain, naming: naming),
            domain: .init(new.domain, naming: naming),
            domainDNSName: child,
            anchors: anchors.map(\.pem),
            revocationLists: lists.map(\.pem),
            inviter: .init(
                dsaGUID: view.own.dsaGUID,
                name: view.own.serverName,
                mailAddress: view.own.mailAddress,
                certificate: try directory.readText(directory.certificate),
                route: wanted.inviterRoute
            ),
            dsa: .init(
                dsaGUID: new.dsaGUID,
                name: new.server,
                site: new.site,
                serverDN: view.names.server(new.server, site: new.site),
                settingsDN: view.names.settings(new.server, site: new.site),
                dnsHostName: new.host,
                mailAddress: new.address
            ),
            enrolmentToken: Data(RandomSource.octets(count: 24)).base64EncodedString(),
            media: media.map { Data($0).base64EncodedString() },
            seed: seed.isEmpty ? nil : seed.map { Data($0).base64EncodedString() },
            tombstoneLifetimeDays: view.tombstoneLifetimeDays
        )
    }

    /// Schema and configuration, schema first.
    private func media(at now: Timestamp) async throws -> [[UInt8]] {
        let contexts = [view.schemaContext.guid, view.configurationContext.guid]
        let writer = MediaWriter(store: store, partialAttributes: view.partialAttributes)
        let requestID = RandomSource.guid()
        return try await store.snapshot { snapshot in
            var parts: [[UInt8]] = []
            let held = try contexts.map { try snapshot.namingContext($0) }
            try writer.parts(of: held, in: snapshot, at: now, requestID: requestID) { parts.append($0) }
            return parts
        }
    }

    private func seed(for new: PreparedDSA, at now: Timestamp) async throws -> [UInt8] {
        let part = try await JoinSeed(view: view, store: store).part(for: new.dsaGUID, at: now)
        return try Gzip.deflate(ReplicationCodec.encode(.reply(part)))
    }
}
