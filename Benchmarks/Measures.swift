import Foundation
import Glibc

/// Elapsed and processor time of one stage, and the octets that it made.
struct Sample {
    var wall = 0.0
    var cpu = 0.0
    var octets = 0

    /// Adds what `body` takes; the processor time is that of the whole process.
    mutating func add<T>(_ body: () throws -> T) rethrows -> T {
        let start = Clocks.now
        defer { add(since: start) }
        return try body()
    }

    mutating func add<T>(_ body: () async throws -> T) async rethrows -> T {
        let start = Clocks.now
        defer { add(since: start) }
        return try await body()
    }

    mutating func add(since start: Clocks) {
        let end = Clocks.now
        wall += end.wall - start.wall
        cpu += end.cpu - start.cpu
    }
}

/// Both clocks at one moment, in seconds.
struct Clocks {
    let wall: Double
    let cpu: Double

    static var now: Clocks {
        Clocks(wall: seconds(CLOCK_MONOTONIC), cpu: seconds(CLOCK_PROCESS_CPUTIME_ID))
    }

    static var threadCPU: Double { seconds(CLOCK_THREAD_CPUTIME_ID) }

    private static func seconds(_ clock: CInt) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// The stages of one command over its runs.
struct Report {
    let title: String
    private(set) var stages: [(name: String, items: Int, unit: String, samples: [Sample])] = []
    /// Of stages that ran in a process of their own.
    private var peaks: [String: Double] = [:]
    private var comparison: (stage: String, base: String)?
    /// The median of small writes with fsync, measured when the stages are done.
    var fsyncMicroseconds = 0.0

    init(title: String) { self.title = title }

    /// One run of one stage; runs of the same name are its samples.
    mutating func add(_ name: String, _ items: Int, _ sample: Sample, unit: String = "objects") {
        if let index = stages.firstIndex(where: { $0.name == name }) {
            stages[index].samples.append(sample)
        } else {
            stages.append((name, items, unit, [sample]))
        }
    }

    mutating func add(_ name: String, _ items: Int, _ sample: Sample, peakMebibytes: Double) {
        add(name, items, sample)
        peaks[name] = max(peaks[name] ?? 0, peakMebibytes)
    }

    /// The table ends with how many times as fast as `base` the stage was.
    mutating func compare(_ stage: String, with base: String) { comparison = (stage, base) }

    /// Of medians of the same run.
    private var ratio: Double? {
        guard let comparison, let stage = rows.first(where: { $0.name == comparison.stage }),
            let base = rows.first(where: { $0.name == comparison.base }), base.perSecond > 0
        else { return nil }
        return stage.perSecond / base.perSecond
    }

    private struct Row {
        let name: String
        let items: Int
        let unit: String
        let perSecond: Double
        let cpuMicroseconds: Double
        /// Nil where no octets were made.
        let octets: Double?
    }

    private var rows: [Row] {
        stages.map { stage in
            let count = Double(stage.items)
            let octets = Self.median(stage.samples.map { Double($0.octets) }) / count
            return Row(
                name: stage.name,
                items: stage.items,
                unit: stage.unit,
                perSecond: count / Self.median(stage.samples.map(\.wall)),
                cpuMicroseconds: Self.median(stage.samples.map(\.cpu)) / count * 1e6,
                octets: octets > 0 ? octets : nil
            )
        }
    }

    private var runs: Int { stages.map(\.samples.count).max() ?? 0 }

    /// The layout of scripts/bench; memory is the process's, the fsync latency of the minute that has just ended.
    var table: String {
        let unit = rows.first?.unit ?? "objects"
        let latency = Self.whole(fsyncMicroseconds)
        let head = [
            Self.line("", unit, "CPU us/", "octets/", "RSS", "fsync us"),
            Self.line("", "/s", String(unit.dropLast()), String(unit.dropLast()), "MiB", "p50"),
        ]
        let lines = rows.map { row in
            Self.line(
                row.name,
                Self.whole(row.perSecond),
                Self.text(row.cpuMicroseconds),
                row.octets.map(Self.whole) ?? "-",
                Self.whole(peaks[row.name] ?? Self.peakMebibytes),
                latency
            )
        }
        let tail =
            ratio.map { ["", "\(comparison?.stage ?? ""): \(String(format: "%.2f", $0)) times as fast"] }
            ?? []
        return (["\(title); median of \(runs)", ""] + head + lines + tail).joined(separator: "\n")
    }

    /// One object in the form of scripts/bench; what was not measured is null.
    var json: String {
        let rows = rows.map { row in
            #"{"system":"\#(row.name)","items":\#(row.items),"perSecond":\#(Self.text(row.perSecond)),"#
                + #""cpuMicroseconds":{"source":null,"receiver":null,"sum":\#(Self.text(row.cpuMicroseconds))},"#
                + #""octets":\#(row.octets.map(Self.text) ?? "null"),"peakMebibytes":"#
                + #"\#(Self.text(peaks[row.name] ?? Self.peakMebibytes)),"fsyncMicroseconds":\#(Self.whole(fsyncMicroseconds))}"#
        }
        return #"{"benchmark":"\#(title.prefix { $0 != " " })","title":"\#(title)","#
            + #""unit":"\#(stages.first?.unit.dropLast() ?? "")","runs":\#(runs),"#
            + #""ratio":\#(ratio.map { String(format: "%.3f", $0) } ?? "null"),"#
            + #""rows":[\#(rows.joined(separator: ","))]}"#
    }

    private static func line(_ name: String, _ columns: String...) -> String {
        let padded = { (text: String, width: Int) in
            String(repeating: " ", count: max(1, width - text.count)) + text
        }
        return name + String(repeating: " ", count: max(0, 28 - name.count))
            + columns.map { padded($0, 11) }.joined()
    }

    private static func whole(_ value: Double) -> String { String(format: "%.0f", value) }

    static func text(_ value: Double) -> String { String(format: "%.1f", value) }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The most memory that the process has held; both sites and the load are in it.
    static var peakMebibytes: Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_maxrss) / 1_024
    }
}

/// The median time of a hundred small writes with fsync, in microseconds: durable figures hang on it.
func fsyncMedian(in folder: String) throws -> Double {
    let path = "\(folder)/fsync-\(UUID().uuidString)"
    let file = open(path, O_CREAT | O_EXCL | O_WRONLY, 0o600)
    guard file >= 0 else { throw BenchError.unexpected("cannot write in \(folder)") }
    defer {
        close(file)
        unlink(path)
    }
    let line = [UInt8](repeating: 0x2e, count: 100)
    var times: [Double] = []
    for _ in 0..<100 {
        let start = Clocks.now.wall
        guard write(file, line, line.count) == line.count, fsync(file) == 0 else {
            throw BenchError.unexpected("a write with fsync in \(folder) failed")
        }
        times.append((Clocks.now.wall - start) * 1e6)
    }
    return Report.median(times)
}

/// A folder of its own below `parent`, removed at the end.
final class Workspace: Sendable {
    let path: String

    init(in parent: String) throws {
        path = "\(parent)/bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
