package import Identifiers

/// Compares this DSA's replicas with a partner's.
package struct CompareRequest: Codable, Hashable, Sendable {
    package static let timeoutSecondsMax = 604_800

    /// A server's name or DSA GUID.
    package var partner: String
    /// A DN or GUID; nil = every naming context that both hold.
    package var namingContext: String?
    /// Seconds to wait for the partner's digests.
    package var timeoutSeconds: Int

    package init(partner: String, namingContext: String? = nil, timeoutSeconds: Int = 600) {
        self.partner = partner
        self.namingContext = namingContext
        self.timeoutSeconds = timeoutSeconds
    }
}

package struct CompareReply: Codable, Hashable, Sendable {
    package var partner: String
    package var comparisons: [ContextComparison]

    package init(partner: String, comparisons: [ContextComparison]) {
        self.partner = partner
        self.comparisons = comparisons
    }

    /// Nothing differs that may not differ yet, and every naming context was answered.
    package var isEqual: Bool { comparisons.allSatisfy { $0.failure == nil && $0.differences.isEmpty } }
}

/// How two replicas of one naming context compare, at what both claim to have.
package struct ContextComparison: Codable, Hashable, Sendable {
    /// Differences listed; `differing` counts all.
    package static let listedMax = 1_000

    package var namingContext: String
    /// Compared as far as the partial attribute set goes.
    package var isPartial: Bool
    /// Objects with the same stamped state.
    package var equal: Int
    /// Objects with writes that one of the two has not received yet.
    package var moving: Int
    /// Tombstones that only one of the two still has.
    package var collected: Int
    /// Objects that differ although both claim every write of them: this must not be.
    package var differing: Int
    package var differences: [ObjectDifference]
    /// Entries of the vector that both have: the state at which the replicas were compared.
    package var vector: [VectorRow]
    /// Why there is no comparison.
    package var failure: String?

    package init(
        namingContext: String,
        isPartial: Bool = false,
        equal: Int = 0,
        moving: Int = 0,
        collected: Int = 0,
        differing: Int = 0,
        differences: [ObjectDifference] = [],
        vector: [VectorRow] = [],
        failure: String? = nil
    ) {
        self.namingContext = namingContext
        self.isPartial = isPartial
        self.equal = equal
        self.moving = moving
        self.collected = collected
        self.differing = differing
        self.differences = differences
        self.vector = vector
        self.failure = failure
    }
}

package struct ObjectDifference: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, Hashable, Sendable {
        case onlyHere
        case onlyThere
        case unlike
    }

    package var objectGUID: GUID
    package var kind: Kind
    /// Where the object appears here, if it does.
    package var dn: String?

    package init(objectGUID: GUID, kind: Kind, dn: String? = nil) {
        self.objectGUID = objectGUID
        self.kind = kind
        self.dn = dn
    }
}
