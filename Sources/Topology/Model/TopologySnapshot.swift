package import Identifiers

/// The configuration naming context as the KCC sees it: typed, resolved, and in one order.
///
/// Everything that was wrong stands in `findings`. Two snapshots of the same objects are the same, however the
/// objects were ordered.
package struct TopologySnapshot: Sendable {
    /// In the order of their objectGUIDs, like all others.
    package internal(set) var sites: [Site] = []
    package internal(set) var transports: [InterSiteTransport] = []
    package internal(set) var links: [SiteLink] = []
    package internal(set) var bridges: [SiteLinkBridge] = []
    package internal(set) var subnets: [Subnet] = []
    package internal(set) var servers: [Server] = []
    package internal(set) var dsas: [DirectorySystemAgent] = []
    package internal(set) var namingContexts: [NamingContextView] = []
    package internal(set) var connections: [Connection] = []
    /// Sorted: errors first.
    package internal(set) var findings: [Finding] = []
    /// The DSA that an LDIF file says it is of (rootDSE's dsServiceName).
    package internal(set) var origin: Ref<DirectorySystemAgent>?

    package subscript(ref: Ref<Site>) -> Site { sites[ref.position] }
    package subscript(ref: Ref<InterSiteTransport>) -> InterSiteTransport { transports[ref.position] }
    package subscript(ref: Ref<SiteLink>) -> SiteLink { links[ref.position] }
    package subscript(ref: Ref<SiteLinkBridge>) -> SiteLinkBridge { bridges[ref.position] }
    package subscript(ref: Ref<Server>) -> Server { servers[ref.position] }
    package subscript(ref: Ref<DirectorySystemAgent>) -> DirectorySystemAgent { dsas[ref.position] }
    package subscript(ref: Ref<NamingContextView>) -> NamingContextView { namingContexts[ref.position] }
    package subscript(ref: Ref<Connection>) -> Connection { connections[ref.position] }

    /// By objectGUID.
    package func dsa(_ guid: GUID) -> Ref<DirectorySystemAgent>? {
        dsas.firstIndex { $0.guid == guid }.map { Ref($0) }
    }

    /// By name of the server in any case, objectGUID, or DN of the NTDS Settings as the directory writes it.
    package func dsa(named name: String) -> Ref<DirectorySystemAgent>? {
        if let guid = GUID(name), let dsa = dsa(guid) { return dsa }
        let lowered = name.lowercased()
        return dsas.firstIndex {
            servers[$0.server.position].name.lowercased() == lowered || $0.dn.lowercased() == lowered
        }.map { Ref($0) }
    }

    package var ipTransport: Ref<InterSiteTransport>? {
        transports.firstIndex(where: \.isIP).map { Ref($0) }
    }

    /// `Site\SERVER`, as operators know it.
    package func name(of dsa: Ref<DirectorySystemAgent>) -> String {
        "\(self[self[dsa].site].name)\\\(self[self[dsa].server].name)"
    }

    package func transportName(_ transport: Ref<InterSiteTransport>?) -> String {
        transport.map { self[$0].name } ?? "IP"
    }
}
