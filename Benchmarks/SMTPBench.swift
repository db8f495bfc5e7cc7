import Foundation
import Glibc
import Identifiers
import InterSiteMessaging

/// The listener under load: mails of 10 KB over ten sessions, each durable before its 250.
enum SMTPBench {
    private static let sessions = 10
    private static let mailOctets = 10_240

    static func run(_ options: Options, _ report: inout Report) async throws {
        let workspace = try Workspace(in: options.folder)
        let forest = try BenchForest()
        let perSession = max(1, options.count / sessions)
        for run in 0..<options.runs {
            let root = try await MailSite.mailRoot(at: "\(workspace.path)/mailroot-\(run)")
            let listener = try await MailSite.listener(for: forest.vancouver, root)
            let client = SMTPLoad(
                port: listener.port,
                recipient: forest.vancouver.address,
                octets: mailOctets
            )
            var sample = Sample()
            // The load is in this process: its threads' time is not the server's.
            let loadCPU = try await sample.add {
                try await client.run(sessions: sessions, mailsPerSession: perSession)
            }
            sample.cpu -= loadCPU
            sample.octets = perSession * sessions * mailOctets
            report.add("receive 10 KB, durable", perSession * sessions, sample, unit: "mails")
            await listener.stop()
        }
    }
}

/// Sessions that send one mail after another over blocking sockets, a thread each.
private struct SMTPLoad: Sendable {
    let port: Int
    let recipient: MailAddress
    let octets: Int

    /// - Returns: the processor time of the sending threads, in seconds.
    func run(sessions: Int, mailsPerSession: Int) async throws -> Double {
        let results = Collected<Result<Double, any Error>>()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<sessions {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        Thread.detachNewThread {
                            results.append(Result { try session(mailsPerSession) })
                            continuation.resume()
                        }
                    }
                }
            }
        }
        return try results.elements.reduce(0) { try $0 + $1.get() }
    }

    private func session(_ mails: Int) throws -> Double {
        let start = Clocks.threadCPU
        let socket = try LoadSocket(port: port)
        try socket.expect("220")
        try socket.say("EHLO localhost", expecting: "250")
        for _ in 0..<mails {
            try socket.say("MAIL FROM:<_IsmService@hq.reskit.example>", expecting: "250")
            try socket.say("RCPT TO:<\(recipient)>", expecting: "250")
            try socket.say("DATA", expecting: "354")
            try socket.send(mail)
            try socket.expect("250")
        }
        try socket.say("QUIT", expecting: "221")
        return Clocks.threadCPU - start
    }

    private var mail: [UInt8] {
        let line = String(repeating: "x", count: 76) + "\r\n"
        let body = String(repeating: line, count: max(1, octets / line.utf8.count))
        return Array("From: <a@hq.reskit.example>\r\nSubject: load\r\n\r\n\(body).\r\n".utf8)
    }
}

/// A blocking connection to the listener.
private final class LoadSocket {
    private let descriptor: CInt
    private var received: [UInt8] = []

    init(port: Int) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard descriptor >= 0, result == 0 else {
            throw BenchError.unexpected("no connection to port \(port)")
        }
        var on: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
    }

    deinit { close(descriptor) }

    func say(_ line: String, expecting code: String) throws {
        try send(Array("\(line)\r\n".utf8))
        try expect(code)
    }

    func send(_ octets: [UInt8]) throws {
        var sent = 0
        while sent < octets.count {
            let count = octets[sent...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw BenchError.unexpected("the listener closed the connection") }
            sent += count
        }
    }

    /// Reads a reply to its last line.
    func expect(_ code: String) throws {
        while true {
            let line = try readLine()
            guard line.hasPrefix(code) else { throw BenchError.unexpected("the listener said \(line)") }
            if !line.dropFirst(3).hasPrefix("-") { return }
        }
    }

    private func readLine() throws -> String {
        while true {
            if let end = received.firstIndex(of: 0x0a) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeSubrange(...end)
                return line
            }
            var buffer = [UInt8](repeating: 0, count: 4_096)
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { throw BenchError.unexpected("the listener closed the connection") }
            received += buffer.prefix(count)
        }
    }
}
