/// The form in which names and case-ignoring values are compared, frozen into the code.
///
/// Steps: RFC 4518 mapping (section 2.2: invisible characters vanish, white space becomes space), canonical
/// decomposition, simple case folding, decomposition again, insignificant spaces (section 2.6.1: none at the
/// ends, runs count as one). Two texts are equal under NFC exactly when their canonical decompositions are
/// equal, so decomposing suffices and needs no composition rules. The tables are our own (Unicode 14.0.0):
/// the platform's change with its version, and replicas must never disagree on whether two names are equal.
package enum NameFolding {
    /// Case-ignoring form; `ignoringCase: false` keeps case and does the rest.
    package static func folded(_ text: String, ignoringCase: Bool = true) -> String {
        if let ascii = foldedASCII(Array(text.utf8), ignoringCase: ignoringCase) {
            return String(decoding: ascii, as: UTF8.self)
        }
        return foldedScalars(text, ignoringCase: ignoringCase)
    }

    /// As above, from and to UTF-8; nil when the octets are not UTF-8.
    package static func folded(_ octets: [UInt8], ignoringCase: Bool = true) -> [UInt8]? {
        if let ascii = foldedASCII(octets, ignoringCase: ignoringCase) { return ascii }
        guard let text = String(validating: octets, as: UTF8.self) else { return nil }
        return Array(foldedScalars(text, ignoringCase: ignoringCase).utf8)
    }

    private static func foldedScalars(_ text: String, ignoringCase: Bool) -> String {
        var scalars = decomposed(mapped(text))
        if ignoringCase { scalars = decomposed(scalars.map(folded)) }
        return String(String.UnicodeScalarView(withSignificantSpaces(scalars)))
    }

    // MARK: - ASCII, the common case, in one pass

    private static func foldedASCII(_ text: [UInt8], ignoringCase: Bool) -> [UInt8]? {
        var octets: [UInt8] = []
        octets.reserveCapacity(text.count)
        var owesSpace = false
        for octet in text {
            guard octet < 0x80 else { return nil }
            if octet == 0x20 || (0x09...0x0d).contains(octet) {
                owesSpace = !octets.isEmpty
                continue
            }
            if octet < 0x20 || octet == 0x7f { continue }
            if owesSpace {
                octets.append(0x20)
                owesSpace = false
            }
            octets.append(ignoringCase && (0x41...0x5a).contains(octet) ? octet | 0x20 : octet)
        }
        return octets
    }

    // MARK: - RFC 4518 section 2.2

    private static func mapped(_ text: String) -> [Unicode.Scalar] {
        var scalars: [Unicode.Scalar] = []
        for scalar in text.unicodeScalars {
            if isSpace(scalar.value) {
                scalars.append(" ")
            } else if !isMappedToNothing(scalar.value) {
                scalars.append(scalar)
            }
        }
        return scalars
    }

    private static func isSpace(_ code: UInt32) -> Bool {
        switch code {
        case 0x09...0x0d, 0x20, 0x85, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000:
            true
        default: false
        }
    }

    private static func isMappedToNothing(_ code: UInt32) -> Bool {
        switch code {
        case 0x00...0x08, 0x0e...0x1f, 0x7f...0x84, 0x86...0x9f, 0xad, 0x34f, 0x6dd, 0x70f, 0x1806,
            0x180b...0x180e, 0x200b...0x200f, 0x202a...0x202e, 0x2060...0x2063, 0x206a...0x206f,
            0xfe00...0xfe0f, 0xfeff, 0xfff9...0xfffc, 0x1_d173...0x1_d17a, 0xe_0001, 0xe_0020...0xe_007f:
            true
        default: false
        }
    }

    private static func withSignificantSpaces(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var owesSpace = false
        for (index, scalar) in scalars.enumerated() {
            // A space that carries a combining mark is a character of its own (RFC 4518 section 2.6).
            let carriesMark = index + 1 < scalars.count && combiningClass(scalars[index + 1].value) != 0
            if scalar == " ", !carriesMark {
                owesSpace = !result.isEmpty
                continue
            }
            if owesSpace {
                result.append(" ")
                owesSpace = false
            }
            result.append(scalar)
        }
        return result
    }

    // MARK: - Folding and decomposition

    private static func folded(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        let code = Int32(bitPattern: scalar.value)
        let rows = CaseFoldingTable.rows
        guard let row = lastRow(of: rows, width: 4, notAbove: code), code <= rows[row + 1],
            (code - rows[row]) % rows[row + 2] == 0
        else { return scalar }
        return Unicode.Scalar(UInt32(bitPattern: code + rows[row + 3])) ?? scalar
    }

    /// Canonical decomposition in canonical order (Unicode 3.11 D68, D109).
    private static func decomposed(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [(code: UInt32, combiningClass: UInt32)] = []
        for scalar in scalars { appendDecomposition(of: scalar.value, to: &result) }
        // Stable insertion sort of each run of marks; runs are short, and long ones are cut (`marksMax`).
        var index = 1
        var runStart = 0
        while index < result.count {
            let mark = result[index]
            if mark.combiningClass == 0 {
                runStart = index
            } else if index - runStart <= marksMax {
                var slot = index
                while slot > runStart, result[slot - 1].combiningClass > mark.combiningClass {
                    result[slot] = result[slot - 1]
                    slot -= 1
                }
                result[slot] = mark
            }
            index += 1
        }
        return result.compactMap { Unicode.Scalar($0.code) }
    }

    /// Marks behind one base that are put in canonical order; a hostile longer run stays as written, so that
    /// sorting stays linear.
    private static let marksMax = 64

    private static func appendDecomposition(
        of code: UInt32,
        to result: inout [(code: UInt32, combiningClass: UInt32)]
    ) {
        if code < 0xc0 {
            result.append((code, 0))
        } else if (0xac00...0xd7a3).contains(code) {
            let syllable = code - 0xac00
            result.append((0x1100 + syllable / 588, 0))
            result.append((0x1161 + syllable % 588 / 28, 0))
            if syllable % 28 != 0 { result.append((0x11a7 + syllable % 28, 0)) }
        } else if let row = exactRow(of: DecompositionTable.pairs, width: 3, code) {
            appendDecomposition(of: DecompositionTable.pairs[row + 1], to: &result)
            appendDecomposition(of: DecompositionTable.pairs[row + 2], to: &result)
        } else if let row = exactRow(of: DecompositionTable.singles, width: 2, code) {
            appendDecomposition(of: DecompositionTable.singles[row + 1], to: &result)
        } else {
            result.append((code, combiningClass(code)))
        }
    }

    private static func combiningClass(_ code: UInt32) -> UInt32 {
        let rows = DecompositionTable.combiningClasses
        guard code >= 0x300, let row = lastRow(of: rows, width: 3, notAbove: code), code <= rows[row + 1]
        else {
            return 0
        }
        return rows[row + 2]
    }

    private static func exactRow(of rows: [UInt32], width: Int, _ code: UInt32) -> Int? {
        guard let row = lastRow(of: rows, width: width, notAbove: code), rows[row] == code else { return nil }
        return row
    }

    /// Offset of the last row whose first number is at most `code`.
    private static func lastRow<Number: Comparable>(
        of rows: [Number],
        width: Int,
        notAbove code: Number
    ) -> Int? {
        var low = 0
        var high = rows.count / width
        while low < high {
            let middle = (low + high) / 2
            if rows[middle * width] <= code { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : (low - 1) * width
    }
}
