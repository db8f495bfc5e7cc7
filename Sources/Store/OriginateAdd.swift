import DirectoryModel
import Identifiers
import Replication

extension WriteTransaction {
    /// Adds an object under a parent that appears in the tree.
    func add(_ entry: Entry, as guid: GUID) throws -> WriteResult {
        guard let rdn = entry.dn.leaf, let parentDN = entry.dn.parent,
            let context = view.namingContext(owning: entry.dn)
        else {
            throw DirectoryError(
                .noSuchObject,
                "\(entry.dn.description(naming: view.schema)) lies in no naming context that this DSA holds"
            )
        }
        try guardWritable(context)
        guard entry.dn != context.dn else {
            throw DirectoryError(
                .entryAlreadyExists,
                "\(entry.dn.description(naming: view.schema)) is the head of a naming context"
            )
        }
        try guardRDN(rdn)
        let parent = try superior(.dn(parentDN), in: context)
        try guardFree(rdn, under: parent.guid, except: nil)
        guard try !objects.holds(guid) else {
            throw DirectoryError(.entryAlreadyExists, "an object \(guid) exists already")
        }
        let prepared = try prepare(entry.attributes, rdn: rdn, in: context)
        try govern(adding: guid, prepared.stored, under: parent.guid, in: context)
        _ = try create(guid, NameValue(parent: parent.guid, rdn: rdn), prepared.stored, in: context)
        for (definition, values) in prepared.links {
            let attribute = try attributeID(definition.oid)
            for target in try linkTargets(values, of: definition) {
                try setLink(from: guid, attribute, to: target, isPresent: true, in: context)
            }
        }
        return WriteResult(objectGUID: guid, usn: highestUSN)
    }

    /// Makes a naming context with its head and fixed containers.
    func create(_ namingContext: NamingContext, headAttributes: [EntryAttribute]) throws {
        guard identity.isSet else { throw StoreError.identityNotSet }
        guard let rdn = namingContext.dn.leaf else {
            throw DirectoryError(.namingViolation, "a naming context cannot be the root of everything")
        }
        if let occupant = try view.resolve(namingContext.dn) {
            throw DirectoryError(.entryAlreadyExists, "\(try describe(occupant)) exists already")
        }
        let context = try insert(namingContext, isPartial: false)
        let prepared = try prepare(headAttributes, rdn: rdn, in: context)
        guard prepared.links.isEmpty else {
            throw DirectoryError(.constraintViolation, "the head of a naming context is made without links")
        }
        _ = try create(context.guid, NameValue(parent: .zero, rdn: rdn), prepared.stored, in: context)
        if context.role.hasFixedContainers {
            try createFixed(.lostAndFound, context.role.lostAndFoundName, "lostAndFound", in: context)
            try createFixed(.deletedObjects, "Deleted Objects", "container", in: context)
        }
        var destination = try destinationRows.load(context)
        destination.markCreatedHere()
        try destinationRows.save(destination)
    }

    func insert(_ context: NamingContext, isPartial: Bool) throws -> HeldNamingContext {
        guard !view.namingContexts.contains(where: { $0.guid == context.guid || $0.dn == context.dn }) else {
            throw StoreError.namingContextExists(context.guid)
        }
        let held = try NamingContextRows(db: db).insert(context, isPartial: isPartial, naming: view.schema)
        view.note(held)
        if isPartial { try takePartialSet(of: held) }
        return held
    }

    private func createFixed(
        _ object: FixedObject,
        _ name: String,
        _ objectClass: String,
        in context: HeldNamingContext
    ) throws {
        let classes = [Array("top".utf8), Array(objectClass.utf8)].sorted { $0.lexicographicallyPrecedes($1) }
        let rdn = RDN(type: .cn, value: name)
        _ = try create(
            object.objectGUID(in: context.guid),
            NameValue(parent: context.guid, rdn: rdn),
            [(.objectClass, classes), (.cn, [Array(name.utf8)])],
            in: context
        )
    }

    /// Writes a new object whose values are prepared.
    private func create(
        _ guid: GUID,
        _ name: NameValue,
        _ values: [(OID, [[UInt8]])],
        in context: HeldNamingContext
    ) throws -> USN {
        let usn = try takeUSN()
        let stamp = stamp(over: nil, usn: usn)
        var attributes = try values.map { oid, values in
            ObjectBody.Attribute(id: try attributeID(oid), stamp: stamp, localUSN: usn, values: values)
        }
        attributes.append(
            ObjectBody.Attribute(id: AttributeIDs.name, stamp: stamp, localUSN: usn, values: [name.octets])
        )
        try write(guid, in: context, existing: nil, body: ObjectBody(attributes: attributes), usn: usn)
        return usn
    }

    private struct PreparedValues {
        var stored: [(OID, [[UInt8]])] = []
        var links: [(AttributeDefinition, [[UInt8]])] = []
    }

    /// Checks a new object's attributes and brings them into stored form.
    ///
    /// Where the schema refuses them, the definitions may stand earlier in the same list of operations: the
    /// schema is rebuilt only then, or a list of a thousand definitions would be read a thousand times.
    private func prepare(_ attributes: [EntryAttribute], rdn: RDN, in context: HeldNamingContext) throws
        -> PreparedValues
    {
        guard isSchemaStale else { return try prepareNow(attributes, rdn: rdn, in: context) }
        if context.role == .schema, let prepared = try? prepareNow(attributes, rdn: rdn, in: context) {
            return prepared
        }
        try refreshSchema()
        return try prepareNow(attributes, rdn: rdn, in: context)
    }

    private func prepareNow(_ attributes: [EntryAttribute], rdn: RDN, in context: HeldNamingContext) throws
        -> PreparedValues
    {
        var merged: [(AttributeDefinition, [[UInt8]])] = []
        for attribute in attributes {
            let definition = try writableDefinition(attribute.name, in: context)
            // The schema check reads names.
            let values =
                definition.syntax == .distinguishedName
                ? try attribute.values.map { try named($0, of: definition) } : attribute.values
            if let index = merged.firstIndex(where: { $0.0.oid == definition.oid }) {
                merged[index].1 += values
            } else {
                merged.append((definition, values))
            }
        }
        addRDNValue(of: rdn, to: &merged)
        for index in merged.indices where merged[index].0.oid == .objectClass {
            merged[index].1 = expandedClasses(merged[index].1)
        }
        try check(merged, rdn: rdn)
        var prepared = PreparedValues()
        for (definition, values) in merged {
            if definition.isForwardLink {
                prepared.links.append((definition, values))
            } else {
                prepared.stored.append((definition.oid, try stored(values, of: definition)))
            }
        }
        return prepared
    }

    private func named(_ value: [UInt8], of definition: AttributeDefinition) throws -> [UInt8] {
        guard GUIDName.parse(value) != nil else { return value }
        return Array(try distinguishedName(value, of: definition).description(naming: view.schema).utf8)
    }

    /// An entry may leave the naming value out; the directory keeps it among the attribute's values.
    private func addRDNValue(of rdn: RDN, to attributes: inout [(AttributeDefinition, [[UInt8]])]) {
        guard let definition = view.schema.attribute(oid: rdn.type) else { return }
        let value = Array(rdn.value.utf8)
        let wanted = definition.normalized(value, naming: view.schema)
        guard let index = attributes.firstIndex(where: { $0.0.oid == rdn.type }) else {
            attributes.append((definition, [value]))
            return
        }
        if !attributes[index].1.contains(where: { definition.normalized($0, naming: view.schema) == wanted })
        {
            attributes[index].1.append(value)
        }
    }
}
