import CCurl
import Identifiers
import SMTP
import Synchronization

/// One mail to be handed to the next hop.
struct Delivery: Sendable {
    var route: Route
    var hostName: String
    var sender: MailAddress
    var recipient: MailAddress
    var message: [UInt8]
    /// PEM; for `Route.StartTLS.verify`.
    var anchorsPEM: String
    var clientIdentity: TLSIdentity?
    var connectSeconds: Int
    var replySeconds: Int
}

/// A partner's SMTP client: one libcurl handle, kept with its connection, on one thread of its own.
final class SMTPClient: Sendable {
    private struct State: ~Copyable {
        var handle: CurlHandle?
    }

    private let thread = BlockingThreads(count: 1)
    private let state = Mutex(State(handle: nil))
    private let abort = TransferAbort()

    /// Sends on the kept connection, or on a new one when that turns out to be dead.
    func deliver(_ delivery: Delivery) async -> TransferResult {
        await thread.run { [self] in
            state.withLock { state in
                if state.handle == nil { state.handle = CurlHandle() }
                let first = Self.perform(delivery, &state.handle, abort: abort, isFresh: false)
                guard first.isStaleConnection, !abort.isSet else { return first }
                return Self.perform(delivery, &state.handle, abort: abort, isFresh: true)
            }
        }
    }

    private static func perform(
        _ delivery: Delivery,
        _ handle: inout CurlHandle?,
        abort: TransferAbort,
        isFresh: Bool
    ) -> TransferResult {
        handle?.perform(delivery, abort: abort, isFresh: isFresh) ?? .noMemory
    }

    /// Ends the connection with QUIT, without anybody waiting for it.
    func disconnect() {
        Task { [self] in await thread.run { [self] in state.withLock { $0.handle = nil } } }
    }

    /// Ends the transfer that runs, within a second, and refuses later ones.
    func stop() {
        abort.set()
        disconnect()
    }
}

/// Seen by libcurl's progress callback.
final class TransferAbort: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}

extension TransferResult {
    fileprivate static let noMemory = TransferResult(
        code: CURLE_OUT_OF_MEMORY,
        replyCode: 0,
        text: "libcurl gives no handle",
        isMessageBegun: false,
        isConnectionReused: false
    )
}

/// A libcurl easy handle and its error text.
private struct CurlHandle: ~Copyable {
    private static let isLibraryReady = ccurl_global_init() == CURLE_OK

    private let pointer: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>

    init?() {
        guard Self.isLibraryReady, let pointer = curl_easy_init() else { return nil }
        self.pointer = pointer
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_easy_cleanup(pointer)
        errorText.deallocate()
    }

    /// Blocks until the mail is handed over or the attempt has failed.
    func perform(_ delivery: Delivery, abort: TransferAbort, isFresh: Bool) -> TransferResult {
        guard let url = Self.url(delivery.route, hostName: delivery.hostName) else {
            return TransferResult(
                code: CURLE_URL_MALFORMAT,
                replyCode: 0,
                text: "\"\(delivery.route)\" is no usable route",
                isMessageBegun: false,
                isConnectionReused: false
            )
        }
        let transfer = Transfer(delivery.message, abort: abort)
        let recipients = curl_slist_append(nil, delivery.recipient.description)
        defer {
            curl_slist_free_all(recipients)
            // The connection is kept, every pointer of this transfer is forgotten.
            curl_easy_reset(pointer)
        }
        curl_easy_reset(pointer)
        errorText.pointee = 0
        setConnection(delivery, url: url, isFresh: isFresh)
        setTLS(delivery)
        ccurl_set_text(pointer, CURLOPT_MAIL_FROM, delivery.sender.description)
        ccurl_set_list(pointer, CURLOPT_MAIL_RCPT, recipients)
        ccurl_set_long(pointer, CURLOPT_UPLOAD, 1)
        // Without a size libcurl does not say SIZE= in MAIL.
        ccurl_set_offset(pointer, CURLOPT_INFILESIZE_LARGE, curl_off_t(delivery.message.count))
        setCallbacks(transfer)
        let code = withExtendedLifetime(transfer) { curl_easy_perform(pointer) }
        return result(code, transfer)
    }

    private func setConnection(_ delivery: Delivery, url: String, isFresh: Bool) {
        ccurl_set_text(pointer, CURLOPT_URL, url)
        ccurl_set_text(pointer, CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        // A proxy of the environment is meant for other programs.
        ccurl_set_text(pointer, CURLOPT_PROXY, "")
        ccurl_set_long(pointer, CURLOPT_NOSIGNAL, 1)
        ccurl_set_long(pointer, CURLOPT_FRESH_CONNECT, isFresh ? 1 : 0)
        ccurl_set_long(pointer, CURLOPT_TCP_KEEPALIVE, 1)
        ccurl_set_long(pointer, CURLOPT_CONNECTTIMEOUT, delivery.connectSeconds)
        ccurl_set_long(pointer, CURLOPT_SERVER_RESPONSE_TIMEOUT, delivery.replySeconds)
        // A peer that stops reading in the middle of a mail.
        ccurl_set_long(pointer, CURLOPT_LOW_SPEED_LIMIT, 1)
        ccurl_set_long(pointer, CURLOPT_LOW_SPEED_TIME, delivery.replySeconds)
    }

    private func setTLS(_ delivery: Delivery) {
        let policy = delivery.route.starttls
        let isVerified = policy == .verify
        let level =
            switch policy {
            case .off: CURLUSESSL_NONE
            case .opportunistic: CURLUSESSL_TRY
            case .required, .verify: CURLUSESSL_ALL
            }
        ccurl_set_long(pointer, CURLOPT_USE_SSL, Int(level.rawValue))
        ccurl_set_long(pointer, CURLOPT_SSL_VERIFYPEER, isVerified ? 1 : 0)
        ccurl_set_long(pointer, CURLOPT_SSL_VERIFYHOST, isVerified ? 2 : 0)
        if isVerified { setBlob(CURLOPT_CAINFO_BLOB, delivery.anchorsPEM) }
        if let identity = delivery.clientIdentity {
            setBlob(CURLOPT_SSLCERT_BLOB, identity.certificatesPEM)
            setBlob(CURLOPT_SSLKEY_BLOB, identity.keyPEM)
        }
    }

    private func setBlob(_ option: CURLoption, _ text: String) {
        let octets = Array(text.utf8)
        ccurl_set_blob(pointer, option, octets, octets.count)
    }

    private func setCallbacks(_ transfer: Transfer) {
        let user = Unmanaged.passUnretained(transfer).toOpaque()
        ccurl_set_data_function(pointer, CURLOPT_READFUNCTION) { buffer, size, count, user in
            guard let buffer, let user else { return Int(CURL_READFUNC_ABORT) }
            let transfer = Unmanaged<Transfer>.fromOpaque(user).takeUnretainedValue()
            return transfer.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
        }
        ccurl_set_pointer(pointer, CURLOPT_READDATA, user)
        ccurl_set_data_function(pointer, CURLOPT_HEADERFUNCTION) { buffer, size, count, user in
            guard let buffer, let user else { return 0 }
            let transfer = Unmanaged<Transfer>.fromOpaque(user).takeUnretainedValue()
            transfer.take(line: Array(UnsafeRawBufferPointer(start: buffer, count: size * count)))
            return size * count
        }
        ccurl_set_pointer(pointer, CURLOPT_HEADERDATA, user)
        ccurl_set_progress_function(pointer) { user, _, _, _, _ in
            guard let user else { return 1 }
            return Unmanaged<Transfer>.fromOpaque(user).takeUnretainedValue().abort.isSet ? 1 : 0
        }
        ccurl_set_pointer(pointer, CURLOPT_XFERINFODATA, user)
        ccurl_set_long(pointer, CURLOPT_NOPROGRESS, 0)
        ccurl_set_pointer(pointer, CURLOPT_ERRORBUFFER, errorText)
    }

    private func result(_ code: CURLcode, _ transfer: Transfer) -> TransferResult {
        var replyCode = 0
        ccurl_get_long(pointer, CURLINFO_RESPONSE_CODE, &replyCode)
        var connects = 0
        ccurl_get_long(pointer, CURLINFO_NUM_CONNECTS, &connects)
        let own =
            errorText.pointee == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: errorText)
        // After a refusal libcurl says QUIT: the answer to that is not the reply that counts.
        let reply = transfer.replies.last { $0.code == replyCode }
        let isReplyDecisive = code == CURLE_OK || replyCode >= 400
        let text = reply.flatMap { isReplyDecisive ? $0.description : nil } ?? own
        return TransferResult(
            code: code,
            replyCode: replyCode,
            text: text,
            isMessageBegun: transfer.isMessageBegun,
            isConnectionReused: connects == 0 && code != CURLE_COULDNT_CONNECT
                && code != CURLE_COULDNT_RESOLVE_HOST,
            octetsMax: transfer.octetsMax
        )
    }

    /// Nil for names that are none; the path is what libcurl says in EHLO.
    private static func url(_ route: Route, hostName: String) -> String? {
        let isName = { (text: String) in
            (1...255).contains(text.utf8.count)
                && text.utf8.allSatisfy { octet in
                    (0x30...0x39).contains(octet) || (0x41...0x5a).contains(octet)
                        || (0x61...0x7a).contains(octet) || "-._".utf8.contains(octet)
                }
        }
        let isAddress = { (text: String) in
            text.contains(":") && text.utf8.count <= 45
                && text.utf8.allSatisfy { octet in
                    (0x30...0x39).contains(octet) || (0x41...0x46).contains(octet)
                        || (0x61...0x66).contains(octet) || ":.".utf8.contains(octet)
                }
        }
        guard (1...65_535).contains(route.port), isName(hostName), isName(route.host) || isAddress(route.host)
        else { return nil }
        return "\(route)/\(hostName)"
    }
}

/// One transfer as libcurl's callbacks see it; used by one thread at a time.
private final class Transfer {
    private static let repliesMax = 8

    let abort: TransferAbort
    private let message: [UInt8]
    private var offset = 0
    private var lines: [SMTPReplyLine] = []
    private(set) var replies: [SMTPReply] = []
    private(set) var isMessageBegun = false
    private(set) var octetsMax: Int?

    init(_ message: [UInt8], abort: TransferAbort) {
        self.message = message
        self.abort = abort
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, message.count - offset)
        buffer.copyBytes(from: message[offset..<(offset + count)])
        offset += count
        return count
    }

    func take(line octets: [UInt8]) {
        guard let line = SMTPReplyLine(octets[...]) else { return }
        if line.code == 354 { isMessageBegun = true }
        if !isMessageBegun, let found = EHLOResponse.messageOctetsMax(inLine: octets[...]) {
            octetsMax = found
        }
        if let first = lines.first, first.code != line.code { lines = [] }
        if lines.count < SMTPReply.replyLinesMax { lines.append(line) }
        guard line.isLast else { return }
        if replies.count == Self.repliesMax { replies.removeFirst() }
        replies.append(SMTPReply(code: line.code, enhanced: line.enhanced, lines: lines.map(\.text)))
        lines = []
    }
}
