import DirectoryModel
import DomainController
package import Identifiers
import Replication
import Store

/// What must be true at every moment, and what must be true in the end.
extension World {
    /// One in so many looks at a site also computes its placement anew.
    private static let placementSampling = 16

    /// Looks at one site after something happened to its replicas of these naming contexts.
    func checkSafety(of site: SimulatedSite, contexts: [GUID]) async throws {
        guard let dsa = site.dsa else { return }
        let (journal, own) = (journal, dsa.store.identity.invocationID)
        for context in contexts {
            guard dsa.store.namingContexts.contains(where: { $0.guid == context }) else {
                site.covered[context] = nil
                continue
            }
            let checked = site.covered[context] ?? [:]
            let attributes = site.coveredAttributes[context]
            let (check, findings) = try await dsa.store.snapshot { snapshot in
                let check = try ReplicaCheck(snapshot, context, journal, own: own)
                // What has just joined was filtered by another vector before.
                let isSame = check.complete == attributes
                let findings = try check.uncovered(above: isSame ? checked : [:])
                return ((check.vector, check.complete, check.successTimes), findings)
            }
            let (vector, complete, successes) = check
            site.coveredAttributes[context] = complete
            if let finding = findings.first {
                throw OracleViolation(.vector, "\(site.name) \(contextName(context)): \(finding)")
            }
            try checkSuccess(successes, of: site, in: context)
            site.covered[context] = vector.entries.mapValues(\.usn)
            if context != plan.schema.guid, trace.lineCount % Self.placementSampling == 0 {
                try await checkPlacement(of: site, context)
            }
        }
    }

    func checkPlacement(of site: SimulatedSite, _ context: GUID) async throws {
        guard let dsa = site.dsa else { return }
        let misplaced = try await dsa.store.snapshot { try $0.misplacedObjects(in: context) }
        if let first = misplaced.first {
            throw OracleViolation(.placement, "\(site.name) \(contextName(context)): object \(first)")
        }
    }

    package func contextName(_ context: GUID) -> String {
        if context == plan.schema.guid { return "schema" }
        if context == plan.configuration.guid { return "configuration" }
        return plan.sites.firstIndex { $0.domain.guid == context }.map { "domain of d\($0)" } ?? "\(context)"
    }

    // MARK: - In the end

    /// What differs between replicas; nil when all are equal, vectors included.
    package func difference() async throws -> String? {
        for site in sites where !site.isUp { return "\(site.name) is down" }
        let contexts = [plan.schema, plan.configuration] + plan.sites.map(\.domain)
        for context in contexts {
            if let found = try await vectorDifference(context.guid) { return found }
        }
        for context in contexts {
            if let found = try await stateDifference(context.guid) { return found }
        }
        return nil
    }

    private func holders(of context: GUID) -> [(site: SimulatedSite, store: DirectoryStore, isPartial: Bool)]
    {
        sites.compactMap { site in
            guard let store = site.dsa?.store,
                let held = store.namingContexts.first(where: { $0.guid == context })
            else { return nil }
            return (site, store, held.isPartial)
        }
    }

    private func vectorDifference(_ context: GUID) async throws -> String? {
        var first: (name: String, usns: [GUID: USN])?
        for (site, store, _) in holders(of: context) {
            let vector = try await store.snapshot { try $0.vector(of: context, at: .epoch) }
            let usns = vector.entries.mapValues(\.usn)
            guard let known = first else {
                first = (site.name, usns)
                continue
            }
            guard known.usns != usns else { continue }
            for invocationID in Set(usns.keys).union(known.usns.keys).sorted()
            where usns[invocationID] != known.usns[invocationID] {
                let (left, right) = (known.usns[invocationID] ?? .zero, usns[invocationID] ?? .zero)
                return "\(contextName(context)): of \(invocationID) \(known.name) has \(left), "
                    + "\(site.name) has \(right)"
            }
        }
        return nil
    }

    private func stateDifference(_ context: GUID) async throws -> String? {
        let holders = holders(of: context)
        let hasPartial = holders.contains { $0.isPartial }
        var reference: [Bool: (name: String, store: DirectoryStore, state: [UInt8])] = [:]
        for (site, store, isPartial) in holders {
            let forms = isPartial ? [true] : hasPartial ? [false, true] : [false]
            for isRestricted in forms {
                let state = try await store.snapshot { snapshot in
                    try snapshot.stampedState(of: context, restrictedTo: snapshot.restriction(isRestricted))
                }
                guard let known = reference[isRestricted] else {
                    reference[isRestricted] = (site.name, store, state)
                    continue
                }
                if known.state == state { continue }
                let left = try await dump(context, of: known.store, isRestricted)
                let right = try await dump(context, of: store, isRestricted)
                let leftOnly = try await unexcused(left.subtracting(right), context, known.store, store)
                let rightOnly = try await unexcused(right.subtracting(left), context, store, known.store)
                let only =
                    leftOnly.prefix(3).map { "only \(known.name): \($0)" }
                    + rightOnly.prefix(3).map { "only \(site.name): \($0)" }
                if only.isEmpty { continue }
                return "\(contextName(context)): \(only.joined(separator: "; "))"
            }
        }
        return nil
    }

    private func dump(_ context: GUID, of store: DirectoryStore, _ isRestricted: Bool) async throws
        -> Set<String>
    {
        try await store.snapshot { snapshot in
            var lines: Set<String> = []
            try snapshot.canonicalDump(of: context, restrictedTo: snapshot.restriction(isRestricted)) {
                lines.insert($0)
            }
            return lines
        }
    }

    /// Every acknowledged write is held or superseded at every replica that it belongs to.
    package func checkNothingLost() async throws {
        let journal = journal
        for context in [plan.schema, plan.configuration] + plan.sites.map(\.domain) {
            for (site, store, isPartial) in holders(of: context.guid) {
                let own = store.identity.invocationID
                let findings = try await store.snapshot { snapshot in
                    let check = try ReplicaCheck(snapshot, context.guid, journal, own: own)
                    return try check.uncovered(above: [:]) + check.lost() + check.surplus()
                }
                if let finding = findings.first {
                    throw OracleViolation(.lostWrite, "\(site.name) \(contextName(context.guid)): \(finding)")
                }
                if !isPartial || context.role == .domain { try await checkPlacement(of: site, context.guid) }
            }
        }
    }
}

extension StoreSnapshot {
    fileprivate func restriction(_ isRestricted: Bool) -> Set<OID>? {
        isRestricted ? Set(schema.partialAttributeSet) : nil
    }
}

/// Compares one replica with the journal of all writes.
struct ReplicaCheck {
    private let snapshot: StoreSnapshot
    private let context: HeldNamingContext
    private let journal: WriteJournal
    let vector: UpToDatenessVector
    let successTimes: SuccessTimes
    private let collected: [GUID: USN]
    private let partialSet: PartialSet?

    /// Of a partial replica: the attributes that its main vector speaks of.
    var complete: Set<OID>? { partialSet?.complete }

    init(_ snapshot: StoreSnapshot, _ context: GUID, _ journal: WriteJournal, own: GUID) throws {
        self.snapshot = snapshot
        self.journal = journal
        self.context = try snapshot.namingContext(context)
        let destination = try snapshot.destination(of: context)
        vector = destination.advertisedVector(own: own, ownUSN: try snapshot.highestUSN(), at: .epoch)
        successTimes = SuccessTimes(destination, vector: vector, own: own)
        collected = destination.collected
        partialSet = destination.partialSet
    }

    /// Writes that the vector covers and the replica lacks, as sentences; those at and below `checked` are left
    /// out.
    func uncovered(above checked: [GUID: USN]) throws -> [String] {
        var findings: [String] = []
        for (invocationID, entry) in vector.sorted {
            let writes = journal.writes(
                by: invocationID,
                above: checked[invocationID] ?? .zero,
                upTo: entry.usn,
                in: context.guid
            )
            for write in writes where journal.isClaimed(write) && complete?.contains(write.attribute) ?? true
            {
                if try isHeld(write, orGoneFor: { vector.covers($0.stamp.stamp) && journal.isClaimed($0) }) {
                    continue
                }
                findings.append("its vector has \(invocationID) at \(entry.usn), but \(Self.text(write))")
            }
        }
        return try findings + uncoveredAdditions()
    }

    /// Attributes that are being added have a vector of their own.
    private func uncoveredAdditions() throws -> [String] {
        guard let partialSet, !partialSet.added.isEmpty else { return [] }
        let (added, vector) = (Set(partialSet.added), partialSet.addedVector)
        var findings: [String] = []
        for (invocationID, entry) in vector.sorted {
            let writes = journal.writes(by: invocationID, above: .zero, upTo: entry.usn, in: context.guid)
            for write in writes where added.contains(write.attribute) && journal.isClaimed(write) {
                if try isHeld(write, orGoneFor: { vector.covers($0.stamp.stamp) && journal.isClaimed($0) }) {
                    continue
                }
                findings.append(
                    "its second vector has \(invocationID) at \(entry.usn), but \(Self.text(write))"
                )
            }
        }
        return findings
    }

    /// What a partial replica holds beyond the partial attribute set, or has not completed.
    func surplus() throws -> [String] {
        guard let partialSet else { return [] }
        var findings = partialSet.added.map { "\($0) is still being added" }
        var (all, allowed): (Set<String>, Set<String>) = ([], [])
        try snapshot.canonicalDump(of: context.guid, restrictedTo: nil) { all.insert($0) }
        let set = Set(snapshot.schema.partialAttributeSet)
        try snapshot.canonicalDump(of: context.guid, restrictedTo: set) { allowed.insert($0) }
        findings += all.subtracting(allowed).sorted().map { "it holds what no partial replica keeps: \($0)" }
        return findings
    }

    /// Acknowledged writes that the replica lacks, whatever its vector says.
    func lost() throws -> [String] {
        var findings: [String] = []
        for invocationID in journal.originators {
            let writes = journal.writes(by: invocationID, above: .zero, upTo: .max, in: context.guid)
            for write in writes where write.isAcknowledged && !journal.isForgiven(write) {
                if let partialSet, !partialSet.attributes.contains(write.attribute) { continue }
                if try !isHeld(write, orGoneFor: nil) { findings.append(Self.text(write)) }
            }
        }
        return findings
    }

    /// Whether it is here, superseded, or gone for good, as far as it belongs to this replica at all.
    func isHeld(_ write: WriteJournal.Write) throws -> Bool {
        if let partialSet, !partialSet.attributes.contains(write.attribute) { return true }
        return try isHeld(write, orGoneFor: nil)
    }

    /// Whether it is here, superseded, or gone with a removal that was collected.
    ///
    /// `mustBeHere` says which undeletions would have to be seen here; nil: every one that was acknowledged.
    private func isHeld(
        _ write: WriteJournal.Write,
        orGoneFor mustBeHere: ((WriteJournal.Presence) -> Bool)?
    ) throws -> Bool {
        if journal.mayComeBack(write) || journal.wasBuried(write, by: collected) { return true }
        if let target = write.target, let created = write.created {
            if let stamp = try snapshot.linkStamp(write.objectGUID, write.attribute, target) {
                return stamp >= LinkStamp(created: created, stamp: write.stamp)
            }
            let link = WriteJournal.Subject(write.objectGUID, write.attribute, target)
            if journal.isGone(link, by: collected, mustBeHere) { return true }
        } else if let object = try snapshot.snapshotObject(write.objectGUID) {
            let isHere = object.attributes.contains {
                $0.attribute == write.attribute && $0.stamp >= write.stamp
            }
            // A tombstone may have been made anew, behind a collected deletion, by who did not know the write.
            if isHere || !object.isTombstone { return isHere }
        }
        return journal.isGone(.init(write.objectGUID), by: collected, mustBeHere)
    }

    private static func text(_ write: WriteJournal.Write) -> String {
        let target = write.target.map { " to \($0)" } ?? ""
        return "it lacks \(write.attribute)\(target) of \(write.objectGUID) as written at USN "
            + "\(write.stamp.originatingUSN) (version \(write.stamp.version))"
    }
}
