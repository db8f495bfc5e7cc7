import AdminAPI
import AdminClient
import Foundation
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Admin streams` {
    @Test func `events come line by line from the moment of asking, and end with the server`() async throws {
        let double = AdministrationDouble()
        try await withServer(double) { server in
            var events = try await server.client.events().makeAsyncIterator()
            #expect(double.notes.withLock { $0.eventListeners } == 1)
            double.eventFeed.yield(Sample.event("queued"))
            #expect(try await events.next() == Sample.event("queued"))
            double.eventFeed.yield(Sample.event("sent"))
            double.eventFeed.yield(Sample.event("applied"))
            #expect(try await events.next()?.kind == "sent")
            #expect(try await events.next()?.kind == "applied")
            await server.stop()
            #expect(try await events.next() == nil)
        }
    }

    @Test func `events end when the DSA's do`() async throws {
        let double = AdministrationDouble()
        try await withServer(double) { server in
            var events = try await server.client.events().makeAsyncIterator()
            double.eventFeed.finish()
            #expect(try await events.next() == nil)
        }
    }

    @Test func `an import is read in pieces, with progress, and answered with every refusal`() async throws {
        let double = AdministrationDouble()
        let piece = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let seen = Mutex(0)
        let reply = try await withServer(double) { server in
            let counter = PieceCounter(left: 40)
            let chunks = AsyncThrowingStream<[UInt8], any Error> {
                counter.next().map { [UInt8($0)] + piece }
            }
            return try await server.client.importLDIF(chunks) { progress in
                seen.withLock { $0 = max($0, progress.read) }
            }
        }
        #expect(reply.refused == 0 && reply.refusals.map(\.line) == [7] && reply.imported == reply.read)
        #expect(double.notes.withLock { $0.imported } == (1...40).flatMap { [UInt8($0)] + piece })
        #expect(seen.withLock { $0 } > 0)
    }

    @Test(arguments: [
        ImportOptions(), ImportOptions(fromDN: "DC=X"),
        ImportOptions(fromDN: "DC=X & Y,O=Caf\u{e9}?", toDN: "DC=reskit,DC=example"),
    ])
    func `an empty import is an import of nothing, and its options arrive as they are`(
        options: ImportOptions
    ) async throws {
        let double = AdministrationDouble()
        let reply = try await withServer(double) { server in
            try await server.client.importLDIF(AsyncThrowingStream { nil }, options: options) { _ in }
        }
        #expect(reply.read == 0)
        #expect(double.notes.withLock { $0.importOptions } == options)
    }

    @Test func `an import that the DSA refuses says why`() async throws {
        let failure = AdminError(code: "unavailable", message: "the disk is full", hint: "make room")
        try await withServer(AdministrationDouble(failure: failure)) { server in
            let counter = PieceCounter(left: 1_000)
            let chunks = AsyncThrowingStream<[UInt8], any Error> {
                counter.next().map { _ in [UInt8](repeating: 10, count: 65_536) }
            }
            await #expect(throws: failure) { try await server.client.importLDIF(chunks) { _ in } }
        }
    }

    @Test func `a file that cannot be read further fails the import on both sides`() async throws {
        let double = AdministrationDouble()
        let failure = AdminError(code: "cannotRead", message: "the file went away")
        try await withServer(double) { server in
            let counter = PieceCounter(left: 3)
            let chunks = AsyncThrowingStream<[UInt8], any Error> {
                if let number = counter.next() { return [UInt8(number)] }
                for await _ in double.importBegan {}
                throw failure
            }
            await #expect(throws: failure) { try await server.client.importLDIF(chunks) { _ in } }
            for await _ in double.importEnded {}
        }
        #expect(double.notes.withLock { $0.importFailure } != nil)
    }

    @Test func `a client that goes away in the middle of an import does not look like its end`() async throws
    {
        let double = AdministrationDouble()
        try await withServer(double) { server in
            let connection = try RawConnection(path: server.path)
            await connection.send("POST /v1/import HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            await connection.send("5\r\ndn: C\r\n")
            for await _ in double.importBegan {}
            connection.close()
            for await _ in double.importEnded {}
        }
        #expect(double.notes.withLock { $0.importFailure } != nil)
    }

    @Test func `an import with a length that is not reached does not look like its end`() async throws {
        let double = AdministrationDouble()
        try await withServer(double) { server in
            let connection = try RawConnection(path: server.path)
            await connection.send("POST /v1/import HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\ndn: C")
            for await _ in double.importBegan {}
            connection.close()
            for await _ in double.importEnded {}
        }
        #expect(double.notes.withLock { $0.importFailure } != nil)
    }

    @Test func `an export comes whole`() async throws {
        try await withServer(AdministrationDouble(exportPieces: 5_000)) { server in
            var text = ""
            for try await piece in try await server.client.export(ExportQuery(canonical: true)) {
                text += String(decoding: piece, as: UTF8.self)
            }
            #expect(text == (1...5_000).map { "piece \($0)\n" }.joined())
        }
    }

    @Test func `an export of nothing is empty`() async throws {
        try await withServer(AdministrationDouble(exportPieces: 0)) { server in
            for try await _ in try await server.client.export(ExportQuery()) {
                Issue.record("a piece of nothing")
            }
        }
    }

    @Test func `an export that fails on the way is never taken for a whole one`() async throws {
        let failure = AdminError(code: "internal", message: "the database is damaged")
        try await withServer(AdministrationDouble(exportFailure: failure)) { server in
            let error = await #expect(throws: AdminError.self) {
                for try await _ in try await server.client.export(ExportQuery()) {}
            }
            #expect(error?.code == "connectionLost")
        }
        // Before the first piece there is still a status to say it with.
        try await withServer(AdministrationDouble(exportFailure: failure, exportPieces: 0)) { server in
            await #expect(throws: failure) { _ = try await server.client.export(ExportQuery()) }
        }
    }

    @Test func `a reader that loses interest in an export costs nothing`() async throws {
        try await withServer(AdministrationDouble(exportPieces: 1_000_000)) { server in
            for try await _ in try await server.client.export(ExportQuery()) { break }
            #expect(try await server.client.status() == Sample.status)
        }
    }
}
