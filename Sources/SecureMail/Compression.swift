import CZlib
import PKI

/// gzip with limits: exactly one member (RFC 1952) in each direction.
enum Compression {
    /// Above this a payload is deflated at the fast level.
    static let thoroughOctetsMax = 64 << 10
    static let thoroughLevel: Int32 = 6
    static let fastLevel: Int32 = 1
    static let storedLevel: Int32 = 0
    /// Header and trailer of a member.
    private static let memberOctetsMin = 18

    /// One member whose ratio any receiver accepts: what compresses too well is stored instead.
    static func deflate(_ payload: [UInt8], ratioMax: Int) throws(SealError) -> [UInt8] {
        let level = payload.count > thoroughOctetsMax ? fastLevel : thoroughLevel
        let packed = try deflate(payload, level: level)
        guard payload.count / ratioMax >= packed.count else { return packed }
        return try deflate(payload, level: storedLevel)
    }

    static func deflate(_ payload: [UInt8], level: Int32) throws(SealError) -> [UInt8] {
        let capacity = bh_gzip_bound(payload.count)
        let packed = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            count = bh_gzip_deflate(payload, payload.count, level, buffer.baseAddress, capacity)
        }
        guard !packed.isEmpty else { throw .cryptography(.library(step: "compress the payload")) }
        return packed
    }

    /// Inflates into one allocation of the size that the member claims, after the claim passed the limits.
    ///
    /// A false claim cannot make it grow: more output than claimed ends in a refusal.
    static func inflate(
        _ packed: ArraySlice<UInt8>,
        octetsMax: Int,
        ratioMax: Int
    ) throws(OpenRefusal) -> [UInt8] {
        guard packed.count >= memberOctetsMin else {
            throw OpenRefusal(.compression, "\(packed.count) octets are no gzip member")
        }
        let claimed = packed.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard claimed <= octetsMax else {
            throw OpenRefusal(.bomb, "the payload claims \(claimed) octets, over the limit of \(octetsMax)")
        }
        guard claimed / ratioMax <= packed.count else {
            throw OpenRefusal(.bomb, "the payload claims over \(ratioMax) octets per compressed octet")
        }
        var result = bh_inflate_damaged
        let payload = [UInt8](unsafeUninitializedCapacity: claimed) { buffer, count in
            // A payload of no octets still has a member to read, and the call needs somewhere to point to.
            var nothing: UInt8 = 0
            result = packed.withUnsafeBufferPointer { input in
                withUnsafeMutablePointer(to: &nothing) { place in
                    bh_gzip_inflate(
                        input.baseAddress,
                        input.count,
                        buffer.baseAddress ?? place,
                        claimed,
                        &count
                    )
                }
            }
        }
        switch result {
        case bh_inflate_good: return payload
        case bh_inflate_too_long:
            throw OpenRefusal(.bomb, "the payload inflates to more than the \(claimed) octets it claims")
        case bh_inflate_trailing:
            throw OpenRefusal(.compression, "the payload has octets behind its gzip member")
        case bh_inflate_truncated: throw OpenRefusal(.compression, "the payload's gzip member is cut short")
        default: throw OpenRefusal(.compression, "the payload's gzip member is damaged")
        }
    }
}
