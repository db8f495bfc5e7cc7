package import Identifiers

/// What kind of conflict an entry is.
package enum ConflictKind: String, Codable, Hashable, Sendable, CaseIterable {
    /// A value that lost against a concurrent one, or is hidden behind it.
    case attribute
    /// An object under a conflict name, because another has its name.
    case name
    /// An object in LostAndFound, because its parent was deleted or parents formed a cycle.
    case lostAndFound = "lost-and-found"
    /// An object that is not shown until its parent arrives.
    case waiting
}

/// Which conflicts to list.
package struct ConflictListQuery: Codable, Hashable, Sendable {
    /// Nil = of all objects.
    package var object: ObjectTarget?
    /// Nil = of all kinds.
    package var kind: ConflictKind?
    package var limit: Int

    package static let limitDefault = 1_000

    package init(
        object: ObjectTarget? = nil,
        kind: ConflictKind? = nil,
        limit: Int = ConflictListQuery.limitDefault
    ) {
        self.object = object
        self.kind = kind
        self.limit = limit
    }
}

/// Conflicts: those of the ledger newest first, then what is computed.
package struct ConflictListReply: Codable, Hashable, Sendable {
    package var conflicts: [ConflictReply]
    package var isComplete: Bool
    /// Entries and octets of the whole ledger, and how many of the oldest made room.
    package var ledgerEntries: Int
    package var ledgerOctets: Int
    package var ledgerDropped: Int

    package init(
        conflicts: [ConflictReply],
        isComplete: Bool,
        ledgerEntries: Int,
        ledgerOctets: Int,
        ledgerDropped: Int
    ) {
        self.conflicts = conflicts
        self.isComplete = isComplete
        self.ledgerEntries = ledgerEntries
        self.ledgerOctets = ledgerOctets
        self.ledgerDropped = ledgerDropped
    }
}

/// One conflict.
package struct ConflictReply: Codable, Hashable, Sendable {
    /// Of the ledger's entry; nil for what is computed.
    package var id: Int64?
    package var kind: ConflictKind
    /// Nil when the object is not held or not shown.
    package var dn: String?
    package var objectGUID: GUID
    package var namingContext: String
    package var attribute: String?
    /// The losing write of an attribute; of an object the write of its name.
    package var losing: ConflictWriteReply
    package var winning: ConflictWriteReply?
    /// When the two met here, and in whose part.
    package var found: Timestamp?
    package var source: String?
    /// One sentence, without values.
    package var text: String

    package init(
        id: Int64? = nil,
        kind: ConflictKind,
        dn: String?,
        objectGUID: GUID,
        namingContext: String,
        attribute: String? = nil,
        losing: ConflictWriteReply,
        winning: ConflictWriteReply? = nil,
        found: Timestamp? = nil,
        source: String? = nil,
        text: String
    ) {
        self.id = id
        self.kind = kind
        self.dn = dn
        self.objectGUID = objectGUID
        self.namingContext = namingContext
        self.attribute = attribute
        self.losing = losing
        self.winning = winning
        self.found = found
        self.source = source
        self.text = text
    }
}

/// One of two writes that did not know of each other.
package struct ConflictWriteReply: Codable, Hashable, Sendable {
    package var version: UInt32
    package var time: Timestamp
    package var invocationID: GUID
    /// Whose database that is.
    package var server: String?
    package var originatingUSN: USN

    package init(
        version: UInt32,
        time: Timestamp,
        invocationID: GUID,
        server: String? = nil,
        originatingUSN: USN
    ) {
        self.version = version
        self.time = time
        self.invocationID = invocationID
        self.server = server
        self.originatingUSN = originatingUSN
    }
}

/// Which entry of the ledger.
package struct ConflictQuery: Codable, Hashable, Sendable {
    package var id: Int64

    package init(id: Int64) { self.id = id }
}

/// An entry of the ledger with the values that lost.
package struct ConflictShowReply: Codable, Hashable, Sendable {
    package var conflict: ConflictReply
    /// Empty: the losing write took the attribute or the link value away.
    package var losingValues: [AttributeValue]
    package var currentValues: [AttributeValue]
    /// False: something newer was written since.
    package var isWinnerStanding: Bool

    package init(
        conflict: ConflictReply,
        losingValues: [AttributeValue],
        currentValues: [AttributeValue],
        isWinnerStanding: Bool
    ) {
        self.conflict = conflict
        self.losingValues = losingValues
        self.currentValues = currentValues
        self.isWinnerStanding = isWinnerStanding
    }
}
