import Identifiers

/// Who makes the connections of a site to other sites.
///
/// Every DSA of the site computes the same answer from the same replica: the one that is recorded, as long as it
/// is heard of; then one after the other, a failover interval each.
/// - Source: MS-ADTS section 6.2.2.3.1, with the interval where the text divides by an attribute that may be unset.
package struct GeneratorElection: Hashable, Sendable {
    package enum Ground: Hashable, Sendable {
        /// The recorded generator was heard of in time.
        case recorded
        /// It has been silent for this many seconds.
        case silent(seconds: Int64)
        /// Nothing of it was ever heard.
        case neverHeard
        /// It was heard of in the future: clocks differ.
        case clocksDiffer
        /// No generator is recorded; the DSA that plans nominates itself.
        case nobodyRecorded
    }

    package let generator: Ref<DirectorySystemAgent>
    package let recorded: Ref<DirectorySystemAgent>?
    package let ground: Ground

    package init(_ snapshot: TopologySnapshot, _ input: KCCInput) {
        let own = snapshot[input.dsa]
        let settings = snapshot[own.site].settings
        // All DSAs count, as published: one that is away is passed by after its interval.
        let candidates = snapshot.dsas.indices.filter { snapshot.dsas[$0].site == own.site }
            .map { Ref<DirectorySystemAgent>($0) }
        let failoverSeconds = settings.failoverMinutes * 60
        let ownIndex = candidates.firstIndex(of: input.dsa) ?? 0
        var (index, since) = (ownIndex, input.now)
        var ground = Ground.nobodyRecorded
        recorded = settings.generator
        if settings.generator == input.dsa {
            ground = .recorded
        } else if let generator = settings.generator, let place = candidates.firstIndex(of: generator) {
            if let heard = input.lastHeard[snapshot[generator].guid] {
                if input.now < heard.adding(seconds: -failoverSeconds) {
                    (index, since, ground) = (0, .epoch, .clocksDiffer)
                } else {
                    let silence = max(0, Self.difference(input.now, heard))
                    let isSilent = silence >= failoverSeconds
                    (index, since) = (place, heard)
                    ground = isSilent ? .silent(seconds: silence) : .recorded
                }
            } else {
                (index, since, ground) = (place, .epoch, .neverHeard)
            }
        }
        let turns = max(0, Self.difference(input.now, since)) / max(1, failoverSeconds)
        let winner = (index + Int(turns % Int64(candidates.count))) % candidates.count
        self.generator = candidates[winner]
        self.ground = ground
    }

    private static func difference(_ left: Timestamp, _ right: Timestamp) -> Int64 {
        let (difference, overflow) = left.seconds.subtractingReportingOverflow(right.seconds)
        return overflow ? (left < right ? .min : .max) : difference
    }
}

extension GeneratorElection.Ground: CustomStringConvertible {
    package var description: String {
        switch self {
        case .recorded: "it is recorded and heard of"
        case .silent(let seconds): "the recorded one has been silent for \(seconds / 60) minutes"
        case .neverHeard: "nothing of the recorded one was ever heard"
        case .clocksDiffer: "the recorded one was heard of in the future: clocks differ"
        case .nobodyRecorded: "none of this site is recorded"
        }
    }
}
