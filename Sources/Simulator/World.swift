import DomainController
package import Identifiers
import InterSiteMessaging
import Replication
import SecureMail
import Store

/// A forest of whole DSAs in one process: production code on a virtual clock, over simulated mail and disks.
///
/// One thing happens at a time: the world lets one site take one step or read one mail, waits until it has, and
/// looks at it with its oracles. The same template, settings and operations give the same trace, octet by octet.
/// Use: take a template (`ForestTemplate.shared`), make a world, `startAll`, `perform` operations, then `heal`.
/// Errors are an `OracleViolation`, or a `SimulationError` when the simulation itself is wrong.
package final class World {
    /// Events of one world before it counts as one that never rests.
    package static let eventsMax = 400_000

    package let settings: WorldSettings
    package let sites: [SimulatedSite]
    package internal(set) var journal = WriteJournal()
    package internal(set) var trace = Trace()
    /// Mails that were refused, by the reason's code.
    package internal(set) var badmail: [String: Int] = [:]
    package private(set) var events = 0
    /// What people and the forest did, by kind, for whoever wants to know whether it really happened.
    package var happened: [String: Int] = [:]

    let plan: ForestPlan
    let network: SimulatedNetwork
    let clock: SimulatedClock
    /// What the tasks of all sites run on; nil = the process's pool.
    let executor: (any TaskExecutor)?
    /// Is told of each event, when somebody wants to know.
    var observer: ((WorldEvent) -> Void)?
    let siteOf: [GUID: Int]
    var snapshots = SnapshotBook()
    var successTimes: [SuccessKey: Timestamp] = [:]
    /// Where the sites' USNs stood when the world began.
    private(set) var startUSNs: [Int: USN] = [:]
    /// What replicas that were begun or started over in the second stage may cost.
    var joinMails = 0
    /// Objects in the order in which they were made, by naming context.
    var pools: [GUID: [GUID]] = [:]
    /// The next part on these roads claims that version: `from * sites + to`.
    var forgeries: [Int: UInt32] = [:]
    /// How long one replica has been refused by the one that it should follow.
    var refusedSlots: [RefusedPair: Int] = [:]
    private let startTime: Timestamp

    package var now: Timestamp { clock.now }
    /// Fragments of one message count as one mail.
    package var mailCount: Int { network.messagesQueued }
    package var simulatedSeconds: Int64 { now.seconds - startTime.seconds }

    package init(
        _ settings: WorldSettings,
        on template: ForestTemplate,
        executor: (any TaskExecutor)? = nil
    ) async throws {
        self.settings = settings
        self.executor = executor
        plan = template.plan
        startTime = template.time
        let clock = SimulatedClock(template.time)
        self.clock = clock
        network = SimulatedNetwork(sites: template.machines.count, seed: settings.seed)
        network.weather = settings.weather
        let dsaGUIDs = template.plan.sites.map(\.dsaGUID)
        siteOf = Dictionary(uniqueKeysWithValues: dsaGUIDs.enumerated().map { ($1, $0) })
        sites = try template.machines.enumerated().map { index, machine in
            SimulatedSite(
                index: index,
                dsaGUID: dsaGUIDs[index],
                database: try machine.database.copy(),
                disk: machine.disk,
                clock: clock,
                guids: GUIDSource(SimulationRandom(seed: settings.seed, 0x6775_6964, UInt64(index)))
            )
        }
    }

    func note(_ line: @autoclosure () -> String) {
        trace.note("\(now.seconds - startTime.seconds) \(line())")
    }

    // MARK: - Machines

    package func startAll() async throws {
        for site in sites where !site.isUp { try await start(site) }
        guard startUSNs.isEmpty else { return }
        for site in sites {
            startUSNs[site.index] = try await site.dsa?.store.snapshot { try $0.highestUSN() }
        }
    }

    /// Starts a site's program; a machine that dies at it starts again later.
    func start(_ site: SimulatedSite) async throws {
        guard !site.isUp else { return }
        site.seams.revive()
        site.restartAt = nil
        do {
            try await site.start(
                network: network,
                siteOf: siteOf,
                settings: settings.replication,
                mailOctetsMax: settings.mailOctetsMax ?? .max,
                executor: executor
            )
            try await noteLife(of: site)
            note("\(site.name) starts")
            observer?(.started(site: site.index))
        } catch {
            guard site.seams.isDead || site.disk.disarm() else {
                throw OracleViolation(.failure, "\(site.name) does not start: \(error)")
            }
            return collapse(site)
        }
        for index in site.drop.indices where site.drop[index].holdCode == nil {
            site.drop[index].due = now
        }
        site.covered = [:]
        try await settle(site, contexts: heldContexts(of: site))
    }

    /// The program ends as a crash ends it: what is not durable is gone.
    func collapse(_ site: SimulatedSite) {
        note("\(site.name) dies")
        observer?(.died(site: site.index))
        site.seams.kill()
        countEvents(of: site)
        site.running = nil
        site.nextStep = nil
        site.disk.crash(keepsNames: settings.keepsNames)
        site.restartAt = now.adding(seconds: Int64(settings.restartSeconds))
    }

    func heldContexts(of site: SimulatedSite) -> [GUID] {
        site.dsa?.store.namingContexts.map(\.guid).sorted() ?? []
    }

    // MARK: - Time

    private enum Event {
        case arrival
        case restart(Int)
        case mail(Int, index: Int)
        case step(Int)
    }

    /// Lets so much time pass, with everything that falls into it.
    package func advance(seconds: Int) async throws {
        let end = now.adding(seconds: Int64(seconds))
        while let (time, event) = nextEvent(), time <= end {
            if time > now { clock.now = time }
            events += 1
            guard events < Self.eventsMax else {
                throw OracleViolation(.restlessness, "\(events) events happened, and still more are due")
            }
            switch event {
            case .arrival: arrive()
            case .restart(let index): try await start(sites[index])
            case .mail(let index, let mail): try await read(mail, at: sites[index])
            case .step(let index): try await step(sites[index])
            }
        }
        clock.now = end
    }

    private func nextEvent() -> (Timestamp, Event)? {
        var best: (time: Timestamp, event: Event)?
        let offer = { (time: Timestamp?, event: Event) in
            guard let time, time < best?.time ?? Timestamp(seconds: .max) else { return }
            best = (time, event)
        }
        offer(network.nextArrival, .arrival)
        for site in sites {
            offer(site.restartAt, .restart(site.index))
            guard site.isUp else { continue }
            for (index, mail) in site.drop.enumerated() { offer(mail.due, .mail(site.index, index: index)) }
            offer(site.nextStep, .step(site.index))
        }
        return best
    }

    private func arrive() {
        guard let mail = network.takeArrival(notAfter: now) else { return }
        sites[mail.to].drop.append(.init(mail: mail, due: now))
    }

    private func step(_ site: SimulatedSite) async throws {
        guard let dsa = site.dsa else { return }
        await dsa.agent.step()
        try await settle(site, contexts: [])
    }

    // MARK: - Mail

    private func read(_ index: Int, at site: SimulatedSite) async throws {
        guard let running = site.running else { return }
        try await forgeIfAsked(index, at: site)
        let dropped = site.drop[index]
        let committed = site.committed
        let outcome = SimulatedProtection().open(
            dropped.mail.octets,
            membership: running.dsa.partners.membership,
            isCommitted: { committed.contains(.init(message: $0, sender: $1)) },
            at: site.clock.now
        )
        let label = "\(site.name) mail \(dropped.mail.number) of d\(dropped.mail.from)"
        var touched: [GUID] = []
        switch outcome {
        case .opened(let mail):
            let message = ReceivedMessage(
                mail,
                transport: "smtp",
                fileID: "\(dropped.mail.number)",
                received: site.clock.now
            )
            touched = contexts(in: mail.payload)
            try await hand(message, index, to: site, label)
        case .fragment(let mail):
            if let whole = collect(mail, index, at: site, label) {
                touched = contexts(in: whole.payload)
                try await hand(whole, index, to: site, label)
            }
        case .duplicate:
            note("\(label): repeated")
            observer?(.read(dropped.mail, outcome: "repeated"))
            site.drop.remove(at: index)
        case .held(let reason):
            note("\(label): \(reason.code)")
            observer?(.read(dropped.mail, outcome: "held, \(reason.code)"))
            site.drop[index].holdCode = reason.code
            site.drop[index].due = now.adding(seconds: settings.holdSeconds)
        case .refused(let refusal):
            note("\(label): \(refusal.code.rawValue)")
            observer?(.read(dropped.mail, outcome: "refused, \(refusal.code.rawValue)"))
            badmail[refusal.code.rawValue, default: 0] += 1
            site.drop.remove(at: index)
        }
        try await noteSweep(at: site, touched)
        try await settle(site, contexts: touched)
    }

    /// The naming context that a part is about; none for other messages.
    private func contexts(in payload: [UInt8]) -> [GUID] {
        switch try? ReplicationCodec.decode(payload) {
        case .reply(let part):
            snapshots.note(part)
            return [part.header.namingContext]
        case .error(let error):
            if error.code == .collectedNotCovered { happened["8614", default: 0] += 1 }
            return []
        case .request, .poke, nil: return []
        }
    }

    /// As reading Drop does: the mail leaves it only after the service has committed.
    private func hand(
        _ message: ReceivedMessage,
        _ index: Int,
        to site: SimulatedSite,
        _ label: String
    ) async throws {
        guard let running = site.running else { return }
        do {
            try await running.transport.receive(message)
            guard !site.seams.isDead else { return }
            note("\(label): \(message.summary)")
            observer?(.read(site.drop[index].mail, outcome: "taken"))
            site.committed.insert(.init(message: message.id, sender: message.sender))
            site.drop.remove(at: index)
            finishFragments(of: message, at: site)
        } catch let refusal as MessageRefused {
            note("\(label): refused, \(refusal.description)")
            observer?(
                .read(site.drop[index].mail, outcome: "refused, \(refusal.code): \(refusal.description)")
            )
            badmail[refusal.code, default: 0] += 1
            if refusal.description.contains("8614") { happened["8614", default: 0] += 1 }
            site.drop.remove(at: index)
            refuseFragments(of: message, refusal.code, at: site)
        } catch let held as MessageHeld {
            note("\(label): held, \(held.description)")
            observer?(.read(site.drop[index].mail, outcome: "held, \(held.code): \(held.description)"))
            site.drop[index].holdCode = held.code
            site.drop[index].due = held.needsDecision ? nil : now.adding(seconds: settings.holdSeconds)
            site.drop[index].copyKey = held.copyKey
            if let key = held.copyKey { keepNewestCopy(site.drop[index].mail.number, of: key, at: site) }
        } catch {
            guard !site.seams.isDead else { return }
            note("\(label): later, \(error)")
            site.drop[index].attempts += 1
            let wait = 60 << min(8, site.drop[index].attempts)
            site.drop[index].due = now.adding(seconds: Int64(wait))
        }
        guard !site.seams.isDead else { return }
        await running.dsa.agent.step()
    }

    // MARK: - After each event

    /// What a site just did is looked at, its mails leave, and its next step is planned.
    func settle(_ site: SimulatedSite, contexts: [GUID]) async throws {
        if site.seams.isDead { return collapse(site) }
        guard let dsa = site.dsa else { return }
        dropSettledCopies(of: site)
        try await journalOwnWrites(of: site)
        try await noteSweep(at: site, heldContexts(of: site))
        if !contexts.isEmpty {
            try await checkSafety(of: site, contexts: contexts)
            try await reviewForgiven(at: site, contexts)
        }
        if site.membershipChanged.take() {
            for index in site.drop.indices where site.drop[index].holdCode == "unknown-member" {
                site.drop[index].due = now
            }
        }
        await leave(site)
        // As the program's timer is armed: never at once, never later than the interval.
        if let due = await dsa.agent.nextDue {
            let wait = due.seconds - site.clock.now.seconds
            let seconds = max(1, min(wait, Int64(settings.intervalSeconds)))
            site.nextStep = now.adding(seconds: seconds)
        } else {
            site.nextStep = nil
        }
    }

    /// Mails leave the queue of a running site as far as its roads are open.
    func leave(_ site: SimulatedSite) async {
        guard let dsa = site.dsa else { return }
        let (left, expired) = network.leave(site.index, at: now)
        for mail in left {
            note("\(site.name) sends \(mail.number) to d\(mail.to): \(mail.summary) \(Self.mark(mail))")
            observer?(.left(mail, place: network.place(of: mail)))
        }
        for mail in expired {
            note("\(site.name) gives up \(mail.number)")
            await dsa.agent.deliveryFailed(to: sites[mail.to].dsaGUID, reason: "it expired unsent")
        }
    }

    private static func mark(_ mail: SimulatedMail) -> UInt64 {
        var digest = TraceDigest()
        digest.add(mail.octets)
        return digest.value
    }
}
