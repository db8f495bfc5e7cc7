import Foundation
import Identifiers
import Logging
import PKI
import SMTP
import SecureMail
import Synchronization

@testable import InterSiteMessaging

/// A value that tests and closures share.
final class Box<Value: Sendable>: Sendable {
    private let state: Mutex<Value>
    init(_ value: Value) { state = Mutex(value) }
    var value: Value {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
    func change(_ body: (inout Value) -> Void) { state.withLock { body(&$0) } }
}

/// One DSA's messaging: mailroot, transport, listener and a service that remembers what it got.
final class TestSite: Sendable {
    typealias Handler = @Sendable (ReceivedMessage) async throws -> Void

    struct Options: Sendable {
        var directory: TemporaryDirectory?
        /// Below `directory` when nil.
        var base: String?
        var fileSystem: any FileSystem = POSIXFileSystem()
        var isArchiveOn = true
        var settings = TestSite.settings
        var limits = SecureMailLimits()
        var server: @Sendable (inout SMTPListener.Settings) -> Void = { _ in }
        var handler: Handler?
    }

    let forest: TestForest
    let member: TestForest.Member
    let directory: TemporaryDirectory
    let events = EventLog()
    let received = Box<[ReceivedMessage]>([])
    /// The way to the other site; nobody listens there before a test says where.
    let route = Box(Route(host: "127.0.0.1", port: DeafPort.shared.port, starttls: .off))
    let members: Box<[GUID]>
    let root: MailRoot
    let committed: CommittedMessageLog
    let transport: SMTPTransport
    let service: InterSiteMessagingService
    private let options: Options
    private let listener = Box<SMTPListener?>(nil)

    static var settings: SMTPTransportSettings {
        var settings = SMTPTransportSettings()
        settings.retry = RetrySchedule("0 +") ?? .standard
        settings.pollSeconds = 0.02
        settings.restSeconds = 0
        settings.settleSeconds = 0
        return settings
    }

    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    init(
        _ member: TestForest.Member,
        partner: TestForest.Member,
        forest: TestForest,
        _ options: Options = Options()
    ) async throws {
        self.forest = forest
        self.member = member
        self.options = options
        directory = try options.directory ?? TemporaryDirectory()
        let base = options.base ?? directory.path
        var limits = MailRootLimits()
        limits.isArchiveOn = options.isArchiveOn
        limits.diskThreads = 2
        root = try await MailRoot.open(
            at: "\(base)/mailroot",
            fileSystem: options.fileSystem,
            limits: limits,
            now: { TestForest.now },
            randomGUID: TestRandom.guid
        )
        committed = try await CommittedMessageLog.open(
            at: "\(base)/committed",
            fileSystem: options.fileSystem,
            now: TestForest.now
        )
        members = Box([member.dsa, partner.dsa])
        let context = TransportContext(
            membership: { [members] in forest.membership(of: member.dsa, members: members.value) },
            partner: { [route] _ in
                PartnerRoute(
                    dsaGUID: partner.dsa,
                    name: partner.name,
                    mailAddress: partner.address,
                    certificates: [partner.pair.certificate],
                    route: route.value
                )
            },
            ownAddress: member.address,
            hostName: "localhost",
            now: { TestForest.now },
            randomGUID: TestRandom.guid,
            events: { [events] in events.post($0) }
        )
        transport = SMTPTransport(
            context: context,
            protection: try SMIMEProtection(
                ownCertificate: member.pair.certificate,
                ownKey: member.pair.key,
                limits: options.limits
            ),
            mailRoot: root,
            committed: committed,
            settings: options.settings,
            log: Self.quiet
        )
        service = InterSiteMessagingService(log: Self.quiet)
        let handler = options.handler
        await service.register(service: "replication") { [received] message in
            try await handler?(message)
            received.change { $0.append(message) }
        }
        await service.add(transport: transport)
    }

    /// HQ and Vancouver with listeners, each knowing the other's port.
    static func pair(
        hq: Options = Options(),
        vancouver: Options = Options()
    ) async throws -> (hq: TestSite, vancouver: TestSite) {
        let forest = try TestForest.shared.get()
        let first = try await TestSite(forest.hq, partner: forest.vancouver, forest: forest, hq)
        let second = try await TestSite(forest.vancouver, partner: forest.hq, forest: forest, vancouver)
        try await first.start()
        try await second.start()
        first.route.value.port = try await second.listen()
        second.route.value.port = try await first.listen()
        return (first, second)
    }

    /// Vancouver alone, receiving only what is put into its Drop.
    static func vancouver(_ options: Options = Options()) async throws -> TestSite {
        let forest = try TestForest.shared.get()
        return try await TestSite(forest.vancouver, partner: forest.hq, forest: forest, options)
    }

    static func hq(_ options: Options = Options()) async throws -> TestSite {
        let forest = try TestForest.shared.get()
        return try await TestSite(forest.hq, partner: forest.vancouver, forest: forest, options)
    }

    func start() async throws { try await service.start() }

    /// Returns the port.
    @discardableResult
    func listen() async throws -> Int {
        var settings = SMTPListener.Settings(
            host: "127.0.0.1",
            port: 0,
            server: SMTPServerConfiguration(
                hostName: "localhost",
                recipients: RecipientPolicy(mailboxes: [member.address])
            )
        )
        options.server(&settings)
        let started = try await SMTPListener.start(
            settings,
            mailRoot: root,
            events: { [events] in events.post($0) },
            log: Self.quiet
        )
        listener.value = started
        return started.port
    }

    func stop() async {
        await listener.value?.stop()
        await service.stop()
    }

    func message(
        _ payload: [UInt8],
        key: String? = nil,
        service: String = "replication",
        mayFragment: Bool = false
    ) -> IntersiteMessage {
        IntersiteMessage(
            id: TestRandom.guid(),
            service: service,
            to: partnerDSA,
            payload: payload,
            created: TestForest.now,
            expires: TestForest.now.adding(seconds: 30 * 86_400),
            summary: "\(payload.count) octets",
            coalescingKey: key,
            mayFragment: mayFragment
        )
    }

    private var partnerDSA: GUID { member.dsa == forest.hq.dsa ? forest.vancouver.dsa : forest.hq.dsa }

    @discardableResult
    func send(_ payload: [UInt8], key: String? = nil) async throws -> SendReceipt {
        try await service.send(message(payload, key: key), via: "smtp")
    }

    /// Puts a file into Drop as `cp` does.
    func copyIn(_ octets: [UInt8], name: String) throws {
        try Data(octets).write(to: URL(filePath: "\(root.path)/Drop/\(name)"))
    }

    func count(_ folder: MailFolder) async throws -> Int { try await root.list(folder).count }
}

/// A port that is taken but refuses connections.
final class DeafPort: Sendable {
    static let shared = DeafPort()
    let port: Int
    private let descriptor: CInt

    init() {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = withUnsafeMutablePointer(to: &address) { [descriptor] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                guard bind(descriptor, pointer, length) == 0, getsockname(descriptor, pointer, &length) == 0
                else { return 0 }
                return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    Int(UInt16(bigEndian: $0.pointee.sin_port))
                }
            }
        }
    }

    deinit { close(descriptor) }
}
