import Identifiers

/// Why a connection is wanted.
package enum ConnectionReason: Hashable, Sendable {
    /// A neighbour on the ring of those that hold the naming context in this site.
    case ring(Ref<NamingContextView>)
    /// A neighbour on the ring of this site's global catalogues.
    case globalCatalogRing
    /// Across the ring, so that nobody is more than three hops away.
    case shortcut(Ref<NamingContextView>)
    /// A neighbour once the DSAs that have failed are taken out of the ring.
    case pastFailed(Ref<NamingContextView>)
    /// An edge of the tree of the naming context that ends in this site.
    case tree(Ref<NamingContextView>, TreeEdge)
    /// An edge of the tree that would be, if nobody had failed.
    case treeWithoutFailures(Ref<NamingContextView>, TreeEdge)
    /// It was removed three times in a week; a fourth time would not help.
    case oscillating

    /// The bit of mS-DS-ReplicatesNCReason.
    /// - Source: MS-ADTS section 6.1.1.2.2.1.2.1.2.
    package var code: UInt32 {
        switch self {
        case .ring, .globalCatalogRing: 0x2
        case .shortcut: 0x4
        case .pastFailed: 0x8
        case .oscillating: 0x10
        case .tree(_, _): 0x40
        case .treeWithoutFailures: 0x80
        }
    }

    package var namingContext: Ref<NamingContextView>? {
        switch self {
        case .ring(let context), .shortcut(let context), .pastFailed(let context): context
        case .tree(let context, _), .treeWithoutFailures(let context, _): context
        case .globalCatalogRing, .oscillating: nil
        }
    }
}

/// What must be written so that a connection is as planned.
package enum ConnectionChange: Hashable, Sendable {
    case create
    /// The schedule of the plan takes the place of the directory's.
    case schedule
    case options
    /// It crosses no site boundary any more: transportType goes.
    case transport
}

/// A connection that this KCC wants, new or there already.
package struct PlannedConnection: Hashable, Sendable {
    /// The object, if there is one.
    package let existing: Ref<Connection>?
    package let destination: Ref<DirectorySystemAgent>
    package let source: Ref<DirectorySystemAgent>
    /// None inside a site.
    package internal(set) var transport: Ref<InterSiteTransport>?
    package internal(set) var options: ConnectionOptions
    /// Slots in which requests start.
    package internal(set) var schedule: Schedule
    /// In the order in which they were found; none for a connection that nothing asks for but that is not removed.
    package internal(set) var reasons: [ConnectionReason] = []
    /// None = it is as it should be.
    package internal(set) var changes: [ConnectionChange] = []
    package let isEnabled: Bool
    /// Not generated: the KCC counts it and never touches it.
    package var isManual: Bool { !options.contains(.isGenerated) }
    var isKept = false
}

/// A generated connection that goes.
package struct ConnectionRemoval: Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        /// Another one of the same pair inside the site.
        case duplicate(of: Ref<Connection>)
        /// No tree needs it.
        case unneeded
        /// Another connection of the plan carries all that it carries.
        case superseded
    }

    package let connection: Ref<Connection>
    package let reason: Reason
}

/// Why something that one could expect is not in the plan.
package struct Absence: Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        /// Another DSA of the site makes connections to other sites.
        case notGenerator(Ref<DirectorySystemAgent>)
        /// The site's settings turn it off.
        case turnedOff
        /// The DSA that plans is disabled.
        case selfDisabled
        /// The site holds nothing of the naming context.
        case nothingHeld(Ref<Site>)
        /// Changes come through another site at less cost, or at the same cost by the published order.
        case reachedThrough(Ref<Site>, cost: UInt32)
        /// Another transport joins the same sites at less cost.
        case cheaperTransport(Ref<InterSiteTransport>, cost: UInt32)
        /// Changes flow the other way only: the partial replica is fed from here.
        case fedFromHere
        /// Two full replicas of a domain replicate over IP alone.
        case domainNotOverMail
        case noBridgehead(Ref<Site>, [PassedOver])
        /// The edge is in the tree, but the other site's replica is still to be made.
        case notPresentYet(Ref<Site>)
        /// No way leads there whose links are ever open at the same time.
        case noPath
        /// The link is never open.
        case linkClosed
        /// A generated connection that nothing needs stays, since some site is not connected.
        case removalWithheld(Ref<Connection>)
        /// A connection for this exists and was disabled by hand.
        case disabledByHand(Ref<Connection>)
    }

    package var namingContext: Ref<NamingContextView>?
    package var site: Ref<Site>?
    package var transport: Ref<InterSiteTransport>?
    package var link: Ref<SiteLink>?
    package var reason: Reason
}

/// A DSA that could have been a bridgehead.
package struct PassedOver: Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        case disabled, noReplica, onlyPartial, noAddress, notPreferred, failed
    }

    package let dsa: Ref<DirectorySystemAgent>
    package let reason: Reason
}

/// Which way changes flow over the edge of a tree.
package enum TreeFlow: Hashable, Sendable {
    case both, toSecond, toFirst
}

/// The tree of one colouring, with the naming contexts that share it.
package struct PlannedTree: Sendable {
    package let namingContexts: [Ref<NamingContextView>]
    package let edges: [TreeEdge]
    /// For each edge, which way changes flow.
    package let flows: [TreeFlow]
    /// 1 = every site that holds something is connected.
    package let componentCount: Int
    /// By site.
    package let colours: [SiteColour]
}

/// What the KCC of one DSA wants.
package struct Plan: Sendable {
    package internal(set) var election: GeneratorElection
    /// Whether the DSA that plans makes its site's connections to other sites.
    package internal(set) var isGenerator: Bool
    /// Of its own DSA within the site; of all DSAs of the site from other sites, if it is the generator.
    package internal(set) var connections: [PlannedConnection] = []
    package internal(set) var removals: [ConnectionRemoval] = []
    package internal(set) var absences: [Absence] = []
    package internal(set) var trees: [PlannedTree] = []
    /// The trees connect all sites, for every naming context of the site: stale connections may go.
    package internal(set) var isWhole = true
    /// What its own DSA pulls once the plan is carried out.
    package internal(set) var sources: [ReplicationSource] = []
    /// Sorted; those of the snapshot are not repeated.
    package internal(set) var findings: [Finding] = []

    /// Nothing has to be written for the connections.
    package var isUnchanged: Bool { removals.isEmpty && connections.allSatisfy(\.changes.isEmpty) }
}
