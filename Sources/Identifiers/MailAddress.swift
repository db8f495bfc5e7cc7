/// A mail address that is safe to put into an SMTP command: `dot-atom@domain`, ASCII, no quoting.
///
/// Local parts compare case-insensitively, as relays fold them.
/// - Source: RFC 5321 sections 4.1.2 and 4.5.3.1 (64 octets before the `@`, 255 behind it).
package struct MailAddress: Sendable, CustomStringConvertible {
    package let localPart: String
    package let domain: String

    /// Stands in where an object has no valid address; `invalid` is reserved (RFC 6761), so no mail leaves for it.
    package static let unusable = MailAddress(localPart: "nobody", domain: "address.invalid")

    private init(localPart: String, domain: String) {
        self.localPart = localPart
        self.domain = domain
    }

    /// Nil unless `text` is a dot-atom local part and a domain of letters, digits, `-`, `_` and dots.
    package init?(_ text: String) {
        guard let at = text.utf8.lastIndex(of: UInt8(ascii: "@")) else { return nil }
        let local = text.utf8[..<at]
        let domain = text.utf8[text.utf8.index(after: at)...]
        guard (1...64).contains(local.count), (1...255).contains(domain.count),
            Self.isDotted(local, octet: Self.isLocalOctet), Self.isDotted(domain, octet: Self.isDomainOctet)
        else { return nil }
        self.localPart = String(local) ?? ""
        self.domain = String(domain) ?? ""
    }

    package var description: String { "\(localPart)@\(domain)" }

    /// The local part up to the first `+`, and what follows it.
    package var subaddress: (base: String, detail: String?) {
        guard let plus = localPart.firstIndex(of: "+") else { return (localPart, nil) }
        return (String(localPart[..<plus]), String(localPart[localPart.index(after: plus)...]))
    }

    private var folded: String { description.lowercased() }

    private static func isDotted(_ text: Substring.UTF8View, octet: (UInt8) -> Bool) -> Bool {
        var previousWasDot = true
        for byte in text {
            if byte == UInt8(ascii: ".") {
                if previousWasDot { return false }
                previousWasDot = true
            } else {
                guard octet(byte) else { return false }
                previousWasDot = false
            }
        }
        return !previousWasDot
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }

    private static func isLocalOctet(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
    }

    private static func isDomainOctet(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
}

extension MailAddress: Hashable {
    package static func == (left: MailAddress, right: MailAddress) -> Bool { left.folded == right.folded }
    package func hash(into hasher: inout Hasher) { hasher.combine(folded) }
}

extension MailAddress: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let address = MailAddress(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a mail address")
        }
        self = address
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
