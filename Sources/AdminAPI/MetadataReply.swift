package import Identifiers

/// The stamps of an object, attribute by attribute.
package struct MetadataReply: Codable, Hashable, Sendable {
    package var dn: String
    package var objectGUID: GUID
    package var attributes: [AttributeMetadataReply]
    package var links: [LinkMetadataReply]

    package init(
        dn: String,
        objectGUID: GUID,
        attributes: [AttributeMetadataReply],
        links: [LinkMetadataReply]
    ) {
        self.dn = dn
        self.objectGUID = objectGUID
        self.attributes = attributes
        self.links = links
    }
}

/// The stamp of one attribute.
package struct AttributeMetadataReply: Codable, Hashable, Sendable {
    package var name: String
    package var version: UInt32
    package var time: Timestamp
    package var invocationID: GUID
    /// Whose database that is.
    package var server: String?
    package var originatingUSN: USN
    package var localUSN: USN

    package init(
        name: String,
        version: UInt32,
        time: Timestamp,
        invocationID: GUID,
        server: String? = nil,
        originatingUSN: USN,
        localUSN: USN
    ) {
        self.name = name
        self.version = version
        self.time = time
        self.invocationID = invocationID
        self.server = server
        self.originatingUSN = originatingUSN
        self.localUSN = localUSN
    }
}

/// The stamp of one linked value.
package struct LinkMetadataReply: Codable, Hashable, Sendable {
    package var name: String
    /// DN of the target, or its GUID when it is not here.
    package var target: String
    package var targetGUID: GUID
    package var isPresent: Bool
    package var version: UInt32
    package var time: Timestamp
    package var invocationID: GUID
    package var server: String?
    package var originatingUSN: USN
    package var localUSN: USN

    package init(
        name: String,
        target: String,
        targetGUID: GUID,
        isPresent: Bool,
        version: UInt32,
        time: Timestamp,
        invocationID: GUID,
        server: String? = nil,
        originatingUSN: USN,
        localUSN: USN
    ) {
        self.name = name
        self.target = target
        self.targetGUID = targetGUID
        self.isPresent = isPresent
        self.version = version
        self.time = time
        self.invocationID = invocationID
        self.server = server
        self.originatingUSN = originatingUSN
        self.localUSN = localUSN
    }
}
