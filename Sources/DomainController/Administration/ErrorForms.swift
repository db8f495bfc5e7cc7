package import AdminAPI
package import DirectoryModel
package import InterSiteMessaging
package import PKI
package import Store

// What each layer's error looks like at the admin interface: its own sentence and hint, and a stable code.

extension DirectoryError: AdminErrorConvertible {
    package var adminError: AdminError {
        AdminError(code: "\(code)", ldapCode: code.rawValue, message: sentence, hint: hint)
    }
}

extension StoreError: AdminErrorConvertible {
    package var adminError: AdminError {
        let code =
            switch self {
            case .otherVersion: "databaseVersion"
            case .notADirectoryDatabase: "notADirectoryDatabase"
            case .namingContextNotHeld: "noSuchNamingContext"
            case .namingContextExists: "entryAlreadyExists"
            case .identityNotSet, .usnsExhausted, .damaged, .sqlite: "database"
            }
        return AdminError(code: code, message: description, hint: hint)
    }
}

extension DNError: AdminErrorConvertible {
    package var adminError: AdminError {
        AdminError(code: "invalidDNSyntax", ldapCode: 34, message: "\(self)", hint: "see RFC 4514 for names")
    }
}

extension FileError: AdminErrorConvertible {
    package var adminError: AdminError {
        AdminError(code: "file", message: description, hint: hint ?? "check owner, mode and free space")
    }
}

extension PKIError: AdminErrorConvertible {
    package var adminError: AdminError {
        AdminError(code: "certificate", message: description, hint: hint)
    }
}

extension TransportError: AdminErrorConvertible {
    package var adminError: AdminError {
        AdminError(code: "transport", message: description, hint: hint)
    }
}

extension SMTPListenerError: AdminErrorConvertible {
    package var adminError: AdminError {
        AdminError(code: "listener", message: description, hint: hint)
    }
}

extension InterSiteMessagingError: AdminErrorConvertible {
    package var adminError: AdminError { AdminError(code: "messaging", message: description) }
}
