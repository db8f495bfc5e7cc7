package import Identifiers

/// The shell's source of identities and secrets; pure code gets them as values.
package enum RandomSource {
    package static func guid() -> GUID {
        var generator = SystemRandomNumberGenerator()
        return GUID.random(using: &generator)
    }

    /// 16 octets, the first between 1 and 0x7f: a positive serial number of full length.
    package static func serial() -> [UInt8] {
        var octets = octets(count: 16)
        octets[0] = octets[0] & 0x7f | 1
        return octets
    }

    package static func octets(count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
