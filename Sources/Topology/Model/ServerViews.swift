package import Identifiers

/// The computer that a DSA runs on.
package struct Server: Sendable {
    package let guid: GUID
    package let dn: String
    package let name: String
    package let site: Ref<Site>
    package let dnsHostName: String?
    package let mailAddress: MailAddress?
    /// Transports that it has an address on.
    package let reachable: Set<Ref<InterSiteTransport>>
    /// Transports that it is a preferred bridgehead of.
    package let preferred: Set<Ref<InterSiteTransport>>
}

/// nTDSDSA: who holds which naming contexts.
package struct DirectorySystemAgent: Sendable {
    package let guid: GUID
    package let dn: String
    package let server: Ref<Server>
    package let site: Ref<Site>
    package let options: DSAOptions
    /// It does not replicate: its mail is refused.
    package let isDisabled: Bool
    /// In the order of the naming contexts.
    package let replicas: [Replica]

    package func replica(of context: Ref<NamingContextView>) -> Replica? {
        replicas.first { $0.namingContext == context }
    }
}

/// A naming context at a DSA.
package struct Replica: Hashable, Sendable {
    package let namingContext: Ref<NamingContextView>
    package let isFull: Bool
    /// False when a global catalogue ought to hold it, but does not say that it does.
    package let isPresent: Bool
}

/// Bits of nTDSDSA's options.
/// - Source: MS-ADTS section 6.1.1.2.2.1.2.1.1.
package struct DSAOptions: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let isGlobalCatalog = DSAOptions(rawValue: 0x1)
    package static let disableInbound = DSAOptions(rawValue: 0x2)
    package static let disableOutbound = DSAOptions(rawValue: 0x4)
    /// Connections are not made into replication.
    package static let disableTranslation = DSAOptions(rawValue: 0x8)
}

/// nTDSConnection: its owner pulls from its source.
package struct Connection: Sendable {
    package let guid: GUID
    package let dn: String
    package let name: String
    package let destination: Ref<DirectorySystemAgent>
    package let source: Ref<DirectorySystemAgent>
    /// None means IP.
    package let transport: Ref<InterSiteTransport>?
    package let isEnabled: Bool
    package var options: ConnectionOptions
    /// Slots in which requests start; none means that the directory has none.
    package var schedule: Schedule?
    package let whenCreated: Timestamp
}

/// Bits of nTDSConnection's options.
/// - Source: MS-ADTS section 6.1.1.2.2.1.2.1.2.
package struct ConnectionOptions: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The KCC's own, to change and remove; all others are never touched.
    package static let isGenerated = ConnectionOptions(rawValue: 0x1)
    package static let twoWaySync = ConnectionOptions(rawValue: 0x2)
    package static let overrideNotifyDefault = ConnectionOptions(rawValue: 0x4)
    package static let useNotify = ConnectionOptions(rawValue: 0x8)
    package static let disableCompression = ConnectionOptions(rawValue: 0x10)
    package static let userOwnedSchedule = ConnectionOptions(rawValue: 0x20)
    /// Made for a read-only DSA; counts for nothing here.
    package static let readOnlyTopology = ConnectionOptions(rawValue: 0x40)
}
