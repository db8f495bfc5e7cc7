/// When to try again: pairs of seconds and times.
///
/// E.g. `60 10 300 +`: ten times after a minute, then every five minutes.
package struct RetrySchedule: Sendable, Hashable {
    /// No wait is longer.
    package static let secondsMax = 3600.0
    package static let stepsMax = 32

    /// A step without times lasts for ever.
    private struct Step: Sendable, Hashable {
        var seconds: Double
        var times: Int?
    }

    private let steps: [Step]

    package static let standard = RetrySchedule(steps: [Step(seconds: 60, times: 10), Step(seconds: 300)])

    private init(steps: [Step]) { self.steps = steps }

    /// Nil unless `text` is pairs of seconds (at most 3600) and times (at least 1); the last times is `+`.
    package init?(_ text: String) {
        let words = text.split(separator: " ")
        guard !words.isEmpty, words.count % 2 == 0, words.count / 2 <= Self.stepsMax else { return nil }
        var steps: [Step] = []
        for index in stride(from: 0, to: words.count, by: 2) {
            guard let seconds = Double(words[index]), (0...Self.secondsMax).contains(seconds) else {
                return nil
            }
            let isLast = index + 2 == words.count
            if isLast {
                guard words[index + 1] == "+" else { return nil }
                steps.append(Step(seconds: seconds))
            } else {
                guard let times = Int(words[index + 1]), times > 0 else { return nil }
                steps.append(Step(seconds: seconds, times: times))
            }
        }
        self.steps = steps
    }

    /// Seconds to wait after that many failed attempts; `spread` between 0 and 1 moves it by a tenth.
    package func seconds(afterAttempts attempts: Int, spread: Double = 0.5) -> Double {
        var rest = max(1, attempts)
        for step in steps {
            guard let times = step.times, rest > times else {
                return min(step.seconds * (0.9 + 0.2 * min(max(spread, 0), 1)), Self.secondsMax)
            }
            rest -= times
        }
        return Self.secondsMax
    }
}
