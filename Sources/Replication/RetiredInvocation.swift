package import Identifiers

/// A life of a database that has ended: its NTDS Settings object lists it, with the USN kept.
///
/// A value of `retiredInvocation`: `<invocationID> <USN kept>`, then words: `reused` when USNs above it were given
/// to two writes each, `recovering` while the DSA still takes back what it lost.
package struct RetiredInvocation: Hashable, Sendable {
    package let invocationID: GUID
    package let keptUSN: USN
    /// What a vector says of this life above `keptUSN` means nothing.
    package let isReused: Bool
    package var isRecovering: Bool

    package init(invocationID: GUID, keptUSN: USN, isReused: Bool, isRecovering: Bool = false) {
        self.invocationID = invocationID
        self.keptUSN = keptUSN
        self.isReused = isReused
        self.isRecovering = isRecovering
    }

    /// Nil when the text is none; words that are not known are left to later versions.
    package init?(_ text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count >= 2, let invocationID = GUID(String(words[0])), let usn = Int64(words[1]), usn >= 0
        else { return nil }
        self.init(
            invocationID: invocationID,
            keptUSN: USN(usn),
            isReused: words.dropFirst(2).contains("reused"),
            isRecovering: words.dropFirst(2).contains("recovering")
        )
    }

    package var text: String {
        "\(invocationID) \(keptUSN)" + (isReused ? " reused" : "") + (isRecovering ? " recovering" : "")
    }
}

/// What a destination does about a life that has ended.
package struct Retirement: Hashable, Sendable {
    package let keptUSN: USN
    package let isReused: Bool
    /// A partial replica has looked whether it holds what its full replicas have lost.
    package internal(set) var isSettled: Bool
}

extension Destination {
    /// Takes note of lives that have ended.
    ///
    /// Of one whose USNs were given out twice, nothing above the USN kept can be claimed: two replicas may mean
    /// different writes by the same number, and each would filter out what only the other has. What was
    /// received under such a claim is asked for again.
    package mutating func retire(_ lives: [RetiredInvocation]) {
        for life in lives {
            let known = retired[life.invocationID]
            guard known?.keptUSN != life.keptUSN || known?.isReused != life.isReused else { continue }
            retired[life.invocationID] = Retirement(
                keptUSN: life.keptUSN,
                isReused: life.isReused,
                isSettled: false
            )
            guard life.isReused else { continue }
            if let entry = vector[life.invocationID], entry.usn > life.keptUSN {
                vector[life.invocationID] = VectorEntry(usn: life.keptUSN, time: entry.time)
                forgetReceived()
            }
            partialSet?.addedVector.cap(by: retired)
            if let usn = collected[life.invocationID], usn > life.keptUSN {
                collected[life.invocationID] = life.keptUSN
            }
        }
    }

    /// Earlier lives of a source of which this partial replica may hold more than the source itself, and the USN up to
    /// which it certainly does not; in order.
    ///
    /// `heard` is every life of the source's database that its messages showed: one that it went through after the
    /// state to which it was put back is in none of its lists, and its cursor may be forgotten here.
    /// Empty until everything up to `asOf` has come.
    package func earlierLives(
        of source: MessageHeader,
        heard: [GUID],
        asOf: USN,
        claiming claimed: UpToDatenessVector
    ) -> [(invocationID: GUID, keptUSN: USN)] {
        guard isPartial, let present = cursor(of: source.dsaGUID, source.invocationID),
            present.newestAdoptedAsOf >= asOf
        else { return [] }
        let lives = cursors.filter {
            $0.sourceDSA == source.dsaGUID && $0.invocationID != source.invocationID
        }
        .map(\.invocationID)
        let known = Set(lives + heard + unsettledRetirements.keys).subtracting([source.invocationID])
        return known.sorted().compactMap { life in
            let usn = claimed[life]?.usn ?? .zero
            if let ended = retired[life], ended.isReused {
                return ended.isSettled ? nil : (life, min(usn, ended.keptUSN))
            }
            return vector.covers(life, usn.next) ? (life, usn) : nil
        }
    }

    /// The lives of which a partial replica must still find out whether it holds more than the full ones.
    package var unsettledRetirements: [GUID: Retirement] {
        isPartial ? retired.filter { !$0.value.isSettled } : [:]
    }

    /// Claims nothing of that life above what its own database claims.
    package mutating func settleRetirement(_ invocationID: GUID, at keptUSN: USN? = nil) {
        retired[invocationID]?.isSettled = true
        guard let keptUSN, let entry = vector[invocationID], entry.usn > keptUSN else { return }
        vector[invocationID] = keptUSN > .zero ? VectorEntry(usn: keptUSN, time: entry.time) : nil
    }
}

extension PartClaim {
    /// The claim without what it says of lives whose USNs were given out twice.
    func capped(by retired: [GUID: Retirement]) -> PartClaim {
        guard retired.contains(where: { $0.value.isReused }) else { return self }
        var claim = self
        claim.vector.cap(by: retired)
        claim.addedVector?.cap(by: retired)
        claim.collected.cap(by: retired)
        return claim
    }
}

extension SeenVector {
    func capped(by retired: [GUID: Retirement]) -> SeenVector {
        guard retired.contains(where: { $0.value.isReused }) else { return self }
        var seen = self
        seen.vector.cap(by: retired)
        seen.addedVector?.cap(by: retired)
        seen.collected.cap(by: retired)
        return seen
    }
}

extension UpToDatenessVector {
    fileprivate mutating func cap(by retired: [GUID: Retirement]) {
        for (invocationID, life) in retired where life.isReused {
            guard let entry = entries[invocationID], entry.usn > life.keptUSN else { continue }
            entries[invocationID] = VectorEntry(usn: life.keptUSN, time: entry.time)
        }
    }
}

extension [GUID: USN] {
    mutating func cap(by retired: [GUID: Retirement]) {
        for (invocationID, life) in retired where life.isReused {
            guard let usn = self[invocationID] else { continue }
            self[invocationID] = Swift.min(usn, life.keptUSN)
        }
    }
}
