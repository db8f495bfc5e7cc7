/// Why octets are not what they claim to be; no value of an attribute appears in it.
package enum CodecError: Error, Hashable, Sendable {
    /// The octets end inside an item.
    case truncated
    /// Octets that no sender of this protocol writes; the text names the item.
    case malformed(String)
    /// A count or length above its named limit.
    case tooLarge(item: String, value: UInt64, max: Int)
    /// The sender speaks a major version above ours.
    case incompatible(major: Int)
}

extension CodecError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .truncated: "the octets end inside an item"
        case .malformed(let what): "malformed: \(what)"
        case .tooLarge(let item, let value, let max): "\(item) is \(value), the limit is \(max)"
        case .incompatible(let major): "peer incompatible: it speaks major version \(major) of the protocol"
        }
    }

    /// What a person can do about it; nil when nothing helps but asking again.
    package var hint: String? {
        switch self {
        case .truncated, .malformed: nil
        case .tooLarge: "ask for smaller parts (replication.partBytes)"
        case .incompatible: "update this domain controller to the version of its partner"
        }
    }
}
