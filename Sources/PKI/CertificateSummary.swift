import Identifiers

extension Certificate {
    /// What `cert show` prints, one fact a line, labels aligned.
    package var summary: [String] {
        var facts: [(String, String)] = []
        if let dsaGUID { facts.append(("DSA", dsaGUID.description)) }
        if let mailAddress { facts.append(("mail", mailAddress)) }
        if let dnsName { facts.append(("DNS name", dnsName)) }
        if !subject.isEmpty { facts.append(("subject", subject)) }
        facts += [
            ("issuer", issuer),
            ("serial", serial.description),
            ("valid from", notBefore.description),
            ("valid to", notAfter.description),
            ("key", publicKey.kind.description),
            ("key id", Hex.text(subjectKeyIdentifier)),
            ("issuer key id", Hex.text(authorityKeyIdentifier)),
            ("may", keyUsage.names.joined(separator: ", ")),
            ("purposes", extendedKeyUsage.map(Self.purposeName).joined(separator: ", ")),
            ("CA", isCA ? "yes" : "no"),
            ("SHA-256", Hex.text(fingerprintSHA256, separator: ":")),
        ]
        let width = facts.reduce(0) { max($0, $1.0.count) }
        return facts.map { name, value in
            name + String(repeating: " ", count: width - name.count + 2) + (value.isEmpty ? "-" : value)
        }
    }

    private static func purposeName(_ identifier: String) -> String {
        switch identifier {
        case ExtendedKeyUsage.serverAuth: "TLS server"
        case ExtendedKeyUsage.clientAuth: "TLS client"
        case ExtendedKeyUsage.emailProtection: "mail protection"
        case ExtendedKeyUsage.directoryReplication: "directory replication by mail"
        default: identifier
        }
    }
}

extension KeyUsage {
    /// RFC 5280's names of the bits that are set.
    package var names: [String] {
        let all: [(KeyUsage, String)] = [
            (.digitalSignature, "digitalSignature"), (.nonRepudiation, "nonRepudiation"),
            (.keyEncipherment, "keyEncipherment"), (.dataEncipherment, "dataEncipherment"),
            (.keyAgreement, "keyAgreement"), (.keyCertSign, "keyCertSign"), (.crlSign, "cRLSign"),
            (.encipherOnly, "encipherOnly"), (.decipherOnly, "decipherOnly"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}
