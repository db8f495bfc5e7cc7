import COpenSSL

/// SHA-256 and HMAC over octets in memory; `SHA256` takes them piece by piece.
package enum Digest {
    /// 32 octets.
    package static func sha256(_ octets: [UInt8]) -> [UInt8] {
        var digest = SHA256()
        digest.update(octets)
        return digest.finish()
    }

    /// 32 octets (RFC 2104).
    package static func hmacSHA256(key: [UInt8], _ octets: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: SHA256.octetsCount)
        let done = bh_hmac_sha256(key, key.count, octets, octets.count, &result)
        precondition(done == 1, "HMAC-SHA-256 fails only for want of memory")
        return result
    }

    /// 20 octets, for key identifiers only (RFC 5280 section 4.2.1.2, method 1).
    static func sha1(_ octets: some Collection<UInt8>) -> [UInt8] {
        var digest = RunningDigest(name: "SHA1")
        digest.update(octets)
        return digest.finish()
    }
}

/// SHA-256 in pieces.
package struct SHA256: ~Copyable {
    package static let octetsCount = 32
    private var running = RunningDigest(name: "SHA256")

    package init() {}

    package mutating func update(_ octets: some Collection<UInt8>) { running.update(octets) }

    /// 32 octets; ends the computation.
    package consuming func finish() -> [UInt8] { running.finish() }
}

/// A digest context of OpenSSL; fails only for want of memory or of the algorithm itself.
///
/// Not private: an optimised build of another target that keeps a `SHA256` names this type, and would not link.
package struct RunningDigest: ~Copyable {
    private let context: OpaquePointer

    init(name: String) {
        guard let context = bh_digest_begin(name) else { preconditionFailure("OpenSSL has no \(name)") }
        self.context = context
    }

    mutating func update(_ octets: some Collection<UInt8>) {
        let contiguous: Void? = octets.withContiguousStorageIfAvailable { bytes in
            bh_digest_update(context, bytes.baseAddress, bytes.count)
        }.map { _ in }
        if contiguous == nil {
            let copy = Array(octets)
            bh_digest_update(context, copy, copy.count)
        }
    }

    func finish() -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: 64)
        var count = 0
        let done = bh_digest_finish(context, &octets, octets.count, &count)
        precondition(done == 1, "a digest's end fails only after it was ended before")
        return Array(octets.prefix(count))
    }

    deinit { bh_digest_free(context) }
}

/// Random octets of OpenSSL's generator, for serial numbers and keys.
package enum SecureRandom {
    package static func octets(_ count: Int) throws(PKIError) -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: count)
        guard bh_random(&octets, count) == 1 else { throw .library(step: "draw random octets") }
        return octets
    }
}
