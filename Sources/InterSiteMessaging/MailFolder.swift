package import Identifiers

/// The folders below `mailroot/`.
package enum MailFolder: String, Sendable, Hashable, CaseIterable {
    /// Put here by an operator or another program, to be sent.
    case pickup = "Pickup"
    /// Waiting to be sent, or for another attempt.
    case queue = "Queue"
    /// Received, not yet processed.
    case drop = "Drop"
    /// Fragments of messages that are not whole yet.
    case fragments = "Fragments"
    /// Waiting for a member, a time, a revocation list or a decision.
    case held = "Held"
    /// Refused or given up, with a reason beside it.
    case badmail = "Badmail"
    /// Processed and sent mail, when kept for inspection.
    case archive = "Archive"
}

/// One mail at rest.
package struct MailFile: Sendable, Hashable {
    package let folder: MailFolder
    /// The file's name without `.eml`.
    package let id: String
    package let octets: Int
    package let modified: Timestamp
}

/// What a folder holds.
package struct MailFolderSummary: Sendable, Hashable {
    package let folder: MailFolder
    package let count: Int
    package let octets: Int
    package let oldest: Timestamp?
}

/// Bounds of the mailroot.
package struct MailRootLimits: Sendable, Hashable {
    package var isArchiveOn = false
    package var archiveOctetsMax = 256 << 20
    package var archiveDays = 7
    package var badmailOctetsMax = 64 << 20
    package var badmailDays = 30
    package var heldOctetsMax = 64 << 20
    /// One mail that is read back.
    package var mailOctetsMax = 96 << 20
    package var reasonOctetsMax = 64 << 10
    /// Threads for files and their syncs.
    package var diskThreads = 16

    package init() {}
}

/// Why a mail lies in Held or Badmail: the `.reason` file beside it.
package struct MailReason: Sendable, Hashable {
    /// Stable word.
    package var code: String
    package var sentence: String
    package var hint: String?
    package var time: Timestamp
    /// False when a person has to decide; else a held mail is tried again by itself.
    package var isRetried: Bool
    /// `MessageHeld.copyKey`.
    package var copyKey: String?

    package init(
        code: String,
        sentence: String,
        hint: String? = nil,
        time: Timestamp,
        isRetried: Bool = true,
        copyKey: String? = nil
    ) {
        self.copyKey = copyKey
        self.code = code
        self.sentence = sentence
        self.hint = hint
        self.time = time
        self.isRetried = isRetried
    }

    /// Lines of `key: value`.
    package var text: String {
        var lines = ["code: \(code)", "time: \(time)", "reason: \(sentence)"]
        if let hint { lines.append("hint: \(hint)") }
        if !isRetried { lines.append("release: by decision") }
        if let copyKey { lines.append("copy: \(copyKey)") }
        return lines.map { line in line.map { $0.isNewline ? " " : String($0) }.joined() + "\n" }.joined()
    }

    /// Nil without a code.
    package init?(text: String) {
        var fields: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            fields[String(line[..<colon])] = String(value)
        }
        guard let code = fields["code"] else { return nil }
        self.init(
            code: code,
            sentence: fields["reason"] ?? "",
            hint: fields["hint"],
            time: fields["time"].flatMap { Timestamp(rfc3339: $0) } ?? .epoch,
            isRetried: fields["release"] == nil,
            copyKey: fields["copy"]
        )
    }
}

/// What is known about a mail in Queue: the `.json` beside it, rebuilt from the mail when lost.
package struct QueuedMail: Sendable, Hashable, Codable {
    package var partner: GUID
    package var partnerName: String
    /// Nil in a rebuilt one.
    package var messageID: GUID?
    package var service: String?
    package var summary: String
    package var coalescingKey: String?
    /// Seconds since 1970.
    package var createdSeconds: Int64
    package var expiresSeconds: Int64
    package var attempts = 0
    package var nextTrySeconds: Int64?
    package var lastReply: String?

    package var created: Timestamp { Timestamp(seconds: createdSeconds) }
    package var expires: Timestamp { Timestamp(seconds: expiresSeconds) }
    package var nextTry: Timestamp? { nextTrySeconds.map { Timestamp(seconds: $0) } }
}
