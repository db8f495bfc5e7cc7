import ArgumentParser
import Simulator

/// One destination that pulls a large naming context over slow and lossy mail, instead of forests.
///
/// The store, the cutting of parts and the destination's cursors are production code; mail is a delay and a chance
/// of loss, and the data of the parts is not applied.
struct LongPullOptions: ParsableArguments {
    @Option(help: "Count the round trips of a pull of so many objects; 1 when the median is over --most.")
    var cycle: Int?
    @Option(help: "Seconds of a round trip.") var roundTrip = 600
    @Option(help: "Percent of the mails that are lost.") var loss = 5
    @Option(help: "Round trips that the median may have.") var most = 4.0

    func validate() throws {
        guard (cycle ?? 1) > 0, roundTrip > 0, (0..<100).contains(loss) else {
            throw ValidationError("objects and seconds start at 1; a loss is below 100 percent")
        }
    }

    func run(seeds: Int, from: UInt64, verbose: Bool) async throws {
        guard let objects = cycle, seeds > 0 else { return }
        var settings = LongPullSettings()
        (settings.objects, settings.roundTripSeconds, settings.lossPercent) = (objects, roundTrip, loss)
        let world = try await LongPull(settings)
        var results: [LongPullResult] = []
        for seed in (0..<UInt64(seeds)).map({ from + $0 }) {
            let result = try world.run(seed: seed)
            results.append(result)
            guard verbose else { continue }
            print(
                "seed \(seed): \(trips(result)) round trips, \(result.requests) requests, \(result.parts) parts, "
                    + "\(result.duplicates) of them here before, \(result.lost) mails lost"
            )
        }
        let sorted = results.map(trips).sorted()
        let median = sorted[(sorted.count - 1) / 2]
        let parts = results.map(\.parts).sorted()[(results.count - 1) / 2]
        let requests = results.map(\.requests).sorted()[(results.count - 1) / 2]
        print(
            "\(objects) objects, \(roundTrip) s round trip, \(loss) % loss, \(seeds) seeds: "
                + "median \(median), maximum \(sorted[sorted.count - 1]) round trips until adopted; "
                + "median \(requests) requests, \(parts) parts"
        )
        guard median <= most else { throw ExitCode(1) }
    }

    /// Rounded up to tenths.
    private func trips(_ result: LongPullResult) -> Double {
        let trip = Int64(roundTrip)
        return Double((result.seconds * 10 + trip - 1) / trip) / 10
    }
}
