/// What a class means for an entry, its superiors and fixed auxiliary classes included.
struct ClassRules: Sendable {
    /// Superiors and auxiliary classes with the class itself, `top` first.
    var chain: [OID]
    /// Superior classes alone, without the class itself.
    var superiors: Set<OID>
    var kind: ClassKind
    /// Of the class alone, not of its chain.
    var must: [OID]
    var may: Set<OID>
}

/// The schema under construction.
struct SchemaTables {
    var problems: [SchemaProblem] = []
    var attributesByOID: [OID: AttributeDefinition] = [:]
    var attributeOIDsByName: [String: OID] = [:]
    var classesByOID: [OID: ClassDefinition] = [:]
    var classOIDsByName: [String: OID] = [:]
    var rules: [OID: ClassRules] = [:]
    /// As the objects have them: values with octets of their own have forward links, too.
    private var linkIDs: Set<Int> = []

    mutating func read(_ object: SchemaObject) {
        do {
            if object.kind == .attribute, let linkID = object.linkID { linkIDs.insert(linkID) }
            switch object.kind {
            case .attribute: add(try object.attributeDefinition(), from: object)
            case .objectClass: add(try object.classDefinition(), from: object)
            case .other: break
            }
        } catch {
            problems.append(SchemaProblem(object: object.name, reason: error.reason))
        }
    }

    private mutating func add(_ attribute: AttributeDefinition, from object: SchemaObject) {
        if let other = attributesByOID[attribute.oid] {
            report(object, "attributeID \(attribute.oid) already belongs to \(other.name)")
        } else if attributeOIDsByName[attribute.name.asciiLowercased] != nil {
            report(object, "an attribute named \(attribute.name) exists already")
        } else {
            attributesByOID[attribute.oid] = attribute
            attributeOIDsByName[attribute.name.asciiLowercased] = attribute.oid
        }
    }

    private mutating func add(_ objectClass: ClassDefinition, from object: SchemaObject) {
        if let other = classesByOID[objectClass.oid] {
            report(object, "governsID \(objectClass.oid) already belongs to \(other.name)")
        } else if classOIDsByName[objectClass.name.asciiLowercased] != nil {
            report(object, "a class named \(objectClass.name) exists already")
        } else {
            classesByOID[objectClass.oid] = objectClass
            classOIDsByName[objectClass.name.asciiLowercased] = objectClass.oid
        }
    }

    /// Aliases come last: a name of its own beats another attribute's alias.
    mutating func addAliases() {
        for attribute in attributesByOID.values.sorted(by: { $0.oid < $1.oid }) {
            for alias in attribute.aliases where attributeOIDsByName[alias.asciiLowercased] == nil {
                attributeOIDsByName[alias.asciiLowercased] = attribute.oid
            }
            if attribute.isBackLink, let linkID = attribute.linkID, !linkIDs.contains(Int(linkID) - 1) {
                problems.append(
                    SchemaProblem(object: attribute.name, reason: "back link without its forward link")
                )
            }
        }
        for objectClass in classesByOID.values.sorted(by: { $0.oid < $1.oid }) {
            for alias in objectClass.aliases where classOIDsByName[alias.asciiLowercased] == nil {
                classOIDsByName[alias.asciiLowercased] = objectClass.oid
            }
        }
    }

    mutating func compileRules() {
        for objectClass in classesByOID.values.sorted(by: { $0.oid < $1.oid }) {
            var superiors: [OID] = []
            var chain: [OID] = []
            collect(objectClass, superiors: &superiors, chain: &chain, depth: 0)
            let must = resolve(objectClass.must, of: objectClass)
            rules[objectClass.oid] = ClassRules(
                chain: chain,
                superiors: Set(superiors),
                kind: objectClass.kind,
                must: must,
                may: Set(resolve(objectClass.may, of: objectClass)).union(must)
            )
            checkPossibleSuperiors(of: objectClass)
        }
    }

    /// Classes above one class, at most; a longer chain is a cycle or hostile.
    private static let depthMax = 32

    private mutating func collect(
        _ objectClass: ClassDefinition,
        superiors: inout [OID],
        chain: inout [OID],
        depth: Int
    ) {
        guard depth < Self.depthMax else {
            problems.append(
                SchemaProblem(
                    object: objectClass.name,
                    reason: "its superiors form a cycle, or over 32 levels"
                )
            )
            return
        }
        if let name = objectClass.superiorName {
            if let superior = classOID(name).flatMap({ classesByOID[$0] }) {
                if superior.oid != objectClass.oid {
                    if depth == superiors.count { superiors.append(superior.oid) }
                    collect(superior, superiors: &superiors, chain: &chain, depth: depth + 1)
                }
            } else {
                problems.append(
                    SchemaProblem(object: objectClass.name, reason: "unknown superior class \(name)")
                )
            }
        }
        for name in objectClass.auxiliary {
            guard let auxiliary = classOID(name).flatMap({ classesByOID[$0] }) else {
                problems.append(
                    SchemaProblem(object: objectClass.name, reason: "unknown auxiliary class \(name)")
                )
                continue
            }
            var ignored: [OID] = []
            if !chain.contains(auxiliary.oid) {
                collect(auxiliary, superiors: &ignored, chain: &chain, depth: depth + 1)
            }
        }
        if !chain.contains(objectClass.oid) { chain.append(objectClass.oid) }
    }

    private mutating func resolve(_ names: [String], of objectClass: ClassDefinition) -> [OID] {
        var oids: [OID] = []
        for name in names {
            if let oid = attributeOIDsByName[name.asciiLowercased] ?? OID(name), attributesByOID[oid] != nil {
                oids.append(oid)
            } else {
                problems.append(SchemaProblem(object: objectClass.name, reason: "unknown attribute \(name)"))
            }
        }
        return oids
    }

    private mutating func checkPossibleSuperiors(of objectClass: ClassDefinition) {
        for name in objectClass.possibleSuperiors where classOID(name) == nil {
            problems.append(
                SchemaProblem(object: objectClass.name, reason: "unknown possible superior \(name)")
            )
        }
    }

    private func classOID(_ name: String) -> OID? { classOIDsByName[name.asciiLowercased] ?? OID(name) }

    private mutating func report(_ object: SchemaObject, _ reason: String) {
        problems.append(SchemaProblem(object: object.name, reason: reason))
    }
}
