import Foundation
import Identifiers
import Testing
import Topology

/// Whole plans as text and as Graphviz, kept as files: a change of behaviour is a difference to read.
///
/// `BRIDGEHEAD_RECORD_GOLDEN=1` writes them anew.
@Suite struct `Golden plans` {
    private static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("Golden")
    private static let isRecording = ProcessInfo.processInfo.environment["BRIDGEHEAD_RECORD_GOLDEN"] == "1"

    private func check(_ forest: TestForest, _ server: String, _ name: String) throws {
        let snapshot = forest.snapshot
        let dsa = try #require(snapshot.dsa(named: server))
        let plan = KCC.plan(snapshot, KCCInput(dsa: dsa, now: TestForest.now))
        let text =
            PlanText(snapshot, plan).lines(for: dsa, at: TestForest.now, explains: true)
            .joined(separator: "\n") + "\n"
        for (suffix, content) in [("plan", text), ("dot", DotText.digraph(snapshot, plan))] {
            let file = Self.folder.appendingPathComponent("\(name).\(suffix)")
            if Self.isRecording { try content.write(to: file, atomically: true, encoding: .utf8) }
            let expected = try String(contentsOf: file, encoding: .utf8)
            #expect(content == expected, "\(file.lastPathComponent) differs; see BRIDGEHEAD_RECORD_GOLDEN")
        }
    }

    @Test func `the guide, before and after the move`() throws {
        var before = TestForest(seed: 2000)
        before.domain("reskit")
        before.domain("vancouver")
        before.site("Headquarters", generator: "HQ-RES-DC-01")
        before.server("HQ-RES-DC-01", in: "Headquarters", domain: "reskit")
        before.server("BR3-VAN-DC-01", in: "Headquarters", domain: "vancouver")
        try check(before, "BR3-VAN-DC-01", "guide-one-site")
        var after = `The guide`.forest()
        after.connection(to: `The guide`.van, from: `The guide`.hq)
        try check(after, "BR3-VAN-DC-01", "guide-vancouver")
        try check(after, "HQ-RES-DC-01", "guide-headquarters")
        try check(`The guide`.forest(ipCost: 40), "BR3-VAN-DC-01", "guide-ip-cheaper")
    }

    @Test func `a hub with a branch behind a branch, windows and a preferred bridgehead`() throws {
        var forest = TestForest(seed: 21)
        forest.domain("corp")
        forest.domain("mine")
        forest.site("Hub", generator: "HUB-1")
        forest.server("HUB-1", in: "Hub", domain: "corp")
        forest.server("HUB-2", in: "Hub", domain: "corp", preferred: ["SMTP"])
        forest.server("HUB-3", in: "Hub", domain: "corp", isCatalog: false)
        for (site, domain) in [("Port", "corp"), ("Ship", "mine"), ("Mine", "mine")] {
            forest.site(site, generator: "\(site)-1")
            forest.server("\(site)-1", in: site, domain: domain)
        }
        forest.site("Depot")
        let nights = Schedule(windows: (0..<7).map { .init(firstQuarter: $0 * 96 + 88, quarters: 32) })
        forest.link("Hub-Port", "IP", ["Hub", "Port"], cost: 10, interval: 60, options: 1)
        forest.link("Port-Ship", "SMTP", ["Port", "Ship"], cost: 200, interval: 240, schedule: nights)
        forest.link("Hub-Depot", "IP", ["Hub", "Depot"], cost: 30)
        forest.link("Depot-Mine", "IP", ["Depot", "Mine"], cost: 30, interval: 360)
        forest.link("Hub-Ship", "SMTP", ["Hub", "Ship"], cost: 300)
        try check(forest, "HUB-1", "hub")
        try check(forest, "HUB-3", "hub-not-generator")
        try check(forest, "Ship-1", "ship")
    }

    @Test func `sites that schedules keep apart`() throws {
        var forest = TestForest(seed: 22)
        forest.domain("corp")
        for site in ["East", "Relay", "West"] { forest.site(site) }
        forest.server("East-1", in: "East", domain: "corp")
        forest.server("West-1", in: "West", domain: "corp")
        forest.link(
            "Days",
            "IP",
            ["East", "Relay"],
            schedule: Schedule(windows: [.init(firstQuarter: 0, quarters: 300)])
        )
        forest.link(
            "Nights",
            "IP",
            ["Relay", "West"],
            schedule: Schedule(windows: [.init(firstQuarter: 300, quarters: 300)])
        )
        forest.connection(to: ("East-1", "East"), from: ("West-1", "West"))
        try check(forest, "East-1", "apart")
    }
}
