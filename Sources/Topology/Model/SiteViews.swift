package import Identifiers

/// A well-connected place: within it replication is synchronous, between two it follows site links.
package struct Site: Sendable {
    package let guid: GUID
    package let dn: String
    package let name: String
    package var settings = SiteSettings()
}

/// nTDSSiteSettings: who makes a site's inter-site connections, and what the KCC leaves alone there.
package struct SiteSettings: Sendable {
    package var options: SiteOptions = []
    /// The DSA that says it generates the site's topology.
    package var generator: Ref<DirectorySystemAgent>?
    /// When connections within the site replicate; once an hour unless the directory says so.
    package var schedule = Schedule.hourly
    /// Minutes of silence after which another DSA becomes the generator; 120 unless the directory says so.
    ///
    /// The published text counts seconds and the attribute's documentation minutes; here they are minutes.
    package var failoverMinutes = SiteSettings.failoverMinutesDefault

    package static let failoverMinutesDefault: Int64 = 120
}

/// Bits of nTDSSiteSettings' options.
/// - Source: MS-ADTS section 6.1.1.2.2.1.1.
package struct SiteOptions: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// No connections within the site.
    package static let autoTopologyDisabled = SiteOptions(rawValue: 0x1)
    /// Generated connections within the site are not removed.
    package static let cleanupDisabled = SiteOptions(rawValue: 0x2)
    /// No shortcuts across the ring.
    package static let minimumHopsDisabled = SiteOptions(rawValue: 0x4)
    /// Nobody counts as failed.
    package static let staleDetectionDisabled = SiteOptions(rawValue: 0x8)
    /// No connections to other sites.
    package static let intersiteAutoTopologyDisabled = SiteOptions(rawValue: 0x10)
}

/// A range of addresses and the site it lies in.
package struct Subnet: Sendable {
    package let guid: GUID
    package let dn: String
    /// Address and prefix length, such as `10.1.0.0/16`.
    package let prefix: String
    package let site: Ref<Site>?
}
