import DirectoryModel
import Testing

@Suite struct `Built-in schema` {
    let schema: Schema

    init() throws { schema = try Schema.builtin() }

    @Test func `has no problems and every record is a definition`() {
        #expect(schema.problems.isEmpty, "\(schema.problems)")
        #expect(schema.attributes.count + schema.classes.count == Schema.builtinRecords().count)
        #expect(schema.attributes.count > 250 && schema.classes.count > 80)
        for record in Schema.builtinRecords() {
            #expect(record.dn.hasPrefix("CN=") && record.dn.hasSuffix("," + Schema.relativeSuffix))
        }
        #expect(
            Set(Schema.builtinRecords().map { $0.dn.asciiLowercased }).count == Schema.builtinRecords().count
        )
    }

    @Test func `resolves every attribute and class that a class names`() {
        for objectClass in schema.classes {
            for name in objectClass.must + objectClass.may {
                #expect(schema.attribute(named: name)?.name == name, "\(objectClass.name): \(name)")
            }
            let classes =
                objectClass.auxiliary + objectClass.possibleSuperiors + [objectClass.superiorName ?? "top"]
            for name in classes {
                #expect(schema.objectClass(named: name)?.name == name, "\(objectClass.name): \(name)")
            }
        }
        for attribute in schema.attributes where attribute.superiorName != nil {
            #expect(schema.attribute(named: attribute.superiorName ?? "") != nil)
        }
        #expect(schema.attributes.filter { $0.syntax == .unknown }.count < 15)
    }

    @Test func `pairs every back link with a forward link, both DN-valued`() {
        var byID: [Int32: AttributeDefinition] = [:]
        for attribute in schema.attributes {
            guard let linkID = attribute.linkID else { continue }
            #expect(byID.updateValue(attribute, forKey: linkID) == nil, "linkID \(linkID) twice")
            #expect(attribute.syntax == .distinguishedName)
        }
        for attribute in byID.values where attribute.isBackLink {
            #expect(byID[(attribute.linkID ?? 0) - 1] != nil, "\(attribute.name)")
            #expect(!attribute.isReplicated && attribute.isSystemOnly)
        }
        #expect(schema.attribute(named: "member")?.linkID == 2)
        #expect(schema.attribute(named: "memberOf")?.linkID == 3)
        #expect(schema.attribute(named: "owner")?.linkID == 44)
    }

    @Test func `itself passes the schema check`() throws {
        for record in Schema.builtinRecords() {
            let text = record.dn.replacing(Schema.relativeSuffix, with: "CN=Schema")
            let dn = try DistinguishedName(parsing: text, naming: schema)
            try check(record.contentAttributes, rdn: try #require(dn.leaf))
        }
    }

    @Test func `lets the RFC win over Active Directory`() {
        for name in ["cn", "mail", "title", "telephoneNumber", "description", "l", "o", "uid"] {
            #expect(schema.attribute(named: name)?.isSingleValued == false, "\(name)")
        }
        for name in ["c", "dc", "displayName", "uidNumber", "employeeNumber", "preferredLanguage"] {
            #expect(schema.attribute(named: name)?.isSingleValued == true, "\(name)")
        }
        #expect(schema.objectClass(named: "domain")?.oid.description == "0.9.2342.19200300.100.4.13")
        #expect(schema.objectClass(named: "posixGroup")?.kind == .auxiliary)
        #expect(schema.attribute(named: "labeledURI")?.isCaseSensitive == true)
        #expect(schema.attribute(named: "uid")?.isCaseSensitive == false)
    }

    @Test func `knows attributes by alias, OID and with ;binary`() {
        let pairs = [
            ("commonName", "cn"), ("SURNAME", "sn"), ("userid", "uid"), ("rfc822mailbox", "mail"),
            ("favouriteDrink", "drink"), ("2.5.4.3", "cn"), ("userCertificate;binary", "userCertificate"),
            ("domainComponent", "dc"),
        ]
        for (name, expected) in pairs { #expect(schema.attribute(named: name)?.name == expected) }
        #expect(schema.attribute(named: "cn;lang-en") == nil)
        #expect(schema.oid(named: "1.2.3.4") == OID("1.2.3.4"))
        #expect(schema.oid(named: "nothing") == nil)
    }

    @Test func `agrees with the OIDs that the code names`() {
        let named: [(OID, String)] = [
            (.cn, "cn"), (.objectClass, "objectClass"), (.name, "name"), (.isDeleted, "isDeleted"),
            (.dc, "dc"),
            (.member, "member"), (.memberOf, "memberOf"), (.siteList, "siteList"), (.schedule, "schedule"),
            (.invocationId, "invocationId"), (.replicasOverMail, "replicasOverMail"), (.uid, "uid"),
            (.retiredInvocation, "retiredInvocation"), (.tombstoneLifetime, "tombstoneLifetime"),
            (.mailAddress, "mailAddress"), (.userCertificate, "userCertificate"), (.nCName, "nCName"),
            (.crlGraceDays, "crlGraceDays"), (.lateMailDays, "lateMailDays"), (.dsaDisabled, "dsaDisabled"),
        ]
        for (oid, name) in named { #expect(schema.name(of: oid) == name) }
        #expect(schema.objectClass(named: "extensibleObject")?.oid == .extensibleObject)
    }

    @Test func `has a partial attribute set to look people up by`() {
        let names = Set(schema.partialAttributeSet.compactMap { schema.name(of: $0) })
        #expect(
            names.isSuperset(of: [
                "objectClass", "name", "isDeleted", "cn", "sn", "givenName", "mail", "uid", "telephoneNumber",
                "displayName", "description", "ou", "o", "dc", "title", "member", "userCertificate",
            ])
        )
        #expect(names.isDisjoint(with: ["jpegPhoto", "userPassword", "homePostalAddress"]))
        #expect(schema.partialAttributeSet == schema.partialAttributeSet.sorted())
    }

    @Test func `closes over superiors, top first`() {
        #expect(
            schema.closure(of: ["inetOrgPerson", "posixAccount", "nothing", "person"])
                == ["top", "person", "organizationalPerson", "inetOrgPerson", "posixAccount"]
        )
    }

    private func check(_ attributes: [EntryAttribute], rdn: RDN) throws {
        let classes = attributes.first { $0.name == "objectClass" }?.strings ?? []
        let resolved = try attributes.map { attribute in
            (try #require(schema.attribute(named: attribute.name)), attribute.values)
        }
        try schema.check(objectClasses: classes, attributes: resolved, rdn: rdn)
    }
}

@Suite struct `Schema from objects` {
    static func object(_ name: String, _ values: [String: [String]]) -> SchemaObject {
        SchemaObject(name: name, attributes: values.map { EntryAttribute(name: $0.key, strings: $0.value) })
    }

    static func attribute(_ name: String, _ oid: String, _ more: [String: [String]] = [:]) -> SchemaObject {
        object(
            name,
            [
                "objectClass": ["attributeSchema"], "lDAPDisplayName": [name], "attributeID": [oid],
                "attributeSyntax": ["2.5.5.12"], "oMSyntax": ["64"],
            ].merging(more) { $1 }
        )
    }

    static func objectClass(_ name: String, _ oid: String, _ more: [String: [String]] = [:]) -> SchemaObject {
        object(
            name,
            [
                "objectClass": ["classSchema"], "lDAPDisplayName": [name], "governsID": [oid],
                "subClassOf": ["top"], "objectClassCategory": ["1"],
            ].merging(more) { $1 }
        )
    }

    /// One object that is wrong, a word of the reason.
    @Test(arguments: [
        (attribute("a", "1.2.3.9", ["attributeID": ["x"]]), "dotted OID"),
        (attribute("a", "1.2.3.9", ["attributeSyntax": []]), "attributesyntax"),
        (attribute("a b", "1.2.3.9"), "letters"), (attribute("a", "2.5.4.3"), "belongs to cn"),
        (attribute("cn", "1.2.3.9"), "exists already"),
        (attribute("a", "1.2.3.9", ["isSingleValued": ["maybe"]]), "TRUE nor FALSE"),
        (attribute("a", "1.2.3.9", ["searchFlags": ["many"]]), "integer"),
        (attribute("a", "1.2.3.9", ["linkID": ["9000"]]), "distinguished name"),
        (attribute("a", "1.2.3.9", ["linkID": ["9001"], "attributeSyntax": ["2.5.5.1"]]), "forward link"),
        (objectClass("c", "1.2.3.9", ["objectClassCategory": ["7"]]), "objectClassCategory"),
        (objectClass("c", "1.2.3.9", ["subClassOf": ["nothing"]]), "unknown superior"),
        (objectClass("c", "1.2.3.9", ["mustContain": ["nothing"]]), "unknown attribute"),
        (objectClass("c", "1.2.3.9", ["auxiliaryClass": ["nothing"]]), "unknown auxiliary"),
        (objectClass("c", "1.2.3.9", ["possSuperiors": ["nothing"]]), "unknown possible superior"),
        (objectClass("c", "2.5.6.0"), "belongs to top"), (objectClass("person", "1.2.3.9"), "exists already"),
    ])
    func `reports what it cannot use and keeps the rest`(wrong: SchemaObject, reason: String) throws {
        let schema = try Schema.builtin().withAdded([wrong, Self.attribute("good", "1.2.3.10")])
        #expect(schema.problems.count == 1, "\(schema.problems)")
        #expect(schema.problems.first?.description.contains(reason) == true, "\(schema.problems)")
        #expect(schema.attribute(named: "good") != nil)
        #expect(schema.attribute(named: "cn")?.oid == .cn)
    }

    @Test func `survives classes in a circle`() throws {
        let schema = try Schema.builtin().withAdded([
            Self.objectClass("one", "1.2.3.1", ["subClassOf": ["two"]]),
            Self.objectClass("two", "1.2.3.2", ["subClassOf": ["one"]]),
        ])
        #expect(schema.problems.contains { $0.reason.contains("cycle") })
        #expect(Set(schema.closure(of: ["one"])) == ["one", "two"])
    }

    @Test func `replaces, skips defunct definitions and derives a missing name`() throws {
        let first = try Schema.builtin().withAdded([Self.attribute("site-code", "1.2.3.1")])
        #expect(first.attribute(named: "site-code")?.isSingleValued == false)
        let second = first.withAdded([Self.attribute("site-code", "1.2.3.1", ["isSingleValued": ["TRUE"]])])
        #expect(second.attribute(named: "site-code")?.isSingleValued == true && second.problems.isEmpty)
        let third = second.withAdded([Self.attribute("site-code", "1.2.3.1", ["isDefunct": ["TRUE"]])])
        #expect(third.attribute(named: "site-code") == nil)
        let derived = third.withAdded([
            Self.attribute("x", "1.2.3.4", ["lDAPDisplayName": [], "cn": ["Berth-Number"]])
        ])
        #expect(derived.attribute(oid: try #require(OID("1.2.3.4")))?.name == "berthNumber")
    }
}
