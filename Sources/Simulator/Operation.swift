/// Which naming context an operation of a scenario is about: a domain is the site's own.
package enum SimulatedContext: String, Hashable, Sendable, CaseIterable {
    case configuration
    case domain
}

/// What a restore puts back.
package enum RestoreKind: String, Hashable, Sendable, CaseIterable {
    /// The database under a new invocationID, as the product's own restore does.
    case restore
    /// The same, and what the own domain lost is taken back from global catalogs.
    case recovery
    /// The database file alone, behind the product's back: its generation file tells.
    case database
    /// The whole machine, as a snapshot of a virtual machine does: nothing on it tells.
    case machine
}

/// One line of a scenario: what is done to the world next.
///
/// Objects are named by number: the n-th that was ever made in that naming context, modulo how many there are,
/// so that every list of operations means something. The text of an operation can be read back.
package enum Operation: Hashable, Sendable {
    case add(site: Int, SimulatedContext, isGroup: Bool, name: Int, parent: Int?)
    case modify(site: Int, SimulatedContext, object: Int, attribute: Int, value: Int?)
    case rename(site: Int, SimulatedContext, object: Int, name: Int)
    case move(site: Int, SimulatedContext, object: Int, parent: Int?)
    case delete(site: Int, SimulatedContext, object: Int, isTree: Bool)
    case undelete(site: Int, SimulatedContext, object: Int)
    case link(site: Int, SimulatedContext, group: Int, member: Int, isPresent: Bool)
    case addAttribute(site: Int, number: Int)
    case setPartial(site: Int, attribute: Int, isMember: Bool)
    /// A value of so many KiB.
    case enlarge(site: Int, SimulatedContext, object: Int, kibioctets: Int, value: Int)
    /// How long tombstones live from now on.
    case lifetime(site: Int, days: Int)
    /// The next part on that road claims that version of everything in it.
    case forge(from: Int, to: Int, version: UInt32)
    /// Held parts are released; or those that are not what their source has are discarded.
    case decide(site: Int, isReleased: Bool)
    /// Starts a replica over from another site.
    case resync(site: Int, SimulatedContext, source: Int)
    /// Gives up the partial replica of another site's domain, or takes it up again.
    case dropReplica(site: Int, of: Int)
    case addReplica(site: Int, of: Int)
    /// The machine dies at the call to the outside after `calls` more.
    case crash(site: Int, afterCalls: Int)
    /// One file operation fails.
    case fileFault(site: Int, afterCalls: Int)
    case stop(site: Int)
    case start(site: Int)
    case backup(site: Int)
    case restore(site: Int, RestoreKind)
    /// A copy of the machine, made from its backup, and the machine change places on the net.
    case swap(site: Int)
    /// The site's clock is moved by so many seconds.
    case clock(site: Int, seconds: Int)
    case block(from: Int, to: Int)
    case open(from: Int, to: Int)
    case openAll
    case advance(seconds: Int)
    /// Every site is switched off for so long.
    case sleep(seconds: Int)
}

extension Operation: CustomStringConvertible {
    package var description: String {
        switch self {
        case .add(let site, let context, let isGroup, let name, let parent):
            "d\(site) add \(context.rawValue) \(isGroup ? "group" : "container") n\(name)\(Self.under(parent))"
        case .modify(let site, let context, let object, let attribute, let value):
            "d\(site) modify \(context.rawValue) #\(object) a\(attribute) \(value.map { "v\($0)" } ?? "none")"
        case .rename(let site, let context, let object, let name):
            "d\(site) rename \(context.rawValue) #\(object) n\(name)"
        case .move(let site, let context, let object, let parent):
            "d\(site) move \(context.rawValue) #\(object)\(Self.under(parent))"
        case .delete(let site, let context, let object, let isTree):
            "d\(site) \(isTree ? "delete-tree" : "delete") \(context.rawValue) #\(object)"
        case .undelete(let site, let context, let object):
            "d\(site) undelete \(context.rawValue) #\(object)"
        case .link(let site, let context, let group, let member, let isPresent):
            "d\(site) \(isPresent ? "link" : "unlink") \(context.rawValue) #\(group) #\(member)"
        case .addAttribute(let site, let number): "d\(site) schema-attribute \(number)"
        case .setPartial(let site, let attribute, let isMember):
            "d\(site) partial-set a\(attribute) \(isMember ? "in" : "out")"
        case .enlarge(let site, let context, let object, let size, let value):
            "d\(site) enlarge \(context.rawValue) #\(object) k\(size) v\(value)"
        case .lifetime(let site, let days): "d\(site) lifetime \(days)"
        case .forge(let from, let to, let version): "forge d\(from) d\(to) \(version)"
        case .decide(let site, let isReleased): "d\(site) \(isReleased ? "release" : "discard")"
        case .resync(let site, let context, let source): "d\(site) resync \(context.rawValue) d\(source)"
        case .dropReplica(let site, let other): "d\(site) drop-replica d\(other)"
        case .addReplica(let site, let other): "d\(site) add-replica d\(other)"
        case .crash(let site, let calls): "d\(site) crash after \(calls)"
        case .fileFault(let site, let calls): "d\(site) file-fault after \(calls)"
        case .stop(let site): "d\(site) stop"
        case .start(let site): "d\(site) start"
        case .backup(let site): "d\(site) backup"
        case .restore(let site, let kind): "d\(site) put-back \(kind.rawValue)"
        case .swap(let site): "d\(site) swap"
        case .clock(let site, let seconds): "d\(site) clock \(seconds)"
        case .block(let from, let to): "block d\(from) d\(to)"
        case .open(let from, let to): "open d\(from) d\(to)"
        case .openAll: "open all"
        case .advance(let seconds): "advance \(seconds)"
        case .sleep(let seconds): "sleep \(seconds)"
        }
    }

    private static func under(_ parent: Int?) -> String { parent.map { " under #\($0)" } ?? "" }

    /// Reads the text form.
    ///
    /// - Throws: `SimulationError` that quotes the line.
    package init(parsing line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        guard let operation = Self.operation(words) else {
            throw SimulationError("\"\(line)\" is no operation of a scenario")
        }
        self = operation
    }

    private static func operation(_ words: [String]) -> Operation? {
        guard let first = words.first else { return nil }
        let number = { (index: Int, mark: String) -> Int? in
            guard words.indices.contains(index), words[index].hasPrefix(mark) else { return nil }
            return Int(words[index].dropFirst(mark.count))
        }
        switch first {
        case "advance": return number(1, "").map { .advance(seconds: $0) }
        case "sleep": return number(1, "").map { .sleep(seconds: $0) }
        case "forge":
            guard let from = number(1, "d"), let to = number(2, "d"), let version = number(3, "") else {
                return nil
            }
            return UInt32(exactly: version).map { .forge(from: from, to: to, version: $0) }
        case "block", "open":
            if words == ["open", "all"] { return .openAll }
            guard let from = number(1, "d"), let to = number(2, "d") else { return nil }
            return first == "block" ? .block(from: from, to: to) : .open(from: from, to: to)
        default:
            guard let site = number(0, "d"), words.count > 1 else { return nil }
            return machineOperation(site, words, number) ?? writingOperation(site, words, number)
        }
    }

    private static func machineOperation(
        _ site: Int,
        _ words: [String],
        _ number: (Int, String) -> Int?
    ) -> Operation? {
        switch words[1] {
        case "crash": return number(3, "").map { .crash(site: site, afterCalls: $0) }
        case "file-fault": return number(3, "").map { .fileFault(site: site, afterCalls: $0) }
        case "stop": return .stop(site: site)
        case "start": return .start(site: site)
        case "backup": return .backup(site: site)
        case "swap": return .swap(site: site)
        case "put-back":
            return words.last.flatMap { RestoreKind(rawValue: $0) }.map { .restore(site: site, $0) }
        case "lifetime": return number(2, "").map { .lifetime(site: site, days: $0) }
        case "release", "discard": return .decide(site: site, isReleased: words[1] == "release")
        case "drop-replica": return number(2, "d").map { .dropReplica(site: site, of: $0) }
        case "add-replica": return number(2, "d").map { .addReplica(site: site, of: $0) }
        case "clock": return number(2, "").map { .clock(site: site, seconds: $0) }
        case "schema-attribute": return number(2, "").map { .addAttribute(site: site, number: $0) }
        case "partial-set":
            return number(2, "a").map {
                .setPartial(site: site, attribute: $0, isMember: words.last == "in")
            }
        default: return nil
        }
    }

    private static func writingOperation(
        _ site: Int,
        _ words: [String],
        _ number: (Int, String) -> Int?
    ) -> Operation? {
        guard words.count > 3, let context = SimulatedContext(rawValue: words[2]) else { return nil }
        let parent = words.firstIndex(of: "under").flatMap { number($0 + 1, "#") }
        if words[1] == "add" {
            let isGroup = words[3] == "group"
            return number(4, "n").map {
                .add(site: site, context, isGroup: isGroup, name: $0, parent: parent)
            }
        }
        if words[1] == "resync" { return number(3, "d").map { .resync(site: site, context, source: $0) } }
        guard let object = number(3, "#") else { return nil }
        switch words[1] {
        case "enlarge":
            guard let size = number(4, "k"), let value = number(5, "v") else { return nil }
            return .enlarge(site: site, context, object: object, kibioctets: size, value: value)
        case "modify":
            return number(4, "a").map {
                .modify(site: site, context, object: object, attribute: $0, value: number(5, "v"))
            }
        case "rename": return number(4, "n").map { .rename(site: site, context, object: object, name: $0) }
        case "move": return .move(site: site, context, object: object, parent: parent)
        case "delete": return .delete(site: site, context, object: object, isTree: false)
        case "delete-tree": return .delete(site: site, context, object: object, isTree: true)
        case "undelete": return .undelete(site: site, context, object: object)
        case "link", "unlink":
            return number(4, "#").map {
                .link(site: site, context, group: object, member: $0, isPresent: words[1] == "link")
            }
        default: return nil
        }
    }
}
