import DirectoryModel
import Identifiers
import Store

/// What a scenario calls objects, naming contexts and databases.
struct ScenarioNames {
    struct Known {
        let guid: GUID
        let context: GUID
    }

    private(set) var objects: [String: Known] = [:]
    private(set) var labels: [GUID: String] = [:]
    /// Longest DN first: the longest match owns a name.
    private let contexts: [(word: String, guid: GUID, dn: String)]
    /// GUIDs that are no object's.
    private var others: [(text: String, name: String)] = []

    init(dsas: [String], plan: ForestPlan) {
        let naming = WellKnownNames()
        contexts =
            ([("$config", plan.configuration), ("$schema", plan.schema)]
            + zip(dsas.map { "$\($0)" }, plan.sites.map(\.domain)))
            .map { ($0.0, $0.1.guid, $0.1.dn.description(naming: naming)) }
            .sorted { $0.2.utf8.count > $1.2.utf8.count }
        for (name, site) in zip(dsas, plan.sites) {
            learn(site.dsaGUID, as: name)
        }
    }

    mutating func learn(_ guid: GUID, as name: String) {
        guard !others.contains(where: { $0.text == "\(guid)" }) else { return }
        others.append(("\(guid)", name))
    }

    /// Takes up an object; its GUID is made from its label, so that it is the same in every run.
    mutating func add(_ label: String, number: UInt64?, in context: GUID) throws -> GUID {
        guard objects[label] == nil else { throw Disappointment("there is an object @\(label) already") }
        var digest = TraceDigest()
        digest.add(label.utf8)
        let guid =
            number.map { GUID(high: 0, low: $0) } ?? GUID(high: 0x6f62_6a65_6374_0000, low: digest.value)
        objects[label] = Known(guid: guid, context: context)
        labels[guid] = label
        return guid
    }

    // MARK: - Reading

    func known(_ label: String) throws -> Known {
        guard let known = objects[label] else { throw Disappointment("there is no object @\(label)") }
        return known
    }

    func context(of name: String) throws -> GUID {
        let word = ScenarioLine.contextWord(of: name)
        guard let context = contexts.first(where: { $0.word == word }) else {
            throw Disappointment("there is no naming context \(word)")
        }
        return context.guid
    }

    /// A scenario's name as the directory writes it.
    func dn(_ name: String) throws -> String {
        let word = ScenarioLine.contextWord(of: name)
        guard let context = contexts.first(where: { $0.word == word }) else {
            throw Disappointment("there is no naming context \(word)")
        }
        var text = String(name.dropLast(word.count)) + context.dn
        for (label, known) in objects where text.contains(":@\(label),") {
            text = text.replacing(":@\(label),", with: ":\(known.guid),")
        }
        return text
    }

    // MARK: - Writing

    func context(_ guid: GUID) -> String { contexts.first { $0.guid == guid }?.word ?? "another context" }

    func short(_ guid: GUID) -> String { labels[guid].map { "@\($0)" } ?? "another" }

    /// A text of the product with names for GUIDs and for the naming contexts' DNs.
    func text(_ text: String) -> String {
        var text = text
        for (label, known) in objects.sorted(by: { $0.key < $1.key }) {
            text = text.replacing("\(known.guid)", with: "@\(label)")
        }
        for (guid, name) in others { text = text.replacing(guid, with: name) }
        for context in contexts {
            text = text.replacing("\(context.guid)", with: context.word)
            text = text.replacing(context.dn, with: context.word)
        }
        return text
    }

    /// The same, for a trace: numbers above 99 are USNs or times, which change with the code around.
    func coarse(_ text: String) -> String {
        self.text(text).split(separator: ": ", maxSplits: 1).first.map(String.init) ?? text
    }
}
