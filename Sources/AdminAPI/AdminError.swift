/// Why a request was not carried out: what people read and programs decide by.
package struct AdminError: Error, Codable, Hashable, Sendable {
    /// Stable slug, such as `noSuchObject`.
    package var code: String
    /// LDAP result code, where there is one (RFC 4511 appendix A).
    package var ldapCode: Int?
    /// A lower-case sentence with names and numbers, without attribute values, keys or passwords.
    package var message: String
    /// What to type or look at.
    package var hint: String?

    package init(code: String, ldapCode: Int? = nil, message: String, hint: String? = nil) {
        self.code = code
        self.ldapCode = ldapCode
        self.message = message
        self.hint = hint
    }
}

extension AdminError: CustomStringConvertible {
    package var description: String { message }
}

/// An error that knows its form for the admin interface.
package protocol AdminErrorConvertible: Error {
    var adminError: AdminError { get }
}

extension AdminError: AdminErrorConvertible {
    package var adminError: AdminError { self }

    /// Any error: as it says itself, or `internal` with its description.
    package init(_ error: any Error) {
        if let error = error as? any AdminErrorConvertible {
            self = error.adminError
        } else if error is CancellationError {
            self = .cancelled
        } else {
            self.init(code: "internal", message: "\(error)")
        }
    }

    package static let cancelled = AdminError(
        code: "cancelled",
        message: "the DSA is stopping",
        hint: "ask again when it runs"
    )
}

// MARK: - HTTP

extension AdminError {
    /// HTTP status by class: whose fault it is decides.
    package var httpStatus: Int {
        switch code {
        case "badRequest", "invalidQuery": 400
        case "noSuchObject", "noSuchMail", "noSuchConflict", "noSuchPartner", "noSuchServer",
            "noSuchNamingContext", "noSuchAttribute", "unknownRoute":
            404
        case "methodNotAllowed": 405
        case "entryAlreadyExists", "dataDirectoryInUse", "dataDirectoryLocked": 409
        case "bodyTooLarge": 413
        case "internal": 500
        case "cancelled", "unavailable": 503
        default: ldapCode == 32 ? 404 : ldapCode == 68 ? 409 : 422
        }
    }
}

/// The body of every answer that is not 200.
package struct AdminErrorBody: Codable, Hashable, Sendable {
    package var error: AdminError

    package init(error: AdminError) { self.error = error }
}
