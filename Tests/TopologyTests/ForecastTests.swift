import Identifiers
import Testing
import Topology

@Suite struct `The forecast` {
    /// A chain A - B - C: IP every hour at the first quarter, then mail once a day at 22:00.
    private func chain(secondOptions: Int = 1) -> TestForest {
        var forest = TestForest(seed: 41)
        forest.domain("d")
        for site in ["A", "B", "C"] {
            forest.site(site)
            forest.server("DC-\(site)", in: site, domain: "d")
        }
        let hourly = Schedule(open: stride(from: 0, to: 672, by: 4))
        let nightly = Schedule(open: stride(from: 88, to: 672, by: 96))
        forest.connection(to: ("DC-B", "B"), from: ("DC-A", "A"), via: "IP", schedule: hourly)
        forest.connection(
            to: ("DC-C", "C"),
            from: ("DC-B", "B"),
            via: "SMTP",
            options: secondOptions,
            schedule: nightly
        )
        return forest
    }

    private func forecast(_ forest: TestForest, from server: String, at time: String) throws -> [String:
        SiteForecast]
    {
        let snapshot = forest.snapshot
        let origin = try #require(snapshot.dsa(named: server))
        let context = try #require(snapshot.namingContexts.firstIndex { $0.kind == .configuration })
        var input = ForecastInput(Ref(context), from: origin, now: try #require(Timestamp(rfc3339: time)))
        input.transit = [
            "ip": TransitTimes(bestSeconds: 1, usualSeconds: 2, worstSeconds: 30),
            "smtp": TransitTimes(bestSeconds: 60, usualSeconds: 600, worstSeconds: 7_200),
        ]
        return Dictionary(
            uniqueKeysWithValues: Forecast(snapshot, input).sites().map { (snapshot[$0.site].name, $0) }
        )
    }

    private func time(_ text: String) -> Timestamp? { Timestamp(rfc3339: text) }

    @Test func `a change waits for the slot of each hop, then takes a request and an answer`() throws {
        let found = try forecast(chain(), from: "DC-A", at: "2026-11-30T12:10:00Z")
        #expect(found["A"]?.usual == time("2026-11-30T12:10:00Z"))
        #expect(found["B"]?.best == time("2026-11-30T13:00:02Z"))
        #expect(found["B"]?.usual == time("2026-11-30T13:00:04Z"))
        #expect(found["C"]?.best == time("2026-11-30T22:02:00Z"))
        #expect(found["C"]?.usual == time("2026-11-30T22:20:00Z"))
        // One request is lost on each hop: 14:00, and then the night after.
        #expect(found["B"]?.worst == time("2026-11-30T14:01:00Z"))
        #expect(found["C"]?.worst == time("2026-12-02T02:00:00Z"))
        #expect(found["C"]?.path.count == 3)
    }

    @Test func `a change just after the nightly slot is there a day later`() throws {
        let found = try forecast(chain(), from: "DC-B", at: "2026-11-30T22:00:01Z")
        #expect(found["C"]?.usual == time("2026-12-01T22:20:00Z"))
        let onTime = try forecast(chain(), from: "DC-B", at: "2026-11-30T22:00:00Z")
        #expect(onTime["C"]?.usual == time("2026-11-30T22:20:00Z"))
    }

    @Test func `notification over mail does not wait for the slot, unless it is lost`() throws {
        let found = try forecast(chain(secondOptions: 13), from: "DC-B", at: "2026-11-30T12:00:00Z")
        // 15 s, the word, the request, the answer.
        #expect(found["C"]?.usual == time("2026-11-30T12:30:15Z"))
        #expect(found["C"]?.worst == time("2026-12-02T02:00:00Z"))
    }

    @Test func `where no connection leads there is no time, and the DSA is named`() throws {
        let forest = chain()
        let found = try forecast(forest, from: "DC-C", at: "2026-11-30T12:00:00Z")
        #expect(found["C"]?.usual != nil)
        #expect(found["A"]?.usual == nil)
        #expect(found["A"]?.unreached.map { forest.snapshot.name(of: $0) } == ["A\\DC-A"])
    }

    @Test func `a planned forest is reached everywhere, best before usual before worst`() throws {
        for seed in UInt64(0)..<30 {
            var drawn = RandomForest(seed: seed)
            guard let first = drawn.servers.first else { continue }
            let plans = drawn.forest.planEverywhere()
            guard plans.values.allSatisfy(\.isWhole) else { continue }
            let found = try forecast(drawn.forest, from: first.name, at: "2026-11-30T12:00:00Z")
            for (site, forecast) in found {
                let best = try #require(forecast.best, "seed \(seed): \(site) is not reached")
                let usual = try #require(forecast.usual)
                let worst = try #require(forecast.worst)
                #expect(best <= usual && usual <= worst, "seed \(seed): \(site)")
            }
        }
    }
}
