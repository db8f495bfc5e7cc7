import DirectoryModel
import Identifiers

// MARK: - Servers, DSAs and what they hold

extension SnapshotReader {
    mutating func readNamingContexts() {
        for item in take(.crossRef) {
            let flags = bits(item, .systemFlags)
            guard let text = item.object.string(.nCName), let name = names.id(of: text) else {
                note(
                    Finding(
                        .namingContextInvalid,
                        .error,
                        subject: item.dn,
                        "nCName is missing or no distinguished name; the naming context is not planned"
                    )
                )
                continue
            }
            guard flags & 1 != 0, !item.object.isFalse(.enabled) else {
                foreignContexts.insert(name)
                continue
            }
            guard namingContexts[name] == nil else {
                note(
                    Finding(
                        .namingContextInvalid,
                        subject: item.dn,
                        "another crossRef is for \(text), too; this one is not used"
                    )
                )
                continue
            }
            namingContexts[name] = Ref(snapshot.namingContexts.count)
            snapshot.namingContexts.append(
                NamingContextView(
                    guid: item.guid,
                    dn: item.dn,
                    name: text,
                    kind: kind(of: name, crossRef: item.name, flags: flags),
                    allowsReplicasOverMail: item.object.isTrue(.replicasOverMail)
                )
            )
        }
    }

    /// CN=Partitions of a crossRef stands in the configuration, CN=Schema directly below it.
    private func kind(of name: NameTable.ID, crossRef: NameTable.ID, flags: UInt32) -> NamingContextView.Kind
    {
        if flags & 2 != 0 { return .domain }
        let configuration = names.ancestor(of: crossRef, 2)
        if name == configuration { return .configuration }
        let isSchema =
            names.parent(of: name) == configuration && names.leaf(of: name).lowercased() == "schema"
        return isSchema ? .schema : .application
    }

    mutating func readServers() {
        for item in take(.server) {
            guard let site = names.ancestor(of: item.name, 2).flatMap({ sites[$0] }) else {
                note(
                    Finding(
                        .serverOutsideSite,
                        .error,
                        subject: item.dn,
                        "the server stands in no site; it is not used",
                        hint: "move it below CN=Servers of a site"
                    )
                )
                continue
            }
            let mail = item.object.string(.mailAddress)
            let address = mail.flatMap { MailAddress($0) }
            if mail != nil, address == nil {
                note(
                    Finding(
                        .mailAddressInvalid,
                        .error,
                        subject: item.dn,
                        "its mailAddress is no mail address; nothing replicates with it by mail"
                    )
                )
            }
            let reachable = snapshot.transports.indices.filter {
                let attribute = snapshot.transports[$0].addressAttribute.asciiLowercased
                return item.object.attributeNames.contains(attribute)
                    && (attribute != "mailaddress" || address != nil)
            }
            let preferred = item.object.strings(.bridgeheadTransportList).compactMap { text in
                names.id(of: text).flatMap { transports[$0] }
            }
            if servers[item.name] == nil { servers[item.name] = Ref(snapshot.servers.count) }
            snapshot.servers.append(
                Server(
                    guid: item.guid,
                    dn: item.dn,
                    name: names.leaf(of: item.name),
                    site: site,
                    dnsHostName: item.object.string(.dNSHostName),
                    mailAddress: address,
                    reachable: Set(reachable.map { Ref($0) }),
                    preferred: Set(preferred)
                )
            )
        }
    }

    mutating func readDSAs() {
        for item in take(.readOnlyDSA) { noteReadOnly(item) }
        let domains = snapshot.namingContexts.indices.filter { snapshot.namingContexts[$0].kind == .domain }
            .map { Ref<NamingContextView>($0) }
        var unknown: [NameTable.ID: (text: String, holders: Int)] = [:]
        for item in take(.nTDSDSA) {
            guard !item.object.isTrue(.isReadOnly) else {
                noteReadOnly(item)
                continue
            }
            guard let server = names.parent(of: item.name).flatMap({ servers[$0] }) else {
                note(
                    Finding(
                        .settingsWithoutServer,
                        .error,
                        subject: item.dn,
                        "the NTDS Settings stand below no server of a site; the DSA is not used"
                    )
                )
                continue
            }
            let options = DSAOptions(rawValue: bits(item))
            if dsas[item.name] == nil { dsas[item.name] = Ref(snapshot.dsas.count) }
            snapshot.dsas.append(
                DirectorySystemAgent(
                    guid: item.guid,
                    dn: item.dn,
                    server: server,
                    site: snapshot[server].site,
                    options: options,
                    isDisabled: item.object.isTrue(.dsaDisabled)
                        || options.isSuperset(of: [.disableInbound, .disableOutbound]),
                    replicas: replicas(item, options, domains, &unknown)
                )
            )
        }
        for (text, holders) in unknown.values {
            note(
                Finding(
                    .replicaUnknown,
                    subject: text,
                    "\(holders) DSAs say that they hold it, but no crossRef is for it; it is not planned"
                )
            )
        }
    }

    private mutating func noteReadOnly(_ item: Item) {
        note(
            Finding(
                .readOnlyIgnored,
                subject: item.dn,
                "the DSA is read-only; Bridgehead plans no connections for such"
            )
        )
    }

    private mutating func replicas(
        _ item: Item,
        _ options: DSAOptions,
        _ domains: [Ref<NamingContextView>],
        _ unknown: inout [NameTable.ID: (text: String, holders: Int)]
    ) -> [Replica] {
        var held: [Ref<NamingContextView>: Replica] = [:]
        var missing: Set<NameTable.ID> = []
        let lists: [(TopologyAttribute, Bool)] = [
            (.hasMasterNCs, true), (.hasMasterNCsNow, true), (.hasPartialReplicaNCs, false),
        ]
        for (attribute, isFull) in lists {
            for text in item.object.strings(attribute) {
                guard let name = names.id(of: text) else { continue }
                if let context = namingContexts[name] {
                    if held[context] == nil {
                        held[context] = Replica(namingContext: context, isFull: isFull, isPresent: true)
                    }
                } else if !foreignContexts.contains(name), missing.insert(name).inserted {
                    unknown[name, default: (text, 0)].holders += 1
                }
            }
        }
        if options.contains(.isGlobalCatalog) {
            for domain in domains where held[domain] == nil {
                held[domain] = Replica(namingContext: domain, isFull: false, isPresent: false)
            }
        }
        return held.values.sorted { $0.namingContext < $1.namingContext }
    }

    mutating func readSettings() {
        var seen: Set<Ref<Site>> = []
        for item in take(.nTDSSiteSettings) {
            guard let site = names.parent(of: item.name).flatMap({ sites[$0] }) else {
                note(
                    Finding(.siteUnknown, subject: item.dn, "the site settings stand in no site; not used")
                )
                continue
            }
            guard seen.insert(site).inserted else {
                note(
                    Finding(
                        .generatorTwice,
                        subject: item.dn,
                        "\(snapshot[site].name) has site settings twice; these are not used",
                        hint: "delete one of the two objects"
                    )
                )
                continue
            }
            let failover = number(item, .interSiteTopologyFailover, default: 0)
            snapshot.sites[site.position].settings = SiteSettings(
                options: SiteOptions(rawValue: bits(item)),
                generator: generator(item, of: site),
                schedule: schedule(item, otherwise: .hourly) ?? .hourly,
                failoverMinutes: failover > 0
                    ? min(Int64(failover), SiteSettings.failoverMinutesMax)
                    : SiteSettings.failoverMinutesDefault
            )
        }
        for (position, site) in snapshot.sites.enumerated() where !seen.contains(Ref(position)) {
            note(Finding(.siteWithoutSettings, subject: site.dn, "the site has no NTDS Site Settings"))
        }
    }

    /// Of several, the one with the lowest objectGUID.
    private mutating func generator(_ item: Item, of site: Ref<Site>) -> Ref<DirectorySystemAgent>? {
        var found: Set<Ref<DirectorySystemAgent>> = []
        let stated = item.object.strings(.interSiteTopologyGenerator)
        for text in stated {
            if let dsa = names.id(of: text).flatMap({ dsas[$0] }) {
                found.insert(dsa)
            } else {
                note(
                    Finding(
                        .generatorUnknown,
                        subject: item.dn,
                        "interSiteTopologyGenerator names \(text), which is no DSA; another takes over"
                    )
                )
            }
        }
        for dsa in found.sorted() where snapshot[dsa].site != site {
            note(
                Finding(
                    .generatorElsewhere,
                    subject: item.dn,
                    "interSiteTopologyGenerator names \(snapshot.name(of: dsa)) of another site; "
                        + "a DSA of this site takes over"
                )
            )
        }
        let own = found.filter { snapshot[$0].site == site }.sorted()
        if stated.count > 1 {
            note(
                Finding(
                    .generatorTwice,
                    subject: item.dn,
                    "interSiteTopologyGenerator has \(stated.count) values; "
                        + "\(own.first.map { snapshot.name(of: $0) } ?? "none of them") counts"
                )
            )
        }
        return own.first
    }
}

extension SiteSettings {
    /// Ten years.
    package static let failoverMinutesMax: Int64 = 5_256_000
}
