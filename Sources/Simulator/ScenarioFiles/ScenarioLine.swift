import Store

/// One line of a scenario file, cut into words.
struct ScenarioLine {
    static let reserved: Set<String> = [
        "all", "config", "schema", "mesh", "star", "ring", "forest", "set", "pending", "expect", "advance",
        "converge", "hold", "pass", "block", "open", "deliver", "drop", "duplicate", "reverse", "flip",
        "forge", "equal", "different",
    ]

    let number: Int
    let text: String
    let words: [String]
    let dsas: [String]

    init(_ line: String, number: Int, dsas: [String]) throws {
        self.number = number
        self.dsas = dsas
        let stripped = line.drop { $0 == " " || $0 == "\t" }
        text = String(stripped.reversed().drop { $0 == " " || $0 == "\t" || $0 == "\r" }.reversed())
        words = try Self.words(of: text, number)
    }

    /// Words are parted by spaces; quotes keep them in, and a word that starts with # begins a comment.
    private static func words(of text: String, _ number: Int) throws -> [String] {
        var words: [String] = []
        var word: String?
        var isQuoted = false
        for character in text {
            switch character {
            case "\"":
                isQuoted.toggle()
                word = word ?? ""
            case " " where !isQuoted, "\t" where !isQuoted:
                if let known = word { words.append(known) }
                word = nil
            case "#" where !isQuoted && word == nil: return words
            default: word = (word ?? "") + String(character)
            }
        }
        guard !isQuoted else { throw ScenarioError(line: number, "a quote is not closed") }
        if let word { words.append(word) }
        return words
    }

    func error(_ sentence: String) -> ScenarioError { ScenarioError(line: number, sentence) }

    // MARK: - Words

    func count(_ word: String) throws -> Int {
        guard let count = Int(word), count >= 0 else { throw error("\"\(word)\" is no number from 0") }
        return count
    }

    /// `90s`, `15m`, `12h`, `3d`; a sign may stand before it.
    func seconds(_ word: String) throws -> Int {
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let last = word.last, let unit = units[last], let count = Int(word.dropLast()),
            abs(count) <= 100_000
        else { throw error("\"\(word)\" is no time; 90s, 15m, 12h and 3d are") }
        return count * unit
    }

    func site(_ name: String) throws -> Int {
        guard let index = dsas.firstIndex(of: name) else { throw error("no DSA \"\(name)\"") }
        return index
    }

    private func siteOrAll(_ name: String) throws -> Int? { name == "all" ? nil : try site(name) }

    func road(_ word: String) throws -> ScenarioRoad {
        let ends = word.split(separator: ">", omittingEmptySubsequences: false).map(String.init)
        guard ends.count == 2, ends[0].hasSuffix("-") else { throw error("\"\(word)\" is no road; a->b is") }
        let road = ScenarioRoad(from: try site(String(ends[0].dropLast())), to: try site(ends[1]))
        guard road.from != road.to else { throw error("a road leads from one DSA to another") }
        return road
    }

    func context(_ word: String) throws -> ScenarioContext {
        guard let context = Self.context(word, dsas) else {
            throw error("\"\(word)\" is no naming context; $config, $schema and $DSA are")
        }
        return context
    }

    static func context(_ word: String, _ dsas: [String]) -> ScenarioContext? {
        guard word.first == "$" else { return nil }
        switch word.dropFirst() {
        case "config": return .configuration
        case "schema": return .schema
        case let name: return dsas.firstIndex(of: String(name)).map { .domain($0) }
        }
    }

    /// The part of a name that says where it belongs: what follows the last comma, or all of it.
    static func contextWord(of name: String) -> String {
        name.lastIndex(of: ",").map { String(name[name.index(after: $0)...]) } ?? name
    }

    func name(_ word: String) throws -> String {
        guard Self.context(Self.contextWord(of: word), dsas) != nil else {
            throw error("\"\(word)\" does not end in a naming context, as CN=a,$config does")
        }
        return word
    }

    func object(_ word: String) throws -> ScenarioObject {
        guard word.first == "@" else { return .name(try name(word)) }
        guard word.count > 1 else { throw error("a label is missing after @") }
        return .label(String(word.dropFirst()))
    }

    func values(_ words: some Collection<String>) throws -> [ScenarioValues] {
        var order: [String] = []
        var values: [String: [String]] = [:]
        for word in words {
            guard let sign = word.firstIndex(of: "="), sign > word.startIndex else {
                throw error("\"\(word)\" is no attribute=value")
            }
            let attribute = String(word[..<sign])
            let value = String(word[word.index(after: sign)...])
            if values[attribute] == nil { order.append(attribute) }
            values[attribute, default: []] += value.isEmpty ? [] : [value]
        }
        guard !order.isEmpty else { throw error("no attribute=value") }
        return order.map { ScenarioValues(attribute: $0, values: values[$0] ?? []) }
    }

    // MARK: - Commands

    func command() throws -> ScenarioCommand {
        let arguments = Array(words.dropFirst())
        switch words[0] {
        case "advance":
            guard arguments.count == 1 else { throw error("advance TIME") }
            let seconds = try seconds(arguments[0])
            guard seconds >= 0 else { throw error("time does not go back; a clock may: DSA: clock TIME") }
            return .advance(seconds: seconds)
        case "converge":
            guard arguments.isEmpty else { throw error("converge stands alone") }
            return .converge
        case "expect": return .expect(try expectation(arguments))
        case let first where first.hasSuffix(":"):
            return try command(at: site(String(first.dropLast())), arguments)
        default: return try mailCommand(arguments)
        }
    }

    private func mailCommand(_ arguments: [String]) throws -> ScenarioCommand {
        guard let first = arguments.first else { throw error("\"\(words[0])\" is no command") }
        let allowed = words[0] == "forge" ? 2...6 : 1...2
        guard allowed.contains(arguments.count) else { throw error("\(words[0]) FROM->TO [NUMBER]") }
        let position = arguments.count > 1 ? Int(arguments[1]) : nil
        if words[0] != "forge", arguments.count == 2, (position ?? 0) < 1 {
            throw error("\"\(arguments[1])\" is no position; they count from 1")
        }
        let kind: ScenarioMail
        switch words[0] {
        case "hold": kind = .hold
        case "pass": kind = .pass
        case "block": kind = .block
        case "open": kind = .open
        case "deliver": kind = .deliver(position)
        case "drop": kind = .drop(position)
        case "duplicate": kind = .duplicate(position)
        case "reverse": kind = .reverse
        case "flip": kind = .flip(position)
        case "forge":
            kind = .forge(position, try forgery(arguments.dropFirst(position == nil ? 1 : 2)))
        default: throw error("\"\(words[0])\" is no command")
        }
        return .mail(try road(first), kind)
    }

    private func forgery(_ words: ArraySlice<String>) throws -> ScenarioForgery {
        let words = Array(words)
        switch (words.first, words.count) {
        case ("version", 2), ("version", 4):
            guard words.count == 2 || words[2] == "of" else {
                throw error("forge FROM->TO version V of ATTRIBUTE")
            }
            guard let version = UInt32(words[1]) else { throw error("\"\(words[1])\" is no version") }
            return .version(version, of: words.count == 4 ? words[3] : nil)
        case ("ahead", 2): return .daysAhead(try seconds(words[1]) / 86_400)
        case ("vector", 3):
            guard let usn = Int64(words[2]) else { throw error("\"\(words[2])\" is no USN") }
            return .vector(site: try site(words[1]), usn)
        case ("classless", 1): return .classless
        default:
            throw error(
                "forge FROM->TO [NUMBER] version V [of ATTRIBUTE], ahead DAYS, vector DSA USN, or classless"
            )
        }
    }
}
