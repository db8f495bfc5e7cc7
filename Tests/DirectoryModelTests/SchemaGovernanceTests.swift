import Testing

@testable import DirectoryModel

@Suite struct `Schema governance` {
    private typealias Objects = `Schema from objects`

    /// The built-in schema with two attributes, a pair of links and three classes of an organisation's own.
    private static func catalogue(_ more: SchemaObject...) throws -> SchemaCatalogue {
        let link = ["attributeSyntax": ["2.5.5.1"], "oMSyntax": ["127"]]
        let own = [
            attribute("berth", "1.2.3.1"), attribute("pier", "1.2.3.2", ["isSingleValued": ["TRUE"]]),
            attribute("crew", "1.2.3.3", link.merging(["linkID": ["9000"]]) { $1 }),
            attribute("crewOf", "1.2.3.4", link.merging(["linkID": ["9001"]]) { $1 }),
            attribute("gone", "1.2.3.5", ["isDefunct": ["TRUE"]]),
            objectClass("vessel", "1.2.3.20", ["mayContain": ["berth"]]),
            objectClass("tug", "1.2.3.21", ["subClassOf": ["vessel"]]),
            objectClass("moored", "1.2.3.22", ["objectClassCategory": ["3"], "mustContain": ["pier"]]),
            objectClass("wreck", "1.2.3.23", ["isDefunct": ["TRUE"]]),
        ]
        return SchemaCatalogue(try Schema.builtin().withAdded(own + more))
    }

    private static func attribute(_ name: String, _ oid: String, _ more: [String: [String]] = [:])
        -> SchemaObject
    { Objects.attribute(name, oid, ["isSingleValued": ["FALSE"]].merging(more) { $1 }) }

    private static func objectClass(_ name: String, _ oid: String, _ more: [String: [String]] = [:])
        -> SchemaObject
    { Objects.objectClass(name, oid, more) }

    private static func oid(_ text: String) -> OID { OID(text) ?? .cn }

    /// As an originating add is judged: by itself, then by what it refers to.
    private func judged(_ object: SchemaObject) throws -> SchemaRefusal? {
        var catalogue = try Self.catalogue()
        var object = object
        object.name = "new"
        if let refusal = catalogue.objectionToAdding(object) { return refusal }
        catalogue.set(object)
        return catalogue.objectionToReferences(ofObjectNamed: object.name)
    }

    private static let dn = ["attributeSyntax": ["2.5.5.1"], "oMSyntax": ["127"]]

    @Test func `the built-in schema keeps its own rules`() throws {
        let catalogue = SchemaCatalogue(try Schema.builtin())
        for object in Schema.builtinObjects() {
            var arrived = object
            arrived.name = "arrived"
            arrived.isBuiltin = false
            #expect(catalogue.objectionToAdding(arrived) == nil, "\(object.name)")
            #expect(catalogue.objectionToReferences(ofObjectNamed: object.name) == nil, "\(object.name)")
        }
    }

    @Test(arguments: [
        attribute("draught", "1.2.3.9"),
        attribute("draught", "1.2.3.9", ["rangeLower": ["3"], "rangeUpper": ["3"]]),
        attribute(
            "draught",
            "1.2.3.9",
            ["attributeSyntax": ["1.3.6.1.4.1.1466.115.121.1.15"], "oMSyntax": []]
        ),
        attribute("draught", "1.2.3.9", dn.merging(["linkID": ["9002"]]) { $1 }),
        attribute("draught", "1.2.3.9", ["rangeLower": ["0"], "rangeUpper": ["-1"]]),
        attribute("gone", "1.2.3.9"), objectClass("wreck", "1.2.3.9"),
        objectClass("barge", "1.2.3.9", ["subClassOf": ["tug"], "possSuperiors": ["barge", "vessel"]]),
        objectClass("barge", "1.2.3.9", ["mustContain": ["1.2.3.1"], "auxiliaryClass": ["moored"]]),
    ])
    func `a definition that fits is taken`(object: SchemaObject) throws { #expect(try judged(object) == nil) }

    @Test(arguments: [
        (attribute("x", "1.2.3.9", ["attributeID": []]), SchemaRefusal.malformed("has no attributeid")),
        (
            attribute("x", "1.2.3.9", ["attributeID": ["1.2.03"]]),
            .malformed("attributeid is not a dotted OID")
        ),
        (
            attribute("x", "2.5.4.3"),
            .identifierInUse(attribute: "attributeID", oid: oid("2.5.4.3"), by: "cn", isDefunct: false)
        ),
        (
            attribute("x", "1.2.3.5"),
            .identifierInUse(attribute: "attributeID", oid: oid("1.2.3.5"), by: "gone", isDefunct: true)
        ),
        (
            objectClass("x", "1.2.3.1"),
            .identifierInUse(attribute: "governsID", oid: oid("1.2.3.1"), by: "berth", isDefunct: false)
        ),
        (attribute("BERTH", "1.2.3.9"), .nameInUse("BERTH", by: oid("1.2.3.1"))),
        (attribute("tug", "1.2.3.9"), .nameInUse("tug", by: oid("1.2.3.21"))),
        (objectClass("berth", "1.2.3.9"), .nameInUse("berth", by: oid("1.2.3.1"))),
        (attribute("commonName", "1.2.3.9"), .nameIsAlias("commonName", of: "cn")),
        (
            attribute("x", "1.2.3.9", ["lDAPDisplayNameAlias": ["berth"]]),
            .nameInUse("berth", by: oid("1.2.3.1"))
        ),
        (
            attribute("b th", "1.2.3.9"),
            .malformed("its name is not letters, digits and hyphens behind a letter")
        ),
        (
            attribute("x", "1.2.3.9", ["oMSyntax": ["4"]]),
            .unknownSyntax(attributeSyntax: "2.5.5.12", oMSyntax: 4)
        ),
        (
            attribute("x", "1.2.3.9", ["oMSyntax": []]),
            .unknownSyntax(attributeSyntax: "2.5.5.12", oMSyntax: nil)
        ),
        (
            attribute("x", "1.2.3.9", ["attributeSyntax": ["2.5.5.99"]]),
            .unknownSyntax(attributeSyntax: "2.5.5.99", oMSyntax: 64)
        ),
        (
            attribute("x", "1.2.3.9", ["linkID": ["9002"]]),
            .malformed("has a linkID, but attributeSyntax 2.5.5.12 is no distinguished name")
        ),
        (
            attribute("x", "1.2.3.9", dn.merging(["linkID": ["9000"]]) { $1 }),
            .linkInUse(linkID: 9000, by: "crew")
        ),
        (
            attribute("x", "1.2.3.9", dn.merging(["linkID": ["9003"]]) { $1 }), .noForwardLink(linkID: 9003)
        ),
        (
            attribute("x", "1.2.3.9", ["rangeLower": ["4"], "rangeUpper": ["3"]]),
            .rangeReversed(lower: 4, upper: 3)
        ),
        (
            objectClass("x", "1.2.3.9", ["mustContain": ["nothing"]]),
            .unknownReference(attribute: "mustContain", name: "nothing")
        ),
        (
            objectClass("x", "1.2.3.9", ["mayContain": ["vessel"]]),
            .unknownReference(attribute: "mayContain", name: "vessel")
        ),
        (
            objectClass("x", "1.2.3.9", ["mayContain": ["gone"]]),
            .defunctReference(attribute: "mayContain", name: "gone")
        ),
        (
            objectClass("x", "1.2.3.9", ["subClassOf": ["nothing"]]),
            .unknownReference(attribute: "subClassOf", name: "nothing")
        ),
        (
            objectClass("x", "1.2.3.9", ["subClassOf": ["wreck"]]),
            .defunctReference(attribute: "subClassOf", name: "wreck")
        ),
        (
            objectClass("x", "1.2.3.9", ["possSuperiors": ["nothing"]]),
            .unknownReference(attribute: "possSuperiors", name: "nothing")
        ),
        (
            objectClass("x", "1.2.3.9", ["auxiliaryClass": ["tug"]]),
            .wrongKind(attribute: "auxiliaryClass", name: "tug", reason: "no auxiliary class")
        ),
        (
            objectClass("x", "1.2.3.9", ["subClassOf": ["moored"]]),
            .wrongKind(
                attribute: "subClassOf",
                name: "moored",
                reason: "auxiliary, and the class structural"
            )
        ),
        (
            objectClass("x", "1.2.3.9", ["subClassOf": ["tug"], "objectClassCategory": ["2"]]),
            .wrongKind(attribute: "subClassOf", name: "tug", reason: "not abstract as the class is")
        ),
        (
            objectClass("x", "1.2.3.9", ["objectClassCategory": ["9"]]),
            .malformed("objectClassCategory is 9, not 0 to 3")
        ),
        (objectClass("x", "1.2.3.9", ["subClassOf": ["x"]]), .cycle(through: "x")),
        (Objects.object("x", ["objectClass": ["container"]]), .notDefinition("new")),
    ])
    func `a definition that does not fit is refused by its rule`(object: SchemaObject, rule: SchemaRefusal)
        throws
    {
        let refusal = try judged(object)
        #expect(refusal == rule)
        #expect(refusal?.description.first?.isLowercase == true || rule == .notDefinition("new"))
    }

    // MARK: - Changes

    private func changed(
        _ name: String,
        _ values: [String: [String]],
        fixed: [String] = []
    ) throws -> SchemaRefusal? {
        var catalogue = try Self.catalogue()
        let old = try #require(catalogue.counterpart(of: Self.probe(name)))
        var new = old
        for (name, values) in values { new.values[name.lowercased()] = values.map { Array($0.utf8) } }
        if let refusal = catalogue.objectionToChanging(old, to: new, fixed: fixed) { return refusal }
        catalogue.set(new)
        return catalogue.objectionToReferences(ofObjectNamed: new.name)
    }

    private static func probe(_ name: String) -> SchemaObject {
        ["vessel", "tug", "moored", "person", "container"].contains(name)
            ? objectClass(name, "1.2.3.99") : attribute(name, "1.2.3.99")
    }

    @Test(arguments: [
        ("berth", ["adminDescription": ["where it lies"]]), ("berth", ["searchFlags": ["1"]]),
        ("berth", ["isMemberOfPartialAttributeSet": ["TRUE"]]), ("pier", ["isSingleValued": ["FALSE"]]),
        ("pier", ["lDAPDisplayNameAlias": ["quay"]]), ("crewOf", ["isDefunct": ["TRUE"]]),
        ("vessel", ["mayContain": ["berth", "pier"]]), ("vessel", ["mayContain": []]),
        ("tug", ["isDefunct": ["TRUE"]]), ("crewOf", ["lDAPDisplayName": ["sailsOn"]]),
    ])
    func `what does no harm may change`(name: String, values: [String: [String]]) throws {
        let fixed = values.keys.contains("isSingleValued") ? ["isSingleValued"] : []
        #expect(try changed(name, values, fixed: fixed) == nil)
    }

    @Test(arguments: [
        (
            "berth", ["attributeSyntax": ["2.5.5.5"]], ["attributeSyntax"],
            SchemaRefusal.unchangeable(attribute: "attributeSyntax")
        ),
        ("berth", ["attributeID": ["1.2.3.9"]], ["attributeID"], .unchangeable(attribute: "attributeID")),
        ("crew", ["linkID": ["9004"]], ["linkID"], .unchangeable(attribute: "linkID")),
        ("vessel", ["governsID": ["1.2.3.9"]], ["governsID"], .unchangeable(attribute: "governsID")),
        (
            "vessel", ["objectClassCategory": ["3"]], ["objectClassCategory"],
            .unchangeable(attribute: "objectClassCategory")
        ),
        ("berth", ["isSingleValued": ["TRUE"]], ["isSingleValued"], .narrowed),
        ("berth", ["objectClass": ["classSchema"]], [], .kindChanged),
        ("berth", ["rangeLower": ["9"], "rangeUpper": ["8"]], [], .rangeReversed(lower: 9, upper: 8)),
        ("cn", ["isDefunct": ["TRUE"]], [], .baseObject("cn", attribute: "isDefunct")),
        ("cn", ["lDAPDisplayName": ["fullName"]], [], .baseObject("cn", attribute: "lDAPDisplayName")),
        ("person", ["mustContain": ["cn"]], [], .baseObject("person", attribute: "mustContain")),
        ("person", ["mayContain": []], [], .baseObject("person", attribute: "mayContain")),
        ("vessel", ["mustContain": ["pier"]], [], .newRequirement("pier")),
        ("vessel", ["auxiliaryClass": ["moored"]], [], .newRequirement("pier")),
        ("vessel", ["mayContain": ["gone"]], [], .defunctReference(attribute: "mayContain", name: "gone")),
        (
            "vessel", ["mayContain": ["nothing"]], [],
            .unknownReference(attribute: "mayContain", name: "nothing")
        ),
        (
            "vessel", ["lDAPDisplayName": ["ship"]], [],
            .nameFixed("vessel", reason: "objects of the class carry it")
        ),
        (
            "berth", ["lDAPDisplayName": ["quay"]], [],
            .nameFixed("berth", reason: "class vessel names the attribute by it")
        ),
        ("crewOf", ["lDAPDisplayName": ["pier"]], [], .nameInUse("pier", by: oid("1.2.3.2"))),
        ("berth", ["isDefunct": ["TRUE"]], [], .defunctInUse("berth", by: "vessel")),
        ("vessel", ["isDefunct": ["TRUE"]], [], .defunctInUse("vessel", by: "tug")),
        ("crew", ["isDefunct": ["TRUE"]], [], .defunctInUse("crew", by: "the back link crewOf")),
    ])
    func `what would break objects or definitions is refused`(
        name: String,
        values: [String: [String]],
        fixed: [String],
        rule: SchemaRefusal
    ) throws {
        #expect(try changed(name, values, fixed: fixed) == rule)
        #expect(rule.hint != nil || rule == .kindChanged)
    }

    @Test func `a class of the base schema takes further attributes and superiors`() throws {
        let person = try #require(Schema.builtin().objects.first { $0.name.hasPrefix("CN=Person,") })
        var grown = person
        grown.values["maycontain", default: []].append(Array("berth".utf8))
        grown.values["posssuperiors", default: []].append(Array("vessel".utf8))
        var catalogue = try Self.catalogue()
        #expect(catalogue.objectionToChanging(person, to: grown, fixed: []) == nil)
        catalogue.set(grown)
        #expect(catalogue.objectionToReferences(ofObjectNamed: grown.name) == nil)
        #expect(
            catalogue.objectionToRenaming(grown) == .baseObject("person", attribute: "RDN")
        )
    }

    @Test func `a defunct definition comes back unless its name was taken meanwhile`() throws {
        var catalogue = try Self.catalogue()
        let gone = Self.attribute("gone", "1.2.3.5", ["isDefunct": ["TRUE"]])
        let back = Self.attribute("gone", "1.2.3.5")
        #expect(catalogue.objectionToChanging(gone, to: back, fixed: []) == nil)
        var successor = Self.attribute("gone", "1.2.3.9")
        successor.name = "successor"
        #expect(catalogue.objectionToAdding(successor) == nil)
        catalogue.set(successor)
        let refusal = catalogue.objectionToChanging(gone, to: back, fixed: [])
        #expect(refusal == .nameInUse("gone", by: Self.oid("1.2.3.9")))
    }

    @Test func `definitions of one list may name each other, and not in a circle`() throws {
        var catalogue = try Self.catalogue()
        let one = Self.objectClass("one", "1.2.3.31", ["possSuperiors": ["two"]])
        let two = Self.objectClass("two", "1.2.3.32", ["subClassOf": ["one"]])
        for object in [one, two] {
            #expect(catalogue.objectionToAdding(object) == nil)
            catalogue.set(object)
        }
        #expect(catalogue.objectionToReferences(ofObjectNamed: "one") == nil)
        #expect(catalogue.objectionToReferences(ofObjectNamed: "two") == nil)
        catalogue.set(Self.objectClass("one", "1.2.3.31", ["subClassOf": ["two"]]))
        #expect(catalogue.objectionToReferences(ofObjectNamed: "one") == .cycle(through: "two"))
    }
}
