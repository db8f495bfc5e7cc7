package import Identifiers

/// A way between sites: `IP` is synchronous, all others store and forward.
package struct InterSiteTransport: Sendable {
    package let guid: GUID
    package let dn: String
    package let name: String
    package let options: TransportOptions
    /// The attribute of a server that holds its address on this transport.
    package let addressAttribute: String

    /// What every domain may replicate over, and the only transport within a site.
    package var isIP: Bool { name.lowercased() == "ip" }
}

/// Bits of interSiteTransport's options.
/// - Source: MS-ADTS section 6.1.1.2.2.3.1.
package struct TransportOptions: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Site links' windows do not count; their intervals do.
    package static let ignoreSchedules = TransportOptions(rawValue: 0x1)
    /// Only links of one siteLinkBridge can be passed one after the other.
    package static let bridgesRequired = TransportOptions(rawValue: 0x2)
}

/// What an administrator draws: these sites can reach each other over this transport at this cost.
package struct SiteLink: Sendable {
    package let guid: GUID
    package let dn: String
    package let name: String
    package let transport: Ref<InterSiteTransport>
    /// In the order of their objectGUIDs, each once; fewer than two make the link useless.
    package let sites: [Ref<Site>]
    /// 1...4,294,967,294.
    package let cost: UInt32
    /// Minutes, 15...10,080 in steps of 15.
    package let intervalMinutes: Int
    package let options: SiteLinkOptions
    /// The windows; the transport may say that they do not count.
    package let schedule: Schedule

    package static let costDefault: UInt32 = 100
    package static let intervalMinutesDefault = 180
    package static let intervalMinutesRange = 15...10_080
}

/// Bits of siteLink's options; a path has those that all its links have.
/// - Source: MS-ADTS section 6.1.1.2.2.3.2.
package struct SiteLinkOptions: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let useNotify = SiteLinkOptions(rawValue: 0x1)
    package static let twoWaySync = SiteLinkOptions(rawValue: 0x2)
    package static let disableCompression = SiteLinkOptions(rawValue: 0x4)
    /// The neutral element of combining.
    static let all = SiteLinkOptions(rawValue: .max)
}

/// Links that can be passed one after the other, where the transport wants that said.
package struct SiteLinkBridge: Sendable {
    package let guid: GUID
    package let dn: String
    package let name: String
    package let transport: Ref<InterSiteTransport>
    package let links: [Ref<SiteLink>]
}
