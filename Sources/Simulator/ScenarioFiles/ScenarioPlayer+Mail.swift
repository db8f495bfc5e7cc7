import DirectoryModel
import DomainController
import Identifiers
import InterSiteMessaging
import Replication
import SecureMail
import Store

/// Machines, and the mail between them.
extension ScenarioPlayer {
    func perform(_ command: ScenarioMachine, at index: Int) async throws {
        let site = world.sites[index]
        switch command {
        case .stop: await world.stop(site)
        case .start: try await world.start(site)
        case .restart:
            await world.stop(site)
            try await world.start(site)
        case .crash(let calls): try await world.perform(.crash(site: index, afterCalls: calls))
        case .backup: try await world.perform(.backup(site: index))
        case .putBack(let kind): try await world.perform(.restore(site: index, kind))
        case .swap: try await world.perform(.swap(site: index))
        case .clock(let seconds): try await world.perform(.clock(site: index, seconds: seconds))
        case .ask(let source, let context): try await ask(site, source, guid(of: context))
        case .resync(let source, let context):
            try await world.resync(site, guid(of: context), from: world.sites[source])
        case .decide(let isReleased):
            try await world.decide(site) { _ in isReleased ? .released : .discarded }
            try await world.advance(seconds: 0)
        case .dropReplica(let other): try await world.dropReplica(of: world.sites[other], at: site)
        case .addReplica(let other): try await world.addReplica(of: world.sites[other], at: site)
        }
    }

    func guid(of context: ScenarioContext) -> GUID {
        switch context {
        case .configuration: world.plan.configuration.guid
        case .schema: world.plan.schema.guid
        case .domain(let site): world.plan.sites[site].domain.guid
        }
    }

    private func ask(_ site: SimulatedSite, _ source: Int, _ context: GUID) async throws {
        guard let dsa = site.dsa else { throw Disappointment("\(file.dsas[site.index]) is down") }
        let partner = world.sites[source].dsaGUID
        let link = dsa.partners.current.links.first { $0.namingContext == context && $0.partner == partner }
        guard let link else { throw Disappointment("it does not pull that from there") }
        do {
            guard let asked = try await dsa.agent.request(link, isForced: true) else {
                throw Disappointment("no request is made")
            }
            await dsa.agent.stopWaiting(for: asked.request.requestID)
        } catch is MachineDied {
            // The crash that was ordered came now.
        }
        try await world.settle(site, contexts: [])
    }

    // MARK: - Mail

    func perform(_ command: ScenarioMail, on road: ScenarioRoad) async throws {
        let network = world.network
        switch command {
        case .hold: network.hold(from: road.from, to: road.to)
        case .pass: network.pass(from: road.from, to: road.to, at: world.now)
        case .block: network.block(from: road.from, to: road.to)
        case .open:
            network.open(from: road.from, to: road.to)
            await world.leave(world.sites[road.from])
        case .deliver(let position):
            for mail in try take(position, road) { network.arrive(mail, at: world.now) }
            try await world.advance(seconds: 0)
        case .drop(let position): _ = try take(position, road)
        case .duplicate(let position):
            network.changeWaiting(from: road.from, to: road.to) { mails in
                guard let position else { return mails += mails }
                if mails.indices.contains(position - 1) { mails.append(mails[position - 1]) }
            }
        case .reverse: network.changeWaiting(from: road.from, to: road.to) { $0.reverse() }
        case .flip(let position):
            try change(position, road) { $0.octets[$0.octets.count / 2] ^= 1 }
        case .forge(let position, let forgery):
            try change(position, road) { try self.forge(&$0, forgery) }
        }
    }

    private func take(_ position: Int?, _ road: ScenarioRoad) throws -> [SimulatedMail] {
        var taken: [SimulatedMail] = []
        world.network.changeWaiting(from: road.from, to: road.to) { mails in
            guard let position else {
                taken = mails
                return mails = []
            }
            if mails.indices.contains(position - 1) { taken = [mails.remove(at: position - 1)] }
        }
        guard !taken.isEmpty else { throw Disappointment("no such mail waits there") }
        return taken
    }

    private func change(
        _ position: Int?,
        _ road: ScenarioRoad,
        _ body: (inout SimulatedMail) throws -> Void
    ) throws {
        var mails = world.network.waiting(from: road.from, to: road.to)
        let chosen = mails.indices.filter { position == nil || $0 == (position ?? 0) - 1 }
        guard !chosen.isEmpty else { throw Disappointment("no such mail waits there") }
        for index in chosen { try body(&mails[index]) }
        let changed = mails
        world.network.changeWaiting(from: road.from, to: road.to) { $0 = changed }
    }

    // MARK: - Forgery

    private func forge(_ mail: inout SimulatedMail, _ forgery: ScenarioForgery) throws {
        guard world.sites[mail.to].isUp else { throw Disappointment("\(file.dsas[mail.to]) is down") }
        try world.forge(&mail) { self.apply(forgery, to: &$0) }
    }

    private func apply(_ forgery: ScenarioForgery, to part: inout ChangesReply) {
        switch forgery {
        case .vector(let site, let usn):
            guard let store = world.sites[site].dsa?.store else { return }
            part.vector.entries[store.identity.invocationID] = VectorEntry(usn: USN(usn), time: world.now)
        case .version(let version, let name):
            let schema = world.sites[0].dsa?.store.schema
            let attribute = name.flatMap { schema?.attribute(named: $0)?.oid }
            part.restamp(attribute) { $0.with(version: version) }
        case .daysAhead(let days):
            let time = world.now.adding(days: days)
            part.restamp { $0.with(time: time) }
        case .classless:
            let position = part.attributes.firstIndex(of: .objectClass)
            for index in part.objects.indices {
                let kept = part.objects[index].attributes.filter { $0.attribute != position }
                part.objects[index] = ReplicatedObject(
                    objectGUID: part.objects[index].objectGUID,
                    attributes: kept
                )
            }
        }
    }
}
