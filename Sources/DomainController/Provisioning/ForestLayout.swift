package import DirectoryModel
package import Identifiers
package import PKI
package import Store

/// The objects of a new forest, of a site, of a server: what the wizards of the original system make.
package struct ForestLayout: Sendable {
    package let names: ForestNames
    let naming = WellKnownNames()

    package init(names: ForestNames) { self.names = names }

    package func dn(_ text: String) throws -> DistinguishedName {
        try DistinguishedName(parsing: text, naming: naming)
    }

    package func add(
        _ text: String,
        _ attributes: [(String, [String])],
        guid: GUID? = nil
    ) throws -> OriginatingOperation {
        let values = attributes.map { EntryAttribute(name: $0.0, strings: $0.1) }
        return .add(Entry(dn: try dn(text), attributes: values), objectGUID: guid)
    }

    /// Everything of the configuration NC that does not depend on a server.
    package func configurationObjects(firstSite: String) throws -> [OriginatingOperation] {
        let n = names
        let container = ["top", "container"]
        return [
            try add(n.sites, [("objectClass", ["top", "sitesContainer"])]),
            try add(n.interSiteTransports, [("objectClass", ["top", "interSiteTransportContainer"])]),
            try add(
                n.ipTransport,
                [
                    ("objectClass", ["top", "interSiteTransport"]),
                    ("transportAddressAttribute", ["1.2.840.113556.1.4.619"]),
                    ("transportDLLName", ["ip"]), ("options", ["0"]),
                ]
            ),
            try add(
                n.smtpTransport,
                [
                    ("objectClass", ["top", "interSiteTransport"]),
                    ("transportAddressAttribute", ["1.2.840.113556.1.4.786"]),
                    ("transportDLLName", ["smtp"]), ("options", ["0"]),
                ]
            ),
            try add("CN=Subnets,\(n.sites)", [("objectClass", ["top", "subnetContainer"])]),
        ] + (try site(firstSite))
            + [
                try siteLink(
                    "CN=DEFAULTIPSITELINK,\(n.ipTransport)",
                    sites: [n.site(firstSite)],
                    cost: 100
                ),
                try add(n.partitions, [("objectClass", ["top", "crossRefContainer"])]),
                try add(n.services, [("objectClass", container)]),
                try add("CN=Windows NT,\(n.services)", [("objectClass", container)]),
                try add(
                    n.directoryService,
                    [("objectClass", ["top", "nTDSService"]), ("tombstoneLifetime", ["180"])]
                ),
                try add(n.publicKeyServices, [("objectClass", container)]),
                try add(
                    "CN=Certification Authorities,\(n.publicKeyServices)",
                    [("objectClass", container)]
                ),
                try add("CN=Enrollment Services,\(n.publicKeyServices)", [("objectClass", container)]),
                try add("CN=Certificate Templates,\(n.publicKeyServices)", [("objectClass", container)]),
                try add("CN=CDP,\(n.publicKeyServices)", [("objectClass", container)]),
            ]
    }

    package func site(_ name: String) throws -> [OriginatingOperation] {
        [
            try add(names.site(name), [("objectClass", ["top", "site"])]),
            try add("CN=Servers,\(names.site(name))", [("objectClass", ["top", "serversContainer"])]),
            try add(
                "CN=NTDS Site Settings,\(names.site(name))",
                [("objectClass", ["top", "applicationSiteSettings", "nTDSSiteSettings"])]
            ),
        ]
    }

    package func siteLink(_ text: String, sites: [String], cost: Int) throws -> OriginatingOperation {
        try add(
            text,
            [
                ("objectClass", ["top", "siteLink"]), ("siteList", sites), ("cost", [String(cost)]),
                ("replInterval", ["180"]), ("options", ["0"]),
            ]
        )
    }

    /// A server and its NTDS Settings, which carries the DSA's GUID.
    package func server(
        _ name: String,
        site: String,
        dsaGUID: GUID,
        dnsHostName: String,
        mailAddress: MailAddress,
        masters: [String],
        partials: [String]
    ) throws -> [OriginatingOperation] {
        var settings: [(String, [String])] = [
            ("objectClass", ["top", "applicationSettings", "nTDSDSA"]), ("options", ["1"]),
            ("hasMasterNCs", masters),
        ]
        if !partials.isEmpty { settings.append(("hasPartialReplicaNCs", partials)) }
        return [
            try add(
                names.server(name, site: site),
                [
                    ("objectClass", ["top", "server"]), ("dNSHostName", [dnsHostName]),
                    ("mailAddress", [mailAddress.description]),
                    ("bridgeheadTransportList", [names.smtpTransport]),
                ]
            ),
            try add(names.settings(name, site: site), settings, guid: dsaGUID),
        ]
    }

    package func crossRef(
        _ name: String,
        for namingContext: String,
        dnsName: String,
        flatName: String? = nil,
        parent: String? = nil
    ) throws -> OriginatingOperation {
        var attributes: [(String, [String])] = [
            ("objectClass", ["top", "crossRef"]), ("nCName", [namingContext]), ("dnsRoot", [dnsName]),
            ("systemFlags", [flatName == nil ? "1" : "3"]),
        ]
        if let flatName { attributes.append(("nETBIOSName", [flatName])) }
        if let parent { attributes.append(("trustParent", [parent])) }
        return try add("CN=\(ForestNames.escaped(name)),\(names.partitions)", attributes)
    }

    /// An inbound edge, marked as generated: the KCC may replace it.
    package func connection(to settings: String, from source: String, name: GUID) throws
        -> OriginatingOperation
    {
        try add(
            "CN=\(name),\(settings)",
            [
                ("objectClass", ["top", "nTDSConnection"]), ("fromServer", [source]),
                ("enabledConnection", ["TRUE"]), ("options", ["1"]),
                ("transportType", [names.smtpTransport]),
            ]
        )
    }

    /// The CA as every DSA of the forest finds it.
    package func authority(
        name: String,
        certificate: Certificate,
        crl: CertificateRevocationList,
        server: String
    ) throws -> [OriginatingOperation] {
        let parent = "CN=Certification Authorities,\(names.publicKeyServices)"
        let authority = Entry(
            dn: try dn("CN=\(ForestNames.escaped(name)),\(parent)"),
            attributes: [
                EntryAttribute(name: "objectClass", strings: ["top", "certificationAuthority"]),
                EntryAttribute(name: "cACertificate", values: [certificate.der]),
                EntryAttribute(name: "certificateRevocationList", values: [crl.der]),
                EntryAttribute(name: "authorityRevocationList", values: [crl.der]),
            ]
        )
        let enrolment = Entry(
            dn: try dn("CN=\(ForestNames.escaped(name)),CN=Enrollment Services,\(names.publicKeyServices)"),
            attributes: [
                EntryAttribute(name: "objectClass", strings: ["top", "pKIEnrollmentService"]),
                EntryAttribute(name: "cACertificate", values: [certificate.der]),
                EntryAttribute(name: "dNSHostName", strings: [server]),
                EntryAttribute(name: "certificateTemplates", strings: ["DirectoryEmailReplication"]),
            ]
        )
        return [
            .add(authority, objectGUID: nil), .add(enrolment, objectGUID: nil),
            try add(
                "CN=DirectoryEmailReplication,CN=Certificate Templates,\(names.publicKeyServices)",
                [
                    ("objectClass", ["top", "pKICertificateTemplate"]),
                    ("displayName", ["Directory E-mail Replication"]),
                    (
                        "pKIExtendedKeyUsage",
                        [
                            "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4",
                            "1.3.6.1.4.1.311.21.19",
                        ]
                    ),
                ]
            ),
        ]
    }
}
