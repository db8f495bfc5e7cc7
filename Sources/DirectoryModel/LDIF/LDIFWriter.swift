/// Writes LDIF records: folded at 76 columns, base64 where RFC 2849 wants it, LF line ends.
package struct LDIFWriter {
    package static let columnsMax = 76
    /// What a file of records may begin with.
    package static let versionLine = "version: 1\n"

    /// A content record with the empty line behind it.
    package static func lines(for entry: Entry, naming: some AttributeNaming = WellKnownNames()) -> String {
        lines(
            for: LDIFRecord(
                line: 0,
                dn: entry.dn.description(naming: naming),
                kind: .content(entry.attributes)
            )
        )
    }

    /// A record with the empty line behind it.
    package static func lines(for record: LDIFRecord) -> String {
        var writer = LDIFWriter()
        writer.append("dn", record.dn)
        switch record.kind {
        case .content(let attributes): writer.append(attributes)
        case .add(let attributes):
            writer.append("changetype", "add")
            writer.append(attributes)
        case .delete: writer.append("changetype", "delete")
        case .modify(let modifications):
            writer.append("changetype", "modify")
            for modification in modifications { writer.append(modification) }
        case .rename(let newRDN, let deleteOldRDN, let newSuperior):
            writer.append("changetype", "modrdn")
            writer.append("newrdn", newRDN)
            writer.append("deleteoldrdn", deleteOldRDN ? "1" : "0")
            if let newSuperior { writer.append("newsuperior", newSuperior) }
        }
        writer.octets.append(0x0a)
        return String(decoding: writer.octets, as: UTF8.self)
    }

    private var octets: [UInt8] = []

    private mutating func append(_ attributes: [EntryAttribute]) {
        for attribute in attributes {
            for value in attribute.values { append(attribute.name, value) }
        }
    }

    private mutating func append(_ modification: LDIFModification) {
        append(modification.operation.rawValue, modification.attribute)
        for value in modification.values { append(modification.attribute, value) }
        octets += [UInt8(ascii: "-"), 0x0a]
    }

    private mutating func append(_ name: String, _ text: String) { append(name, Array(text.utf8)) }

    private mutating func append(_ name: String, _ value: [UInt8]) {
        var line = Array(name.utf8)
        if value.isEmpty {
            line.append(UInt8(ascii: ":"))
        } else if Self.isSafe(value) {
            line += ": ".utf8
            line += value
        } else {
            line += ":: ".utf8
            line += Base64.encode(value)
        }
        appendFolded(line)
    }

    private mutating func appendFolded(_ line: [UInt8]) {
        octets += line.prefix(Self.columnsMax)
        octets.append(0x0a)
        var index = Self.columnsMax
        while index < line.count {
            let end = min(index + Self.columnsMax - 1, line.count)
            octets.append(0x20)
            octets += line[index..<end]
            octets.append(0x0a)
            index = end
        }
    }

    /// SAFE-STRING of RFC 2849, and no space at the end, which editors and mail lose.
    private static func isSafe(_ value: [UInt8]) -> Bool {
        guard let first = value.first, let last = value.last else { return true }
        guard first != 0x20, first != UInt8(ascii: ":"), first != UInt8(ascii: "<"), last != 0x20 else {
            return false
        }
        return value.allSatisfy { (0x20...0x7e).contains($0) || $0 == 0x09 }
    }
}
