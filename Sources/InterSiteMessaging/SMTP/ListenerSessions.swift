import Logging
import NIOCore
import NIOSSL
import SMTP
import Synchronization

/// The listener's open sessions, counted in all and per source.
final class ListenerSessions: Sendable {
    private struct State {
        var open: [ObjectIdentifier: (channel: any Channel, source: String)] = [:]
        var perSource: [String: Int] = [:]
        var tls: NIOSSLContext?
        var isStopping = false
        /// Files being opened, written, stored or removed.
        var diskWorks = 0
    }

    let settings: SMTPListener.Settings
    let mailRoot: MailRoot
    let events: @Sendable (MailEvent) -> Void
    let log: Logger
    private let state: Mutex<State>
    private let idleBell = Bell()

    init(
        settings: SMTPListener.Settings,
        tls: NIOSSLContext?,
        mailRoot: MailRoot,
        events: @escaping @Sendable (MailEvent) -> Void,
        log: Logger
    ) {
        self.settings = settings
        self.mailRoot = mailRoot
        self.events = events
        self.log = log
        state = Mutex(State(tls: tls))
    }

    var tls: NIOSSLContext? { state.withLock { $0.tls } }

    func setTLS(_ context: NIOSSLContext?) { state.withLock { $0.tls = context } }

    /// Gives a new connection its handlers; on its event loop.
    func admit(_ channel: any Channel) throws {
        let source = channel.remoteAddress?.ipAddress ?? "unknown"
        let taken = state.withLock { state -> Int? in
            guard !state.isStopping, state.open.count < settings.sessionsMax,
                state.perSource[source] ?? 0 < settings.sessionsPerSourceMax
            else { return nil }
            state.open[ObjectIdentifier(channel)] = (channel, source)
            state.perSource[source, default: 0] += 1
            return state.open.count
        }
        guard let taken else {
            log.notice("connection refused: too many", metadata: ["source": "\(source)"])
            return try channel.pipeline.syncOperations.addHandler(RefusingHandler())
        }
        channel.closeFuture.whenComplete { [weak self] _ in self?.forget(ObjectIdentifier(channel)) }
        if settings.isImplicitTLS, let tls {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
        }
        var server = settings.server
        server.offersSTARTTLS = tls != nil && !settings.isImplicitTLS
        if taken > settings.sessionsMax - settings.sessionsMax / 4 {
            server.limits.commandSeconds = min(server.limits.commandSeconds, settings.stressCommandSeconds)
        }
        try channel.pipeline.syncOperations.addHandler(
            SMTPSessionHandler(configuration: server, sessions: self, peer: channel.remoteAddress?.ipAddress)
        )
    }

    private func forget(_ channel: ObjectIdentifier) {
        state.withLock { state in
            guard let closed = state.open.removeValue(forKey: channel) else { return }
            let rest = (state.perSource[closed.source] ?? 1) - 1
            state.perSource[closed.source] = rest > 0 ? rest : nil
        }
    }

    func stop(secondsMax: Int64) async {
        let channels = state.withLock { state in
            state.isStopping = true
            return state.open.values.map(\.channel)
        }
        for channel in channels {
            channel.pipeline.fireUserInboundEventTriggered(ListenerStops())
            channel.eventLoop.scheduleTask(in: .seconds(secondsMax)) { channel.close(promise: nil) }
        }
        for channel in channels { try? await channel.closeFuture.get() }
        // A mail whose client is gone may still be on its way to the disk; its answer needs the event loop.
        while state.withLock({ $0.diskWorks > 0 }) { await idleBell.wait(atMost: nil) }
    }

    func diskWorkBegins() { state.withLock { $0.diskWorks += 1 } }

    func diskWorkEnds() {
        let isIdle = state.withLock { state in
            state.diskWorks -= 1
            return state.diskWorks == 0
        }
        if isIdle { idleBell.ring() }
    }
}

/// Told to every session when the listener stops.
struct ListenerStops: Sendable {}

/// One reply for a client that is one too many.
private final class RefusingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        let reply = SMTPReply(421, "4.7.0", "too many connections, try again later").bytes
        let buffer = context.channel.allocator.buffer(bytes: reply)
        context.writeAndFlush(wrapOutboundOut(buffer)).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}
