import COpenSSL
package import Identifiers

/// The forest's CA certificates and the newest revocation list of each.
package struct TrustAnchors: Sendable, Hashable {
    package let certificates: [Certificate]
    private var lists: [Certificate: CertificateRevocationList] = [:]

    package static let certificatesMax = 16

    /// Throws when an anchor is no CA or a list is signed by none of them.
    package init(
        certificates: [Certificate],
        crls: [CertificateRevocationList] = []
    ) throws(PKIError) {
        guard certificates.count <= Self.certificatesMax else {
            throw .notAllowed("\(certificates.count) anchors are over \(Self.certificatesMax)")
        }
        for certificate in certificates where !certificate.isCA {
            throw .notAllowed("the certificate with serial number \(certificate.serial) is no CA's")
        }
        self.certificates = certificates
        for crl in crls { try adopt(crl) }
    }

    package var crls: [CertificateRevocationList] { certificates.compactMap { lists[$0] } }

    /// The newest list of that CA.
    package func crl(of anchor: Certificate) -> CertificateRevocationList? { lists[anchor] }

    /// Takes a list that one of the anchors signed and that is newer than ours; false when it is not newer.
    ///
    /// A list proves itself, so it may come from anywhere; its number never goes back.
    @discardableResult
    package mutating func adopt(_ crl: CertificateRevocationList) throws(PKIError) -> Bool {
        for anchor in certificates where (try? crl.verify(by: anchor)) != nil {
            if let known = lists[anchor], known.number >= crl.number { return false }
            lists[anchor] = crl
            return true
        }
        throw .badSignature("the revocation list number \(crl.number)")
    }

    /// The anchor directly above a certificate: names, signature, constraints and strength fit.
    ///
    /// Dates, purposes and revocation are separate questions.
    package func issuer(of certificate: Certificate) throws(PKIError) -> Certificate {
        try certificate.publicKey.requireStrong("the certificate")
        var reason = "no anchor is called \"\(certificate.issuer)\""
        for anchor in certificates where anchor.subjectDER == certificate.issuerDER {
            let code = bh_chain_check(
                certificate.der,
                certificate.der.count,
                anchor.der,
                anchor.der.count
            )
            if code == 0 { return anchor }
            reason = String(cString: bh_chain_error_text(code))
        }
        throw .notAllowed("the certificate does not hang below an anchor of this forest: \(reason)")
    }

    package func isRevoked(_ certificate: Certificate, issuer: Certificate) -> Bool {
        lists[issuer]?.revokedSerials.contains(certificate.serial) ?? false
    }

    /// Whether the CA's newest list is missing, or older than its nextUpdate by more than that many days.
    package func isCRLStale(issuer: Certificate, graceDays: Int, at now: Timestamp) -> Bool {
        guard let list = lists[issuer] else { return true }
        return now > list.nextUpdate.adding(days: graceDays)
    }
}
