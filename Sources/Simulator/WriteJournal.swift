package import DirectoryModel
package import Identifiers
package import Replication
import Store

/// Every originating write of a world, by the identity that made it: what the oracles compare replicas with.
package struct WriteJournal: Sendable {
    /// One attribute or link value under the stamp that a write gave it.
    package struct Write: Sendable {
        package let namingContext: GUID
        package let objectGUID: GUID
        package let attribute: OID
        /// Of a link value.
        package let target: GUID?
        package let stamp: Stamp
        /// When the link value was first made.
        package let created: Timestamp?
        /// The client was told that it is done.
        package let isAcknowledged: Bool
        /// In the order in which writes were noted.
        fileprivate(set) var number = 0
        /// It deletes its object or takes its link value away.
        package var isRemoval = false
        /// Of an object's deletion: what goes when it is collected.
        var burial: Burial?
    }

    /// Ascending by originating USN; of a database that was put back, writes of both its times.
    private var writes: [GUID: [Write]] = [:]
    package private(set) var count = 0
    /// Deletions and undeletions of objects, and every write of link values.
    private var presences: [Subject: [Presence]] = [:]
    /// The highest USN when a life of a database began.
    var beginnings: [GUID: USN] = [:]
    /// Removals that were collected at a replica which then followed one that did not know them.
    private var lostRemovals: [Subject: [Presence]] = [:]

    var everyPresence: [Subject: [Presence]] { presences }

    func presences(of subject: Subject) -> [Presence] { presences[subject] ?? [] }

    func lostRemovals(of subject: Subject) -> [Presence] { lostRemovals[subject] ?? [] }

    mutating func noteLost(_ removals: [Presence], of subject: Subject) {
        guard !removals.isEmpty else { return }
        lostRemovals[subject, default: []] += removals
    }

    mutating func note(_ presence: Presence?, of subject: Subject) {
        if let presence { presences[subject, default: []].append(presence) }
    }

    func allWrites(by invocationID: GUID) -> [Write] { writes[invocationID] ?? [] }

    package var originators: [GUID] { writes.keys.sorted() }

    mutating func note(_ write: Write) {
        var write = write
        write.number = count
        count += 1
        let usn = write.stamp.originatingUSN
        let known = writes[write.stamp.invocationID, default: []]
        let isLast = known.last.map { $0.stamp.originatingUSN <= usn } ?? true
        let index = isLast ? known.endIndex : Self.index(in: known, above: usn)
        writes[write.stamp.invocationID, default: []].insert(write, at: index)
        note(
            write.target == nil && write.attribute != .isDeleted ? nil : Presence(write),
            of: write.target.map { Subject(write.objectGUID, write.attribute, $0) }
                ?? Subject(write.objectGUID)
        )
    }

    /// The first place whose write has a higher USN.
    private static func index(in writes: [Write], above usn: USN) -> Int {
        var (low, high) = (writes.startIndex, writes.endIndex)
        while low < high {
            let middle = (low + high) / 2
            if writes[middle].stamp.originatingUSN > usn { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// What an item that an originator just wrote says; values that it did not write now are left out.
    static func writes(
        in item: SnapshotItem,
        namingContext: GUID,
        by invocationID: GUID,
        above usn: USN,
        isAcknowledged: Bool,
        vector: UpToDatenessVector
    ) -> [Write] {
        let isNew = { (stamp: Stamp) in stamp.invocationID == invocationID && stamp.originatingUSN > usn }
        switch item {
        case .object(let object):
            let burial = object.isTombstone ? Burial(object, vector: vector) : nil
            return object.attributes.filter { isNew($0.stamp) }.map {
                let isRemoval = $0.attribute == .isDeleted && $0.valueSet.first == Self.deletedMark
                return Write(
                    namingContext: namingContext,
                    objectGUID: object.objectGUID,
                    attribute: $0.attribute,
                    target: nil,
                    stamp: $0.stamp,
                    created: nil,
                    isAcknowledged: isAcknowledged,
                    isRemoval: isRemoval,
                    burial: isRemoval ? burial : nil
                )
            }
        case .link(let link):
            guard isNew(link.stamp.stamp) else { return [] }
            return [
                Write(
                    namingContext: namingContext,
                    objectGUID: link.source,
                    attribute: link.attribute,
                    target: link.target,
                    stamp: link.stamp.stamp,
                    created: link.stamp.created,
                    isAcknowledged: isAcknowledged,
                    isRemoval: !link.isPresent
                )
            ]
        }
    }

    /// The writes of an originator above one USN up to another, in that naming context.
    package func writes(by invocationID: GUID, above low: USN, upTo high: USN, in namingContext: GUID)
        -> [Write]
    {
        guard low < high, let all = writes[invocationID] else { return [] }
        return all[Self.index(in: all, above: low)..<Self.index(in: all, above: high)]
            .filter { $0.namingContext == namingContext }
    }

    // MARK: - Databases that were put back

    /// Acknowledged writes of which no machine holds anything any more, by their numbers.
    private var forgiven: [Int: Write] = [:]
    /// Lives whose USNs above these mean two writes each, or one that is gone.
    package private(set) var forks: [GUID: USN] = [:]
    /// Numbers of writes that went with a machine before anything was sent.
    private var unheard: Set<Int> = []

    /// Acknowledged writes of that naming context that somebody should still hold.
    func expected(in namingContext: GUID) -> [Write] {
        writes.values.joined().filter {
            $0.isAcknowledged && $0.namingContext == namingContext && forgiven[$0.number] == nil
        }
    }

    mutating func forgive(_ lost: [Write]) { for write in lost { forgiven[write.number] = write } }

    /// They turned up again: a mail was on its way, or a partial replica had them.
    mutating func demand(_ found: [Write]) { for write in found { forgiven[write.number] = nil } }

    func forgiven(in namingContext: GUID) -> [Write] {
        guard !forgiven.isEmpty else { return [] }
        return forgiven.values.filter { $0.namingContext == namingContext }
    }

    /// A database of that life begins again behind a USN, although others may have heard of more.
    mutating func fork(_ invocationID: GUID, above usn: USN) {
        forks[invocationID] = min(forks[invocationID] ?? usn, usn)
    }

    /// A database of that life begins again behind a USN, and nobody has heard of anything above it.
    mutating func forget(_ invocationID: GUID, above usn: USN) {
        for write in writes[invocationID] ?? [] where write.stamp.originatingUSN > usn {
            unheard.insert(write.number)
        }
    }

    func isForgiven(_ write: Write) -> Bool { mayComeBack(write) || forgiven[write.number] != nil }

    /// Whether a vector's entry at the write's USN says that the replica holds the write.
    func isClaimed(_ write: Write) -> Bool {
        isClaimed(write.stamp, number: write.number)
    }

    func isClaimed(_ presence: Presence) -> Bool {
        isClaimed(presence.stamp.stamp, number: presence.number)
    }

    private func isClaimed(_ stamp: Stamp, number: Int?) -> Bool {
        if let number, unheard.contains(number) { return false }
        return forks[stamp.invocationID].map { stamp.originatingUSN <= $0 } ?? true
    }
}
