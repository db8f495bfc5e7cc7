import Identifiers
import Replication
import Testing

@testable import Store

@Suite struct `Where local USNs came from` {
    private let base = "DC=reskit,DC=example"

    private func carrier(_ number: UInt64, hops: Int = 2) -> PartCarrier {
        PartCarrier(
            messageID: .numbered(number),
            transport: "smtp",
            fileID: "file-\(number)",
            messageIDField: "\(number)@van.example",
            sent: at(10),
            received: at(40),
            hops: (0..<hops).map {
                CarrierHop(from: "h\($0)", by: "h\($0 + 1)", with: nil, id: "x", time: $0 == 0 ? nil : at(20))
            },
            omittedHops: 1
        )
    }

    @Test func `each part's USNs lead to it and its mail, own writes to nothing`() async throws {
        let hq = try await Replica.withDomain(1)
        let van = try await Replica.joined(2, to: hq)
        let before = try await van.highestUSN()
        try await hq.write(
            unit("OU=A,\(base)", .numbered(50)),
            group("CN=Crew,OU=A,\(base)", .numbered(51), members: [base])
        )
        let parts = try await van.request(from: hq, id: .numbered(7), limits: PartLimits(objectsMax: 2))
        #expect(parts.count == 2)
        let carriers = (0..<UInt64(parts.count)).map { carrier($0) }
        let context = ApplyContext(ownDSA: van.dsa, now: at(100), carriers: carriers)
        _ = try await van.store.apply(parts, context: context)
        let after = try await van.highestUSN()
        try await van.write(unit("OU=Own,\(base)"))
        let own = try await van.highestUSN()

        let origins = try await van.store.snapshot { snapshot in
            try (before.rawValue + 1...own.rawValue).map { try snapshot.partOrigin(of: USN($0)) }
        }
        let replicated = origins.prefix(Int(after.rawValue - before.rawValue)).compactMap { $0 }
        #expect(replicated.count == 3 && origins.suffix(from: 3).allSatisfy { $0 == nil })
        #expect(Set(replicated.map(\.interval)) == Set(parts.map(\.interval)))
        #expect(replicated.map(\.carrier) == [carriers[0], carriers[0], carriers[1]])
        #expect(replicated.allSatisfy { $0.source == hq.dsa && $0.requestID == .numbered(7) })
        #expect(replicated.allSatisfy { $0.applied == at(100) && !$0.isMedia })
        #expect(replicated.first?.first == before.next && replicated.last?.last == after)
    }

    @Test func `a part that changes nothing leaves no record`() async throws {
        let hq = try await Replica.withDomain(1)
        let van = try await Replica.joined(2, to: hq)
        try await hq.write(unit("OU=A,\(base)"))
        let parts = try await van.request(from: hq, id: .numbered(7))
        try await van.apply(parts)
        let count = { try await van.store.snapshot { try $0.originCount() } }
        let once = try await count()
        try await van.apply(parts)
        try await van.pull(from: hq)
        #expect(try await count() == once)
    }

    @Test func `a record is bounded: the oldest hops go, and are counted`() throws {
        var origin = PartOrigin(
            first: USN(3),
            last: USN(9),
            namingContext: .numbered(1),
            source: .numbered(2),
            invocationID: .numbered(3),
            interval: USNInterval(from: .zero, to: USN(5)),
            asOf: USN(6),
            requestID: .numbered(4),
            applied: at(1),
            isMedia: false,
            carrier: carrier(1, hops: 0)
        )
        let word = String(repeating: "w", count: 128)
        origin.carrier?.hops = (0..<16).map {
            CarrierHop(from: "\($0)" + word, by: word, with: word, id: word, time: at(5))
        }
        let octets = origin.encoded()
        #expect(octets.count <= PartOrigin.recordOctetsMax)
        let read = try PartOrigin(first: USN(3), last: USN(9), decoding: octets)
        let kept = try #require(read.carrier)
        #expect(kept.hops.count + kept.omittedHops == 17 && kept.hops.last?.from?.hasPrefix("15") == true)
        for length in 0..<octets.count {
            #expect(throws: CodecError.self) {
                _ = try PartOrigin(first: USN(3), last: USN(9), decoding: Array(octets.prefix(length)))
            }
        }
    }

    @Test func `the oldest records go when there are too many`() async throws {
        let hq = try await Replica.withDomain(1)
        let van = try await Replica.joined(2, to: hq)
        let first = try #require(try await van.store.snapshot { try $0.originsBegin() })
        try await van.store.shiftOrigins(by: PartOrigin.entriesMax)
        try await hq.write(unit("OU=A,\(base)"))
        try await van.pull(from: hq)
        let begin = try #require(try await van.store.snapshot { try $0.originsBegin() })
        #expect(begin > first)
        #expect(try await van.store.snapshot { try $0.partOrigin(of: first) } == nil)
    }
}

extension StoreSnapshot {
    func originCount() throws -> Int64 {
        try Query("SELECT count(*) FROM part_origins", in: db).first { $0.integer(0) } ?? 0
    }
}

extension DirectoryStore {
    /// As if so many parts had come since.
    func shiftOrigins(by count: Int64) async throws {
        try await change(at: .epoch) { transaction in
            try Query(
                """
                INSERT INTO part_origins(ordinal, first_usn, last_usn, record)
                  VALUES((SELECT max(ordinal) FROM part_origins) + ?, 1099511627776, 1099511627776, x'')
                """,
                in: transaction.db
            ).run(.integer(count - 1))
        }
    }
}
