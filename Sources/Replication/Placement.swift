package import Identifiers

/// Where the objects of one naming context appear: a pure function of their stamped state.
///
/// `update` recomputes what one change touches, `recompute` is the definition it must equal.
/// - Placed under the stamped parent when that is there, live, and itself placed.
/// - Waiting while a parent has not arrived.
/// - In LostAndFound when the parent is a tombstone, or as the member of a cycle of parents whose name stamp is
///   the newest by (time, invocationID, USN, objectGUID).
/// - Among visible objects with one placed parent and one RDN the newest name stamp by time keeps the plain
///   name, a tie goes to the larger objectGUID; a fixed object is never beaten.
package struct Placement: Hashable, Sendable {
    package let namingContext: GUID
    /// The NC head where the naming context has no LostAndFound (the schema).
    package let lostAndFound: GUID
    /// Nil where tombstones are hidden in place.
    package let deletedObjects: GUID?

    /// `hasLostAndFound` is false for the schema NC, whose head stands in.
    package init(namingContext: GUID, hasLostAndFound: Bool) {
        self.namingContext = namingContext
        let orphanage = FixedObject.lostAndFound.objectGUID(in: namingContext)
        lostAndFound = hasLostAndFound ? orphanage : namingContext
        deletedObjects = hasLostAndFound ? FixedObject.deletedObjects.objectGUID(in: namingContext) : nil
    }

    /// Recomputes what one change of an object's stamped state touches, and saves it in the view.
    ///
    /// The view already holds the new stamped state; its computed fields do not matter. An object that is no
    /// longer in the view was removed. `before` is the object before the change with its computed state, nil for
    /// a new one. The result names every object whose computed state was saved, without repeats; errors are
    /// those of the view.
    package func update(
        _ objectGUID: GUID,
        before: PlacementNode?,
        in view: inout some PlacementView
    ) throws -> [GUID] {
        let now = try view.node(objectGUID)
        if let before, let now, before.hasSameStampedState(as: now) {
            if before != now { try view.save(before) }
            return []
        }
        let oldCycle = try before.flatMap { try cycle(through: $0, in: &view) }
        let newCycle = try now.flatMap { try cycle(through: $0, in: &view) }
        var run = PlacementRun(placement: self, changed: objectGUID)
        if let newCycle, let now { run.cut = (newCycle + [now]).max(by: Self.isCutLater)?.objectGUID }
        if newCycle != nil, planted(.cycleCutWhereItCloses) { run.cut = objectGUID }

        if !planted(.clashOutlivesWinner) { run.noteGroup(of: before) }
        if let now { try run.place(now, before: before, isInCycle: newCycle != nil, in: &view) }
        let after = try view.node(objectGUID)
        if Self.shelter(before) != Self.shelter(after), !planted(.childrenNotPlacedAgain) {
            try run.refreshChildren(of: objectGUID, in: &view)
        }
        // The member at which the old cycle was cut returns to its parent, that of the new one leaves it.
        if let oldCut = oldCycle?.first(where: { $0.standing == .lostAndFound }) {
            try run.refresh(oldCut.objectGUID, in: &view)
        }
        if let cut = run.cut { try run.refresh(cut, in: &view) }
        try run.settleClashes(in: &view)
        return run.touched.sorted()
    }

    /// Whether the object is always placed, even before it has arrived.
    package func isAlwaysPlaced(_ objectGUID: GUID) -> Bool {
        objectGUID == namingContext || objectGUID == lostAndFound || objectGUID == deletedObjects
    }

    /// What an object is to its children.
    fileprivate enum Shelter { case absent, visible, tombstone }

    fileprivate static func shelter(_ node: PlacementNode?) -> Shelter {
        switch node?.standing {
        case nil, .waiting: .absent
        case .fixed, .placed, .lostAndFound: .visible
        case .tombstone: .tombstone
        }
    }

    /// The other members of the cycle of live parents through `node`; nil when there is none.
    private func cycle(through node: PlacementNode, in view: inout some PlacementView) throws
        -> [PlacementNode]?
    {
        guard !isFixed(node), !node.isTombstone else { return nil }
        var members: [PlacementNode] = []
        var seen: Set<GUID> = []
        var parent = node.parent
        while parent != node.objectGUID {
            // A second visit is a cycle further up that `node` only hangs from.
            guard !isAlwaysPlaced(parent), seen.insert(parent).inserted, let member = try view.node(parent),
                !member.isFixed, !member.isTombstone
            else { return nil }
            members.append(member)
            parent = member.parent
        }
        return members
    }

    fileprivate func isFixed(_ node: PlacementNode) -> Bool {
        node.isFixed || isAlwaysPlaced(node.objectGUID)
    }

    fileprivate static func isCutLater(_ left: PlacementNode, _ right: PlacementNode) -> Bool {
        if left.nameStamp.isOlder(than: right.nameStamp) { return true }
        if right.nameStamp.isOlder(than: left.nameStamp) { return false }
        return left.objectGUID < right.objectGUID
    }

    fileprivate static func isBeaten(_ left: PlacementNode, by right: PlacementNode) -> Bool {
        if planted(.nameClashFirstComer), left.isClashLoser != right.isClashLoser { return left.isClashLoser }
        if left.nameStamp.time != right.nameStamp.time { return left.nameStamp.time < right.nameStamp.time }
        return left.objectGUID < right.objectGUID
    }

    /// A node with the standing that its own state and its parent's standing give it.
    fileprivate func standing(_ node: PlacementNode, isCut: Bool, under parent: PlacementNode?)
        -> PlacementNode
    {
        var result = node
        if isFixed(node) {
            result.standing = .fixed
            result.placedParent = node.parent == .zero ? nil : node.parent
        } else if node.isTombstone {
            result.standing = .tombstone
            result.placedParent = deletedObjects
        } else if isCut {
            result.standing = .lostAndFound
            result.placedParent = lostAndFound
        } else if isAlwaysPlaced(node.parent) {
            result.standing = .placed
            result.placedParent = node.parent
        } else {
            switch Self.shelter(parent) {
            case .absent: (result.standing, result.placedParent) = (.waiting, nil)
            case .visible: (result.standing, result.placedParent) = (.placed, node.parent)
            case .tombstone where planted(.orphanOfTombstoneWaits):
                (result.standing, result.placedParent) = (.waiting, nil)
            case .tombstone: (result.standing, result.placedParent) = (.lostAndFound, lostAndFound)
            }
        }
        if !result.isVisible || result.holdsMangledName || result.standing == .fixed {
            result.isClashLoser = false
        }
        return result
    }

    /// The members of one clash group with the loser mark that the rule gives them.
    fileprivate static func judged(_ occupants: [PlacementNode]) -> [PlacementNode] {
        let contenders = occupants.filter { !$0.holdsMangledName && $0.standing != .fixed }
        let hasFixed = occupants.contains { $0.standing == .fixed }
        let winner = hasFixed ? nil : contenders.max { isBeaten($0, by: $1) }?.objectGUID
        return contenders.map { node in
            var judged = node
            judged.isClashLoser = node.objectGUID != winner
            return judged
        }
    }
}

extension PlacementNode {
    fileprivate func hasSameStampedState(as other: PlacementNode) -> Bool {
        var twin = other
        (twin.placedParent, twin.standing, twin.isClashLoser) = (placedParent, standing, isClashLoser)
        return twin == self
    }
}

/// One incremental update under way.
private struct PlacementRun {
    struct Group: Hashable {
        let placedParent: GUID
        let rdnKey: [UInt8]
    }

    let placement: Placement
    let changed: GUID
    /// The member at which the cycle through the changed object is cut.
    var cut: GUID?
    var touched: Set<GUID> = []
    private var groups: Set<Group> = []

    init(placement: Placement, changed: GUID) {
        self.placement = placement
        self.changed = changed
    }

    mutating func noteGroup(of node: PlacementNode?) {
        guard let node, node.isVisible, let placedParent = node.placedParent else { return }
        groups.insert(Group(placedParent: placedParent, rdnKey: node.rdnKey))
    }

    /// Places the changed object itself.
    mutating func place(
        _ now: PlacementNode,
        before: PlacementNode?,
        isInCycle: Bool,
        in view: inout some PlacementView
    ) throws {
        var placed = now
        placed.isClashLoser = before?.isClashLoser ?? planted(.nameClashFirstComer)
        if isInCycle, cut != changed {
            // The stored standing of the parent is from before the cycle closed.
            (placed.standing, placed.placedParent) = (.placed, now.parent)
            if placed.holdsMangledName { placed.isClashLoser = false }
        } else {
            let parent = isInCycle ? nil : try view.node(now.parent)
            placed = placement.standing(placed, isCut: isInCycle, under: parent)
        }
        try view.save(placed)
        touched.insert(changed)
        noteGroup(of: placed)
    }

    /// Recomputes the children of an object that appeared, disappeared, died or revived, as far down as that goes.
    mutating func refreshChildren(of parent: GUID, in view: inout some PlacementView) throws {
        var pending = [parent]
        while let next = pending.popLast() {
            for child in try view.children(ofStampedParent: next) where child != changed {
                if try recompute(child, in: &view) { pending.append(child) }
            }
        }
    }

    mutating func refresh(_ objectGUID: GUID, in view: inout some PlacementView) throws {
        guard objectGUID != changed, try recompute(objectGUID, in: &view) else { return }
        try refreshChildren(of: objectGUID, in: &view)
    }

    /// - Returns: whether it now is something else to its children.
    private mutating func recompute(_ objectGUID: GUID, in view: inout some PlacementView) throws -> Bool {
        guard let old = try view.node(objectGUID), !old.isTombstone, !placement.isFixed(old) else {
            return false
        }
        let new = placement.standing(old, isCut: objectGUID == cut, under: try view.node(old.parent))
        guard new != old else { return false }
        try view.save(new)
        touched.insert(objectGUID)
        noteGroup(of: old)
        noteGroup(of: new)
        return Placement.shelter(old) != Placement.shelter(new)
    }

    mutating func settleClashes(in view: inout some PlacementView) throws {
        for group in groups {
            let occupants = try view.occupants(of: group.placedParent, rdnKey: group.rdnKey)
            let marks = Dictionary(
                occupants.map { ($0.objectGUID, $0.isClashLoser) },
                uniquingKeysWith: { first, _ in first }
            )
            for node in Placement.judged(occupants) where marks[node.objectGUID] != node.isClashLoser {
                try view.save(node)
                touched.insert(node.objectGUID)
            }
        }
    }
}

// MARK: - The definition

extension Placement {
    /// Computes the placement of a whole naming context anew.
    package func recompute(_ nodes: some Sequence<PlacementNode>) -> [GUID: PlacementNode] {
        let stamped = Dictionary(nodes.map { ($0.objectGUID, $0) }, uniquingKeysWith: { first, _ in first })
        let cuts = cutMembers(of: stamped)
        var result: [GUID: PlacementNode] = [:]
        for start in stamped.keys {
            // Up to an ancestor that is done or hangs from nothing, then down again.
            var path: [PlacementNode] = []
            var next: GUID? = start
            while let current = next, result[current] == nil, let node = stamped[current] {
                path.append(node)
                let isRoot = isFixed(node) || node.isTombstone || cuts.contains(current)
                next = isRoot ? nil : node.parent
            }
            for node in path.reversed() {
                result[node.objectGUID] = standing(
                    node,
                    isCut: cuts.contains(node.objectGUID),
                    under: result[node.parent]
                )
            }
        }
        let visible = result.values.filter { $0.isVisible && $0.placedParent != nil }
        for group in Dictionary(
            grouping: visible,
            by: { PlacementRun.Group(placedParent: $0.placedParent ?? .zero, rdnKey: $0.rdnKey) }
        ).values {
            for node in Self.judged(group) { result[node.objectGUID] = node }
        }
        return result
    }

    private func cutMembers(of stamped: [GUID: PlacementNode]) -> Set<GUID> {
        var cuts: Set<GUID> = []
        var done: Set<GUID> = []
        for start in stamped.keys {
            var path: [PlacementNode] = []
            var position: [GUID: Int] = [:]
            var next = start
            while !done.contains(next), let node = stamped[next], !isFixed(node), !node.isTombstone {
                if let loopStart = position[next] {
                    let members = path[loopStart...]
                    if let cut = members.max(by: Self.isCutLater) { cuts.insert(cut.objectGUID) }
                    break
                }
                position[next] = path.count
                path.append(node)
                next = node.parent
            }
            done.formUnion(path.map(\.objectGUID))
        }
        return cuts
    }
}
