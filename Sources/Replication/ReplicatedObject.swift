package import DirectoryModel
package import Identifiers

/// One attribute as it travels: all its values under one stamp.
///
/// No values = removed.
package struct ReplicatedAttribute: Hashable, Sendable {
    /// Index into the `attributes` table of the message that carries it.
    package var attribute: Int
    package var stamp: Stamp
    package var valueSet: ValueSet

    package init(attribute: Int, stamp: Stamp, valueSet: ValueSet) {
        self.attribute = attribute
        self.stamp = stamp
        self.valueSet = valueSet
    }

    package init(attribute: Int, stamp: Stamp, values: [[UInt8]]) {
        self.init(attribute: attribute, stamp: stamp, valueSet: ValueSet(values))
    }

    /// Sorted by octets, no repeats; in LDAP's string form, DN-valued ones as `ReferenceValue`.
    package var values: [[UInt8]] {
        get { valueSet.values }
        set { valueSet = ValueSet(newValue) }
    }
}

/// The changed attributes of one object; where it stands travels as the attribute `name` (`NameValue`).
package struct ReplicatedObject: Hashable, Sendable {
    package var objectGUID: GUID
    package var attributes: [ReplicatedAttribute]

    package init(objectGUID: GUID, attributes: [ReplicatedAttribute]) {
        self.objectGUID = objectGUID
        self.attributes = attributes
    }
}

/// One value of a linked attribute, with a stamp of its own.
package struct ReplicatedLink: Hashable, Sendable {
    package var source: GUID
    /// Index into the `attributes` table of the message that carries it.
    package var attribute: Int
    package var target: GUID
    package var stamp: LinkStamp
    package var isPresent: Bool

    package init(source: GUID, attribute: Int, target: GUID, stamp: LinkStamp, isPresent: Bool) {
        self.source = source
        self.attribute = attribute
        self.target = target
        self.stamp = stamp
        self.isPresent = isPresent
    }
}

/// The value of the attribute `name`: parent and RDN under one stamp.
///
/// Octets: parent GUID (16), length of the RDN type's OID (1), the OID's DER content, the RDN value in UTF-8.
/// An NC head has the zero GUID as parent and its whole DN is known from its crossRef and `NamingContext`.
package struct NameValue: Hashable, Sendable {
    package var parent: GUID
    package var rdn: RDN

    package init(parent: GUID, rdn: RDN) {
        self.parent = parent
        self.rdn = rdn
    }

    /// Nil when the octets are not a name: hostile or damaged.
    package init?(octets: [UInt8]) {
        guard octets.count > 17, let parent = GUID(octets: octets[0..<16]) else { return nil }
        let typeEnd = 17 + Int(octets[16])
        guard typeEnd < octets.count, let type = OID(derContent: octets[17..<typeEnd]),
            let value = String(validating: octets[typeEnd...], as: UTF8.self)
        else { return nil }
        self.parent = parent
        rdn = RDN(type: type, value: value)
    }

    package var octets: [UInt8] {
        let type = rdn.type.derContent
        return parent.octets + [UInt8(truncatingIfNeeded: type.count)] + type + Array(rdn.value.utf8)
    }
}

/// A DN-valued attribute value without `linkID`: target GUID (16 octets, zero = never resolved), then the DN
/// text as it was written, the fallback for a target never seen.
package struct ReferenceValue: Hashable, Sendable {
    package var target: GUID?
    package var text: String

    package init(target: GUID?, text: String) {
        self.target = target
        self.text = text
    }

    /// Nil when shorter than a GUID or not UTF-8.
    package init?(octets: [UInt8]) {
        guard octets.count >= 16, let guid = GUID(octets: octets[0..<16]),
            let text = String(validating: octets[16...], as: UTF8.self)
        else { return nil }
        target = guid == .zero ? nil : guid
        self.text = text
    }

    package var octets: [UInt8] { (target ?? .zero).octets + Array(text.utf8) }
}

/// Objects that every replica of a naming context knows by GUID before they arrive.
package enum FixedObject: Hashable, Sendable {
    case lostAndFound
    case deletedObjects

    /// The object's GUID: that of the NC head, its low half XORed with a constant of the protocol.
    package func objectGUID(in namingContext: GUID) -> GUID {
        let mask: UInt64 = self == .lostAndFound ? 0x4c6f_7374_466f_756e : 0x4465_6c65_7465_644f
        return GUID(high: namingContext.high, low: namingContext.low ^ mask)
    }
}
