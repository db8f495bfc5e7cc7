/// Why an entry does not fit the schema, by classes and attributes, never by values.
package enum SchemaViolation: Error, Hashable, Sendable {
    case unknownClass(String)
    case defunctClass(String)
    case noObjectClass
    case noStructuralClass
    case severalStructuralClasses([String])
    case missingAttribute(String, of: String)
    case attributeNotAllowed(String)
    case severalValues(String)
    case noValues(String)
    case invalidSyntax(attribute: String, reason: String)
    case outOfRange(attribute: String, lower: Int?, upper: Int?)
    case rdnAttributeUnknown(String)
    case rdnValueMissing(String)
}

extension SchemaViolation: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownClass(let name): "unknown object class \(name)"
        case .defunctClass(let name): "object class \(name) is defunct"
        case .noObjectClass: "the entry has no object class"
        case .noStructuralClass: "none of the object classes is structural"
        case .severalStructuralClasses(let names):
            "structural classes \(names.joined(separator: ", ")) do not descend from each other"
        case .missingAttribute(let name, let objectClass): "class \(objectClass) requires attribute \(name)"
        case .attributeNotAllowed(let name): "none of the object classes allows attribute \(name)"
        case .severalValues(let name): "attribute \(name) takes one value only"
        case .noValues(let name): "attribute \(name) has no value"
        case .invalidSyntax(let name, let reason): "a value of attribute \(name) is invalid: \(reason)"
        case .outOfRange(let name, let lower, let upper):
            "a value of attribute \(name) is outside \(lower.map { String($0) } ?? "...") to "
                + (upper.map { String($0) } ?? "...")
        case .rdnAttributeUnknown(let type): "the RDN's attribute type \(type) is not in the schema"
        case .rdnValueMissing(let name): "the RDN's value is not among the values of attribute \(name)"
        }
    }

    /// What a person can do about it, if anything.
    package var hint: String? {
        switch self {
        case .unknownClass: "import its classSchema object first"
        case .defunctClass: "take another class, or clear isDefunct of its classSchema object"
        case .attributeNotAllowed: "add an auxiliary class that allows it, or extensibleObject"
        case .noObjectClass, .noStructuralClass, .severalStructuralClasses, .missingAttribute, .severalValues,
            .noValues, .invalidSyntax, .outOfRange, .rdnAttributeUnknown, .rdnValueMissing:
            nil
        }
    }
}

extension Schema {
    /// Checks the result of an originating add or modify; replicated writes are never checked.
    ///
    /// Object classes exist with exactly one structural chain, required attributes are there, every attribute
    /// is allowed (`extensibleObject` allows all), cardinality, syntax and range fit, and the RDN's value is
    /// among the values of its attribute. Class-88 classes count as structural only when no other class is,
    /// and a superior that such a class brings in does not count: `domainDNS` may share an entry with
    /// `organization`.
    package func check(
        objectClasses: [String],
        attributes: [(AttributeDefinition, [[UInt8]])],
        rdn: RDN
    ) throws(SchemaViolation) {
        let classes = try classes(named: objectClasses)
        try checkStructure(of: classes)
        let members = closure(ofOIDs: classes.map(\.oid))
        let present = Set(attributes.map(\.0.oid))
        for member in members {
            for oid in rules[member]?.must ?? [] where !present.contains(oid) {
                throw .missingAttribute(
                    name(of: oid) ?? oid.description,
                    of: objectClass(oid: member)?.name ?? member.description
                )
            }
        }
        let allowsAll = members.contains(.extensibleObject)
        for (attribute, values) in attributes {
            guard allowsAll || members.contains(where: { rules[$0]?.may.contains(attribute.oid) ?? false })
            else { throw .attributeNotAllowed(attribute.name) }
            try check(values, of: attribute)
        }
        try check(rdn, among: attributes)
    }

    /// Cardinality, syntax and range of one attribute's values.
    package func check(
        _ values: [[UInt8]],
        of attribute: AttributeDefinition
    ) throws(SchemaViolation) {
        guard !values.isEmpty else { throw .noValues(attribute.name) }
        guard values.count == 1 || !attribute.isSingleValued else { throw .severalValues(attribute.name) }
        for value in values {
            do {
                try attribute.syntax.check(value)
            } catch {
                throw .invalidSyntax(attribute: attribute.name, reason: error.description)
            }
            try checkRange(of: value, attribute)
        }
    }

    private func classes(named names: [String]) throws(SchemaViolation) -> [ClassDefinition] {
        guard !names.isEmpty else { throw .noObjectClass }
        var classes: [ClassDefinition] = []
        for name in names {
            guard let found = objectClass(named: name) else {
                throw isDefunct(.objectClass, named: name) ? .defunctClass(name) : .unknownClass(name)
            }
            classes.append(found)
        }
        return classes
    }

    private func checkStructure(of classes: [ClassDefinition]) throws(SchemaViolation) {
        let either = classes.filter { $0.kind == .class88 }
        let broughtIn = either.reduce(into: Set<OID>()) { $0.formUnion(rules[$1.oid]?.superiors ?? []) }
        let structural = classes.filter { $0.kind == .structural && !broughtIn.contains($0.oid) }
        guard !structural.isEmpty else {
            // A listed structural superior of a class-88 class, or the class itself, carries the entry.
            guard !either.isEmpty else { throw .noStructuralClass }
            return
        }
        let heads = structural.filter { candidate in
            !structural.contains { rules[$0.oid]?.superiors.contains(candidate.oid) ?? false }
        }
        guard Set(heads.map(\.oid)).count == 1 else { throw .severalStructuralClasses(heads.map(\.name)) }
    }

    private func checkRange(of value: [UInt8], _ attribute: AttributeDefinition) throws(SchemaViolation) {
        guard attribute.rangeLower != nil || attribute.rangeUpper != nil else { return }
        guard let measure = attribute.syntax.measure(value) else { return }
        guard measure >= attribute.rangeLower ?? .min, measure <= attribute.rangeUpper ?? .max else {
            throw .outOfRange(
                attribute: attribute.name,
                lower: attribute.rangeLower,
                upper: attribute.rangeUpper
            )
        }
    }

    private func check(
        _ rdn: RDN,
        among attributes: [(AttributeDefinition, [[UInt8]])]
    ) throws(SchemaViolation) {
        guard let attribute = attribute(oid: rdn.type) else {
            throw .rdnAttributeUnknown(rdn.type.description)
        }
        let wanted = Array(rdn.value.utf8)
        let folded = attribute.normalized(wanted, naming: self)
        let values = attributes.first { $0.0.oid == rdn.type }?.1 ?? []
        guard values.contains(where: { $0 == wanted || attribute.normalized($0, naming: self) == folded })
        else { throw .rdnValueMissing(attribute.name) }
    }
}
