import DirectoryModel
import Identifiers
import Replication
import Testing

@testable import Store

@Suite struct `Arrival of replicated writes` {
    let base = "DC=reskit,DC=example"

    /// Concurrent writes at two replicas that clash, close a cycle, orphan a child and delete: as loose parts.
    ///
    /// With a replica that has nothing of them but what both stood on.
    private func conflict() async throws -> (origin: Replica, parts: [ChangesReply]) {
        let hq = try await Replica.withDomain(1)
        let van = try await Replica.joined(2, to: hq)
        try await hq.write(
            unit("OU=P,\(base)", .numbered(1)),
            unit("OU=Q,\(base)", .numbered(2)),
            unit("OU=R,\(base)", .numbered(3)),
            person("CN=Ada,OU=P,\(base)", .numbered(4))
        )
        let (hqUSN, base) = (try await hq.highestUSN(), base)
        try await van.pull(from: hq)
        let origin = try await Replica.joined(8, to: hq)
        let vanUSN = try await van.highestUSN()
        try await hq.write(
            unit("OU=A,\(base)", .numbered(10)),
            person("CN=X,OU=A,\(base)", .numbered(11)),
            rename("OU=P,\(base)", "OU=P", under: "OU=Q,\(base)"),
            .delete(.guid(.numbered(3))),
            seconds: 20
        )
        try await van.write(
            unit("OU=A,\(base)", .numbered(20)),
            person("CN=X,OU=A,\(base)", .numbered(21)),
            rename("OU=Q,\(base)", "OU=Q", under: "OU=P,\(base)"),
            person("CN=Orphan,OU=R,\(base)", .numbered(22)),
            group("CN=Crew,OU=R,\(base)", .numbered(23), members: ["CN=Orphan,OU=R,\(base)"]),
            seconds: 21
        )
        return (origin, try await hq.looseParts(above: hqUSN) + van.looseParts(above: vanUSN))
    }

    @Test func `every order of arrival, with repeats, shows the same tree`() async throws {
        let seed: UInt64 = 20_261_125
        var random = SeededGenerator(seed: seed)
        let (origin, parts) = try await conflict()
        var expected: (tree: [String], state: [String])?
        for round in 0..<40 {
            let third = try await Replica.joined(3, to: origin)
            var order = (parts + parts.shuffled(using: &random).prefix(3)).shuffled(using: &random)
            if round == 0 { order = parts }
            for part in order {
                let outcome = try await third.apply([part])[0]
                #expect(outcome.verdict == .apply(movesCursors: false))
            }
            try await third.checkPlacement(Replica.domain, "seed \(seed), round \(round)")
            let shown = (tree: try await third.tree().sorted(), state: try await third.stampedState())
            if let expected {
                #expect(shown.tree == expected.tree, "seed \(seed), round \(round)")
                #expect(shown.state == expected.state, "seed \(seed), round \(round)")
            } else {
                expected = shown
            }
        }
        let tree = try #require(expected).tree
        let lost = "CN=LostAndFound,\(base)"
        #expect(tree.contains("CN=Orphan,\(lost)"))
        // The newer move of the cycle is cut.
        #expect(tree.contains("OU=Q,\(lost)"))
        #expect(tree.contains("CN=Ada,OU=P,OU=Q,\(lost)"))
        // The newer of two equal names keeps it.
        #expect(tree.contains("CN=X,OU=A,\(base)"))
        #expect(tree.contains("OU=A\\0ACNF:\(GUID.numbered(10)),\(base)"))
    }

    @Test func `a child waits for its parent, link values wait for their source`() async throws {
        let hq = try await Replica.withDomain(1)
        let van = try await Replica.joined(2, to: hq)
        let usn = try await hq.highestUSN()
        try await hq.write(
            unit("OU=A,\(base)", .numbered(1)),
            person("CN=Ada,OU=A,\(base)", .numbered(2)),
            group("CN=Crew,OU=A,\(base)", .numbered(3), members: ["CN=Ada,OU=A,\(base)"])
        )
        let parts = try await hq.looseParts(above: usn)
        #expect(parts.count == 4)
        for part in parts.reversed() {
            #expect(try await van.entry("CN=Crew,OU=A,\(base)") == nil)
            try await van.apply([part])
            try await van.checkPlacement()
        }
        #expect(try await van.entry("CN=Crew,OU=A,\(base)")?.strings("member") == ["CN=Ada,OU=A,\(base)"])
        let late = try await Replica.joined(3, to: hq)
        try await late.apply([parts[1]])
        let counts = try await late.store.snapshot { try $0.counts(of: Replica.domain.guid) }
        #expect(counts.waiting == 0)
        let fresh = try await Replica.withDomain(4)
        _ = try await fresh.apply([parts[1]])
        #expect(try await fresh.store.snapshot { try $0.counts(of: Replica.domain.guid).waiting } == 1)
        #expect(try await fresh.dn(.numbered(2)) == nil)
    }

    @Test func `a name write on a member of a cycle first stamps the cut`() async throws {
        let (origin, parts) = try await conflict()
        let third = try await Replica.joined(3, to: origin)
        try await third.apply(parts)
        try await third.write(
            rename("OU=P,OU=Q,CN=LostAndFound,\(base)", "OU=Saved", under: base),
            seconds: 50
        )
        try await third.checkPlacement()
        let tree = try await third.tree()
        #expect(tree.contains("OU=Saved,\(base)"))
        #expect(tree.contains("OU=Q,CN=LostAndFound,\(base)"))
        let loser = ObjectReference.guid(.numbered(10))
        let plain = RDN(type: .ou, value: "A")
        let refusal = try await third.refusal(.rename(loser, newRDN: plain, deleteOldRDN: true))
        #expect(refusal?.code == .entryAlreadyExists)
        try await third.write(
            .rename(loser, newRDN: RDN(type: .ou, value: "B"), deleteOldRDN: true),
            seconds: 50
        )
        #expect(try await third.dn(.numbered(11)) == "CN=X,OU=B,\(base)")
        // A rename inside LostAndFound writes the parent that is shown.
        try await third.write(rename("CN=Orphan,CN=LostAndFound,\(base)", "CN=Found"), seconds: 51)
        let name = try await third.store.snapshot { try $0.objects.row(.numbered(22))?.node.parent }
        #expect(name == FixedObject.lostAndFound.objectGUID(in: Replica.domain.guid))
    }

    @Test func `a part applied twice is a duplicate`() async throws {
        let hq = try await Replica.withDomain(1)
        let van = try await Replica.joined(2, to: hq)
        try await hq.write(unit("OU=A,\(base)"))
        let parts = try await van.request(from: hq, id: .numbered(7))
        let first = try await van.apply(parts)[0]
        #expect(first.verdict == .apply(movesCursors: true))
        #expect(first.objectsApplied == 1)
        #expect(first.commit?.adopted == true)
        let (dump, usn) = (try await van.dump(), try await van.highestUSN())
        let second = try await van.apply(parts)[0]
        #expect(second.verdict == .duplicate)
        #expect(second.changedUpTo == nil)
        #expect(try await van.dump() == dump)
        #expect(try await van.highestUSN() == usn)
    }

    @Test func `a part of an unknown request brings data and moves no cursor`() async throws {
        let hq = try await Replica.withDomain(1)
        let van = try await Replica.joined(2, to: hq)
        try await hq.write(unit("OU=A,\(base)"))
        var parts = try await van.request(from: hq, id: .numbered(7))
        let before = try await van.store.snapshot { try $0.destination(of: Replica.domain.guid) }
        for index in parts.indices { parts[index].requestID = .numbered(8) }
        let outcome = try await van.apply(parts)[0]
        #expect(outcome.verdict == .apply(movesCursors: false))
        #expect(outcome.objectsApplied == 1)
        #expect(try await van.store.snapshot { try $0.destination(of: Replica.domain.guid) } == before)
        #expect(try await van.entry("OU=A,\(base)") != nil)
    }

    @Test func `an update of an object that is not held refuses the whole part, or is skipped`() async throws
    {
        let hq = try await Replica.withDomain(1)
        let van = try await Replica.joined(2, to: hq)
        try await hq.write(unit("OU=A,\(base)", .numbered(1)), unit("OU=B,\(base)", .numbered(2)))
        var parts = try await van.request(from: hq, id: .numbered(7))
        let nameIndex = try #require(parts[0].attributes.firstIndex(of: .name))
        let object = try #require(parts[0].objects.firstIndex { $0.objectGUID == .numbered(2) })
        parts[0].objects[object].attributes.removeAll { $0.attribute == nameIndex }
        let before = try await van.dump()
        let refused = try await van.apply(parts)[0]
        #expect(refused.verdict == .refused(.lingeringObject(.numbered(2))))
        #expect(refused.commit == nil)
        #expect(try await van.dump() == before)
        parts[0].requestID = .numbered(8)
        let skipped = try await van.apply(parts)[0]
        #expect(skipped.verdict == .apply(movesCursors: false))
        #expect(skipped.skipped == 1)
        #expect(skipped.objectsApplied == 1)
    }

    @Test func `poison holds the part and applies nothing`() async throws {
        let hq = try await Replica.withDomain(1)
        let van = try await Replica.joined(2, to: hq)
        try await hq.write(unit("OU=A,\(base)", .numbered(1)))
        try await van.pull(from: hq)
        try await hq.write(modify("OU=A,\(base)", .replace, "description", "x"))
        try await van.pull(from: hq)
        try await hq.write(modify("OU=A,\(base)", .replace, "description", "y"))
        let parts = try await van.request(from: hq, id: .numbered(7))
        let before = try await van.dump()
        func poisoned(_ change: (Stamp) -> Stamp) async throws -> PartVerdict {
            var part = parts[0]
            let stamp = part.objects[0].attributes[0].stamp
            part.objects[0].attributes[0].stamp = change(stamp)
            return try await van.apply([part])[0].verdict
        }
        let leap = try await poisoned {
            Stamp(
                version: 9_000_000,
                time: $0.time,
                invocationID: $0.invocationID,
                originatingUSN: $0.originatingUSN
            )
        }
        #expect(leap == .held(.versionLeap(objectGUID: .numbered(1), version: 9_000_000)))
        let ahead = at(100 + 25 * 3600)
        let late = try await poisoned {
            Stamp(
                version: $0.version,
                time: ahead,
                invocationID: $0.invocationID,
                originatingUSN: $0.originatingUSN
            )
        }
        #expect(late == .held(.stampAhead(ahead)))
        #expect(try await van.dump() == before)
        #expect(try await van.apply(parts)[0].verdict == .apply(movesCursors: true))
    }

    @Test func `media counts as an answered request of an empty replica`() async throws {
        let hq = try await Replica.withDomain(1)
        try await hq.write(unit("OU=A,\(base)"), unit("OU=B,\(base)"))
        let header = MessageHeader(
            dsaGUID: hq.dsa,
            invocationID: hq.invocation,
            bootRecords: [],
            namingContext: Replica.domain.guid
        )
        let request = ChangesRequest(
            header: header,
            requestID: .zero,
            sequence: 0,
            sourceInvocationID: nil,
            received: ReceivedIntervals(),
            vector: UpToDatenessVector(),
            isJoining: true,
            replica: .full,
            partBytesMax: 1 << 20,
            partObjectsMax: 2,
            credit: 64
        )
        let parts = try await hq.answer(request, seconds: 50)
        #expect(parts.count > 1)
        let van = try Replica(2)
        try await van.store.addReplica(Replica.domain, isPartial: false)
        for part in parts.shuffled() {
            #expect(try await van.apply([part], isMedia: true)[0].verdict == .apply(movesCursors: true))
        }
        let destination = try await van.store.snapshot { try $0.destination(of: Replica.domain.guid) }
        #expect(destination.hasJoined)
        #expect(try await van.stampedState() == hq.stampedState())
        // Nothing is left to send.
        let next = try await van.pull(from: hq)
        #expect(next.allSatisfy { $0.objectsApplied == 0 && $0.verdict == .apply(movesCursors: true) })
    }
}
