import AdminAPI
import DirectoryModel
import Identifiers
import Store

/// The definitions of an import: gathered, held against the schema here, written in an order that works.
///
/// Those which contradict the schema are refused by rule; those which are here already are counted and left
/// alone, but for optional attributes and superiors that the other side has besides.
struct DefinitionImport {
    /// Definitions gathered before they are written; no schema has as many.
    static let definitionsMax = 20_000

    struct Definition {
        let line: Int
        let dnText: String
        let entry: Entry
    }

    /// What to write, with the definitions that the operations stand for.
    struct Plan {
        var alreadyHere = 0
        var refusals: [(Definition, String)] = []
        /// Attributes in transactions of `LDIFImport.recordsPerTransaction`; classes may name each other, so
        /// they make one.
        var transactions: [[(definition: Definition, operation: OriginatingOperation)]] = []
    }

    private var definitions: [Definition] = []

    var isEmpty: Bool { definitions.isEmpty }
    var isFull: Bool { definitions.count >= Self.definitionsMax }

    mutating func add(_ definition: Definition) { definitions.append(definition) }

    /// Ends the gathering.
    mutating func takePlan(_ schema: Schema) -> Plan {
        let taken = definitions
        definitions = []
        let objects = taken.map { SchemaObject(name: $0.dnText, attributes: $0.entry.attributes) }
        var merge = SchemaMerge(schema)
        let verdicts = merge.verdicts(of: objects)
        var plan = Plan()
        var attributes: [(definition: Definition, operation: OriginatingOperation)] = []
        var classes = attributes
        var extensions = attributes
        for index in SchemaMerge.order(objects) {
            let definition = taken[index]
            switch verdicts[index] {
            case .alreadyHere: plan.alreadyHere += 1
            case .refused(let reason): plan.refusals.append((definition, reason))
            case .add:
                let add = OriginatingOperation.add(definition.entry, objectGUID: nil)
                if objects[index].declaredKind == .attribute {
                    attributes.append((definition, add))
                } else {
                    classes.append((definition, add))
                }
            case .extend(let object, let additions):
                guard let guid = GUID(object) else {
                    plan.alreadyHere += 1
                    continue
                }
                let modifications = additions.map { Modification(.add, $0.name, $0.values) }
                extensions.append((definition, .modify(.guid(guid), modifications)))
            }
        }
        for start in stride(from: 0, to: attributes.count, by: LDIFImport.recordsPerTransaction) {
            let end = min(start + LDIFImport.recordsPerTransaction, attributes.count)
            plan.transactions.append(Array(attributes[start..<end]))
        }
        plan.transactions += [classes, extensions].filter { !$0.isEmpty }
        return plan
    }
}

/// Puts one suffix in the place of another, in names and in values that are names.
struct SuffixExchange: Sendable {
    let from: DistinguishedName
    let to: DistinguishedName

    func applied(to name: DistinguishedName) -> DistinguishedName {
        guard name.isSameOrDescendant(of: from) else { return name }
        return DistinguishedName(rdns: name.rdns.dropLast(from.rdns.count) + to.rdns)
    }

    /// Values that are no names stay as they are.
    func applied(to attributes: [EntryAttribute], _ schema: Schema) -> [EntryAttribute] {
        attributes.map { attribute in
            guard schema.attribute(named: attribute.name)?.syntax == .distinguishedName else {
                return attribute
            }
            return EntryAttribute(
                name: attribute.name,
                values: attribute.values.map { value in
                    guard let text = String(validating: value, as: UTF8.self),
                        let name = try? DistinguishedName(parsing: text, naming: schema),
                        name.isSameOrDescendant(of: from)
                    else { return value }
                    return Array(applied(to: name).description(naming: schema).utf8)
                }
            )
        }
    }
}
