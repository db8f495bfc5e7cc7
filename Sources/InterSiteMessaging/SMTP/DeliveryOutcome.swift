import CCurl

/// What an attempt to send one mail came to.
enum DeliveryOutcome: Sendable, Hashable {
    /// The next hop took it: its last reply.
    case delivered(reply: String)
    /// This mail may go later; with `isRoute` no other mail of that partner goes before.
    case retryLater(reason: String, isRoute: Bool)
    /// The next hop will never take this mail.
    case giveUp(reason: String, isTooLarge: Bool)
    /// Greeting, EHLO, TLS or settings: nothing is wrong with the mail, so it waits.
    case routeBroken(reason: String)
}

/// What libcurl reports about a transfer.
struct TransferResult: Sendable, Hashable {
    var code: CURLcode
    /// Of the last reply that was read; it may belong to an earlier command than the one that failed.
    var replyCode: Int
    /// That reply, or libcurl's own sentence.
    var text: String
    /// 354 was read: the mail itself was on its way.
    var isMessageBegun: Bool
    var isConnectionReused: Bool
    /// From the reply to EHLO.
    var octetsMax: Int?

    /// A kept connection that the server had closed in the meantime: worth one attempt on a new one.
    var isStaleConnection: Bool {
        guard isConnectionReused, code != CURLE_OK else { return false }
        return replyCode < 400 || replyCode == 421
    }

    /// The table of libcurl's codes and the server's.
    var outcome: DeliveryOutcome {
        switch code {
        case CURLE_OK: .delivered(reply: text)
        // MAIL, RCPT or DATA was refused, unless the connection broke under a command.
        case CURLE_SEND_ERROR: replyCode >= 400 ? byReply : .retryLater(reason: text, isRoute: true)
        case CURLE_WEIRD_SERVER_REPLY:
            if isMessageBegun {
                byReply
            } else if replyCode >= 500 {
                .routeBroken(reason: text)
            } else {
                .retryLater(reason: text, isRoute: true)
            }
        case CURLE_REMOTE_ACCESS_DENIED, CURLE_LOGIN_DENIED, CURLE_USE_SSL_FAILED, CURLE_SSL_CONNECT_ERROR,
            CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CLIENTCERT, CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL,
            CURLE_NOT_BUILT_IN, CURLE_BAD_FUNCTION_ARGUMENT, CURLE_UNKNOWN_OPTION:
            .routeBroken(reason: text)
        // No host, no connection, no answer, a connection that broke: the same will meet the next mail.
        default: .retryLater(reason: text, isRoute: true)
        }
    }

    private var byReply: DeliveryOutcome {
        switch replyCode {
        case 421: .retryLater(reason: text, isRoute: true)
        case 400..<500: .retryLater(reason: text, isRoute: false)
        // The server wants TLS or a login first: nothing is wrong with the mail.
        case 530, 534, 535, 538: .routeBroken(reason: text)
        case 500...: .giveUp(reason: text, isTooLarge: replyCode == 552 || text.contains("5.3.4"))
        default: .retryLater(reason: text, isRoute: true)
        }
    }
}
