/// A DER structure taken apart for changing it: written apart from the code under test.
indirect enum TLV: Hashable {
    case primitive(UInt8, [UInt8])
    case constructed(UInt8, [TLV])

    /// Traps on anything but well-formed definite lengths: inputs are our own.
    init(_ bytes: [UInt8]) {
        var rest = bytes[...]
        self = Self.take(&rest)
        precondition(rest.isEmpty)
    }

    private static func take(_ bytes: inout ArraySlice<UInt8>) -> TLV {
        let tag = bytes.removeFirst()
        var length = Int(bytes.removeFirst())
        if length >= 0x80 {
            let count = length & 0x7f
            length = bytes.prefix(count).reduce(0) { $0 << 8 | Int($1) }
            bytes = bytes.dropFirst(count)
        }
        var content = bytes.prefix(length)
        bytes = bytes.dropFirst(length)
        guard tag & 0x20 != 0 else { return .primitive(tag, Array(content)) }
        var children: [TLV] = []
        while !content.isEmpty { children.append(take(&content)) }
        return .constructed(tag, children)
    }

    var encoded: [UInt8] {
        let (tag, content): (UInt8, [UInt8]) =
            switch self {
            case .primitive(let tag, let octets): (tag, octets)
            case .constructed(let tag, let children): (tag, children.flatMap(\.encoded))
            }
        if content.count < 0x80 { return [tag, UInt8(content.count)] + content }
        let octets = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: content.count >> $0) }.drop { $0 == 0 }
        return [tag, 0x80 | UInt8(octets.count)] + octets + content
    }

    var children: [TLV] {
        get { if case .constructed(_, let children) = self { children } else { [] } }
        set {
            guard case .constructed(let tag, _) = self else { return }
            self = .constructed(tag, newValue)
        }
    }

    var octets: [UInt8] {
        get { if case .primitive(_, let octets) = self { octets } else { [] } }
        set {
            guard case .primitive(let tag, _) = self else { return }
            self = .primitive(tag, newValue)
        }
    }

    subscript(index: Int) -> TLV {
        get { children[index] }
        set { children[index] = newValue }
    }
}
