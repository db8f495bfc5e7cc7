package import Identifiers

/// How an object stands in the tree that a replica shows.
package enum Standing: UInt8, Hashable, Sendable, CaseIterable {
    /// NC head, LostAndFound, Deleted Objects: always there, never moved or beaten.
    case fixed = 1
    /// Under its stamped parent.
    case placed = 2
    /// Invisible: the parent, or the parent's parent, has not arrived.
    case waiting = 3
    /// Its parent is a tombstone, or it is the member at which a cycle is cut.
    case lostAndFound = 4
    /// Under Deleted Objects, whatever its name stamp says.
    case tombstone = 5
}

/// One object as placement sees it: the stamped state that decides, and the computed state that follows.
package struct PlacementNode: Hashable, Sendable {
    package let objectGUID: GUID
    /// The stamped parent; zero for an NC head.
    package var parent: GUID
    /// `RDN.key` of the stamped name.
    package var rdnKey: [UInt8]
    package var nameStamp: Stamp
    package var isTombstone: Bool
    package var isFixed: Bool
    /// The stamped RDN already ends in a CNF or DEL suffix: it is rendered with its own GUID and cannot clash.
    package var holdsMangledName: Bool

    /// Computed: where it appears; nil while waiting, for an NC head, and for a tombstone hidden in place.
    package var placedParent: GUID?
    /// Computed.
    package var standing: Standing
    /// Computed: rendered as `RDN\nCNF:<objectGUID>`.
    package var isClashLoser: Bool

    package init(
        objectGUID: GUID,
        parent: GUID,
        rdnKey: [UInt8],
        nameStamp: Stamp,
        isTombstone: Bool = false,
        isFixed: Bool = false,
        holdsMangledName: Bool = false,
        placedParent: GUID? = nil,
        standing: Standing = .waiting,
        isClashLoser: Bool = false
    ) {
        self.objectGUID = objectGUID
        self.parent = parent
        self.rdnKey = rdnKey
        self.nameStamp = nameStamp
        self.isTombstone = isTombstone
        self.isFixed = isFixed
        self.holdsMangledName = holdsMangledName
        self.placedParent = placedParent
        self.standing = standing
        self.isClashLoser = isClashLoser
    }

    /// Shown in the tree under its own or its conflict name.
    package var isVisible: Bool { standing == .placed || standing == .lostAndFound || standing == .fixed }
}

/// What the incremental placement reads and writes: the objects of one naming context.
package protocol PlacementView {
    mutating func node(_ objectGUID: GUID) throws -> PlacementNode?
    /// Every object, tombstones too, whose stamped parent this is.
    mutating func children(ofStampedParent parent: GUID) throws -> [GUID]
    /// The visible objects whose `placedParent` and `rdnKey` these are, as last saved.
    mutating func occupants(of placedParent: GUID, rdnKey: [UInt8]) throws -> [PlacementNode]
    mutating func save(_ node: PlacementNode) throws
}
