import DirectoryModel
import Identifiers
import Replication

/// What a transaction knows of its author, and of the definitions that it wrote.
struct Governance {
    var author = WriteAuthor.directory
    /// Which operation of the list is under way.
    var operationIndex: Int?
    fileprivate var catalogue: SchemaCatalogue?
    /// Definitions whose references are judged when all operations are known.
    fileprivate var unchecked: [(definition: String, operationIndex: Int?)] = []
}

/// The rules of the schema for originating writes into its naming context.
extension WriteTransaction {
    /// Refuses what only the directory itself writes.
    ///
    /// In the schema such attributes make a definition; that they never change is the definitions' own rule.
    func guardAuthor(of definition: AttributeDefinition, in context: HeldNamingContext) throws {
        guard governance.author == .administrator, definition.isSystemOnly, context.role != .schema else {
            return
        }
        throw DirectoryError(
            .constraintViolation,
            "attribute \(definition.name) is written by the directory itself alone (systemOnly)",
            hint: "leave it out"
        )
    }

    /// Judges a new object of the schema, by its stored values.
    func govern(
        adding guid: GUID,
        _ values: [(OID, [[UInt8]])],
        under parent: GUID,
        in context: HeldNamingContext
    )
        throws
    {
        guard context.role == .schema else {
            let object = schemaObject(guid, values)
            guard object.declaredKind == .other else {
                throw DirectoryError(
                    .namingViolation,
                    "a definition of the schema cannot stand in \(context.dn.description(naming: view.schema))",
                    hint: "add it below the head of the schema naming context"
                )
            }
            return
        }
        let object = schemaObject(guid, values)
        let name = try displayName(values, guid)
        guard parent == context.guid else { throw error(.misplaced(name), about: name) }
        var catalogue = try catalogue()
        if let objection = catalogue.objectionToAdding(object) {
            if case .notDefinition = objection { throw error(.notDefinition(name), about: name) }
            throw error(objection, about: name)
        }
        governance.catalogue = nil
        catalogue.set(object)
        governance.catalogue = catalogue
        governance.unchecked.append((object.name, governance.operationIndex))
    }

    /// Judges a change of an object of the schema; others pass.
    func govern(
        changing held: HeldObject,
        _ changed: [Int32: (definition: AttributeDefinition, values: [[UInt8]])]
    ) throws {
        guard held.context.role == .schema, held.row.guid != held.context.guid, !changed.isEmpty else {
            return
        }
        let old = try schemaObject(held)
        guard old.declaredKind != .other else { return }
        var new = old
        for (definition, values) in changed.values {
            new.values[definition.name.asciiLowercased] = values.isEmpty ? nil : values
        }
        var catalogue = try catalogue()
        let fixed = changed.values.map(\.definition).filter(\.isSystemOnly).map(\.name).sorted()
        if let objection = catalogue.objectionToChanging(old, to: new, fixed: fixed) {
            throw error(objection, about: try describe(held.row.guid))
        }
        governance.catalogue = nil
        catalogue.set(new)
        governance.catalogue = catalogue
        governance.unchecked.append((new.name, governance.operationIndex))
    }

    /// Judges a new name of an object of the schema; others pass.
    func govern(renaming held: HeldObject) throws {
        guard held.context.role == .schema else { return }
        if let objection = try catalogue().objectionToRenaming(try schemaObject(held)) {
            throw error(objection, about: try describe(held.row.guid))
        }
    }

    /// Judges what the definitions of this transaction refer to.
    func checkReferences() throws {
        guard let catalogue = governance.catalogue else { return }
        for (name, index) in governance.unchecked {
            guard let objection = catalogue.objectionToReferences(ofObjectNamed: name) else { continue }
            var error = error(objection, about: try GUID(name).map(describe) ?? name)
            error.operationIndex = index
            throw error
        }
        governance.unchecked = []
    }

    /// Every definition as this transaction has it.
    private func catalogue() throws -> SchemaCatalogue {
        if let known = governance.catalogue { return known }
        try refreshSchema()
        let catalogue = SchemaCatalogue(view.schema)
        governance.catalogue = catalogue
        return catalogue
    }

    /// Named as `SchemaRows` names what it loads.
    private func schemaObject(_ guid: GUID, _ values: [(OID, [[UInt8]])]) -> SchemaObject {
        var named: [String: [[UInt8]]] = [:]
        for (oid, values) in values {
            guard let name = view.schema.name(of: oid) else { continue }
            named[name.asciiLowercased] = values
        }
        return SchemaObject(name: guid.description, values: named)
    }

    private func schemaObject(_ held: HeldObject) throws -> SchemaObject {
        let values = try held.body.attributes.filter { !$0.valueSet.isEmpty }.map { attribute in
            (try view.attributeIDs.oid(of: attribute.id, in: db), attribute.values)
        }
        return schemaObject(held.row.guid, values)
    }

    private func displayName(_ values: [(OID, [[UInt8]])], _ guid: GUID) throws -> String {
        let cn = values.first { $0.0 == .cn }?.1.first.flatMap { String(validating: $0, as: UTF8.self) }
        return cn ?? guid.description
    }

    private func error(_ refusal: SchemaRefusal, about object: String) -> DirectoryError {
        DirectoryError(refusal.resultCode, "schema object \(object): \(refusal)", hint: refusal.hint)
    }
}

extension SchemaRefusal {
    fileprivate var resultCode: ResultCode {
        switch self {
        case .malformed, .unknownSyntax, .linkNeedsNames, .noForwardLink, .rangeReversed, .unknownReference,
            .defunctReference, .wrongKind, .cycle:
            .constraintViolation
        case .notDefinition, .kindChanged: .objectClassViolation
        case .misplaced: .namingViolation
        case .identifierInUse, .nameInUse, .nameIsAlias, .linkInUse: .entryAlreadyExists
        case .unchangeable, .narrowed, .baseObject, .newRequirement, .nameFixed, .defunctInUse:
            .unwillingToPerform
        }
    }
}
