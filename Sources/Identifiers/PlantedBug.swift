#if PLANTED_BUGS
import Synchronization
#endif

/// A rule of replication that is broken on purpose, to see that the simulator's oracles find it.
///
/// Each is one condition at the rule's own place, `planted(.name)`, and breaks that rule alone. Numbers are sections
/// of docs/replication.md's design: what is stored (2), conflicts (3), cursors (4), the exchange (5), schema and
/// partial attribute set (6), deletion (7). Only a build with the package trait `PlantedBugs` has any of them.
@usableFromInline
package enum PlantedBug: String, CaseIterable, Sendable {
    // MARK: 2, what is stored

    /// 2: a tombstone keeps all values; here each replica strips them when it learns of the deletion.
    case tombstoneStripped
    /// 2: an undelete stamps every kept attribute anew, so that it can re-create the object; here `isDeleted` and the
    /// name only.
    case undeleteKeepsStamps
    /// 2: an object whose parent has not arrived waits; here it is dropped.
    case orphanDropped
    /// 2: an object whose parent is a tombstone goes to LostAndFound; here it waits, invisible.
    case orphanOfTombstoneWaits
    /// 2: a cycle of parents is cut at the newest name stamp; here at the member that closes it at this replica.
    case cycleCutWhereItCloses
    /// 2: the newest name stamp keeps a plain name; here who has it here keeps it.
    case nameClashFirstComer
    /// 2: what appears or dies is placed anew together with all that hangs from it; here it alone.
    case childrenNotPlacedAgain
    /// 2: when the winner of a name clash goes, another has the plain name; here nobody has.
    case clashOutlivesWinner
    /// 2: every changed object takes a USN of its own; here a transaction takes one for all.
    case transactionSharesUSN
    /// 2: cursors take no USN; here every part that is applied takes one.
    case cursorsTakeUSNs

    // MARK: 3, conflicts

    /// 3: the version decides before the time; here the time does.
    case timeBeforeVersion
    /// 3: the order of arrival never matters; here the last to arrive stays.
    case latestArrivalWins
    /// 3: equal version and time are decided by the originator; here what is held stays.
    case tieKeepsLocal
    /// 3: presence and absence of a link value are decided by its stamp; here presence stays.
    case absentLinkLoses
    /// 3: at the largest version an originating write takes a later time; here it takes the clock's.
    case saturatedTimeStays
    /// 3: the conflict ledger keeps what a write lost that nobody who overwrote it knew; here it keeps nothing.
    case lostWriteNotKept
    /// 3: a stamp more than a day ahead is held; here it is applied.
    case futureStampAccepted
    /// 3: a version far above ours is held; here it is applied.
    case versionLeapAccepted
    /// 3: a vector far above what we know of a third is held; here it counts.
    case vectorLeapAccepted
    /// 3: a vector that claims more of us than we wrote is held; here it counts.
    case ownEntryAheadAccepted

    // MARK: 4, cursors

    /// 4: a vector waits for the gaps below it; here it is adopted with the part that brings it.
    case adoptsDespiteGaps
    /// 4: every interval below a vector must be cut no later; here it is enough that its range is covered.
    case adoptsCoveredRange
    /// 4: older vectors than the newest may be adopted; here only the newest is, and constant load starves it.
    case adoptsOnlyNewest
    /// 4: where intervals overlap the smaller `asOf` stays; here the larger one.
    case overlapKeepsNewestAsOf
    /// 4: `asOf` is read in the snapshot; here a write behind the snapshot slips in.
    case asOfBehindSnapshot
    /// 4: a part counts only when its request is known; here any request of that source will do.
    case unknownRequestCounts
    /// 4: a held part moves no cursor; here its interval counts.
    case heldPartMovesCursors
    /// 4: a source ignores what was received of another life of its database; here it leaves that out.
    case receivedOfAnotherLife
    /// 4: a new life forgets what was received and asked; here it goes on.
    case newLifeKeepsCursors
    /// 4: a database that was put back is known by its boot records; here nobody looks at them.
    case bootsNotExamined
    /// 4: every start writes a boot record; here only the first one does.
    case bootNotRecorded
    /// 4: the generation file has the highest `asOf` before it is sent; here it is never raised.
    case generationNotWritten
    /// 4: a cure writes again what others may have seen otherwise; here it keeps the stamps.
    case cureKeepsStamps

    // MARK: 5, the exchange

    /// 5: an unanswered request is sent again; here it never is.
    case lostRequestNotSentAgain
    /// 5: a request is sent again under its own id; here under one that is not in the table.
    case resentUnderAnotherID
    /// 5: a source ignores a request whose sequence was overtaken; here it answers.
    case overtakenRequestAnswered
    /// 5: ancestors that the destination may lack are sent along; here a child comes alone.
    case ancestorsNotSent
    /// 5: a source filters by the destination's vector; here one USN above it is filtered, too.
    case filterOneTooFar
    /// 5: an answer has at least one part; here it has none where there is nothing to send.
    case emptyAnswerSendsNothing
    /// 5: when the credit is spent the last part ends where it ends; here it claims the rest.
    case creditClaimsTheRest
    /// 5: what was just cut for a destination is skipped within the resend time; here for ever.
    case cutPartsSkippedForEver
    /// 5: what was cut by a clock that was set back since is cut again; here it is withheld until that time comes.
    case cutsOfTheFutureWithheld
    /// 5: one transaction holds a part's data and its cursors; here the cursors have one of their own, before.
    case cursorsBeforeData
    /// 5: partners are told of changes; here also of parts that brought none.
    case emptyAnswerIsNews
    /// 5: last success is the snapshot of the newest adopted vector; here of the newest part.
    case lastSuccessOfNewestPart

    // MARK: 6, schema and partial attribute set

    /// 6: an attribute that the schema does not know yet is stored; here it is dropped.
    case unknownAttributeDropped
    /// 6: growth of the partial attribute set forgets what was received; here it does not.
    case growthKeepsReceived
    /// 6: added attributes join when their vector dominates the main one; here with the first vector adopted.
    case addedAttributesJoinAtOnce
    /// 6: added attributes are filtered by their own vector; here by the main one.
    case addedFilteredByMainVector
    /// 6: a source that does not know the destination's partial attribute set asks for the list; here it cuts with its
    /// own.
    case unknownSetServed

    // MARK: 7, deletion and time

    /// 7: a tombstone ages from its arrival; here from its originator's time.
    case collectsByOriginTime
    /// 7: a tombstone that is somebody's parent stays; here it is collected.
    case collectsParents
    /// 7: a tombstone that our vector does not cover stays; here it is collected.
    case collectsUncovered
    /// 7: collecting raises `collected`; here it does not.
    case collectedNotRaised
    /// 7: adoption merges `collected`; here it does not.
    case collectedNotMerged
    /// 7: who does not know of a collected deletion is refused, 8614; here nobody is.
    case uncoveredDeletionAccepted
    /// 7: an update of an object that is not held is a lingering object, and the part refused; here it is skipped.
    case lingeringObjectSkipped
    /// 7: an object that was deleted and lives again is sent whole, whatever the vector covers; here it is filtered.
    case revivedObjectFiltered
    /// 7: a tombstone that brings enough to create the object is stored; here it is dropped.
    case unheldTombstoneDropped
}

#if PLANTED_BUGS
/// The position of the one that is planted in `allCases`; -1 = none.
private let plantedPosition = Atomic<Int>(-1)

/// Whether that rule is broken now.
package func planted(_ bug: PlantedBug) -> Bool {
    PlantedBug.position[bug] == plantedPosition.load(ordering: .relaxed)
}

extension PlantedBug {
    /// Whether this build has them at all.
    package static let isPossible = true

    fileprivate static let position = Dictionary(
        uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) }
    )

    /// From now on this rule is broken, and no other; nil: none is.
    package static func plant(_ bug: PlantedBug?) {
        plantedPosition.store(bug.flatMap { position[$0] } ?? -1, ordering: .relaxed)
    }
}
#else
/// Whether that rule is broken now: never, and the optimised code has nothing of it.
@inlinable
package func planted(_ bug: PlantedBug) -> Bool { false }

extension PlantedBug {
    /// Whether this build has them at all.
    package static let isPossible = false

    /// Nothing can be planted in this build.
    package static func plant(_ bug: PlantedBug?) {}
}
#endif
