import AdminAPI
import AdminClient
import Console
import Dispatch
import Foundation
import Glibc
import Logging
import ServiceLifecycle

/// A directory of its own, removed at the end.
func withTemporaryDirectory<Value>(
    _ body: (_ path: String) async throws -> Value
) async throws -> Value {
    let path = FileManager.default.temporaryDirectory.path + "/bh-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

struct RunningServer {
    let path: String
    let client: AdminClient
    let group: ServiceGroup

    func stop() async { await group.triggerGracefulShutdown() }
}

/// Runs an admin server on a socket of its own until `body` returns.
@discardableResult
func withServer<Value: Sendable>(
    _ administration: some Administration,
    _ body: (RunningServer) async throws -> Value
) async throws -> Value {
    try await withTemporaryDirectory { directory in
        let path = directory + "/admin.sock"
        let (running, signal) = AsyncStream.makeStream(of: Void.self)
        var log = Logger(label: "test")
        log.logLevel = .critical
        let server = try AdminServer(administration: administration, socketPath: path, log: log) {
            signal.finish()
        }
        let group = ServiceGroup(configuration: .init(services: [server], logger: log))
        let task = Task {
            defer { signal.finish() }
            try await group.run()
        }
        for await _ in running {}
        let client = try AdminClient(socketPath: path, dataDirectory: directory)
        let value: Value
        do {
            value = try await body(RunningServer(path: path, client: client, group: group))
        } catch {
            await group.triggerGracefulShutdown()
            _ = await task.result
            throw error
        }
        await group.triggerGracefulShutdown()
        try await task.value
        return value
    }
}

/// Speaks raw octets to a Unix socket.
struct RawConnection {
    private let descriptor: CInt

    init(path: String) throws {
        descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    }

    func close() { Glibc.close(descriptor) }
    func hangUp() { shutdown(descriptor, CInt(SHUT_RDWR)) }

    /// Sends everything, or what the server takes before it hangs up.
    func send(_ octets: [UInt8]) async {
        await onThread {
            var rest = octets[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }

    func send(_ text: String) async { await send(Array(text.utf8)) }

    func readOnce() async -> String {
        await onThread {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = read(descriptor, &buffer, buffer.count)
            return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        }
    }

    /// Until the server closes.
    func readToEnd() async -> String {
        await onThread {
            var octets: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                guard count > 0 else { return String(decoding: octets, as: UTF8.self) }
                octets += buffer[..<count]
            }
        }
    }
}

/// Work that blocks.
func onThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: work()) }
    }
}

/// One request in a connection of its own; returns status line, header and body as they came.
func raw(_ path: String, _ request: String) async throws -> String {
    let connection = try RawConnection(path: path)
    defer { connection.close() }
    await connection.send(request)
    return await connection.readToEnd()
}
