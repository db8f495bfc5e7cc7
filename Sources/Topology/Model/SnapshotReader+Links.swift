import DirectoryModel
import Identifiers

// MARK: - Sites and what lies between them

extension SnapshotReader {
    mutating func readSites() {
        for item in take(.site) {
            let ref = Ref<Site>(snapshot.sites.count)
            snapshot.sites.append(Site(guid: item.guid, dn: item.dn, name: names.leaf(of: item.name)))
            if sites[item.name] == nil { sites[item.name] = ref }
        }
        if snapshot.sites.isEmpty {
            note(Finding(.noSite, .error, subject: "CN=Sites", "there is no site"))
        }
    }

    mutating func readTransports() {
        for item in take(.interSiteTransport) {
            guard snapshot.transports.count < InterSiteTransport.transportsMax else {
                note(
                    Finding(
                        .transportsTooMany,
                        .error,
                        subject: item.dn,
                        "there are over \(InterSiteTransport.transportsMax) transports; it is not used"
                    )
                )
                continue
            }
            let name = names.leaf(of: item.name)
            let attribute = item.object.string(.transportAddressAttribute).map(Self.attributeName)
            transports[item.name] = Ref(snapshot.transports.count)
            snapshot.transports.append(
                InterSiteTransport(
                    guid: item.guid,
                    dn: item.dn,
                    name: name,
                    options: TransportOptions(rawValue: bits(item)),
                    addressAttribute: attribute ?? (name.lowercased() == "ip" ? "dNSHostName" : "mailAddress")
                )
            )
        }
        if snapshot.ipTransport == nil {
            note(
                Finding(
                    .transportMissing,
                    .error,
                    subject: "CN=Inter-Site Transports",
                    "there is no transport IP; connections of that kind cannot be planned"
                )
            )
        }
    }

    /// The directory names the attribute by OID or by name.
    private static func attributeName(_ text: String) -> String {
        switch OID(text) {
        case OID.dNSHostName: "dNSHostName"
        case OID.mailAddress: "mailAddress"
        default: text
        }
    }

    /// The transport whose container the object stands in.
    private mutating func transport(of item: Item) -> Ref<InterSiteTransport>? {
        if let found = names.parent(of: item.name).flatMap({ transports[$0] }) { return found }
        note(
            Finding(
                .transportUnknown,
                .error,
                subject: item.dn,
                "it does not stand below a transport; it is not used",
                hint: "move it below CN=IP or CN=SMTP of CN=Inter-Site Transports"
            )
        )
        return nil
    }

    mutating func readLinks() {
        for item in take(.siteLink) {
            guard let transport = transport(of: item) else { continue }
            let ends = Set(item.object.strings(.siteList).compactMap { site($0, of: item, what: "siteList") })
            // The first site's link is there before the second site is.
            if ends.count < 2, ends.count < snapshot.sites.count {
                note(
                    Finding(
                        ends.isEmpty ? .linkWithoutSite : .linkWithOneSite,
                        subject: item.dn,
                        ends.isEmpty
                            ? "the link joins no site" : "the link has one site and joins it to none",
                        hint: "add sites to it, or delete it"
                    )
                )
            }
            let schedule = schedule(item) ?? .always
            if schedule.isNever {
                note(
                    Finding(
                        .scheduleNeverOpen,
                        .error,
                        subject: item.dn,
                        "its schedule is never open; nothing passes"
                    )
                )
            }
            if links[item.name] == nil { links[item.name] = Ref(snapshot.links.count) }
            snapshot.links.append(
                SiteLink(
                    guid: item.guid,
                    dn: item.dn,
                    name: names.leaf(of: item.name),
                    transport: transport,
                    sites: ends.sorted(),
                    cost: cost(item),
                    intervalMinutes: interval(item),
                    options: SiteLinkOptions(rawValue: bits(item)),
                    schedule: schedule
                )
            )
        }
    }

    private mutating func cost(_ item: Item) -> UInt32 {
        let stated = number(item, .cost, default: Int(SiteLink.costDefault))
        if (1..<Int(UInt32.max)).contains(stated) { return UInt32(stated) }
        note(
            Finding(
                .linkCostNotPositive,
                subject: item.dn,
                "cost \(stated) is not between 1 and \(UInt32.max - 1); \(SiteLink.costDefault) is used",
                hint: "set a cost of 1 or more"
            )
        )
        return SiteLink.costDefault
    }

    private mutating func interval(_ item: Item) -> Int {
        let stated = number(item, .replInterval, default: SiteLink.intervalMinutesDefault)
        let range = SiteLink.intervalMinutesRange
        let kept = min(max(stated, range.lowerBound), range.upperBound)
        let used = (kept + 14) / 15 * 15
        if used != stated {
            note(
                Finding(
                    .linkIntervalInvalid,
                    subject: item.dn,
                    "an interval of \(stated) minutes is not a multiple of 15 between \(range.lowerBound) and "
                        + "\(range.upperBound); \(used) is used"
                )
            )
        }
        return used
    }

    mutating func readBridges() {
        for item in take(.siteLinkBridge) {
            guard let transport = transport(of: item) else { continue }
            var bridged: Set<Ref<SiteLink>> = []
            for text in item.object.strings(.siteLinkList) {
                if let link = names.id(of: text).flatMap({ links[$0] }),
                    snapshot[link].transport == transport
                {
                    bridged.insert(link)
                } else {
                    note(
                        Finding(
                            .bridgeLinkUnknown,
                            subject: item.dn,
                            "siteLinkList names \(text), which is no site link of this transport; "
                                + "it is passed over"
                        )
                    )
                }
            }
            if bridged.count < 2 {
                note(
                    Finding(
                        .bridgeWithoutLink,
                        subject: item.dn,
                        "the bridge has \(bridged.count) site links and joins none"
                    )
                )
            }
            if !snapshot[transport].options.contains(.bridgesRequired) {
                note(
                    Finding(
                        .bridgeIgnored,
                        subject: item.dn,
                        "transport \(snapshot[transport].name) bridges all its site links; "
                            + "the bridge changes nothing",
                        hint: "set bit 2 of the transport's options to make bridges count"
                    )
                )
            }
            snapshot.bridges.append(
                SiteLinkBridge(
                    guid: item.guid,
                    dn: item.dn,
                    name: names.leaf(of: item.name),
                    transport: transport,
                    links: bridged.sorted()
                )
            )
        }
    }

    mutating func readSubnets() {
        for item in take(.subnet) {
            let prefix = names.leaf(of: item.name)
            if !Self.isPrefix(prefix) {
                note(
                    Finding(
                        .subnetInvalid,
                        subject: item.dn,
                        "'\(prefix)' is not an address and a prefix length, such as 10.1.0.0/16"
                    )
                )
            }
            let stated = item.object.string(.siteObject)
            if stated == nil {
                note(Finding(.subnetWithoutSite, subject: item.dn, "the subnet names no site"))
            }
            let home = stated.flatMap { site($0, of: item, what: "siteObject") }
            snapshot.subnets.append(Subnet(guid: item.guid, dn: item.dn, prefix: prefix, site: home))
        }
    }

    /// Four numbers up to 255 with up to 32 bits, or hexadecimal groups with up to 128.
    private static func isPrefix(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let bits = Int(parts[1]), bits >= 0 else { return false }
        guard parts[0].contains(":") else {
            let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false)
            return bits <= 32 && numbers.count == 4 && numbers.allSatisfy { (UInt8($0) as UInt8?) != nil }
        }
        let groups = parts[0].split(separator: ":", omittingEmptySubsequences: false)
        guard bits <= 128, (3...8).contains(groups.count) else { return false }
        return groups.allSatisfy { (group: Substring) in
            let number = UInt16(group, radix: 16)
            return group.isEmpty || group.utf8.count <= 4 && number != nil
        }
    }
}

extension InterSiteTransport {
    /// Sets of transports are bits.
    package static let transportsMax = 31
}
