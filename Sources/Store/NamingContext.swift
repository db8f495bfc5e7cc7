package import DirectoryModel
package import Identifiers

/// What a naming context holds; it decides which fixed containers it has.
package enum NamingContextRole: Int64, Hashable, Sendable, Codable, CaseIterable {
    case schema = 1
    case configuration = 2
    case domain = 3

    /// The schema has neither LostAndFound nor Deleted Objects: its head stands in.
    package var hasFixedContainers: Bool { self != .schema }

    /// The RDN value of the container for objects without a parent.
    package var lostAndFoundName: String { self == .configuration ? "LostAndFoundConfig" : "LostAndFound" }
}

/// A tree of the directory, known by its head's objectGUID; the DN is only how people call it.
package struct NamingContext: Hashable, Sendable {
    package let guid: GUID
    package let dn: DistinguishedName
    package let role: NamingContextRole

    package init(guid: GUID, dn: DistinguishedName, role: NamingContextRole) {
        self.guid = guid
        self.dn = dn
        self.role = role
    }
}

/// A naming context of which this DSA has a replica.
package struct HeldNamingContext: Hashable, Sendable {
    package let namingContext: NamingContext
    /// Only attributes of the partial attribute set, and no originating writes.
    package let isPartial: Bool
    /// The database's key of this naming context.
    let id: Int64

    package var guid: GUID { namingContext.guid }
    package var dn: DistinguishedName { namingContext.dn }
    package var role: NamingContextRole { namingContext.role }
}

/// Who this replica is: for ever (`dsaGUID`), and in this life of its database (`invocationID`).
package struct ReplicaIdentity: Hashable, Sendable {
    package let dsaGUID: GUID
    package let invocationID: GUID

    /// Before `setIdentity`; such a store takes no originating writes.
    package static let unset = ReplicaIdentity(dsaGUID: .zero, invocationID: .zero)

    package init(dsaGUID: GUID, invocationID: GUID) {
        self.dsaGUID = dsaGUID
        self.invocationID = invocationID
    }

    package var isSet: Bool { self != .unset }
}
