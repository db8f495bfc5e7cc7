package import DirectoryModel
package import Identifiers
package import PKI
package import Replication
package import Store

/// A domain system agent as the configuration NC describes it.
package struct DSAView: Sendable {
    package var dsaGUID: GUID
    package var settingsDN: String
    package var serverName: String
    package var siteName: String
    package var dnsHostName: String
    package var mailAddress: MailAddress
    /// Newest first.
    package var certificates: [Certificate]
    package var masters: [DistinguishedName]
    package var partials: [DistinguishedName]
    package var options: Int
    package var isTombstone: Bool
    /// The life of its database, as it says itself.
    package var invocationID: GUID?
    /// Lives of its database that have ended.
    package var retired: [RetiredInvocation] = []

    /// NTDSDSA_OPT_DISABLE_INBOUND_REPL and _OUTBOUND_REPL (MS-ADTS section 6.1.1.2.2.1.2.1.1).
    package var isDisabled: Bool { options & 0x6 == 0x6 }
}

/// An inbound edge: the owner pulls from the source.
package struct ConnectionView: Sendable {
    package var name: String
    package var owner: GUID
    package var source: GUID
    package var transport: String
    package var options: Int
}

package struct DomainView: Sendable {
    package var dn: DistinguishedName
    package var dnsName: String
}

/// The partial attribute set and its digest.
package struct PartialAttributes: Sendable {
    package let sorted: [OID]
    package let digest: [UInt8]

    /// The digest: first 16 octets of SHA-256 over the sorted OIDs, each behind its length in one octet.
    package init(_ attributes: [OID]) {
        sorted = attributes.sorted()
        digest = Array(
            Digest.sha256(PartialSet.hashedOctets(of: sorted)).prefix(ReplicationLimits.digestOctets)
        )
    }
}

/// What the running DSA needs to know from the directory, read in one snapshot and replaced as a whole.
package struct ConfigurationView: Sendable {
    package var names: ForestNames
    package var schemaContext: NamingContext
    package var configurationContext: NamingContext
    package var held: [HeldNamingContext]
    package var own: DSAView
    package var dsas: [DSAView]
    package var connections: [ConnectionView]
    package var domains: [DomainView]
    package var sites: [String]
    package var siteLinks: [String]
    package var partialAttributes: PartialAttributes
    package var tombstoneLifetimeDays: Int
    package var crlGraceDays: Int
    package var lateMailDays: Int
    package var authorities: [Certificate]
    package var revocationLists: [CertificateRevocationList]
    package var schema: Schema

    package var forest: GUID { configurationContext.guid }

    package var ownDomain: NamingContext {
        held.first { !$0.isPartial && $0.role == .domain }?.namingContext ?? configurationContext
    }

    package var ownDomainDN: String { ownDomain.dn.description(naming: schema) }

    /// Every pull of this DSA: for each inbound connection, the NCs that the source can give.
    package var links: [ReplicationLink] {
        var found: [ReplicationLink] = []
        for connection in connections where connection.owner == own.dsaGUID {
            guard let source = dsa(connection.source), !source.isTombstone else { continue }
            for context in held where gives(source, context) {
                let link = ReplicationLink(
                    namingContext: context.guid,
                    partner: source.dsaGUID
                )
                if !found.contains(link) { found.append(link) }
            }
        }
        return found
    }

    /// Whether changes of that NC from that DSA belong here, connection or not: mail may be late.
    package func mayPull(_ context: GUID, from partner: GUID) -> Bool {
        guard let source = dsa(partner), let held = heldContext(context) else { return false }
        return gives(source, held)
    }

    /// Schema and configuration from everybody; a domain into our partial replica from a full one.
    ///
    /// Full to full of one domain never goes by mail: the guide's rule, for the sake of what hangs on it.
    private func gives(_ source: DSAView, _ context: HeldNamingContext) -> Bool {
        switch context.role {
        case .schema, .configuration: true
        case .domain: context.isPartial && source.masters.contains(context.dn)
        }
    }

    /// Who pulls this NC from us: the partners to poke.
    package func destinations(of context: GUID) -> [GUID] {
        guard let role = role(of: context) else { return [] }
        return connections.filter { $0.source == own.dsaGUID }.map(\.owner).filter { owner in
            guard let destination = dsa(owner), !destination.isTombstone else { return false }
            return role != .domain
                || (isFull(context) && destination.partials.contains { $0 == dn(of: context) })
        }
    }

    package func dsa(_ guid: GUID) -> DSAView? { dsas.first { $0.dsaGUID == guid } }
    package func isMember(_ guid: GUID) -> Bool {
        dsa(guid).map { !$0.isTombstone && !$0.isDisabled } ?? false
    }
    package func name(of guid: GUID) -> String { dsa(guid)?.serverName ?? guid.description }

    /// By server name, or by dsaGUID.
    package func dsa(named name: String) -> DSAView? {
        if let guid = GUID(name) { return dsa(guid) }
        return dsas.first { !$0.isTombstone && $0.serverName.lowercased() == name.lowercased() }
    }

    /// The transport of the connections between this DSA and a partner, in either direction.
    package func transport(to partner: GUID) -> String {
        let edges = connections.filter {
            ($0.owner == own.dsaGUID && $0.source == partner)
                || ($0.owner == partner && $0.source == own.dsaGUID)
        }
        return edges.first { $0.owner == own.dsaGUID }?.transport ?? edges.first?.transport ?? "smtp"
    }

    package func heldContext(_ context: GUID) -> HeldNamingContext? {
        held.first { $0.guid == context }
    }

    package func role(of context: GUID) -> NamingContextRole? { heldContext(context)?.role }
    package func isFull(_ context: GUID) -> Bool { heldContext(context).map { !$0.isPartial } ?? false }
    package func isForestWide(_ context: GUID) -> Bool { role(of: context).map { $0 != .domain } ?? false }
    package func dn(of context: GUID) -> DistinguishedName? { heldContext(context)?.namingContext.dn }

    package func contextName(_ context: GUID) -> String {
        dn(of: context)?.description(naming: schema) ?? context.description
    }

    /// The schema applies first, then the configuration, then domains.
    package func rank(_ context: GUID) -> Int {
        switch role(of: context) {
        case .schema: 0
        case .configuration: 1
        case .domain, nil: 2
        }
    }

    package func comesFirst(_ left: ReplicationLink, _ right: ReplicationLink) -> Bool {
        let ranks = (rank(left.namingContext), rank(right.namingContext))
        if ranks.0 != ranks.1 { return ranks.0 < ranks.1 }
        return (left.namingContext, left.partner) < (right.namingContext, right.partner)
    }

    /// When a message expires: none may arrive once a deletion that it does not know of may be collected.
    package func expiry(ofMessageLivingDays days: Int, from time: Timestamp) -> Timestamp {
        time.adding(days: min(days, tombstoneLifetimeDays))
    }

    package func replicaKind(of context: GUID) -> ReplicaKind {
        isFull(context) ? .full : .partial(digest: partialAttributes.digest)
    }

    package var membership: [GUID: DSAView] {
        Dictionary(dsas.map { ($0.dsaGUID, $0) }, uniquingKeysWith: { first, _ in first })
    }
}
