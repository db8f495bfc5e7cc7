/// What a way between two sites costs, and when it can be taken.
///
/// - Source: MS-ADTS section 6.2.2.3.4.1 (REPLINFO).
package struct RouteInfo: Hashable, Sendable {
    package var cost: UInt32
    /// Minutes between replications: the longest of the links'.
    package var intervalMinutes: Int
    /// What all links have.
    package var options: SiteLinkOptions
    /// When all links are open.
    package var schedule: Schedule

    /// A way of no length.
    static let origin = RouteInfo(cost: 0, intervalMinutes: 0, options: .all, schedule: .always)
    static let unreachableCost = UInt32.max

    init(cost: UInt32, intervalMinutes: Int, options: SiteLinkOptions, schedule: Schedule) {
        (self.cost, self.intervalMinutes) = (cost, intervalMinutes)
        (self.options, self.schedule) = (options, schedule)
    }

    init(_ link: SiteLink, ignoringSchedule: Bool) {
        self.init(
            cost: link.cost,
            intervalMinutes: link.intervalMinutes,
            options: link.options,
            schedule: ignoringSchedule ? .always : link.schedule
        )
    }

    /// One way after the other; nil when they are never open at the same time, or together cost too much to count.
    func combined(with other: RouteInfo) -> RouteInfo? {
        let (sum, overflow) = cost.addingReportingOverflow(other.cost)
        guard !overflow, sum != Self.unreachableCost else { return nil }
        let common = schedule.intersection(other.schedule)
        guard !common.isNever else { return nil }
        return RouteInfo(
            cost: sum,
            intervalMinutes: max(intervalMinutes, other.intervalMinutes),
            options: options.intersection(other.options),
            schedule: common
        )
    }
}
