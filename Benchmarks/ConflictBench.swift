import DirectoryModel
import Foundation
import Identifiers
import Replication
import Store

/// Changes of people that are held already: applied where nothing else was written, and where half of the values lose
/// against newer ones that were written here.
enum ConflictBench {
    private static let objectsPerWrite = 1_000
    /// Written at HQ; the first half of them in Vancouver, too, a minute later.
    private static let attributes = [
        "title", "mobile", "street", "l", "telephoneNumber", "givenName", "physicalDeliveryOfficeName", "st",
    ]

    static func run(_ options: Options, _ report: inout Report) async throws {
        let workspace = try Workspace(in: options.folder)
        let forest = try BenchForest()
        let source = try await BenchStores.source(
            forest,
            people: options.count,
            at: "\(workspace.path)/hq.sqlite"
        )
        let plain = "\(workspace.path)/plain.sqlite", conflicting = "\(workspace.path)/conflicting.sqlite"
        let store = try await BenchStores.fill(plain, forest, from: source)
        try store.close()
        try FileManager.default.copyItem(atPath: plain, toPath: conflicting)
        let vancouver = try DirectoryStore(path: conflicting, sha256: BenchStores.digest)
        let half = Array(attributes.prefix(attributes.count / 2))
        try await change(half, of: options.count, in: vancouver, "in Vancouver", secondsLater: 60)
        try vancouver.close()
        try await change(attributes, of: options.count, in: source, "at HQ", secondsLater: 0)
        for run in 0..<options.runs {
            // In turn, so that both have the same disk.
            for (name, path) in [("apply changes", plain), ("half of the values lose", conflicting)] {
                let copy = "\(workspace.path)/run-\(run).sqlite"
                try FileManager.default.copyItem(atPath: path, toPath: copy)
                report.add(name, options.count, try await apply(forest, source, at: copy, name))
                try FileManager.default.removeItem(atPath: copy)
            }
        }
        report.compare("half of the values lose", with: "apply changes")
        try source.close()
    }

    private static func change(
        _ attributes: [String],
        of people: Int,
        in store: DirectoryStore,
        _ place: String,
        secondsLater: Int64
    ) async throws {
        let unit = BenchForest.domain.dn.child(RDN(type: .ou, value: "people"))
        for first in stride(from: 0, to: people, by: objectsPerWrite) {
            let writes = (first..<min(people, first + objectsPerWrite)).map { number in
                OriginatingOperation.modify(
                    .dn(unit.child(RDN(type: .uid, value: People.uid(number)))),
                    attributes.map { Modification(.replace, $0, [Array("\($0) of \(number) \(place)".utf8)]) }
                )
            }
            let time = BenchForest.now.adding(seconds: secondsLater)
            _ = try await store.originate(writes, at: time, randomGUID: BenchRandom.guid)
        }
    }

    /// Cuts HQ's answer to this replica, then applies it part by part; only that is measured.
    private static func apply(
        _ forest: BenchForest,
        _ source: DirectoryStore,
        at path: String,
        _ name: String
    ) async throws -> Sample {
        let store = try DirectoryStore(path: path, sha256: BenchStores.digest)
        let request = try await BenchStores.request(forest, store)
        let parts = Collected<ChangesReply>()
        try await BenchStores.cut(request, from: source, header: forest.hq.header) { parts.append($0) }
        var sample = Sample()
        var outcomes: [PartOutcome] = []
        for part in parts.elements {
            outcomes += try await sample.add {
                try await store.apply([part], context: ApplyBench.context(forest))
            }
        }
        try ApplyBench.check(outcomes)
        let (taken, lost) = outcomes.reduce((0, 0)) { ($0.0 + $1.attributesApplied, $0.1 + $1.conflicts) }
        let expected = name == "apply changes" ? 0 : taken
        guard taken > 0, lost == expected else {
            throw BenchError.unexpected("\(name): \(taken) values were taken, \(lost) lost")
        }
        try store.close()
        return sample
    }
}

/// What a destination needs of memory for a replica of any size: a process of its own fills one from a file of parts.
enum MemoryBench {
    private static let sizes = [50_000, 200_000, 400_000]

    static func run(_ options: Options, _ report: inout Report) async throws {
        let forest = try BenchForest()
        for people in options.isCountGiven ? [options.count / 4, options.count] : sizes {
            let workspace = try Workspace(in: options.folder)
            let source = try await BenchStores.source(
                forest,
                people: people,
                at: "\(workspace.path)/hq.sqlite"
            )
            let (empty, request) = try await BenchStores.destination(
                forest,
                at: "\(workspace.path)/van.sqlite"
            )
            try empty.close()
            let file = try FileHandle.creating("\(workspace.path)/parts")
            try await BenchStores.cut(request, from: source, header: forest.hq.header) { part in
                let payload = ReplicationCodec.encode(.reply(part))
                try withUnsafeBytes(of: UInt64(payload.count)) { try file.write(contentsOf: Data($0)) }
                try file.write(contentsOf: Data(payload))
            }
            try file.close()
            try source.close()
            let child = Process()
            child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            child.arguments = ["fill", "--folder", workspace.path]
            let output = Pipe()
            child.standardOutput = output
            try child.run()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            child.waitUntilExit()
            let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
            guard child.terminationStatus == 0, numbers.count == 3 else { throw BenchError.unexpected(text) }
            let sample = Sample(wall: numbers[0], cpu: numbers[1])
            report.add("\(people) objects", people, sample, peakMebibytes: numbers[2])
        }
    }

    /// The child: seconds, processor seconds and the peak in MiB go to stdout.
    static func fill(in folder: String) async throws {
        let forest = try BenchForest()
        let store = try DirectoryStore(path: "\(folder)/van.sqlite", sha256: BenchStores.digest)
        guard let file = FileHandle(forReadingAtPath: "\(folder)/parts") else {
            throw BenchError.unexpected("no parts in \(folder)")
        }
        var sample = Sample()
        while let head = try file.read(upToCount: 8), head.count == 8 {
            let count = head.enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
            let payload = [UInt8](try file.read(upToCount: count) ?? Data())
            let outcomes = try await sample.add {
                try await store.apply([try ApplyBench.part(payload)], context: ApplyBench.context(forest))
            }
            try ApplyBench.check(outcomes)
        }
        try store.close()
        print(sample.wall, sample.cpu, Report.peakMebibytes)
    }
}

extension FileHandle {
    fileprivate static func creating(_ path: String) throws -> FileHandle {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw BenchError.unexpected("cannot write \(path)") }
        return handle
    }
}
