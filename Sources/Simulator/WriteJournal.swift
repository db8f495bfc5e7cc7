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
    }

    /// Ascending by originating USN.
    private var writes: [GUID: [Write]] = [:]
    private var deletions: [GUID: [Stamp]] = [:]
    /// Writes whose loss is not ours to answer for: above these USNs a database was put back.
    private var forgiven: [GUID: USN] = [:]

    package var originators: [GUID] { writes.keys.sorted() }
    package var count: Int { writes.values.reduce(0) { $0 + $1.count } }

    mutating func note(_ write: Write) {
        writes[write.stamp.invocationID, default: []].append(write)
        if write.attribute == .isDeleted { deletions[write.objectGUID, default: []].append(write.stamp) }
    }

    /// What an item that an originator just wrote says; values that it did not write now are left out.
    static func writes(
        in item: SnapshotItem,
        namingContext: GUID,
        by invocationID: GUID,
        above usn: USN,
        isAcknowledged: Bool
    ) -> [Write] {
        let isNew = { (stamp: Stamp) in stamp.invocationID == invocationID && stamp.originatingUSN > usn }
        switch item {
        case .object(let object):
            return object.attributes.filter { isNew($0.stamp) }.map {
                Write(
                    namingContext: namingContext,
                    objectGUID: object.objectGUID,
                    attribute: $0.attribute,
                    target: nil,
                    stamp: $0.stamp,
                    created: nil,
                    isAcknowledged: isAcknowledged
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
                    isAcknowledged: isAcknowledged
                )
            ]
        }
    }

    /// The writes of an originator above one USN up to another, in that naming context.
    package func writes(by invocationID: GUID, above low: USN, upTo high: USN, in namingContext: GUID)
        -> [Write]
    {
        guard let all = writes[invocationID] else { return [] }
        return all.filter {
            $0.stamp.originatingUSN > low && $0.stamp.originatingUSN <= high
                && $0.namingContext == namingContext
        }
    }

    /// Whether a replica may lack everything of an object: its tombstone was collected here or at a source.
    func isCollected(_ objectGUID: GUID, by collected: [GUID: USN]) -> Bool {
        (deletions[objectGUID] ?? []).contains {
            (collected[$0.invocationID] ?? .zero) >= $0.originatingUSN
        }
    }

    /// The database of that originator was put back to a USN: what it wrote above may be gone.
    mutating func forgive(_ invocationID: GUID, above usn: USN) {
        forgiven[invocationID] = min(forgiven[invocationID] ?? usn, usn)
    }

    func isForgiven(_ write: Write) -> Bool {
        guard let usn = forgiven[write.stamp.invocationID] else { return false }
        return write.stamp.originatingUSN > usn
    }
}
