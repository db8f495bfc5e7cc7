/// Every definition of a directory, the defunct ones too, by OID, name and linkID: what a new one is held against.
package struct SchemaCatalogue: Sendable {
    /// One attributeSchema or classSchema object.
    struct Item: Sendable {
        let object: SchemaObject
        let oid: OID
        let name: String
        let aliases: [String]
        let definition: Definition
        let isDefunct: Bool

        var isAttribute: Bool { attribute != nil }
        /// As the object has it; definitions drop that of values with octets of their own.
        var linkID: Int? { object.linkID }

        var attribute: AttributeDefinition? {
            if case .attribute(let definition) = definition { definition } else { nil }
        }

        var objectClass: ClassDefinition? {
            if case .objectClass(let definition) = definition { definition } else { nil }
        }
    }

    enum Definition: Sendable {
        case attribute(AttributeDefinition)
        case objectClass(ClassDefinition)
    }

    private var items: [String: Item] = [:]
    private var namesByOID: [OID: Set<String>] = [:]
    private var namesByName: [String: Set<String>] = [:]
    private var namesByAlias: [String: Set<String>] = [:]
    private var namesByLinkID: [Int: Set<String>] = [:]

    package init(_ schema: Schema) { self.init(objects: schema.objects) }

    /// Objects that cannot be read are as good as absent.
    package init(objects: [SchemaObject]) {
        for object in objects { set(object) }
    }

    /// Adds an object, or puts it in the place of the one of that name.
    package mutating func set(_ object: SchemaObject) {
        remove(objectNamed: object.name)
        guard let item = try? Self.item(of: object) else { return }
        // What is built in stands in only until the object itself is here.
        for name in namesByOID[item.oid] ?? [] where !object.isBuiltin {
            guard let standIn = items[name], standIn.object.isBuiltin else { continue }
            items.removeValue(forKey: name)
            forget(standIn)
        }
        let name = object.name
        items[name] = item
        namesByOID[item.oid, default: []].insert(name)
        namesByName[item.name.asciiLowercased, default: []].insert(name)
        for alias in item.aliases { namesByAlias[alias.asciiLowercased, default: []].insert(name) }
        if let linkID = item.linkID { namesByLinkID[linkID, default: []].insert(name) }
    }

    package mutating func remove(objectNamed name: String) {
        if let old = items.removeValue(forKey: name) { forget(old) }
    }

    private mutating func forget(_ item: Item) {
        let name = item.object.name
        namesByOID[item.oid]?.remove(name)
        namesByName[item.name.asciiLowercased]?.remove(name)
        for alias in item.aliases { namesByAlias[alias.asciiLowercased]?.remove(name) }
        if let linkID = item.linkID { namesByLinkID[linkID]?.remove(name) }
    }

    static func item(of object: SchemaObject) throws(SchemaRefusal) -> Item? {
        do {
            switch object.declaredKind {
            case .other: return nil
            case .attribute:
                let definition = try object.attributeDefinition()
                return Item(
                    object: object,
                    oid: definition.oid,
                    name: definition.name,
                    aliases: definition.aliases,
                    definition: .attribute(definition),
                    isDefunct: object.isDefunct
                )
            case .objectClass:
                let definition = try object.classDefinition()
                return Item(
                    object: object,
                    oid: definition.oid,
                    name: definition.name,
                    aliases: definition.aliases,
                    definition: .objectClass(definition),
                    isDefunct: object.isDefunct
                )
            }
        } catch {
            throw .malformed(error.reason)
        }
    }

    // MARK: - Looking up

    func item(named name: String) -> Item? { items[name] }

    /// In the order of the objects' names, so that a refusal always names the same.
    var all: [Item] { items.values.sorted { $0.object.name < $1.object.name } }

    func items(oid: OID) -> [Item] { found(namesByOID[oid]) }
    func items(named name: String) -> [Item] { found(namesByName[name.asciiLowercased]) }
    func items(aliased name: String) -> [Item] { found(namesByAlias[name.asciiLowercased]) }
    func items(linkID: Int) -> [Item] { found(namesByLinkID[linkID]) }

    private func found(_ names: Set<String>?) -> [Item] {
        (names ?? []).sorted().compactMap { items[$0] }
    }

    /// What a definition means by a name, an alias or a dotted OID; one in use before a defunct one.
    func referred(_ name: String, isAttribute: Bool) -> Item? {
        let dotted = OID(name).map { items(oid: $0) } ?? []
        let candidates = (items(named: name) + items(aliased: name) + dotted)
            .filter { $0.isAttribute == isAttribute }
        return candidates.first { !$0.isDefunct } ?? candidates.first
    }

    /// The object of the same kind that has the OID or, for lack of one, the name.
    package func counterpart(of object: SchemaObject) -> SchemaObject? {
        guard let item = try? Self.item(of: object) else { return nil }
        let candidates = items(oid: item.oid) + items(named: item.name)
        return candidates.first { $0.isAttribute == item.isAttribute && !$0.isDefunct }?.object
    }
}
