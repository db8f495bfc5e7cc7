import Identifiers
import Replication
import Testing

@Suite struct `Age clock` {
    private let day: Int64 = 86_400

    @Test func `it follows a healthy clock, and a switched-off machine ages by a day`() {
        var clock = AgeClock(observed: Timestamp(seconds: 1_000))
        for hour in 1...48 { clock.observe(Timestamp(seconds: 1_000 + Int64(hour) * 3_600)) }
        #expect(clock.seconds == 48 * 3_600)
        #expect(clock.observe(Timestamp(seconds: 1_000 + 400 * day)) == 398 * day)
        #expect(clock.seconds == 3 * day)
    }

    @Test func `a leap of years counts for a day and is given back when the clock is set right`() {
        var clock = AgeClock(observed: Timestamp(seconds: 0))
        clock.observe(Timestamp(seconds: 10 * 365 * day))
        #expect(clock.seconds == day)
        clock.observe(Timestamp(seconds: 3_600))
        #expect(clock.seconds == 0)
    }

    @Test func `a clock that flaps does not run`() {
        var clock = AgeClock(observed: Timestamp(seconds: 0))
        for turn in 1...1_000 {
            let leap = turn.isMultiple(of: 2) ? 0 : 30 * day
            clock.observe(Timestamp(seconds: leap + Int64(turn)))
        }
        #expect(clock.seconds < 2 * day)
    }

    @Test func `the ends of time do not trap`() {
        var clock = AgeClock(seconds: .max, observed: Timestamp(seconds: .min))
        #expect(clock.observe(Timestamp(seconds: .max)) == .max)
        #expect(clock.observe(Timestamp(seconds: .min)) == .min)
        clock = AgeClock(seconds: .min, observed: Timestamp(seconds: .max))
        clock.observe(Timestamp(seconds: .min))
        #expect(clock.reading(at: Timestamp(seconds: .max)) > .min)
    }
}
