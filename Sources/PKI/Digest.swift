/// SHA-256 and HMAC over octets in memory; `SHA256` takes them piece by piece.
package enum Digest {
    package static func sha256(_ octets: [UInt8]) -> [UInt8] { [] }
    package static func hmacSHA256(key: [UInt8], _ octets: [UInt8]) -> [UInt8] { [] }
}

/// SHA-256 in pieces.
package struct SHA256: ~Copyable {
    package init() {}
    package mutating func update(_ octets: some Collection<UInt8>) {}
    package consuming func finish() -> [UInt8] { [] }
}
