import DirectoryModel
import Replication

/// Which classes of an object have index rows: those that no other class of it implies.
///
/// A search for a class looks for the rows of its subclasses, too. Where the schema takes an implication back,
/// the rows are made anew.
struct ClassRows {
    /// Sets of classes kept before they are forgotten; a directory has few.
    static let classSetsMax = 256

    private let schema: Schema
    private var known: [ValueSet: [[UInt8]]] = [:]

    init(_ schema: Schema) { self.schema = schema }

    /// The values of `objectClass` that get rows.
    mutating func indexed(_ classes: ValueSet) -> [[UInt8]] {
        if let values = known[classes] { return values }
        let values = classes.values
        let names = values.map { String(decoding: $0, as: UTF8.self).asciiLowercased }
        let implied = Set(names.flatMap { Self.implied(by: $0, in: schema) })
        let kept = zip(values, names).filter { !implied.contains($0.1) }.map(\.0)
        if known.count >= Self.classSetsMax { known = [:] }
        known[classes] = kept
        return kept
    }

    /// The classes whose rows show objects of a class: itself and its subclasses, in matching form.
    static func searched(for normalized: [UInt8], in schema: Schema) -> [[UInt8]] {
        let name = String(decoding: normalized, as: UTF8.self)
        let subclasses = schema.subclasses(of: name).map { Array($0.name.asciiLowercased.utf8) }
        return [normalized] + subclasses.filter { $0 != normalized }
    }

    /// Whether rows made under `old` may lack what a search under `new` looks for.
    static func mustBeRebuilt(from old: Schema, to new: Schema) -> Bool {
        old.classes.contains { definition in
            let name = definition.name.asciiLowercased
            return !implied(by: name, in: old).isSubset(of: implied(by: name, in: new))
        }
    }

    /// What a class implies, names in lower case.
    ///
    /// Nothing under another name than its schema name, which is what a search knows; of two that imply each
    /// other neither counts.
    private static func implied(by name: String, in schema: Schema) -> Set<String> {
        guard schema.objectClass(named: name)?.name.asciiLowercased == name else { return [] }
        let superiors = schema.closure(of: [name]).map(\.asciiLowercased).filter { superior in
            superior != name && !schema.closure(of: [superior]).contains { $0.asciiLowercased == name }
        }
        return Set(superiors)
    }
}
