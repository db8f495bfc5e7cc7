import Foundation
import Identifiers
import InterSiteMessaging
import Replication
import Store

/// The whole way: a full sync of an empty replica, durable, sealed, over SMTP between two mailroots.
enum SyncBench {
    /// Parts that may lie between the cut and the queue.
    private static let partsAheadMax = 4

    static func run(_ options: Options, _ report: inout Report) async throws {
        let workspace = try Workspace(in: options.folder)
        let forest = try BenchForest()
        let source = try await BenchStores.source(
            forest,
            people: options.count,
            at: "\(workspace.path)/hq.sqlite"
        )
        for run in 0..<options.runs {
            let folder = "\(workspace.path)/run-\(run)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            report.add("full sync over SMTP", options.count, try await sync(forest, source, in: folder))
        }
        try source.close()
    }

    private static func sync(
        _ forest: BenchForest,
        _ source: DirectoryStore,
        in folder: String
    ) async throws -> Sample {
        for site in ["hq", "van"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(site)",
                withIntermediateDirectories: true
            )
        }
        let (store, request) = try await BenchStores.destination(forest, at: "\(folder)/van/directory.sqlite")
        let applier = PartApplier(store, forest)
        let (arrivals, arrived) = AsyncStream<Void>.makeStream()
        let vancouver = try await MailSite(
            forest.vancouver,
            partner: forest.hq,
            forest: forest,
            at: "\(folder)/van"
        ) { message in
            try await applier.apply(try ApplyBench.part(message.payload))
            arrived.yield()
        }
        let hq = try await MailSite(
            forest.hq,
            partner: forest.vancouver,
            partnerPort: vancouver.listener.port,
            forest: forest,
            at: "\(folder)/hq"
        ) { _ in }
        var sample = Sample()
        let octets = try await sample.add {
            let (parts, cut) = AsyncThrowingStream<ChangesReply, any Error>.makeStream()
            let room = DispatchSemaphore(value: partsAheadMax)
            async let cutting: Void = self.cut(request, from: source, forest.hq.header, room, to: cut)
            var (partsSent, octets) = (0, 0)
            for try await part in parts {
                octets += try await hq.service.send(message(part, forest), via: "smtp").octets
                partsSent += 1
                room.signal()
            }
            await cutting
            for await _ in arrivals.prefix(partsSent) {}
            return octets
        }
        sample.octets = octets
        await hq.stop()
        await vancouver.stop()
        try store.close()
        return sample
    }

    private static func cut(
        _ request: ChangesRequest,
        from source: DirectoryStore,
        _ header: MessageHeader,
        _ room: DispatchSemaphore,
        to parts: AsyncThrowingStream<ChangesReply, any Error>.Continuation
    ) async {
        do {
            try await BenchStores.cut(request, from: source, header: header) { part in
                // Blocks the database reader's own thread, as the replication agent does.
                room.wait()
                parts.yield(part)
            }
            parts.finish()
        } catch {
            parts.finish(throwing: error)
        }
    }

    private static func message(_ part: ChangesReply, _ forest: BenchForest) -> IntersiteMessage {
        IntersiteMessage(
            id: BenchRandom.guid(),
            service: "replication",
            to: forest.vancouver.dsa,
            payload: ReplicationCodec.encode(.reply(part)),
            created: BenchForest.now,
            expires: BenchForest.now.adding(seconds: 30 * 86_400),
            summary: "part \(part.partNumber)"
        )
    }
}
