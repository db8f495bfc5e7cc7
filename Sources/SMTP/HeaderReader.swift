/// Reads the header at the start of some octets; lines end with CRLF or LF.
///
/// - Source: RFC 5322 section 2.2.
struct HeaderReader {
    let limits: MIMELimits
    private var fields: [(name: String, value: String)] = []
    /// The value of the field that the next line may continue.
    private var value: [UInt8] = []
    private var name: String?

    init(limits: MIMELimits) { self.limits = limits }

    /// The header and the body behind its empty line.
    ///
    /// - Throws: `.headerNotEnded` when there is no empty line and `mayBeUnended` is false.
    mutating func read(
        _ entity: ArraySlice<UInt8>,
        mayBeUnended: Bool = false
    ) throws(MIMEError) -> (header: MailHeader, body: ArraySlice<UInt8>) {
        var rest = entity
        var number = 0
        while true {
            number += 1
            // Looks no further than a header may reach, whatever comes behind it.
            let window = rest.prefix(limits.headerLineOctetsMax + 2)
            let lineFeed = OctetSearch.firstIndex(of: 0x0a, in: window)
            if lineFeed == nil, window.count < rest.count {
                throw .headerLineTooLong(line: number, octetsMax: limits.headerLineOctetsMax)
            }
            if lineFeed == nil, !mayBeUnended { throw .headerNotEnded }
            var line = rest[..<(lineFeed ?? rest.endIndex)]
            rest = rest[(lineFeed.map { $0 + 1 } ?? rest.endIndex)...]
            if line.last == 0x0d { line.removeLast() }
            guard line.count <= limits.headerLineOctetsMax else {
                throw .headerLineTooLong(line: number, octetsMax: limits.headerLineOctetsMax)
            }
            if line.isEmpty {
                finishField()
                return (MailHeader(fields: fields), rest)
            }
            guard rest.startIndex - entity.startIndex <= limits.headerOctetsMax else {
                throw .headerTooLarge(octetsMax: limits.headerOctetsMax)
            }
            try take(line, number)
            if lineFeed == nil {
                finishField()
                return (MailHeader(fields: fields), rest)
            }
        }
    }

    private mutating func take(_ line: ArraySlice<UInt8>, _ number: Int) throws(MIMEError) {
        if line.first == 0x20 || line.first == 0x09 {
            guard name != nil else { throw .malformedHeader(line: number) }
            value += line
            return
        }
        // A mailbox file's envelope line; no field name may hold a space.
        if number == 1, line.starts(with: "From ".utf8) { return }
        finishField()
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw .malformedHeader(line: number) }
        var label = line[..<colon]
        // RFC 5322 section 4.5 lets old messages have white space before the colon.
        while label.last == 0x20 || label.last == 0x09 { label.removeLast() }
        guard !label.isEmpty, label.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw .malformedHeader(line: number)
        }
        guard fields.count < limits.headerFieldsMax else {
            throw .tooManyHeaderFields(limits.headerFieldsMax)
        }
        name = String(decoding: label, as: UTF8.self)
        value = Array(line[(colon + 1)...])
    }

    private mutating func finishField() {
        guard let name else { return }
        var text = value[...]
        while text.first == 0x20 || text.first == 0x09 { text.removeFirst() }
        while text.last == 0x20 || text.last == 0x09 { text.removeLast() }
        fields.append((name, String(decoding: text, as: UTF8.self)))
        self.name = nil
        value = []
    }
}
