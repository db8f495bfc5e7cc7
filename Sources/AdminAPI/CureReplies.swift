package import Identifiers

/// Ends the present life of the database, whatever the machine thinks: `repl cure --force`.
package struct CureRequest: Codable, Hashable, Sendable {
    /// Everything above is written again; nil = what the alarm named, else the USN of the newest start.
    package var keptUSN: USN?

    package init(keptUSN: USN? = nil) { self.keptUSN = keptUSN }
}

/// The life that ended and the one that began.
package struct CureReply: Codable, Hashable, Sendable {
    package var endedInvocationID: GUID
    package var keptUSN: USN
    package var invocationID: GUID

    package init(endedInvocationID: GUID, keptUSN: USN, invocationID: GUID) {
        self.endedInvocationID = endedInvocationID
        self.keptUSN = keptUSN
        self.invocationID = invocationID
    }

    package var text: String {
        "ended \(endedInvocationID) at USN \(keptUSN); this database is now \(invocationID)\n"
    }
}
