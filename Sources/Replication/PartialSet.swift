package import DirectoryModel
import Identifiers

/// The partial attribute set that a partial replica's data is kept with, and how far an addition to it has come.
///
/// The main vector speaks of the attributes that have been here; the added ones have a second vector, which
/// starts empty and follows the same adoption rule. They join when it dominates the main vector.
package struct PartialSet: Hashable, Sendable {
    /// Sorted; the added ones too.
    package internal(set) var attributes: [OID]
    /// Sorted; empty when nothing is being added.
    package internal(set) var added: [OID] = []
    /// Every change of the added attributes up to these USNs is held or superseded.
    package internal(set) var addedVector = UpToDatenessVector()

    package init(_ attributes: [OID]) { self.attributes = Set(attributes).sorted() }

    /// What the digest is made of: the sorted OIDs, each behind its length in one octet.
    package static func hashedOctets(of sorted: [OID]) -> [UInt8] {
        sorted.flatMap { [UInt8(truncatingIfNeeded: $0.derContent.count)] + $0.derContent }
    }

    /// What this replica has of every object that its main vector speaks of.
    package var complete: Set<OID> { Set(attributes).subtracting(added) }

    mutating func joinIfComplete(_ vector: UpToDatenessVector) {
        guard !added.isEmpty, addedVector.dominates(vector) || planted(.addedAttributesJoinAtOnce) else {
            return
        }
        (added, addedVector) = ([], .init())
    }
}

/// What a change of the partial attribute set means for a replica.
package struct PartialSetChange: Hashable, Sendable {
    package var added: [OID] = []
    /// Their values are removed in the same transaction; a later addition starts from nothing.
    package var removed: [OID] = []

    package init() {}
    package var isEmpty: Bool { added.isEmpty && removed.isEmpty }
}

extension Destination {
    /// Takes the partial attribute set that the schema here says, in the transaction that changed the schema.
    ///
    /// An addition forgets what was received and asked: nothing of it was cut with the new attributes. All that
    /// are not complete start again together, since what was received of the earlier ones is forgotten, too.
    /// A full replica keeps no set.
    package mutating func takePartialSet(_ attributes: [OID]) -> PartialSetChange {
        var change = PartialSetChange()
        guard isPartial else { return change }
        let new = PartialSet(attributes)
        guard var set = partialSet else {
            partialSet = new
            return change
        }
        change.added = Set(new.attributes).subtracting(set.attributes).sorted()
        change.removed = Set(set.attributes).subtracting(new.attributes).sorted()
        guard !change.isEmpty else { return change }
        set.attributes = new.attributes
        set.added.removeAll { change.removed.contains($0) }
        if !change.added.isEmpty {
            if !planted(.growthKeepsReceived) { forgetReceived() }
            set.added = Set(set.added).union(change.added).sorted()
            set.addedVector = .init()
        }
        set.joinIfComplete(vector)
        if set.added.isEmpty { set.addedVector = .init() }
        partialSet = set
        // Whether a source knows the new set is to be seen.
        for index in sources.indices { sources[index].wantsPartialAttributes = false }
        return change
    }

    /// Whether a part may count: while attributes are being added only one that was cut with the second vector.
    func isCutWithAddedVector(_ part: PartClaim) -> Bool {
        partialSet?.added.isEmpty ?? true || part.addedVector != nil
    }

    /// The main vector has taken what `seen` says; now the second one does.
    mutating func adoptAdded(_ seen: SeenVector, excluding own: GUID) {
        guard var set = partialSet, !set.added.isEmpty else { return }
        if let addedVector = seen.addedVector { set.addedVector.merge(addedVector, excluding: own) }
        partialSet = set
    }

    mutating func joinAddedAttributes() { partialSet?.joinIfComplete(vector) }
}
