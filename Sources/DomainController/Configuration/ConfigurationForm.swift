import Identifiers
import InterSiteMessaging

/// What a value must look like; sizes and times carry their unit.
package enum ConfigurationForm: Hashable, Sendable {
    case text
    case boolean
    case integer(ClosedRange<Int>)
    /// `65536`, `64KiB`, `16MiB`, `1GiB`.
    case bytes(ClosedRange<Int>)
    /// `90` (seconds), `90s`, `15m`, `3h`, `7d`.
    case duration(ClosedRange<Int>)
    case choice([String])
    /// Pairs of seconds and times, the last one `+`.
    case retry
    case mailAddress
    /// A list of words; in one line with commas between them.
    case list
    /// A list of mappings; not in one line.
    case routes

    /// Nil when `text` has this form, else what it must be.
    package func objection(to text: String) -> String? {
        switch self {
        case .text: text.isEmpty || text.utf8.contains(0) ? "must not be empty" : nil
        case .boolean: Self.boolean(text) == nil ? "must be true or false" : nil
        case .integer(let range):
            Int(text).map(range.contains) == true
                ? nil : "must be a number from \(range.lowerBound) to \(range.upperBound)"
        case .bytes(let range):
            Self.bytes(text).map(range.contains) == true
                ? nil
                : "must be a size from \(Self.bytesText(range.lowerBound)) to "
                    + "\(Self.bytesText(range.upperBound)), such as 16MiB"
        case .duration(let range):
            Self.seconds(text).map(range.contains) == true
                ? nil : "must be a time from \(range.lowerBound)s to \(range.upperBound)s, such as 15m"
        case .choice(let words):
            words.contains(text) ? nil : "must be one of \(words.joined(separator: ", "))"
        case .retry:
            RetrySchedule(text) == nil
                ? "must be pairs of seconds (at most 3600) and times, the last times +, such as 60 10 300 +"
                : nil
        case .mailAddress: MailAddress(text) == nil ? "must be a mail address" : nil
        case .list, .routes: nil
        }
    }

    package static func boolean(_ text: String) -> Bool? {
        switch text {
        case "true": true
        case "false": false
        default: nil
        }
    }

    package static func bytes(_ text: String) -> Int? {
        scaled(text, units: [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)])
    }

    package static func seconds(_ text: String) -> Int? {
        scaled(text, units: [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)])
    }

    private static func scaled(_ text: String, units: [(String, Int)]) -> Int? {
        let unit = units.first { text.hasSuffix($0.0) }
        let digits = text.dropLast(unit?.0.count ?? 0)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(digits)
        else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit?.1 ?? 1)
        return overflow ? nil : product
    }

    private static func bytesText(_ bytes: Int) -> String {
        for (name, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        where bytes >= size && bytes % size == 0 {
            return "\(bytes / size)\(name)"
        }
        return "\(bytes)"
    }
}

/// What the own SMTP listener does about TLS.
package enum ListenerTLS: String, CaseIterable, Hashable, Sendable {
    case off
    /// STARTTLS is offered.
    case opportunistic
    /// Mail is taken over TLS only.
    case required
    /// TLS from the first octet.
    case implicit
}

/// How log lines look on stderr.
package enum LogFormat: String, CaseIterable, Hashable, Sendable {
    case human, json
}
