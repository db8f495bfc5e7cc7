import AdminAPI
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// Answers that last: they end early when the server stops.
enum AdminStreams {
    /// Lines of progress of one import, at most.
    static let progressLinesPerSecondMax = 10.0

    static func untilShutdown<Value: Sendable>(
        _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await cancelWhenGracefulShutdown(operation)
    }

    static func line(_ value: some Encodable) throws -> ByteBuffer {
        var line = ByteBuffer(bytes: try AdminJSON.encode(value))
        line.writeString("\n")
        return line
    }
}

extension AdminResponder {
    /// One line per event, until the client goes away, the events end or the server stops.
    func events(_ request: Request) async throws -> Response {
        let events = try await administration.events()
        let log = log
        let body = ResponseBody { writer in
            // The first, empty line tells the client that it misses nothing from here on.
            try await writer.write(ByteBuffer(string: "\n"))
            let lines = AsyncStream.makeStream(of: ByteBuffer.self, bufferingPolicy: .bufferingNewest(1024))
            let feeder = Task {
                do {
                    try await AdminStreams.untilShutdown {
                        for try await event in events {
                            lines.continuation.yield(try AdminStreams.line(event))
                        }
                    }
                } catch is CancellationError {
                } catch { log.error("the events ended: \(error)") }
                lines.continuation.finish()
            }
            defer { feeder.cancel() }
            do {
                try await request.body.consumeWithCancellationOnInboundClose { _ in
                    for await line in lines.stream { try await writer.write(line) }
                }
            } catch is CancellationError {}
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: Self.headers("application/x-ndjson"), body: body)
    }

    /// Reads the body while it answers with progress; the last line is the result or an error.
    func importLDIF(_ request: Request) -> Response {
        let administration = administration
        let parameters = request.uri.queryParameters
        let options = ImportOptions(
            fromDN: parameters["from"].map(String.init),
            toDN: parameters["to"].map(String.init)
        )
        let log = log
        let body = ResponseBody { writer in
            let (progress, continuation) = AsyncStream.makeStream(
                of: ImportProgress.self,
                bufferingPolicy: .bufferingNewest(1)
            )
            let chunks = Self.chunks(of: request.body)
            let work = Task { () -> ImportLine in
                defer { continuation.finish() }
                do {
                    return .result(
                        try await AdminStreams.untilShutdown {
                            try await administration.importLDIF(chunks, options: options) {
                                continuation.yield($0)
                            }
                        }
                    )
                } catch {
                    log.warning("an import ended early: \(error)")
                    return .error(AdminError(error))
                }
            }
            try await withTaskCancellationHandler {
                let clock = ContinuousClock()
                var next = clock.now
                for await counts in progress where clock.now >= next {
                    try await writer.write(AdminStreams.line(ImportLine.progress(counts)))
                    next = clock.now.advanced(by: .seconds(1 / AdminStreams.progressLinesPerSecondMax))
                }
                try await writer.write(AdminStreams.line(await work.value))
                try await writer.finish(nil)
            } onCancel: {
                work.cancel()
            }
        }
        return Response(status: .ok, headers: Self.headers("application/x-ndjson"), body: body)
    }

    /// The first piece is asked for before the status goes out, so that a refused export is an error.
    func export(_ query: ExportQuery) async throws -> Response {
        try await Self.stream(administration.export(query), "text/plain; charset=utf-8")
    }

    static func stream(_ pieces: AsyncThrowingStream<[UInt8], any Error>, _ contentType: String) async throws
        -> Response
    {
        var first: [UInt8]?
        for try await piece in pieces {
            first = piece
            break
        }
        let opening = first
        let body = ResponseBody { writer in
            if let opening {
                try await writer.write(ByteBuffer(bytes: opening))
                for try await piece in pieces { try await writer.write(ByteBuffer(bytes: piece)) }
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers(contentType), body: body)
    }

    /// As fast as they are asked for, and no faster.
    private static func chunks(of body: RequestBody) -> AsyncThrowingStream<[UInt8], any Error> {
        let iterator = BodyIterator(body)
        return AsyncThrowingStream { try await iterator.next() }
    }
}

/// Holds the one iterator of a request's body.
private actor BodyIterator {
    private var iterator: RequestBody.AsyncIterator

    init(_ body: RequestBody) { iterator = body.makeAsyncIterator() }

    func next() async throws -> [UInt8]? {
        var copy = iterator
        defer { iterator = copy }
        return try await copy.next(isolation: self).map { Array($0.readableBytesView) }
    }
}
