/// Why an originating change of the schema is refused, by names and numbers.
///
/// - Source: MS-ADTS sections 3.1.1.2.3 to 3.1.1.2.5.
package enum SchemaRefusal: Error, Hashable, Sendable {
    /// A value that the definition cannot be read with.
    case malformed(String)
    case notDefinition(String)
    case misplaced(String)
    case identifierInUse(attribute: String, oid: OID, by: String, isDefunct: Bool)
    case nameInUse(String, by: OID)
    case nameIsAlias(String, of: String)
    case unknownSyntax(attributeSyntax: String, oMSyntax: Int?)
    case linkNeedsNames(linkID: Int, attributeSyntax: String)
    case linkInUse(linkID: Int, by: String)
    case noForwardLink(linkID: Int)
    case rangeReversed(lower: Int, upper: Int)
    case unknownReference(attribute: String, name: String)
    case defunctReference(attribute: String, name: String)
    case wrongKind(attribute: String, name: String, reason: String)
    case cycle(through: String)
    case unchangeable(attribute: String)
    case narrowed
    case kindChanged
    case baseObject(String, attribute: String)
    case newRequirement(String)
    case nameFixed(String, reason: String)
    case defunctInUse(String, by: String)
}

extension SchemaRefusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed(let reason): "the definition \(reason)"
        case .notDefinition(let name): "\(name) is neither an attributeSchema nor a classSchema object"
        case .misplaced(let name): "\(name) would not stand directly below the head of the schema"
        case .identifierInUse(let attribute, let oid, let other, let isDefunct):
            "\(attribute) \(oid) already belongs to \(isDefunct ? "the defunct " : "")\(other)"
        case .nameInUse(let name, let oid): "the name \(name) already belongs to \(oid)"
        case .nameIsAlias(let name, let other): "\(name) is already a further name of \(other)"
        case .unknownSyntax(let syntax, let omSyntax):
            "attributeSyntax \(syntax) "
                + (omSyntax.map { "with oMSyntax \($0)" } ?? "without oMSyntax")
                + " is no syntax that is known"
        case .linkNeedsNames(let linkID, let syntax):
            "linkID \(linkID) needs values that name objects, and attributeSyntax is \(syntax)"
        case .linkInUse(let linkID, let other): "linkID \(linkID) already belongs to \(other)"
        case .noForwardLink(let linkID):
            "linkID \(linkID) is a back link, and no attribute has its forward link \(linkID - 1)"
        case .rangeReversed(let lower, let upper): "rangeLower \(lower) is above rangeUpper \(upper)"
        case .unknownReference(let attribute, let name):
            "\(attribute) names \(name), which is not in the schema"
        case .defunctReference(let attribute, let name): "\(attribute) names \(name), which is defunct"
        case .wrongKind(let attribute, let name, let reason): "\(attribute) names \(name), which is \(reason)"
        case .cycle(let name): "the class would descend from itself, through \(name)"
        case .unchangeable(let attribute): "\(attribute) of a definition never changes"
        case .narrowed: "isSingleValued cannot become TRUE: objects may hold several values"
        case .kindChanged: "an attribute's definition cannot become a class's, nor the other way round"
        case .baseObject(let name, let attribute):
            "\(name) belongs to the base schema, which the directory itself needs: its \(attribute) stays"
        case .newRequirement(let name):
            "attribute \(name) cannot become mandatory: objects of the class may lack it"
        case .nameFixed(let name, let reason): "the name \(name) cannot change: \(reason)"
        case .defunctInUse(let name, let other): "\(name) cannot become defunct: \(other) names it"
        }
    }

    /// What a person can do about it, if anything.
    package var hint: String? {
        switch self {
        case .malformed, .kindChanged: nil
        case .notDefinition, .misplaced: "put other objects into the configuration or a domain"
        case .identifierInUse: "take an OID of your own arc; an OID is never used twice, its old values stay"
        case .nameInUse, .nameIsAlias: "choose another lDAPDisplayName, with a prefix of your own"
        case .unknownSyntax: "for text: attributeSyntax 2.5.5.12 with oMSyntax 64"
        case .linkNeedsNames: "attributeSyntax 2.5.5.1 with oMSyntax 127 is a distinguished name"
        case .linkInUse: "forward links have even numbers, and a back link the odd one above its forward link"
        case .noForwardLink: "add the forward link first, or an even linkID"
        case .rangeReversed: "exchange the two"
        case .unknownReference: "add that definition first"
        case .defunctReference: "clear its isDefunct, or name another"
        case .wrongKind: "see objectClassCategory of both classes"
        case .cycle: "name another superior or auxiliary class"
        case .unchangeable: "set isDefunct of this definition to TRUE and make a new one with another OID"
        case .narrowed: "make a new attribute that takes one value"
        case .baseObject: "make a definition of your own; a base class takes further mayContain values"
        case .newRequirement: "add it to mayContain, or make a new class"
        case .nameFixed: "add an lDAPDisplayNameAlias instead"
        case .defunctInUse: "take it out of that definition first"
        }
    }
}
