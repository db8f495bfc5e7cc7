import DirectoryModel
import Identifiers
import Replication

/// What the operations of originating writes share: finding, guarding, preparing values.
extension WriteTransaction {
    typealias HeldObject = (row: ObjectRow, body: ObjectBody, context: HeldNamingContext)

    func originate(_ operation: OriginatingOperation, randomGUID: () -> GUID) throws -> WriteResult {
        guard identity.isSet else { throw StoreError.identityNotSet }
        switch operation {
        case .add(let entry, let guid):
            return try add(entry, as: guid ?? randomGUID())
        case .modify(let reference, let modifications):
            return try modify(reference, modifications)
        case .rename(let reference, let newRDN, let deleteOldRDN, let newSuperior):
            return try rename(reference, to: newRDN, deleteOldRDN: deleteOldRDN, newSuperior: newSuperior)
        case .delete(let reference, let tree):
            return try delete(reference, tree: tree)
        case .undelete(let guid, let newParent):
            return try undelete(guid, newParent: newParent)
        }
    }

    // MARK: - Finding and guarding

    /// A visible object of a writable naming context.
    func writableObject(_ reference: ObjectReference) throws -> HeldObject {
        guard let guid = try view.objectGUID(of: reference), let held = try objects.rowAndBody(guid),
            held.row.node.isVisible
        else { throw noSuchObject(reference) }
        let context = try view.context(id: held.row.context)
        try guardWritable(context)
        return (held.row, held.body, context)
    }

    func guardWritable(_ context: HeldNamingContext) throws {
        guard context.isPartial else { return }
        let name = context.dn.description(naming: view.schema)
        throw DirectoryError(
            .unwillingToPerform,
            "this DSA holds only a read-only partial replica of \(name)",
            hint: "make the change at a DSA of that domain"
        )
    }

    func guardNotFixed(_ held: HeldObject, _ verb: String) throws {
        guard !held.row.node.isFixed else {
            throw DirectoryError(
                .unwillingToPerform,
                "\(try describe(held.row.guid)) is a fixed object and cannot be \(verb)"
            )
        }
    }

    func guardNotSchema(_ context: HeldNamingContext, _ verb: String) throws {
        guard context.role != .schema else {
            throw DirectoryError(.unwillingToPerform, "objects of the schema cannot be \(verb)")
        }
    }

    /// A visible object that others may be put under.
    func superior(_ reference: ObjectReference, in context: HeldNamingContext) throws -> ObjectRow {
        guard let guid = try view.objectGUID(of: reference), let row = try objects.row(guid),
            row.node.isVisible
        else { throw noSuchObject(reference, what: "the superior") }
        guard row.context == context.id else {
            throw DirectoryError(
                .affectsMultipleDSAs,
                "\(try describe(guid)) belongs to another naming context",
                hint: "objects cannot move between domains"
            )
        }
        guard guid != FixedObject.deletedObjects.objectGUID(in: context.guid) else {
            throw DirectoryError(.unwillingToPerform, "nothing can be put under Deleted Objects by hand")
        }
        return row
    }

    func guardRDN(_ rdn: RDN) throws {
        let name = rdn.type.description
        guard !rdn.value.isEmpty else {
            throw DirectoryError(.namingViolation, "the RDN of type \(name) is empty")
        }
        guard !rdn.value.utf8.contains(0x0a) else {
            throw DirectoryError(
                .namingViolation,
                "an RDN must not contain a line feed",
                hint: "line feeds mark the names of conflicts and tombstones"
            )
        }
    }

    func guardFree(_ rdn: RDN, under parent: GUID, except guid: GUID?) throws {
        let occupant = try objects.occupants(of: parent, rdnKey: rdn.key).first {
            $0.node.isVisible && !$0.node.isClashLoser && !$0.node.holdsMangledName && $0.guid != guid
        }
        if let occupant {
            throw DirectoryError(.entryAlreadyExists, "\(try describe(occupant.guid)) exists already")
        }
        let heads = view.namingContexts.filter { $0.dn.leaf == rdn }
        guard !heads.isEmpty, let dn = try view.dn(of: parent)?.child(rdn) else { return }
        if let head = heads.first(where: { $0.dn == dn }) {
            throw DirectoryError(
                .entryAlreadyExists,
                "\(head.dn.description(naming: view.schema)) is the head of a naming context"
            )
        }
    }

    func noSuchObject(_ reference: ObjectReference, what: String? = nil) -> DirectoryError {
        let name =
            switch reference {
            case .dn(let dn): dn.description(naming: view.schema)
            case .guid(let guid): guid.description
            }
        return DirectoryError(.noSuchObject, (what.map { $0 + " " } ?? "") + "\(name) does not exist")
    }

    func describe(_ guid: GUID) throws -> String {
        try view.dn(of: guid)?.description(naming: view.schema) ?? guid.description
    }

    // MARK: - Values

    /// The definition of an attribute that a client may write.
    func writableDefinition(_ name: String, in context: HeldNamingContext) throws -> AttributeDefinition {
        guard let definition = view.schema.attribute(named: name) else {
            guard !view.schema.isDefunct(.attribute, named: name) else {
                throw DirectoryError(
                    .undefinedAttributeType,
                    "attribute \(name) is defunct",
                    hint: "take another attribute, or clear isDefunct of its attributeSchema object"
                )
            }
            throw DirectoryError(
                .undefinedAttributeType,
                "attribute \(name) is not in the schema",
                hint: "import its attributeSchema object first"
            )
        }
        guard !definition.isKeptByDirectory, definition.oid != .isDeleted else {
            throw DirectoryError(
                .constraintViolation,
                "attribute \(definition.name) is kept by the directory itself"
            )
        }
        try guardAuthor(of: definition, in: context)
        return definition
    }

    /// Values as they are stored: references resolved, sorted, no repeats.
    func stored(_ values: [[UInt8]], of definition: AttributeDefinition) throws -> [[UInt8]] {
        var matched: Set<[UInt8]> = []
        var stored: [[UInt8]] = []
        for value in values {
            let octets = definition.holdsReferences ? try reference(value, of: definition).octets : value
            guard matched.insert(matchingForm(octets, of: definition)).inserted else {
                throw DirectoryError(.attributeOrValueExists, "a value of \(definition.name) is given twice")
            }
            stored.append(octets)
        }
        return stored.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// What two stored values are compared by.
    func matchingForm(_ stored: [UInt8], of definition: AttributeDefinition) -> [UInt8] {
        guard definition.holdsReferences else { return definition.normalized(stored, naming: view.schema) }
        guard let reference = ReferenceValue(octets: stored) else { return stored }
        return reference.target?.octets
            ?? definition.normalized(Array(reference.text.utf8), naming: view.schema)
    }

    /// Values as the schema check reads them.
    func presented(_ stored: [[UInt8]], of definition: AttributeDefinition) -> [[UInt8]] {
        guard definition.holdsReferences else { return stored }
        return stored.map { ReferenceValue(octets: $0).map { Array($0.text.utf8) } ?? $0 }
    }

    /// Reads a DN, or `<GUID=...>` of an object that has one.
    func distinguishedName(_ value: [UInt8], of definition: AttributeDefinition) throws -> DistinguishedName {
        if let guid = GUIDName.parse(value) {
            guard let dn = try view.dn(of: guid) else {
                throw noSuchObject(.guid(guid), what: "the target of \(definition.name)")
            }
            return dn
        }
        guard let text = String(validating: value, as: UTF8.self) else {
            throw DirectoryError(
                .invalidAttributeSyntax,
                "a value of \(definition.name) is not a distinguished name: not UTF-8"
            )
        }
        do {
            return try DistinguishedName(parsing: text, naming: view.schema)
        } catch {
            throw DirectoryError(
                .invalidAttributeSyntax,
                "a value of \(definition.name) is not a distinguished name: \(error)",
                hint: error.hint
            )
        }
    }

    /// The target's GUID when it is known, also of an NC head that has not arrived yet.
    private func reference(_ value: [UInt8], of definition: AttributeDefinition) throws -> ReferenceValue {
        let dn = try distinguishedName(value, of: definition)
        let target = try view.resolve(dn) ?? view.namingContexts.first { $0.dn == dn }?.guid
        let isByGUID = GUIDName.parse(value) != nil
        let text = isByGUID ? dn.description(naming: view.schema) : String(decoding: value, as: UTF8.self)
        return ReferenceValue(target: target, text: text)
    }

    /// Schema check of what an object would become.
    func check(_ attributes: [(AttributeDefinition, [[UInt8]])], rdn: RDN) throws {
        let classes = attributes.first { $0.0.oid == .objectClass }?.1 ?? []
        do {
            try view.schema.check(
                objectClasses: classes.map { String(decoding: $0, as: UTF8.self) },
                attributes: attributes,
                rdn: rdn
            )
        } catch {
            throw DirectoryError(error.resultCode, error.description, hint: error.hint)
        }
    }

    /// Class names as the schema writes them, with all superiors.
    func expandedClasses(_ values: [[UInt8]]) -> [[UInt8]] {
        let names = values.map { String(decoding: $0, as: UTF8.self) }
        let unknown = names.filter { view.schema.objectClass(named: $0) == nil }
        return (view.schema.closure(of: names) + unknown).map { Array($0.utf8) }
            .sorted { $0.lexicographicallyPrecedes($1) }
    }
}

extension SchemaViolation {
    fileprivate var resultCode: ResultCode {
        switch self {
        case .unknownClass, .defunctClass, .noObjectClass, .noStructuralClass, .severalStructuralClasses,
            .missingAttribute,
            .attributeNotAllowed:
            .objectClassViolation
        case .severalValues, .noValues, .outOfRange: .constraintViolation
        case .invalidSyntax: .invalidAttributeSyntax
        case .rdnAttributeUnknown, .rdnValueMissing: .namingViolation
        }
    }
}

extension AttributeDefinition {
    private static let keptNames: Set<String> = [
        "name", "objectguid", "distinguishedname", "whencreated", "whenchanged", "usncreated", "usnchanged",
    ]

    /// Computed when an object is read: an export that has it says nothing new, and nobody writes it.
    package var isKeptByDirectory: Bool {
        isConstructed || isBackLink || Self.keptNames.contains(name.asciiLowercased)
    }
}
