package import Identifiers

/// How long a message takes one way, in seconds, as observed or assumed.
package struct TransitTimes: Hashable, Sendable {
    package var bestSeconds: Int64
    package var usualSeconds: Int64
    package var worstSeconds: Int64

    package init(bestSeconds: Int64, usualSeconds: Int64, worstSeconds: Int64) {
        self.bestSeconds = max(0, bestSeconds)
        self.usualSeconds = max(0, usualSeconds)
        self.worstSeconds = max(0, worstSeconds)
    }

    /// What is assumed of synchronous transports that nobody has observed.
    package static let synchronous = TransitTimes(bestSeconds: 1, usualSeconds: 2, worstSeconds: 60)
    /// What is assumed of mail that nobody has observed.
    package static let mail = TransitTimes(bestSeconds: 10, usualSeconds: 300, worstSeconds: 14_400)
}

/// A change and what is known of the ways that it takes.
package struct ForecastInput: Sendable {
    package var namingContext: Ref<NamingContextView>
    /// Where the change is made.
    package var origin: Ref<DirectorySystemAgent>
    package var now: Timestamp
    /// By the transport's name in lower case.
    package var transit: [String: TransitTimes] = [:]
    /// From a change to the word that there is one, where connections notify.
    package var notifyDelaySeconds: Int64 = 15

    package init(
        _ namingContext: Ref<NamingContextView>,
        from origin: Ref<DirectorySystemAgent>,
        now: Timestamp
    ) {
        (self.namingContext, self.origin, self.now) = (namingContext, origin, now)
    }
}

/// When a change will be in a site, that is, at all its DSAs that hold the naming context.
package struct SiteForecast: Hashable, Sendable {
    package let site: Ref<Site>
    /// Every message as fast as ever; none if no way leads there.
    package let best: Timestamp?
    package let usual: Timestamp?
    /// Every message as slow as ever, and on every hop one is lost and asked for again in the next slot.
    package let worst: Timestamp?
    /// The DSAs that the change passes usually, from the origin to the last one of the site that has it.
    package let path: [Ref<DirectorySystemAgent>]
    /// DSAs of the site that no connection leads to.
    package let unreached: [Ref<DirectorySystemAgent>]
}

/// Predicts when a change made now is everywhere: earliest arrivals over connections, slot by slot.
package struct Forecast {
    private enum Case { case best, usual, worst }

    private struct Hop {
        let destination: Int
        let schedule: Schedule
        let isNotified: Bool
        let transit: TransitTimes
    }

    private let snapshot: TopologySnapshot
    private let input: ForecastInput
    /// By position of the source.
    private let hops: [[Hop]]

    /// Over the connections of all DSAs, those of the snapshot unless given.
    package init(
        _ snapshot: TopologySnapshot,
        _ input: ForecastInput,
        over connections: [Connection]? = nil
    ) {
        self.snapshot = snapshot
        self.input = input
        let translation = Translation(snapshot: snapshot)
        var hops = [[Hop]](repeating: [], count: snapshot.dsas.count)
        for connection in connections ?? snapshot.connections where connection.isEnabled {
            let transport = connection.transport ?? snapshot.ipTransport
            guard
                translation.carries(
                    input.namingContext,
                    from: connection.source,
                    to: connection.destination,
                    over: transport
                )
            else { continue }
            let isOneSite = snapshot[connection.source].site == snapshot[connection.destination].site
            let isMail = !isOneSite && transport != nil && transport != snapshot.ipTransport
            let name = isMail ? snapshot.transportName(transport).lowercased() : "ip"
            let options = connection.options
            let isNotified =
                options.contains(.overrideNotifyDefault) ? options.contains(.useNotify) : isOneSite
            hops[connection.source.position].append(
                Hop(
                    destination: connection.destination.position,
                    schedule: connection.schedule ?? .always,
                    isNotified: isNotified,
                    transit: input.transit[name] ?? (isMail ? .mail : .synchronous)
                )
            )
        }
        self.hops = hops
    }

    /// For each site that holds the naming context, in the order of objectGUIDs.
    package func sites() -> [SiteForecast] {
        let arrivals = [Case.best, .usual, .worst].map(arrivals)
        var holders: [Ref<Site>: [Ref<DirectorySystemAgent>]] = [:]
        for position in snapshot.dsas.indices {
            let ref = Ref<DirectorySystemAgent>(position)
            guard snapshot[ref].replica(of: input.namingContext) != nil, !snapshot[ref].isDisabled else {
                continue
            }
            holders[snapshot[ref].site, default: []].append(ref)
        }
        return holders.keys.sorted().map { site in
            let dsas = holders[site] ?? []
            let last = dsas.max {
                (arrivals[1].times[$0.position] ?? .epoch, $0)
                    < (arrivals[1].times[$1.position] ?? .epoch, $1)
            }
            return SiteForecast(
                site: site,
                best: latest(dsas, arrivals[0].times),
                usual: latest(dsas, arrivals[1].times),
                worst: latest(dsas, arrivals[2].times),
                path: last.map { path(to: $0, arrivals[1].sources) } ?? [],
                unreached: dsas.filter { arrivals[1].times[$0.position] == nil }
            )
        }
    }

    /// None as long as one of them has no time.
    private func latest(_ dsas: [Ref<DirectorySystemAgent>], _ times: [Timestamp?]) -> Timestamp? {
        let known = dsas.compactMap { times[$0.position] }
        return known.count == dsas.count ? known.max() : nil
    }

    private func path(to dsa: Ref<DirectorySystemAgent>, _ sources: [Int?]) -> [Ref<DirectorySystemAgent>] {
        var path = [dsa]
        var position = dsa.position
        while let source = sources[position], path.count <= sources.count {
            path.append(Ref(source))
            position = source
        }
        return path.reversed()
    }

    /// A later change never arrives earlier over a hop, so that the first arrival at a DSA is all that counts.
    private func arrivals(_ kind: Case) -> (times: [Timestamp?], sources: [Int?]) {
        var times = [Timestamp?](repeating: nil, count: hops.count)
        var sources = [Int?](repeating: nil, count: hops.count)
        var isDone = [Bool](repeating: false, count: hops.count)
        var queue = MinHeap<Timestamp>()
        queue.push(input.now, input.origin.position)
        times[input.origin.position] = input.now
        while let (time, dsa) = queue.pop() {
            guard !isDone[dsa] else { continue }
            isDone[dsa] = true
            for hop in hops[dsa] {
                guard let arrival = arrival(over: hop, from: time, kind),
                    times[hop.destination].map({ arrival < $0 }) ?? true
                else { continue }
                times[hop.destination] = arrival
                sources[hop.destination] = dsa
                queue.push(arrival, hop.destination)
            }
        }
        return (times, sources)
    }

    /// When a change that is at the source is at the destination; none over a connection that is never open.
    private func arrival(over hop: Hop, from time: Timestamp, _ kind: Case) -> Timestamp? {
        let slot = hop.schedule.nextSlot(after: time.adding(seconds: -1))
        let transit =
            switch kind {
            case .best: hop.transit.bestSeconds
            case .usual: hop.transit.usualSeconds
            case .worst: hop.transit.worstSeconds
            }
        // A request and its answer.
        let trip = transit > Int64.max / 4 ? Int64.max / 4 : 2 * transit
        switch kind {
        case .best, .usual:
            let notified =
                hop.isNotified
                ? time.adding(seconds: input.notifyDelaySeconds).adding(seconds: transit)
                    .adding(seconds: trip) : nil
            return [slot?.adding(seconds: trip), notified].compactMap { $0 }.min()
        case .worst:
            return slot.flatMap { hop.schedule.nextSlot(after: $0) }?.adding(seconds: trip)
        }
    }
}
