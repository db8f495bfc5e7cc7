/// LDAP result codes that an originating write can end with.
///
/// - Source: RFC 4511 appendix A.
package enum ResultCode: Int, Hashable, Sendable, Codable, CaseIterable {
    case noSuchAttribute = 16
    case undefinedAttributeType = 17
    case constraintViolation = 19
    case attributeOrValueExists = 20
    case invalidAttributeSyntax = 21
    case noSuchObject = 32
    case invalidDNSyntax = 34
    case unwillingToPerform = 53
    case namingViolation = 64
    case objectClassViolation = 65
    case notAllowedOnNonLeaf = 66
    case notAllowedOnRDN = 67
    case entryAlreadyExists = 68
    case affectsMultipleDSAs = 71
}

/// Why an originating write was refused; nothing of its transaction was written.
package struct DirectoryError: Error, Hashable, Sendable {
    package let code: ResultCode
    /// A lower-case sentence with names and numbers, no attribute values beyond DNs.
    package let sentence: String
    package let hint: String?
    /// Which operation of the list, from 0.
    package internal(set) var operationIndex: Int?

    package init(_ code: ResultCode, _ sentence: String, hint: String? = nil, operationIndex: Int? = nil) {
        self.code = code
        self.sentence = sentence
        self.hint = hint
        self.operationIndex = operationIndex
    }
}

extension DirectoryError: CustomStringConvertible {
    package var description: String { "\(code): \(sentence)" }
}
