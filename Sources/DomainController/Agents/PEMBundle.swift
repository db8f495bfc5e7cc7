import InterSiteMessaging
package import PKI

/// PEM files with several blocks: CA certificates, revocation lists.
package enum PEMBundle {
    package static func certificates(_ text: String) throws(PKIError) -> [Certificate] {
        var found: [Certificate] = []
        for block in blocks(text, label: "CERTIFICATE") { found.append(try Certificate(pem: block)) }
        return found
    }

    package static func revocationLists(_ text: String) throws(PKIError) -> [CertificateRevocationList] {
        var found: [CertificateRevocationList] = []
        for block in blocks(text, label: "X509 CRL") {
            found.append(try CertificateRevocationList(pem: block))
        }
        return found
    }

    private static func blocks(_ text: String, label: String) -> [String] {
        let begin = "-----BEGIN \(label)-----"
        let end = "-----END \(label)-----"
        var found: [String] = []
        var current: [Substring]?
        for line in text.split(whereSeparator: \.isNewline) {
            if line == begin { current = [] }
            current?.append(line)
            if line == end, let block = current {
                found.append(block.joined(separator: "\n") + "\n")
                current = nil
            }
        }
        return found
    }
}

extension DataDirectory {
    /// The forest's CA certificates, and the newest revocation lists that this DSA has seen.
    func readTrustAnchors() throws -> TrustAnchors {
        try TrustAnchors(
            certificates: try PEMBundle.certificates(try readText(anchors)),
            crls: files.exists(revocationLists)
                ? try PEMBundle.revocationLists(try readText(revocationLists)) : []
        )
    }
}
