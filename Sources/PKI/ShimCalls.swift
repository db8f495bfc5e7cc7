import COpenSSL

/// Runs a shim call that fills a buffer, and copies the buffer out once.
func takingBuffer(_ step: String, _ call: (inout bh_buffer) -> Bool) throws(PKIError) -> [UInt8] {
    var buffer = bh_buffer()
    defer { bh_buffer_free(&buffer) }
    guard call(&buffer) else { throw .library(step: step) }
    return buffer.octets
}

extension bh_buffer {
    var octets: [UInt8] { Array(UnsafeBufferPointer(start: bytes, count: count)) }
}

/// PEM (RFC 7468) with one label.
enum PEM {
    static let octetsMax = 8 << 20

    static func encode(_ der: [UInt8], label: String) -> String {
        // The only failures are want of memory and a size over 2 GiB; our structures are bounded.
        let text = try? takingBuffer("write PEM") { buffer in
            bh_pem_encode(label, der, der.count, &buffer) == 1
        }
        return String(decoding: text ?? [], as: UTF8.self)
    }

    /// The first block, which must have that label.
    static func decode(_ text: String, label: String) throws(PKIError) -> [UInt8] {
        let octets = Array(text.utf8)
        guard octets.count <= octetsMax else {
            throw .tooLarge(what: "PEM text", octets: octets.count, octetsMax: octetsMax)
        }
        var found: UnsafeMutablePointer<CChar>?
        var buffer = bh_buffer()
        defer {
            bh_buffer_free(&buffer)
            bh_text_free(found)
        }
        guard bh_pem_decode(octets, octets.count, &found, &buffer) == 1, let found,
            String(cString: found) == label
        else { throw .notPEM(expected: label) }
        return buffer.octets
    }
}
