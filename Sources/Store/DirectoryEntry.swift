package import DirectoryModel
package import Identifiers
package import Replication

/// An object as people and tools see it.
package struct DirectoryEntry: Hashable, Sendable {
    package let objectGUID: GUID
    /// Where it appears; where it was meant to stand while it waits for its parent.
    package let dn: DistinguishedName
    package let namingContext: GUID
    package let standing: Standing
    package let usnChanged: USN
    package let usnCreated: USN
    /// `objectClass` first, then by name; DN values as current names.
    package let attributes: [EntryAttribute]

    package var isTombstone: Bool { standing == .tombstone }

    /// The values of an attribute, by its name in any case; none when it is not there.
    package subscript(name: String) -> [[UInt8]] {
        let wanted = name.asciiLowercased
        return attributes.first { $0.name.asciiLowercased == wanted }?.values ?? []
    }

    package func strings(_ name: String) -> [String] {
        self[name].map { String(decoding: $0, as: UTF8.self) }
    }

    package func string(_ name: String) -> String? { strings(name).first }
}

/// Who wrote one attribute of an object last.
package struct AttributeMetadataRow: Hashable, Sendable {
    /// The schema's name, else the dotted OID.
    package let attribute: String
    package let stamp: Stamp
    package let localUSN: USN
    /// 0 = removed.
    package let valueCount: Int
}

/// Who wrote one link value of an object last.
package struct LinkMetadataRow: Hashable, Sendable {
    package let attribute: String
    package let target: GUID
    package let targetDN: DistinguishedName?
    package let stamp: LinkStamp
    package let localUSN: USN
    package let isPresent: Bool
}

/// The metadata of one object.
package struct ObjectMetadata: Hashable, Sendable {
    package let objectGUID: GUID
    package let attributes: [AttributeMetadataRow]
    package let links: [LinkMetadataRow]

    /// One attribute's part of it, by its name in any case.
    package func of(_ name: String) -> ObjectMetadata {
        let wanted = name.asciiLowercased
        return ObjectMetadata(
            objectGUID: objectGUID,
            attributes: attributes.filter { $0.attribute.asciiLowercased == wanted },
            links: links.filter { $0.attribute.asciiLowercased == wanted }
        )
    }
}
