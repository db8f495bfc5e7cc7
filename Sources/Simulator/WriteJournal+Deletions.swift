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
        /// Of an object's deletion: what goes when it is collected.
        let burial: Burial?

        init(stamp: LinkStamp, isGone: Bool, isAcknowledged: Bool, burial: Burial?) {
            (self.stamp, self.isGone, self.isAcknowledged) = (stamp, isGone, isAcknowledged)
            (number, self.burial) = (nil, burial)
        }

        init(_ write: Write) {
            stamp = LinkStamp(created: write.created ?? .epoch, stamp: write.stamp)
            isGone = write.isRemoval
            isAcknowledged = write.isAcknowledged
            number = write.number
            burial = write.burial
        }

        /// Whether the write, of the same subject or of the object that is deleted, was made before this removal and
        /// was known where it was made.
        func buries(_ write: Write) -> Bool {
            guard isGone else { return false }
            if let burial { return burial.holds(write) }
            return write.created.map { stamp >= LinkStamp(created: $0, stamp: write.stamp) } ?? false
        }
    }

    /// What a deleted object had at the DSA that deleted it, when it did.
    package struct Burial: Hashable, Sendable {
        private let stamps: [OID: Stamp]
        /// Of the link values, everything that this covers.
        private let vector: UpToDatenessVector

        init(_ tombstone: SnapshotObject, vector: UpToDatenessVector) {
            stamps = Dictionary(tombstone.attributes.map { ($0.attribute, $0.stamp) }) { max($0, $1) }
            self.vector = vector
        }

        /// Of a deletion that a member only claims: nothing else is known to go with it.
        init(claimed stamp: Stamp) { (stamps, vector) = ([.isDeleted: stamp], .init()) }

        func holds(_ write: Write) -> Bool {
            if write.target != nil { return vector.covers(write.stamp) }
            return stamps[write.attribute].map { $0 >= write.stamp } ?? false
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

    /// Whether what was written went with a deletion that was collected, whatever became of the object later.
    ///
    /// The deletion's writer had it, and whoever collected the deletion has it no more. An object can live on without
    /// it: a replica that did not know the deletion was resynchronised with one that had collected it, and keeps what
    /// is its own; or an undeletion that did not know the write made the object again. Where a replica is left that
    /// did hold the write, all must have it in the end, which is for the divergence oracle to say.
    func wasBuried(_ write: Write, by collected: [GUID: USN]) -> Bool {
        presences(of: Subject(write.objectGUID)).contains { gone in
            let stamp = gone.stamp.stamp
            return (collected[stamp.invocationID] ?? .zero) >= stamp.originatingUSN && gone.buries(write)
        }
    }

    /// Whether what was written went with a removal that nobody knows of any more.
    func mayComeBack(_ write: Write) -> Bool {
        let link = write.target.map { Subject(write.objectGUID, write.attribute, $0) }
        return lostRemovals(of: Subject(write.objectGUID)).contains { $0.buries(write) }
            || link.map { lostRemovals(of: $0).contains { $0.buries(write) } } ?? false
    }

    /// A member claims other stamps than were written: what they say of deletions holds as well.
    mutating func noteForged(_ part: ChangesReply) {
        for object in part.objects {
            for attribute in object.attributes
            where part.attributes.indices.contains(attribute.attribute)
                && part.attributes[attribute.attribute] == .isDeleted
            {
                let isGone = attribute.valueSet.first == Self.deletedMark
                let presence = Presence(
                    stamp: LinkStamp(created: .epoch, stamp: attribute.stamp),
                    isGone: isGone,
                    isAcknowledged: false,
                    burial: isGone ? Burial(claimed: attribute.stamp) : nil
                )
                note(presence, of: Subject(object.objectGUID))
            }
        }
    }

    /// A replica with these removals collected follows one that does not know all of them.
    ///
    /// What went with them may be nowhere any more, or come back from the other: of that, and of nothing else of these
    /// objects, no replica has to answer.
    mutating func forgiveCollected(_ collected: [GUID: USN], unless isKnown: (Stamp) -> Bool) {
        for (subject, all) in everyPresence {
            let lost = all.filter { gone in
                let stamp = gone.stamp.stamp
                return gone.isGone && (collected[stamp.invocationID] ?? .zero) >= stamp.originatingUSN
                    && !isKnown(stamp)
            }
            noteLost(lost, of: subject)
        }
    }
}
