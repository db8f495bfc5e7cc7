import AdminAPI
import DomainController
import Foundation
import Identifiers
import InterSiteMessaging
import Logging
import Testing

/// HQ and Vancouver in one process: real databases, real S/MIME, real SMTP over loopback.
final class TwoSites {
    let folder: URL
    private(set) var hq: DomainControllerService
    private(set) var van: DomainControllerService
    private var tasks: [ObjectIdentifier: Task<Void, any Error>] = [:]

    var hqData: String { folder.appendingPathComponent("hq").path }
    var vanData: String { folder.appendingPathComponent("van").path }

    /// - Parameter prepare: what HQ writes before Vancouver joins.
    init(
        partOctetsMax: Int = 1 << 20,
        creditParts: Int = 64,
        joining: Joining = .byJoinFile,
        prepare: (DomainControllerService) async throws -> Void = { _ in }
    ) async throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("two-sites-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let hqData = folder.appendingPathComponent("hq").path
        let vanData = folder.appendingPathComponent("van").path
        let now = DomainControllerService.systemTime()
        _ = try await ForestCreation(
            forestName: "reskit.example",
            serverName: "HQ-RES-DC-01",
            siteName: "Headquarters",
            dataDirectory: hqData,
            mailAddress: nil,
            caName: nil
        ).run(log: Self.log, at: now)
        hq = try await Self.service(hqData, partOctetsMax, creditParts)
        try await prepare(hq)
        let added = try await hq.addDomain(
            DomainAddRequest(
                dnsName: "vancouver.reskit.example",
                serverName: "BR3-VAN-DC-01",
                siteName: "Vancouver",
                siteLink: "HQ/VAN Site Link",
                cost: 50,
                media: joining == .byJoinFile ? nil : false
            )
        )
        let media = joining == .byMedia ? try await hq.writeMedia(in: folder) : nil
        _ = try await Join(joinFile: Array(added.joinFile.utf8), dataDirectory: vanData, media: media)
            .run(log: Self.log, at: now)
        let request = try String(contentsOfFile: vanData + "/pki/dsa.csr", encoding: .utf8)
        let signed = try await hq.signRequest(SignRequest(signingRequestPEM: request, dsa: "BR3-VAN-DC-01"))
        _ = try await CertificateInstallation(
            dataDirectory: vanData,
            certificatePEM: Array(signed.certificatePEM.utf8)
        ).run()
        van = try await Self.service(vanData, partOctetsMax, creditParts)
    }

    /// Where Vancouver has schema and configuration from.
    enum Joining {
        case byJoinFile
        case byMedia
        case byMail
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    static let log: Logger = {
        var log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        log.logLevel = .critical
        return log
    }()

    private static func service(
        _ data: String,
        _ partOctetsMax: Int,
        _ creditParts: Int
    ) async throws -> DomainControllerService {
        var configuration = Configuration.standard(dataDirectory: data)
        configuration.smtp.listen = "127.0.0.1"
        configuration.smtp.port = 0
        configuration.replication.intervalSeconds = 2
        configuration.replication.notifyDelaySeconds = 0
        configuration.replication.partOctetsMax = partOctetsMax
        configuration.replication.creditParts = creditParts
        configuration.mail.isArchiveOn = true
        configuration.mail.retry = RetrySchedule("1 +") ?? .standard
        return try await DomainControllerService(configuration: configuration, log: log)
    }

    /// Starts both and tells each where the other listens.
    func start() async throws {
        for service in [hq, van] { try await start(service) }
        try await connect()
    }

    func start(_ service: DomainControllerService) async throws {
        try await service.start()
        tasks[ObjectIdentifier(service)] = Task { await service.replicate() }
    }

    func stop(_ service: DomainControllerService) async {
        await service.stop()
        _ = await tasks.removeValue(forKey: ObjectIdentifier(service))?.result
    }

    /// Lets another data directory stand in for HQ's; the one before is stopped.
    func replaceHQ(_ data: String) async throws {
        await stopIfRunning(hq)
        hq = try await another(data)
    }

    func stopIfRunning(_ service: DomainControllerService) async {
        if tasks[ObjectIdentifier(service)] != nil { await stop(service) }
    }

    /// A DSA on another data directory.
    func another(_ data: String) async throws -> DomainControllerService {
        try await Self.service(data, 1 << 20, 64)
    }

    /// Each learns the other's port.
    func connect() async throws {
        if let port = van.smtpPort { try await hq.setRoute(to: "BR3-VAN-DC-01", port: port) }
        if let port = hq.smtpPort { try await van.setRoute(to: "HQ-RES-DC-01", port: port) }
    }

    func stop() async {
        for service in [hq, van] { await stop(service) }
    }

    /// Asks on both sides, waits for the answers, until two dumps are equal.
    ///
    /// Bounded by requests, not by a clock: each round waits for what it asked for.
    func converge(rounds: Int = 12) async throws -> Bool {
        for _ in 0..<rounds {
            for service in [hq, van] {
                _ = try await service.replicateNow(ReplicateNowRequest(wait: true, timeoutSeconds: 60))
            }
            if try await dump(hq) == dump(van) { return true }
        }
        let (left, right) = (try await dump(hq), try await dump(van))
        let leftLines = Set(left.split(separator: "\n")), rightLines = Set(right.split(separator: "\n"))
        Issue.record(
            """
            only at HQ: \(leftLines.subtracting(rightLines).sorted().prefix(5).joined(separator: "\n"))
            only at Vancouver: \(rightLines.subtracting(leftLines).sorted().prefix(5).joined(separator: "\n"))
            HQ: \(try await hq.replicationNeighbors().inbound.map { "\($0.namingContext) \($0.result) \($0.resultText)" })
            Vancouver: \(try await van.replicationNeighbors().inbound.map { "\($0.namingContext) \($0.result) \($0.resultText)" })
            \(try await hq.status().eventCounts) \(try await van.status().eventCounts)
            """
        )
        return false
    }

    func dump(_ service: DomainControllerService) async throws -> String {
        var text: [UInt8] = []
        let query = ExportQuery(canonical: true, partialAttributesOnly: true)
        for try await piece in try await service.export(query) { text += piece }
        return String(decoding: text, as: UTF8.self)
    }

    static let root = "DC=reskit,DC=example"
    static let configuration = "CN=Configuration,DC=reskit,DC=example"
}

extension DomainControllerService {
    func writeMedia(in folder: URL, _ contexts: String...) async throws -> String {
        var octets: [UInt8] = []
        for try await piece in try await createMedia(MediaRequest(namingContexts: contexts)) {
            octets += piece
        }
        let file = folder.appendingPathComponent("\(UUID().uuidString.prefix(8)).media")
        try Data(octets).write(to: file)
        return file.path
    }

    /// The agent's loop, ended by `stop`.
    func replicate() async { await runAgent() }

    func setRoute(to server: String, port: Int) async throws {
        var configuration = currentSettings
        configuration.routes = [
            RouteRule(match: server, via: Route(host: "127.0.0.1", port: port, starttls: .opportunistic))
        ]
        try await reload(configuration)
    }
}

extension WriteOperation {
    static func add(_ dn: String, _ attributes: [String: [String]]) -> WriteOperation {
        .add(
            dn: dn,
            attributes: attributes.sorted { $0.key < $1.key }.map {
                AttributeReply(name: $0.key, values: $0.value.map { AttributeValue($0) })
            }
        )
    }

    static func change(
        _ dn: String,
        _ kind: AttributeModification.Kind,
        _ name: String,
        _ values: String...
    ) -> WriteOperation {
        .modify(
            target: ObjectTarget(dn: dn),
            modifications: [
                AttributeModification(operation: kind, name: name, values: values.map { AttributeValue($0) })
            ]
        )
    }
}
