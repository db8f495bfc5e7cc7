import DirectoryModel
import DomainController
import Identifiers
import Replication
import Store

/// What must be seen.
extension ScenarioPlayer {
    func check(_ expectation: ScenarioExpectation) async throws {
        switch expectation {
        case .object(let site, let object, let sight):
            for index in try chosen(site) { try await check(object, sight, at: index) }
        case .count(let site, let kind, let wanted, let context):
            for index in try chosen(site) {
                let found = try await count(kind, guid(of: context), at: world.sites[index])
                guard found == wanted else {
                    throw Disappointment("\(file.dsas[index]) has \(kind.rawValue) \(found)")
                }
            }
        case .refusal(let site, let text):
            let last = names.text(refusals[site])
            guard last.contains(text) else {
                throw Disappointment(last.isEmpty ? "it refused nothing" : "it refused with: \(last)")
            }
            refusals[site] = ""
        case .mails(let road, let wanted):
            let found = world.network.waiting(from: road.from, to: road.to).count
            guard found == wanted else { throw Disappointment("\(found) mails wait there") }
        case .covers(let site, let source, let context, let wanted):
            guard try await covers(site, source, guid(of: context)) == wanted else {
                throw Disappointment(wanted ? "its vector has less" : "its vector has everything")
            }
        case .equal(let wanted):
            let difference = try await world.difference()
            guard (difference == nil) == wanted else {
                throw Disappointment(difference.map { names.text($0) } ?? "all are equal")
            }
        }
    }

    private func chosen(_ site: Int?) throws -> [Int] {
        if let site { return [site] }
        return world.sites.indices.filter { world.sites[$0].isUp }
    }

    private func store(_ index: Int) throws -> DirectoryStore {
        guard let store = world.sites[index].dsa?.store else {
            throw Disappointment("\(file.dsas[index]) is down")
        }
        return store
    }

    private func count(_ kind: ScenarioCount, _ context: GUID, at site: SimulatedSite) async throws -> Int {
        if kind == .held { return site.drop.count { $0.holdCode != nil } }
        if kind == .lives { return lives[site.index].count }
        if kind == .conflicts {
            return try await store(site.index).snapshot { snapshot in
                try snapshot.conflicts(limit: .max).count { $0.namingContext == context }
            }
        }
        let counts = try await store(site.index).snapshot { try $0.counts(of: context) }
        return switch kind {
        case .waiting: counts.waiting
        case .lostAndFound: counts.lostAndFound
        case .clashes: counts.clashes
        case .tombstones: counts.tombstones
        case .held, .lives, .conflicts: 0
        }
    }

    private func covers(_ site: Int, _ source: Int, _ context: GUID) async throws -> Bool {
        let originator = try store(source).identity.invocationID
        let newest = world.journal.writes(by: originator, above: .zero, upTo: .max, in: context).last
        let vector = try await store(site).snapshot { try $0.vector(of: context, at: .epoch) }
        return newest.map { vector.covers($0.stamp) } ?? true
    }

    // MARK: - Objects

    private func check(_ object: ScenarioObject, _ sight: ScenarioSight, at index: Int) async throws {
        let store = try store(index)
        let name = file.dsas[index]
        let reference = try reference(object, store)
        let entry = try await store.snapshot { try $0.entry(reference, includeDeleted: true) }
        if sight == .absent {
            guard entry == nil else { throw Disappointment("\(name) has it") }
            return
        }
        guard let entry else { throw Disappointment("\(name) does not have it") }
        switch sight {
        case .absent: return
        case .deleted:
            guard entry.standing == .tombstone else { throw Disappointment("\(name) has it alive") }
        case .waiting:
            guard entry.standing == .waiting else { throw Disappointment("\(name) does not let it wait") }
        case .at(let wanted):
            let found = names.text(entry.dn.description(naming: store.schema))
            guard entry.standing != .waiting, entry.standing != .tombstone, found == wanted else {
                throw Disappointment("\(name) has it \(entry.standing) at \(found)")
            }
        case .shows(let values):
            for value in values {
                let found = entry.strings(value.attribute).map { names.text($0) }.sorted()
                guard found == value.values.sorted() else {
                    throw Disappointment("\(name) shows \(value.attribute)=\(found.joined(separator: ", "))")
                }
            }
        case .links(let member, let wanted):
            let dn = try await appearance(of: member, store)?.description(naming: store.schema)
            let seen = try await store.snapshot { try $0.entry(reference)?.strings("member") ?? [] }
            let isLinked = dn.map { seen.contains($0) } ?? false
            guard isLinked == wanted else {
                throw Disappointment("\(name) shows \(isLinked ? "the link" : "no such link")")
            }
        }
    }
}
