import Foundation

/// Figures of the data path: what stands between a change and its copy in another site.
@main struct Bench {
    static let usage = """
        usage: Bench codec [N] | seal-open [N] | apply N [--seal | --conflicts] | memory [N] | sync N | smtp [N]
                     | kcc [N]
               [--folder PATH] [--runs R] [--json]
           or: Bench people N --below DN | changes N [--people N] --below DN | fsync [--folder PATH]
        """

    static func main() async {
        do {
            let options = try Options(CommandLine.arguments.dropFirst())
            if try options.writeContent() { return }
            var report = Report(title: options.title)
            switch options.command {
            case .codec: try await CodecBench.run(options, &report)
            case .sealOpen: try SealBench.run(options, &report)
            case .apply where options.hasConflicts: try await ConflictBench.run(options, &report)
            case .apply: try await ApplyBench.run(options, &report)
            case .memory: try await MemoryBench.run(options, &report)
            case .fill: return try await MemoryBench.fill(in: options.folder)
            case .sync: try await SyncBench.run(options, &report)
            case .smtp: try await SMTPBench.run(options, &report)
            case .kcc: try KCCBench.run(options, &report)
            case .people, .changes, .fsync: return
            }
            report.fsyncMicroseconds = try fsyncMedian(in: options.folder)
            print(options.isJSON ? report.json : report.table)
        } catch {
            print("\(error)")
            exit(1)
        }
    }
}

/// What to measure, how often and where.
struct Options {
    enum Command: String, CaseIterable {
        case codec
        case sealOpen = "seal-open"
        case apply
        case memory
        /// What `memory` runs in a process of its own.
        case fill
        case sync
        case smtp
        case kcc
        case people
        case changes
        case fsync

        var countUnlessGiven: Int {
            switch self {
            case .codec, .sealOpen, .kcc: 1_000
            case .apply, .memory, .fill, .sync, .people, .changes, .fsync: 10_000
            case .smtp: 2_000
            }
        }
    }

    let command: Command
    private(set) var count: Int
    private(set) var runs = 3
    private(set) var isJSON = false
    private(set) var isSealed = false
    private(set) var hasConflicts = false
    private(set) var isCountGiven = false
    /// Where databases and mailroots are made; the disk under it is what is measured.
    private(set) var folder = FileManager.default.temporaryDirectory.path
    /// Whose changes `changes` goes through, again and again; all of them unless given.
    private var people: Int?
    /// The DN that people stand below, as LDIF has it.
    private var parent = ""

    init(_ arguments: some Sequence<String>) throws {
        var rest = Array(arguments)[...]
        guard let word = rest.popFirst(), let command = Command(rawValue: word) else {
            throw BenchError.usage
        }
        self.command = command
        count = command.countUnlessGiven
        while let argument = rest.popFirst() {
            switch argument {
            case "--json": isJSON = true
            case "--seal": isSealed = true
            case "--conflicts": hasConflicts = true
            case "--runs": runs = try Self.number(rest.popFirst())
            case "--folder":
                guard let path = rest.popFirst() else { throw BenchError.usage }
                folder = path
            case "--people": people = try Self.number(rest.popFirst())
            case "--below":
                guard let name = rest.popFirst() else { throw BenchError.usage }
                parent = name
            default: (count, isCountGiven) = (try Self.number(argument), true)
            }
        }
    }

    /// Whether the command wanted something else than a report: it is on stdout then.
    func writeContent() throws -> Bool {
        switch command {
        case .people: try PeopleLDIF.write(people: count, below: parent)
        case .changes: try PeopleLDIF.write(changes: count, people: people ?? count, below: parent)
        case .fsync: print(Report.text(try fsyncMedian(in: folder)))
        case .codec, .sealOpen, .apply, .memory, .fill, .sync, .smtp, .kcc: return false
        }
        return true
    }

    var title: String {
        guard command != .memory || isCountGiven else { return command.rawValue }
        return "\(command.rawValue) \(count)\(isSealed ? " sealed" : "")\(hasConflicts ? " conflicts" : "")"
    }

    private static func number(_ text: String?) throws -> Int {
        guard let number = text.flatMap(Int.init), number > 0 else { throw BenchError.usage }
        return number
    }
}

enum BenchError: Error, CustomStringConvertible {
    case usage
    case unexpected(String)

    var description: String {
        switch self {
        case .usage: Bench.usage
        case .unexpected(let what): what
        }
    }
}
