import DirectoryModel
import Identifiers
import Testing
import Topology

/// The step-by-step guide's two sites: from two DSAs in one site to replication by mail.
@Suite struct `The guide` {
    static let hq = ("HQ-RES-DC-01", "Headquarters")
    static let van = ("BR3-VAN-DC-01", "Vancouver")

    /// Once the server is moved: two sites, an IP link and an SMTP link.
    static func forest(ipCost: Int = 100, smtpCost: Int = 50) -> TestForest {
        var forest = TestForest(seed: 2000)
        forest.domain("reskit")
        forest.domain("vancouver")
        forest.site("Headquarters", generator: "HQ-RES-DC-01")
        forest.site("Vancouver", generator: "BR3-VAN-DC-01")
        forest.server("HQ-RES-DC-01", in: "Headquarters", domain: "reskit")
        forest.server("BR3-VAN-DC-01", in: "Vancouver", domain: "vancouver")
        forest.link("DEFAULTIPSITELINK", "IP", ["Headquarters", "Vancouver"], cost: ipCost)
        forest.link("HQ/VAN Site Link", "SMTP", ["Headquarters", "Vancouver"], cost: smtpCost)
        return forest
    }

    private func plan(_ forest: TestForest, _ server: String) throws -> (TopologySnapshot, Plan) {
        let snapshot = forest.snapshot
        let dsa = try #require(snapshot.dsa(named: server))
        return (snapshot, KCC.plan(snapshot, KCCInput(dsa: dsa, now: TestForest.now)))
    }

    @Test func `two DSAs in one site replicate over IP`() throws {
        var forest = TestForest()
        forest.domain("reskit")
        forest.domain("vancouver")
        forest.site("Headquarters")
        forest.server("HQ-RES-DC-01", in: "Headquarters", domain: "reskit")
        forest.server("BR3-VAN-DC-01", in: "Headquarters", domain: "vancouver")
        for server in ["HQ-RES-DC-01", "BR3-VAN-DC-01"] {
            let (snapshot, plan) = try plan(forest, server)
            let connection = try #require(plan.connections.first)
            #expect(plan.connections.count == 1)
            #expect(connection.transport == nil)
            #expect(connection.schedule == .hourly)
            #expect(snapshot[connection.destination].dn == TestForest.settings(server, in: "Headquarters"))
            // Schema, configuration, and the other's domain in part.
            #expect(plan.sources.count == 3)
            #expect(plan.sources.allSatisfy { $0.mailTransport == nil && !$0.isNeverNotified })
        }
    }

    @Test func `at cost 50 SMTP takes the place of IP, and the IP connection goes`() throws {
        var forest = Self.forest()
        // The server came from Headquarters with its connection.
        forest.connection(to: Self.van, from: Self.hq)
        forest.connection(to: Self.hq, from: Self.van)
        for server in ["HQ-RES-DC-01", "BR3-VAN-DC-01"] {
            let (snapshot, plan) = try plan(forest, server)
            #expect(plan.isGenerator)
            #expect(plan.isWhole)
            let connection = try #require(plan.connections.first)
            #expect(plan.connections.count == 1)
            #expect(snapshot.transportName(connection.transport) == "SMTP")
            #expect(connection.changes == [.create])
            #expect(connection.schedule == Schedule.always.slots(everyMinutes: 180))
            #expect(plan.removals.map(\.reason) == [.unneeded])
            #expect(
                plan.sources.allSatisfy { $0.mailTransport != nil && $0.isNeverNotified && $0.isCompressed }
            )
        }
    }

    @Test func `below the SMTP link's cost the IP link brings IP back`() throws {
        var forest = Self.forest(ipCost: 40)
        forest.connection(to: Self.van, from: Self.hq, via: "SMTP")
        let (snapshot, plan) = try plan(forest, "BR3-VAN-DC-01")
        #expect(plan.connections.map { snapshot.transportName($0.transport) } == ["IP"])
        #expect(plan.removals.count == 1)
    }

    @Test func `at equal cost the lower transport objectGUID wins on both sides alike`() throws {
        let forest = Self.forest(ipCost: 50)
        let plans = try ["HQ-RES-DC-01", "BR3-VAN-DC-01"].map { try plan(forest, $0) }
        let names = plans.map { $0.0.transportName($0.1.connections.first?.transport) }
        #expect(names[0] == names[1])
        #expect(plans.allSatisfy { $0.1.connections.count == 1 })
    }

    @Test func `one domain in both sites keeps IP for the domain beside SMTP for the rest`() throws {
        var forest = TestForest(seed: 5)
        forest.domain("reskit")
        forest.site("Headquarters")
        forest.site("Vancouver")
        forest.server("HQ-RES-DC-01", in: "Headquarters", domain: "reskit")
        forest.server("BR3-VAN-DC-01", in: "Vancouver", domain: "reskit")
        forest.link("DEFAULTIPSITELINK", "IP", ["Headquarters", "Vancouver"])
        forest.link("HQ/VAN Site Link", "SMTP", ["Headquarters", "Vancouver"], cost: 50)
        let (snapshot, plan) = try plan(forest, "BR3-VAN-DC-01")
        #expect(Set(plan.connections.map { snapshot.transportName($0.transport) }) == ["IP", "SMTP"])
        let refused = plan.absences.filter { $0.reason == .domainNotOverMail }
        #expect(refused.count == 1)
        #expect(refused.first?.namingContext.map { snapshot[$0].name } == "DC=reskit")
        // And neither supersedes the other once both are there.
        forest.planEverywhere()
        for plan in forest.planEverywhere().values { #expect(plan.isUnchanged) }
    }

    @Test func `one domain in sites that only mail joins is a finding, unless the domain allows it`() throws {
        for allows in [false, true] {
            var forest = TestForest(seed: 6)
            forest.domain("reskit", overMail: allows)
            forest.site("Headquarters")
            forest.site("Vancouver")
            forest.server("HQ-RES-DC-01", in: "Headquarters", domain: "reskit")
            forest.server("BR3-VAN-DC-01", in: "Vancouver", domain: "reskit")
            forest.link("HQ/VAN Site Link", "SMTP", ["Headquarters", "Vancouver"], cost: 50)
            let (snapshot, plan) = try plan(forest, "BR3-VAN-DC-01")
            #expect(plan.isWhole == allows)
            #expect(plan.findings.map(\.code) == (allows ? [] : [.domainSpansMail]))
            #expect(plan.connections.count == 1)
            let domains = plan.sources.filter { snapshot[$0.namingContext].kind == .domain }
            #expect(domains.isEmpty != allows)
        }
    }

    @Test func `a catalogue of another domain is fed by mail although the domain must not span it`() throws {
        let (snapshot, plan) = try plan(Self.forest(), "BR3-VAN-DC-01")
        let names = plan.sources.map { snapshot[$0.namingContext].name }
        #expect(names.contains("DC=reskit"))
        #expect(!names.contains("DC=vancouver"))
        #expect(plan.absences.contains { $0.reason == .fedFromHere })
    }

    @Test func `the same plan comes from LDIF`() throws {
        let forest = Self.forest()
        let snapshots = [forest.snapshot, TopologySnapshot(ldif: Array(forest.ldif.utf8))]
        let texts = try snapshots.map { snapshot in
            let dsa = try #require(snapshot.dsa(named: "BR3-VAN-DC-01"))
            let plan = KCC.plan(snapshot, KCCInput(dsa: dsa, now: TestForest.now))
            return PlanText(snapshot, plan).lines(for: dsa, at: TestForest.now, explains: true)
        }
        #expect(texts[0] == texts[1])
    }

    @Test func `without SMTP addresses the plan says who lacks one, and takes IP`() throws {
        var forest = TestForest(seed: 8)
        forest.domain("reskit")
        forest.domain("vancouver")
        forest.site("Headquarters")
        forest.site("Vancouver")
        forest.server("HQ-RES-DC-01", in: "Headquarters", domain: "reskit")
        forest.server("BR3-VAN-DC-01", in: "Vancouver", domain: "vancouver", mail: nil)
        forest.link("DEFAULTIPSITELINK", "IP", ["Headquarters", "Vancouver"])
        forest.link("HQ/VAN Site Link", "SMTP", ["Headquarters", "Vancouver"], cost: 50)
        let (snapshot, plan) = try plan(forest, "HQ-RES-DC-01")
        #expect(plan.connections.map { snapshot.transportName($0.transport) } == ["IP"])
        #expect(snapshot.findings.map(\.code) == [.mailAddressMissing])
        let dsa = try #require(snapshot.dsa(named: "HQ-RES-DC-01"))
        let text = PlanText(snapshot, plan).lines(
            for: dsa,
            at: TestForest.now,
            explains: true
        )
        #expect(
            text.contains {
                $0.contains(
                    "Vancouver has no bridgehead for it; BR3-VAN-DC-01 has no address on the transport"
                )
            }
        )
    }
}
