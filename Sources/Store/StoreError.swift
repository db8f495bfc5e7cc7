package import Identifiers

/// Why the database itself cannot do what was asked.
package enum StoreError: Error, Hashable, Sendable {
    case otherVersion(found: Int64, expected: Int64)
    case notADirectoryDatabase(path: String)
    case namingContextNotHeld(GUID)
    case namingContextExists(GUID)
    case identityNotSet
    case usnsExhausted
    /// A row that this product cannot have written.
    case damaged(String)
    case sqlite(code: Int32, message: String)
}

extension StoreError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .otherVersion(let found, let expected):
            "the directory database has format \(found), this program reads format \(expected)"
        case .notADirectoryDatabase(let path): "\(path) is not a directory database"
        case .namingContextNotHeld(let guid): "this DSA holds no replica of naming context \(guid)"
        case .namingContextExists(let guid): "this DSA already holds naming context \(guid)"
        case .identityNotSet: "the database belongs to no DSA: it has no dsaGUID and invocationID"
        case .usnsExhausted: "the local change counter has reached 2^63-1"
        case .damaged(let what): "the directory database is damaged: \(what)"
        case .sqlite(let code, let message): "SQLite error \(code): \(message)"
        }
    }

    /// What a person can do about it, if anything.
    package var hint: String? {
        switch self {
        case .otherVersion(let found, let expected):
            found > expected
                ? "run the newer version of bridgehead that wrote it"
                : "run the version of bridgehead that wrote it, or restore this DSA from its partners"
        case .notADirectoryDatabase: "name another data directory, or move the file away"
        case .damaged: "restore this DSA from its partners"
        case .namingContextNotHeld, .namingContextExists, .identityNotSet, .usnsExhausted, .sqlite: nil
        }
    }
}
