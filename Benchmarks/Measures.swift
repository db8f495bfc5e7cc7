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

    private struct Row {
        let name: String
        let unit: String
        let perSecond: Double
        let wallMicroseconds: Double
        let cpuMicroseconds: Double
        let octets: Double
    }

    private var rows: [Row] {
        stages.map { stage in
            let wall = Self.median(stage.samples.map(\.wall))
            let count = Double(stage.items)
            return Row(
                name: stage.name,
                unit: stage.unit,
                perSecond: count / wall,
                wallMicroseconds: wall / count * 1e6,
                cpuMicroseconds: Self.median(stage.samples.map(\.cpu)) / count * 1e6,
                octets: Self.median(stage.samples.map { Double($0.octets) }) / count
            )
        }
    }

    var table: String {
        let head = Self.line("stage", "per second", "wall us", "CPU us", "octets")
        let lines = rows.map { row in
            Self.line(
                row.name,
                "\(Int(row.perSecond)) \(row.unit)",
                Self.text(row.wallMicroseconds),
                Self.text(row.cpuMicroseconds),
                row.octets > 0 ? Self.text(row.octets) : "-"
            )
        }
        let foot =
            "peak RSS \(Self.text(Self.peakMebibytes)) MiB, fsync p50 \(Self.text(fsyncMicroseconds)) us, "
            + "median of \(stages.map(\.samples.count).max() ?? 0)"
        return (["\(title); us and octets per item", head] + lines + [foot]).joined(separator: "\n")
    }

    var json: String {
        let stages = rows.map { row in
            #"{"stage":"\#(row.name)","unit":"\#(row.unit)","perSecond":\#(Self.text(row.perSecond)),"#
                + #""wallMicroseconds":\#(Self.text(row.wallMicroseconds)),"#
                + #""cpuMicroseconds":\#(Self.text(row.cpuMicroseconds)),"octets":\#(Self.text(row.octets))}"#
        }
        return #"{"title":"\#(title)","peakMebibytes":\#(Self.text(Self.peakMebibytes)),"#
            + #""fsyncMicroseconds":\#(Self.text(fsyncMicroseconds)),"stages":[\#(stages.joined(separator: ","))]}"#
    }

    private static func line(_ name: String, _ columns: String...) -> String {
        let padding = { (text: String, width: Int) in
            String(repeating: " ", count: max(1, width - text.count))
        }
        return name
            + columns.reduce(padding(name, 28)) { line, text in
                line + padding(text, line.utf8.count + name.utf8.count == 28 ? 20 : 10) + text
            }
    }

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
