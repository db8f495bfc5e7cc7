import NIOCore
import NIOPosix
import NIOSSL

/// An SMTP client that says what it is told, octet for octet.
final class SocketClient {
    private let channel: any Channel
    private var input: AsyncStream<[UInt8]>.Iterator
    private var buffer: [UInt8] = []

    init(port: Int) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        input = stream.makeAsyncIterator()
    }

    /// The server may have closed already: what it answered is what counts.
    func send(_ bytes: [UInt8]) async { try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    func send(_ text: String) async { await send(Array(text.utf8)) }

    /// Without its CRLF; nil at the end.
    func line() async -> String? {
        while true {
            if let end = buffer.firstIndex(of: 0x0a) {
                let line = String(decoding: buffer[..<end].dropLast(), as: UTF8.self)
                buffer.removeSubrange(...end)
                return line
            }
            guard let more = await input.next(isolation: #isolation) else { return nil }
            buffer += more
        }
    }

    /// All lines of one reply.
    func reply() async -> [String] {
        var lines: [String] = []
        while let line = await line() {
            lines.append(line)
            if !line.dropFirst(3).hasPrefix("-") { break }
        }
        return lines
    }

    func startTLS() async throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        let context = try NIOSSLContext(configuration: configuration)
        try await channel.eventLoop.submit { [channel] in
            try channel.pipeline.syncOperations.addHandler(
                NIOSSLClientHandler(context: context, serverHostname: nil),
                position: .first
            )
        }.get()
    }

    func close() async { try? await channel.close() }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let continuation: AsyncStream<[UInt8]>.Continuation

        init(_ continuation: AsyncStream<[UInt8]>.Continuation) { self.continuation = continuation }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            continuation.yield(Array(unwrapInboundIn(data).readableBytesView))
        }

        func channelInactive(context: ChannelHandlerContext) { continuation.finish() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
