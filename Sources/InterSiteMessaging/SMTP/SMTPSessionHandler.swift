import Identifiers
import Logging
import NIOCore
import NIOSSL
import SMTP

/// Carries out one `SMTPServerSession` over a channel; everything happens on the channel's event loop.
final class SMTPSessionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Written behind the network's back; more makes us stop reading.
    static let unwrittenOctetsMax = 128 << 10
    /// After our last reply the client's octets are read away, so that the reply is not lost with them.
    static let lingerSeconds: Int64 = 2
    static let lingerOctetsMax = 1 << 20

    private var session: SMTPServerSession
    private let sessions: ListenerSessions
    private let peer: String?
    private var context: ChannelHandlerContext?
    private var spool: SpoolWriter?
    private var deadline: Scheduled<Void>?
    /// The disk owes an answer: what the client sends meanwhile waits in the network.
    private var isAwaitingDisk = false
    private var isReadPaused = false
    private var isSecuring = false
    private var isClosing = false
    private var lingeringOctets = 0

    init(configuration: SMTPServerConfiguration, sessions: ListenerSessions, peer: String?) {
        session = SMTPServerSession(configuration: configuration)
        self.sessions = sessions
        self.peer = peer
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        deadline?.cancel()
    }

    func channelActive(context: ChannelHandlerContext) { begin() }

    private func begin() {
        feed(.connected(isTLS: sessions.settings.isImplicitTLS, peer: peer))
        context?.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if isClosing {
            lingeringOctets += buffer.readableBytes
            if lingeringOctets > Self.lingerOctetsMax { context.close(promise: nil) }
            return
        }
        if isSecuring {
            // Only a finished handshake lets octets through.
            isSecuring = false
            feed(.tlsEstablished)
        }
        feed(.bytes(Array(buffer.readableBytesView)[...]))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReadPaused = true
        readOn()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { readOn() }

    func channelInactive(context: ChannelHandlerContext) {
        isClosing = true
        feed(.peerClosed)
        deadline?.cancel()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ListenerStops { feed(.shutdown) } else { context.fireUserInboundEventTriggered(event) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        sessions.log.info(
            "connection broke",
            metadata: ["peer": "\(peer ?? "unknown")", "error": "\(error)"]
        )
        context.close(promise: nil)
    }

    /// Reads again unless the disk or the client is slower than the network.
    private func readOn() {
        guard isReadPaused, let context, !isAwaitingDisk || isClosing,
            spool?.unwrittenOctets ?? 0 < Self.unwrittenOctetsMax, context.channel.isWritable || isClosing
        else { return }
        isReadPaused = false
        context.read()
    }

    // MARK: - Effects

    private func feed(_ input: SMTPServerSession.Input) {
        for effect in session.receive(input) { carryOut(effect) }
        context?.flush()
        readOn()
    }

    private func carryOut(_ effect: SMTPServerSession.Effect) {
        switch effect {
        case .send(let bytes):
            guard let context, !isClosing else { return }
            context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
        case .startTLS: startTLS()
        case .beginMessage: beginMessage()
        case .messageBytes(let bytes): spool?.append(bytes)
        case .endMessage:
            isAwaitingDisk = true
            spool?.end()
        case .abortMessage:
            spool?.abort()
            spool = nil
            isAwaitingDisk = false
        case .deadline(let seconds): arm(seconds: seconds)
        case .close: closeGently()
        }
    }

    private func startTLS() {
        guard let context, let tls = sessions.tls else { return close() }
        context.flush()
        do {
            try context.pipeline.syncOperations.addHandler(
                NIOSSLServerHandler(context: tls),
                position: .first
            )
            isSecuring = true
        } catch {
            close()
        }
    }

    private func arm(seconds: Int) {
        deadline?.cancel()
        guard !isClosing else { return }
        deadline = context?.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Int64(seconds))) {
            [weak self] in
            self?.feed(.deadline)
        }
    }

    private func close() { context?.close(promise: nil) }

    private func closeGently() {
        guard let context, !isClosing else { return }
        isClosing = true
        isAwaitingDisk = false
        deadline?.cancel()
        let empty = context.channel.allocator.buffer(capacity: 0)
        context.writeAndFlush(wrapOutboundOut(empty)).assumeIsolated().whenComplete { [weak self] _ in
            self?.context?.close(mode: .output, promise: nil)
            self?.readOn()
        }
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Self.lingerSeconds)) {
            [weak self] in
            self?.close()
        }
    }

    // MARK: - The disk

    private func beginMessage() {
        guard let context else { return }
        isAwaitingDisk = true
        let writer = SpoolWriter(sessions: sessions, eventLoop: context.eventLoop)
        spool = writer
        writer.opened = { [weak self, weak writer] result in
            guard let self, let writer, spool === writer else { return }
            isAwaitingDisk = false
            feed(.messageOpened(outcome(ofOpening: result)))
        }
        writer.drained = { [weak self] in self?.readOn() }
        // Strong: the mail may outlive its connection. The writer lets go of it at its end.
        writer.stored = { [self, unowned writer] result in
            report(result, octets: writer.octets)
            guard spool === writer else { return }
            isAwaitingDisk = false
            spool = nil
            feed(.messageStored(outcome(ofStoring: result)))
        }
        writer.begin()
    }

    private func outcome(ofOpening result: Result<String, FileError>) -> SMTPServerSession.OpenOutcome {
        switch result {
        case .success(let id): return .opened(id: id, at: sessions.mailRoot.time)
        case .failure(let error):
            trouble(error)
            spool = nil
            return error.isFull ? .insufficientStorage : .temporaryFailure
        }
    }

    private func outcome(ofStoring result: Result<String, FileError>) -> SMTPServerSession.StoreOutcome {
        switch result {
        case .success(let id): .durable(id: id)
        case .failure(let error): error.isFull ? .insufficientStorage : .temporaryFailure
        }
    }

    /// Also for a mail whose sender did not wait for the answer: it is in Drop all the same.
    private func report(_ result: Result<String, FileError>, octets: Int) {
        switch result {
        case .success(let id):
            sessions.events(MailEvent(.received(peer: peer ?? "unknown", octets: octets), fileID: id))
        case .failure(let error): trouble(error)
        }
    }

    private func trouble(_ error: FileError) {
        sessions.log.error("received mail could not be stored", metadata: ["error": "\(error)"])
        sessions.events(MailEvent(.storageTrouble(reason: error.description)))
    }
}
