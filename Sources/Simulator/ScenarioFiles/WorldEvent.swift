/// Something that happens in a world, for whoever tells of it.
enum WorldEvent {
    case started(site: Int)
    case died(site: Int)
    /// `place` says where it waits; nil when it is on its way.
    case left(SimulatedMail, place: String?)
    /// The outcome is `taken`, `repeated`, or `held` or `refused` with a reason.
    case read(SimulatedMail, outcome: String)
}
