/// What happened in a world, line by line: the newest lines, and a digest of all.
package struct Trace: Sendable {
    /// Lines kept for the report of a failure.
    package static let linesKept = 60

    package private(set) var digest = TraceDigest()
    package private(set) var tail: [String] = []
    package private(set) var lineCount = 0
    /// Gets every line when set.
    package var sink: (@Sendable (String) -> Void)?

    package init() {}

    mutating func note(_ line: String) {
        digest.add(line.utf8)
        digest.add([0x0a])
        lineCount += 1
        tail.append(line)
        if tail.count > 2 * Self.linesKept { tail.removeFirst(Self.linesKept) }
        sink?(line)
    }
}

/// An oracle's verdict: something happened that must never happen.
package struct OracleViolation: Error, Sendable, CustomStringConvertible {
    package enum Oracle: String, Sendable, CaseIterable {
        /// Replicas do not become equal.
        case divergence
        /// A vector covers a write that the replica does not hold.
        case vector
        /// An acknowledged write is gone.
        case lostWrite = "lost write"
        /// An object does not stand where its stamped state says.
        case placement
        /// A success time is newer than the snapshot that it stands for.
        case successTime = "success time"
        /// Mails go on although nothing changes.
        case restlessness
        /// Writes that go on keep a partner from what was written before.
        case starvation
        /// Something that must not fail did.
        case failure
    }

    package let oracle: Oracle
    package let description: String

    package init(_ oracle: Oracle, _ description: String) {
        self.oracle = oracle
        self.description = description
    }
}
