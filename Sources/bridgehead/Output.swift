import AdminAPI
import Foundation
import Glibc

/// What goes to the terminal: results on stdout, everything about them on stderr.
enum Output {
    static let isTerminal = isatty(STDERR_FILENO) == 1

    static func text(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
    static func line(_ line: String = "") { text(line + "\n") }
    static func octets(_ octets: [UInt8]) { FileHandle.standardOutput.write(Data(octets)) }
    static func note(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }

    static func error(_ message: String, hint: String?) {
        note("error: \(HumanText.line(message))")
        if let hint { note("hint: \(HumanText.line(hint))") }
    }

    static func json(_ value: some Encodable) throws {
        FileHandle.standardOutput.write(try AdminJSON.encode(value, pretty: true) + Data("\n".utf8))
    }

    /// One line of JSON, for streams.
    static func jsonLine(_ value: some Encodable) throws {
        FileHandle.standardOutput.write(try AdminJSON.encode(value) + Data("\n".utf8))
    }

    /// Writes over the current line of the terminal.
    static func rewrite(_ line: String) {
        FileHandle.standardError.write(Data(("\r\u{1b}[K" + line).utf8))
    }
}
