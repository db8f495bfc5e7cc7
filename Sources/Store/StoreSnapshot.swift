package import DirectoryModel
import GRDB
package import Identifiers
package import Replication

/// One consistent read of the database.
///
/// Not Sendable: it lives as long as the closure it is given to.
package final class StoreSnapshot {
    let db: Database
    /// Changes in the transaction that begins a new life.
    var identity: ReplicaIdentity
    /// Longest DN first: the longest match owns a DN.
    private(set) var contexts: [HeldNamingContext]
    package internal(set) var schema: Schema { didSet { backLinks = nil } }
    /// By linkID, made when first needed.
    private var backLinks: [Int32: AttributeDefinition]?
    var attributeIDs: AttributeIDs
    let sha256: @Sendable ([UInt8]) -> [UInt8]
    let memos: StoreMemos
    let objects: ObjectRows
    let links: LinkRows
    private var renderedNames: [GUID: DistinguishedName] = [:]
    var ancestorSteps: [GUID: AncestorStep] = [:]
    /// The object that `changes` read last: its ancestors are asked for next.
    var streamed: (guid: GUID, step: AncestorStep)?
    /// The object whose link value `changes` read last, if that is or ever was a tombstone.
    var streamedLinkSource: (guid: GUID, deleted: SnapshotObject?)?
    /// The newest USN of all ancestors that a child of this parent has.
    var checkedAncestors: (parent: GUID, newest: USN)?

    /// Ancestors kept before they are forgotten.
    static let ancestorStepsMax = 20_000

    /// Rendered parents kept before they are forgotten.
    private static let renderedNamesMax = 4_096
    /// Steps from an object to its NC head; deeper ones have no name that could be written.
    private static let depthMax = 1_024

    init(
        _ db: Database,
        identity: ReplicaIdentity,
        contexts: [HeldNamingContext],
        schema: Schema,
        attributeIDs: AttributeIDs,
        memos: StoreMemos,
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8]
    ) {
        self.db = db
        self.identity = identity
        self.contexts = contexts
        self.schema = schema
        self.attributeIDs = attributeIDs
        self.memos = memos
        self.sha256 = sha256
        objects = ObjectRows(db: db)
        links = LinkRows(db: db)
    }

    // MARK: - Naming contexts

    package var namingContexts: [HeldNamingContext] { contexts }

    package func namingContext(_ guid: GUID) throws -> HeldNamingContext {
        guard let context = contexts.first(where: { $0.guid == guid }) else {
            throw StoreError.namingContextNotHeld(guid)
        }
        return context
    }

    /// The held naming context whose DN space a name lies in; nil when it is none of ours.
    package func namingContext(owning dn: DistinguishedName) -> HeldNamingContext? {
        contexts.first { dn.isSameOrDescendant(of: $0.dn) }
    }

    func context(id: Int64) throws -> HeldNamingContext {
        guard let context = contexts.first(where: { $0.id == id }) else {
            throw StoreError.damaged("an object belongs to unknown naming context \(id)")
        }
        return context
    }

    func forget(_ context: HeldNamingContext) {
        contexts.removeAll { $0.id == context.id }
        forgetNames()
    }

    func note(_ context: HeldNamingContext) {
        contexts.append(context)
        contexts.sort { $0.dn.rdns.count > $1.dn.rdns.count }
    }

    // MARK: - Names

    /// The object that appears under this name, its rendered conflict and tombstone names included.
    ///
    /// Nil also when the name lies in no held naming context. The head of a held one may not have arrived yet.
    package func resolve(_ dn: DistinguishedName) throws -> GUID? {
        guard let context = namingContext(owning: dn) else { return nil }
        var current = context.guid
        let below = dn.rdns.count - context.dn.rdns.count
        // A head is known by name before it arrives, so that links to it can be written.
        guard below > 0 else { return current }
        for rdn in dn.rdns[..<below].reversed() {
            guard let next = try child(of: current, named: rdn, in: context) else { return nil }
            current = next
        }
        return current
    }

    /// Where the object appears; nil when it is not held or waits for its parent.
    package func dn(of objectGUID: GUID) throws -> DistinguishedName? {
        if let known = renderedNames[objectGUID] { return known }
        if let head = contexts.first(where: { $0.guid == objectGUID }) { return head.dn }
        guard let row = try objects.row(objectGUID) else { return nil }
        return try dn(of: row)
    }

    /// Goes up step by step: a hostile member could nest objects deeper than a stack.
    func dn(of row: ObjectRow) throws -> DistinguishedName? {
        let context = try context(id: row.context)
        let leafParent = row.node.placedParent
        var rdns: [RDN] = []
        var top = context.dn
        var row = row
        while row.guid != context.guid {
            guard row.node.standing != .waiting, rdns.count < Self.depthMax else { return nil }
            rdns.append(try renderedRDN(row))
            // A tombstone of the schema is hidden in place: it is named below the head.
            let parent = row.node.placedParent ?? context.guid
            if parent == context.guid { break }
            if let known = renderedNames[parent] {
                top = known
                break
            }
            // The fixed containers may have children before they arrive themselves.
            guard let next = try objects.row(parent) else { return nil }
            row = next
        }
        let name = DistinguishedName(rdns: rdns + top.rdns)
        if let leafParent, rdns.count > 1 {
            if renderedNames.count >= Self.renderedNamesMax { renderedNames = [:] }
            renderedNames[leafParent] = DistinguishedName(rdns: Array(name.rdns.dropFirst()))
        }
        return name
    }

    /// After a write that may have changed where objects appear.
    func forgetNames() {
        renderedNames = [:]
        ancestorSteps = [:]
        checkedAncestors = nil
    }

    func renderedRDN(_ row: ObjectRow) throws -> RDN {
        let rdn = try row.stampedRDN()
        let mangled = row.node.holdsMangledName ? MangledName.parse(rdn.value) : nil
        let base = mangled?.base ?? rdn.value
        if row.node.standing == .tombstone {
            return RDN(type: rdn.type, value: MangledName.deleted(base, row.guid))
        }
        guard row.node.isClashLoser || mangled != nil else { return rdn }
        let value =
            mangled?.kind == .deleted
            ? MangledName.deleted(base, row.guid) : MangledName.conflict(base, row.guid)
        return RDN(type: rdn.type, value: value)
    }

    private func child(of parent: GUID, named rdn: RDN, in context: HeldNamingContext) throws -> GUID? {
        if let mangled = MangledName.parse(rdn.value) {
            guard let row = try objects.row(mangled.guid), row.context == context.id,
                row.node.standing != .waiting, row.node.placedParent ?? context.guid == parent
            else { return nil }
            return try renderedRDN(row) == rdn ? row.guid : nil
        }
        return try objects.occupants(of: parent, rdnKey: rdn.key).first {
            $0.node.isVisible && !$0.node.isClashLoser && !$0.node.holdsMangledName
        }?.guid
    }

    func backLinkDefinitions() -> [Int32: AttributeDefinition] {
        if let backLinks { return backLinks }
        var definitions: [Int32: AttributeDefinition] = [:]
        for definition in schema.attributes where definition.isBackLink {
            if let linkID = definition.linkID { definitions[linkID] = definition }
        }
        backLinks = definitions
        return definitions
    }

    // MARK: - Replication's state

    var destinationRows: DestinationRows { DestinationRows(db: db, memo: memos.destinations) }

    /// The newest local USN that this read sees.
    package func highestUSN() throws -> USN { try MetaRows(db: db).highestUSN() }

    package func destination(of namingContext: GUID) throws -> Destination {
        try destinationRows.load(self.namingContext(namingContext))
    }

    /// The up-to-dateness vector as peers see it: with the own entry when the replica is full.
    package func vector(of namingContext: GUID, at now: Timestamp) throws -> UpToDatenessVector {
        try destination(of: namingContext).advertisedVector(
            own: identity.invocationID,
            ownUSN: highestUSN(),
            at: now
        )
    }

    package func collected(of namingContext: GUID) throws -> [GUID: USN] {
        try destination(of: namingContext).collected
    }

    package func counts(of namingContext: GUID) throws -> ReplicaCounts {
        let context = try self.namingContext(namingContext)
        var counts = ReplicaCounts()
        counts.objects =
            try Query("SELECT count(*) FROM objects WHERE nc = ?", in: db)
            .first(.integer(context.id)) { Int($0.integer(0)) } ?? 0
        let odd = try Query(
            """
            SELECT standing, flags, count(*) FROM objects WHERE nc = ? AND (standing <> 2 OR flags <> 0)
              GROUP BY standing, flags
            """,
            in: db
        ).all(.integer(context.id)) {
            (UInt8(truncatingIfNeeded: $0.integer(0)), $0.integer(1), Int($0.integer(2)))
        }
        for (standing, flags, count) in odd {
            switch Standing(rawValue: standing) {
            case .tombstone: counts.tombstones += count
            case .waiting: counts.waiting += count
            case .lostAndFound: counts.lostAndFound += count
            case .placed, .fixed, nil: break
            }
            if !ObjectFlags(rawValue: flags).isDisjoint(with: [.clashLoser, .mangledName]) {
                counts.clashes += count
            }
        }
        return counts
    }
}

/// How the objects of one replica stand.
package struct ReplicaCounts: Hashable, Sendable {
    /// All rows, tombstones included.
    package var objects = 0
    package var tombstones = 0
    /// Invisible until their parents arrive.
    package var waiting = 0
    package var lostAndFound = 0
    /// Shown under a conflict name.
    package var clashes = 0

    package init() {}
}
