import GRDB
import Identifiers
import Replication

/// The objects of one naming context as placement sees them, over the database.
///
/// One transaction long. The object being written is held in memory until placement has spoken, so that its row
/// is written once.
struct PlacementRows: PlacementView {
    /// Nodes kept in memory before they are forgotten; parents repeat, so a few serve many children.
    static let cachedNodesMax = 20_000

    let objects: ObjectRows
    let context: Int64
    /// The object being written, with its new stamped state.
    private var pending: PlacementNode?
    /// Nothing can appear under the object being written, which was not there and is not always placed.
    private var isPendingNew = false
    private var cache: [GUID: PlacementNode?] = [:]

    init(_ objects: ObjectRows, context: Int64) {
        self.objects = objects
        self.context = context
    }

    /// Places an object whose stamped name or deletion changed, and everything that this touches.
    ///
    /// - Returns: the object with its computed state; the caller writes it.
    mutating func place(_ node: PlacementNode, before: PlacementNode?, by placement: Placement) throws
        -> PlacementNode
    {
        if before == nil, let placed = try placedAtOnce(node, by: placement) {
            remember(placed)
            return placed
        }
        pending = node
        isPendingNew = before == nil && !placement.isAlwaysPlaced(node.objectGUID)
        _ = try placement.update(node.objectGUID, before: before, in: &self)
        let placed = pending ?? node
        pending = nil
        remember(placed)
        return placed
    }

    /// What `Placement.update` gives for most new objects: the parent is placed, nobody has the name, and
    /// nothing waits for the object.
    ///
    /// Nil where that is not so. No cycle can go through a new object whose parent is placed: its ancestors are
    /// held, and none of them is the object.
    private mutating func placedAtOnce(_ node: PlacementNode, by placement: Placement) throws
        -> PlacementNode?
    {
        guard !node.isTombstone, !node.isFixed, !node.holdsMangledName, node.parent != node.objectGUID,
            !placement.isAlwaysPlaced(node.objectGUID)
        else { return nil }
        if !placement.isAlwaysPlaced(node.parent) {
            let standing = try self.node(node.parent)?.standing
            guard standing == .placed || standing == .fixed else { return nil }
        }
        guard try !objects.isTaken(node.rdnKey, under: node.parent),
            try objects.stampedChildrenElsewhere(of: node.objectGUID).isEmpty
        else { return nil }
        var placed = node
        (placed.standing, placed.placedParent, placed.isClashLoser) = (.placed, node.parent, false)
        return placed
    }

    /// Recomputes what the removal of an object touches; its row is gone already.
    mutating func remove(_ node: PlacementNode, by placement: Placement) throws {
        cache.updateValue(nil, forKey: node.objectGUID)
        _ = try placement.update(node.objectGUID, before: node, in: &self)
    }

    mutating func node(_ objectGUID: GUID) throws -> PlacementNode? {
        if let pending, pending.objectGUID == objectGUID { return pending }
        if let cached = cache[objectGUID] { return cached }
        let row = try objects.row(objectGUID)
        let node = row?.context == context ? row?.node : nil
        if cache.count >= Self.cachedNodesMax { cache = [:] }
        cache.updateValue(node, forKey: objectGUID)
        return node
    }

    mutating func children(ofStampedParent parent: GUID) throws -> [GUID] {
        var children =
            isPendingNew && parent == pending?.objectGUID
            ? try objects.stampedChildrenElsewhere(of: parent) : try objects.stampedChildren(of: parent)
        if let pending {
            children.removeAll { $0 == pending.objectGUID }
            if pending.parent == parent { children.append(pending.objectGUID) }
        }
        return children
    }

    mutating func occupants(of placedParent: GUID, rdnKey: [UInt8]) throws -> [PlacementNode] {
        var nodes = try objects.occupants(of: placedParent, rdnKey: rdnKey)
            .filter { $0.context == context && $0.node.isVisible }.map(\.node)
        if let pending {
            nodes.removeAll { $0.objectGUID == pending.objectGUID }
            if pending.isVisible, pending.placedParent == placedParent, pending.rdnKey == rdnKey {
                nodes.append(pending)
            }
        }
        return nodes
    }

    mutating func save(_ node: PlacementNode) throws {
        if node.objectGUID == pending?.objectGUID {
            pending = node
        } else {
            try objects.updatePlacement(node)
            remember(node)
        }
    }

    private mutating func remember(_ node: PlacementNode) { cache.updateValue(node, forKey: node.objectGUID) }
}
