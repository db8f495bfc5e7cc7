import Identifiers
import Replication
import Store
import Synchronization

/// Messages to octets and back, in memory.
enum CodecBench {
    static func run(_ options: Options, _ report: inout Report) async throws {
        let workspace = try Workspace(in: options.folder)
        let forest = try BenchForest()
        let parts = try await Self.parts(forest, people: options.count, in: workspace)
        let count = parts.reduce(0) { $0 + $1.objects.count }
        for _ in 0..<options.runs {
            var encoding = Sample()
            let messages = encoding.add { parts.map { ReplicationCodec.encode(.reply($0)) } }
            encoding.octets = messages.reduce(0) { $0 + $1.count }
            report.add("encode", count, encoding)
            var decoding = Sample()
            let decoded = try decoding.add { try messages.map { try ReplicationCodec.decode($0) } }
            report.add("decode", count, decoding)
            guard decoded.count == parts.count else { throw BenchError.unexpected("parts were lost") }
        }
    }

    /// The answer to an empty replica.
    static func parts(
        _ forest: BenchForest,
        people: Int,
        in workspace: Workspace
    ) async throws -> [ChangesReply] {
        let source = try await BenchStores.source(forest, people: people, at: "\(workspace.path)/hq.sqlite")
        let (empty, request) = try await BenchStores.destination(forest, at: "\(workspace.path)/van.sqlite")
        defer {
            try? source.close()
            try? empty.close()
        }
        let parts = Collected<ChangesReply>()
        try await BenchStores.cut(request, from: source, header: forest.hq.header) { parts.append($0) }
        return parts.elements
    }
}

/// What a closure on another thread has put together.
final class Collected<Element: Sendable>: Sendable {
    private let state = Mutex<[Element]>([])

    var elements: [Element] { state.withLock { $0 } }

    func append(_ element: Element) { state.withLock { $0.append(element) } }
}
