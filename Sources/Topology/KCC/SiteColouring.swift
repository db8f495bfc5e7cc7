/// What replicas of a naming context a site has.
/// - Source: MS-ADTS section 6.2.2.3.4.1 (COLOR).
package enum SiteColour: UInt8, Hashable, Sendable {
    /// None.
    case white = 0
    /// Partial ones only.
    case black = 1
    /// A full one.
    case red = 2
}

/// The colours of all sites for a naming context, and over which transports each may be an end of a tree's edge.
///
/// Naming contexts with equal colourings have equal trees, so that shortest paths run once for each.
/// - Source: MS-ADTS section 6.2.2.3.4.3 (ColorVertices), read per vertex: the published text asks for the local
///   site's colour and bridgehead at every vertex.
struct SiteColouring: Hashable, Sendable {
    /// Colour in the two lowest bits; then a bit for each transport over which edges with a black end are taken, and
    /// another for those between two red ends.
    private(set) var words: [UInt64]
    private(set) var redCount = 0
    private(set) var colouredCount = 0

    private static let blackShift: UInt64 = 2
    private static let redShift: UInt64 = 33

    init(siteCount: Int) { words = Array(repeating: 0, count: siteCount) }

    /// Colours a site that has bridgeheads for `transports`, bit t for transport t.
    ///
    /// Of those `redRed` are the ones over which it may be joined with another red site.
    mutating func set(_ site: Int, _ colour: SiteColour, transports: UInt32, redRed: UInt32) {
        words[site] =
            UInt64(colour.rawValue) | UInt64(transports) << Self.blackShift | UInt64(redRed) << Self.redShift
        if colour == .red { redCount += 1 }
        if colour != .white { colouredCount += 1 }
    }

    func colour(_ site: Int) -> SiteColour { SiteColour(rawValue: UInt8(words[site] & 3)) ?? .white }
    func isColoured(_ site: Int) -> Bool { words[site] & 3 != 0 }
    func isRed(_ site: Int) -> Bool { words[site] & 3 == UInt64(SiteColour.red.rawValue) }

    /// Bit t: the site has a bridgehead for transport t.
    func transports(_ site: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: words[site] >> Self.blackShift & 0x7fff_ffff)
    }

    func acceptsBlack(_ site: Int, _ transport: Ref<InterSiteTransport>) -> Bool {
        words[site] >> (Self.blackShift + UInt64(transport.position)) & 1 == 1
    }

    func acceptsRedRed(_ site: Int, _ transport: Ref<InterSiteTransport>) -> Bool {
        words[site] >> (Self.redShift + UInt64(transport.position)) & 1 == 1
    }

    /// It may be the end of some edge.
    ///
    /// The published text demotes a vertex that lacks either set; its comment, and the check of single links,
    /// say one that lacks both. Only the latter lets a full replica feed a partial one by mail.
    func acceptsAny(_ site: Int, _ transport: Ref<InterSiteTransport>) -> Bool {
        acceptsBlack(site, transport) || acceptsRedRed(site, transport)
    }

    /// The colouring whose tree this one shares.
    ///
    /// With one red site there is no edge between two red ones, and which site is red decides directions alone,
    /// as long as every link joins a pair: then it is asked for a tree of black sites.
    func forTree(of graph: SiteGraph) -> SiteColouring {
        guard redCount == 1, graph.joinsOnlyPairs, let red = words.indices.first(where: isRed) else {
            return self
        }
        var other = self
        let black = other.words[red] >> Self.blackShift & 0x7fff_ffff
        other.words[red] = UInt64(SiteColour.black.rawValue) | black << Self.blackShift
        for site in other.words.indices { other.words[site] &= (1 << Self.redShift) - 1 }
        other.redCount = 0
        return other
    }
}
