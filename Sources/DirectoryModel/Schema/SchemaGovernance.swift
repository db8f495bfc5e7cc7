/// The rules of originating schema changes; what replicates here was judged where it was written.
///
/// What a definition says by itself and what must be unique is judged at once (`objectionToAdding`,
/// `objectionToChanging`); what it refers to when all operations of a list are known (`objectionToReferences`),
/// so that definitions may name each other.
/// - Source: MS-ADTS sections 3.1.1.2.3 to 3.1.1.2.5.
extension SchemaCatalogue {
    /// Nil when the new object fits, its references aside.
    package func objectionToAdding(_ object: SchemaObject) -> SchemaRefusal? {
        refusal { () throws(SchemaRefusal) in
            guard let item = try Self.item(of: object) else { throw .notDefinition(object.name) }
            try checkIdentifier(item)
            try checkForm(item)
            try checkLinkID(item)
            if !item.isDefunct { try checkNames(item) }
        }
    }

    /// Nil when the object may become like that, its references aside.
    ///
    /// `fixed` are the attributes among those which changed that never change (`systemOnly`).
    package func objectionToChanging(_ old: SchemaObject, to new: SchemaObject, fixed: [String])
        -> SchemaRefusal?
    {
        refusal { () throws(SchemaRefusal) in
            guard old.declaredKind == new.declaredKind else { throw .kindChanged }
            try checkFixed(fixed, from: old, to: new)
            guard let item = try Self.item(of: new) else { throw .notDefinition(new.name) }
            // What cannot be read may be put right, as if it were new.
            guard let before = (try? Self.item(of: old)) ?? nil else {
                if let objection = objectionToAdding(new) { throw objection }
                return
            }
            try checkForm(item)
            if let name = baseName(of: before) { try checkBase(name, from: before, to: item) }
            switch (before.isDefunct, item.isDefunct) {
            case (true, true): break
            case (false, true): try checkUnused(before)
            case (true, false): try checkNames(item)
            case (false, false):
                if item.name != before.name { try checkRenamed(before) }
                if item.name != before.name || item.aliases != before.aliases { try checkNames(item) }
                try checkRequirements(from: before, to: item)
            }
        }
    }

    /// Nil when the object keeps its name in the tree without harm.
    package func objectionToRenaming(_ object: SchemaObject) -> SchemaRefusal? {
        guard let item = (try? Self.item(of: object)) ?? nil, let name = baseName(of: item) else {
            return nil
        }
        return .baseObject(name, attribute: "RDN")
    }

    /// Nil when everything that the object of that name refers to is there, in use, and of the right kind.
    package func objectionToReferences(ofObjectNamed name: String) -> SchemaRefusal? {
        guard let item = item(named: name), !item.isDefunct else { return nil }
        return refusal { () throws(SchemaRefusal) in
            if item.attribute != nil { try checkForwardLink(of: item) }
            if let definition = item.objectClass {
                try checkAttributes(of: item.object)
                try checkClasses(of: definition)
                try checkCycles(from: item)
            }
        }
    }

    private func refusal(_ body: () throws(SchemaRefusal) -> Void) -> SchemaRefusal? {
        do {
            try body()
            return nil
        } catch {
            return error
        }
    }

    // MARK: - By itself

    private func checkForm(_ item: Item) throws(SchemaRefusal) {
        guard let attribute = item.attribute else { return }
        let syntax = item.object.strings("attributesyntax").first ?? ""
        let omSyntax = item.object.strings("omsyntax").first.flatMap { Int($0) }
        guard AttributeSyntax.isKnown(attributeSyntax: syntax, oMSyntax: omSyntax) else {
            throw .unknownSyntax(attributeSyntax: syntax, oMSyntax: omSyntax)
        }
        if let lower = attribute.rangeLower, let upper = attribute.rangeUpper, lower > upper {
            throw .rangeReversed(lower: lower, upper: upper)
        }
    }

    // MARK: - Unique

    private func checkIdentifier(_ item: Item) throws(SchemaRefusal) {
        let isItself = { (other: Item) in
            other.object.name == item.object.name
                || other.object.isBuiltin && other.name.asciiLowercased == item.name.asciiLowercased
        }
        guard let other = items(oid: item.oid).first(where: { !isItself($0) }) else { return }
        throw .identifierInUse(
            attribute: item.isAttribute ? "attributeID" : "governsID",
            oid: item.oid,
            by: other.name,
            isDefunct: other.isDefunct
        )
    }

    /// Attributes and classes share their names; those of defunct definitions are free.
    private func checkNames(_ item: Item) throws(SchemaRefusal) {
        let isOther = { (other: Item) in
            other.object.name != item.object.name && other.oid != item.oid && !other.isDefunct
        }
        if let other = items(named: item.name).first(where: isOther) {
            throw .nameInUse(item.name, by: other.oid)
        }
        for name in [item.name] + item.aliases {
            if let other = items(aliased: name).first(where: isOther) {
                throw .nameIsAlias(name, of: other.name)
            }
        }
        for alias in item.aliases {
            if let other = items(named: alias).first(where: isOther) {
                throw .nameInUse(alias, by: other.oid)
            }
        }
    }

    /// Defunct attributes keep their number: their values are links for ever.
    private func checkLinkID(_ item: Item) throws(SchemaRefusal) {
        guard let linkID = item.linkID else { return }
        let syntax = item.object.strings("attributesyntax").first ?? ""
        guard item.attribute?.syntax.namesObjects ?? false || syntax == SchemaObject.nameWithText else {
            throw .linkNeedsNames(linkID: linkID, attributeSyntax: syntax)
        }
        guard linkID >= 0, linkID <= Int(Int32.max) else { throw .malformed("has a linkID beyond 31 bits") }
        if let other = items(linkID: linkID).first(where: {
            $0.object.name != item.object.name && $0.oid != item.oid
        }) {
            throw .linkInUse(linkID: linkID, by: other.name)
        }
    }

    // MARK: - References

    private func checkForwardLink(of item: Item) throws(SchemaRefusal) {
        guard let linkID = item.linkID, linkID & 1 == 1 else { return }
        guard items(linkID: linkID - 1).contains(where: { !$0.isDefunct }) else {
            throw .noForwardLink(linkID: linkID)
        }
    }

    private func checkAttributes(of object: SchemaObject) throws(SchemaRefusal) {
        for list in ["mustContain", "systemMustContain", "mayContain", "systemMayContain", "rDNAttID"] {
            for name in object.strings(list.asciiLowercased) {
                _ = try found(name, isAttribute: true, list)
            }
        }
    }

    private func checkClasses(of definition: ClassDefinition) throws(SchemaRefusal) {
        for name in definition.possibleSuperiors {
            _ = try found(name, isAttribute: false, "possSuperiors")
        }
        for name in definition.auxiliary {
            let auxiliary = try found(name, isAttribute: false, "auxiliaryClass")
            guard let kind = auxiliary.objectClass?.kind, kind == .auxiliary || kind == .class88 else {
                throw .wrongKind(attribute: "auxiliaryClass", name: name, reason: "no auxiliary class")
            }
        }
        guard let name = definition.superiorName else { return }
        let superior = try found(name, isAttribute: false, "subClassOf")
        switch (definition.kind, superior.objectClass?.kind) {
        case (.abstract, .structural), (.abstract, .auxiliary):
            throw .wrongKind(attribute: "subClassOf", name: name, reason: "not abstract as the class is")
        case (.auxiliary, .structural):
            throw .wrongKind(
                attribute: "subClassOf",
                name: name,
                reason: "structural, and the class auxiliary"
            )
        case (.structural, .auxiliary):
            throw .wrongKind(
                attribute: "subClassOf",
                name: name,
                reason: "auxiliary, and the class structural"
            )
        default: break
        }
    }

    private func found(_ name: String, isAttribute: Bool, _ list: String) throws(SchemaRefusal) -> Item {
        guard let item = referred(name, isAttribute: isAttribute) else {
            throw .unknownReference(attribute: list, name: name)
        }
        guard !item.isDefunct else { throw .defunctReference(attribute: list, name: name) }
        return item
    }

    /// Walks up superiors and auxiliary classes; a class that is met on its own way up is a cycle.
    private func checkCycles(from item: Item) throws(SchemaRefusal) {
        if item.objectClass?.superiorName == nil, item.name.asciiLowercased != "top" {
            throw .cycle(through: item.name)
        }
        var pending = [item]
        var seen: Set<String> = []
        while let next = pending.popLast() {
            for parent in parents(of: next) {
                guard parent.object.name != item.object.name else { throw .cycle(through: next.name) }
                if seen.insert(parent.object.name).inserted { pending.append(parent) }
            }
        }
    }

    /// Superior and auxiliary classes; `top` has itself for a superior, which counts for none.
    private func parents(of item: Item) -> [Item] {
        guard let definition = item.objectClass else { return [] }
        return ([definition.superiorName].compactMap(\.self) + definition.auxiliary)
            .compactMap { referred($0, isAttribute: false) }
    }

    // MARK: - Changes

    private func checkFixed(_ fixed: [String], from old: SchemaObject, to new: SchemaObject)
        throws(SchemaRefusal)
    {
        for name in fixed {
            // More values than one is no harm to what objects hold.
            if name.asciiLowercased == "issinglevalued" {
                guard old.strings("issinglevalued").first?.asciiLowercased == "true",
                    new.strings("issinglevalued").first?.asciiLowercased == "false"
                else { throw .narrowed }
                continue
            }
            throw .unchangeable(attribute: name)
        }
    }

    /// The name of a definition of the base schema; nil for any other.
    private func baseName(of item: Item) -> String? {
        item.object.isMarkedBase || Self.builtin(item.oid) != nil ? item.name : nil
    }

    private func checkBase(_ name: String, from old: Item, to new: Item) throws(SchemaRefusal) {
        let fixed = [
            "lDAPDisplayName", "isDefunct", "isSingleValued", "rangeLower", "rangeUpper", "equalityRule",
            "mustContain", "attributeSuperior",
        ]
        for attribute in fixed {
            let key = attribute.asciiLowercased
            guard old.object.values[key] ?? [] == new.object.values[key] ?? [] else {
                throw .baseObject(name, attribute: attribute)
            }
        }
        for attribute in ["mayContain", "possSuperiors", "auxiliaryClass", "lDAPDisplayNameAlias"] {
            let key = attribute.asciiLowercased
            let kept = Set(new.object.strings(key).map(\.asciiLowercased))
            let builtin = Self.builtin(old.oid)?.strings(key) ?? []
            guard kept.isSuperset(of: builtin.map(\.asciiLowercased)) else {
                throw .baseObject(name, attribute: attribute)
            }
        }
    }

    private static func builtin(_ oid: OID) -> SchemaObject? {
        builtinCatalogue.items(oid: oid).first?.object
    }

    private static let builtinCatalogue = SchemaCatalogue(objects: Schema.builtinObjects())

    /// Objects name their classes, and classes their attributes, by name.
    private func checkRenamed(_ item: Item) throws(SchemaRefusal) {
        guard item.isAttribute else {
            throw .nameFixed(item.name, reason: "objects of the class carry it")
        }
        if let other = namer(of: item) {
            throw .nameFixed(item.name, reason: "class \(other.name) names the attribute by it")
        }
    }

    private func checkUnused(_ item: Item) throws(SchemaRefusal) {
        if let other = namer(of: item) { throw .defunctInUse(item.name, by: other.name) }
        guard let linkID = item.linkID, linkID & 1 == 0 else { return }
        if let back = items(linkID: linkID + 1).first(where: { !$0.isDefunct }) {
            throw .defunctInUse(item.name, by: "the back link \(back.name)")
        }
    }

    /// A class in use that means this definition by one of its names.
    private func namer(of item: Item) -> Item? {
        let lists =
            item.isAttribute
            ? ["mustcontain", "systemmustcontain", "maycontain", "systemmaycontain", "rdnattid"]
            : [
                "subclassof", "auxiliaryclass", "systemauxiliaryclass", "posssuperiors",
                "systemposssuperiors",
            ]
        return all.first { other in
            guard other.objectClass != nil, !other.isDefunct, other.object.name != item.object.name else {
                return false
            }
            return lists.contains { list in
                other.object.strings(list).contains {
                    referred($0, isAttribute: item.isAttribute)?.object.name == item.object.name
                }
            }
        }
    }

    /// No attribute becomes mandatory for objects that are there, by itself or through an auxiliary class.
    private func checkRequirements(from old: Item, to new: Item) throws(SchemaRefusal) {
        guard new.objectClass != nil else { return }
        let added = required(by: new).subtracting(required(by: old))
        if let name = added.sorted().first { throw .newRequirement(name) }
    }

    /// Names of attributes that objects of the class must have, by its superiors and auxiliary classes, too.
    func required(by item: Item) -> Set<String> { named(by: item) { $0.must } }

    /// Names of attributes that they may have besides.
    func allowed(by item: Item) -> Set<String> { named(by: item) { $0.may } }

    private func named(by item: Item, _ list: (ClassDefinition) -> [String]) -> Set<String> {
        var names: Set<String> = []
        var seen: Set<String> = []
        var pending = [item]
        while let next = pending.popLast() {
            guard seen.insert(next.object.name).inserted else { continue }
            for name in next.objectClass.map(list) ?? [] {
                names.insert(referred(name, isAttribute: true)?.name ?? name)
            }
            pending += parents(of: next)
        }
        return names
    }
}

extension AttributeSyntax {
    /// Values that can be links: a name, alone or with octets.
    fileprivate var namesObjects: Bool { self == .distinguishedName || self == .distinguishedNameWithBinary }

    /// Whether a definition may have this pair.
    ///
    /// Active Directory's 2.5.5.x need the oMSyntax that belongs to them; an RFC syntax stands alone.
    /// - Source: MS-ADTS section 3.1.1.2.2.2; RFC 2252 section 4.3, RFC 4517 section 3.3, RFC 4530 section 2.1.
    static func isKnown(attributeSyntax: String, oMSyntax: Int?) -> Bool {
        if let known = oMSyntaxes[attributeSyntax] { return oMSyntax.map(known.contains) ?? false }
        let prefix = "1.3.6.1.4.1.1466.115.121.1."
        if attributeSyntax.hasPrefix(prefix) {
            return Int(attributeSyntax.dropFirst(prefix.count)).map { (1...58).contains($0) } ?? false
        }
        // A UUID; nisNetgroupTriple and bootParameter of RFC 2307.
        return ["1.3.6.1.1.16.1", "1.3.6.1.1.1.0.0", "1.3.6.1.1.1.0.1"].contains(attributeSyntax)
    }

    private static let oMSyntaxes: [String: Set<Int>] = [
        "2.5.5.1": [127], "2.5.5.2": [6], "2.5.5.3": [27], "2.5.5.4": [20], "2.5.5.5": [19, 22],
        "2.5.5.6": [18], "2.5.5.7": [127], "2.5.5.8": [1], "2.5.5.9": [2, 10], "2.5.5.10": [4, 127],
        "2.5.5.11": [23, 24], "2.5.5.12": [64], "2.5.5.13": [127], "2.5.5.14": [127], "2.5.5.15": [66],
        "2.5.5.16": [65], "2.5.5.17": [4],
    ]
}
