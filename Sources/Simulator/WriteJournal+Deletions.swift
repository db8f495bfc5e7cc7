import DirectoryModel
import Identifiers
import Replication

/// What of the journal says whether something is there at all.
extension WriteJournal {
    static let deletedMark = Array("TRUE".utf8)

    /// An object, or one link value of it.
    struct Subject: Hashable, Sendable {
        let objectGUID: GUID
        var attribute: OID?
        var target: GUID?

        init(_ objectGUID: GUID) { self.objectGUID = objectGUID }

        init(_ objectGUID: GUID, _ attribute: OID, _ target: GUID) {
            (self.objectGUID, self.attribute, self.target) = (objectGUID, attribute, target)
        }
    }

    /// One write that makes something be there or be gone.
    struct Presence: Sendable {
        /// Of an object the creation time is nothing.
        let stamp: LinkStamp
        let isGone: Bool
        let isAcknowledged: Bool
        /// The write's in the journal; nil when a member only claims it.
        let number: Int?

        init(stamp: LinkStamp, isGone: Bool, isAcknowledged: Bool) {
            (self.stamp, self.isGone, self.isAcknowledged) = (stamp, isGone, isAcknowledged)
            number = nil
        }

        init(_ write: Write) {
            stamp = LinkStamp(created: write.created ?? .epoch, stamp: write.stamp)
            isGone = write.isRemoval
            isAcknowledged = write.isAcknowledged
            number = write.number
        }
    }

    /// The newest write of that life of a database that is known; nil when even its beginning is not.
    func newestUSN(of invocationID: GUID) -> USN? {
        beginnings[invocationID].map { start in
            allWrites(by: invocationID).map(\.stamp.originatingUSN).reduce(start) { max($0, $1) }
        }
    }

    mutating func begin(_ invocationID: GUID, at usn: USN) {
        if beginnings[invocationID] == nil { beginnings[invocationID] = usn }
    }

    /// Whether a replica may lack something: its deletion was collected here or at a source, and no newer
    /// undeletion would have to be here.
    ///
    /// `mustBeHere` says of which undeletions that is so; nil: of those that were acknowledged.
    func isGone(_ subject: Subject, by collected: [GUID: USN], _ mustBeHere: ((Presence) -> Bool)?) -> Bool {
        let all = presences(of: subject)
        let isRestored = { (gone: Presence) in
            all.contains { presence in
                !presence.isGone && presence.stamp > gone.stamp
                    && (mustBeHere?(presence) ?? presence.isAcknowledged)
            }
        }
        return all.contains { gone in
            let stamp = gone.stamp.stamp
            return gone.isGone && (collected[stamp.invocationID] ?? .zero) >= stamp.originatingUSN
                && !isRestored(gone)
        }
    }

    /// Whether the deletion of what was written is one that nobody knows of any more.
    func mayComeBack(_ write: Write) -> Bool {
        isResurrectable(Subject(write.objectGUID))
            || write.target.map { isResurrectable(Subject(write.objectGUID, write.attribute, $0)) } ?? false
    }

    /// A member claims other stamps than were written: what they say of deletions holds as well.
    mutating func noteForged(_ part: ChangesReply) {
        for object in part.objects {
            for attribute in object.attributes
            where part.attributes.indices.contains(attribute.attribute)
                && part.attributes[attribute.attribute] == .isDeleted
            {
                let presence = Presence(
                    stamp: LinkStamp(created: .epoch, stamp: attribute.stamp),
                    isGone: attribute.valueSet.first == Self.deletedMark,
                    isAcknowledged: false
                )
                note(presence, of: Subject(object.objectGUID))
            }
        }
    }

    /// A replica with these deletions collected follows one that does not know all of them.
    mutating func forgiveCollected(_ collected: [GUID: USN], unless isKnown: (Stamp) -> Bool) {
        for (subject, all) in everyPresence {
            let isLost = all.contains { gone in
                let stamp = gone.stamp.stamp
                return gone.isGone && (collected[stamp.invocationID] ?? .zero) >= stamp.originatingUSN
                    && !isKnown(stamp)
            }
            if isLost { makeResurrectable(subject) }
        }
    }
}
