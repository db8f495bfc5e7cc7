import DirectoryModel
import Identifiers
import Testing
import Topology

/// Bad input: a named finding each, and the rest is planned.
@Suite struct `Findings` {
    private func forest() -> TestForest {
        var forest = TestForest(seed: 3)
        forest.domain("d")
        for site in ["A", "B"] {
            forest.site(site)
            forest.server("DC-\(site)", in: site, domain: "d")
        }
        return forest
    }

    private func codes(_ snapshot: TopologySnapshot) -> [Finding.Code] { snapshot.findings.map(\.code) }

    @Test func `a sound forest has none`() {
        var forest = forest()
        forest.link("L", "IP", ["A", "B"])
        #expect(forest.snapshot.findings.isEmpty)
    }

    @Test func `links with one site or none join nothing`() {
        var forest = forest()
        forest.link("L", "IP", ["A", "B"])
        forest.link("One", "IP", ["A"])
        forest.link("Twice", "IP", ["A", "A"])
        forest.link("None", "IP", [])
        let snapshot = forest.snapshot
        #expect(codes(snapshot) == [.linkWithoutSite, .linkWithOneSite, .linkWithOneSite])
        #expect(snapshot.links.count == 4)
    }

    @Test(arguments: [
        (0, 100, true), (-5, 100, true), (1, 1, false), (4_294_967_294, 4_294_967_294, false),
        (4_294_967_295, 100, true), (99_999_999_999, 100, true),
    ]) func `a cost that is not positive counts as the default`(stated: Int, used: Int, isFound: Bool) {
        var forest = forest()
        forest.link("L", "IP", ["A", "B"], cost: stated)
        let snapshot = forest.snapshot
        #expect(snapshot.links[0].cost == UInt32(used))
        #expect(codes(snapshot) == (isFound ? [.linkCostNotPositive] : []))
    }

    @Test(arguments: [
        (15, 15), (180, 180), (10_080, 10_080), (0, 15), (-15, 15), (14, 15), (16, 30), (100, 105),
        (10_081, 10_080), (Int.max, 10_080), (Int.min, 15),
    ]) func `an interval is brought to a multiple of 15 in its range`(stated: Int, used: Int) {
        var forest = forest()
        forest.link("L", "IP", ["A", "B"], interval: stated)
        let snapshot = forest.snapshot
        #expect(snapshot.links[0].intervalMinutes == used)
        #expect(codes(snapshot) == (stated == used ? [] : [.linkIntervalInvalid]))
    }

    @Test func `what is missing has the default without a finding`() {
        var forest = forest()
        forest.link("L", "IP", ["A", "B"], cost: nil, interval: nil)
        let snapshot = forest.snapshot
        #expect(snapshot.links[0].cost == 100)
        #expect(snapshot.links[0].intervalMinutes == 180)
        #expect(snapshot.links[0].schedule == .always)
        #expect(snapshot.findings.isEmpty)
    }

    @Test func `numbers that are none, schedules of wrong length and never open ones are named`() {
        var forest = forest()
        let first = forest.link("L1", "IP", ["A", "B"])
        forest.set("cost", "dear", of: first)
        forest.set("schedule", [[1, 2, 3]], of: first)
        forest.link("L2", "IP", ["A", "B"], schedule: .never)
        let snapshot = forest.snapshot
        #expect(Set(codes(snapshot)) == [.numberUnreadable, .scheduleUnreadable, .scheduleNeverOpen])
        #expect(snapshot.links.first { $0.name == "L1" }?.schedule == .always)
        #expect(snapshot.findings.contains { $0.message.contains("3 octets instead of 188") })
    }

    @Test func `links to deleted and to unknown sites keep their other sites`() {
        var forest = forest()
        let gone = "CN=Gone\\0ADEL:6a8d1b3c-0000-4000-8000-000000000001,\(TestForest.sites)"
        let link = forest.link("L", "IP", ["A", "B"])
        forest.set(
            "siteList",
            [TestForest.site("A"), TestForest.site("B"), gone, TestForest.site("Never")].map {
                Array($0.utf8)
            },
            of: link
        )
        let tombstone = TopologyObject(
            guid: GUID(high: 1, low: 2),
            dn: TestForest.site("Never"),
            attributes: [EntryAttribute(name: "objectClass", strings: ["top", "site"])],
            isDeleted: true
        )
        #expect(codes(forest.snapshot) == [.siteDeleted, .siteUnknown])
        let snapshot = TopologySnapshot(forest.topologyObjects + [tombstone])
        #expect(codes(snapshot) == [.siteDeleted, .siteDeleted])
        #expect(snapshot.links[0].sites.count == 2)
        #expect(snapshot.sites.count == 2)
    }

    @Test func `two generators, one of another site and one that is nobody`() throws {
        var forest = forest()
        forest.link("L", "IP", ["A", "B"])
        let settings = try #require(forest.objects.first { $0.dn.hasPrefix("CN=NTDS Site Settings,CN=A") })
        forest.set(
            "interSiteTopologyGenerator",
            [
                TestForest.settings("DC-A", in: "A"), TestForest.settings("DC-B", in: "B"),
                TestForest.settings("DC-C", in: "C"),
            ].map { Array($0.utf8) },
            of: settings.guid
        )
        forest.add(
            "CN=NTDS Site Settings,\(TestForest.site("B"))",
            "nTDSSiteSettings",
            [("options", ["1"])]
        )
        let snapshot = forest.snapshot
        #expect(
            Set(codes(snapshot)) == [.generatorTwice, .generatorElsewhere, .generatorUnknown]
        )
        #expect(codes(snapshot).count { $0 == .generatorTwice } == 2)
        let site = try #require(snapshot.sites.first { $0.name == "A" })
        #expect(site.settings.generator.map { snapshot.name(of: $0) } == "A\\DC-A")
    }

    @Test func `connections that make no sense are named, duplicates too`() {
        var forest = forest()
        forest.link("L", "IP", ["A", "B"])
        forest.connection(to: ("DC-A", "A"), from: ("DC-B", "B"))
        forest.connection(to: ("DC-A", "A"), from: ("DC-B", "B"))
        forest.connection(to: ("DC-A", "A"), from: ("DC-B", "B"), options: 0)
        forest.connection(to: ("DC-A", "A"), from: ("DC-A", "A"))
        forest.connection(to: ("DC-A", "A"), from: ("DC-C", "C"))
        forest.connection(to: ("DC-C", "C"), from: ("DC-A", "A"))
        forest.connection(to: ("DC-B", "B"), from: ("DC-A", "A"), via: "Pigeon")
        let snapshot = forest.snapshot
        #expect(
            Set(codes(snapshot)) == [
                .connectionDuplicate, .connectionToItself, .connectionSourceUnknown,
                .connectionOutsideSettings, .transportUnknown,
            ]
        )
        #expect(snapshot.connections.count == 4)
    }

    @Test func `servers outside sites, settings without server, bad addresses, empty sites`() {
        var forest = forest()
        forest.link("L", "SMTP", ["A", "B"])
        forest.add("CN=Stray,CN=Servers,CN=Elsewhere,\(TestForest.configuration)", "server")
        forest.add("CN=NTDS Settings,CN=Stray,CN=Servers,CN=A,\(TestForest.sites)", "nTDSDSA")
        forest.server("DC-A2", in: "A", domain: "d", mail: "no address")
        forest.site("Empty")
        forest.add("CN=Bare,\(TestForest.sites)", "site")
        let snapshot = forest.snapshot
        #expect(
            Set(codes(snapshot)) == [
                .serverOutsideSite, .settingsWithoutServer, .mailAddressInvalid, .mailAddressMissing,
                .siteWithoutServers, .siteWithoutSettings,
            ]
        )
        #expect(codes(snapshot).count { $0 == .siteWithoutServers } == 2)
    }

    @Test func `naming contexts, subnets and bridges`() {
        var forest = forest()
        forest.link("L", "IP", ["A", "B"])
        forest.crossRef("Again", "DC=d", flags: 3)
        forest.crossRef("Bad", "no name", flags: 3)
        forest.crossRef("Foreign", "DC=elsewhere", flags: 0)
        for (name, site) in [
            ("10.1.0.0/16", "A"), ("fd00::/8", "B"), ("10.1.0/33", "A"), ("10.2.0.0/16", "No"),
        ] {
            forest.add(
                "CN=\(DistinguishedName.escaped(name)),CN=Subnets,\(TestForest.sites)",
                "subnet",
                [("siteObject", [TestForest.site(site)])]
            )
        }
        forest.add("CN=10.3.0.0/16,CN=Subnets,\(TestForest.sites)", "subnet")
        forest.add(
            "CN=Bridge,CN=IP,\(TestForest.transports)",
            "siteLinkBridge",
            [
                (
                    "siteLinkList",
                    ["CN=L,CN=IP,\(TestForest.transports)", "CN=M,CN=IP,\(TestForest.transports)"]
                )
            ]
        )
        let snapshot = forest.snapshot
        #expect(
            Set(codes(snapshot)) == [
                .namingContextInvalid, .subnetInvalid, .siteUnknown, .subnetWithoutSite, .bridgeLinkUnknown,
                .bridgeWithoutLink, .bridgeIgnored,
            ]
        )
        #expect(snapshot.namingContexts.count == 3)
        #expect(snapshot.subnets.count == 5)
    }

    @Test func `replicas of nothing, read-only DSAs, links outside transports`() {
        var forest = forest()
        forest.link("L", "IP", ["A", "B"])
        forest.server("DC-A2", in: "A", domain: "unknown")
        forest.add("CN=R,CN=Servers,\(TestForest.site("A"))", "server")
        forest.add("CN=NTDS Settings,CN=R,CN=Servers,\(TestForest.site("A"))", "nTDSDSARO")
        forest.add("CN=Loose,\(TestForest.transports)", "siteLink", [("siteList", [TestForest.site("A")])])
        #expect(
            Set(codes(forest.snapshot)) == [.replicaUnknown, .readOnlyIgnored, .transportUnknown]
        )
    }

    @Test func `objects without identity or name, and identities that are there twice`() {
        var forest = forest()
        forest.link("L", "IP", ["A", "B"])
        let twice = forest.objects[forest.objects.count - 1].guid
        forest.add("CN=Z,CN=IP,\(TestForest.transports)", "siteLink", guid: twice)
        let nameless = TopologyObject(
            guid: GUID(high: 1, low: 1),
            dn: "not a name",
            attributes: [EntryAttribute(name: "objectClass", strings: ["site"])]
        )
        let unknown = TopologyObject(
            guid: nil,
            dn: TestForest.site("C"),
            attributes: [EntryAttribute(name: "objectClass", strings: ["site"])]
        )
        let snapshot = TopologySnapshot(forest.topologyObjects + [nameless, unknown])
        #expect(Set(codes(snapshot)) == [.duplicateGUID, .nameUnreadable, .objectWithoutGUID])
        #expect(snapshot.links.map(\.name) == ["L"])
    }

    @Test func `nothing at all is findings, not a trap`() {
        let snapshot = TopologySnapshot([])
        #expect(codes(snapshot) == [.transportMissing, .noSite])
    }

    @Test func `LDIF that is broken here and there is read around`() {
        let good = String(forest().ldif.dropFirst("version: 1\n\n".count))
        let bad = "dn: CN=X\nthis is no line\n\n" + good + "\ndn: CN=Y\nchangetype: delete\n\n"
        let snapshot = TopologySnapshot(ldif: Array(bad.utf8))
        #expect(codes(snapshot) == [.recordUnreadable, .recordUnreadable])
        #expect(snapshot.sites.count == 2)
    }

    /// The guide has `HQ/VAN Site Link`; other places have more.
    @Test func `names with slash, comma, equals, plus and UTF-8 are the names`() throws {
        var forest = TestForest(seed: 4)
        forest.domain("d")
        let names = ["HQ/VAN", "Köln, Süd", "a=b+c", "東京 \"1\"", "#5 \\ <x>;"]
        for name in names {
            forest.site(name)
            forest.server("DC \(name)", in: name, domain: "d")
        }
        forest.link("L/1, + =", "IP", names)
        let plans = forest.planEverywhere()
        let snapshots = [forest.snapshot, TopologySnapshot(ldif: Array(forest.ldif.utf8))]
        for snapshot in snapshots {
            #expect(snapshot.findings.isEmpty)
            #expect(Set(snapshot.sites.map(\.name)) == Set(names))
            #expect(snapshot.links[0].name == "L/1, + =")
            #expect(snapshot.connections.count == 8)
        }
        let plan = try #require(plans.values.first)
        let dot = DotText.digraph(snapshots[0], plan)
        #expect(dot.contains(#"label="東京 \"1\"""#))
        #expect(dot.contains(##"label="#5 \\ <x>;""##))
    }

    @Test func `names compare as the directory compares them, with or without identities in front`() {
        var forest = forest()
        let link = forest.link("L", "IP", ["A", "B"])
        let extended = "<GUID=0102030405060708090a0b0c0d0e0f10>;" + TestForest.site("A").lowercased()
        forest.set("siteList", [Array(extended.utf8), Array(TestForest.site("b").utf8)], of: link)
        #expect(forest.snapshot.findings.isEmpty)
        #expect(forest.snapshot.links[0].sites.count == 2)
    }
}
