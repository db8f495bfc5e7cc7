/// Rows of cells, printed with aligned columns.
package struct TextTable {
    package enum Alignment { case left, right }

    private let header: [String]
    private let alignments: [Alignment]
    private var rows: [[String]] = []

    /// A header that begins with `>` is right-aligned, without the sign.
    package init(_ header: [String]) {
        self.header = header.map { $0.hasPrefix(">") ? String($0.dropFirst()) : $0 }
        alignments = header.map { $0.hasPrefix(">") ? .right : .left }
    }

    package mutating func add(_ row: [String]) { rows.append(row) }

    /// With a line feed at the end of each line; no trailing spaces.
    package var text: String {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            let cells = row.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return alignments[column] == .right ? padding + row[column] : row[column] + padding
            }
            let line = cells.joined(separator: "  ")
            return line.prefix(
                upTo: line.lastIndex { $0 != " " }.map { line.index(after: $0) } ?? line.startIndex
            )
                + "\n"
        }.joined()
    }
}

/// Times and sizes as people read them.
package enum HumanText {
    /// `95` = `1m35s`; the two largest units.
    package static func age(seconds: Int64) -> String {
        let total = max(0, seconds)
        let parts: [(Int64, String)] = [
            (total / 86_400, "d"), (total % 86_400 / 3_600, "h"), (total % 3_600 / 60, "m"),
            (total % 60, "s"),
        ]
        guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0s" }
        return parts[first..<min(first + 2, parts.count)].filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }
            .joined()
    }

    /// Powers of 1024 with one decimal.
    package static func octets(_ octets: Int) -> String {
        var value = octets * 10
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 10_240 || unit == "GiB" {
                return unit == "B" ? "\(octets) B" : "\(value / 10).\(value % 10) \(unit)"
            }
            value /= 1_024
        }
        return "\(octets) B"
    }

    /// Text from elsewhere on one line of a terminal: control characters become `?`.
    package static func line(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "?" : $0 }))
    }

    /// The same with line ends and tabs kept.
    package static func lines(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0 != "\n" && $0 != "\t" && isControl($0) ? "?" : $0 }
            )
        )
    }

    /// Controls, and the marks that turn the direction of writing.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
            || (0x202a...0x202e).contains(scalar.value)
            || (0x2066...0x2069).contains(scalar.value) || (0x2028...0x2029).contains(scalar.value)
    }
}
