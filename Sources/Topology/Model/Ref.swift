import Identifiers

/// Which object of a snapshot: its place among those of its class, in the order of their objectGUIDs.
///
/// Good for one snapshot only. Every published tie is decided by objectGUID, that is, by comparing these.
package struct Ref<View>: Hashable, Comparable, Sendable {
    package let position: Int

    package init(_ position: Int) { self.position = position }

    package static func < (left: Ref, right: Ref) -> Bool { left.position < right.position }
}

extension GUID {
    /// As octet strings of the attribute objectGUID compare, which is how the KCC's ties are published.
    ///
    /// The attribute has Microsoft's order of octets, so this differs from the order of the text forms.
    var attributeOrder: (UInt64, UInt64) {
        let first = UInt32(truncatingIfNeeded: high >> 32).byteSwapped
        let second = UInt16(truncatingIfNeeded: high >> 16).byteSwapped
        let third = UInt16(truncatingIfNeeded: high).byteSwapped
        return (UInt64(first) << 32 | UInt64(second) << 16 | UInt64(third), low)
    }
}
