import DirectoryModel
import DomainController
import Identifiers
import Replication
import Store

/// Plays one scenario file on a world of its own, and tells what happened.
///
/// The telling is the scenario's trace: each command, each mail that carries something, each refusal, with names
/// for GUIDs and without USNs, so that it stays the same while the code around it changes.
package final class ScenarioPlayer {
    /// Seconds after the start of all DSAs in which they get to know each other; the scenario begins then.
    private static let prologueSeconds = 60

    let file: ScenarioFile
    let world: World
    var names: ScenarioNames
    /// invocationIDs that each site was seen with.
    var lives: [Set<GUID>]
    /// What each site refused last, or was told by a source that refused.
    var refusals: [String]
    private(set) var lines: [String] = []
    private var start = Timestamp.epoch

    private init(_ file: ScenarioFile, _ world: World) {
        self.file = file
        self.world = world
        names = ScenarioNames(dsas: file.dsas, plan: world.plan)
        lives = Array(repeating: [], count: file.dsas.count)
        refusals = Array(repeating: "", count: file.dsas.count)
    }

    /// Plays to the end.
    ///
    /// - Returns: the trace, one event a line.
    /// - Throws: `ScenarioFailure` at the first line that does not go as it says.
    package static func play(_ file: ScenarioFile) async throws -> [String] {
        let template = try await ForestTemplate.shared(sites: file.dsas.count, topology: file.topology)
        let world = try await World(file.settings, on: template)
        let player = ScenarioPlayer(file, world)
        try await world.startAll()
        try await world.advance(seconds: prologueSeconds)
        player.start = world.now
        world.observer = { [unowned player] in player.tell($0) }
        defer { world.observer = nil }
        for step in file.steps { try await player.play(step) }
        return player.lines
    }

    private func play(_ step: ScenarioFile.Step) async throws {
        note("> \(step.text)")
        do {
            try await perform(step.command)
        } catch let disappointment as Disappointment {
            throw ScenarioFailure(step, disappointment.description, lines)
        } catch let violation as OracleViolation {
            throw ScenarioFailure(step, names.text("\(violation.oracle.rawValue): \(violation)"), lines)
        }
        for (index, site) in world.sites.enumerated() {
            if let store = site.dsa?.store {
                let invocationID = store.identity.invocationID
                lives[index].insert(invocationID)
                names.learn(invocationID, as: "life \(lives[index].count) of \(file.dsas[index])")
            }
        }
    }

    func note(_ text: String) {
        let seconds = world.now.seconds - start.seconds
        let two = { (number: Int64) in number < 10 ? "0\(number)" : "\(number)" }
        let clock = "\(two(seconds / 3_600 % 24)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
        lines.append("\(seconds / 86_400)d \(clock) \(text)")
    }

    private func perform(_ command: ScenarioCommand) async throws {
        switch command {
        case .write(let site, let write, let refusal): try await perform(write, at: site, refusal)
        case .machine(let site, let command): try await perform(command, at: site)
        case .mail(let road, let command): try await perform(command, on: road)
        case .advance(let seconds): try await world.advance(seconds: seconds)
        case .converge:
            world.network.passAll(at: world.now)
            try await world.heal()
        case .expect(let expectation): try await check(expectation)
        }
    }

    // MARK: - The trace

    private func tell(_ event: WorldEvent) {
        switch event {
        case .started(let site): note("\(file.dsas[site]) starts")
        case .died(let site): note("\(file.dsas[site]) dies")
        case .left(let mail, let place):
            guard let place else { return }
            note("\(file.dsas[mail.from])->\(file.dsas[mail.to]) \(place): \(text(of: mail).text)")
        case .read(let mail, let outcome):
            let (message, isNews) = text(of: mail)
            let isTaken = outcome == "taken"
            if let refusal = refusal(mail, outcome) { refusals[mail.to] = refusal }
            guard isNews || !isTaken else { return }
            let result = isTaken ? "takes" : "has"
            let suffix = isTaken ? "" : "; \(names.coarse(outcome))"
            note("\(file.dsas[mail.to]) \(result) from \(file.dsas[mail.from]): \(message)\(suffix)")
        }
    }

    private func refusal(_ mail: SimulatedMail, _ outcome: String) -> String? {
        if outcome.hasPrefix("refused") { return outcome }
        guard outcome == "taken", case .error(let error) = Self.payload(of: mail) else { return nil }
        return "\(error.code): \(error.text)"
    }

    static func payload(of mail: SimulatedMail) -> ReplicationMessage? {
        try? ReplicationCodec.decode(mail.payload)
    }

    /// What a mail says, and whether a reader of the trace wants to know of it when it just arrives.
    private func text(of mail: SimulatedMail) -> (text: String, isNews: Bool) {
        guard let message = Self.payload(of: mail) else { return ("a mail that says nothing", true) }
        let context = names.context(message.header.namingContext)
        switch message {
        case .request: return ("a request for \(context)", false)
        case .poke: return ("a poke for \(context)", false)
        case .error(let error): return ("\(error.code) for \(context)", true)
        case .reply(let part):
            let known = part.objects.compactMap { names.labels[$0.objectGUID] }.sorted().map { "@\($0)" }
            let links = part.links.filter { names.labels[$0.source] != nil }.map { link in
                "\(names.short(link.source))\(link.isPresent ? ">" : "-")\(names.short(link.target))"
            }
            var items = known + links.sorted()
            let isMore = part.objects.count > known.count || part.links.count > links.count
            if isMore { items.append("more") }
            let list = items.isEmpty ? "nothing" : items.joined(separator: " ")
            return ("changes of \(context): \(list)", !items.isEmpty)
        }
    }
}

/// A scenario did not go as its file says.
package struct ScenarioFailure: Error, CustomStringConvertible {
    package let line: Int
    package let text: String
    package let reason: String
    /// Up to the failure.
    package let trace: [String]

    init(_ step: ScenarioFile.Step, _ reason: String, _ trace: [String]) {
        line = step.line
        text = step.text
        self.reason = reason
        self.trace = trace
    }

    package var description: String {
        "line \(line), \(text): \(reason)\n" + trace.suffix(30).map { "    \($0)\n" }.joined()
    }
}

/// Something else happened than a line of a scenario says.
struct Disappointment: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
