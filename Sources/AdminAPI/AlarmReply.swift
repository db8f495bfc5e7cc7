package import Identifiers

/// Something that a person should know of and may have to act on.
package struct AlarmReply: Codable, Hashable, Sendable {
    package var since: Timestamp
    /// `rollbackSuspected`, `ownEntryAhead`, `twin`, `halted`, `partsHeld`, `clockSuspected`.
    package var kind: String
    /// The server it is about; nil = this one.
    package var partner: String?
    package var text: String
    package var hint: String?

    package init(since: Timestamp, kind: String, partner: String?, text: String, hint: String? = nil) {
        self.since = since
        self.kind = kind
        self.partner = partner
        self.text = text
        self.hint = hint
    }

    /// One line each, and what to do; empty without alarms.
    package static func text(_ alarms: [AlarmReply]) -> String {
        alarms.map { alarm in
            "ALARM since \(RepadminTime.text(alarm.since)) (\(alarm.kind)): \(HumanText.line(alarm.text))\n"
                + (alarm.hint.map { "    hint: \(HumanText.line($0))\n" } ?? "")
        }.joined()
    }
}
