package import Store

/// A scenario file, read: a forest, and line by line what is done to it and what must be seen then.
///
/// The language is described in `docs/testing.md`; a file is UTF-8 text with one command a line.
package struct ScenarioFile: Sendable {
    /// A line that does something.
    package struct Step: Sendable {
        /// From 1.
        package let line: Int
        /// As written, without what stands around it.
        package let text: String
        package let command: ScenarioCommand
    }

    /// The names of the DSAs, in the order of the sites they are.
    package internal(set) var dsas: [String] = []
    package internal(set) var topology = Topology.mesh
    package internal(set) var settings = WorldSettings(seed: 1)
    package internal(set) var steps: [Step] = []
    /// Why the scenario is not played, from a `pending` line, which ends the reading; nil when it is.
    package internal(set) var pending: String?

    /// - Throws: `ScenarioError` with the line that is wrong.
    package init(parsing text: String) throws {
        settings.intervalSeconds = 86_400
        settings.weather.longestDelaySeconds = 1
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let reader = try ScenarioLine(String(line), number: index + 1, dsas: dsas)
            guard let first = reader.words.first else { continue }
            switch first {
            case "forest": try readForest(reader)
            case "set": try readSetting(reader)
            case "pending":
                pending = reader.words.dropFirst().joined(separator: " ")
                return
            default:
                guard !dsas.isEmpty else { throw reader.error("a forest line comes first") }
                steps.append(
                    Step(line: index + 1, text: reader.text, command: try reader.command())
                )
            }
        }
        guard !dsas.isEmpty else { throw ScenarioError(line: 1, "no forest line") }
    }

    private mutating func readForest(_ line: ScenarioLine) throws {
        guard dsas.isEmpty else { throw line.error("a second forest line") }
        var names = Array(line.words.dropFirst())
        if let first = names.first, let shape = Topology(rawValue: first) {
            topology = shape
            names.removeFirst()
        }
        guard names.count >= 2 else { throw line.error("a forest has two DSAs or more") }
        guard Set(names).count == names.count else { throw line.error("a DSA is named twice") }
        for name in names
        where ScenarioLine.reserved.contains(name) || !name.allSatisfy({ $0.isLetter || $0.isNumber }) {
            throw line.error("\"\(name)\" is no name for a DSA")
        }
        dsas = names
    }

    private mutating func readSetting(_ line: ScenarioLine) throws {
        guard line.words.count == 3 else { throw line.error("set NAME VALUE") }
        let value = line.words[2]
        switch line.words[1] {
        case "interval": settings.intervalSeconds = try line.seconds(value)
        case "notify": settings.notifyDelaySeconds = try line.seconds(value)
        case "restart": settings.restartSeconds = try line.seconds(value)
        case "part": settings.partObjects = try line.count(value)
        case "credit": settings.creditParts = try line.count(value)
        default: throw line.error("no setting \"\(line.words[1])\"")
        }
    }
}

/// What is wrong with a line of a scenario file.
package struct ScenarioError: Error, Hashable, Sendable, CustomStringConvertible {
    /// From 1.
    package let line: Int
    package let sentence: String

    package init(line: Int, _ sentence: String) {
        self.line = line
        self.sentence = sentence
    }

    package var description: String { "line \(line): \(sentence)" }
}

/// One command of a scenario.
package enum ScenarioCommand: Sendable {
    /// With `refusal` the write must end so.
    case write(site: Int, ScenarioWrite, refusal: ResultCode?)
    case machine(site: Int, ScenarioMachine)
    case mail(ScenarioRoad, ScenarioMail)
    case advance(seconds: Int)
    /// No more faults of the roads, and schedule slots until all replicas are equal.
    case converge
    case expect(ScenarioExpectation)
}

/// An object: by its label, or by the name under which it appears at the site in question.
package enum ScenarioObject: Hashable, Sendable {
    case label(String)
    case name(String)
}

/// A naming context, by the word after `$`.
package enum ScenarioContext: Hashable, Sendable {
    case configuration
    case schema
    /// The domain of that site.
    case domain(Int)
}

/// An attribute and its values, none for one that is absent.
package struct ScenarioValues: Hashable, Sendable {
    package let attribute: String
    package let values: [String]

    package init(attribute: String, values: [String]) {
        (self.attribute, self.values) = (attribute, values)
    }
}

package enum ScenarioWrite: Hashable, Sendable {
    case add(name: String, objectClass: String, [ScenarioValues], label: String, guid: UInt64?)
    case modify(ScenarioObject, [ScenarioValues])
    case rename(ScenarioObject, rdn: String)
    case move(ScenarioObject, parent: ScenarioObject)
    case delete(ScenarioObject, isTree: Bool)
    case undelete(ScenarioObject, parent: ScenarioObject?)
    case link(ScenarioObject, ScenarioObject, isPresent: Bool)
    case defineAttribute(String)
    case setPartial(String, isMember: Bool)
}

package enum ScenarioMachine: Hashable, Sendable {
    case stop
    case start
    case restart
    /// At the call to the outside after so many; 0 is now.
    case crash(afterCalls: Int)
    case backup
    case putBack(RestoreKind)
    case swap
    case clock(seconds: Int)
    case ask(source: Int, ScenarioContext)
    case resync(source: Int, ScenarioContext)
    /// About everything that is held there.
    case decide(isReleased: Bool)
    /// Of the domain of that site.
    case dropReplica(of: Int)
    case addReplica(of: Int)
}

/// From one site to another.
package struct ScenarioRoad: Hashable, Sendable {
    package let from: Int
    package let to: Int
}

/// What is done to the mails of a road; positions count from 1 among those that wait, nil is every one.
package enum ScenarioMail: Hashable, Sendable {
    /// What leaves waits on the road until it is delivered or dropped.
    case hold
    /// Mails pass again; those that wait arrive.
    case pass
    /// Mails stay in the sender's queue, where a newer one of its kind replaces them.
    case block
    case open
    case deliver(Int?)
    case drop(Int?)
    case duplicate(Int?)
    case reverse
    case flip(Int?)
    case forge(Int?, ScenarioForgery)
}

/// What a member with a valid key might claim.
package enum ScenarioForgery: Hashable, Sendable {
    /// The version of every attribute, or of one.
    case version(UInt32, of: String?)
    /// Days after now in every stamp.
    case daysAhead(Int)
    /// The vector's entry for a site's invocationID.
    case vector(site: Int, Int64)
    /// Objects without what creates them: their class.
    case classless
}

package enum ScenarioExpectation: Hashable, Sendable {
    /// Of a site, or of every one that runs.
    case object(site: Int?, ScenarioObject, ScenarioSight)
    case count(site: Int?, ScenarioCount, Int, ScenarioContext)
    case refusal(site: Int, String)
    case mails(ScenarioRoad, Int)
    /// Whether the vector of the first covers every write of the second.
    case covers(site: Int, source: Int, ScenarioContext, Bool)
    case equal(Bool)
}

/// How an object is seen.
package enum ScenarioSight: Hashable, Sendable {
    case at(String)
    case shows([ScenarioValues])
    case deleted
    case waiting
    /// Not held, not even as a tombstone.
    case absent
    case links(ScenarioObject, Bool)
}

package enum ScenarioCount: String, Hashable, Sendable, CaseIterable {
    case waiting
    case lostAndFound = "lost-and-found"
    case clashes
    case tombstones
    /// Mails in Drop that wait.
    case held
    /// invocationIDs that the DSA has had.
    case lives
    /// Losing writes that the conflict ledger keeps.
    case conflicts
}
