/// Attribute names to OIDs and back: a schema, or the few names that DNs use anyway.
package protocol AttributeNaming {
    /// Case-insensitive; also reads dotted OIDs.
    func oid(named name: String) -> OID?
    func name(of oid: OID) -> String?
}

/// The RFC 4514 keywords and their long names, for reading DNs without a schema.
package struct WellKnownNames: AttributeNaming, Sendable {
    package init() {}

    package func oid(named name: String) -> OID? {
        if let known = Self.oids[name.asciiLowercased] { return known }
        return OID(name)
    }

    package func name(of oid: OID) -> String? { Self.names[oid] }

    private static let keywords: [(names: [String], oid: OID)] = [
        (["CN", "commonName"], .cn), (["OU", "organizationalUnitName"], .ou),
        (["DC", "domainComponent"], .dc), (["O", "organizationName"], .o), (["L", "localityName"], .l),
        (["ST", "stateOrProvinceName"], .st), (["C", "countryName"], .c),
        (["STREET", "streetAddress"], .street), (["UID", "userid"], .uid), (["SN", "surname"], .sn),
        (["serialNumber"], .serialNumber),
    ]

    private static let oids: [String: OID] = {
        var oids: [String: OID] = [:]
        for keyword in keywords {
            for name in keyword.names { oids[name.asciiLowercased] = keyword.oid }
        }
        return oids
    }()

    private static let names: [OID: String] = {
        var names: [OID: String] = [:]
        for keyword in keywords { names[keyword.oid] = keyword.names.first }
        return names
    }()

    /// The keyword that every DN is written with, whatever the schema calls the attribute.
    static func keyword(of oid: OID) -> String? {
        switch oid {
        case .cn, .ou, .dc, .o, .l, .st, .c, .street, .uid: names[oid]
        default: nil
        }
    }
}

extension String {
    /// ASCII letters in lower case, everything else as it is: attribute names are ASCII.
    package var asciiLowercased: String {
        guard utf8.contains(where: { (0x41...0x5a).contains($0) }) else { return self }
        return String(decoding: utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}
