import Identifiers
import PKI
import Replication
import SecureMail
import Store
import Synchronization

/// An empty replica filled from another database: stage by stage, then all stages at once.
enum ApplyBench {
    static func run(_ options: Options, _ report: inout Report) async throws {
        let workspace = try Workspace(in: options.folder)
        let forest = try BenchForest()
        let source = try await BenchStores.source(
            forest,
            people: options.count,
            at: "\(workspace.path)/hq.sqlite"
        )
        let path = try Path(forest, source, isSealed: options.isSealed)
        for run in 0..<options.runs {
            let stages = try await path.stages(at: "\(workspace.path)/stages-\(run).sqlite")
            for (name, sample) in stages { report.add(name, options.count, sample) }
            let whole = try await path.together(at: "\(workspace.path)/together-\(run).sqlite")
            report.add("all at once", options.count, whole)
        }
        try source.close()
    }

    /// The way of the parts from one database to the other.
    private struct Path: Sendable {
        let forest: BenchForest
        let source: DirectoryStore
        /// Nil without `--seal`.
        let protections: (hq: SMIMEProtection, vancouver: SMIMEProtection)?

        init(_ forest: BenchForest, _ source: DirectoryStore, isSealed: Bool) throws {
            self.forest = forest
            self.source = source
            protections = isSealed ? (try forest.hq.protection, try forest.vancouver.protection) : nil
        }

        /// Each stage by itself; every part is a transaction of its own.
        func stages(at path: String) async throws -> [(String, Sample)] {
            let (store, request) = try await BenchStores.destination(forest, at: path)
            var (cutting, opening, decoding, applying) = (Sample(), Sample(), Sample(), Sample())
            let sending = Mutex((encode: Sample(), seal: Sample()))
            let mails = Collected<[UInt8]>()
            try await cutting.add {
                try await BenchStores.cut(request, from: source, header: forest.hq.header) { part in
                    let mail = try sending.withLock { sample in
                        let payload = sample.encode.add { ReplicationCodec.encode(.reply(part)) }
                        sample.encode.octets += payload.count
                        guard let protections else { return payload }
                        let mail = try sample.seal.add { try forest.seal(payload, protections.hq) }
                        sample.seal.octets += mail.count
                        return mail
                    }
                    mails.append(mail)
                }
            }
            let (encoding, sealing) = sending.withLock { $0 }
            cutting.wall -= encoding.wall + sealing.wall
            cutting.cpu -= encoding.cpu + sealing.cpu
            for mail in mails.elements {
                let payload = try protections.map { protections in
                    try opening.add { try forest.open(mail, protections.vancouver) }
                }
                let part = try decoding.add { try ApplyBench.part(payload ?? mail) }
                let outcomes = try await applying.add {
                    try await store.apply([part], context: ApplyBench.context(forest))
                }
                try ApplyBench.check(outcomes)
            }
            try store.close()
            let sealed = protections == nil ? [] : [("gzip, sign, encrypt", sealing)]
            let opened = protections == nil ? [] : [("decrypt, verify, inflate", opening)]
            return [("snapshot and cut", cutting), ("encode", encoding)] + sealed + opened
                + [("decode", decoding), ("apply", applying)]
        }

        /// Cutting, opening and applying side by side, as two sites would.
        func together(at path: String) async throws -> Sample {
            let (store, request) = try await BenchStores.destination(forest, at: path)
            let applier = PartApplier(store, forest)
            let (mails, sender) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
            var sample = Sample()
            let sent = Collected<Int>()
            try await sample.add {
                async let cutting: Void = send(request, sent, to: sender)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for try await mail in mails {
                        let payload = try protections.map { try forest.open(mail, $0.vancouver) } ?? mail
                        let part = try ApplyBench.part(payload)
                        group.addTask { try await applier.apply(part) }
                    }
                    try await group.waitForAll()
                }
                await cutting
            }
            sample.octets = sent.elements.reduce(0, +)
            try store.close()
            return sample
        }

        private func send(
            _ request: ChangesRequest,
            _ sent: Collected<Int>,
            to sender: AsyncThrowingStream<[UInt8], any Error>.Continuation
        ) async {
            do {
                try await BenchStores.cut(request, from: source, header: forest.hq.header) { part in
                    let payload = ReplicationCodec.encode(.reply(part))
                    let mail = try protections.map { try forest.seal(payload, $0.hq) } ?? payload
                    sent.append(mail.count)
                    sender.yield(mail)
                }
                sender.finish()
            } catch {
                sender.finish(throwing: error)
            }
        }
    }

    static func context(_ forest: BenchForest) -> ApplyContext {
        ApplyContext(ownDSA: forest.vancouver.dsa, now: BenchForest.now)
    }

    static func part(_ payload: [UInt8]) throws -> ChangesReply {
        guard case .reply(let part) = try ReplicationCodec.decode(payload) else {
            throw BenchError.unexpected("a part came back as another message")
        }
        return part
    }

    static func check(_ outcomes: [PartOutcome]) throws {
        for outcome in outcomes {
            guard case .apply = outcome.verdict else {
                throw BenchError.unexpected("a part was not applied: \(outcome.verdict)")
            }
        }
    }
}

/// A part between its arrival and its commit.
private struct Waiting {
    let part: ChangesReply
    let continuation: CheckedContinuation<Void, any Error>
}

/// Applies what waits in one transaction, as the replication agent does.
actor PartApplier {
    private static let partsPerTransactionMax = 64

    private let store: DirectoryStore
    private let forest: BenchForest
    private var waiting: [Waiting] = []
    private var isApplying = false

    init(_ store: DirectoryStore, _ forest: BenchForest) {
        self.store = store
        self.forest = forest
    }

    /// Returns when the part is committed.
    func apply(_ part: ChangesReply) async throws {
        try await withCheckedThrowingContinuation { continuation in
            waiting.append(Waiting(part: part, continuation: continuation))
            guard !isApplying else { return }
            isApplying = true
            Task { await applyWaiting() }
        }
    }

    private func applyWaiting() async {
        while !waiting.isEmpty {
            let batch = Array(waiting.prefix(Self.partsPerTransactionMax))
            waiting.removeFirst(batch.count)
            do {
                let outcomes = try await store.apply(batch.map(\.part), context: ApplyBench.context(forest))
                try ApplyBench.check(outcomes)
                for entry in batch { entry.continuation.resume() }
            } catch {
                for entry in batch { entry.continuation.resume(throwing: error) }
            }
        }
        isApplying = false
    }
}
