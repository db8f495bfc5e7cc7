package import DirectoryModel
package import Identifiers

/// The lines of a canonical dump: equal replicas give equal octets.
///
/// A dump is the `name`, `attribute` and `link` lines of every object of a naming context, sorted by octets, then
/// the `vector` lines, sorted likewise; each ends in LF. Local USNs and snapshot times are not in it.
package enum CanonicalDump {
    /// Where an object stands by its stamp, not where it appears.
    package static func name(namingContext: GUID, objectGUID: GUID, parent: GUID, stamp: Stamp) -> String {
        "\(namingContext) \(objectGUID) \(parent) \(text(of: stamp))"
    }

    /// One value set under its stamp; `digest` is the SHA-256 of `hashedOctets`.
    package static func attribute(objectGUID: GUID, attribute: OID, stamp: Stamp, digest: [UInt8]) -> String {
        "\(objectGUID) \(attribute) \(text(of: stamp)) \(hexadecimal(digest))"
    }

    package static func link(_ link: ReplicatedLink, attribute: OID) -> String {
        let stamp = "\(link.stamp.created.seconds)/\(text(of: link.stamp.stamp))"
        return "\(link.source) \(attribute) \(link.target) \(stamp) \(link.isPresent ? "present" : "absent")"
    }

    package static func vector(_ invocationID: GUID, _ usn: USN) -> String { "\(invocationID) \(usn)" }

    /// What is hashed of a value set: the octets it has in a message.
    package static func hashedOctets(of values: [[UInt8]]) -> [UInt8] { Array(ValueSet(values).octets) }

    /// Version, seconds since 1970, invocationID, originating USN.
    private static func text(of stamp: Stamp) -> String {
        "\(stamp.version)/\(stamp.time.seconds)/\(stamp.invocationID)/\(stamp.originatingUSN)"
    }

    private static func hexadecimal(_ octets: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: octets.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }
}
