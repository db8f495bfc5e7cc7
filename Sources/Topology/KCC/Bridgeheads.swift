import Identifiers

/// Who holds what, by naming context and site.
struct Holders: Sendable {
    struct Holder: Hashable, Sendable {
        let dsa: Ref<DirectorySystemAgent>
        let isFull: Bool
        let isPresent: Bool
    }

    /// By naming context, then by position of the site; each in the order of objectGUIDs.
    private let bySite: [[Int: [Holder]]]

    init(_ snapshot: TopologySnapshot) {
        var bySite = [[Int: [Holder]]](repeating: [:], count: snapshot.namingContexts.count)
        for (position, dsa) in snapshot.dsas.enumerated() {
            for replica in dsa.replicas {
                bySite[replica.namingContext.position][dsa.site.position, default: []].append(
                    Holder(dsa: Ref(position), isFull: replica.isFull, isPresent: replica.isPresent)
                )
            }
        }
        self.bySite = bySite
    }

    func holders(of context: Ref<NamingContextView>, in site: Ref<Site>) -> [Holder] {
        bySite[context.position][site.position] ?? []
    }

    /// In no order.
    func sites(of context: Ref<NamingContextView>) -> Dictionary<Int, [Holder]>.Keys {
        bySite[context.position].keys
    }
}

/// Chooses the DSAs through which sites replicate with others.
///
/// - Source: MS-ADTS section 6.2.2.3.4.4 (GetAllBridgeheadDCs). A site's preferred bridgeheads exclude the others
///   of that site alone: as published, one list in one site would cut off every site that has none.
struct Bridgeheads: Sendable {
    let snapshot: TopologySnapshot
    let holders: Holders
    /// By DSA, bit t: it may be a bridgehead of transport t, failures aside.
    private let eligible: [UInt32]
    /// By site, bit t: it names preferred bridgeheads of transport t.
    private let listing: [UInt32]
    private let seed: UInt64?

    init(_ snapshot: TopologySnapshot, _ holders: Holders, seed: UInt64?) {
        self.snapshot = snapshot
        self.holders = holders
        self.seed = seed
        var listing = [UInt32](repeating: 0, count: snapshot.sites.count)
        for server in snapshot.servers {
            for transport in server.preferred {
                listing[server.site.position] |= 1 << UInt32(transport.position)
            }
        }
        self.listing = listing
        let ip = snapshot.ipTransport
        eligible = snapshot.dsas.map { dsa in
            guard !dsa.isDisabled else { return 0 }
            let server = snapshot[dsa.server]
            let lists = listing[dsa.site.position]
            var mask: UInt32 = 0
            for position in snapshot.transports.indices {
                let (transport, bit) = (Ref<InterSiteTransport>(position), UInt32(1) << UInt32(position))
                guard transport == ip || server.reachable.contains(transport),
                    lists & bit == 0 || server.preferred.contains(transport)
                else { continue }
                mask |= bit
            }
            return mask
        }
    }

    /// Bit t: the site has a bridgehead of transport t for the naming context.
    func transports(
        _ holders: [Holders.Holder],
        partialOkay: Bool,
        _ health: Health
    ) -> (healthy: UInt32, all: UInt32) {
        var (healthy, all): (UInt32, UInt32) = (0, 0)
        for holder in holders where holder.isFull || partialOkay {
            let mask = eligible[holder.dsa.position]
            all |= mask
            healthy |= mask & ~health.failedTransports(holder.dsa)
        }
        return (healthy, all)
    }

    /// Best first; at a remote site the replica must be there already, to be pulled from.
    func candidates(
        in site: Ref<Site>,
        for context: Ref<NamingContextView>,
        over transport: Ref<InterSiteTransport>,
        partialOkay: Bool,
        isRemote: Bool,
        _ health: Health?
    ) -> [Ref<DirectorySystemAgent>] {
        let bit = UInt32(1) << UInt32(transport.position)
        let found = holders.holders(of: context, in: site).filter {
            ($0.isFull || partialOkay) && ($0.isPresent || !isRemote)
                && eligible[$0.dsa.position] & bit != 0
                && !(health?.isFailed($0.dsa, on: transport) ?? false)
        }.map(\.dsa)
        return found.sorted { rank($0) < rank($1) }
    }

    /// Global catalogues first, then objectGUIDs; with a seed a draw that is the same every time.
    private func rank(_ dsa: Ref<DirectorySystemAgent>) -> (UInt64, Int) {
        guard let seed else {
            return (snapshot[dsa].options.contains(.isGlobalCatalog) ? 0 : 1, dsa.position)
        }
        let guid = snapshot[dsa].guid
        return (Self.mixed(Self.mixed(seed ^ guid.high) ^ guid.low), dsa.position)
    }

    /// SplitMix64's finaliser: every bit of the input turns half of the output's.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9e37_79b9_7f4a_7c15
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    /// For each DSA of a site why it is no bridgehead; none for those that are.
    func passedOver(
        in site: Ref<Site>,
        for context: Ref<NamingContextView>,
        over transport: Ref<InterSiteTransport>,
        partialOkay: Bool,
        _ health: Health
    ) -> [PassedOver] {
        let bit = UInt32(1) << UInt32(transport.position)
        let held = Dictionary(
            uniqueKeysWithValues: holders.holders(of: context, in: site).map { ($0.dsa, $0.isFull) }
        )
        return snapshot.dsas.indices.filter { snapshot.dsas[$0].site == site }.compactMap { position in
            let (ref, dsa) = (Ref<DirectorySystemAgent>(position), snapshot.dsas[position])
            let reason: PassedOver.Reason? =
                if dsa.isDisabled { .disabled } else if held[ref] == nil {
                    .noReplica
                } else if held[ref] == false, !partialOkay {
                    .onlyPartial
                } else if eligible[position] & bit == 0 {
                    snapshot[dsa.server].reachable.contains(transport) || transport == snapshot.ipTransport
                        ? .notPreferred : .noAddress
                } else if health.isFailed(ref, on: transport) { .failed } else { nil }
            return reason.map { PassedOver(dsa: ref, reason: $0) }
        }
    }
}
