import Foundation
import Identifiers
import SMTP

/// A sealed mail with its verdict: header lines, an empty line, base64 of the mail's octets.
struct VectorFile {
    var name: String
    /// `opened`, `duplicate`, `held <code>` or `refused <code>`.
    var expect: String
    var now: Timestamp
    /// Why the verdict is this one.
    var why: String
    /// Whether the service has committed the message before.
    var isCommitted = false
    /// Hexadecimal, for `opened` and `duplicate`.
    var payloadSHA256: String?
    var mail: [UInt8]

    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Vectors")

    static func all() throws -> [VectorFile] {
        try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "vector" }
            .sorted { $0.path < $1.path }
            .map { try VectorFile(text: String(contentsOf: $0, encoding: .utf8)) }
    }

    init(
        _ name: String,
        _ expect: String,
        _ why: String,
        now: Timestamp,
        isCommitted: Bool = false,
        mail: [UInt8]
    ) {
        self.name = name
        self.expect = expect
        self.why = why
        self.now = now
        self.isCommitted = isCommitted
        self.mail = mail
    }

    struct BadFile: Error, CustomStringConvertible {
        let description: String
    }

    init(text: String) throws {
        let halves = text.components(separatedBy: "\n\n")
        guard halves.count == 2 else { throw BadFile(description: "no empty line") }
        var fields: [String: String] = [:]
        for line in halves[0].split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else {
                throw BadFile(description: "no field: \(line)")
            }
            fields[String(line[..<colon])] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces
            )
        }
        guard let name = fields["name"], let expect = fields["expect"], let why = fields["why"],
            let now = fields["now"].flatMap(Timestamp.init(rfc3339:))
        else { throw BadFile(description: "a field is missing") }
        let mail = try Base64.decode(Array(halves[1].utf8))
        self.init(name, expect, why, now: now, isCommitted: fields["committed"] == "yes", mail: mail)
        payloadSHA256 = fields["payload-sha256"]
    }

    var text: String {
        var lines = ["name: \(name)", "expect: \(expect)", "why: \(why)", "now: \(now)"]
        if isCommitted { lines.append("committed: yes") }
        if let payloadSHA256 { lines.append("payload-sha256: \(payloadSHA256)") }
        let letters = String(decoding: Base64.encodeLines(mail), as: UTF8.self)
        return lines.joined(separator: "\n") + "\n\n" + letters.replacing("\r\n", with: "\n")
    }

    func write() throws {
        try text.write(
            to: Self.directory.appendingPathComponent("\(name).vector"),
            atomically: true,
            encoding: .utf8
        )
    }
}
