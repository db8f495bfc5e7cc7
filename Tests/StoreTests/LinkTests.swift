import DirectoryModel
import Identifiers
import Replication
import Testing

@testable import Store

@Suite struct `Links` {
    let base = "DC=reskit,DC=example"

    private func byGUID(_ number: UInt64) -> String { "<GUID=\(GUID.numbered(number))>" }

    private func crew(_ replica: Replica, deleted: Bool = false) async throws -> [String] {
        try await replica.entry("CN=Crew,\(base)", deleted: deleted)?.strings("member") ?? ["no group"]
    }

    /// Every link value of `replica` above a USN as one loose part, and every object as another.
    private func split(_ replica: Replica, above usn: USN) async throws -> (
        links: [ChangesReply], rest: [ChangesReply]
    ) {
        let parts = try await replica.looseParts(above: usn)
        return (parts.filter { !$0.links.isEmpty }, parts.filter { $0.links.isEmpty })
    }

    @Test func `a link shows its target by GUID until it arrives, in both orders of arrival`() async throws {
        let hq = try await Replica.withDomain(1)
        let usn = try await hq.highestUSN()
        try await hq.write(
            person("CN=Ada,\(base)", .numbered(1)),
            group("CN=Crew,\(base)", .numbered(2), members: ["CN=Ada,\(base)"])
        )
        let parts = try await hq.looseParts(above: usn)
        let (ada, group, link) = (parts[0], parts[1], parts[2])
        #expect(link.links.count == 1)

        let late = try await Replica.withDomain(2)
        try await late.apply([group, link])
        #expect(try await crew(late) == [byGUID(1)])
        try await late.apply([ada])
        #expect(try await crew(late) == ["CN=Ada,\(base)"])
        #expect(try await late.entry("CN=Ada,\(base)")?.strings("memberOf") == ["CN=Crew,\(base)"])

        let early = try await Replica.withDomain(3)
        try await early.apply([ada, link])
        #expect(try await early.entry("CN=Ada,\(base)")?.strings("memberOf") == [])
        try await early.apply([group])
        #expect(try await crew(early) == ["CN=Ada,\(base)"])
        #expect(try await early.entry("CN=Ada,\(base)")?.strings("memberOf") == ["CN=Crew,\(base)"])
    }

    @Test func `a target that waits for its parent is named by GUID`() async throws {
        let hq = try await Replica.withDomain(1)
        let usn = try await hq.highestUSN()
        try await hq.write(
            unit("OU=A,\(base)", .numbered(9)),
            person("CN=Ada,OU=A,\(base)", .numbered(1)),
            group("CN=Crew,\(base)", .numbered(2), members: ["CN=Ada,OU=A,\(base)"])
        )
        let parts = try await hq.looseParts(above: usn)
        let van = try await Replica.withDomain(2)
        try await van.apply(Array(parts[1...]))
        #expect(try await crew(van) == [byGUID(1)])
        try await van.apply([parts[0]])
        #expect(try await crew(van) == ["CN=Ada,OU=A,\(base)"])
    }

    @Test func `a deleted target hides, shows among the deleted, and comes back with its object`()
        async throws
    {
        let hq = try await Replica.withDomain(1)
        let van = try await Replica.joined(2, to: hq)
        try await hq.write(
            person("CN=Ada,\(base)", .numbered(1)),
            person("CN=Bob,\(base)", .numbered(3)),
            group("CN=Crew,\(base)", .numbered(2), members: ["CN=Ada,\(base)", "CN=Bob,\(base)"])
        )
        try await hq.write(.delete(.guid(.numbered(1))), seconds: 5)
        try await van.pull(from: hq)
        let tombstone = "CN=Ada\\0ADEL:\(GUID.numbered(1)),CN=Deleted Objects,\(base)"
        for replica in [hq, van] {
            #expect(try await crew(replica) == ["CN=Bob,\(base)"])
            #expect(Set(try await crew(replica, deleted: true)) == [tombstone, "CN=Bob,\(base)"])
            let seen = try await replica.store.snapshot {
                try $0.entry(.guid(.numbered(1)), includeDeleted: true)
            }
            #expect(seen?.strings("memberOf") == ["CN=Crew,\(base)"])
        }
        try await van.write(.undelete(.numbered(1)), seconds: 6)
        try await van.write(.delete(.guid(.numbered(2))), seconds: 7)
        try await hq.write(rename("CN=Bob,\(base)", "CN=Rob"), seconds: 8)
        try await hq.pull(from: van)
        try await van.pull(from: hq)
        for replica in [hq, van] {
            let ada = try #require(try await replica.entry("CN=Ada,\(base)"))
            #expect(ada.strings("memberOf") == [])
            let group = try await replica.store.snapshot {
                try $0.entry(.guid(.numbered(2)), includeDeleted: true)
            }
            #expect(Set(group?.strings("member") ?? []) == ["CN=Ada,\(base)", "CN=Rob,\(base)"])
        }
    }

    @Test
    func `nothing new is linked to an unknown, deleted or waiting object; old values can be taken away`()
        async throws
    {
        let hq = try await Replica.withDomain(1)
        let crewDN = "CN=Crew,\(base)"
        try await hq.write(
            person("CN=Ada,\(base)", .numbered(1)),
            person("CN=Bob,\(base)", .numbered(3)),
            group(crewDN, .numbered(2), members: ["CN=Ada,\(base)"])
        )
        try await hq.write(.delete(.guid(.numbered(3))))
        let tombstone = "CN=Bob\\0ADEL:\(GUID.numbered(3)),CN=Deleted Objects,\(base)"
        for value in ["CN=Nobody,\(base)", "CN=Nobody,DC=elsewhere", byGUID(77), byGUID(3), tombstone] {
            #expect(try await hq.refusal(modify(crewDN, .add, "member", value))?.code == .noSuchObject)
            #expect(
                try await hq.refusal(group("CN=G,\(base)", nil, members: [value]))?.code == .noSuchObject
            )
        }
        // By GUID, as it is shown, a live object may be named anywhere.
        try await hq.write(
            person("CN=Cy,\(base)", .numbered(4), ["manager": [byGUID(1)], "seeAlso": [byGUID(1)]])
        )
        let cy = try #require(try await hq.entry("CN=Cy,\(base)"))
        #expect(cy.strings("manager") == ["CN=Ada,\(base)"])
        #expect(cy.strings("seeAlso") == ["CN=Ada,\(base)"])
        // A value whose target is nowhere to be found.
        let (links, _) = try await split(hq, above: .zero)
        let van = try await Replica.withDomain(2)
        try await van.write(
            person("CN=Eve,\(base)"),
            group(crewDN, .numbered(2), members: ["CN=Eve,\(base)"])
        )
        try await van.apply(links)
        #expect(Set(try await crew(van)) == [byGUID(1), "CN=Eve,\(base)"])
        try await van.write(modify(crewDN, .delete, "member", byGUID(1)))
        #expect(try await crew(van) == ["CN=Eve,\(base)"])
        #expect(try await van.refusal(modify(crewDN, .delete, "member", byGUID(1)))?.code == .noSuchAttribute)
        #expect(
            try await hq.refusal(modify("CN=Ada,\(base)", .add, "memberOf", crewDN))?.code
                == .constraintViolation
        )
    }

    @Test(arguments: [true, false])
    func `of two concurrent values of an attribute of one value every replica shows the newest`(
        hqIsNewer: Bool
    ) async throws {
        let hq = try await Replica.withDomain(1)
        try await hq.write(
            person("CN=Ada,\(base)", .numbered(1)),
            person("CN=Bob,\(base)", .numbered(2)),
            .add(
                Entry(
                    dn: try name("OU=Docks,\(base)"),
                    attributes: [
                        EntryAttribute(
                            name: "objectClass",
                            strings: ["organizationalUnit", "extensibleObject"]
                        )
                    ]
                ),
                objectGUID: .numbered(3)
            )
        )
        let van = try await Replica.joined(2, to: hq)
        let (ada, bob, docks) = ("CN=Ada,\(base)", "CN=Bob,\(base)", "OU=Docks,\(base)")
        try await hq.write(modify(docks, .replace, "managedBy", ada), seconds: hqIsNewer ? 20 : 10)
        try await van.write(modify(docks, .replace, "managedBy", bob), seconds: hqIsNewer ? 10 : 20)
        try await hq.pull(from: van)
        try await van.pull(from: hq)
        let (winner, loser) = hqIsNewer ? (ada, bob) : (bob, ada)
        for replica in [hq, van] {
            #expect(try await replica.entry(docks)?.strings("managedBy") == [winner])
            #expect(try await replica.entry(winner)?.strings("managedObjects") == [docks])
            #expect(try await replica.entry(loser)?.strings("managedObjects") == [])
            // What is hidden stands in no write's way.
            try await replica.write(modify(docks, .replace, "description", "docks"), seconds: 30)
            #expect(
                try await replica.refusal(modify(docks, .add, "managedBy", base))?.code
                    == .constraintViolation
            )
            #expect(
                try await replica.refusal(modify(docks, .delete, "managedBy", loser))?.code
                    == .noSuchAttribute
            )
        }
        // The winner's deletion shows no old value, and a new one may be added.
        try await hq.write(.delete(.dn(try name(winner))), seconds: 40)
        #expect(try await hq.entry(docks)?.strings("managedBy") == [])
        try await hq.write(modify(docks, .add, "managedBy", loser), seconds: 41)
        #expect(try await hq.entry(docks)?.strings("managedBy") == [loser])
        // Taking the shown value away takes the hidden one, too.
        try await van.write(modify(docks, .delete, "managedBy", winner), seconds: 50)
        #expect(try await van.entry(docks)?.strings("managedBy") == [])
    }
}
