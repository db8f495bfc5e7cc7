import DirectoryModel
import Testing

@Suite struct `Schema check` {
    let schema: Schema

    init() throws {
        // A class as sites add it: a person with what the home directory needs.
        schema = try Schema.builtin().withAdded([
            SchemaObject(
                name: "CN=Reskit-Person",
                attributes: [
                    EntryAttribute(name: "objectClass", strings: ["top", "classSchema"]),
                    EntryAttribute(name: "cn", strings: ["Reskit-Person"]),
                    EntryAttribute(name: "lDAPDisplayName", strings: ["reskitPerson"]),
                    EntryAttribute(name: "governsID", strings: ["2.25.1.2.1"]),
                    EntryAttribute(name: "objectClassCategory", strings: ["1"]),
                    EntryAttribute(name: "subClassOf", strings: ["inetOrgPerson"]),
                    EntryAttribute(name: "mustContain", strings: ["uid", "cn"]),
                    EntryAttribute(name: "mayContain", strings: ["drink"]),
                ]
            )
        ])
        #expect(schema.problems.isEmpty)
    }

    /// Checks every record of the LDIF text.
    func check(_ text: String) throws {
        var reader = LDIFReader()
        for result in reader.feed(Array(text.utf8)) + reader.finish() {
            let entry = try #require(try result.get().entry(naming: schema))
            let attributes = try entry.attributes.map { attribute in
                guard let definition = schema.attribute(named: attribute.name) else {
                    throw SchemaViolation.attributeNotAllowed(attribute.name)
                }
                return (definition, attribute.values)
            }
            try schema.check(
                objectClasses: entry.strings(of: "objectClass"),
                attributes: attributes,
                rdn: try #require(entry.dn.leaf)
            )
        }
    }

    @Test func `accepts a directory as organisations have it`() throws {
        try check(
            """
            dn: dc=reskit,dc=example
            objectClass: top
            objectClass: organization
            objectClass: domainRelatedObject
            objectClass: dcObject
            dc: reskit
            o: Reskit, Inc.
            o: RK
            associatedDomain: reskit.example
            postalAddress: Reskit, Inc. $ 1 Harbour Road $ CA

            dn: cn=Staff,ou=Groups,dc=reskit,dc=example
            objectClass: groupOfNames
            cn: Staff
            member: cn=Ann Vance,ou=People,dc=reskit,dc=example
            owner: cn=Ann Vance,ou=People,dc=reskit,dc=example

            dn: cn=Lists,ou=Groups,dc=reskit,dc=example
            objectClass: groupOfUniqueNames
            cn: Lists
            uniqueMember: cn=Ann Vance,dc=reskit,dc=example#'0101'B

            dn: cn=Ann Vance,ou=People,dc=reskit,dc=example
            objectClass: reskitPerson
            objectClass: posixAccount
            cn: Ann Vance
            cn: Annie Vance
            sn:: VmFuY2U=
            uid: avance
            title: Manager, Harbour
            mail: avance@reskit.example
            mail: ann@reskit.example
            favouriteDrink: tea
            telephoneNumber: +1 604 555 0100
            userPassword:: eA==
            uidNumber: 4294967294
            gidNumber: 20
            homeDirectory: /home/avance

            dn: cn=Manager,dc=reskit,dc=example
            objectClass: person
            objectClass: extensibleObject
            cn: Manager
            sn: Manager
            uidNumber: 0
            gidNumber: 0
            """
        )
    }

    @Test func `accepts the configuration's own objects and merged heads`() throws {
        try check(
            """
            dn: CN=HQ/VAN Site Link,CN=SMTP
            objectClass: top
            objectClass: siteLink
            cn: HQ/VAN Site Link
            cost: 50
            siteList: CN=Headquarters,CN=Sites
            siteList: CN=Vancouver,CN=Sites

            dn: CN=NTDS Settings,CN=HQ-RES-DC-01
            objectClass: applicationSettings
            objectClass: nTDSDSA
            cn: NTDS Settings
            options: 1
            hasMasterNCs: DC=reskit,DC=example
            retiredInvocation: 6ba7b810-9dad-11d1-80b4-00c04fd430c8 17

            dn: CN=Directory Service,CN=Windows NT,CN=Services
            objectClass: nTDSService
            cn: Directory Service
            tombstoneLifetime: 180
            crlGraceDays: 7

            dn: CN=reskit,CN=Partitions
            objectClass: crossRef
            cn: reskit
            nCName: DC=reskit,DC=example
            dnsRoot: reskit.example
            replicasOverMail: FALSE

            dn: CN=Reskit CA,CN=AIA
            objectClass: certificationAuthority
            cn: Reskit CA
            cACertificate:: MAA=

            dn: DC=vancouver,DC=reskit,DC=example
            objectClass: top
            objectClass: domain
            objectClass: domainDNS
            dc: vancouver

            dn: DC=reskit,DC=example
            objectClass: top
            objectClass: domain
            objectClass: domainDNS
            objectClass: organization
            objectClass: dcObject
            dc: reskit
            o: Reskit, Inc.
            """
        )
    }

    @Test(arguments: [
        ("objectClass: nothing\ncn: x", SchemaViolation.unknownClass("nothing")),
        ("cn: x", .noObjectClass), ("objectClass: top\ncn: x", .noStructuralClass),
        ("objectClass: top\nobjectClass: dcObject\ncn: x\ndc: x", .noStructuralClass),
        (
            "objectClass: person\nobjectClass: device\ncn: x\nsn: x",
            .severalStructuralClasses(["person", "device"])
        ),
        ("objectClass: person\ncn: x", .missingAttribute("sn", of: "person")),
        ("objectClass: inetOrgPerson\ncn: x", .missingAttribute("sn", of: "person")),
        ("objectClass: device\ncn: x\nsn: x", .attributeNotAllowed("sn")),
        (
            "objectClass: reskitPerson\ncn: x\nsn: x\nuid: x\ndisplayName: a\ndisplayName: b",
            .severalValues("displayName")
        ),
        (
            "objectClass: nTDSService\ncn: x\ncrlGraceDays: 99999",
            .outOfRange(attribute: "crlGraceDays", lower: 0, upper: 3650)
        ),
        ("objectClass: device\ncn: y", .rdnValueMissing("cn")),
    ])
    func `names what is wrong`(body: String, violation: SchemaViolation) {
        #expect(throws: violation) { try check("dn: CN=x\n\(body)") }
    }

    @Test func `names attribute and syntax, never the value`() {
        let text = "dn: CN=x\nobjectClass: device\ncn: x\nowner: secret-value"
        #expect {
            try check(text)
        } throws: { error in
            guard case .invalidSyntax(attribute: "owner", let reason)? = error as? SchemaViolation else {
                return false
            }
            return !reason.contains("secret-value")
        }
    }

    @Test func `finds the RDN's value by the attribute's own rule`() throws {
        try check("dn: CN=a  X\nobjectClass: device\ncn: other\ncn: A x ")
        #expect(throws: SchemaViolation.rdnAttributeUnknown("1.2.3")) {
            try check("dn: 1.2.3=x\nobjectClass: device\ncn: x")
        }
    }
}
