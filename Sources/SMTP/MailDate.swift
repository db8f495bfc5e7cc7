package import Identifiers

extension Timestamp {
    /// Reads a mail date such as `Wed, 25 Nov 2026 12:00:00 +0100 (CET)`.
    ///
    /// Weekday, seconds and comments may be missing; the obsolete zones and two-digit years are understood, an
    /// unknown zone counts as UTC.
    /// - Source: RFC 5322 sections 3.3 and 4.3.
    package init?(mailDate text: String) {
        guard text.utf8.count <= MailDate.octetsMax else { return nil }
        var words = HeaderWords(text)
        var plain = words.text(until: ",")
        if words.previous != nil {
            guard MailDate.weekdays.contains(plain.prefix(3).lowercased()) else { return nil }
            plain = words.text(until: ",")
            guard words.previous == nil else { return nil }
        }
        guard let seconds = MailDate.seconds(plain.split(separator: " ").map(String.init)) else { return nil }
        self = seconds
    }
}

private enum MailDate {
    static let octetsMax = 256
    static let weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    private static let zoneHours = [
        "edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7, "pst": -8,
    ]

    static func seconds(_ words: [String]) -> Timestamp? {
        guard (4...5).contains(words.count), let day = number(words[0], digits: 1...2),
            let month = months.firstIndex(of: words[1].lowercased()),
            var year = number(words[2], digits: 2...4)
        else { return nil }
        switch words[2].utf8.count {
        case 2: year += year < 50 ? 2000 : 1900
        case 3: year += 1900
        default: break
        }
        let clock = words[3].split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(clock.count), let hour = number(clock[0], digits: 1...2),
            let minute = number(clock[1], digits: 2...2),
            let second = clock.count == 3 ? number(clock[2], digits: 2...2) : 0,
            let local = Timestamp(
                year: year,
                month: month + 1,
                day: day,
                hour: hour,
                minute: minute,
                second: second
            ),
            let offset = offsetSeconds(words.count == 5 ? words[4] : "-0000")
        else { return nil }
        return local.adding(seconds: -offset)
    }

    private static func offsetSeconds(_ zone: String) -> Int64? {
        guard let sign = zone.utf8.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else {
            guard zone.utf8.allSatisfy({ (0x41...0x5a).contains($0 & 0xdf) }) else { return nil }
            return Int64(zoneHours[zone.lowercased()] ?? 0) * 3600
        }
        guard let value = number(String(zone.dropFirst()), digits: 4...4), value % 100 < 60 else {
            return nil
        }
        let seconds = Int64(value / 100 * 3600 + value % 100 * 60)
        return sign == UInt8(ascii: "-") ? -seconds : seconds
    }

    private static func number(_ text: String, digits: ClosedRange<Int>) -> Int? {
        guard digits.contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
