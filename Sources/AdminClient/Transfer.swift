import AdminAPI
import CCurl
import Dispatch
import Foundation
import Glibc
import Synchronization

/// What is sent with a request.
enum Upload: Sendable {
    case none
    case octets([UInt8])
    /// Of unknown length, as fast as the server takes it.
    case stream(UploadSource)
}

/// One HTTP request to the admin socket.
struct TransferRequest: Sendable {
    var socketPath: String
    var dataDirectory: String
    var method: String
    var path: String
    var upload: Upload
}

/// A request on its way: libcurl runs it on a thread of its own, since it blocks.
final class Transfer: Sendable {
    /// Pieces that wait for the reader; then the thread waits.
    static let waitingPiecesMax = 16
    static let errorBodyOctetsMax = 1 << 20
    static let connectSecondsMax = 10

    private let request: TransferRequest
    private let continuation: AsyncThrowingStream<[UInt8], any Error>.Continuation
    private let room: DispatchSemaphore
    private let isCancelled = Atomic(false)
    private let errorBody = Mutex<[UInt8]>([])
    /// Of the newest header line.
    private let status = Atomic(0)

    private init(
        _ request: TransferRequest,
        _ continuation: AsyncThrowingStream<[UInt8], any Error>.Continuation,
        _ room: DispatchSemaphore
    ) {
        self.request = request
        self.continuation = continuation
        self.room = room
    }

    /// The answer's body; a status other than 200 is thrown as the error that it carries.
    static func start(_ request: TransferRequest) -> PieceSource {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: [UInt8].self)
        // Counted up from 0: a semaphore that ends below its first value traps.
        let room = DispatchSemaphore(value: 0)
        for _ in 0..<waitingPiecesMax { room.signal() }
        let transfer = Transfer(request, continuation, room)
        continuation.onTermination = { [weak transfer] _ in transfer?.cancel() }
        Thread.detachNewThread {
            do {
                try transfer.run()
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        return PieceSource(stream, room)
    }

    private func cancel() {
        isCancelled.store(true, ordering: .relaxed)
        room.signal()
        if case .stream(let source) = request.upload { source.cancel() }
    }

    private func run() throws {
        let handle = try CurlHandle()
        try handle.prepare(request, user: Unmanaged.passUnretained(self).toOpaque())
        let code = handle.perform()
        if isCancelled.load(ordering: .relaxed) { throw CancellationError() }
        let status = status.load(ordering: .relaxed)
        if status != 200, status != 0 { throw refusal(status) }
        guard code == CURLE_OK else { throw connectionError(code) }
    }

    // MARK: - Called by libcurl, on the transfer's thread

    /// Notes the status of `HTTP/1.1 200 OK`; other header lines do not matter here.
    fileprivate func receive(header line: UnsafeRawBufferPointer) {
        guard line.starts(with: "HTTP/".utf8) else { return }
        let words = line.split(separator: 0x20, maxSplits: 2)
        guard words.count > 1, let code = Int(String(decoding: words[1].prefix(3), as: UTF8.self)) else {
            return
        }
        status.store(code, ordering: .relaxed)
    }

    /// False ends the transfer.
    fileprivate func receive(_ octets: UnsafeRawBufferPointer) -> Bool {
        guard status.load(ordering: .relaxed) == 200 else {
            return errorBody.withLock { body in
                guard body.count + octets.count <= Self.errorBodyOctetsMax else { return false }
                body += octets
                return true
            }
        }
        room.wait()
        guard !isCancelled.load(ordering: .relaxed) else { return false }
        continuation.yield(Array(octets))
        return true
    }

    /// Nil ends the transfer.
    fileprivate func send(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard case .stream(let source) = request.upload else { return 0 }
        return source.read(into: buffer)
    }

    fileprivate var isUnwanted: Bool { isCancelled.load(ordering: .relaxed) }

    // MARK: - Errors

    private func refusal(_ status: Int) -> AdminError {
        let data = Data(errorBody.withLock { $0 })
        if let body = try? AdminJSON.decode(AdminErrorBody.self, from: data) { return body.error }
        return AdminError(
            code: "badAnswer",
            message: "the DSA answered with HTTP status \(status) and no reason",
            hint: "is \(request.socketPath) the admin socket of a DSA?"
        )
    }

    private func connectionError(_ code: CURLcode) -> AdminError {
        let path = request.socketPath
        switch code {
        case CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT:
            // Missing is no refusal: a DSA that starts replaces the socket just now.
            if access(path, W_OK) != 0, errno == EACCES {
                return AdminError(
                    code: "socketNotPermitted",
                    message: "you may not open the admin socket \(path)",
                    hint: "run this as the user that the DSA runs as"
                )
            }
            return AdminError(
                code: "noDSA",
                message: "no DSA answers at \(path)",
                hint: "bridgehead serve --data \(request.dataDirectory)"
            )
        default:
            return AdminError(
                code: "connectionLost",
                message: "the DSA at \(path) ended the connection before its answer was complete "
                    + "(\(String(cString: curl_easy_strerror(code))))",
                hint: "see its log"
            )
        }
    }
}

/// A libcurl handle that is cleaned up with its owner.
private struct CurlHandle: ~Copyable {
    private static let isReady = ccurl_global_init() == CURLE_OK

    private let handle: UnsafeMutableRawPointer
    private var headers: UnsafeMutablePointer<curl_slist>?

    init() throws {
        guard Self.isReady, let handle = curl_easy_init() else {
            throw AdminError(code: "internal", message: "libcurl cannot be started")
        }
        self.handle = handle
        for line in ["Expect:", "Content-Type: application/json", "Accept: */*"] {
            headers = curl_slist_append(headers, line)
        }
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_slist_free_all(headers)
    }

    func perform() -> CURLcode { curl_easy_perform(handle) }

    func prepare(_ request: TransferRequest, user: UnsafeMutableRawPointer) throws {
        try check(ccurl_set_text(handle, CURLOPT_UNIX_SOCKET_PATH, request.socketPath))
        try check(ccurl_set_text(handle, CURLOPT_URL, "http://bridgehead" + request.path))
        try check(ccurl_set_text(handle, CURLOPT_NOPROXY, "*"))
        try check(ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1))
        try check(ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT, Transfer.connectSecondsMax))
        switch request.upload {
        case .none: try check(ccurl_set_text(handle, CURLOPT_CUSTOMREQUEST, request.method))
        case .octets(let octets):
            try check(ccurl_set_long(handle, CURLOPT_POST, 1))
            try check(ccurl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(octets.count)))
            try octets.withUnsafeBytes { bytes in
                let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
                try check(ccurl_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, start))
            }
        case .stream:
            try check(ccurl_set_long(handle, CURLOPT_POST, 1))
            try check(ccurl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, -1))
            try check(ccurl_set_data_function(handle, CURLOPT_READFUNCTION, Self.readFunction))
            try check(ccurl_set_pointer(handle, CURLOPT_READDATA, user))
            _ = curl_slist_append(headers, "Transfer-Encoding: chunked")
        }
        try check(ccurl_set_list(handle, CURLOPT_HTTPHEADER, headers))
        try check(ccurl_set_data_function(handle, CURLOPT_WRITEFUNCTION, Self.writeFunction))
        try check(ccurl_set_pointer(handle, CURLOPT_WRITEDATA, user))
        try check(ccurl_set_data_function(handle, CURLOPT_HEADERFUNCTION, Self.headerFunction))
        try check(ccurl_set_pointer(handle, CURLOPT_HEADERDATA, user))
        try check(ccurl_set_long(handle, CURLOPT_NOPROGRESS, 0))
        try check(ccurl_set_progress_function(handle, Self.progressFunction))
        try check(ccurl_set_pointer(handle, CURLOPT_XFERINFODATA, user))
    }

    private static let writeFunction: ccurl_data_function = { bytes, size, count, user in
        guard let bytes, let user else { return 0 }
        let octets = UnsafeRawBufferPointer(start: bytes, count: size * count)
        return Unmanaged<Transfer>.fromOpaque(user).takeUnretainedValue().receive(octets) ? octets.count : 0
    }

    private static let headerFunction: ccurl_data_function = { bytes, size, count, user in
        guard let bytes, let user else { return 0 }
        let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
        Unmanaged<Transfer>.fromOpaque(user).takeUnretainedValue().receive(header: line)
        return line.count
    }

    private static let readFunction: ccurl_data_function = { bytes, size, count, user in
        guard let bytes, let user else { return Int(CURL_READFUNC_ABORT) }
        let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
        return Unmanaged<Transfer>.fromOpaque(user).takeUnretainedValue().send(into: buffer)
            ?? Int(CURL_READFUNC_ABORT)
    }

    private static let progressFunction: ccurl_progress_function = { user, _, _, _, _ in
        guard let user else { return 1 }
        return Unmanaged<Transfer>.fromOpaque(user).takeUnretainedValue().isUnwanted ? 1 : 0
    }

    private func check(_ code: CURLcode) throws {
        guard code == CURLE_OK else {
            throw AdminError(
                code: "internal",
                message: "libcurl refuses an option: \(String(cString: curl_easy_strerror(code)))"
            )
        }
    }
}
