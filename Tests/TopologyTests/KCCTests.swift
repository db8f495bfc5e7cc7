import Identifiers
import Testing
import Topology

/// Rules of the KCC one by one, each with the values that are hard.
@Suite struct `The KCC` {
    private func plan(
        _ forest: TestForest,
        _ server: String,
        _ change: (inout KCCInput, TopologySnapshot) -> Void = { _, _ in }
    ) throws -> (snapshot: TopologySnapshot, plan: Plan) {
        let snapshot = forest.snapshot
        let dsa = try #require(snapshot.dsa(named: server))
        var input = KCCInput(dsa: dsa, now: TestForest.now)
        change(&input, snapshot)
        return (snapshot, KCC.plan(snapshot, input))
    }

    /// Two sites over SMTP, the hub with three DSAs.
    private func pair(preferred: [String: [String]] = [:], catalogs: Set<String> = ["H1", "H2", "H3", "B1"])
        -> TestForest
    {
        var forest = TestForest(seed: 31)
        forest.domain("hub")
        forest.domain("branch")
        forest.site("Hub")
        forest.site("Branch")
        for name in ["H1", "H2", "H3"] {
            forest.server(
                name,
                in: "Hub",
                domain: "hub",
                isCatalog: catalogs.contains(name),
                preferred: preferred[name] ?? []
            )
        }
        forest.server("B1", in: "Branch", domain: "branch", isCatalog: catalogs.contains("B1"))
        forest.link("Link", "SMTP", ["Hub", "Branch"])
        return forest
    }

    private func sources(_ found: (snapshot: TopologySnapshot, plan: Plan)) -> [String] {
        found.plan.connections.map { found.snapshot[found.snapshot[$0.source].server].name }
    }

    private func failing(_ snapshot: TopologySnapshot, _ names: [String], _ count: Int, hours: Int)
        -> [ContactRecord]
    {
        names.compactMap { snapshot.dsa(named: $0) }.map {
            ContactRecord(
                dsa: snapshot[$0].guid,
                transport: "smtp",
                state: .failing(
                    consecutive: count,
                    since: TestForest.now.adding(seconds: -Int64(hours) * 3_600)
                )
            )
        }
    }

    // MARK: - Bridgeheads

    @Test func `global catalogues come first, then the lowest objectGUID`() throws {
        let all = try plan(pair(), "B1")
        let lowest = all.snapshot.dsas.map { all.snapshot[$0.server].name }.first { $0 != "B1" }
        #expect(sources(all) == [try #require(lowest)])
        let one = try plan(pair(catalogs: ["H2", "B1"]), "B1")
        #expect(sources(one) == ["H2"])
    }

    @Test func `preferred bridgeheads exclude the others of their site alone, without falling back`() throws {
        let forest = pair(preferred: ["H3": ["SMTP"]])
        #expect(sources(try plan(forest, "B1")) == ["H3"])
        let failed = try plan(forest, "B1") { input, snapshot in
            input.contacts = failing(snapshot, ["H3"], 5, hours: 100)
        }
        // The tree without it has no edge; the one as if it had not failed keeps asking it.
        #expect(sources(failed) == ["H3"])
        #expect(!failed.plan.isWhole)
        let other = try plan(pair(preferred: ["H3": ["IP"]]), "B1")
        #expect(sources(other) != ["H3"] || other.snapshot.dsas.count == 1)
    }

    @Test func `a seed draws among the bridgeheads, the same every time`() throws {
        var drawn: Set<String> = []
        for seed in UInt64(0)..<40 {
            let found = try (0..<2).map { _ in
                sources(try plan(pair(), "B1") { input, _ in input.seed = seed })
            }
            #expect(found[0] == found[1])
            drawn.formUnion(found[0])
        }
        #expect(drawn == ["H1", "H2", "H3"])
    }

    // MARK: - Failures

    @Test(arguments: [
        (1, 1_000, false), (2, 23, false), (2, 24, false), (2, 25, true), (99, 6, false), (99, 100, true),
    ]) func `over mail a bridgehead has failed after two failures and a day`(
        count: Int,
        hours: Int,
        isFailed: Bool
    ) throws {
        let before = sources(try plan(pair(), "B1"))
        let after = try plan(pair(), "B1") { input, snapshot in
            input.contacts = failing(snapshot, before, count, hours: hours)
        }
        #expect((sources(after) != before) == isFailed)
        #expect(after.plan.isWhole)
    }

    @Test func `a mail that is answered after a week is no failure`() throws {
        let before = sources(try plan(pair(), "B1"))
        let after = try plan(pair(), "B1") { input, snapshot in
            input.contacts = before.compactMap { snapshot.dsa(named: $0) }.map {
                ContactRecord(
                    dsa: snapshot[$0].guid,
                    transport: "SMTP",
                    state: .pending(since: TestForest.now.adding(days: -7))
                )
            }
        }
        #expect(sources(after) == before)
    }

    @Test func `failing over IP says nothing of mail`() throws {
        let before = sources(try plan(pair(), "B1"))
        let after = try plan(pair(), "B1") { input, snapshot in
            input.contacts = failing(snapshot, before, 9, hours: 900).map {
                ContactRecord(dsa: $0.dsa, transport: "IP", state: $0.state)
            }
        }
        #expect(sources(after) == before)
    }

    @Test
    func
        `a failed bridgehead's connection stays beside the one that goes round, and one of them goes when it is back`()
        throws
    {
        var forest = pair()
        forest.planEverywhere()
        let first = forest.snapshot.connections.filter {
            forest.snapshot.transportName($0.transport) == "SMTP"
        }
        let hub = try #require(first.first { forest.snapshot[forest.snapshot[$0.source].site].name == "Hub" })
        let source = forest.snapshot[forest.snapshot[hub.source].server].name
        let away = try plan(forest, "B1") { input, snapshot in
            input.contacts = failing(snapshot, [source], 9, hours: 900)
        }
        #expect(away.plan.connections.count == 2)
        #expect(away.plan.removals.isEmpty)
        forest.carryOut(away.plan, of: away.snapshot)
        let back = try plan(forest, "B1")
        #expect(back.plan.connections.count == 1)
        #expect(back.plan.removals.map(\.reason) == [.superseded])
        forest.carryOut(back.plan, of: back.snapshot)
        #expect(try plan(forest, "B1").plan.isUnchanged)
    }

    @Test(arguments: [(1, 3, true), (1, 2, false), (9, 1, false)])
    func `a ring is closed past a DSA that has failed`(
        count: Int,
        hours: Int,
        isPassed: Bool
    ) throws {
        var forest = TestForest(seed: 14)
        forest.domain("d")
        forest.site("S")
        for number in 0..<5 { forest.server("DC\(number)", in: "S", domain: "d") }
        let order = forest.snapshot.dsas.map { forest.snapshot[$0.server].name }
        let found = try plan(forest, order[0]) { input, snapshot in
            input.contacts = failing(snapshot, [order[1]], count, hours: hours).map {
                ContactRecord(dsa: $0.dsa, transport: "IP", state: $0.state)
            }
        }
        // The neighbour that has failed is asked, too: it may be back.
        #expect(Set(sources(found)) == Set([order[1], order[4]] + (isPassed ? [order[2]] : [])))
    }

    // MARK: - What is removed

    @Test func `manual connections are counted and never touched`() throws {
        var forest = pair()
        let manual = forest.connection(to: ("B1", "Branch"), from: ("H2", "Hub"), via: "SMTP", options: 0)
        forest.connection(to: ("B1", "Branch"), from: ("H3", "Hub"), via: "IP", options: 0)
        let found = try plan(forest, "B1")
        #expect(found.plan.isUnchanged)
        #expect(found.plan.connections.count == 2)
        #expect(found.plan.connections.contains { $0.existing.map { found.snapshot[$0].guid } == manual })
    }

    @Test func `the fourth removal in a week is left alone`() throws {
        var forest = pair()
        forest.connection(to: ("B1", "Branch"), from: ("H2", "Hub"), via: "IP")
        for count in 0...4 {
            let found = try plan(forest, "B1") { input, snapshot in
                guard let connection = snapshot.connections.first else { return }
                let removal = { (hours: Int64) in
                    RemovedConnection(
                        destination: snapshot[connection.destination].guid,
                        source: snapshot[connection.source].guid,
                        transport: connection.transport.map { snapshot[$0].guid },
                        time: TestForest.now.adding(seconds: -hours * 3_600)
                    )
                }
                // Those of the week before do not count.
                input.removals = (0..<count).map { removal(Int64($0) * 40) } + [removal(170), removal(500)]
            }
            #expect(found.plan.removals.isEmpty == (count >= 3))
            #expect(found.plan.connections.contains { $0.reasons.contains(.oscillating) } == (count >= 3))
        }
    }

    @Test func `of two connections between the same two of a site the older goes`() throws {
        var forest = pair()
        forest.connection(to: ("H1", "Hub"), from: ("H2", "Hub"), whenCreated: "20260102000000.0Z")
        let older = forest.connection(
            to: ("H1", "Hub"),
            from: ("H2", "Hub"),
            whenCreated: "20260101000000.0Z"
        )
        let found = try plan(forest, "H1")
        let removed = found.plan.removals.filter { if case .duplicate = $0.reason { true } else { false } }
        #expect(removed.map { found.snapshot[$0.connection].guid } == [older])
    }

    @Test func `a server that moved into the site loses the transport of its connection`() throws {
        var forest = pair()
        forest.connection(to: ("H1", "Hub"), from: ("H2", "Hub"), via: "SMTP")
        let found = try plan(forest, "H1")
        let connection = try #require(found.plan.connections.first { $0.existing != nil })
        #expect(connection.transport == nil)
        #expect(connection.changes.contains(.transport))
        #expect(
            found.plan.sources.filter { $0.source == connection.source }.allSatisfy {
                $0.mailTransport == nil
            }
        )
    }

    // MARK: - What a connection is like

    @Test
    func `options and schedule of the way are the connection's, but for a schedule that is the user's own`()
        throws
    {
        for (stated, isOwn) in [(1, false), (0x21, true)] {
            var forest = pair()
            let link = try #require(forest.objects.last { $0.dn.hasPrefix("CN=Link") })
            forest.set("options", "7", of: link.guid)
            forest.connection(
                to: ("B1", "Branch"),
                from: ("H2", "Hub"),
                via: "SMTP",
                options: stated,
                schedule: .hourly
            )
            let found = try plan(forest, "B1")
            let connection = try #require(found.plan.connections.first)
            #expect(
                connection.options.isSuperset(of: [
                    .overrideNotifyDefault, .useNotify, .twoWaySync, .disableCompression,
                ])
            )
            #expect((connection.schedule == .hourly) == isOwn)
            #expect(connection.changes == (isOwn ? [.options] : [.schedule, .options]))
            #expect(found.plan.sources.allSatisfy { !$0.isNeverNotified && !$0.isCompressed && $0.isTwoWay })
        }
    }

    @Test func `windows count unless the transport says that they do not`() throws {
        for (options, isOpen) in [(0, false), (1, true)] {
            var forest = TestForest(seed: 9, smtpOptions: options)
            forest.domain("a")
            forest.domain("b")
            for (site, domain) in [("A", "a"), ("B", "b")] {
                forest.site(site)
                forest.server("DC-\(site)", in: site, domain: domain)
            }
            let window = Schedule(windows: [.init(firstQuarter: 40, quarters: 30)])
            forest.link("L", "SMTP", ["A", "B"], interval: 60, schedule: window)
            let found = try plan(forest, "DC-A")
            let schedule = try #require(found.plan.connections.first?.schedule)
            #expect((schedule == Schedule.always.slots(everyMinutes: 60)) == isOpen)
            #expect((schedule == window.slots(everyMinutes: 60)) == !isOpen)
        }
    }

    @Test func `bridges are what joins links where the transport requires them`() throws {
        for (options, bridged, isWhole) in [(0, false, true), (2, false, false), (2, true, true)] {
            var forest = TestForest(seed: 10, ipOptions: options)
            forest.domain("a")
            for site in ["A", "Middle", "B"] { forest.site(site) }
            forest.server("DC-A", in: "A", domain: "a")
            forest.server("DC-B", in: "B", domain: "a")
            forest.link("L1", "IP", ["A", "Middle"])
            forest.link("L2", "IP", ["Middle", "B"])
            if bridged {
                forest.add(
                    "CN=Both,CN=IP,\(TestForest.transports)",
                    "siteLinkBridge",
                    [("siteLinkList", ["L1", "L2"].map { "CN=\($0),CN=IP,\(TestForest.transports)" })]
                )
            }
            let found = try plan(forest, "DC-A")
            #expect(found.plan.isWhole == isWhole)
            #expect(found.plan.connections.isEmpty == !isWhole)
        }
    }

    // MARK: - Who plans

    @Test func `the site's options turn things off, and a disabled DSA wants nothing`() throws {
        var forest = pair()
        let settings = try #require(forest.objects.first { $0.dn.hasPrefix("CN=NTDS Site Settings,CN=Hub") })
        forest.set("options", "17", of: settings.guid)
        let off = try plan(forest, "H1")
        #expect(off.plan.connections.isEmpty)
        #expect(off.plan.absences.count { $0.reason == .turnedOff } == 2)
        let dsa = try #require(forest.objects.first { $0.dn == TestForest.settings("B1", in: "Branch") })
        forest.set("options", "7", of: dsa.guid)
        #expect(try plan(forest, "B1").plan.absences.map(\.reason) == [.selfDisabled])
        forest.set("options", "0", of: settings.guid)
        let alone = try plan(forest, "H1")
        #expect(alone.plan.connections.allSatisfy { $0.transport == nil })
    }

    @Test func `the generator stays while it is heard of; then its neighbours take turns`() throws {
        var forest = pair()
        let settings = try #require(forest.objects.first { $0.dn.hasPrefix("CN=NTDS Site Settings,CN=Hub") })
        let order = forest.snapshot.dsas.map { forest.snapshot[$0.server].name }.filter { $0 != "B1" }
        let recorded = order[1]
        forest.set("interSiteTopologyGenerator", TestForest.settings(recorded, in: "Hub"), of: settings.guid)
        let generator = { (server: String, minutesAgo: Int64?) in
            let found = try plan(forest, server) { input, snapshot in
                guard let minutesAgo, let dsa = snapshot.dsa(named: recorded) else { return }
                input.lastHeard[snapshot[dsa].guid] = TestForest.now.adding(seconds: -minutesAgo * 60)
            }
            return found.snapshot[found.snapshot[found.plan.election.generator].server].name
        }
        // The recorded one always plans; the others agree on who does.
        #expect(try generator(order[1], nil) == order[1])
        for server in [order[0], order[2]] {
            #expect(try generator(server, 0) == order[1])
            #expect(try generator(server, 119) == order[1])
            #expect(try generator(server, 120) == order[2])
            #expect(try generator(server, 240) == order[0])
            #expect(try generator(server, 360) == order[1])
            #expect(try generator(server, -30) == order[1])
            #expect(try generator(server, -500) == order[Int(TestForest.now.seconds / 7_200 % 3)])
        }
        forest.set("interSiteTopologyFailover", "30", of: settings.guid)
        #expect(try generator(order[0], 31) == order[2])
        forest.set("interSiteTopologyGenerator", [], of: settings.guid)
        for server in order { #expect(try generator(server, nil) == server) }
    }

    @Test func `a catalogue that is to hold a new domain is connected for it, but nothing is pulled before`()
        throws
    {
        var forest = pair()
        let dsa = try #require(forest.objects.first { $0.dn == TestForest.settings("B1", in: "Branch") })
        forest.set("hasPartialReplicaNCs", [], of: dsa.guid)
        let branch = try plan(forest, "B1")
        #expect(branch.plan.sources.contains { branch.snapshot[$0.namingContext].name == "DC=hub" })
    }

    @Test
    func `a full replica that mail cannot join keeps the domain apart although partial ones join the sites`()
        throws
    {
        var forest = TestForest(seed: 12)
        forest.domain("corp")
        forest.domain("mine")
        for (site, domain) in [("Port", "corp"), ("Ship", "mine"), ("Mine", "mine")] {
            forest.site(site)
            forest.server("\(site)-1", in: site, domain: domain)
        }
        forest.link("Port-Ship", "SMTP", ["Port", "Ship"])
        forest.link("Port-Mine", "IP", ["Port", "Mine"])
        let found = try plan(forest, "Ship-1")
        #expect(found.plan.findings.map(\.code) == [.domainSpansMail])
        #expect(!found.plan.isWhole)
    }

    /// The sites' order by objectGUID, which decides who is met first, is another in every forest.
    @Test(arguments: UInt64(0)..<12)
    func `of equally dear ways the one that is open longer wins, through a link of many sites too`(
        seed: UInt64
    ) throws {
        var forest = TestForest(seed: seed)
        forest.domain("d")
        for site in ["Home", "By day", "Always", "Meeting", "Far"] { forest.site(site) }
        forest.server("H", in: "Home", domain: "d")
        forest.server("F", in: "Far", domain: "d")
        let day = Schedule(windows: [.init(firstQuarter: 100, quarters: 40)])
        forest.link("L1", "IP", ["Home", "By day"], cost: 5, schedule: day)
        forest.link("L2", "IP", ["Home", "Always"], cost: 5)
        forest.link("L3", "IP", ["By day", "Always", "Meeting"], cost: 7)
        forest.link("L4", "IP", ["Meeting", "Far"], cost: 100)
        for server in ["H", "F"] {
            let found = try plan(forest, server)
            let edge = try #require(found.plan.trees.first?.edges.first)
            #expect(edge.info.cost == 112)
            #expect(edge.info.schedule.isAlways)
            #expect(Set(edge.links.map { found.snapshot[$0].name }) == ["L2", "L3", "L4"])
        }
    }

    @Test(arguments: UInt64(0)..<12) func `of equally dear edges those that are open longer make the tree`(
        seed: UInt64
    ) throws {
        var forest = TestForest(seed: seed)
        forest.domain("d")
        for site in ["A", "B", "C"] {
            forest.site(site)
            forest.server("DC-\(site)", in: site, domain: "d")
        }
        let day = Schedule(windows: [.init(firstQuarter: 100, quarters: 40)])
        forest.link("AB", "IP", ["A", "B"])
        forest.link("AC", "IP", ["A", "C"])
        forest.link("BC", "IP", ["B", "C"], schedule: day)
        let found = try plan(forest, "DC-A")
        let edges = try #require(found.plan.trees.first?.edges)
        #expect(Set(edges.flatMap(\.links).map { found.snapshot[$0].name }) == ["AB", "AC"])
    }

    @Test func `while a site is apart nothing is removed between sites`() throws {
        for isLinked in [false, true] {
            var forest = pair()
            forest.site("Island")
            forest.server("I1", in: "Island", domain: "hub")
            if isLinked { forest.link("Cable", "IP", ["Hub", "Island"]) }
            let stale = forest.connection(to: ("B1", "Branch"), from: ("H2", "Hub"), via: "IP")
            let found = try plan(forest, "B1")
            #expect(found.plan.isWhole == isLinked)
            #expect(found.plan.removals.count == (isLinked ? 1 : 0))
            let isHeld = found.plan.absences.contains {
                if case .removalWithheld(let connection) = $0.reason {
                    found.snapshot[connection].guid == stale
                } else {
                    false
                }
            }
            #expect(isHeld == !isLinked)
        }
    }
}
