import Store

/// Commands to one DSA.
extension ScenarioLine {
    func command(at site: Int, _ words: [String]) throws -> ScenarioCommand {
        var words = words
        var refusal: ResultCode?
        if let arrow = words.firstIndex(of: "=>") {
            guard arrow + 2 == words.count, let code = Self.code(words[arrow + 1]) else {
                throw error("after => stands one result code, as entryAlreadyExists")
            }
            refusal = code
            words.removeSubrange(arrow...)
        }
        guard let verb = words.first else { throw error("no command after the DSA") }
        let arguments = Array(words.dropFirst())
        if let write = try write(verb, arguments) { return .write(site: site, write, refusal: refusal) }
        guard refusal == nil else { throw error("only writes are refused") }
        return .machine(site: site, try machine(verb, arguments))
    }

    private static func code(_ name: String) -> ResultCode? {
        ResultCode.allCases.first { "\($0)" == name }
    }

    private func need(_ count: ClosedRange<Int>, _ arguments: [String], _ usage: String) throws {
        guard count.contains(arguments.count) else { throw error(usage) }
    }

    private func write(_ verb: String, _ arguments: [String]) throws -> ScenarioWrite? {
        switch verb {
        case "add": return try addition(arguments)
        case "modify":
            try need(2...64, arguments, "modify OBJECT ATTRIBUTE=VALUE...")
            return .modify(try object(arguments[0]), try values(arguments.dropFirst()))
        case "rename":
            try need(2...2, arguments, "rename OBJECT CN=NAME")
            return .rename(try object(arguments[0]), rdn: try commonName(arguments[1]))
        case "move":
            try need(3...3, arguments, "move OBJECT under PARENT")
            guard arguments[1] == "under" else { throw error("move OBJECT under PARENT") }
            return .move(try object(arguments[0]), parent: try object(arguments[2]))
        case "delete", "delete-tree":
            try need(1...1, arguments, "\(verb) OBJECT")
            return .delete(try object(arguments[0]), isTree: verb == "delete-tree")
        case "undelete":
            try need(1...3, arguments, "undelete OBJECT [under PARENT]")
            guard arguments.count != 2, arguments.count == 1 || arguments[1] == "under" else {
                throw error("undelete OBJECT [under PARENT]")
            }
            let parent = arguments.count == 3 ? try object(arguments[2]) : nil
            return .undelete(try object(arguments[0]), parent: parent)
        case "link", "unlink":
            try need(2...2, arguments, "\(verb) GROUP MEMBER")
            return .link(
                try object(arguments[0]),
                try object(arguments[1]),
                isPresent: verb == "link"
            )
        case "define-attribute":
            try need(1...1, arguments, "define-attribute NAME")
            return .defineAttribute(arguments[0])
        case "partial-set":
            try need(1...1, arguments, "partial-set +ATTRIBUTE or -ATTRIBUTE")
            guard let sign = arguments[0].first, sign == "+" || sign == "-" else {
                throw error("partial-set +ATTRIBUTE or -ATTRIBUTE")
            }
            return .setPartial(String(arguments[0].dropFirst()), isMember: sign == "+")
        default: return nil
        }
    }

    private func commonName(_ word: String) throws -> String {
        guard word.hasPrefix("CN="), word.count > 3 else { throw error("\"\(word)\" is no CN=NAME") }
        return String(word.dropFirst(3))
    }

    /// `add NAME CLASS [ATTRIBUTE=VALUE...] [as LABEL] [guid NUMBER]`.
    private func addition(_ arguments: [String]) throws -> ScenarioWrite {
        try need(2...64, arguments, "add NAME CLASS [ATTRIBUTE=VALUE...] [as LABEL] [guid NUMBER]")
        let name = try name(arguments[0])
        guard let leaf = name.split(separator: ",").first, leaf.hasPrefix("CN=") else {
            throw error("an object's name starts with CN=")
        }
        var label = String(leaf.dropFirst(3))
        var guid: UInt64?
        var rest = Array(arguments.dropFirst(2))
        while rest.count >= 2, let keyword = ["as", "guid"].first(where: { $0 == rest[rest.count - 2] }) {
            let word = rest[rest.count - 1]
            if keyword == "as" {
                label = word
            } else {
                guid = UInt64(try count(word))
            }
            rest.removeLast(2)
        }
        return .add(
            name: name,
            objectClass: arguments[1],
            rest.isEmpty ? [] : try values(rest),
            label: label,
            guid: guid
        )
    }

    private func machine(_ verb: String, _ arguments: [String]) throws -> ScenarioMachine {
        switch verb {
        case "stop", "start", "restart", "backup", "swap":
            try need(0...0, arguments, "\(verb) stands alone")
            return ["stop": .stop, "start": .start, "restart": .restart, "swap": .swap][verb] ?? .backup
        case "crash":
            guard arguments.isEmpty || (arguments.count == 2 && arguments[0] == "after") else {
                throw error("crash [after CALLS]")
            }
            return .crash(afterCalls: arguments.count == 2 ? try count(arguments[1]) : 0)
        case "put-back":
            guard let word = arguments.first, arguments.count == 1, let kind = RestoreKind(rawValue: word)
            else { throw error("put-back restore, recovery, database or machine") }
            return .putBack(kind)
        case "clock":
            try need(1...1, arguments, "clock +TIME or -TIME")
            return .clock(seconds: try seconds(arguments[0]))
        case "ask":
            try need(2...2, arguments, "ask DSA CONTEXT")
            return .ask(source: try site(arguments[0]), try context(arguments[1]))
        case "resync":
            try need(2...2, arguments, "resync DSA CONTEXT")
            return .resync(source: try site(arguments[0]), try context(arguments[1]))
        case "release-held", "discard-held":
            try need(0...0, arguments, "\(verb) stands alone")
            return .decide(isReleased: verb == "release-held")
        case "drop-replica", "add-replica":
            try need(1...1, arguments, "\(verb) $DSA")
            guard case .domain(let other) = try context(arguments[0]) else { throw error("\(verb) $DSA") }
            return verb == "drop-replica" ? .dropReplica(of: other) : .addReplica(of: other)
        default: throw error("\"\(verb)\" is no command to a DSA")
        }
    }
}

/// Expectations.
extension ScenarioLine {
    func expectation(_ words: [String]) throws -> ScenarioExpectation {
        if words == ["equal"] || words == ["different"] { return .equal(words == ["equal"]) }
        guard words.count >= 3 else { throw error("expect WHO WHAT...") }
        if words[0].contains(">") {
            guard words[1] == "mails", words.count == 3 else { throw error("expect FROM->TO mails NUMBER") }
            return .mails(try road(words[0]), try count(words[2]))
        }
        let site = words[0] == "all" ? nil : try site(words[0])
        if words[1].hasPrefix("@") || words[1].contains("$") {
            return .object(
                site: site,
                try object(words[1]),
                try sight(Array(words.dropFirst(2)))
            )
        }
        if let kind = ScenarioCount(rawValue: words[1]) {
            guard words.count <= 4 else { throw error("expect WHO \(kind.rawValue) NUMBER [CONTEXT]") }
            let context = words.count == 4 ? try context(words[3]) : .configuration
            return .count(site: site, kind, try count(words[2]), context)
        }
        guard let site else { throw error("\"\(words[1])\" is nothing to expect of all") }
        switch words[1] {
        case "refused": return .refusal(site: site, words.dropFirst(2).joined(separator: " "))
        case "covers", "lacks":
            guard words.count <= 4 else { throw error("expect DSA \(words[1]) DSA [CONTEXT]") }
            let context = words.count == 4 ? try context(words[3]) : .configuration
            return .covers(site: site, source: try self.site(words[2]), context, words[1] == "covers")
        default: throw error("\"\(words[1])\" is nothing to expect")
        }
    }

    private func sight(_ words: [String]) throws -> ScenarioSight {
        switch (words.first, words.count) {
        case ("deleted", 1): return .deleted
        case ("waiting", 1): return .waiting
        case ("absent", 1): return .absent
        case ("at", 2): return .at(try name(words[1]))
        case ("shows", 2...): return .shows(try values(words.dropFirst()))
        case ("links", 2): return .links(try object(words[1]), true)
        case ("lacks", 2): return .links(try object(words[1]), false)
        default:
            throw error(
                "an object is: at NAME, shows ATTRIBUTE=VALUE..., links OBJECT, lacks OBJECT, deleted, "
                    + "waiting or absent"
            )
        }
    }
}
