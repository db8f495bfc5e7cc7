/// One command of a client, read but not yet judged.
///
/// - Source: RFC 5321 section 4.1.1.
enum SMTPCommand: Hashable {
    case ehlo(String)
    case helo(String)
    case mail(path: String, parameters: [Parameter])
    case rcpt(path: String, parameters: [Parameter])
    case data
    case rset
    case noop
    case vrfy
    case quit
    case startTLS

    /// A `KEYWORD=value` behind a path.
    struct Parameter: Hashable {
        /// Upper case.
        let keyword: String
        let value: String?
    }

    /// RFC 5321 section 4.5.3.1.2 allows 255 for a domain.
    static let heloOctetsMax = 255

    /// Reads a line without its CRLF.
    static func parse(_ line: ArraySlice<UInt8>) throws(SMTPCommandError) -> SMTPCommand {
        guard line.allSatisfy({ (0x20...0x7e).contains($0) }) else { throw .strayOctet }
        var text = Substring(String(decoding: line, as: UTF8.self))
        while text.last == " " { text.removeLast() }
        let verb = text.prefix { $0 != " " }.uppercased()
        let argument = text.dropFirst(verb.utf8.count + 1)
        switch verb {
        case "EHLO": return .ehlo(try heloName(argument, verb))
        case "HELO": return .helo(try heloName(argument, verb))
        case "MAIL":
            let (path, parameters) = try pathAndParameters(argument, "FROM:", syntax: "MAIL FROM:<address>")
            return .mail(path: path, parameters: parameters)
        case "RCPT":
            let (path, parameters) = try pathAndParameters(argument, "TO:", syntax: "RCPT TO:<address>")
            return .rcpt(path: path, parameters: parameters)
        case "DATA": return try alone(.data, argument, verb)
        case "RSET": return try alone(.rset, argument, verb)
        case "QUIT": return try alone(.quit, argument, verb)
        case "STARTTLS": return try alone(.startTLS, argument, verb)
        case "NOOP": return .noop
        case "VRFY":
            guard !argument.isEmpty else { throw .syntax("VRFY text") }
            return .vrfy
        case "EXPN", "HELP", "TURN", "ETRN", "AUTH", "BDAT", "SEND", "SOML", "SAML", "LHLO":
            throw .notImplemented
        default: throw .unknown
        }
    }

    private static func alone(
        _ command: SMTPCommand,
        _ argument: Substring,
        _ verb: String
    ) throws(SMTPCommandError) -> SMTPCommand {
        guard argument.isEmpty else { throw .syntax("\(verb), without argument") }
        return command
    }

    private static func heloName(
        _ argument: Substring,
        _ verb: String
    ) throws(SMTPCommandError) -> String {
        guard (1...heloOctetsMax).contains(argument.utf8.count), !argument.contains(" ") else {
            throw .syntax("\(verb) hostname")
        }
        return String(argument)
    }

    private static func pathAndParameters(
        _ argument: Substring,
        _ keyword: String,
        syntax: String
    ) throws(SMTPCommandError) -> (String, [Parameter]) {
        guard argument.prefix(keyword.utf8.count).uppercased() == keyword else { throw .syntax(syntax) }
        let rest = argument.dropFirst(keyword.utf8.count)
        guard rest.first == "<", let end = endOfPath(rest) else { throw .syntax(syntax) }
        let path = String(rest[rest.index(after: rest.startIndex)..<end])
        let behind = rest[rest.index(after: end)...]
        guard behind.isEmpty || behind.first == " " else { throw .syntax(syntax) }
        var parameters: [Parameter] = []
        for word in behind.split(separator: " ") {
            let halves = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = halves.first, !first.isEmpty else { throw .syntax(syntax) }
            parameters.append(
                Parameter(
                    keyword: first.uppercased(),
                    value: halves.count == 2 ? String(halves[1]) : nil
                )
            )
        }
        return (path, parameters)
    }

    /// The `>` that ends a path; one inside a quoted local part does not.
    private static func endOfPath(_ text: Substring) -> Substring.Index? {
        var isQuoted = false
        var isEscaped = false
        for index in text.indices {
            let character = text[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == ">", !isQuoted {
                return index
            }
        }
        return nil
    }
}

/// Why a line is no command.
enum SMTPCommandError: Error, Hashable {
    /// A control octet or one above 127.
    case strayOctet
    case unknown
    case notImplemented
    /// The form it should have had.
    case syntax(String)

    var reply: SMTPReply {
        switch self {
        case .strayOctet: SMTPReply(500, "5.5.2", "only printable ASCII is allowed in a command")
        case .unknown: SMTPReply(500, "5.5.1", "command not recognized")
        case .notImplemented: SMTPReply(502, "5.5.1", "command not implemented")
        case .syntax(let form): SMTPReply(501, "5.5.4", "syntax: \(form)")
        }
    }
}
