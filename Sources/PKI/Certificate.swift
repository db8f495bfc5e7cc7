package import Identifiers

/// An X.509 certificate; equal when its octets are.
package struct Certificate: Sendable {
    package let der: [UInt8]
    package let serial: SerialNumber
    /// For people, most significant last: `CN=Reskit Enterprise CA,DC=reskit,DC=example`; empty for a DSA.
    package let issuer: String
    package let subject: String
    package let notBefore: Timestamp
    package let notAfter: Timestamp
    package let subjectKeyIdentifier: [UInt8]
    package let authorityKeyIdentifier: [UInt8]
    /// otherName 1.3.6.1.4.1.311.25.1 of the subjectAltName.
    package let dsaGUID: GUID?
    package let mailAddress: String?
    package let dnsName: String?
    /// Dotted object identifiers; empty when the certificate has no extendedKeyUsage.
    package let extendedKeyUsage: [String]
    package let keyUsage: KeyUsage
    package let isCA: Bool

    package init(der: [UInt8]) throws(PKIError) { throw .malformed("") }
    package init(pem: String) throws(PKIError) { throw .malformed("") }

    package var pem: String { "" }
    package var fingerprintSHA256: [UInt8] { [] }
    /// What `cert show` prints, one fact a line.
    package var summary: [String] { [] }
}

extension Certificate: Hashable {
    package static func == (left: Certificate, right: Certificate) -> Bool { left.der == right.der }
    package func hash(into hasher: inout Hasher) { hasher.combine(der) }
}

/// A certificate's serial number: its unsigned octets, most significant first.
package struct SerialNumber: Sendable, Hashable, CustomStringConvertible {
    package let octets: [UInt8]
    package init(octets: [UInt8]) { self.octets = octets }
    /// Reads hexadecimal digits, colons allowed.
    package init?(hex: String) { return nil }
    /// Lower-case hexadecimal.
    package var description: String { "" }
}

/// RFC 5280 section 4.2.1.3.
package struct KeyUsage: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }
    package static let digitalSignature = KeyUsage(rawValue: 1 << 0)
    package static let nonRepudiation = KeyUsage(rawValue: 1 << 1)
    package static let keyEncipherment = KeyUsage(rawValue: 1 << 2)
    package static let dataEncipherment = KeyUsage(rawValue: 1 << 3)
    package static let keyAgreement = KeyUsage(rawValue: 1 << 4)
    package static let keyCertSign = KeyUsage(rawValue: 1 << 5)
    package static let crlSign = KeyUsage(rawValue: 1 << 6)
}
