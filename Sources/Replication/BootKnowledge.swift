package import Identifiers

/// One start of a partner's database, as accepted messages showed it.
package struct KnownBoot: Hashable, Sendable {
    package let bootID: GUID
    package let startUSN: USN
    /// The start before it; nil where the list that showed it ended.
    package internal(set) var previous: GUID?
    /// The highest USN that a message sent during it spoke of.
    package internal(set) var highestUSN: USN
}

/// What accepted messages showed of one life (invocationID) of a partner's database: enough to tell a database
/// that was put back, or runs twice, from one that went on.
///
/// Starts form a tree, each behind the one before it. A database that only goes on makes a path: a start that is
/// not on it, and a start below what was said during the one before it, show an older copy. The second finds what
/// the first cannot: a copy taken and put back without a start between. Numbers alone would miss a copy that
/// has overtaken what we know before it is heard of.
package struct InvocationKnowledge: Hashable, Sendable {
    /// More than a message lists, so that a mail of an earlier start is known as such after long delays.
    package static let bootsMax = 128

    package let invocationID: GUID
    /// In the order they were learnt; the lowest start is forgotten first.
    package private(set) var boots: [KnownBoot] = []

    package init(invocationID: GUID) { self.invocationID = invocationID }

    /// The highest USN that this life was heard to speak of.
    package var highestUSN: USN { boots.reduce(.zero) { max($0, $1.highestUSN) } }

    package func boot(_ bootID: GUID) -> KnownBoot? { boots.first { $0.bootID == bootID } }

    /// What a message would show of its sender's database; nil when it may be accepted.
    ///
    /// `records` are the message's, newest first; `usn` is the highest USN of the sender that it speaks of, when it
    /// does; `knownUSN` is the highest known of this life, from whomever.
    package func suspicion(of records: [BootRecord], usn: USN?, knownUSN: USN) -> RollbackSuspicion? {
        guard let current = records.first else { return nil }
        if boot(current.bootID) != nil { return suspicion(ofKnown: current, usn: usn) }
        let unknown = records.prefix { boot($0.bootID) == nil }
        let first = unknown.last ?? current
        let known = max(knownUSN, highestUSN)
        if let missing = lowestMissing(in: records) {
            // An original that started again after its copy had begun: above the copy's start USNs mean two writes.
            let common =
                missing.startUSN < first.startUSN
                ? records.first { $0.startUSN <= missing.startUSN } ?? records.last : nil
            return RollbackSuspicion(
                reason: current.startUSN < known ? .putBack : .twins,
                invocationID: invocationID,
                boot: common ?? first,
                missingBoot: missing.bootID,
                knownUSN: known
            )
        }
        // The newest start that both know must not have said more than the next one began with.
        guard unknown.count < records.count, let before = boot(records[unknown.count].bootID),
            before.highestUSN > first.startUSN
        else { return nil }
        return RollbackSuspicion(
            reason: .putBack,
            invocationID: invocationID,
            boot: first,
            missingBoot: nil,
            knownUSN: before.highestUSN
        )
    }

    /// A start that went on speaking after another one had begun behind it: a copy runs beside its original, or
    /// mail of what was lost arrives late.
    private func suspicion(ofKnown current: BootRecord, usn: USN?) -> RollbackSuspicion? {
        guard let usn,
            let next = boots.filter({ $0.previous == current.bootID && $0.startUSN < usn })
                .min(by: { ($0.startUSN, $0.bootID) < ($1.startUSN, $1.bootID) })
        else { return nil }
        return RollbackSuspicion(
            reason: .putBack,
            invocationID: invocationID,
            boot: BootRecord(bootID: next.bootID, startUSN: next.startUSN),
            missingBoot: nil,
            knownUSN: usn
        )
    }

    /// The lowest known start that the list lacks, unless the list is full and ends above it.
    private func lowestMissing(in records: [BootRecord]) -> KnownBoot? {
        let listed = Set(records.map(\.bootID))
        let oldest =
            records.count >= ReplicationLimits.bootRecordsMax ? records.last?.startUSN : nil
        return boots.filter { boot in
            !listed.contains(boot.bootID) && oldest.map { boot.startUSN > $0 } ?? true
        }.min { ($0.startUSN, $0.bootID) < ($1.startUSN, $1.bootID) }
    }

    /// Takes what an accepted message showed.
    package mutating func note(_ records: [BootRecord], usn: USN?) {
        for index in records.indices.reversed() {
            let record = records[index]
            let previous = index + 1 < records.endIndex ? records[index + 1].bootID : nil
            if let known = boots.firstIndex(where: { $0.bootID == record.bootID }) {
                boots[known].previous = boots[known].previous ?? previous
            } else {
                boots.append(
                    KnownBoot(
                        bootID: record.bootID,
                        startUSN: record.startUSN,
                        previous: previous,
                        highestUSN: record.startUSN
                    )
                )
            }
        }
        if let usn, let current = boots.firstIndex(where: { $0.bootID == records.first?.bootID }) {
            boots[current].highestUSN = max(boots[current].highestUSN, usn)
        }
        while boots.count > Self.bootsMax, let lowest = boots.map(\.startUSN).min(),
            let index = boots.firstIndex(where: { $0.startUSN == lowest })
        {
            boots.remove(at: index)
        }
    }
}

/// Why a partner's database is held to be an older copy; what the partner needs in order to cure itself.
package struct RollbackSuspicion: Error, Hashable, Sendable {
    package enum Reason: UInt8, Hashable, Sendable, CaseIterable {
        /// USNs were, or will be, given out twice.
        case putBack = 1
        /// Two databases claim one life; so far neither wrote what the other cannot know.
        case twins = 2
    }

    package let reason: Reason
    package let invocationID: GUID
    /// The first start behind what both know: everything above its USN may have been given out twice.
    package let boot: BootRecord
    /// A start of that life that the suspected database lacks.
    package let missingBoot: GUID?
    package let knownUSN: USN

    package init(
        reason: Reason,
        invocationID: GUID,
        boot: BootRecord,
        missingBoot: GUID?,
        knownUSN: USN
    ) {
        self.reason = reason
        self.invocationID = invocationID
        self.boot = boot
        self.missingBoot = missingBoot
        self.knownUSN = knownUSN
    }
}

extension RollbackSuspicion: CustomStringConvertible {
    package var description: String {
        switch reason {
        case .putBack:
            "the database with invocationID \(invocationID) started at USN \(boot.startUSN) (boot "
                + "\(boot.bootID)), but was seen up to \(knownUSN): it is an older copy that was put back"
        case .twins:
            "two databases run with invocationID \(invocationID): boot \(boot.bootID) knows nothing of boot "
                + "\(missingBoot ?? .zero)"
        }
    }

    package var hint: String {
        "it cures itself when it hears of this; put databases back with the restore command only"
    }
}

// MARK: - Own judgement

/// What a suspicion that a partner reports is worth to the database it is about.
package enum SuspicionJudgement: Hashable, Sendable {
    /// A life of this database must end at that USN.
    case putBack(frozenAt: USN)
    /// So must it, and not for having been put back: a copy began there in its name and was heard first.
    case overtaken(frozenAt: USN)
    /// A database that is not this one speaks in its name.
    case twin
    /// Mail of an earlier start came late, or the cure was made already.
    case unfounded(String)
}

extension RollbackSuspicion {
    /// Judges by what this database knows of itself; a partner can name no USN but one at which we, or a copy of us,
    /// started.
    ///
    /// `boots` is every start that this database remembers, `retired` are lives of it that have ended.
    package func judged(
        own invocationID: GUID,
        boots: [BootRecord],
        retired: [RetiredInvocation]
    ) -> SuspicionJudgement {
        let ended = retired.first { $0.invocationID == self.invocationID }
        guard self.invocationID == invocationID || ended != nil else {
            return .unfounded("it is about invocationID \(self.invocationID), which was never ours")
        }
        guard boots.contains(boot) else {
            guard ended == nil else { return .unfounded("it is about a copy of an earlier life") }
            // Without a missing start it is about our own mail, sent after the copy's.
            return missingBoot == nil ? .overtaken(frozenAt: boot.startUSN) : .twin
        }
        if ended != nil, reason == .twins { return .unfounded("it is about mail of a life that has ended") }
        if let missingBoot, boots.contains(where: { $0.bootID == missingBoot }) {
            return .unfounded("boot \(missingBoot) is ours: mail of an earlier start came late")
        }
        if let ended, ended.keptUSN <= boot.startUSN {
            return .unfounded("that life has ended at USN \(ended.keptUSN) already")
        }
        return .putBack(frozenAt: boot.startUSN)
    }
}

// MARK: - Stored form

extension InvocationKnowledge {
    private static let formatVersion: UInt8 = 1

    /// The form in the database.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.octet(Self.formatVersion)
        writer.guid(invocationID)
        writer.count(boots.count)
        for boot in boots {
            writer.guid(boot.bootID)
            writer.usn(boot.startUSN)
            writer.guid(boot.previous ?? .zero)
            writer.usn(boot.highestUSN)
        }
        return writer.octets
    }

    package init(encoded octets: [UInt8]) throws(CodecError) {
        var reader = ByteReader(octets)
        let version = try reader.octet()
        guard version == Self.formatVersion else { throw .malformed("stored boots of format \(version)") }
        self.init(invocationID: try reader.guid())
        let count = try reader.count(max: Self.bootsMax, octetsPerItem: 34, "number of known boots")
        for _ in 0..<count {
            let (bootID, startUSN, previous) = (try reader.guid(), try reader.usn(), try reader.guid())
            boots.append(
                KnownBoot(
                    bootID: bootID,
                    startUSN: startUSN,
                    previous: previous == .zero ? nil : previous,
                    highestUSN: try reader.usn()
                )
            )
        }
        try reader.finish("the stored boots")
    }
}
