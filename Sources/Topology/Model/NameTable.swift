import DirectoryModel

/// DNs as numbers: names that mean the same have the same number, and each text is read once.
///
/// A directory's names share their ends, so a name is read as one RDN in front of a name known already.
struct NameTable {
    /// Which name; the root is 0.
    struct ID: Hashable {
        let value: Int
        static let root = ID(value: 0)
    }

    private struct Step: Hashable {
        let parent: ID
        let rdn: [UInt8]
    }

    private var texts: [String: ID] = ["": .root]
    private var steps: [Step: ID] = [:]
    private var parents: [ID] = [.root]
    private var leaves: [RDN?] = [nil]
    private var depths = [0]

    /// As many as `DistinguishedName` takes.
    private static let depthLimit = 128

    /// Reads a DN, with or without `<GUID=...>;` and `<SID=...>;` before it; nil if it is none.
    mutating func id(of text: String) -> ID? {
        if let known = texts[text] { return known }
        let plain = Self.withoutIdentity(text)
        guard plain.count == text.utf8.count else {
            let id = id(of: String(decoding: plain, as: UTF8.self))
            if let id { texts[text] = id }
            return id
        }
        return read(text)
    }

    func parent(of id: ID) -> ID? { id == .root ? nil : parents[id.value] }
    func leaf(of id: ID) -> String { leaves[id.value]?.value ?? "" }
    var count: Int { parents.count }

    /// The name that lies `levels` above.
    func ancestor(of id: ID, _ levels: Int) -> ID? {
        var id = id
        for _ in 0..<levels {
            guard let parent = parent(of: id) else { return nil }
            id = parent
        }
        return id
    }

    /// From the shortest end that is known to the whole text, one RDN at a time.
    private mutating func read(_ text: String) -> ID? {
        let octets = Array(text.utf8)
        var starts = [0]
        while let comma = Self.comma(in: octets, from: starts[starts.count - 1]) {
            guard starts.count < Self.depthLimit, comma + 1 < octets.count else { return nil }
            starts.append(comma + 1)
            if texts[String(decoding: octets[(comma + 1)...], as: UTF8.self)] != nil { break }
        }
        var parent = ID.root
        for index in starts.indices.reversed() {
            let tail = String(decoding: octets[starts[index]...], as: UTF8.self)
            if let known = texts[tail], index > 0 {
                parent = known
                continue
            }
            let end = index + 1 < starts.count ? starts[index + 1] - 1 : octets.count
            guard
                let rdn =
                    (try? DistinguishedName(
                        parsing: String(decoding: octets[starts[index]..<end], as: UTF8.self),
                        naming: WellKnownNames()
                    ))?.leaf
            else { return nil }
            guard depths[parent.value] < Self.depthLimit else { return nil }
            parent = add(rdn, below: parent)
            texts[tail] = parent
        }
        return parent
    }

    private mutating func add(_ rdn: RDN, below parent: ID) -> ID {
        let step = Step(parent: parent, rdn: rdn.key)
        if let known = steps[step] { return known }
        let id = ID(value: parents.count)
        steps[step] = id
        parents.append(parent)
        leaves.append(rdn)
        depths.append(depths[parent.value] + 1)
        return id
    }

    /// The first comma that stands neither behind a backslash nor in quotes.
    private static func comma(in octets: [UInt8], from start: Int) -> Int? {
        var index = start
        var isQuoted = false
        while index < octets.count {
            switch octets[index] {
            case UInt8(ascii: "\\"): index += 1
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted: return index
            default: break
            }
            index += 1
        }
        return nil
    }

    /// Extended names put the identity first: `<GUID=...>;<SID=...>;CN=...`.
    private static func withoutIdentity(_ text: String) -> Substring.UTF8View {
        var rest = text[...].utf8
        while rest.first == UInt8(ascii: "<"), let semicolon = rest.firstIndex(of: UInt8(ascii: ";")) {
            rest = rest[rest.index(after: semicolon)...]
        }
        return rest
    }
}
