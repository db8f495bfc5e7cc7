import AdminAPI
import Identifiers
import InterSiteMessaging

/// Clocks that disagree: they decide between writes of the same version only, but a person should know.
extension ReplicationAgent {
    /// Mail from the future means that the partner's clock is ahead, or this one behind.
    ///
    /// Mail from the past says nothing, for it may have been on its way; then it is the partner who sees the
    /// difference.
    func noteClock(of message: ReceivedMessage) {
        let time = now()
        let name = partners.current.name(of: message.sender)
        let ahead = message.created.seconds - time.seconds
        guard ahead > RollbackMemory.skewSecondsMax else {
            if ahead >= -RollbackMemory.skewSecondsMax { rollback.clear("clockAhead", partner: name) }
            return
        }
        let text = "mail of \(name) was written \(ahead) s from now: its clock is ahead, or ours is behind"
        rollback.raise(
            AlarmReply(
                since: time,
                kind: "clockAhead",
                partner: name,
                text: text,
                hint:
                    "compare the clocks of both servers; of two writes at the same time the later one stands"
            )
        )
        let again = rollback.clockTold[message.sender]?.adding(seconds: RollbackMemory.tellAgainSeconds)
        guard again.map({ time >= $0 }) ?? true else { return }
        rollback.clockTold[message.sender] = time
        post("clockAhead", partner: message.sender, text: text)
    }
}
