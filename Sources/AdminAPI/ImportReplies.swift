/// How an import reads its file.
package struct ImportOptions: Codable, Hashable, Sendable {
    /// The suffix of names that is exchanged; nil = names are taken as they are.
    package var fromDN: String?
    /// What takes its place; nil = the forest's root domain.
    package var toDN: String?

    package init(fromDN: String? = nil, toDN: String? = nil) {
        self.fromDN = fromDN
        self.toDN = toDN
    }

    /// As they stand behind the path of a request; empty without any.
    package var query: String {
        let items = [("from", fromDN), ("to", toDN)].compactMap { name, value in
            value.map { "\(name)=" + Self.escaped($0) }
        }
        return items.isEmpty ? "" : "?" + items.joined(separator: "&")
    }

    /// Percent signs for everything but letters and digits (RFC 3986 section 2.1).
    private static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        let octets = text.utf8.flatMap { octet -> [UInt8] in
            let isPlain =
                (0x30...0x39).contains(octet) || (0x41...0x5a).contains(octet)
                || (0x61...0x7a).contains(octet)
            return isPlain ? [octet] : [UInt8(ascii: "%"), digits[Int(octet >> 4)], digits[Int(octet & 15)]]
        }
        return String(decoding: octets, as: UTF8.self)
    }
}

/// How far an import has come, in records.
package struct ImportProgress: Codable, Hashable, Sendable {
    package var read: Int
    package var imported: Int
    /// Into a naming context's head that existed, or a definition that lacked optional attributes.
    package var merged: Int
    /// Definitions that say nothing new.
    package var alreadyHere: Int
    package var refused: Int

    package init(
        read: Int = 0,
        imported: Int = 0,
        merged: Int = 0,
        alreadyHere: Int = 0,
        refused: Int = 0
    ) {
        self.read = read
        self.imported = imported
        self.merged = merged
        self.alreadyHere = alreadyHere
        self.refused = refused
    }
}

/// What an import became; every refused record is named.
package struct ImportReply: Codable, Hashable, Sendable {
    package var read: Int
    package var imported: Int
    package var merged: Int
    package var alreadyHere: Int
    package var refused: Int
    package var refusals: [ImportRefusal]

    package init(
        read: Int,
        imported: Int,
        merged: Int,
        alreadyHere: Int = 0,
        refused: Int,
        refusals: [ImportRefusal]
    ) {
        self.read = read
        self.imported = imported
        self.merged = merged
        self.alreadyHere = alreadyHere
        self.refused = refused
        self.refusals = refusals
    }

    package init(_ progress: ImportProgress, refusals: [ImportRefusal]) {
        self.init(
            read: progress.read,
            imported: progress.imported,
            merged: progress.merged,
            alreadyHere: progress.alreadyHere,
            refused: progress.refused,
            refusals: refusals
        )
    }
}

/// A record that was not imported.
package struct ImportRefusal: Codable, Hashable, Sendable {
    /// Of its `dn:`, counted from 1.
    package var line: Int
    package var dn: String
    package var reason: String

    package init(
        line: Int,
        dn: String,
        reason: String
    ) {
        self.line = line
        self.dn = dn
        self.reason = reason
    }
}

/// One line of the answer to an import: progress, and at the end the result or an error.
package enum ImportLine: Codable, Hashable, Sendable {
    case progress(ImportProgress)
    case result(ImportReply)
    case error(AdminError)

    private enum Key: String, CodingKey { case progress, result, error }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        if let progress = try container.decodeIfPresent(ImportProgress.self, forKey: .progress) {
            self = .progress(progress)
        } else if let result = try container.decodeIfPresent(ImportReply.self, forKey: .result) {
            self = .result(result)
        } else {
            self = .error(try container.decode(AdminError.self, forKey: .error))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .progress(let progress): try container.encode(progress, forKey: .progress)
        case .result(let result): try container.encode(result, forKey: .result)
        case .error(let error): try container.encode(error, forKey: .error)
        }
    }
}

/// What to export.
package struct ExportQuery: Codable, Hashable, Sendable {
    /// DNs or GUIDs; empty = every one that is held.
    package var namingContexts: [String]
    /// Sorted lines that are equal on equal replicas, instead of LDIF.
    package var canonical: Bool
    /// Domains only as far as the partial attribute set goes.
    package var partialAttributesOnly: Bool
    /// LDIF with operational attributes.
    package var operational: Bool

    package init(
        namingContexts: [String] = [],
        canonical: Bool = false,
        partialAttributesOnly: Bool = false,
        operational: Bool = false
    ) {
        self.namingContexts = namingContexts
        self.canonical = canonical
        self.partialAttributesOnly = partialAttributesOnly
        self.operational = operational
    }
}
