/// One gzip member in each direction, for media that travel outside a mail.
package enum Gzip {
    package static func deflate(_ octets: [UInt8]) throws(SealError) -> [UInt8] {
        try Compression.deflate(octets, level: Compression.thoroughLevel)
    }

    /// - Throws: `OpenRefusal` for anything but exactly one member within the limits.
    package static func inflate(
        _ packed: [UInt8],
        octetsMax: Int,
        ratioMax: Int
    ) throws(OpenRefusal) -> [UInt8] {
        try Compression.inflate(packed[...], octetsMax: octetsMax, ratioMax: ratioMax)
    }
}
