package import Identifiers

/// When something may happen: the 672 quarter hours of a week that begins on Sunday, 00:00 UTC.
///
/// As windows (a site link) or as slots in which a request starts (a connection). Quarter hours count from 0.
/// - Source: MS-ADTS sections 6.1.4.5.2 and 6.2.2.3.4.
package struct Schedule: Sendable {
    package static let quartersPerWeek = 672
    package static let quarterSeconds: Int64 = 900
    static let quarterMinutes = 15

    /// Open in every quarter hour: what a missing attribute means.
    package static let always = Schedule(open: 0..<quartersPerWeek)
    /// Open in none; nothing passes.
    package static let never = Schedule(open: 0..<0)
    /// The last quarter of every hour: what connections within a site are given.
    /// - Source: MS-ADTS section 6.2.2.2.
    package static let hourly = Schedule(open: stride(from: 3, to: quartersPerWeek, by: 4))

    /// Bit q % 64 of word q / 64 is quarter hour q; bits beyond the week are clear.
    let words: [UInt64]
    /// How many quarter hours are open, 0...672.
    package let openQuarters: Int

    /// Opens the given quarter hours, each counted modulo a week.
    package init(open quarters: some Sequence<Int>) {
        var words = [UInt64](repeating: 0, count: Self.wordCount)
        for quarter in quarters {
            let q = Self.inWeek(quarter)
            words[q >> 6] |= 1 << UInt64(q & 63)
        }
        self.init(words: words)
    }

    /// Opens the given windows; they may overlap and may run over the week's end.
    package init(windows: some Sequence<Window>) {
        self.init(
            open: windows.flatMap {
                let first = Self.inWeek($0.firstQuarter)
                return first..<(first + max(0, min($0.quarters, Self.quartersPerWeek)))
            }
        )
    }

    private init(words: [UInt64]) {
        self.words = words
        openQuarters = words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    package var isAlways: Bool { openQuarters == Self.quartersPerWeek }
    package var isNever: Bool { openQuarters == 0 }

    /// Quarter hours are counted modulo a week.
    package func isOpen(quarter: Int) -> Bool {
        let q = Self.inWeek(quarter)
        return words[q >> 6] >> UInt64(q & 63) & 1 == 1
    }

    package func isOpen(at time: Timestamp) -> Bool { isOpen(quarter: Self.quarter(of: time)) }

    /// Open exactly when both are.
    package func intersection(_ other: Schedule) -> Schedule {
        if isAlways || other.isNever { return other }
        if other.isAlways || isNever { return self }
        var common = words
        for index in common.indices { common[index] &= other.words[index] }
        return common == words ? self : Schedule(words: common)
    }

    /// Slots in which requests start: the first open quarter of the week, then each time the next open one
    /// that comes `minutes` or more after the slot before.
    ///
    /// Slots never leave the windows; between the last of a week and the first of the next there may be less
    /// than the interval. Never stays never; minutes count as 15 at least.
    /// - Source: MS-ADTS section 6.2.2.3.4.5 (CreateConnections).
    package func slots(everyMinutes minutes: Int) -> Schedule {
        let step = max(1, (minutes + Self.quarterMinutes - 1) / Self.quarterMinutes)
        guard step > 1 else { return self }
        var slots: [Int] = []
        var quarter = 0
        while quarter < Self.quartersPerWeek {
            if isOpen(quarter: quarter) {
                slots.append(quarter)
                quarter += step
            } else {
                quarter += 1
            }
        }
        return Schedule(open: slots)
    }

    private static let wordCount = 11

    private static func inWeek(_ quarter: Int) -> Int {
        (quarter % quartersPerWeek + quartersPerWeek) % quartersPerWeek
    }
}

extension Schedule: Hashable {
    package static func == (left: Schedule, right: Schedule) -> Bool {
        left.openQuarters == right.openQuarters && left.words == right.words
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(words) }
}

// MARK: - Time

extension Schedule {
    private static let weekSeconds: Int64 = 604_800

    /// The quarter hour of the week that a time lies in, 0...671.
    package static func quarter(of time: Timestamp) -> Int { Int(secondOfWeek(time) / quarterSeconds) }

    /// Seconds since Sunday, 00:00 UTC; the epoch was a Thursday.
    private static func secondOfWeek(_ time: Timestamp) -> Int64 {
        (time.seconds % weekSeconds + 4 * 86_400 + weekSeconds) % weekSeconds
    }

    /// The earliest time at or after `time` that is open; nil if none ever is.
    package func nextOpen(atOrAfter time: Timestamp) -> Timestamp? {
        isOpen(at: time) ? time : nextSlot(after: time)
    }

    /// The beginning of the first open quarter hour that begins after `time`; nil if none ever does.
    package func nextSlot(after time: Timestamp) -> Timestamp? {
        let second = Self.secondOfWeek(time)
        let current = Int(second / Self.quarterSeconds)
        guard let distance = distance(toOpenQuarterAfter: current) else { return nil }
        let delta = Int64(distance) * Self.quarterSeconds - second % Self.quarterSeconds
        return time.adding(seconds: delta)
    }

    /// 1...672 quarter hours from one to the next open one, round the week.
    private func distance(toOpenQuarterAfter quarter: Int) -> Int? {
        guard !isNever else { return nil }
        if isAlways { return 1 }
        return (1...Self.quartersPerWeek).first { isOpen(quarter: quarter + $0) }
    }
}

// MARK: - Windows

extension Schedule {
    /// A run of open quarter hours; it may run over the week's end.
    package struct Window: Hashable, Sendable {
        /// 0...671, from Sunday, 00:00 UTC.
        package let firstQuarter: Int
        /// 1...672.
        package let quarters: Int

        package init(firstQuarter: Int, quarters: Int) {
            (self.firstQuarter, self.quarters) = (firstQuarter, quarters)
        }
    }

    /// The longest runs, by their beginning; one that runs over the week's end comes last.
    package var windows: [Window] {
        if isAlways { return [Window(firstQuarter: 0, quarters: Self.quartersPerWeek)] }
        var windows: [Window] = []
        for quarter in 0..<Self.quartersPerWeek
        where isOpen(quarter: quarter) && !isOpen(quarter: quarter - 1) {
            var end = quarter + 1
            while isOpen(quarter: end) { end += 1 }
            windows.append(Window(firstQuarter: quarter, quarters: end - quarter))
        }
        return windows
    }
}

extension Schedule: CustomStringConvertible {
    /// `always`, `never`, up to seven windows such as `Sun 22:00-Mon 06:00`, or how much of the week is open.
    package var description: String {
        if isAlways { return "always" }
        if isNever { return "never" }
        let windows = windows
        if let every = evenSlotMinutes(windows) {
            return "every \(every) min from \(Self.text(ofQuarter: windows[0].firstQuarter))"
        }
        if let daily = dailyWindow(windows) { return "daily \(daily)" }
        guard windows.count <= 7 else {
            return "\(windows.count) windows, \(openQuarters) of \(Self.quartersPerWeek) quarter hours"
        }
        return windows.map(\.description).joined(separator: ", ")
    }

    /// Minutes between slots of one quarter hour each, if they stand evenly round the week.
    private func evenSlotMinutes(_ windows: [Window]) -> Int? {
        guard windows.count > 1, Self.quartersPerWeek % windows.count == 0 else { return nil }
        let step = Self.quartersPerWeek / windows.count
        let isEven = windows.enumerated().allSatisfy {
            $1.quarters == 1 && $1.firstQuarter == windows[0].firstQuarter + $0 * step
        }
        return isEven ? step * Self.quarterMinutes : nil
    }

    /// `22:00-06:00`, if the same window opens on all seven days.
    private func dailyWindow(_ windows: [Window]) -> String? {
        guard windows.count == 7 else { return nil }
        let (first, quarters) = (windows[0].firstQuarter, windows[0].quarters)
        let isDaily = windows.enumerated().allSatisfy {
            $1.firstQuarter == first + $0 * 96 && $1.quarters == quarters
        }
        let times = [first, first + quarters].map { Self.text(ofQuarter: $0).dropFirst(4) }
        return isDaily ? times.joined(separator: "-") : nil
    }

    /// `Mon 08:15`.
    static func text(ofQuarter quarter: Int) -> String {
        let q = inWeek(quarter)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let hour = q / 4 % 24
        let minute = q % 4 * quarterMinutes
        return "\(days[q / 96]) \(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
    }
}

extension Schedule.Window: CustomStringConvertible {
    package var description: String {
        "\(Schedule.text(ofQuarter: firstQuarter))-\(Schedule.text(ofQuarter: firstQuarter + quarters))"
    }
}
