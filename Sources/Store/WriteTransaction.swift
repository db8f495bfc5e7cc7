import DirectoryModel
import GRDB
import Identifiers
import Replication

/// One transaction that changes stamped state: hands out USNs, writes bodies, keeps indexes and placement.
///
/// Nothing here outlives a failed transaction: caches of the store take over its schema and attribute ids only
/// after the commit.
final class WriteTransaction {
    /// Reads what this transaction has written so far.
    let view: StoreSnapshot
    let now: Timestamp
    /// The newest USN handed out.
    private(set) var highestUSN: USN
    private let startUSN: USN
    /// Objects of the schema naming context changed, and the schema was not rebuilt since.
    private(set) var isSchemaStale = false
    private(set) var schemaChanged = false
    private(set) var configurationChanged = false
    private var placements: [Int64: PlacementRows] = [:]
    private let indexRows: IndexRows
    private var knownAge: Int64?
    var knownLinkFloor: Timestamp?
    let ledger: ConflictLedger
    var governance = Governance()
    /// By attribute id; nil = known to need no rows.
    private var indexedAttributes: [Int32: IndexedAttribute?] = [:]
    private var classRows: ClassRows

    init(_ view: StoreSnapshot, at now: Timestamp) throws {
        self.view = view
        self.now = now
        indexRows = IndexRows(db: view.db)
        classRows = ClassRows(view.schema)
        ledger = ConflictLedger(view.db, at: now)
        highestUSN = try view.highestUSN()
        startUSN = highestUSN
    }

    var db: Database { view.db }
    var objects: ObjectRows { view.objects }
    var links: LinkRows { view.links }
    var destinationRows: DestinationRows { view.destinationRows }
    var identity: ReplicaIdentity { view.identity }

    /// One for every changed object or link value, and for nothing else.
    func takeUSN() throws -> USN {
        guard highestUSN < .max else { throw StoreError.usnsExhausted }
        if planted(.transactionSharesUSN), highestUSN != startUSN { return highestUSN }
        highestUSN = highestUSN.next
        return highestUSN
    }

    /// The last step before the commit.
    func finish() throws {
        try checkReferences()
        try refreshSchema()
        try ledger.finish()
        if highestUSN != startUSN { try MetaRows(db: db).saveHighestUSN(highestUSN) }
    }

    func attributeID(_ oid: OID) throws -> Int32 { try view.attributeIDs.id(for: oid, in: db) }

    func stamp(over previous: Stamp?, usn: USN) -> Stamp {
        Stamp.originating(over: previous, at: now, by: identity.invocationID, usn: usn)
    }

    // MARK: - Objects

    /// Writes an object's new body: its row, its index rows, its place and what that touches.
    ///
    /// `existing` is the object as it was, nil for a new one; `name` is the body's, where it is at hand.
    func write(
        _ guid: GUID,
        in context: HeldNamingContext,
        existing: (row: ObjectRow, body: ObjectBody)?,
        body: ObjectBody,
        name known: NameValue? = nil,
        usn: USN
    ) throws {
        guard let name = body[AttributeIDs.name], let nameOctets = name.valueSet.first else {
            throw StoreError.damaged("object \(guid) would have no name")
        }
        note(changeIn: context)
        let isDeleted = body.isMarkedDeleted
        let dies = isDeleted && existing?.row.node.isTombstone == false
        let body = dies && planted(.tombstoneStripped) ? body.stripped : body
        if let existing, existing.row.node.nameStamp == name.stamp,
            existing.row.node.isTombstone == isDeleted,
            !isDeleted || existing.body[AttributeIDs.isDeleted] == body[AttributeIDs.isDeleted]
        {
            try objects.update(id: existing.row.id, usn: usn, body: body.encoded())
            try index(existing.row.id, from: existing.body, to: body)
            return
        }
        guard let value = known ?? NameValue(octets: nameOctets) else {
            throw StoreError.damaged("object \(guid) would have no name")
        }
        let before = existing?.row.node
        let node = try place(
            PlacementNode(
                objectGUID: guid,
                parent: value.parent,
                rdnKey: value.rdn.key,
                nameStamp: name.stamp,
                isTombstone: isDeleted,
                isFixed: context.isFixed(guid),
                holdsMangledName: MangledName.parse(value.rdn.value) != nil,
                placedParent: before?.placedParent,
                standing: before?.standing ?? .waiting,
                isClashLoser: before?.isClashLoser ?? false
            ),
            before: before,
            in: context
        )
        // A newer deletion counts anew: somebody may have seen it only just now.
        let isSameDeletion =
            isDeleted
            && existing?.body[AttributeIDs.isDeleted]?.stamp == body[AttributeIDs.isDeleted]?.stamp
        var row = ObjectRow(
            id: existing?.row.id ?? 0,
            context: context.id,
            usn: usn,
            createdUSN: existing?.row.createdUSN ?? usn,
            rdn: Array(nameOctets[16...]),
            node: node,
            arrived: isDeleted ? (isSameDeletion ? existing?.row.arrived : now) : nil,
            ageMark: isDeleted ? (isSameDeletion ? existing?.row.ageMark : try age()) : nil
        )
        if planted(.collectsByOriginTime), let mark = row.ageMark, !isSameDeletion,
            let written = body[AttributeIDs.isDeleted]?.stamp.time
        {
            row.ageMark = mark - (now.seconds - written.seconds)
        }
        if existing == nil {
            row.id = try objects.insert(row, body: body.encoded())
        } else {
            try objects.update(row, body: body.encoded())
        }
        try index(row.id, from: existing?.body ?? ObjectBody(), to: body)
        view.forgetNames()
    }

    private func place(_ node: PlacementNode, before: PlacementNode?, in context: HeldNamingContext) throws
        -> PlacementNode
    {
        let placement = Placement(
            namingContext: context.guid,
            hasLostAndFound: context.role.hasFixedContainers
        )
        // Taken out while it changes, so that its cache is not copied.
        var rows = placements.removeValue(forKey: context.id) ?? PlacementRows(objects, context: context.id)
        let placed = try rows.place(node, before: before, by: placement)
        placements[context.id] = rows
        return placed
    }

    /// Takes an object out for good, as if it had never been here: no stamp, no USN.
    ///
    /// Its own link values go with it; those that point to it stay, hidden.
    func remove(_ row: ObjectRow, _ body: ObjectBody, from context: HeldNamingContext) throws {
        let emptied = body.attributes.map { attribute in
            ObjectBody.Attribute(
                id: attribute.id,
                stamp: attribute.stamp,
                localUSN: attribute.localUSN,
                values: []
            )
        }
        try index(row.id, from: body, to: ObjectBody(attributes: emptied))
        try Query("DELETE FROM links WHERE source = ?", in: db).run(.guid(row.guid))
        try Query("DELETE FROM objects WHERE id = ?", in: db).run(.integer(row.id))
        let placement = Placement(
            namingContext: context.guid,
            hasLostAndFound: context.role.hasFixedContainers
        )
        var rows = placements.removeValue(forKey: context.id) ?? PlacementRows(objects, context: context.id)
        try rows.remove(row.node, by: placement)
        placements[context.id] = rows
        note(changeIn: context)
        view.forgetNames()
    }

    /// What the `AgeClock` shows now.
    func age() throws -> Int64 {
        if let knownAge { return knownAge }
        let age = try AgeRows(db: db).clock()?.reading(at: now) ?? 0
        knownAge = age
        return age
    }

    func note(changeIn context: HeldNamingContext) {
        switch context.role {
        case .schema: (isSchemaStale, schemaChanged) = (true, true)
        case .configuration: configurationChanged = true
        case .domain: break
        }
    }

    // MARK: - Schema and indexes

    /// The schema that the objects written so far make.
    func refreshSchema() throws {
        guard isSchemaStale else { return }
        isSchemaStale = false
        let old = view.schema
        view.schema = try SchemaRows.load(from: view)
        indexedAttributes = [:]
        classRows = ClassRows(view.schema)
        try reindex(from: old)
        if view.schema.partialAttributeSet != old.partialAttributeSet { try takePartialSets() }
    }

    private func index(_ object: Int64, from old: ObjectBody, to new: ObjectBody) throws {
        var changes: [(attribute: IndexedAttribute, old: [[UInt8]], new: [[UInt8]])] = []
        for attribute in new.attributes {
            guard let indexed = try indexedAttribute(attribute.id) else { continue }
            let before = old[attribute.id]?.valueSet ?? .empty
            if before == attribute.valueSet { continue }
            changes.append((indexed, before.values, indexedValues(of: attribute)))
        }
        try indexRows.update(object, changes)
    }

    private func indexedValues(of attribute: ObjectBody.Attribute) -> [[UInt8]] {
        attribute.id == AttributeIDs.objectClass
            ? classRows.indexed(attribute.valueSet) : attribute.values
    }

    private func indexedAttribute(_ id: Int32) throws -> IndexedAttribute? {
        if let known = indexedAttributes[id] { return known }
        let oid = try view.attributeIDs.oid(of: id, in: db)
        let definition = view.schema.attribute(oid: oid)
        let indexed = definition.flatMap {
            $0.needsIndexRows ? IndexedAttribute(id: id, definition: $0) : nil
        }
        indexedAttributes.updateValue(indexed, forKey: id)
        return indexed
    }

    /// Rebuilds the rows of attributes that a schema change made indexed, or compares differently now.
    private func reindex(from old: Schema) throws {
        var changed: [Int32: IndexedAttribute] = [:]
        for definition in old.attributes where definition.needsIndexRows {
            guard let id = try view.attributeIDs.existingID(for: definition.oid, in: db),
                view.schema.attribute(oid: definition.oid).map(\.indexForm) != definition.indexForm
            else { continue }
            try indexRows.removeAll(of: id)
        }
        for definition in view.schema.attributes where definition.needsIndexRows {
            guard let id = try view.attributeIDs.existingID(for: definition.oid, in: db),
                old.attribute(oid: definition.oid).map(\.indexForm) != definition.indexForm
            else { continue }
            changed[id] = IndexedAttribute(id: id, definition: definition)
        }
        if ClassRows.mustBeRebuilt(from: old, to: view.schema),
            let definition = view.schema.attribute(oid: .objectClass)
        {
            try indexRows.removeAll(of: AttributeIDs.objectClass)
            changed[AttributeIDs.objectClass] = IndexedAttribute(
                id: AttributeIDs.objectClass,
                definition: definition
            )
        }
        guard !changed.isEmpty else { return }
        let scan = try Query(streaming: "SELECT id, guid, body FROM objects", in: db)
        defer { scan.stop() }
        try scan.start()
        while try scan.step() {
            let body = try ObjectRows.body(scan.columns.octets(2), of: scan.columns.guid(1))
            let added = body.attributes.compactMap { attribute in
                changed[attribute.id].map {
                    (attribute: $0, old: [[UInt8]](), new: indexedValues(of: attribute))
                }
            }
            try indexRows.update(scan.columns.integer(0), added)
        }
    }
}

extension AttributeDefinition {
    /// Links have an index of their own.
    fileprivate var needsIndexRows: Bool {
        (isIndexed || oid == .objectClass) && linkID == nil && oid != .name
    }

    /// What must be equal for rows to stay as they are.
    fileprivate var indexForm: [String] {
        [needsIndexRows ? "indexed" : "", syntax.rawValue, isCaseSensitive ? "case" : ""]
    }
}

extension HeldNamingContext {
    func isFixed(_ guid: GUID) -> Bool {
        guid == self.guid
            || role.hasFixedContainers
                && (guid == FixedObject.lostAndFound.objectGUID(in: self.guid)
                    || guid == FixedObject.deletedObjects.objectGUID(in: self.guid))
    }
}

extension ObjectBody {
    static let deletedMark = Array("TRUE".utf8)

    /// What a planted bug leaves of a tombstone.
    var stripped: ObjectBody {
        let kept: Set<Int32> = [AttributeIDs.name, AttributeIDs.objectClass, AttributeIDs.isDeleted]
        return ObjectBody(
            attributes: attributes.map {
                kept.contains($0.id)
                    ? $0 : .init(id: $0.id, stamp: $0.stamp, localUSN: $0.localUSN, values: [])
            }
        )
    }

    var isMarkedDeleted: Bool { self[AttributeIDs.isDeleted]?.valueSet.first == Self.deletedMark }
}
