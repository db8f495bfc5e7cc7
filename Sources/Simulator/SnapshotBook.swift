package import Identifiers
package import Replication

/// The snapshots of which sources told in parts that arrived: what success times are compared with.
///
/// A success time stands for a snapshot whose vector was merged. So there must be one that is not older, and of
/// which the destination's vector has everything.
package struct SnapshotBook: Sendable {
    private struct Origin: Hashable {
        let source: GUID
        let namingContext: GUID
    }

    private struct Snapshot {
        let time: Timestamp
        let vector: UpToDatenessVector
    }

    private var snapshots: [Origin: [Snapshot]] = [:]

    package init() {}

    package mutating func note(_ part: ChangesReply) {
        let header = part.header
        // A partial source, which has no entry of its own, is asked for what a full one has lost.
        let own = part.vector[header.invocationID]?.time
        guard let time = own ?? part.vector.entries.values.map(\.time).max() else { return }
        let origin = Origin(source: header.dsaGUID, namingContext: header.namingContext)
        if let last = snapshots[origin]?.last, last.time == time, last.vector == part.vector { return }
        snapshots[origin, default: []].append(Snapshot(time: time, vector: part.vector))
    }

    /// Whether a destination with this vector may say that it has everything of that time from that source.
    ///
    /// What a snapshot said of lives that have ended is capped when it is merged: `ended` are left out.
    package func allows(
        _ success: Timestamp,
        of source: GUID,
        in namingContext: GUID,
        by vector: UpToDatenessVector,
        ended: Set<GUID> = []
    ) -> Bool {
        let all = snapshots[Origin(source: source, namingContext: namingContext)] ?? []
        return all.contains { snapshot in
            snapshot.time >= success
                && snapshot.vector.entries.allSatisfy {
                    ended.contains($0.key) || vector.covers($0.key, $0.value.usn)
                }
        }
    }
}

/// A destination's success times in one naming context, and what they must be true of.
struct SuccessTimes {
    let bySource: [GUID: Timestamp]
    let vector: UpToDatenessVector
    /// Lives that have ended, and the destination's own, which no peer raises.
    let ended: Set<GUID>

    init(_ destination: Destination, vector: UpToDatenessVector, own: GUID) {
        var times: [GUID: Timestamp] = [:]
        for cursor in destination.cursors {
            guard let time = cursor.lastSuccess else { continue }
            times[cursor.sourceDSA] = max(times[cursor.sourceDSA] ?? time, time)
        }
        bySource = times
        self.vector = vector
        ended = Set(destination.retired.keys).union([own])
    }
}

extension World {
    struct SuccessKey: Hashable {
        let site: Int
        let namingContext: GUID
        let source: GUID
    }

    /// A success time that moved on is compared with the snapshots that arrived.
    ///
    /// Those of the template are taken as they are; one that goes back claims nothing new.
    func checkSuccess(_ times: SuccessTimes, of site: SimulatedSite, in context: GUID) throws {
        for (source, time) in times.bySource {
            let key = SuccessKey(site: site.index, namingContext: context, source: source)
            let known = successTimes.updateValue(time, forKey: key)
            guard let known, time > known else { continue }
            guard snapshots.allows(time, of: source, in: context, by: times.vector, ended: times.ended) else {
                let name = siteOf[source].map { "d\($0)" } ?? "\(source)"
                throw OracleViolation(
                    .successTime,
                    "\(site.name) \(contextName(context)): success at \(time) with \(name), and no snapshot of "
                        + "that time or later is merged"
                )
            }
        }
    }
}
