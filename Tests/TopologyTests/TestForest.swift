import DirectoryModel
import Identifiers
import Topology

/// A configuration naming context, made object by object.
struct TestForest {
    struct Object {
        var guid: GUID
        var dn: String
        var attributes: [EntryAttribute]

        func setting(_ name: String, _ values: [[UInt8]]) -> Object {
            var other = self
            other.attributes.removeAll { $0.name == name }
            if !values.isEmpty { other.attributes.append(EntryAttribute(name: name, values: values)) }
            return other
        }
    }

    static let configuration = "CN=Configuration,DC=example,DC=com"
    static let sites = "CN=Sites,\(configuration)"
    static let transports = "CN=Inter-Site Transports,\(sites)"

    var objects: [Object] = []
    /// objectGUIDs are drawn, so that their order says nothing.
    private var random: SeededRandom
    private(set) var domains: [String] = []

    init(seed: UInt64 = 1, ipOptions: Int = 0, smtpOptions: Int = 0) {
        random = SeededRandom(seed: seed)
        add(
            "CN=IP,\(Self.transports)",
            "interSiteTransport",
            [("transportAddressAttribute", ["dNSHostName"]), ("options", ["\(ipOptions)"])]
        )
        add(
            "CN=SMTP,\(Self.transports)",
            "interSiteTransport",
            [("transportAddressAttribute", ["1.2.840.113556.1.4.786"]), ("options", ["\(smtpOptions)"])]
        )
        crossRef("Enterprise Configuration", Self.configuration, flags: 1)
        crossRef("Enterprise Schema", "CN=Schema,\(Self.configuration)", flags: 1)
    }

    @discardableResult
    mutating func add(
        _ dn: String,
        _ objectClass: String,
        _ attributes: [(String, [String])] = [],
        guid: GUID? = nil
    ) -> GUID {
        let guid = guid ?? GUID.random(using: &random)
        let all = [("objectClass", ["top", objectClass])] + attributes
        objects.append(
            Object(
                guid: guid,
                dn: dn,
                attributes: all.filter { !$0.1.isEmpty }.map { EntryAttribute(name: $0.0, strings: $0.1) }
            )
        )
        return guid
    }

    mutating func crossRef(_ name: String, _ context: String, flags: Int, overMail: Bool = false) {
        add(
            "CN=\(name),CN=Partitions,\(Self.configuration)",
            "crossRef",
            [
                ("nCName", [context]), ("systemFlags", ["\(flags)"]),
                ("replicasOverMail", overMail ? ["TRUE"] : []),
            ]
        )
    }

    mutating func domain(_ name: String, overMail: Bool = false) {
        crossRef(name, "DC=\(name)", flags: 3, overMail: overMail)
        domains.append("DC=\(name)")
    }

    static func site(_ name: String) -> String { "CN=\(DistinguishedName.escaped(name)),\(sites)" }

    static func settings(_ server: String, in site: String) -> String {
        "CN=NTDS Settings,CN=\(DistinguishedName.escaped(server)),CN=Servers,\(Self.site(site))"
    }

    mutating func site(_ name: String, options: Int = 0, generator: String? = nil) {
        add(Self.site(name), "site")
        add(
            "CN=NTDS Site Settings,\(Self.site(name))",
            "nTDSSiteSettings",
            [
                ("options", options == 0 ? [] : ["\(options)"]),
                ("interSiteTopologyGenerator", generator.map { [Self.settings($0, in: name)] } ?? []),
            ]
        )
    }

    /// A server with its DSA: full of its domain, schema and configuration, a global catalogue unless told.
    @discardableResult
    mutating func server(
        _ name: String,
        in site: String,
        domain: String,
        isCatalog: Bool = true,
        mail: String? = "default",
        preferred: [String] = [],
        guid: GUID? = nil
    ) -> GUID {
        let dn = "CN=\(DistinguishedName.escaped(name)),CN=Servers,\(Self.site(site))"
        let address = mail == "default" ? "dsa-\(objects.count)@mail.example.com" : mail
        add(
            dn,
            "server",
            [
                ("dNSHostName", ["host\(objects.count).example.com"]),
                ("mailAddress", address.map { [$0] } ?? []),
                ("bridgeheadTransportList", preferred.map { "CN=\($0),\(Self.transports)" }),
            ]
        )
        return add(
            Self.settings(name, in: site),
            "nTDSDSA",
            [
                ("options", [isCatalog ? "1" : "0"]),
                ("hasMasterNCs", ["DC=\(domain)", Self.configuration, "CN=Schema,\(Self.configuration)"]),
                ("hasPartialReplicaNCs", isCatalog ? domains.filter { $0 != "DC=\(domain)" } : []),
            ],
            guid: guid
        )
    }

    @discardableResult
    mutating func link(
        _ name: String,
        _ transport: String = "IP",
        _ sites: [String],
        cost: Int? = 100,
        interval: Int? = 180,
        options: Int = 0,
        schedule: Schedule? = nil
    ) -> GUID {
        let guid = add(
            "CN=\(DistinguishedName.escaped(name)),CN=\(transport),\(Self.transports)",
            "siteLink",
            [
                ("siteList", sites.map(Self.site)), ("cost", cost.map { ["\($0)"] } ?? []),
                ("replInterval", interval.map { ["\($0)"] } ?? []),
                ("options", options == 0 ? [] : ["\(options)"]),
            ]
        )
        if let schedule { set("schedule", [schedule.octets], of: guid) }
        return guid
    }

    @discardableResult
    mutating func connection(
        to destination: (String, String),
        from source: (String, String),
        via transport: String? = nil,
        options: Int = 1,
        schedule: Schedule? = nil,
        whenCreated: String = "20261101000000.0Z"
    ) -> GUID {
        let guid = GUID.random(using: &random)
        add(
            "CN=\(guid),\(Self.settings(destination.0, in: destination.1))",
            "nTDSConnection",
            [
                ("fromServer", [Self.settings(source.0, in: source.1)]),
                ("transportType", transport.map { ["CN=\($0),\(Self.transports)"] } ?? []),
                ("options", ["\(options)"]), ("enabledConnection", ["TRUE"]), ("whenCreated", [whenCreated]),
            ],
            guid: guid
        )
        if let schedule { set("schedule", [schedule.octets], of: guid) }
        return guid
    }

    mutating func set(_ attribute: String, _ values: [[UInt8]], of guid: GUID) {
        guard let index = objects.firstIndex(where: { $0.guid == guid }) else { return }
        objects[index] = objects[index].setting(attribute, values)
    }

    mutating func set(_ attribute: String, _ value: String, of guid: GUID) {
        set(attribute, [Array(value.utf8)], of: guid)
    }

    // MARK: - Reading

    var snapshot: TopologySnapshot { TopologySnapshot(topologyObjects) }

    var topologyObjects: [TopologyObject] {
        objects.map { TopologyObject(guid: $0.guid, dn: $0.dn, attributes: $0.attributes) }
    }

    var ldif: String {
        "version: 1\n\n"
            + objects.map { object in
                LDIFWriter.lines(
                    for: LDIFRecord(
                        line: 0,
                        dn: object.dn,
                        kind: .content(
                            object.attributes
                                + [EntryAttribute(name: "objectGUID", values: [object.guid.microsoftOctets])]
                        )
                    )
                )
            }.joined()
    }

    // MARK: - Carrying a plan out

    /// Writes what the plan says, as an agent would.
    mutating func carryOut(_ plan: Plan, of snapshot: TopologySnapshot) {
        let gone = Set(plan.removals.map { snapshot[$0.connection].guid })
        objects.removeAll { gone.contains($0.guid) }
        for connection in plan.connections where !connection.changes.isEmpty {
            let transport = connection.transport.map { snapshot[$0].dn }
            if let existing = connection.existing {
                let guid = snapshot[existing].guid
                set("schedule", [connection.schedule.octets], of: guid)
                set("options", "\(connection.options.rawValue)", of: guid)
                set("transportType", transport.map { [Array($0.utf8)] } ?? [], of: guid)
            } else {
                let guid = GUID.random(using: &random)
                add(
                    "CN=\(guid),\(snapshot[connection.destination].dn)",
                    "nTDSConnection",
                    [
                        ("fromServer", [snapshot[connection.source].dn]),
                        ("transportType", transport.map { [$0] } ?? []),
                        ("options", ["\(connection.options.rawValue)"]), ("enabledConnection", ["TRUE"]),
                        ("whenCreated", ["20261130000000.0Z"]),
                    ],
                    guid: guid
                )
                set("schedule", [connection.schedule.octets], of: guid)
            }
        }
    }

    /// Every DSA but those that are away plans from the same configuration, then all plans are carried out.
    ///
    /// - Parameter away: DSAs that do not run; all others know that they cannot be reached.
    /// - Returns: the plans, by DSA.
    @discardableResult
    mutating func planEverywhere(away: Set<GUID> = [], now: Timestamp = TestForest.now) -> [GUID: Plan] {
        nameGenerators(away: away)
        let snapshot = snapshot
        var plans: [GUID: Plan] = [:]
        for position in snapshot.dsas.indices where !away.contains(snapshot.dsas[position].guid) {
            var input = KCCInput(dsa: Ref(position), now: now)
            input.contacts = away.map {
                ContactRecord(
                    dsa: $0,
                    transport: nil,
                    state: .failing(consecutive: 9, since: now.adding(days: -3))
                )
            }
            for dsa in snapshot.dsas { input.lastHeard[dsa.guid] = now }
            plans[snapshot.dsas[position].guid] = KCC.plan(snapshot, input)
        }
        for plan in plans.values { carryOut(plan, of: snapshot) }
        return plans
    }

    /// As the directory has it once an election is over.
    private mutating func nameGenerators(away: Set<GUID>) {
        let snapshot = snapshot
        for (position, site) in snapshot.sites.enumerated() {
            guard
                let generator = snapshot.dsas.first(where: {
                    $0.site == Ref(position) && !away.contains($0.guid)
                }),
                let settings = objects.first(where: { $0.dn == "CN=NTDS Site Settings,\(site.dn)" })
            else { continue }
            set("interSiteTopologyGenerator", generator.dn, of: settings.guid)
        }
    }

    static let now = Timestamp(year: 2026, month: 11, day: 30, hour: 12, minute: 0, second: 0) ?? .epoch
}

extension DistinguishedName {
    static func escaped(_ value: String) -> String {
        let text = DistinguishedName(rdns: [RDN(type: .cn, value: value)]).description
        return String(text.dropFirst(3))
    }
}

/// SplitMix64: a whole run hangs on one number.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}
