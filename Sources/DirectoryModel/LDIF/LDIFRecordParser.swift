/// Makes a record of its lines: the grammar of RFC 2849 above the level of lines.
struct LDIFRecordParser {
    private let lines: [LDIFLine]
    private let limits: LDIFLimits
    private var index = 0

    init(lines: [LDIFLine], limits: LDIFLimits) {
        self.lines = lines
        self.limits = limits
    }

    private var next: LDIFLine? { index < lines.count ? lines[index] : nil }
    private var lastNumber: Int { lines.last?.number ?? 0 }

    mutating func record() throws(LDIFError) -> LDIFRecord {
        guard let first = next, first.name == "dn" else {
            throw LDIFError(
                line: next?.number ?? 0,
                reason: "a record must begin with 'dn:'",
                isSchemaListing: next?.name == "cn"
            )
        }
        index += 1
        let dn = try first.text()
        if let control = next, control.name == "control" {
            throw LDIFError(line: control.number, reason: "controls are not supported")
        }
        guard let change = next, change.name == "changetype" else {
            return LDIFRecord(line: first.number, dn: dn, kind: .content(try attributes()))
        }
        index += 1
        let kind: LDIFRecord.Kind
        switch try change.text().asciiLowercased {
        case "add": kind = .add(try attributes())
        case "delete":
            if let line = next {
                throw LDIFError(line: line.number, reason: "a delete record has no further lines")
            }
            kind = .delete
        case "modify": kind = .modify(try modifications())
        case "modrdn", "moddn": kind = try rename()
        default:
            throw LDIFError(
                line: change.number,
                reason: "unknown changetype",
                hint: "add, delete, modify, modrdn or moddn"
            )
        }
        return LDIFRecord(line: first.number, dn: dn, kind: kind)
    }

    /// Values of one attribute are gathered under the name of its first line.
    private mutating func attributes() throws(LDIFError) -> [EntryAttribute] {
        var attributes: [EntryAttribute] = []
        var positions: [String: Int] = [:]
        while let line = next {
            guard !line.isSeparator else {
                throw LDIFError(line: line.number, reason: "'-' stands between modifications only")
            }
            guard line.name != "dn" && line.name != "changetype" else {
                throw LDIFError(
                    line: line.number,
                    reason: "a second '\(line.name):' in one record",
                    hint: "records are set apart by an empty line"
                )
            }
            if let position = positions[line.name] {
                attributes[position].values.append(line.value)
            } else {
                guard attributes.count < limits.attributesPerRecordMax else {
                    throw LDIFError(
                        line: line.number,
                        reason: "over \(limits.attributesPerRecordMax) attributes in a record"
                    )
                }
                positions[line.name] = attributes.count
                attributes.append(EntryAttribute(name: line.attribute, values: [line.value]))
            }
            index += 1
        }
        guard !attributes.isEmpty else {
            throw LDIFError(line: lastNumber, reason: "an entry without attributes")
        }
        return attributes
    }

    private mutating func modifications() throws(LDIFError) -> [LDIFModification] {
        var modifications: [LDIFModification] = []
        while let line = next {
            guard let operation = ModifyOperation(rawValue: line.name) else {
                throw LDIFError(
                    line: line.number,
                    reason: "'add:', 'delete:', 'replace:' or 'increment:' must stand here"
                )
            }
            let attribute = try line.text()
            guard AttributeDescription.isValid(attribute.utf8) else {
                throw LDIFError(line: line.number, reason: "\(line.name) without an attribute name")
            }
            guard modifications.count < limits.attributesPerRecordMax else {
                throw LDIFError(
                    line: line.number,
                    reason: "over \(limits.attributesPerRecordMax) modifications in a record"
                )
            }
            index += 1
            let values = try values(of: attribute, operation, line: line.number)
            modifications.append(LDIFModification(operation: operation, attribute: attribute, values: values))
        }
        guard !modifications.isEmpty else {
            throw LDIFError(line: lastNumber, reason: "a modify record without modifications")
        }
        return modifications
    }

    private mutating func values(
        of attribute: String,
        _ operation: ModifyOperation,
        line start: Int
    ) throws(LDIFError) -> [[UInt8]] {
        var values: [[UInt8]] = []
        // The last '-' of a record is often left out; its end closes the modification as well.
        while let line = next {
            index += 1
            if line.isSeparator { break }
            guard line.name == attribute.asciiLowercased else {
                throw LDIFError(
                    line: line.number,
                    reason: "a value of \(line.attribute) in a modification of \(attribute)",
                    hint: "modifications are set apart by a line with '-'"
                )
            }
            values.append(line.value)
        }
        switch operation {
        case .add where values.isEmpty:
            throw LDIFError(line: start, reason: "add of \(attribute) without values")
        case .increment where values.count != 1:
            throw LDIFError(line: start, reason: "increment of \(attribute) takes one value")
        case .add, .delete, .replace, .increment: return values
        }
    }

    private mutating func rename() throws(LDIFError) -> LDIFRecord.Kind {
        let newRDN = try keyword("newrdn")
        let deleteOld = try keyword("deleteoldrdn")
        let deletesOld: Bool
        switch deleteOld {
        case "0": deletesOld = false
        case "1": deletesOld = true
        default: throw LDIFError(line: lines[index - 1].number, reason: "deleteoldrdn is neither 0 nor 1")
        }
        let newSuperior = next?.name == "newsuperior" ? try keyword("newsuperior") : nil
        if let line = next {
            throw LDIFError(line: line.number, reason: "a line too many in a rename record")
        }
        return .rename(newRDN: newRDN, deleteOldRDN: deletesOld, newSuperior: newSuperior)
    }

    private mutating func keyword(_ name: String) throws(LDIFError) -> String {
        guard let line = next, line.name == name else {
            throw LDIFError(line: next?.number ?? lastNumber, reason: "'\(name):' must stand here")
        }
        index += 1
        return try line.text()
    }
}
