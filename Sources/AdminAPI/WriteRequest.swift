package import Identifiers

/// Originating writes, all or none of them.
package struct WriteRequest: Codable, Hashable, Sendable {
    package var operations: [WriteOperation]

    package init(
        operations: [WriteOperation]
    ) {
        self.operations = operations
    }
}

/// One originating write; JSON as `{"delete": {"target": {"dn": "..."}, "tree": false}}`.
package enum WriteOperation: Codable, Hashable, Sendable {
    case add(dn: String, attributes: [AttributeReply])
    case modify(target: ObjectTarget, modifications: [AttributeModification])
    /// Nil name = the name stays; nil superior = the parent stays.
    case rename(target: ObjectTarget, newRDN: String?, deleteOldRDN: Bool, newSuperior: ObjectTarget?)
    case delete(target: ObjectTarget, tree: Bool)
    /// Nil name and superior = as it was.
    case undelete(target: ObjectTarget, newRDN: String?, newSuperior: ObjectTarget?)
}

/// One step of a modify.
package struct AttributeModification: Codable, Hashable, Sendable {
    package var operation: Kind
    package var name: String
    /// None with delete or replace = the whole attribute goes.
    package var values: [AttributeValue]

    package init(
        operation: Kind,
        name: String,
        values: [AttributeValue]
    ) {
        self.operation = operation
        self.name = name
        self.values = values
    }

    package enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
        case add, delete, replace, increment
    }
}

/// What the writes became, in their order.
package struct WriteReply: Codable, Hashable, Sendable {
    package var results: [WriteResultReply]

    package init(
        results: [WriteResultReply]
    ) {
        self.results = results
    }
}

/// One written object.
package struct WriteResultReply: Codable, Hashable, Sendable {
    package var dn: String
    package var objectGUID: GUID
    /// Nil when the write changed nothing.
    package var usn: USN?

    package init(
        dn: String,
        objectGUID: GUID,
        usn: USN? = nil
    ) {
        self.dn = dn
        self.objectGUID = objectGUID
        self.usn = usn
    }
}
