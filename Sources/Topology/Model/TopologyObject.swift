package import DirectoryModel
package import Identifiers

/// The attributes that the topology is read from; the raw value is the name that the schema gives.
enum TopologyAttribute: String, CaseIterable {
    case bridgeheadTransportList, cost, dNSHostName, dsServiceName, dsaDisabled, enabled, enabledConnection
    case fromServer, hasMasterNCs, hasPartialReplicaNCs, interSiteTopologyFailover
    case interSiteTopologyGenerator, isDeleted, mailAddress, nCName, objectClass, objectGUID, options
    case replInterval, replicasOverMail, schedule, siteLinkList, siteList, siteObject, systemFlags
    case transportAddressAttribute, transportType, whenCreated
    case hasMasterNCsNow = "msDS-hasMasterNCs"
    case isReadOnly = "msDS-isRODC"

    static let byName = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0.rawValue.asciiLowercased, $0) }
    )
}

/// The classes that the topology is read from.
enum TopologyClass: String, CaseIterable {
    case site, siteLink, siteLinkBridge, subnet, server, nTDSDSA, nTDSConnection, nTDSSiteSettings
    case interSiteTransport, crossRef
    case readOnlyDSA = "nTDSDSARO"

    static let byName = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0.rawValue.asciiLowercased, $0) }
    )
}

/// One object of the configuration naming context, reduced to what the topology needs.
package struct TopologyObject: Sendable {
    package let guid: GUID?
    package let dn: String
    let isDeleted: Bool
    /// None when the object says nothing about the topology.
    let kind: TopologyClass?
    private let values: [TopologyAttribute: [[UInt8]]]
    /// The names of all attributes that have a value, in lower case; of servers only.
    let attributeNames: Set<String>

    /// Takes the identity from the attribute objectGUID unless it is given.
    ///
    /// A deleted object is not used, but references to it are known for what they are.
    package init(guid: GUID?, dn: String, attributes: [EntryAttribute], isDeleted: Bool = false) {
        self.dn = dn
        var values: [TopologyAttribute: [[UInt8]]] = [:]
        for attribute in attributes {
            if let known = TopologyAttribute.byName[attribute.name.asciiLowercased] {
                values[known, default: []] += attribute.values
            }
        }
        self.values = values
        kind = Self.kind(values[.objectClass] ?? [])
        self.guid = guid ?? (values[.objectGUID]?.first).flatMap(Self.guid)
        self.isDeleted =
            isDeleted || values[.isDeleted]?.first.map { $0.elementsEqual("TRUE".utf8) } ?? false
        attributeNames =
            kind == .server
            ? Set(attributes.filter { !$0.values.isEmpty }.map(\.name.asciiLowercased)) : []
    }

    /// Nil for records that are changes of an object that the file does not hold.
    package init?(_ record: LDIFRecord) {
        switch record.kind {
        case .content(let attributes), .add(let attributes):
            self.init(guid: nil, dn: record.dn, attributes: attributes)
        case .delete, .modify, .rename: return nil
        }
    }

    func octets(_ attribute: TopologyAttribute) -> [[UInt8]] { values[attribute] ?? [] }

    func strings(_ attribute: TopologyAttribute) -> [String] {
        octets(attribute).compactMap { String(validating: $0, as: UTF8.self) }
    }

    func string(_ attribute: TopologyAttribute) -> String? { strings(attribute).first }

    func isTrue(_ attribute: TopologyAttribute) -> Bool {
        string(attribute).map { $0.asciiLowercased == "true" } ?? false
    }

    func isFalse(_ attribute: TopologyAttribute) -> Bool {
        string(attribute).map { $0.asciiLowercased == "false" } ?? false
    }

    private static func kind(_ classes: [[UInt8]]) -> TopologyClass? {
        var found: TopologyClass?
        for value in classes {
            guard let kind = TopologyClass.byName[String(decoding: value, as: UTF8.self).asciiLowercased],
                found != .readOnlyDSA
            else { continue }
            found = kind
        }
        return found
    }

    /// LDIF has 16 octets in Microsoft's order, or text.
    private static func guid(_ value: [UInt8]) -> GUID? {
        if value.count == 16 { return GUID(microsoftOctets: value) }
        return String(validating: value, as: UTF8.self).flatMap { GUID($0) }
    }
}
