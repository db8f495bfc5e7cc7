import Identifiers
import Testing
import Topology

@Suite struct `Schedules` {
    private static func random(_ random: inout SeededRandom) -> Schedule {
        switch random.below(8) {
        case 0: return .always
        case 1: return .never
        case 2: return .hourly
        default:
            let windows = (0..<(1 + random.below(5))).map { _ in
                Schedule.Window(firstQuarter: random.below(672), quarters: 1 + random.below(200))
            }
            return Schedule(windows: windows)
        }
    }

    private static let seeds = Array(UInt64(0)..<200)

    @Test func `the octets have Active Directory's layout`() throws {
        let octets = Schedule(open: [0, 5, 671]).octets
        #expect(octets.count == 188)
        #expect(Array(octets[0..<20]) == [188, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0])
        // The highest of the four bits is the first quarter of the hour.
        #expect(octets[20] == 0x8)
        #expect(octets[21] == 0x4)
        #expect(octets[187] == 0x1)
        #expect(octets[22..<187].allSatisfy { $0 == 0 })
        #expect(Schedule.hourly.octets[20...].allSatisfy { $0 == 1 })
    }

    @Test(arguments: seeds) func `octets survive both ways`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let schedule = Self.random(&random)
        #expect(try Schedule(octets: schedule.octets) == schedule)
    }

    @Test func `the high halves and the bandwidth are passed over`() throws {
        var octets = Schedule.hourly.octets
        octets[4] = 7
        for index in 20..<188 { octets[index] |= 0xf0 }
        #expect(try Schedule(octets: octets) == .hourly)
    }

    @Test func `what is no schedule is refused by what is wrong with it`() {
        let good = Schedule.always.octets
        let changed = { (index: Int, value: UInt8) in
            var octets = good
            octets[index] = value
            return octets
        }
        #expect(throws: ScheduleError.wrongLength(0)) { try Schedule(octets: []) }
        #expect(throws: ScheduleError.wrongLength(187)) { try Schedule(octets: good.dropLast()) }
        #expect(throws: ScheduleError.wrongLength(189)) { try Schedule(octets: good + [0]) }
        #expect(throws: ScheduleError.wrongSizeField(187)) { try Schedule(octets: changed(0, 187)) }
        #expect(throws: ScheduleError.wrongCount(2)) { try Schedule(octets: changed(8, 2)) }
        #expect(throws: ScheduleError.wrongType(1)) { try Schedule(octets: changed(12, 1)) }
        #expect(throws: ScheduleError.wrongOffset(24)) { try Schedule(octets: changed(16, 24)) }
    }

    @Test(arguments: seeds) func `intersection is commutative, associative and open when both are`(
        seed: UInt64
    ) {
        var random = SeededRandom(seed: seed)
        let (a, b, c) = (Self.random(&random), Self.random(&random), Self.random(&random))
        #expect(a.intersection(b) == b.intersection(a))
        #expect(a.intersection(b).intersection(c) == a.intersection(b.intersection(c)))
        #expect(a.intersection(a) == a)
        #expect(a.intersection(.always) == a)
        #expect(a.intersection(.never) == .never)
        let both = a.intersection(b)
        let isRight = (0..<672).allSatisfy {
            both.isOpen(quarter: $0) == (a.isOpen(quarter: $0) && b.isOpen(quarter: $0))
        }
        #expect(isRight)
    }

    @Test(arguments: seeds) func `windows make the schedule again`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let schedule = Self.random(&random)
        #expect(Schedule(windows: schedule.windows) == schedule)
        #expect(schedule.windows.reduce(0) { $0 + $1.quarters } == schedule.openQuarters)
    }

    @Test(arguments: seeds) func `slots stay in the windows and keep their distance`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let schedule = Self.random(&random)
        let minutes = 15 * (1 + random.below(672))
        let slots = schedule.slots(everyMinutes: minutes)
        let open = (0..<672).filter(slots.isOpen(quarter:))
        #expect(open.allSatisfy(schedule.isOpen(quarter:)))
        #expect(slots.isNever == schedule.isNever)
        #expect(open.first == (0..<672).first(where: schedule.isOpen(quarter:)))
        for (earlier, later) in zip(open, open.dropFirst()) {
            #expect((later - earlier) * 15 >= minutes)
            // None is left out: nothing between is open and far enough from the slot before.
            let earliest = earlier + minutes / 15
            #expect((earliest..<later).allSatisfy { !schedule.isOpen(quarter: $0) })
        }
    }

    @Test func `the week begins on Sunday, midnight UTC`() throws {
        let sunday = try #require(Timestamp(rfc3339: "2026-11-29T00:00:00Z"))
        #expect(Schedule.quarter(of: sunday) == 0)
        #expect(Schedule.quarter(of: sunday.adding(seconds: -1)) == 671)
        #expect(Schedule.quarter(of: try #require(Timestamp(rfc3339: "2026-11-30T08:16:00Z"))) == 96 + 33)
        #expect(Schedule.quarter(of: try #require(Timestamp(rfc3339: "1970-01-01T00:00:00Z"))) == 4 * 96)
        #expect(Schedule.quarter(of: try #require(Timestamp(rfc3339: "1969-12-28T00:00:00Z"))) == 0)
    }

    @Test(arguments: seeds) func `the next slot is the first open quarter that begins later`(seed: UInt64)
        throws
    {
        var random = SeededRandom(seed: seed)
        let schedule = Self.random(&random)
        let time = Timestamp(seconds: Int64(random.below(2_000_000_000)) - 500_000_000)
        guard let slot = schedule.nextSlot(after: time) else {
            #expect(schedule.isNever)
            return
        }
        #expect(slot > time)
        #expect(slot.seconds - time.seconds <= 604_800)
        #expect((slot.seconds % 900 + 900) % 900 == 0)
        #expect(schedule.isOpen(at: slot))
        var quarter = time.seconds - ((time.seconds % 900) + 900) % 900 + 900
        while quarter < slot.seconds {
            #expect(!schedule.isOpen(at: Timestamp(seconds: quarter)))
            quarter += 900
        }
        #expect(schedule.nextOpen(atOrAfter: slot) == slot)
        if schedule.isOpen(at: time) { #expect(schedule.nextOpen(atOrAfter: time) == time) }
    }

    @Test func `extreme times do not trap`() {
        #expect(Schedule.hourly.nextSlot(after: Timestamp(seconds: .max)) == Timestamp(seconds: .max))
        #expect(Schedule.hourly.nextSlot(after: Timestamp(seconds: .min)) != nil)
        #expect(Schedule(open: [-1, 672, Int.min, Int.max]).openQuarters > 0)
        #expect(Schedule(windows: [.init(firstQuarter: 3, quarters: .max)]).isAlways)
    }

    @Test func `people read windows and even slots`() {
        #expect(Schedule.always.description == "always")
        #expect(Schedule.never.description == "never")
        let night = Schedule(windows: [.init(firstQuarter: 88, quarters: 32)])
        #expect(night.description == "Sun 22:00-Mon 06:00")
        #expect(Schedule.always.slots(everyMinutes: 180).description == "every 180 min from Sun 00:00")
        #expect(
            Schedule(open: stride(from: 0, to: 40, by: 2)).description
                == "20 windows, 20 of 672 quarter hours"
        )
        let nights = Schedule(windows: (0..<7).map { .init(firstQuarter: $0 * 96 + 88, quarters: 32) })
        #expect(nights.description == "daily 22:00-06:00")
        let overEnd = Schedule(windows: [.init(firstQuarter: 668, quarters: 8)])
        #expect(overEnd.description == "Sat 23:00-Sun 01:00")
    }
}
