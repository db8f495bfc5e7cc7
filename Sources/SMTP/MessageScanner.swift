/// Finds the end of a message in the stream behind DATA, and takes out the stuffed dots.
///
/// Strict on purpose: a server that takes another line end than CRLF for one, or passes a bare CR or LF on, lets
/// a sender hide a second message in the first (CVE-2023-51764, -51765, -51766).
/// - Source: RFC 5321 sections 4.1.1.4 and 4.5.2.
struct MessageScanner: Sendable {
    enum Verdict: Hashable {
        case needsMore
        /// CRLF.CRLF is complete; what follows starts at this index of the chunk.
        case ended(next: Int)
        case bareCarriageReturn
        case bareLineFeed
        case nul
    }

    private enum Position: Hashable {
        case lineStart
        /// Behind a dot at a line's start, which is not part of the message.
        case dot
        case dotCarriageReturn
        case insideLine
        case carriageReturn
    }

    private var position = Position.lineStart
    private var lineOctets = 0
    /// The longest line so far, without its CRLF.
    private(set) var longestLineOctets = 0

    /// Walks over the next octets; `emit` gets the runs that belong to the message, as indices of `chunk`.
    mutating func scan(_ chunk: ArraySlice<UInt8>, emit: (Range<Int>) -> Void) -> Verdict {
        let base = chunk.startIndex
        return unsafe chunk.withUnsafeBytes { raw in
            var run = 0
            var index = 0
            var verdict = Verdict.needsMore
            while index < raw.count, verdict == .needsMore {
                unsafe step(raw, &index, &run, &verdict) { emit(base + $0..<base + $1) }
            }
            if index > run { emit(base + run..<base + index) }
            longestLineOctets = max(longestLineOctets, lineOctets)
            if case .ended(let next) = verdict { return .ended(next: base + next) }
            return verdict
        }
    }

    /// Moves `index` over one octet, or over a run of plain ones; octets from `run` on are not emitted yet.
    private mutating func step(
        _ raw: UnsafeRawBufferPointer,
        _ index: inout Int,
        _ run: inout Int,
        _ verdict: inout Verdict,
        emit: (Int, Int) -> Void
    ) {
        switch position {
        case .lineStart:
            guard unsafe raw[index] == UInt8(ascii: ".") else {
                position = .insideLine
                return
            }
            if index > run { emit(run, index) }
            index += 1
            run = index
            position = .dot
        case .dot:
            guard unsafe raw[index] == 0x0d else {
                position = .insideLine
                return
            }
            index += 1
            run = index
            position = .dotCarriageReturn
        case .dotCarriageReturn:
            guard unsafe raw[index] == 0x0a else {
                verdict = .bareCarriageReturn
                return
            }
            index += 1
            run = index
            position = .lineStart
            verdict = .ended(next: index)
        case .insideLine:
            let end = unsafe OctetSearch.firstLineOctet(in: raw, from: index)
            lineOctets += end - index
            index = end
            guard end < raw.count else { return }
            if unsafe raw[end] == 0x0d {
                index += 1
                position = .carriageReturn
            } else {
                verdict = unsafe raw[end] == 0 ? .nul : .bareLineFeed
            }
        case .carriageReturn:
            guard unsafe raw[index] == 0x0a else {
                verdict = .bareCarriageReturn
                return
            }
            index += 1
            longestLineOctets = max(longestLineOctets, lineOctets)
            lineOctets = 0
            position = .lineStart
        }
    }
}
