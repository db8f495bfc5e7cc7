package import DirectoryModel
package import Identifiers

/// One attribute of an object in the source's snapshot.
package struct SnapshotAttribute: Hashable, Sendable {
    package let attribute: OID
    package let stamp: Stamp
    package let valueSet: ValueSet

    package init(attribute: OID, stamp: Stamp, valueSet: ValueSet) {
        self.attribute = attribute
        self.stamp = stamp
        self.valueSet = valueSet
    }

    package init(attribute: OID, stamp: Stamp, values: [[UInt8]]) {
        self.init(attribute: attribute, stamp: stamp, valueSet: ValueSet(values))
    }

    package var values: [[UInt8]] { valueSet.values }
}

/// An object in the source's snapshot, with the USN it stands at.
package struct SnapshotObject: Hashable, Sendable {
    package let usn: USN
    package let objectGUID: GUID
    /// Non-linked attributes, the name (`NameValue`) among them.
    package let attributes: [SnapshotAttribute]

    package init(usn: USN, objectGUID: GUID, attributes: [SnapshotAttribute]) {
        self.usn = usn
        self.objectGUID = objectGUID
        self.attributes = attributes
    }

    package subscript(attribute: OID) -> SnapshotAttribute? {
        attributes.first { $0.attribute == attribute }
    }

    package var isTombstone: Bool { self[.isDeleted]?.valueSet.first == Array("TRUE".utf8) }

    /// Whether it was deleted and `isDeleted` written again since: undeleted, or deleted anew.
    var wasRevived: Bool { self[.isDeleted].map { $0.stamp.version > 1 } ?? false }
}

/// A link value in the source's snapshot, with the USN it stands at.
package struct SnapshotLink: Hashable, Sendable {
    package let usn: USN
    package let source: GUID
    package let attribute: OID
    package let target: GUID
    package let stamp: LinkStamp
    package let isPresent: Bool
    /// The object that the value belongs to, when that is or ever was a tombstone.
    package let deletedSource: SnapshotObject?

    package init(
        usn: USN,
        source: GUID,
        attribute: OID,
        target: GUID,
        stamp: LinkStamp,
        isPresent: Bool,
        deletedSource: SnapshotObject? = nil
    ) {
        self.deletedSource = deletedSource
        self.usn = usn
        self.source = source
        self.attribute = attribute
        self.target = target
        self.stamp = stamp
        self.isPresent = isPresent
    }
}

/// The source's half of one answer: cuts parts from one snapshot.
///
/// The shell offers every object and link value whose USN lies in `ranges`, in ascending USN order and each
/// preceded by its ancestors, until `wantsMore` is false, and then calls `finish`.
package struct SourceCycle: Sendable {
    package static let creditMax = 256

    /// What must be scanned, ascending: what the destination lacks, without what was cut for it just now.
    package let ranges: [USNInterval]

    private let request: ChangesRequest
    /// Header, snapshot and filter of every part.
    private let empty: ChangesReply
    private let received: ReceivedIntervals
    private let partialAttributes: Set<OID>?
    /// What a partial source has completely; nil for a full one.
    private let complete: Set<OID>?
    /// Attributes that the destination has no history of, and that its second vector alone speaks of.
    private let added: Set<OID>
    private let credit: Int
    private var draft: PartDraft
    private var rangeIndex = 0
    private var partsCut = 0
    private var ancestors: [SnapshotObject] = []
    private var sentAncestors: Set<GUID> = []

    /// Prepares the answer to one request.
    ///
    /// `asOf` is the highest USN in the snapshot; `vector` (own entry included) and `collected` are of it too.
    /// `partialAttributes` is the PAS to cut with, nil for every attribute; `knowsSet` is false when it is known
    /// from the request alone. A partial source sends nothing but what it has completely (`complete`), and where
    /// that is less than was asked for, the part says so and is data only. `skip` is what was cut for this
    /// destination's earlier requests and may still be on its way.
    package init(
        request: ChangesRequest,
        header: MessageHeader,
        asOf: USN,
        vector: UpToDatenessVector,
        collected: [GUID: USN],
        partialAttributes: Set<OID>? = nil,
        knowsSet: Bool = true,
        complete: Set<OID>? = nil,
        skip: ReceivedIntervals = .init()
    ) {
        self.request = request
        self.partialAttributes = partialAttributes
        self.complete = complete
        added = Set(request.addedAttributes).subtracting(Self.alwaysInSet)
        // USNs of another life of this database mean nothing here.
        let isOfThisLife =
            request.sourceInvocationID == header.invocationID || planted(.receivedOfAnotherLife)
        received = isOfThisLife ? request.received : .init()
        var covered = received
        for piece in skip.tagged { covered.insert(piece.interval, asOf: piece.asOf) }
        ranges = covered.missing(upTo: asOf)
        credit = min(max(1, request.credit), Self.creditMax)
        empty = ChangesReply(
            header: header,
            requestID: request.requestID,
            interval: USNInterval(from: asOf, to: asOf),
            asOf: asOf,
            vector: vector,
            addedVector: request.addedAttributes.isEmpty ? nil : vector,
            collected: collected,
            cutFor: Self.cutFor(request, partialAttributes, complete),
            needsPartialAttributes: !knowsSet,
            partNumber: 0,
            isLast: false
        )
        draft = PartDraft(from: ranges.first?.from ?? asOf)
    }

    /// False when the credit is spent: the snapshot can be closed.
    package var wantsMore: Bool { partsCut < credit }

    /// Takes the next changed object.
    ///
    /// - Returns: the parts that are full now, or end where the object does not belong; usually none.
    package mutating func offer(_ object: SnapshotObject) -> [ChangesReply] {
        var parts = advance(to: object.usn)
        let attributes = filtered(object)
        let family = attributes.isEmpty ? [] : ancestorsToSend(before: object)
        ancestors = []
        guard wantsMore, isInRange(object.usn), !attributes.isEmpty else { return parts }
        let allAttributes = [attributes] + family.map(\.attributes)
        parts += makeRoom(
            octets: allAttributes.reduce(0) { $0 + PartDraft.octets(of: $1) },
            items: allAttributes.count,
            attributes: allAttributes.reduce(0) { $0 + $1.count },
            before: object.usn
        )
        guard wantsMore else { return parts }
        for ancestor in family {
            if isDeletedParent(ancestor, of: object) {
                draft.addOnce(ancestor.objectGUID, ancestor.attributes)
            } else {
                draft.add(ancestor.objectGUID, ancestor.attributes)
                sentAncestors.insert(ancestor.objectGUID)
            }
        }
        draft.add(object.objectGUID, attributes)
        return parts
    }

    /// Takes the next changed link value.
    package mutating func offer(_ link: SnapshotLink) -> [ChangesReply] {
        var parts = advance(to: link.usn)
        ancestors = []
        guard wantsMore, isInRange(link.usn), isInSet(link.attribute),
            !vector(for: link.attribute).covers(link.stamp.stamp) || maybeRevivedWithout(link)
        else { return parts }
        let tombstone = link.deletedSource.flatMap { maybeCollected($0) ? whole($0) : nil }
        parts += makeRoom(
            octets: PartDraft.linkOctets + (tombstone.map { PartDraft.octets(of: $0) } ?? 0),
            items: 1 + (tombstone == nil ? 0 : 1),
            attributes: 1 + (tombstone?.count ?? 0),
            before: link.usn
        )
        guard wantsMore else { return parts }
        if let tombstone { draft.addOnce(link.source, tombstone) }
        draft.add(link)
        return parts
    }

    /// Takes an ancestor of the object offered next, the topmost first.
    ///
    /// It is sent along, outside its own USN, when the destination may lack it.
    package mutating func offerAncestor(_ object: SnapshotObject) { ancestors.append(object) }

    /// Ends the scan: everything up to `asOf` was offered, or the credit is spent.
    ///
    /// - Returns: the rest; the whole cycle has at least one part, or vectors and last success would freeze.
    package mutating func finish() -> [ChangesReply] {
        var parts: [ChangesReply] = []
        if ranges.isEmpty, partsCut == 0, !planted(.emptyAnswerSendsNothing) {
            return [close(at: draft.from, isLast: true)]
        }
        while wantsMore, rangeIndex < ranges.count {
            let end = ranges[rangeIndex].to
            let isLast = rangeIndex == ranges.count - 1
            if isLast || !canContinue(after: rangeIndex) { parts.append(close(at: end, isLast: isLast)) }
            enterNextRange()
        }
        return parts
    }

    // MARK: Where a part ends

    /// Moves to the range that holds `usn`; parts of ranges that something skipped divides end on the way.
    private mutating func advance(to usn: USN) -> [ChangesReply] {
        var parts: [ChangesReply] = []
        while wantsMore, rangeIndex < ranges.count, ranges[rangeIndex].to < usn {
            if !canContinue(after: rangeIndex) {
                parts.append(close(at: ranges[rangeIndex].to, isLast: false))
            }
            enterNextRange()
        }
        return parts
    }

    /// Whether one interval may reach from this range into the next: the destination has all that lies between.
    ///
    /// An object that stands there now has not moved since it was received, so the interval claims nothing new.
    private func canContinue(after index: Int) -> Bool {
        guard index + 1 < ranges.count else { return false }
        return received.contains(USNInterval(from: ranges[index].to, to: ranges[index + 1].from))
    }

    /// What lies between ranges is not asked for.
    private func isInRange(_ usn: USN) -> Bool {
        rangeIndex < ranges.count && usn > ranges[rangeIndex].from && usn <= ranges[rangeIndex].to
    }

    private mutating func enterNextRange() {
        let continues = canContinue(after: rangeIndex)
        rangeIndex += 1
        if rangeIndex < ranges.count, !continues { draft = PartDraft(from: ranges[rangeIndex].from) }
    }

    /// Ends the part before `usn` when what stands there would make it too large.
    private mutating func makeRoom(
        octets: Int,
        items: Int,
        attributes: Int,
        before usn: USN
    ) -> [ChangesReply] {
        let octetsMax = min(max(1, request.partBytesMax), ReplicationLimits.partOctetsMax)
        let itemsMax = min(max(1, request.partObjectsMax), ReplicationLimits.objectsPerPartMax)
        let isFull =
            draft.octets + octets > octetsMax || draft.itemCount + items > itemsMax
            || draft.table.oids.count + attributes > ReplicationLimits.attributesPerMessageMax
        guard draft.itemCount > 0, isFull else { return [] }
        if planted(.creditClaimsTheRest), partsCut == credit - 1 {
            return [close(at: ranges[rangeIndex].to, isLast: false)]
        }
        return [close(at: USN(usn.rawValue - 1), isLast: false)]
    }

    private mutating func close(at end: USN, isLast: Bool) -> ChangesReply {
        partsCut += 1
        var part = empty
        part.interval = USNInterval(from: draft.from, to: end)
        (part.attributes, part.objects, part.links) = (draft.table.oids, draft.objects, draft.links)
        part.partNumber = partsCut
        part.isLast = isLast
        draft = PartDraft(from: end)
        return part
    }

    // MARK: What a part holds

    /// Propagation dampening and the attribute set.
    private func filtered(_ attributes: [SnapshotAttribute]) -> [SnapshotAttribute] {
        // Most attributes of an object were written by one DSA: its entry is looked up once.
        var writer: GUID?
        var covered = USN.zero
        let isWanted = { (attribute: SnapshotAttribute) in
            if !added.isEmpty, added.contains(attribute.attribute), !planted(.addedFilteredByMainVector) {
                return !request.addedVector.covers(attribute.stamp) && isInSet(attribute.attribute)
            }
            if attribute.stamp.invocationID != writer {
                writer = attribute.stamp.invocationID
                covered = request.vector.entries[attribute.stamp.invocationID]?.usn ?? .zero
                if planted(.filterOneTooFar) { covered = covered.next }
            }
            return attribute.stamp.originatingUSN > covered && isInSet(attribute.attribute)
        }
        return attributes.allSatisfy(isWanted) ? attributes : attributes.filter(isWanted)
    }

    /// What is sent of an object: of a tombstone everything, unless the deletion is all the news.
    ///
    /// The destination may have collected it. A write that comes without what creates the object would then look
    /// like a lingering object, and one that is dropped would be missing should the object be undeleted.
    private func filtered(_ object: SnapshotObject) -> [SnapshotAttribute] {
        if maybeRevivedInPart(object) { return whole(object) }
        let wanted = filtered(object.attributes)
        guard !wanted.isEmpty, wanted.count < object.attributes.count, object.isTombstone,
            wanted.contains(where: { $0.attribute != .isDeleted })
        else { return wanted }
        return whole(object)
    }

    private func whole(_ object: SnapshotObject) -> [SnapshotAttribute] {
        object.attributes.filter { isInSet($0.attribute) }
    }

    /// Whether the destination may hold this object without writes that its vector covers.
    ///
    /// Where a deletion was collected, the object is made again by an undeletion, which has what its writer knew: a
    /// write that was deleted and collected with the object, and came to the writer later, is not in it. Vectors
    /// cannot tell, so such an object is sent whole wherever it stands in what is asked for. A deletion that the
    /// destination knows to be collected is not: two that collect at different times would for ever bring the
    /// tombstone back to each other.
    private func maybeRevivedInPart(_ object: SnapshotObject) -> Bool {
        guard object.wasRevived, let mark = object[.isDeleted], !planted(.revivedObjectFiltered) else {
            return false
        }
        return !object.isTombstone || !isCollected(mark.stamp)
    }

    /// The same of a value that its object has.
    private func maybeRevivedWithout(_ link: SnapshotLink) -> Bool {
        guard let source = link.deletedSource, maybeRevivedInPart(source) else { return false }
        return link.isPresent || !isCollected(link.stamp.stamp)
    }

    /// Whether the destination has collected a deletion with this stamp, or follows somebody who has.
    private func isCollected(_ stamp: Stamp) -> Bool {
        (request.collected[stamp.invocationID] ?? .zero) >= stamp.originatingUSN
    }

    /// Whether the destination once held this tombstone, and so may hold it no more.
    private func maybeCollected(_ object: SnapshotObject) -> Bool {
        object.isTombstone && object[.objectClass].map { request.vector.covers($0.stamp) } ?? false
    }

    /// The deleted parent under which the object now stands; without it the object would wait for ever where
    /// the parent was collected already.
    private func isDeletedParent(_ ancestor: SnapshotObject, of object: SnapshotObject) -> Bool {
        guard maybeCollected(ancestor), let name = object[.name], !request.vector.covers(name.stamp),
            let octets = name.valueSet.first
        else { return false }
        return NameValue(octets: octets)?.parent == ancestor.objectGUID
    }

    private func isInSet(_ attribute: OID) -> Bool {
        if partialAttributes == nil, complete == nil { return true }
        if Self.alwaysInSet.contains(attribute) { return true }
        return partialAttributes?.contains(attribute) ?? true && complete?.contains(attribute) ?? true
    }

    private static let alwaysInSet: Set<OID> = [.name, .objectClass, .isDeleted]

    /// Two of the destination's vectors speak of two kinds of attributes; neither stands in for the other.
    private func vector(for attribute: OID) -> UpToDatenessVector {
        added.contains(attribute) ? request.addedVector : request.vector
    }

    private static func cutFor(_ request: ChangesRequest, _ set: Set<OID>?, _ complete: Set<OID>?)
        -> ReplicaKind
    {
        let hasLess =
            complete.map { complete in
                set.map { !$0.subtracting(alwaysInSet).isSubset(of: complete) } ?? true
            } ?? false
        if hasLess { return .partial(digest: [UInt8](repeating: 0, count: ReplicationLimits.digestOctets)) }
        return set == nil ? .full : request.replica
    }

    private func ancestorsToSend(before object: SnapshotObject) -> [SnapshotObject] {
        if planted(.ancestorsNotSent) { return [] }
        return ancestors.compactMap { ancestor in
            let usn = ancestor.usn
            if isDeletedParent(ancestor, of: object) {
                guard !draft.tombstones.contains(ancestor.objectGUID) else { return nil }
                return SnapshotObject(
                    usn: usn,
                    objectGUID: ancestor.objectGUID,
                    attributes: whole(ancestor)
                )
            }
            let isReceived =
                usn > .zero && received.contains(USNInterval(from: USN(usn.rawValue - 1), to: usn))
            guard usn > object.usn, !isReceived, !sentAncestors.contains(ancestor.objectGUID) else {
                return nil
            }
            let attributes = filtered(ancestor.attributes)
            guard !attributes.isEmpty else { return nil }
            return SnapshotObject(usn: usn, objectGUID: ancestor.objectGUID, attributes: attributes)
        }
    }
}

/// The part being filled.
private struct PartDraft {
    /// About what a link value takes: two GUIDs, its stamp, its index.
    static let linkOctets = 80
    /// About what an object takes without attributes, and an attribute without its values.
    static let objectOctets = 20
    static let attributeOctets = 8

    /// Where the interval starts, exclusive.
    let from: USN
    private(set) var octets = 0
    private(set) var table = AttributeTable()
    private(set) var objects: [ReplicatedObject] = []
    private(set) var links: [ReplicatedLink] = []
    /// Sent along whole; once per part, for a part may be lost.
    private(set) var tombstones: Set<GUID> = []

    init(from: USN) { self.from = from }

    var itemCount: Int { objects.count + links.count }

    static func octets(of attributes: [SnapshotAttribute]) -> Int {
        attributes.reduce(objectOctets) { $0 + attributeOctets + $1.valueSet.octets.count }
    }

    mutating func add(_ objectGUID: GUID, _ attributes: [SnapshotAttribute]) {
        octets += Self.octets(of: attributes)
        table.startObject()
        let replicated = attributes.map {
            ReplicatedAttribute(
                attribute: table.index(of: $0.attribute),
                stamp: $0.stamp,
                valueSet: $0.valueSet
            )
        }
        objects.append(ReplicatedObject(objectGUID: objectGUID, attributes: replicated))
    }

    mutating func addOnce(_ tombstone: GUID, _ attributes: [SnapshotAttribute]) {
        if tombstones.insert(tombstone).inserted { add(tombstone, attributes) }
    }

    mutating func add(_ link: SnapshotLink) {
        octets += Self.linkOctets
        links.append(
            ReplicatedLink(
                source: link.source,
                attribute: table.index(of: link.attribute),
                target: link.target,
                stamp: link.stamp,
                isPresent: link.isPresent
            )
        )
    }
}

/// OIDs in the order of their first use.
private struct AttributeTable {
    private(set) var oids: [OID] = []
    private var indexes: [OID: Int] = [:]
    private var expected = 0

    /// Objects of one class have their attributes in the same order: most are found without hashing.
    mutating func startObject() { expected = 0 }

    mutating func index(of oid: OID) -> Int {
        let index = expected < oids.count && oids[expected] == oid ? expected : find(oid)
        expected = index + 1
        return index
    }

    private mutating func find(_ oid: OID) -> Int {
        if let index = indexes[oid] { return index }
        indexes[oid] = oids.count
        oids.append(oid)
        return oids.count - 1
    }
}
