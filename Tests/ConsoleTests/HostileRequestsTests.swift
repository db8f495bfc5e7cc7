import AdminAPI
import AdminClient
import Console
import Foundation
import Glibc
import Logging
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Hostile admin requests` {
    private func post(_ path: String, _ body: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test(arguments: [
        ("GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "unknownRoute"),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "unknownRoute"),
        ("GET /v1/../v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "unknownRoute"),
        (
            "POST /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 405,
            "methodNotAllowed"
        ),
        ("GET /v1/export HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405, "methodNotAllowed"),
    ])
    func `a request that leads nowhere is told so`(request: String, status: Int, code: String) async throws {
        try await withServer(AdministrationDouble()) { server in
            let answer = try await raw(server.path, request)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.contains(#""code":"\#(code)""#))
        }
    }

    @Test(arguments: [
        "", "{", "[]", "{}", "null", #"{"target":7}"#, "\u{0}", #"{"target":{"objectGUID":"zz"}}"#,
    ])
    func `a body that is no query is refused before anything happens`(body: String) async throws {
        let double = AdministrationDouble()
        try await withServer(double) { server in
            let answer = try await raw(server.path, post("/v1/objects/read", body))
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            #expect(answer.contains(#""code":"badRequest""#))
        }
        #expect(double.notes.withLock { $0.requests } == [])
    }

    @Test func `JSON nested without end is refused`() async throws {
        try await withServer(AdministrationDouble()) { server in
            let deep = #"{"target":"# + String(repeating: "[", count: 100_000)
            let answer = try await raw(server.path, post("/v1/objects/read", deep))
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            #expect(try await server.client.status() == Sample.status)
        }
    }

    @Test func `a body over the limit is refused`() async throws {
        try await withServer(AdministrationDouble()) { server in
            let answer = try await raw(
                server.path,
                post("/v1/objects/write", String(repeating: " ", count: AdminLimits.bodyOctetsMax + 1))
            )
            #expect(answer.hasPrefix("HTTP/1.1 413 "))
            #expect(answer.contains(#""code":"bodyTooLarge""#))
        }
    }

    @Test(arguments: [0, -1, AdminLimits.searchObjectsMax + 1])
    func `a search without bounds is refused`(limit: Int) async throws {
        try await withServer(AdministrationDouble()) { server in
            let error = await #expect(throws: AdminError.self) {
                try await server.client.objects(
                    SearchQuery(base: ObjectTarget("CN=x"), scope: .sub, limit: limit)
                )
            }
            #expect(error?.code == "invalidQuery")
        }
    }

    @Test(arguments: [
        "\r\n\r\n", "hello\r\n\r\n", "GET /v1/status HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}", "POST",
    ])
    func `what is not HTTP ends its own connection only`(octets: String) async throws {
        try await withServer(AdministrationDouble()) { server in
            let connection = try RawConnection(path: server.path)
            await connection.send(octets)
            connection.close()
            #expect(try await server.client.status() == Sample.status)
        }
    }

    @Test func `a header without end never becomes a request`() async throws {
        let double = AdministrationDouble()
        try await withServer(double) { server in
            let connection = try RawConnection(path: server.path)
            let flood = Task {
                await connection.send(
                    "GET /v1/health HTTP/1.1\r\nX: " + String(repeating: "a", count: 1 << 20)
                )
            }
            #expect(await connection.readOnce().contains(" 400 "))
            let status = try await server.client.status()
            #expect(status == Sample.status)
            connection.hangUp()
            await flood.value
            connection.close()
        }
        #expect(double.notes.withLock { $0.requests.count } == 1)
    }
}

@Suite(.timeLimit(.minutes(1))) struct `Admin socket` {
    private var quiet: Logger {
        var log = Logger(label: "test")
        log.logLevel = .critical
        return log
    }

    @Test func `is for its owner only and goes away with the server`() async throws {
        let path = try await withServer(AdministrationDouble()) { server in
            var found = stat()
            #expect(stat(server.path, &found) == 0)
            #expect(found.st_mode & 0o777 == 0o600)
            return server.path
        }
        #expect(access(path, F_OK) != 0)
    }

    @Test func `left over from a killed process is replaced`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/admin.sock"
            let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let bound = withUnsafePointer(to: address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            close(descriptor)
            #expect(bound == 0 && access(path, F_OK) == 0)
            let client = try AdminClient(socketPath: path, dataDirectory: directory)
            let error = await #expect(throws: AdminError.self) { try await client.status() }
            #expect(error?.code == "noDSA")

            let (running, signal) = AsyncStream.makeStream(of: Void.self)
            let server = try AdminServer(administration: AdministrationDouble(), socketPath: path, log: quiet)
            {
                signal.finish()
            }
            let task = Task {
                defer { signal.finish() }
                try await server.run()
            }
            for await _ in running {}
            #expect(try await client.status() == Sample.status)
            task.cancel()
            _ = await task.result
        }
    }

    @Test func `of a running server is left alone`() async throws {
        try await withServer(AdministrationDouble()) { server in
            let second = try AdminServer(
                administration: AdministrationDouble(),
                socketPath: server.path,
                log: quiet
            )
            let error = await #expect(throws: AdminError.self) { try await second.run() }
            #expect(error?.code == "adminSocketInUse")
            #expect(try await server.client.status() == Sample.status)
        }
    }

    @Test func `never replaces a file that is no socket`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/admin.sock"
            try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
            let server = try AdminServer(administration: AdministrationDouble(), socketPath: path, log: quiet)
            let error = await #expect(throws: AdminError.self) { try await server.run() }
            #expect(error?.code == "adminSocketUnusable")
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
        }
    }

    @Test func `in a directory that does not exist is an error with a hint`() async throws {
        let server = try AdminServer(
            administration: AdministrationDouble(),
            socketPath: "/nonexistent/admin.sock",
            log: quiet
        )
        let error = await #expect(throws: AdminError.self) { try await server.run() }
        #expect(error?.code == "adminSocketUnusable")
        #expect(error?.hint != nil)
    }

    @Test func `with a path over the limit is refused by both sides`() throws {
        let path = "/" + String(repeating: "x", count: AdminLimits.socketPathOctetsMax)
        let mine = #expect(throws: AdminError.self) {
            try AdminServer(administration: AdministrationDouble(), socketPath: path, log: quiet)
        }
        let theirs = #expect(throws: AdminError.self) {
            try AdminClient(socketPath: path, dataDirectory: "x")
        }
        #expect(mine == theirs && mine?.code == "socketPathTooLong")
        #expect(mine?.hint?.contains("--admin-socket") == true)
    }

    /// A DSA that starts takes the stale socket away and puts its own there.
    @Test func `that comes and goes is a DSA that does not answer`() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/admin.sock"
            let client = try AdminClient(socketPath: path, dataDirectory: directory)
            let end = path + ".end"
            async let replacing: Void = onThread {
                while access(end, F_OK) != 0 {
                    close(open(path, O_CREAT | O_WRONLY, 0o600))
                    unlink(path)
                }
            }
            var codes: Set<String> = []
            for _ in 1...300 {
                let error = await #expect(throws: AdminError.self) { try await client.status() }
                codes.insert(error?.code ?? "none")
            }
            close(creat(end, 0o600))
            await replacing
            #expect(codes == ["noDSA"])
        }
    }

    @Test func `without a server says how to start one`() async throws {
        let client = try AdminClient(socketPath: "/nonexistent/admin.sock", dataDirectory: "/data")
        let expected = AdminError(
            code: "noDSA",
            message: "no DSA answers at /nonexistent/admin.sock",
            hint: "bridgehead serve --data /data"
        )
        await #expect(throws: expected) { try await client.status() }
    }
}
