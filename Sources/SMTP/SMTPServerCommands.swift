import Identifiers

/// The commands, one by one.
///
/// - Source: RFC 5321 section 4.1, RFC 1870, RFC 2034, RFC 2920, RFC 3207, RFC 6152.
extension SMTPServerSession {
    /// Answers one line; `isFollowed` says that more octets were sent behind it.
    mutating func execute(_ line: ArraySlice<UInt8>, isFollowed: Bool, mayBeFollowed: Bool) {
        let command: SMTPCommand
        do throws(SMTPCommandError) {
            command = try SMTPCommand.parse(line)
        } catch {
            if isFollowed, !mayBeFollowed { return close(with: .outOfStep) }
            return refuse(error.reply)
        }
        if isFollowed, !Self.mayBeFollowed(command, if: mayBeFollowed) { return close(with: .outOfStep) }
        if let refusal = securityRefusal(command) { return refuse(refusal) }
        switch command {
        case .ehlo(let name): hello(name, isExtended: true)
        case .helo(let name): hello(name, isExtended: false)
        case .mail(let path, let parameters): mail(path, parameters)
        case .rcpt(let path, let parameters): rcpt(path, parameters)
        case .data: data()
        case .rset:
            envelope = nil
            reply(250, "2.0.0", "ok")
            countJunk()
        case .noop:
            reply(250, "2.0.0", "ok")
            countJunk()
        case .vrfy:
            reply(252, "2.5.0", "send a message and see")
            countJunk()
        case .quit: close(with: SMTPReply(221, "2.0.0", "\(configuration.hostName) closing"))
        case .startTLS: startTLS()
        }
    }

    /// RFC 2920 section 3.1: EHLO and DATA end a group.
    ///
    /// A message body sent behind a DATA that we refuse would otherwise be read as commands.
    private static func mayBeFollowed(_ command: SMTPCommand, if isPipelining: Bool) -> Bool {
        switch command {
        case .ehlo, .helo, .data: false
        // What follows is never read.
        case .quit, .startTLS: true
        case .mail, .rcpt, .rset, .noop, .vrfy: isPipelining
        }
    }

    private func securityRefusal(_ command: SMTPCommand) -> SMTPReply? {
        guard configuration.requiresTLS, !isTLS else { return nil }
        switch command {
        case .ehlo, .helo, .noop, .rset, .quit, .startTLS: return nil
        case .mail, .rcpt, .data, .vrfy: return SMTPReply(530, "5.7.0", "send STARTTLS first")
        }
    }

    private mutating func hello(_ name: String, isExtended: Bool) {
        let isFirst = client == nil
        client = (name, isExtended)
        envelope = nil
        guard isExtended else {
            reply(250, nil, configuration.hostName)
            if !isFirst { countJunk() }
            return
        }
        var lines = [
            configuration.hostName, "PIPELINING", "SIZE \(configuration.limits.messageOctetsMax)", "8BITMIME",
        ]
        if configuration.offersSTARTTLS, !isTLS { lines.append("STARTTLS") }
        lines.append("ENHANCEDSTATUSCODES")
        reply(SMTPReply(code: 250, enhanced: nil, lines: lines))
        if !isFirst { countJunk() }
    }

    private mutating func startTLS() {
        if !configuration.offersSTARTTLS { return refuse(502, "5.5.1", "command not implemented") }
        if isTLS { return refuse(503, "5.5.1", "TLS is in use already") }
        guard client?.isExtended == true else { return refuse(503, "5.5.1", "send EHLO first") }
        reply(220, "2.0.0", "go ahead")
        beginSecuring()
    }

    private mutating func mail(_ path: String, _ parameters: [SMTPCommand.Parameter]) {
        let limits = configuration.limits
        guard let client else { return refuse(503, "5.5.1", "send EHLO first") }
        if envelope != nil { return refuse(503, "5.5.1", "a message is begun already") }
        if transactions >= limits.transactionsMax {
            return close(with: SMTPReply(421, "4.7.0", "enough messages in one session, connect again"))
        }
        var declaredOctets: Int?
        if !parameters.isEmpty {
            guard client.isExtended else { return refuse(555, "5.5.4", "parameters need EHLO") }
            do throws(ParameterError) {
                declaredOctets = try Self.declaredOctets(parameters)
            } catch {
                return refuse(error.reply)
            }
        }
        if let declaredOctets, declaredOctets > limits.messageOctetsMax {
            return refuse(.messageTooLarge(limits.messageOctetsMax))
        }
        let reversePath = MailAddress(path)
        guard reversePath != nil || path.isEmpty else {
            return refuse(553, "5.1.7", "this sender address is not supported")
        }
        envelope = Envelope(
            reversePath: reversePath,
            recipients: [],
            heloName: client.heloName,
            declaredOctets: declaredOctets,
            isExtended: client.isExtended,
            isTLS: isTLS,
            peer: peer
        )
        reply(250, "2.1.0", "sender ok")
    }

    private mutating func rcpt(_ path: String, _ parameters: [SMTPCommand.Parameter]) {
        guard let begun = envelope else { return refuse(503, "5.5.1", "send MAIL first") }
        if let parameter = parameters.first { return refuse(ParameterError.unknown(parameter.keyword).reply) }
        guard let recipient = configuration.recipients.accept(path, hostName: configuration.hostName) else {
            return refuse(550, "5.7.1", "no such mailbox here, and nothing is relayed")
        }
        guard begun.recipients.count < configuration.limits.recipientsMax else {
            reply(452, "4.5.3", "too many recipients")
            return countJunk()
        }
        envelope?.recipients.append(recipient)
        reply(250, "2.1.5", "recipient ok")
    }

    private mutating func data() {
        guard let begun = envelope else { return refuse(503, "5.5.1", "send MAIL first") }
        guard !begun.recipients.isEmpty else { return refuse(554, "5.5.1", "no valid recipients") }
        transactions += 1
        beginMessage(begun)
    }
}

// MARK: - Parameters of MAIL

/// Why a parameter is not taken.
private enum ParameterError: Error {
    case unknown(String)
    case repeated(String)
    case badValue(String)

    var reply: SMTPReply {
        switch self {
        case .unknown(let keyword): SMTPReply(555, "5.5.4", "parameter \(keyword) not supported")
        case .repeated(let keyword): SMTPReply(501, "5.5.4", "parameter \(keyword) given twice")
        case .badValue(let keyword): SMTPReply(501, "5.5.4", "parameter \(keyword) has a wrong value")
        }
    }
}

extension SMTPServerSession {
    /// RFC 1870 section 3.
    private static let sizeDigitsMax = 20

    /// Checks SIZE and BODY; a SIZE beyond our integers counts as the largest.
    private static func declaredOctets(
        _ parameters: [SMTPCommand.Parameter]
    ) throws(ParameterError) -> Int? {
        var seen: Set<String> = []
        var declared: Int?
        for parameter in parameters {
            let keyword = parameter.keyword
            guard seen.insert(keyword).inserted else { throw .repeated(keyword) }
            switch keyword {
            case "SIZE":
                guard let digits = parameter.value, (1...sizeDigitsMax).contains(digits.utf8.count),
                    digits.utf8.allSatisfy({ (0x30...0x39).contains($0) })
                else { throw .badValue(keyword) }
                declared = Int(digits) ?? .max
            case "BODY":
                let value = parameter.value?.uppercased()
                guard value == "7BIT" || value == "8BITMIME" else { throw .badValue(keyword) }
            default: throw .unknown(keyword)
            }
        }
        return declared
    }
}
