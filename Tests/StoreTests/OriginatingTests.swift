import DirectoryModel
import Identifiers
import Replication
import Store
import Testing

@Suite struct `Originating writes` {
    let base = "DC=reskit,DC=example"

    @Test func `an added object shows with its classes, its naming value and its times`() async throws {
        let hq = try await Replica.withDomain()
        let results = try await hq.write(
            unit("OU=Ships,\(base)"),
            person("CN=Ada,OU=Ships,\(base)", nil, ["mail": ["ada@reskit.example"]]),
            seconds: 7
        )
        #expect(results[1].usn == USN(results[0].usn?.rawValue ?? 0).next)
        let entry = try #require(try await hq.entry("cn=ada,ou=SHIPS,\(base)", operational: true))
        #expect(entry.objectGUID == results[1].objectGUID)
        #expect(
            Set(entry.strings("objectClass")) == ["top", "person", "organizationalPerson", "inetOrgPerson"]
        )
        #expect(entry.strings("cn") == ["Ada"])
        #expect(entry.strings("mail") == ["ada@reskit.example"])
        #expect(entry.string("name") == "Ada")
        #expect(entry.string("whenCreated") == at(7).generalizedTime)
        #expect(entry.string("uSNChanged") == results[1].usn?.description)
        #expect(entry.string("distinguishedName") == "CN=Ada,OU=Ships,\(base)")
    }

    @Test func `a new naming context has its fixed containers, the schema has none`() async throws {
        let hq = try await Replica.withDomain()
        #expect(try await hq.entry("CN=LostAndFound,\(base)")?.standing == .fixed)
        #expect(try await hq.entry("CN=Deleted Objects,\(base)")?.standing == .fixed)
        try await hq.store.createNamingContext(
            Replica.schema,
            headAttributes: [EntryAttribute(name: "objectClass", strings: ["dMD"])],
            at: at(0)
        )
        let children = try await hq.store.snapshot { try $0.children(of: Replica.schema.guid) }
        #expect(children.isEmpty)
        await #expect(throws: (any Error).self) { try await hq.createDomain() }
    }

    @Test func `every wrong add is refused with its code`() async throws {
        let hq = try await Replica.withDomain()
        try await hq.write(unit("OU=Ships,\(base)"), person("CN=Ada,OU=Ships,\(base)"))
        let ada = "CN=Ada,OU=Ships,\(base)"
        func code(_ operation: OriginatingOperation) async throws -> ResultCode? {
            try await hq.refusal(operation)?.code
        }
        #expect(try await code(person(ada)) == .entryAlreadyExists)
        #expect(try await code(person("CN=ADA,OU=ships,\(base)")) == .entryAlreadyExists)
        #expect(try await code(unit(base)) == .entryAlreadyExists)
        #expect(try await code(person("CN=Bob,OU=Nowhere,\(base)")) == .noSuchObject)
        #expect(try await code(person("CN=Bob,DC=other,DC=example")) == .noSuchObject)
        #expect(try await code(person("CN=Bob,\(base)", nil, ["noSuch": ["x"]])) == .undefinedAttributeType)
        #expect(try await code(person("CN=Bob,\(base)", nil, ["memberOf": [ada]])) == .constraintViolation)
        #expect(
            try await code(person("CN=Bob,\(base)", nil, ["isDeleted": ["TRUE"]])) == .constraintViolation
        )
        #expect(try await code(person("CN=Bob,\(base)", nil, ["dc": ["x"]])) == .objectClassViolation)
        #expect(try await code(person("CN=Bob,CN=Deleted Objects,\(base)")) == .unwillingToPerform)
        #expect(try await code(group("CN=Crew,\(base)", members: ["CN=Nobody,\(base)"])) == .noSuchObject)
        let lineFeed = DistinguishedName(rdns: [RDN(type: .cn, value: "A\nB")] + (try name(base)).rdns)
        let broken = Entry(
            dn: lineFeed,
            attributes: [EntryAttribute(name: "objectClass", strings: ["person"])]
        )
        #expect(try await code(.add(broken)) == .namingViolation)
        let known = try #require(try await hq.entry(ada)).objectGUID
        #expect(try await code(person("CN=Bob,\(base)", known)) == .entryAlreadyExists)
        let incomplete = Entry(
            dn: try name("CN=Bob,\(base)"),
            attributes: [EntryAttribute(name: "objectClass", strings: ["person"])]
        )
        #expect(try await code(.add(incomplete)) == .objectClassViolation)
    }

    @Test func `a refused operation takes back the whole list and says which it was`() async throws {
        let hq = try await Replica.withDomain()
        let (before, usn) = (try await hq.dump(), try await hq.highestUSN())
        let refusal = try await hq.refusal(unit("OU=A,\(base)"), unit("OU=B,\(base)"), unit("OU=A,\(base)"))
        #expect(refusal?.operationIndex == 2)
        #expect(try await hq.dump() == before)
        #expect(try await hq.highestUSN() == usn)
    }

    @Test func `modifications follow LDAP, and what changes nothing takes no USN`() async throws {
        let hq = try await Replica.withDomain()
        let ada = "CN=Ada,\(base)"
        try await hq.write(person(ada, nil, ["title": ["Captain", "Pilot"]]))
        let usn = try await hq.highestUSN()
        let same = try await hq.write(modify(ada, .replace, "title", "Pilot", "Captain"))
        #expect(same[0].usn == nil)
        #expect(try await hq.highestUSN() == usn)
        try await hq.write(modify(ada, .add, "title", "Cook"), modify(ada, .delete, "title", "pilot"))
        #expect(try await hq.entry(ada)?.strings("title") == ["Captain", "Cook"])
        #expect(try await hq.highestUSN() == usn.next.next)
        try await hq.write(modify(ada, .delete, "title"))
        #expect(try await hq.entry(ada)?.strings("title") == [])
        let metadata = try #require(
            try await hq.store.snapshot { try $0.metadata(of: try $0.resolve(name(ada)) ?? .zero) }
        )
        let title = try #require(metadata.attributes.first { $0.attribute == "title" })
        #expect(title.stamp.version == 4)
        #expect(title.valueCount == 0)
    }

    @Test func `every wrong modification is refused with its code`() async throws {
        let hq = try await Replica.withDomain()
        let ada = "CN=Ada,\(base)"
        try await hq.write(person(ada, nil, ["title": ["Captain"]]))
        func code(_ operation: OriginatingOperation) async throws -> ResultCode? {
            try await hq.refusal(operation)?.code
        }
        #expect(try await code(modify(ada, .add, "title", "CAPTAIN")) == .attributeOrValueExists)
        #expect(try await code(modify(ada, .delete, "title", "Cook")) == .noSuchAttribute)
        #expect(try await code(modify(ada, .delete, "mail")) == .noSuchAttribute)
        #expect(try await code(modify(ada, .replace, "sn")) == .objectClassViolation)
        #expect(try await code(modify(ada, .replace, "cn", "Eve")) == .notAllowedOnRDN)
        #expect(try await code(modify(ada, .add, "manager", "no name")) == .invalidAttributeSyntax)
        #expect(try await code(modify(ada, .add, "title", "a", "A")) == .attributeOrValueExists)
        #expect(try await code(modify("CN=Eve,\(base)", .add, "title", "x")) == .noSuchObject)
        #expect(try await code(modify(ada, .replace, "name", "x")) == .constraintViolation)
    }

    @Test func `link values have USNs of their own and leave the object alone`() async throws {
        let hq = try await Replica.withDomain()
        let crew = "CN=Crew,\(base)"
        try await hq.write(
            person("CN=Ada,\(base)"),
            person("CN=Bob,\(base)"),
            group(crew, members: ["CN=Ada,\(base)"])
        )
        let before = try #require(try await hq.entry(crew))
        let usn = try await hq.highestUSN()
        try await hq.write(modify(crew, .add, "member", "CN=Bob,\(base)"))
        #expect(try await hq.highestUSN() == usn.next)
        let after = try #require(try await hq.entry(crew))
        #expect(after.usnChanged == before.usnChanged)
        #expect(Set(after.strings("member")) == ["CN=Ada,\(base)", "CN=Bob,\(base)"])
        #expect(try await hq.entry("CN=Bob,\(base)")?.strings("memberOf") == [crew])
        #expect(
            try await hq.refusal(modify(crew, .add, "member", "CN=Bob,\(base)"))?.code
                == .attributeOrValueExists
        )
        try await hq.write(modify(crew, .replace, "member", "CN=Bob,\(base)"))
        #expect(try await hq.entry(crew)?.strings("member") == ["CN=Bob,\(base)"])
        #expect(try await hq.entry("CN=Ada,\(base)")?.strings("memberOf") == [])
        #expect(try await hq.refusal(modify(crew, .delete, "member"))?.code == .objectClassViolation)
        // A renamed target is named anew, a deleted one hidden, without a write to the group.
        try await hq.write(rename("CN=Bob,\(base)", "CN=Robert"))
        #expect(try await hq.entry(crew)?.strings("member") == ["CN=Robert,\(base)"])
        try await hq.write(.delete(.dn(try name("CN=Robert,\(base)"))))
        #expect(try await hq.entry(crew)?.strings("member") == [])
        #expect(try await hq.entry(crew)?.usnChanged == before.usnChanged)
    }

    @Test func `references without link follow their target, and keep the text of one never seen`()
        async throws
    {
        let hq = try await Replica.withDomain()
        let definition = try #require(
            hq.store.schema.attributes.first {
                $0.syntax == .distinguishedName && $0.linkID == nil && $0.name == "seeAlso"
            }
        )
        try await hq.write(
            person("CN=Ada,\(base)"),
            person("CN=Bob,\(base)", nil, [definition.name: ["CN=Ada,\(base)", "CN=Elsewhere,DC=other"]])
        )
        try await hq.write(rename("CN=Ada,\(base)", "CN=Augusta"))
        let values = try #require(try await hq.entry("CN=Bob,\(base)")).strings(definition.name)
        #expect(Set(values) == ["CN=Augusta,\(base)", "CN=Elsewhere,DC=other"])
    }

    @Test func `renames and moves change every name below, and write one object`() async throws {
        let hq = try await Replica.withDomain()
        try await hq.write(
            unit("OU=A,\(base)"),
            unit("OU=B,OU=A,\(base)"),
            person("CN=Ada,OU=B,OU=A,\(base)"),
            unit("OU=C,\(base)")
        )
        let usn = try await hq.highestUSN()
        try await hq.write(rename("OU=A,\(base)", "OU=Z", under: "OU=C,\(base)"))
        #expect(try await hq.highestUSN() == usn.next)
        let ada = try #require(try await hq.entry("CN=Ada,OU=B,OU=Z,OU=C,\(base)"))
        #expect(ada.dn.description == "CN=Ada,OU=B,OU=Z,OU=C,\(base)")
        #expect(try await hq.entry("OU=Z,OU=C,\(base)")?.strings("ou") == ["Z"])
        try await hq.write(rename("OU=C,\(base)", "OU=D", deleteOld: false))
        #expect(try await hq.entry("OU=D,\(base)")?.strings("ou") == ["C", "D"])
        func code(_ operation: OriginatingOperation) async throws -> ResultCode? {
            try await hq.refusal(operation)?.code
        }
        #expect(
            try await code(rename("OU=D,\(base)", "OU=D", under: "OU=B,OU=Z,OU=D,\(base)"))
                == .unwillingToPerform
        )
        #expect(try await code(rename("OU=D,\(base)", "OU=D", under: "OU=Q,\(base)")) == .noSuchObject)
        #expect(try await code(rename("CN=LostAndFound,\(base)", "CN=Found")) == .unwillingToPerform)
        #expect(try await code(rename("OU=D,\(base)", "OU=A\nB")) == .namingViolation)
        try await hq.write(unit("OU=E,\(base)"))
        #expect(try await code(rename("OU=E,\(base)", "OU=d")) == .entryAlreadyExists)
        let same = try await hq.write(rename("OU=E,\(base)", "OU=E"))
        #expect(same[0].usn == nil)
    }

    @Test func `deletion makes tombstones that keep everything, undelete stamps it anew`() async throws {
        let hq = try await Replica.withDomain()
        try await hq.write(
            unit("OU=A,\(base)"),
            person("CN=Ada,OU=A,\(base)", nil, ["title": ["Captain"]]),
            group("CN=Crew,OU=A,\(base)", members: ["CN=Ada,OU=A,\(base)"])
        )
        let ada = try #require(try await hq.entry("CN=Ada,OU=A,\(base)")).objectGUID
        let crew = try #require(try await hq.entry("CN=Crew,OU=A,\(base)")).objectGUID
        let parent = try #require(try await hq.entry("OU=A,\(base)")).objectGUID
        #expect(try await hq.refusal(.delete(.guid(parent)))?.code == .notAllowedOnNonLeaf)
        #expect(
            try await hq.refusal(.delete(.guid(Replica.domain.guid), tree: true))?.code == .unwillingToPerform
        )
        try await hq.write(.delete(.guid(parent), tree: true), seconds: 10)
        #expect(try await hq.entry("OU=A,\(base)") == nil)
        #expect(try await hq.dn(ada) == "CN=Ada\\0ADEL:\(ada),CN=Deleted Objects,\(base)")
        let counts = try await hq.store.snapshot { try $0.counts(of: Replica.domain.guid) }
        #expect(counts.tombstones == 3)
        let tombstone = try #require(
            try await hq.store.snapshot { try $0.entry(.guid(ada), includeDeleted: true) }
        )
        #expect(tombstone.strings("title") == ["Captain"])
        #expect(tombstone.strings("isDeleted") == ["TRUE"])
        #expect(
            try await hq.refusal(modify("CN=Ada,OU=A,\(base)", .add, "title", "x"))?.code == .noSuchObject
        )

        #expect(try await hq.refusal(.undelete(ada))?.code == .noSuchObject)
        try await hq.write(.undelete(parent), .undelete(ada), .undelete(crew), seconds: 20)
        #expect(try await hq.entry("CN=Ada,OU=A,\(base)")?.strings("title") == ["Captain"])
        #expect(try await hq.entry("CN=Crew,OU=A,\(base)")?.strings("member") == ["CN=Ada,OU=A,\(base)"])
        let metadata = try #require(try await hq.store.snapshot { try $0.metadata(of: ada) })
        #expect(metadata.attributes.allSatisfy { $0.stamp.version >= 2 })
        #expect(try await hq.refusal(.undelete(ada))?.code == .noSuchObject)

        try await hq.write(.delete(.guid(ada)), seconds: 30)
        let lifetime: Int64 = 180 * 86_400
        #expect(
            try await hq.refusal(.undelete(ada), seconds: 30 + lifetime / 10 * 9)?.code == .unwillingToPerform
        )
        try await hq.write(.undelete(ada, newParent: .guid(Replica.domain.guid)), seconds: lifetime / 10 * 8)
        #expect(try await hq.dn(ada) == "CN=Ada,\(base)")
    }

    @Test func `indexed attributes and classes are found`() async throws {
        let hq = try await Replica.withDomain()
        try await hq.write(
            person("CN=Ada,\(base)", nil, ["mail": ["Ada@reskit.example"]]),
            unit("OU=A,\(base)")
        )
        let found = try await hq.store.snapshot {
            try $0.find(
                attribute: $0.schema.attribute(named: "mail")?.oid ?? .cn,
                equals: octets("ada@RESKIT.example")
            )
        }
        #expect(found.count == 1)
        func members(_ name: String) async throws -> [String] {
            try await hq.store.snapshot { try $0.entries(ofClass: name).map(\.dn.description) }
        }
        #expect(try await members("person") == ["CN=Ada,\(base)"])
        #expect(try await members("ORGANIZATIONALUNIT") == ["OU=A,\(base)"])
        try await hq.write(modify("CN=Ada,\(base)", .replace, "mail", "ada@other.example"))
        let gone = try await hq.store.snapshot {
            try $0.find(
                attribute: $0.schema.attribute(named: "mail")?.oid ?? .cn,
                equals: octets("ada@reskit.example")
            )
        }
        #expect(gone.isEmpty)
        try await hq.write(.delete(.dn(try name("CN=Ada,\(base)"))))
        #expect(try await members("person") == [])
    }

    @Test func `a partial replica takes no writes and names its domain`() async throws {
        let hq = try Replica(1)
        try await hq.store.addReplica(Replica.domain, isPartial: true)
        let source = try await Replica.withDomain(2)
        try await hq.pull(from: source, kind: Replica.partialKind)
        let refusal = try #require(try await hq.refusal(unit("OU=A,\(base)")))
        #expect(refusal.code == .unwillingToPerform)
        #expect(refusal.sentence.contains(base))
        #expect(try await hq.refusal(.delete(.guid(Replica.domain.guid)))?.code == .unwillingToPerform)
    }
}
