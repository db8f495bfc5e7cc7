/// Holds definitions of another directory against those here: what is new, here already, or contradicts.
///
/// Pure; nothing is written. Definitions may name each other in any order.
package struct SchemaMerge: Sendable {
    package enum Verdict: Hashable, Sendable {
        case add
        /// Here, and nothing in it says otherwise.
        case alreadyHere
        /// Here under that object's name, and equal but for further optional attributes and superiors, which
        /// do no harm: values to add.
        case extend(object: String, additions: [EntryAttribute])
        case refused(String)
    }

    /// No object of a directory is called like that.
    private static let importedPrefix = "imported "

    private var catalogue: SchemaCatalogue

    package init(_ schema: Schema) { catalogue = SchemaCatalogue(schema) }

    /// One verdict for each object, in their order.
    package mutating func verdicts(of objects: [SchemaObject]) -> [Verdict] {
        var verdicts: [Verdict] = []
        var names: [String] = []
        // What is given twice shares the fate of its first copy.
        var twins: [Int: Int] = [:]
        for (index, object) in objects.enumerated() {
            var object = object
            object.name = Self.importedPrefix + "\(index)"
            if let first = catalogue.counterpart(of: object).flatMap({ names.firstIndex(of: $0.name) }) {
                twins[index] = first
            }
            names.append(object.name)
            verdicts.append(own(object))
            if verdicts[index] == .add { catalogue.set(object) }
        }
        dropWhatRefersNowhere(&verdicts, names)
        for (twin, first) in twins {
            if case .refused = verdicts[first] { verdicts[twin] = verdicts[first] }
        }
        for index in objects.indices {
            if case .extend(let object, let additions) = verdicts[index] {
                verdicts[index] = grown(object, additions)
            }
        }
        return verdicts
    }

    /// The order in which new definitions are written: attributes, back links behind them, then classes.
    package static func order(_ objects: [SchemaObject]) -> [Int] {
        objects.indices.sorted { left, right in
            let (a, b) = (rank(objects[left]), rank(objects[right]))
            return a != b ? a < b : left < right
        }
    }

    private static func rank(_ object: SchemaObject) -> Int {
        guard object.declaredKind == .attribute else { return 2 }
        return object.linkID.map { $0 & 1 } ?? 0
    }

    private mutating func own(_ object: SchemaObject) -> Verdict {
        if let here = catalogue.counterpart(of: object) {
            do {
                let verdict = try comparison(of: object, with: here)
                guard case .extend(let name, let additions) = verdict else { return verdict }
                guard !name.hasPrefix(Self.importedPrefix) else {
                    return .refused("given twice, with unlike values of \(additions[0].name)")
                }
                var grown = here
                for list in additions { grown.values[list.name.asciiLowercased, default: []] += list.values }
                catalogue.set(grown)
                return verdict
            } catch {
                return .refused(error.reason)
            }
        }
        if let objection = catalogue.objectionToAdding(object) { return .refused(objection.description) }
        return .add
    }

    /// A definition that goes may take others with it.
    private mutating func dropWhatRefersNowhere(_ verdicts: inout [Verdict], _ names: [String]) {
        var hasChanged = true
        while hasChanged {
            hasChanged = false
            for index in verdicts.indices where verdicts[index] == .add {
                guard let objection = catalogue.objectionToReferences(ofObjectNamed: names[index]) else {
                    continue
                }
                verdicts[index] = .refused(objection.description)
                catalogue.remove(objectNamed: names[index])
                hasChanged = true
            }
        }
    }

    private func grown(_ object: String, _ additions: [EntryAttribute]) -> Verdict {
        let missing = additions.flatMap { list in
            list.strings.filter {
                catalogue.referred($0, isAttribute: list.name == "mayContain")?.isDefunct ?? true
            }
        }
        guard missing.isEmpty else {
            return .refused(
                "here already; its further values name \(missing.joined(separator: ", ")), not in the schema"
            )
        }
        return .extend(object: object, additions: additions)
    }

    // MARK: - Comparison

    private struct Contradiction: Error { let reason: String }

    private func comparison(of object: SchemaObject, with here: SchemaObject) throws(Contradiction) -> Verdict
    {
        guard let new = (try? SchemaCatalogue.item(of: object)) ?? nil,
            let old = (try? SchemaCatalogue.item(of: here)) ?? nil
        else { throw Contradiction(reason: "the definition cannot be read") }
        let what = new.isAttribute ? "attributeID" : "governsID"
        guard new.oid == old.oid else {
            throw Contradiction(reason: "\(what) of \(old.name) is \(old.oid) here, \(new.oid) there")
        }
        let names = ([old.name] + old.aliases).map(\.asciiLowercased)
        guard names.contains(new.name.asciiLowercased) else {
            throw Contradiction(reason: "\(what) \(new.oid) is called \(old.name) here, \(new.name) there")
        }
        if let new = new.attribute, let old = old.attribute {
            try compare(new, old)
            guard object.linkID == here.linkID else {
                throw unlike("linkID", here.linkID.map { "\($0)" }, object.linkID.map { "\($0)" })
            }
            return .alreadyHere
        }
        guard let newClass = new.objectClass, let oldClass = old.objectClass else { return .alreadyHere }
        return try compare(newClass, oldClass, old)
    }

    private func compare(_ new: AttributeDefinition, _ old: AttributeDefinition) throws(Contradiction) {
        guard new.syntax == old.syntax else {
            throw unlike("the syntax", old.syntax.rawValue, new.syntax.rawValue)
        }
        guard new.isCaseSensitive == old.isCaseSensitive else {
            throw unlike(
                "equality",
                old.isCaseSensitive ? "minds case" : "ignores case",
                new.isCaseSensitive ? "minds case" : "ignores case"
            )
        }
        guard new.isSingleValued == old.isSingleValued else {
            throw unlike(
                "isSingleValued",
                old.isSingleValued ? "TRUE" : "FALSE",
                new.isSingleValued ? "TRUE" : "FALSE"
            )
        }
    }

    private func compare(_ new: ClassDefinition, _ old: ClassDefinition, _ here: SchemaCatalogue.Item)
        throws(Contradiction) -> Verdict
    {
        guard new.kind == old.kind else {
            throw unlike("objectClassCategory", "\(old.kind.rawValue)", "\(new.kind.rawValue)")
        }
        let superiors = [old, new].map { $0.superiorName.map { identity($0, isAttribute: false) } }
        guard superiors[0] == superiors[1] else {
            throw unlike("subClassOf", old.superiorName, new.superiorName)
        }
        let required = catalogue.required(by: here)
        let must = Set(new.must.map { identity($0, isAttribute: true) })
        let mustHere = Set(old.must.map { identity($0, isAttribute: true) })
        guard mustHere.subtracting(must).isEmpty, must.subtracting(required).isEmpty else {
            throw unlike("mustContain", list(old.must), list(new.must))
        }
        let may = required.union(catalogue.allowed(by: here))
        let additions = [
            EntryAttribute(
                name: "mayContain",
                strings: new.may.filter { !may.contains(identity($0, isAttribute: true)) }
            ),
            further("possSuperiors", new.possibleSuperiors, than: old.possibleSuperiors),
            further("auxiliaryClass", new.auxiliary, than: old.auxiliary),
        ].filter { !$0.values.isEmpty }
        if let auxiliary = additions.first(where: { $0.name == "auxiliaryClass" }), !auxiliary.values.isEmpty
        {
            throw unlike("auxiliaryClass", list(old.auxiliary), list(old.auxiliary + auxiliary.strings))
        }
        return additions.isEmpty ? .alreadyHere : .extend(object: here.object.name, additions: additions)
    }

    private func further(_ name: String, _ new: [String], than old: [String]) -> EntryAttribute {
        let known = Set(old.map { identity($0, isAttribute: false) })
        return EntryAttribute(
            name: name,
            strings: new.filter { !known.contains(identity($0, isAttribute: false)) }
        )
    }

    /// What a name means here; itself in lower case while nothing is known by it.
    private func identity(_ name: String, isAttribute: Bool) -> String {
        catalogue.referred(name, isAttribute: isAttribute)?.name ?? name.asciiLowercased
    }

    private func list(_ names: [String]) -> String? {
        names.isEmpty ? nil : names.sorted().joined(separator: ", ")
    }

    private func unlike(_ what: String, _ here: String?, _ there: String?) -> Contradiction {
        Contradiction(reason: "\(what): \(here ?? "none") here, \(there ?? "none") there")
    }
}
