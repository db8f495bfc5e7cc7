import AdminAPI
package import DirectoryModel
import Identifiers
import PKI
import Replication
package import Store

/// Reads a `ConfigurationView` out of one snapshot.
package struct ConfigurationReader {
    /// A century: replicated values are not checked against the schema, and seconds are made of them.
    static let daysMax = 36_500
    static let daysDefault = 180

    let schema: Schema
    let identity: ReplicaIdentity

    package init(schema: Schema, identity: ReplicaIdentity) {
        (self.schema, self.identity) = (schema, identity)
    }

    /// - Throws: `AdminError` when the directory lacks what every DSA has.
    package func read(_ snapshot: StoreSnapshot) throws -> ConfigurationView {
        let held = snapshot.namingContexts
        guard let configuration = held.first(where: { $0.role == .configuration })?.namingContext,
            let schemaContext = held.first(where: { $0.role == .schema })?.namingContext
        else { throw Self.incomplete("it holds no configuration and schema naming context") }
        let entries = { (name: String) in try snapshot.entries(ofClass: name, in: configuration.guid) }
        let dsas = dsaViews(
            settings: try entries("nTDSDSA") + (try deletedSettings(snapshot, configuration)),
            servers: try entries("server")
        )
        guard let own = dsas.first(where: { $0.dsaGUID == identity.dsaGUID }) else {
            throw Self.incomplete("its own NTDS Settings object \(identity.dsaGUID) is missing")
        }
        let settings = Dictionary(
            dsas.compactMap { dsa in
                (try? DistinguishedName(parsing: dsa.settingsDN, naming: schema)).map { ($0, dsa.dsaGUID) }
            },
            uniquingKeysWith: { first, _ in first }
        )
        let service = try entries("nTDSService").first
        let authorities = try entries("certificationAuthority")
        return ConfigurationView(
            names: try forestNames(configuration),
            schemaContext: schemaContext,
            configurationContext: configuration,
            held: held,
            own: own,
            dsas: dsas,
            connections: try entries("nTDSConnection").compactMap { connection($0, settings) },
            domains: try entries("crossRef").compactMap(domain),
            sites: try entries("site").compactMap { $0.dn.leaf?.value },
            siteLinks: try entries("siteLink").compactMap { $0.dn.leaf?.value },
            partialAttributes: PartialAttributes(schema.partialAttributeSet),
            tombstoneLifetimeDays: max(
                ReplicationLimits.tombstoneLifetimeDaysMin,
                Self.days(service?.integer("tombstoneLifetime"))
            ),
            crlGraceDays: Self.days(service?.integer("crlGraceDays")),
            lateMailDays: Self.days(service?.integer("lateMailDays")),
            authorities: authorities.flatMap { $0["cACertificate"] }.compactMap { try? Certificate(der: $0) },
            revocationLists: authorities.flatMap { $0["certificateRevocationList"] }
                .compactMap { try? CertificateRevocationList(der: $0) },
            schema: schema
        )
    }

    /// A number of days as the directory states it, kept to what arithmetic bears.
    static func days(_ stated: Int?) -> Int { min(max(0, stated ?? daysDefault), daysMax) }

    static func incomplete(_ reason: String) -> AdminError {
        AdminError(
            code: "directoryIncomplete",
            message: "this directory cannot serve: \(reason)",
            hint: "restore the data directory, or join again"
        )
    }

    private func forestNames(_ configuration: NamingContext) throws -> ForestNames {
        let labels = configuration.dn.rdns.dropFirst().map(\.value)
        return try ForestNames(dnsName: labels.joined(separator: "."))
    }

    /// A DSA that was removed is known as such, so that its mail is refused and not held.
    private func deletedSettings(
        _ snapshot: StoreSnapshot,
        _ configuration: NamingContext
    ) throws -> [DirectoryEntry] {
        var found: [DirectoryEntry] = []
        let container = FixedObject.deletedObjects.objectGUID(in: configuration.guid)
        try snapshot.subtree(of: container, includeDeleted: true) { entry in
            if entry.isTombstone, entry.strings("objectClass").contains("nTDSDSA") { found.append(entry) }
            return true
        }
        return found
    }

    private func dsaViews(settings: [DirectoryEntry], servers: [DirectoryEntry]) -> [DSAView] {
        let byDN = Dictionary(servers.map { ($0.dn, $0) }, uniquingKeysWith: { first, _ in first })
        return settings.compactMap { entry in
            let server = entry.dn.parent.flatMap { byDN[$0] }
            let isTombstone = entry.isTombstone
            guard isTombstone || server != nil else { return nil }
            let site = server?.dn.rdns.dropFirst(2).first?.value ?? ""
            return DSAView(
                dsaGUID: entry.objectGUID,
                settingsDN: entry.dn.description(naming: schema),
                serverName: server?.dn.leaf?.value ?? entry.objectGUID.description,
                siteName: site,
                dnsHostName: server?.string("dNSHostName") ?? "",
                mailAddress: server?.string("mailAddress").flatMap { MailAddress($0) } ?? .unusable,
                certificates: entry["userCertificate"].compactMap { try? Certificate(der: $0) }
                    .sorted { $0.notBefore > $1.notBefore },
                masters: names(entry, "hasMasterNCs"),
                partials: names(entry, "hasPartialReplicaNCs"),
                options: entry.integer("options") ?? 0,
                isTombstone: isTombstone,
                invocationID: entry["invocationId"].first.flatMap { GUID(octets: $0) },
                retired: entry.strings("retiredInvocation").compactMap { RetiredInvocation($0) }
            )
        }
    }

    private func names(_ entry: DirectoryEntry, _ attribute: String) -> [DistinguishedName] {
        entry.strings(attribute).compactMap { try? DistinguishedName(parsing: $0, naming: schema) }
    }

    /// `settings`: the DSAs by the names of their NTDS Settings.
    private func connection(_ entry: DirectoryEntry, _ settings: [DistinguishedName: GUID])
        -> ConnectionView?
    {
        guard entry.string("enabledConnection") != "FALSE",
            let owner = entry.dn.parent.flatMap({ settings[$0] }),
            let source = names(entry, "fromServer").first.flatMap({ settings[$0] })
        else { return nil }
        let transport = names(entry, "transportType").first?.leaf?.value ?? "SMTP"
        return ConnectionView(
            name: entry.dn.leaf?.value ?? "",
            owner: owner,
            source: source,
            transport: transport.lowercased(),
            options: entry.integer("options") ?? 0
        )
    }

    private func domain(_ entry: DirectoryEntry) -> DomainView? {
        // systemFlags bit 2: the NC is a domain (FLAG_CR_NTDS_DOMAIN).
        guard (entry.integer("systemFlags") ?? 0) & 2 != 0, let dnsName = entry.string("dnsRoot"),
            let dn = names(entry, "nCName").first
        else { return nil }
        return DomainView(dn: dn, dnsName: dnsName)
    }
}

extension DirectoryEntry {
    func integer(_ attribute: String) -> Int? { string(attribute).flatMap { Int($0) } }
}
