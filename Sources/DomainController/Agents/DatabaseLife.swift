package import Identifiers
package import Logging
import Replication
package import Store

/// Ends lives of this database that must not go on, at the start and later: a database that was put back has
/// given USNs to two writes.
package struct DatabaseLife: Sendable {
    /// More cures than one in this time, and a person must look.
    package static let secondsPerCureMin: Int64 = 86_400

    let store: DirectoryStore
    let generation: GenerationFile
    let randomGUID: @Sendable () -> GUID
    let log: Logger

    package init(
        store: DirectoryStore,
        generation: GenerationFile,
        randomGUID: @escaping @Sendable () -> GUID,
        log: Logger
    ) {
        self.store = store
        self.generation = generation
        self.randomGUID = randomGUID
        self.log = log
    }

    /// Settles at a start, before anything is sent, whether this is the newest state of the database; then records
    /// the start.
    package func begin(bootID: GUID, at now: Timestamp) async throws {
        // Broken off by a crash: the ended life's stamps are still there.
        try await store.finishCure(at: now)
        if store.identity.isSet {
            let (usn, state) = try await store.snapshot { (try $0.highestUSN(), try $0.cureState()) }
            if generation.isAhead(of: store.identity, at: usn, retired: state.retired) {
                _ = try await end(
                    store.identity.invocationID,
                    keptUSN: usn,
                    isReused: false,
                    why:
                        "the database ends at USN \(usn), but more was sent to partners (\(generation.highest)): "
                        + "it is an older copy that was put back",
                    at: now
                )
            } else {
                try await generation.begin(store.identity, at: max(usn, .zero), cure: nil)
            }
        }
        try store.recordBoot(id: bootID)
    }

    /// Ends a life, or stops replication when one was ended within a day.
    ///
    /// `isOrdered`: a person said so, who may do it as often as needed. `isRecovering`: what was lost with it is taken
    /// back from partial replicas. The result says whether it was ended.
    package func end(
        _ invocationID: GUID,
        keptUSN: USN,
        isReused: Bool,
        why: String,
        isOrdered: Bool = false,
        isRecovering: Bool = true,
        at now: Timestamp
    ) async throws -> Bool {
        let state = try await store.snapshot { try $0.cureState() }
        // What clients wrote since a halt that is found again stands under USNs that mean two writes.
        let halted = isOrdered ? nil : state.haltedLife.flatMap { $0.invocationID == invocationID ? $0 : nil }
        let life = RetiredInvocation(
            invocationID: invocationID,
            keptUSN: min(keptUSN, halted?.keptUSN ?? keptUSN),
            isReused: isReused || halted != nil
        )
        let isPresent = invocationID == store.identity.invocationID
        let last = [state.lastCure, generation.lastCure].compactMap { $0 }.max()
        if isPresent, !isOrdered, let last, abs(last, now) < Self.secondsPerCureMin {
            let reason = "\(why); the last cure was at \(last), and there is one a day at most"
            try await store.setHalt(reason, life: life)
            log.error("this DSA replicates no more until a person acts: \(reason)")
            return false
        }
        let order = CureOrder(
            invocationID: invocationID,
            keptUSN: life.keptUSN,
            isReused: life.isReused,
            newInvocationID: randomGUID(),
            isRecovering: isRecovering
        )
        log.warning("\(why); a new life of the database begins behind USN \(life.keptUSN)")
        try await store.beginCure(order, at: now)
        try await store.finishCure(at: now)
        guard isPresent else { return true }
        let usn = try await store.snapshot { try $0.highestUSN() }
        try await generation.begin(store.identity, at: usn, cure: isOrdered ? nil : now)
        return true
    }

    /// A clock that was set back must not allow a cure in every second, nor forbid one for years.
    private func abs(_ left: Timestamp, _ right: Timestamp) -> Int64 {
        let (difference, overflow) = left.seconds.subtractingReportingOverflow(right.seconds)
        return overflow ? .max : Int64(clamping: difference.magnitude)
    }
}
