/// Attributes and classes by name and OID, and the rules that guard originating writes.
///
/// A value: a change of the schema naming context makes a new one from its objects.
/// - Source: RFC 4512 sections 2 and 4; MS-ADTS section 3.1.1.2.
package struct Schema: Sendable {
    /// Definitions that could not be used, and references that lead nowhere; the rest is kept.
    package let problems: [SchemaProblem]
    /// In OID order.
    package let attributes: [AttributeDefinition]
    /// In OID order.
    package let classes: [ClassDefinition]
    /// OIDs whose attribute is a member of the partial attribute set, sorted; `objectClass`, `name` and
    /// `isDeleted` always belong to it.
    package let partialAttributeSet: [OID]

    private let attributesByOID: [OID: AttributeDefinition]
    private let attributeOIDsByName: [String: OID]
    private let classesByOID: [OID: ClassDefinition]
    private let classOIDsByName: [String: OID]
    let rules: [OID: ClassRules]
    /// Defunct ones, too.
    let objects: [SchemaObject]
    private let defunctNames: [SchemaObject.Kind: Set<String>]

    /// Reads `attributeSchema` and `classSchema` objects; others are passed over.
    ///
    /// The first definition of an OID or a name wins.
    package init(objects: [SchemaObject]) {
        var tables = SchemaTables()
        for object in objects { tables.read(object) }
        tables.addAliases()
        tables.compileRules()
        self.objects = objects
        problems = tables.problems
        defunctNames = Self.defunctNames(of: objects)
        attributesByOID = tables.attributesByOID
        attributeOIDsByName = tables.attributeOIDsByName
        classesByOID = tables.classesByOID
        classOIDsByName = tables.classOIDsByName
        rules = tables.rules
        attributes = tables.attributesByOID.values.sorted { $0.oid < $1.oid }
        classes = tables.classesByOID.values.sorted { $0.oid < $1.oid }
        let always: Set<OID> = [.objectClass, .name, .isDeleted]
        partialAttributeSet = always.union(attributes.filter(\.isInPartialAttributeSet).map(\.oid)).sorted()
    }

    /// The schema with further objects, imported ones perhaps; an object of the same name is replaced.
    package func withAdded(_ added: [SchemaObject]) -> Schema {
        let names = Set(added.map(\.name))
        return Schema(objects: objects.filter { !names.contains($0.name) } + added)
    }

    private static func defunctNames(of objects: [SchemaObject]) -> [SchemaObject.Kind: Set<String>] {
        var names: [SchemaObject.Kind: Set<String>] = [:]
        for object in objects where object.isDefunct {
            guard let item = try? SchemaCatalogue.item(of: object) else { continue }
            names[object.declaredKind, default: []].insert(item.name.asciiLowercased)
        }
        return names
    }

    /// Whether a name that the schema does not know is that of a definition with `isDefunct`.
    package func isDefunct(_ kind: SchemaObject.Kind, named name: String) -> Bool {
        defunctNames[kind]?.contains(name.asciiLowercased) ?? false
    }

    /// By name, alias or dotted OID, ASCII case ignored.
    ///
    /// The transfer option `;binary` is passed over (RFC 4522); other options make it unknown.
    package func attribute(named name: String) -> AttributeDefinition? {
        var key = name.asciiLowercased
        if key.hasSuffix(";binary") { key = String(key.dropLast(7)) }
        if let oid = attributeOIDsByName[key] { return attributesByOID[oid] }
        return OID(key).flatMap { attributesByOID[$0] }
    }

    package func attribute(oid: OID) -> AttributeDefinition? { attributesByOID[oid] }

    /// By name or dotted OID, ASCII case ignored.
    package func objectClass(named name: String) -> ClassDefinition? {
        let key = name.asciiLowercased
        if let oid = classOIDsByName[key] { return classesByOID[oid] }
        return OID(key).flatMap { classesByOID[$0] }
    }

    package func objectClass(oid: OID) -> ClassDefinition? { classesByOID[oid] }

    /// The classes with all their superiors and fixed auxiliary classes, by their schema names: `top` first,
    /// every class behind its superior, each once; unknown names are left out.
    package func closure(of objectClasses: [String]) -> [String] {
        closure(ofOIDs: objectClasses.compactMap { objectClass(named: $0)?.oid })
            .compactMap { classesByOID[$0]?.name }
    }

    /// The classes whose closure has this class, itself included; empty for an unknown name.
    package func subclasses(of name: String) -> [ClassDefinition] {
        guard let oid = objectClass(named: name)?.oid else { return [] }
        return classes.filter { rules[$0.oid]?.chain.contains(oid) ?? false }
    }

    func closure(ofOIDs listed: [OID]) -> [OID] {
        var closure: [OID] = []
        var seen: Set<OID> = []
        for oid in listed {
            for member in rules[oid]?.chain ?? [] where seen.insert(member).inserted {
                closure.append(member)
            }
        }
        return closure
    }
}

extension Schema: AttributeNaming {
    /// Also reads a dotted OID that the schema does not know, so that names travel ahead of their schema.
    package func oid(named name: String) -> OID? { attribute(named: name)?.oid ?? OID(name) }

    package func name(of oid: OID) -> String? { attributesByOID[oid]?.name }
}

/// A definition that could not be used, or a reference that leads nowhere.
package struct SchemaProblem: Hashable, Sendable, CustomStringConvertible {
    /// The object's name (its DN or lDAPDisplayName).
    package var object: String
    package var reason: String

    package init(object: String, reason: String) {
        self.object = object
        self.reason = reason
    }

    package var description: String { "schema object \(object): \(reason)" }
}
