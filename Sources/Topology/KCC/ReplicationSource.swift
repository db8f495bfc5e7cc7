import Identifiers

/// What a DSA pulls over a connection: one naming context from one source.
///
/// - Source: MS-ADTS section 6.2.2.5, where the mail address belongs into the address and not into uuidDsa.
package struct ReplicationSource: Hashable, Sendable {
    package let namingContext: Ref<NamingContextView>
    package let source: Ref<DirectorySystemAgent>
    /// None = over IP, within the site or between sites.
    package let mailTransport: Ref<InterSiteTransport>?
    /// Slots in which requests start; none = never by schedule.
    package let schedule: Schedule
    /// The source must not say that it has news.
    package let isNeverNotified: Bool
    package let isCompressed: Bool
    package let isTwoWay: Bool
    /// Pulled at every start.
    package let isPulledAtStart: Bool
    /// The connection is disabled by hand: nothing is pulled until it is asked for.
    package let isDisabled: Bool
}

/// What may pass over a connection.
struct Translation {
    let snapshot: TopologySnapshot

    /// Whether a naming context flows from one DSA to another, once both hold it.
    ///
    /// Without a transport it is IP.
    func carries(
        _ context: Ref<NamingContextView>,
        from source: Ref<DirectorySystemAgent>,
        to destination: Ref<DirectorySystemAgent>,
        over transport: Ref<InterSiteTransport>?
    ) -> Bool {
        guard let held = snapshot[source].replica(of: context), held.isPresent,
            let wanted = snapshot[destination].replica(of: context)
        else { return false }
        return flows(from: held, to: wanted, over: isMail(transport, source, destination))
    }

    private func flows(from held: Replica, to wanted: Replica, over isMail: Bool) -> Bool {
        guard held.isPresent, held.isFull || !wanted.isFull else { return false }
        return !isMail || !wanted.isFull
            || snapshot[held.namingContext].mayJoinFullReplicasOverMail
    }

    private func isMail(
        _ transport: Ref<InterSiteTransport>?,
        _ source: Ref<DirectorySystemAgent>,
        _ destination: Ref<DirectorySystemAgent>
    ) -> Bool {
        guard let transport else { return false }
        return transport != snapshot.ipTransport && snapshot[source].site != snapshot[destination].site
    }

    /// All that flows from one DSA to another, in the order of the naming contexts.
    func contexts(
        from source: Ref<DirectorySystemAgent>,
        to destination: Ref<DirectorySystemAgent>,
        over transport: Ref<InterSiteTransport>?
    ) -> [Ref<NamingContextView>] {
        let isMail = isMail(transport, source, destination)
        var found: [Ref<NamingContextView>] = []
        // Both lists are sorted.
        var wanted = snapshot[destination].replicas[...]
        for held in snapshot[source].replicas {
            while let next = wanted.first, next.namingContext < held.namingContext { wanted.removeFirst() }
            guard let next = wanted.first else { break }
            if next.namingContext == held.namingContext, flows(from: held, to: next, over: isMail) {
                found.append(held.namingContext)
            }
        }
        return found
    }

    func sources(
        of destination: Ref<DirectorySystemAgent>,
        over connections: [PlannedConnection]
    ) -> [ReplicationSource] {
        guard !snapshot[destination].options.contains(.disableTranslation) else { return [] }
        var found: [ReplicationSource] = []
        for connection in connections where connection.destination == destination {
            let isOneSite = snapshot[connection.source].site == snapshot[destination].site
            let isMail = isMail(connection.transport, connection.source, destination)
            let options = connection.options
            let isNeverNotified =
                options.contains(.overrideNotifyDefault) ? !options.contains(.useNotify) : !isOneSite
            for context in contexts(from: connection.source, to: destination, over: connection.transport) {
                found.append(
                    ReplicationSource(
                        namingContext: context,
                        source: connection.source,
                        mailTransport: isMail ? connection.transport : nil,
                        schedule: connection.schedule,
                        isNeverNotified: isNeverNotified,
                        isCompressed: !isOneSite && !options.contains(.disableCompression),
                        isTwoWay: options.contains(.twoWaySync),
                        isPulledAtStart: isOneSite,
                        isDisabled: !connection.isEnabled
                    )
                )
            }
        }
        return found
    }
}
