import DirectoryModel
import DomainController
package import Identifiers
import Replication
import Store

/// Whether what a source wrote arrives while it goes on writing.
///
/// While no mail is lost and none takes more than D slots, a partner has everything that was written 4 D + 2 slots
/// ago. A request is answered within 2 D, and what its snapshot has is in the answer, or was cut before and is under
/// way: it is all there 2 D after the request, cut no later than the snapshot, and so its vector is adopted,
/// whatever newer ones wait for. The next request is made as soon as the first part of the answer is there, at
/// the latest 2 D + 1 after the one before. (One slot more, since it is looked at once a slot.)
package struct LoadWatch: Sendable {
    package let delaySlots: Int
    /// The source's USN at the end of each slot.
    private var written: [USN] = []

    package init(delaySlots: Int) { self.delaySlots = delaySlots }

    package var lagSlots: Int { 4 * delaySlots + 2 }

    package mutating func note(written usn: USN) { written.append(usn) }

    /// How many slots a partner with this entry is late; nil when it may be.
    package func starvation(at entry: USN) -> Int? {
        guard written.count > lagSlots, entry < written[written.count - 1 - lagSlots] else {
            return nil
        }
        return written.count - (written.firstIndex { $0 > entry } ?? written.count)
    }
}

extension World {
    /// The longest way of a mail under load, in slots.
    private static let loadDelaySlots = 3
    /// Different objects that are written in turn: never more than a request's credit brings in parts of one object.
    private static let loadObjects = 32
    private static let loadWritesPerSlot = 16

    /// Settings under which an answer is many parts, and its credit is never spent.
    static func load(_ settings: WorldSettings) -> WorldSettings {
        var settings = settings
        (settings.partObjects, settings.creditParts) = (1, 64)
        return settings
    }

    /// The third stage, of a few seeds: d0 is written without a pause, and nobody may starve of it.
    ///
    /// Needs a healed world, and a credit that one answer does not spend.
    package func bearLoad() async throws {
        note("! load")
        var watch = LoadWatch(delaySlots: Self.loadDelaySlots)
        let source = sites[0]
        let context = plan.configuration.guid
        try await makeLoadObjects(at: source, in: context)
        try await advance(seconds: settings.intervalSeconds)
        network.weather.longestDelaySeconds = Self.loadDelaySlots * settings.intervalSeconds
        let pause = max(1, settings.intervalSeconds / Self.loadWritesPerSlot)
        for slot in 0..<(2 * watch.lagSlots) {
            for turn in 0..<Self.loadWritesPerSlot {
                try await advance(seconds: pause)
                guard let object = loadObject(slot * Self.loadWritesPerSlot + turn, in: context) else {
                    return
                }
                let value = [Array("load \(slot) \(turn)".utf8)]
                let write = OriginatingOperation.modify(
                    .guid(object),
                    [Modification(.replace, "description", value)]
                )
                try await originate([write], in: context, at: source)
            }
            try await checkLoad(&watch, source, context)
        }
        network.weather = .fair
    }

    private func loadObject(_ turn: Int, in context: GUID) -> GUID? {
        guard let pool = pools[context], !pool.isEmpty else { return nil }
        return pool[pool.count - 1 - turn % min(Self.loadObjects, pool.count)]
    }

    private func makeLoadObjects(at site: SimulatedSite, in context: GUID) async throws {
        guard let head = try await site.dsa?.store.snapshot({ try $0.dn(of: context) }) else { return }
        for number in 0..<Self.loadObjects {
            let entry = Entry(
                dn: head.child(RDN(type: .cn, value: "load\(number)")),
                attributes: [
                    EntryAttribute(name: "objectClass", strings: ["top", "container"]),
                    EntryAttribute(name: "cn", strings: ["load\(number)"]),
                ]
            )
            try await originate([.add(entry)], in: context, at: site)
        }
    }

    private func checkLoad(_ watch: inout LoadWatch, _ source: SimulatedSite, _ context: GUID) async throws {
        guard let store = source.dsa?.store else { return }
        let life = store.identity.invocationID
        watch.note(written: try await store.snapshot { try $0.highestUSN() })
        for neighbour in plan.neighbours(of: source.index) {
            guard let partner = sites[neighbour].dsa?.store else { continue }
            let entry = try await partner.snapshot {
                try $0.vector(of: context, at: .epoch)[life]?.usn ?? .zero
            }
            guard let slots = watch.starvation(at: entry) else { continue }
            throw OracleViolation(
                .starvation,
                "\(sites[neighbour].name) \(contextName(context)): nothing is adopted of \(source.name) for "
                    + "\(slots) slots, since USN \(entry)"
            )
        }
    }
}
