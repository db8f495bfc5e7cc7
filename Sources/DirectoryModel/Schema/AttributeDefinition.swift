/// What an `attributeSchema` object says about one attribute.
package struct AttributeDefinition: Hashable, Sendable {
    package var oid: OID
    package var name: String
    /// Further names (`lDAPDisplayNameAlias`): `commonName` for `cn`.
    package var aliases: [String]
    package var syntax: AttributeSyntax
    /// Equality minds case (`equalityRule` caseExact..., or Active Directory's case-exact syntax).
    package var isCaseSensitive: Bool
    package var isSingleValued: Bool
    package var searchFlags: Int32
    package var isInPartialAttributeSet: Bool
    /// Even = forward link, odd = the back link of the even number before it.
    package var linkID: Int32?
    package var systemFlags: Int32
    package var isSystemOnly: Bool
    /// Least and greatest length in characters (octets for octet strings), or value of an integer.
    package var rangeLower: Int?
    package var rangeUpper: Int?
    /// The supertype (`attributeSuperior`, RFC 4512 section 2.5.1); published, nothing is inherited.
    package var superiorName: String?

    package init(
        oid: OID,
        name: String,
        aliases: [String] = [],
        syntax: AttributeSyntax,
        isCaseSensitive: Bool = false,
        isSingleValued: Bool = false,
        searchFlags: Int32 = 0,
        isInPartialAttributeSet: Bool = false,
        linkID: Int32? = nil,
        systemFlags: Int32 = 0,
        isSystemOnly: Bool = false,
        rangeLower: Int? = nil,
        rangeUpper: Int? = nil,
        superiorName: String? = nil
    ) {
        self.oid = oid
        self.name = name
        self.aliases = aliases
        self.syntax = syntax
        self.isCaseSensitive = isCaseSensitive
        self.isSingleValued = isSingleValued
        self.searchFlags = searchFlags
        self.isInPartialAttributeSet = isInPartialAttributeSet
        self.linkID = linkID
        self.systemFlags = systemFlags
        self.isSystemOnly = isSystemOnly
        self.rangeLower = rangeLower
        self.rangeUpper = rangeUpper
        self.superiorName = superiorName
    }

    /// `searchFlags` bit 0.
    package var isIndexed: Bool { searchFlags & 1 != 0 }
    package var isForwardLink: Bool { linkID.map { $0 & 1 == 0 } ?? false }
    package var isBackLink: Bool { linkID.map { $0 & 1 == 1 } ?? false }
    /// `systemFlags` bit 2: computed when read, never stored.
    package var isConstructed: Bool { systemFlags & 4 != 0 }
    /// `systemFlags` bit 0 is clear, and the attribute is neither computed nor a back link.
    package var isReplicated: Bool { systemFlags & 1 == 0 && !isConstructed && !isBackLink }

    /// The form in which two values of this attribute are compared for equality.
    package func normalized(
        _ value: [UInt8],
        naming: some AttributeNaming = WellKnownNames()
    ) -> [UInt8] {
        syntax.normalized(value, isCaseSensitive: isCaseSensitive, naming: naming)
    }
}

/// What kind of class a `classSchema` object defines (`objectClassCategory`).
package enum ClassKind: Int, Hashable, Sendable {
    /// X.500 of 1988: structural when an entry has no structural class besides, otherwise auxiliary.
    case class88 = 0
    case structural = 1
    case abstract = 2
    case auxiliary = 3
}

/// What a `classSchema` object says about one object class; lists hold names as written.
package struct ClassDefinition: Hashable, Sendable {
    package var oid: OID
    package var name: String
    package var aliases: [String]
    /// Nil for `top` only.
    package var superiorName: String?
    package var kind: ClassKind
    package var must: [String]
    package var may: [String]
    package var auxiliary: [String]
    package var possibleSuperiors: [String]
    package var rdnAttribute: OID

    package init(
        oid: OID,
        name: String,
        aliases: [String] = [],
        superiorName: String?,
        kind: ClassKind,
        must: [String] = [],
        may: [String] = [],
        auxiliary: [String] = [],
        possibleSuperiors: [String] = [],
        rdnAttribute: OID = .cn
    ) {
        self.oid = oid
        self.name = name
        self.aliases = aliases
        self.superiorName = superiorName
        self.kind = kind
        self.must = must
        self.may = may
        self.auxiliary = auxiliary
        self.possibleSuperiors = possibleSuperiors
        self.rdnAttribute = rdnAttribute
    }

    /// Allows every attribute that the schema knows (RFC 4512 section 4.3).
    package var isExtensibleObject: Bool { oid == .extensibleObject }
}
