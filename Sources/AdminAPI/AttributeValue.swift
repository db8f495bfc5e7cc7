package import DirectoryModel
import Foundation

/// One value: `{"text": ...}` where its octets are readable UTF-8, else `{"base64": ...}`.
package struct AttributeValue: Hashable, Sendable {
    package let octets: [UInt8]

    package init(_ octets: [UInt8]) { self.octets = octets }
    package init(_ text: String) { octets = Array(text.utf8) }

    /// Nil when the octets are not UTF-8 or hold control characters beyond tab and line ends.
    package var text: String? {
        guard octets.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d })
        else { return nil }
        return String(validating: octets, as: UTF8.self)
    }
}

extension AttributeValue: Codable {
    private enum Key: String, CodingKey { case text, base64 }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if let text = try container.decodeIfPresent(String.self, forKey: .text) {
            self.init(text)
            return
        }
        let base64 = try container.decode(String.self, forKey: .base64)
        guard let data = Data(base64Encoded: base64) else {
            throw DecodingError.dataCorruptedError(
                forKey: .base64,
                in: container,
                debugDescription: "not base64"
            )
        }
        self.init([UInt8](data))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        if let text {
            try container.encode(text, forKey: .text)
        } else {
            try container.encode(Data(octets).base64EncodedString(), forKey: .base64)
        }
    }
}

// MARK: - The directory's own form

extension AttributeReply {
    package init(_ attribute: EntryAttribute) {
        self.init(name: attribute.name, values: attribute.values.map { AttributeValue($0) })
    }

    package var entryAttribute: EntryAttribute { EntryAttribute(name: name, values: values.map(\.octets)) }
}

extension WriteOperation {
    /// An LDIF record as a write; a record without `changetype` is an add.
    package init(_ record: LDIFRecord) {
        switch record.kind {
        case .content(let attributes), .add(let attributes):
            self = .add(dn: record.dn, attributes: attributes.map { AttributeReply($0) })
        case .delete: self = .delete(target: ObjectTarget(dn: record.dn), tree: false)
        case .modify(let modifications):
            self = .modify(
                target: ObjectTarget(dn: record.dn),
                modifications: modifications.map { AttributeModification($0) }
            )
        case .rename(let newRDN, let deleteOldRDN, let newSuperior):
            self = .rename(
                target: ObjectTarget(dn: record.dn),
                newRDN: newRDN,
                deleteOldRDN: deleteOldRDN,
                newSuperior: newSuperior.map { ObjectTarget(dn: $0) }
            )
        }
    }
}

extension AttributeModification {
    package init(_ modification: LDIFModification) {
        let kind: Kind =
            switch modification.operation {
            case .add: .add
            case .delete: .delete
            case .replace: .replace
            case .increment: .increment
            }
        self.init(
            operation: kind,
            name: modification.attribute,
            values: modification.values.map { AttributeValue($0) }
        )
    }
}
