import GRDB
package import Identifiers
package import Replication

/// What partners' databases showed of themselves.
struct InvocationRows {
    /// Lives remembered of one DSA: a member could claim any number of them.
    static let livesPerDSAMax: Int64 = 32

    let db: Database

    func load(_ dsaGUID: GUID, _ invocationID: GUID) throws -> InvocationKnowledge {
        let octets = try Query("SELECT state FROM invocations WHERE dsa = ? AND invocation = ?", in: db)
            .first(.guid(dsaGUID), .guid(invocationID)) { $0.octets(0) }
        guard let octets else { return InvocationKnowledge(invocationID: invocationID) }
        do {
            return try InvocationKnowledge(encoded: octets)
        } catch { throw StoreError.damaged("the known boots of \(invocationID): \(error)") }
    }

    /// Every life of a DSA's database that is remembered.
    func lives(of dsaGUID: GUID) throws -> [GUID] {
        try Query("SELECT invocation FROM invocations WHERE dsa = ?", in: db).all(.guid(dsaGUID)) {
            try $0.guid(0)
        }
    }

    func save(_ knowledge: InvocationKnowledge, of dsaGUID: GUID) throws {
        let state = SQLValue.octets(knowledge.encoded())
        try Query(
            """
            INSERT INTO invocations(dsa, invocation, state) VALUES(?1, ?2, ?3)
              ON CONFLICT(dsa, invocation) DO UPDATE SET state = ?3
            """,
            in: db
        ).run(.guid(dsaGUID), .guid(knowledge.invocationID), state)
        try Query(
            """
            DELETE FROM invocations WHERE dsa = ?1 AND ordinal NOT IN
              (SELECT ordinal FROM invocations WHERE dsa = ?1 ORDER BY ordinal DESC LIMIT ?2)
            """,
            in: db
        ).run(.guid(dsaGUID), .integer(Self.livesPerDSAMax))
    }
}

extension StoreSnapshot {
    /// Why a message must not be accepted: its sender's database is an older copy, or runs twice.
    ///
    /// `usn` is the highest USN of the sender that the message speaks of, when it does.
    package func suspicion(of header: MessageHeader, usn: USN?) throws -> RollbackSuspicion? {
        guard !header.bootRecords.isEmpty, !planted(.bootsNotExamined) else { return nil }
        let knowledge = try InvocationRows(db: db).load(header.dsaGUID, header.invocationID)
        guard !knowledge.boots.isEmpty else { return nil }
        // Only an unknown start needs what others told of that life.
        let isKnown = header.bootRecords.first.map { knowledge.boot($0.bootID) != nil } ?? true
        let known = isKnown ? .zero : try knownUSN(of: header.invocationID)
        return knowledge.suspicion(of: header.bootRecords, usn: usn, knownUSN: known)
    }

    /// The highest USN of a life that anybody told us of, in any naming context.
    private func knownUSN(of invocationID: GUID) throws -> USN {
        var known = USN.zero
        for context in namingContexts {
            let destination = try destinationRows.load(context)
            known = max(known, destination.vector[invocationID]?.usn ?? .zero)
            for cursor in destination.cursors where cursor.invocationID == invocationID {
                known = max(known, cursor.newestAsOf)
            }
        }
        return known
    }

    /// Whether accepting the message would teach something.
    fileprivate func teaches(_ header: MessageHeader, usn: USN?) throws -> InvocationKnowledge? {
        guard !header.bootRecords.isEmpty else { return nil }
        let before = try InvocationRows(db: db).load(header.dsaGUID, header.invocationID)
        var after = before
        after.note(header.bootRecords, usn: usn)
        return after == before ? nil : after
    }
}

extension WriteTransaction {
    func suspicion(of header: MessageHeader, usn: USN?) throws -> RollbackSuspicion? {
        try view.suspicion(of: header, usn: usn)
    }

    /// Takes the boot records of an accepted message.
    func noteBoots(of header: MessageHeader, usn: USN?) throws {
        guard let knowledge = try view.teaches(header, usn: usn) else { return }
        try InvocationRows(db: db).save(knowledge, of: header.dsaGUID)
    }
}

extension DirectoryStore {
    /// Judges a message that is no part by its sender's boot records, and takes them when it may be accepted.
    ///
    /// Parts are judged in the transaction that applies them.
    @concurrent package func examineBoots(_ header: MessageHeader, usn: USN?) async throws
        -> RollbackSuspicion?
    {
        let (suspicion, teaches) = try await snapshot { snapshot in
            (
                try snapshot.suspicion(of: header, usn: usn),
                try snapshot.teaches(header, usn: usn) != nil
            )
        }
        guard suspicion == nil, teaches else { return suspicion }
        return try await change(at: .epoch) { transaction in
            if let suspicion = try transaction.suspicion(of: header, usn: usn) { return suspicion }
            try transaction.noteBoots(of: header, usn: usn)
            return nil
        }
    }
}
