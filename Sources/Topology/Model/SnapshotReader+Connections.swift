import DirectoryModel
import Identifiers

// MARK: - Connections, and what only the whole shows

extension SnapshotReader {
    mutating func readConnections() {
        for item in take(.nTDSConnection) {
            guard let destination = names.parent(of: item.name).flatMap({ dsas[$0] }) else {
                note(
                    Finding(
                        .connectionOutsideSettings,
                        subject: item.dn,
                        "the connection stands below no NTDS Settings in use; it is not used"
                    )
                )
                continue
            }
            let stated = item.object.string(.fromServer)
            guard let source = stated.flatMap({ names.id(of: $0) }).flatMap({ dsas[$0] }) else {
                note(
                    Finding(
                        .connectionSourceUnknown,
                        subject: item.dn,
                        "fromServer names \(stated ?? "nothing"), which is no DSA in use; it is not used",
                        hint: "delete the connection"
                    )
                )
                continue
            }
            guard source != destination else {
                note(
                    Finding(
                        .connectionToItself,
                        subject: item.dn,
                        "the DSA would pull from itself; it is not used",
                        hint: "delete the connection"
                    )
                )
                continue
            }
            snapshot.connections.append(connection(item, to: destination, from: source))
        }
        noteDuplicates()
    }

    private mutating func connection(
        _ item: Item,
        to destination: Ref<DirectorySystemAgent>,
        from source: Ref<DirectorySystemAgent>
    ) -> Connection {
        let stated = item.object.string(.transportType)
        let transport = stated.flatMap { names.id(of: $0) }.flatMap { transports[$0] }
        if let stated, transport == nil {
            note(
                Finding(
                    .transportUnknown,
                    subject: item.dn,
                    "transportType names \(stated), which is no transport; it counts as IP"
                )
            )
        }
        return Connection(
            guid: item.guid,
            dn: item.dn,
            name: names.leaf(of: item.name),
            destination: destination,
            source: source,
            transport: transport,
            isEnabled: !item.object.isFalse(.enabledConnection),
            options: ConnectionOptions(rawValue: bits(item)),
            schedule: schedule(item),
            whenCreated: item.object.string(.whenCreated).flatMap { Timestamp(generalizedTime: $0) } ?? .epoch
        )
    }

    private struct Edge: Hashable {
        let destination: Ref<DirectorySystemAgent>
        let source: Ref<DirectorySystemAgent>
        let transport: Ref<InterSiteTransport>?
    }

    private mutating func noteDuplicates() {
        var seen: [Edge: String] = [:]
        for connection in snapshot.connections where connection.options.contains(.isGenerated) {
            let edge = Edge(
                destination: connection.destination,
                source: connection.source,
                transport: connection.transport ?? snapshot.ipTransport
            )
            if let first = seen[edge] {
                note(
                    Finding(
                        .connectionDuplicate,
                        subject: connection.dn,
                        "a second generated connection from \(snapshot.name(of: connection.source)); "
                            + "\(first) is the first",
                        hint: "the KCC removes one of the two"
                    )
                )
            } else {
                seen[edge] = connection.name
            }
        }
    }

    /// Servers that mail cannot reach although a link says so, and sites without any.
    mutating func checkServers() {
        var byTransport: [Ref<InterSiteTransport>: Set<Ref<Site>>] = [:]
        for link in snapshot.links where link.sites.count > 1 {
            byTransport[link.transport, default: []].formUnion(link.sites)
        }
        let mail = snapshot.transports.indices.map { Ref<InterSiteTransport>($0) }
            .filter { snapshot[$0].addressAttribute.asciiLowercased == "mailaddress" }
        var populated: Set<Ref<Site>> = []
        for dsa in snapshot.dsas {
            populated.insert(dsa.site)
            let server = snapshot[dsa.server]
            for transport in mail
            where byTransport[transport]?.contains(dsa.site) == true && server.mailAddress == nil {
                note(
                    Finding(
                        .mailAddressMissing,
                        .error,
                        subject: server.dn,
                        "the server has no mailAddress, so that it cannot be a bridgehead of "
                            + "\(snapshot[transport].name), which links its site",
                        hint: "set mailAddress of the server object"
                    )
                )
            }
        }
        for (position, site) in snapshot.sites.enumerated() where !populated.contains(Ref(position)) {
            note(
                Finding(
                    .siteWithoutServers,
                    subject: site.dn,
                    "the site has no DSA; paths lead through it, but nothing replicates there"
                )
            )
        }
    }
}
