package import Identifiers

/// RDN values as conflicts and tombstones are rendered: the value, a line feed, `CNF:` or `DEL:`, the GUID.
///
/// - Source: MS-ADTS section 3.1.1.5.1.6 (the form only; ours are renderings, never writes).
package enum MangledName {
    package enum Kind: String, Hashable, Sendable {
        case conflict = "CNF:"
        case deleted = "DEL:"
    }

    package static func conflict(_ value: String, _ guid: GUID) -> String { mangled(value, .conflict, guid) }

    package static func deleted(_ value: String, _ guid: GUID) -> String { mangled(value, .deleted, guid) }

    /// Nil when `value` does not end in a line feed, a kind and a GUID; the base may itself be mangled.
    package static func parse(_ value: String) -> (base: String, kind: Kind, guid: GUID)? {
        guard let lineFeed = value.utf8.lastIndex(of: 0x0a) else { return nil }
        let tail = value.utf8[value.utf8.index(after: lineFeed)...]
        guard tail.count == 40, let text = String(validating: tail, as: UTF8.self),
            let kind = Kind(rawValue: String(text.prefix(4))), let guid = GUID(String(text.dropFirst(4)))
        else { return nil }
        return (String(value[..<lineFeed]), kind, guid)
    }

    private static func mangled(_ value: String, _ kind: Kind, _ guid: GUID) -> String {
        "\(value)\n\(kind.rawValue)\(guid)"
    }
}
