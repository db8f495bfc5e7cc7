/// Reads LDIF as it arrives, in pieces of any size.
///
/// A bad record is reported with its line and skipped; the records around it are kept. Takes CR LF and LF,
/// folded lines and folded comments, `version: 1`, base64, UTF-8 that should have been base64. `:<` URLs are
/// refused: reading files is not for whoever wrote an LDIF to decide.
/// - Source: RFC 2849.
package struct LDIFReader {
    private let limits: LDIFLimits
    /// The physical line so far, without its line end.
    private var physical: [UInt8] = []
    private var physicalNumber = 1
    private var logical: [UInt8] = []
    private var logicalNumber = 0
    private var lines: [LDIFLine] = []
    private var recordOctets = 0
    /// Set while the rest of a record is thrown away; it is reported when the record ends.
    private var objection: LDIFError?
    private var hasSeenRecord = false
    private var results: [Result<LDIFRecord, LDIFError>] = []

    package init(limits: LDIFLimits = LDIFLimits()) { self.limits = limits }

    /// Takes the next octets; returns the records that they complete.
    package mutating func feed(_ octets: some Sequence<UInt8>) -> [Result<LDIFRecord, LDIFError>] {
        feed(Array(octets)[...])
    }

    package mutating func feed(_ octets: [UInt8]) -> [Result<LDIFRecord, LDIFError>] { feed(octets[...]) }

    package mutating func feed(_ octets: ArraySlice<UInt8>) -> [Result<LDIFRecord, LDIFError>] {
        var start = octets.startIndex
        for index in octets.indices where octets[index] == 0x0a {
            append(octets[start..<index])
            endPhysicalLine()
            start = index + 1
        }
        append(octets[start...])
        return takeResults()
    }

    /// Keeps one octet over the limit, by which the line is known to be too long.
    private mutating func append(_ run: ArraySlice<UInt8>) {
        physical += run.prefix(max(0, limits.lineOctetsMax + 1 - physical.count))
    }

    /// The input has ended: returns the last record, if one is open.
    package mutating func finish() -> [Result<LDIFRecord, LDIFError>] {
        if !physical.isEmpty { endPhysicalLine() }
        endLogicalLine()
        endRecord()
        return takeResults()
    }

    private mutating func takeResults() -> [Result<LDIFRecord, LDIFError>] {
        defer { results = [] }
        return results
    }

    private mutating func endPhysicalLine() {
        if physical.last == 0x0d { physical.removeLast() }
        // Some editors begin a file with a byte order mark.
        if physicalNumber == 1, physical.starts(with: [0xef, 0xbb, 0xbf]) { physical.removeFirst(3) }
        if physical.isEmpty {
            endLogicalLine()
            endRecord()
        } else if physical[0] == 0x20 {
            if logicalNumber == 0 {
                object(line: physicalNumber, "a continuation line without a line before it")
            } else if logical.count + physical.count <= limits.lineOctetsMax + 1 {
                logical += physical[1...]
            } else {
                object(line: logicalNumber, "a line of over \(limits.lineOctetsMax) octets")
            }
        } else {
            endLogicalLine()
            if physical.count > limits.lineOctetsMax {
                object(line: physicalNumber, "a line of over \(limits.lineOctetsMax) octets")
            }
            swap(&logical, &physical)
            logicalNumber = physicalNumber
        }
        physical.removeAll(keepingCapacity: true)
        physicalNumber += 1
    }

    private mutating func endLogicalLine() {
        defer {
            logical.removeAll(keepingCapacity: true)
            logicalNumber = 0
        }
        guard logicalNumber > 0, logical.first != UInt8(ascii: "#") else { return }
        guard objection == nil else { return }
        recordOctets += logical.count
        guard recordOctets <= limits.recordOctetsMax else {
            return object(line: logicalNumber, "a record of over \(limits.recordOctetsMax) octets")
        }
        guard lines.count < limits.linesPerRecordMax else {
            return object(line: logicalNumber, "a record of over \(limits.linesPerRecordMax) lines")
        }
        do {
            lines.append(try LDIFLine(parsing: logical, number: logicalNumber))
        } catch {
            objection = error
        }
    }

    /// The first objection to a record is the one that counts.
    private mutating func object(line: Int, _ reason: String) {
        if objection == nil { objection = LDIFError(line: line, reason: reason) }
    }

    private mutating func endRecord() {
        defer {
            lines = []
            recordOctets = 0
            objection = nil
        }
        if let objection {
            hasSeenRecord = true
            results.append(.failure(objection))
            return
        }
        do throws(LDIFError) {
            if !hasSeenRecord, let first = lines.first, first.name == "version" {
                hasSeenRecord = true
                guard first.value.elementsEqual("1".utf8) else {
                    throw LDIFError(line: first.number, reason: "an LDIF version other than 1")
                }
                lines.removeFirst()
            }
            guard !lines.isEmpty else { return }
            hasSeenRecord = true
            var parser = LDIFRecordParser(lines: lines, limits: limits)
            results.append(.success(try parser.record()))
        } catch {
            results.append(.failure(error))
        }
    }
}

/// One unfolded line: `name: value`, or the `-` between modifications (an empty name).
struct LDIFLine: Sendable {
    var number: Int
    /// As written.
    var attribute: String
    var value: [UInt8]

    /// In lower case, for keywords.
    var name: String { attribute.asciiLowercased }
    var isSeparator: Bool { attribute.isEmpty }

    init(parsing line: [UInt8], number: Int) throws(LDIFError) {
        self.number = number
        if line.first == UInt8(ascii: "-"), line.dropFirst().allSatisfy({ $0 == 0x20 }) {
            attribute = ""
            value = []
            return
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            throw LDIFError(
                line: number,
                reason: "a line without ':' behind an attribute name",
                hint: "a long value goes on in lines that begin with a space"
            )
        }
        guard AttributeDescription.isValid(line[..<colon]) else {
            throw LDIFError(line: number, reason: "what stands before ':' is not an attribute name")
        }
        attribute = String(decoding: line[..<colon], as: UTF8.self)
        let rest = line[(colon + 1)...]
        switch rest.first {
        case UInt8(ascii: ":"):
            guard let decoded = Base64.decode(rest.dropFirst().drop { $0 == 0x20 }) else {
                throw LDIFError(line: number, reason: "the value of \(attribute) is not base64")
            }
            value = decoded
        case UInt8(ascii: "<"):
            throw LDIFError(
                line: number,
                reason: "\(attribute) names a URL instead of a value; URLs are not read",
                hint: "write the file's content in base64 behind '\(attribute)::'"
            )
        default:
            value = Array(rest.drop { $0 == 0x20 })
            guard !value.contains(where: { $0 == 0 || $0 == 0x0d }) else {
                throw LDIFError(
                    line: number,
                    reason: "the value of \(attribute) holds a NUL or CR that is not in base64"
                )
            }
            guard String(validating: value, as: UTF8.self) != nil else {
                throw LDIFError(
                    line: number,
                    reason: "the value of \(attribute) is not UTF-8",
                    hint: "write other octets in base64 behind '\(attribute)::'"
                )
            }
        }
    }

    func text() throws(LDIFError) -> String {
        guard let text = String(validating: value, as: UTF8.self) else {
            throw LDIFError(line: number, reason: "the value of \(attribute) is not UTF-8")
        }
        return text
    }
}
