package import Identifiers

/// An object, by name or by identity.
package struct ObjectTarget: Codable, Hashable, Sendable {
    package var dn: String?
    package var objectGUID: GUID?

    package init(
        dn: String? = nil,
        objectGUID: GUID? = nil
    ) {
        self.dn = dn
        self.objectGUID = objectGUID
    }

    /// Reads what people type: a DN, a GUID, or `<GUID=...>`.
    package init(_ text: String) {
        var inner = text[...]
        if inner.lowercased().hasPrefix("<guid="), inner.hasSuffix(">") {
            inner = inner.dropFirst(6).dropLast()
        }
        if let guid = GUID(String(inner)) { self.init(objectGUID: guid) } else { self.init(dn: text) }
    }
}

/// Which object to read, and how much of it.
package struct ObjectQuery: Codable, Hashable, Sendable {
    package var target: ObjectTarget
    /// Tombstones, too.
    package var deleted: Bool
    /// Operational attributes, too.
    package var operational: Bool
    /// Empty = all.
    package var attributes: [String]

    package init(
        target: ObjectTarget,
        deleted: Bool = false,
        operational: Bool = false,
        attributes: [String] = []
    ) {
        self.target = target
        self.deleted = deleted
        self.operational = operational
        self.attributes = attributes
    }
}

/// An object in presentation form.
package struct ObjectReply: Codable, Hashable, Sendable {
    package var dn: String
    package var objectGUID: GUID
    /// `placed`, `conflict`, `lostAndFound`, `waiting`, `deleted` ...
    package var standing: String
    package var attributes: [AttributeReply]

    package init(
        dn: String,
        objectGUID: GUID,
        standing: String,
        attributes: [AttributeReply]
    ) {
        self.dn = dn
        self.objectGUID = objectGUID
        self.standing = standing
        self.attributes = attributes
    }
}

/// One attribute and its values.
package struct AttributeReply: Codable, Hashable, Sendable {
    package var name: String
    package var values: [AttributeValue]

    package init(
        name: String,
        values: [AttributeValue]
    ) {
        self.name = name
        self.values = values
    }
}

/// Which objects to list.
package struct SearchQuery: Codable, Hashable, Sendable {
    package var base: ObjectTarget
    package var scope: SearchScope
    /// Nil = every class.
    package var objectClass: String?
    /// Empty = all.
    package var attributes: [String]
    package var deleted: Bool
    package var operational: Bool
    /// Objects; more are cut and `isComplete` says so.
    package var limit: Int

    package init(
        base: ObjectTarget,
        scope: SearchScope,
        objectClass: String? = nil,
        attributes: [String] = [],
        deleted: Bool = false,
        operational: Bool = false,
        limit: Int = 1_000
    ) {
        self.base = base
        self.scope = scope
        self.objectClass = objectClass
        self.attributes = attributes
        self.deleted = deleted
        self.operational = operational
        self.limit = limit
    }
}

/// How deep a search goes.
///
/// - Source: RFC 4511 section 4.5.1.2.
package enum SearchScope: String, Codable, Hashable, Sendable, CaseIterable {
    case base, one, sub
}

/// The objects that were found, parents first.
package struct SearchReply: Codable, Hashable, Sendable {
    package var objects: [ObjectReply]
    package var isComplete: Bool

    package init(
        objects: [ObjectReply],
        isComplete: Bool
    ) {
        self.objects = objects
        self.isComplete = isComplete
    }
}
