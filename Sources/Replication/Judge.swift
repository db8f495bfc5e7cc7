package import Identifiers

extension Destination {
    /// Judges a part before its data is applied; changes nothing.
    ///
    /// `waiving` is what somebody, or the data itself, answered already: the part is judged as if it were in order.
    package func judge(
        _ claim: PartClaim,
        at now: Timestamp,
        waiving waived: PoisonWaiver = .none
    ) -> PartVerdict {
        let part = claim.capped(by: retired)
        let source = part.header.dsaGUID
        guard part.header.namingContext == namingContext else {
            return .refused(.wrongNamingContext(part.header.namingContext))
        }
        guard isConsistent(part) else {
            return .refused(.contradictory(interval: part.interval, asOf: part.asOf))
        }
        let isAnswer = requestIndex(answeredBy: part) != nil
        if !hasJoined, !isAnswer {
            // Nothing was collected here yet, so nothing could tell that an old part revives a deleted object.
            if let joinSource, joinSource != source { return .refused(.joinsFromAnother(joinSource)) }
            return .stale
        }
        if waived < .all, let reason = poison(in: part, at: now, mindsTime: waived < .time) {
            return .held(reason)
        }
        let cursor = cursor(of: source, part.header.invocationID)
        if let uncovered = uncoveredDeletion(by: part.vector) {
            return part.asOf < (cursor?.newestAdoptedAsOf ?? .zero) ? .stale : .refused(uncovered)
        }
        if let unknown = unknownDeletion(in: part) { return .refused(unknown) }
        if let cursor, cursor.hasAll(of: part.interval, seen: part.seen, merged: vector) { return .duplicate }
        return .apply(movesCursors: isAnswer)
    }

    /// Records a part whose data was applied in this transaction: interval, vector, request, adoption.
    ///
    /// A part that does not answer a request of ours changes nothing. The caller saves the result in the same
    /// transaction and, when it says so, makes the next request there too.
    package mutating func commit(_ part: PartClaim, at now: Timestamp) -> CommitResult {
        commit(part, at: now, taking: { $0.takeAdoptable() })
    }

    /// `commit` with the adoption rule as a parameter, so that tests can show what a weaker one loses.
    mutating func commit(
        _ claim: PartClaim,
        at now: Timestamp,
        taking adoptable: (inout SourceCursor) -> [SeenVector]
    ) -> CommitResult {
        var result = CommitResult()
        let part = claim.capped(by: retired)
        guard let index = requestIndex(answeredBy: part) else { return result }
        let source = part.header.dsaGUID
        var cursor =
            cursor(of: source, part.header.invocationID)
            ?? SourceCursor(sourceDSA: source, invocationID: part.header.invocationID)
        let isNews = !cursor.received.contains(part.interval)
        countAnswer(at: index, by: part, isNews: isNews, now: now)
        cursor.received.insert(part.interval, asOf: part.asOf)
        cursor.note(part.seen)
        noteJoinPart(asOf: part.asOf, vector: part.vector)
        for kept in adoptable(&cursor) {
            // Kept before a life ended that it speaks of.
            let seen = kept.capped(by: retired)
            guard !isOutlived(by: seen) else {
                result.mustStartOver = true
                continue
            }
            vector.merge(seen.vector, excluding: part.ownInvocationID)
            result.ownCovered = max(result.ownCovered, seen.vector[part.ownInvocationID]?.usn ?? .zero)
            adoptAdded(seen, excluding: part.ownInvocationID)
            if !planted(.collectedNotMerged) { collected.merge(seen.collected) { max($0, $1) } }
            cursor.newestAdoptedAsOf = max(cursor.newestAdoptedAsOf, seen.asOf)
            let time =
                seen.vector[part.header.invocationID]?.time ?? seen.vector.entries.values.map(\.time).max()
            cursor.lastSuccess = [cursor.lastSuccess, time].compactMap { $0 }.max()
            result.adopted = true
        }
        if planted(.lastSuccessOfNewestPart) {
            let time = part.vector[part.header.invocationID]?.time
            cursor.lastSuccess = [cursor.lastSuccess, time].compactMap { $0 }.max()
        }
        save(cursor)
        if result.adopted { joinAddedAttributes() }
        if result.adopted, !result.mustStartOver { (hasJoined, joinStart) = (true, nil) }
        result.wantsRequest = wantsRequest(after: requests[index], by: part, cursor: cursor)
        return result
    }

    /// A part that answers a request was held: the request is not sent again, the next one asks anew.
    ///
    /// No cursor moves. Else a request whose only part is held would be sent with its old cursors for as long as
    /// it lives.
    package mutating func noteHeld(_ part: PartClaim, at now: Timestamp) {
        guard let index = requestIndex(answeredBy: part) else { return }
        requests[index].lastPart = now
        requests[index].isSettled = true
        requests[index].request = nil
    }

    /// The vector's entries that nobody healthy claims.
    package func poisonedEntries(of claim: PartClaim) -> UpToDatenessVector {
        let part = claim.capped(by: retired)
        var found = UpToDatenessVector()
        for (invocationID, entry) in part.vector.sorted {
            let isPoison =
                invocationID == part.ownInvocationID
                ? entry.usn > part.ownUSN
                : PoisonCheck.isVectorLeap(known: vector[invocationID]?.usn ?? .zero, claimed: entry.usn)
            if isPoison { found[invocationID] = VectorEntry(usn: entry.usn, time: .epoch) }
        }
        return found
    }

    /// The request that a part answers; parts cut with another attribute set than ours are data only.
    private func requestIndex(answeredBy part: PartClaim) -> Int? {
        requests.firstIndex { request in
            guard request.requestID == part.requestID || planted(.unknownRequestCounts),
                request.sourceDSA == part.header.dsaGUID
            else { return false }
            return (part.cutFor == .full || part.cutFor == request.replica)
                && isCutWithAddedVector(part)
        }
    }

    private mutating func countAnswer(at index: Int, by part: PartClaim, isNews: Bool, now: Timestamp) {
        let request = requests[index]
        var record = record(of: request.sourceDSA)
        if request.answeredParts == 0, request.resends == 0 {
            let (elapsed, overflow) = now.seconds.subtractingReportingOverflow(request.sentAt.seconds)
            if !overflow { record.noteRoundTrip(seconds: elapsed) }
        }
        if isNews || request.answeredParts == 0 { requests[index].answeredParts += 1 }
        requests[index].lastPart = now
        requests[index].request = nil
        if request.sequence >= record.newestAnsweredSequence {
            record.newestAnsweredSequence = request.sequence
            record.invocationID = part.header.invocationID
            record.wantsPartialAttributes = part.needsPartialAttributes
            record.lastFailure = nil
        }
        for other in requests.indices
        where requests[other].sourceDSA == request.sourceDSA && requests[other].sequence < request.sequence {
            requests[other].isSettled = true
            requests[other].request = nil
        }
        save(record)
    }

    /// Half of the credit is applied and more is known to exist, or a poke came that this snapshot is older than.
    ///
    /// An empty interval is no reason: the source has cut the rest for an earlier request, and would go on answering
    /// with nothing until that is old enough to be cut again.
    private func wantsRequest(after request: OutstandingRequest, by part: PartClaim, cursor: SourceCursor)
        -> Bool
    {
        let record = record(of: request.sourceDSA)
        guard request.sequence == record.sequence else { return false }
        if let poke = record.rememberedPoke {
            if poke.invocationID != cursor.invocationID || poke.usn > cursor.newestAsOf { return true }
        }
        let (twice, overflow) = request.answeredParts.multipliedReportingOverflow(by: 2)
        return !part.interval.isEmpty && !cursor.gaps.isEmpty && (overflow || twice >= request.credit)
    }

    private func isConsistent(_ part: PartClaim) -> Bool {
        part.interval.from >= .zero && part.interval.from <= part.interval.to && part.interval.to <= part.asOf
            && (part.vector[part.header.invocationID]?.usn ?? .zero) <= part.asOf
    }

    private func poison(in part: PartClaim, at now: Timestamp, mindsTime: Bool) -> HeldReason? {
        if mindsTime, let newest = part.newestStampTime, PoisonCheck.isAhead(newest, at: now) {
            return .stampAhead(newest)
        }
        for (invocationID, entry) in part.vector.sorted {
            if invocationID == part.ownInvocationID {
                if entry.usn > part.ownUSN, !planted(.ownEntryAheadAccepted) {
                    return .ownEntryAhead(claimed: entry.usn, own: part.ownUSN)
                }
            } else {
                let known = vector[invocationID]?.usn ?? .zero
                if PoisonCheck.isVectorLeap(known: known, claimed: entry.usn) {
                    return .vectorLeap(invocationID: invocationID, claimed: entry.usn, known: known)
                }
            }
        }
        return nil
    }

    /// The same rule seen from the other end: the source must not have answered a request like that.
    private func unknownDeletion(in part: PartClaim) -> RefusalReason? {
        guard hasJoined, let index = requestIndex(answeredBy: part), !requests[index].isJoining,
            !planted(.uncoveredDeletionAccepted)
        else { return nil }
        for (invocationID, usn) in part.collected.sorted(by: { $0.key < $1.key })
        where invocationID != part.ownInvocationID && !vector.covers(invocationID, usn) {
            return .collectedUnknown(
                invocationID: invocationID,
                collected: usn,
                known: vector[invocationID]?.usn ?? .zero
            )
        }
        return nil
    }

    private func uncoveredDeletion(by claimed: UpToDatenessVector) -> RefusalReason? {
        for (invocationID, usn) in collected.sorted(by: { $0.key < $1.key })
        where !planted(.uncoveredDeletionAccepted) && !claimed.covers(invocationID, usn) {
            return .collectedNotCovered(
                invocationID: invocationID,
                collected: usn,
                claimed: claimed[invocationID]?.usn ?? .zero
            )
        }
        return nil
    }
}
