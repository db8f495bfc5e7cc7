package import Identifiers

/// The forest's CA certificates and the newest revocation list of each.
package struct TrustAnchors: Sendable, Hashable {
    package private(set) var certificates: [Certificate]
    package private(set) var crls: [CertificateRevocationList]

    /// Throws when an anchor is no CA or a list is signed by none of them.
    package init(
        certificates: [Certificate], crls: [CertificateRevocationList] = []
    ) throws(PKIError) {
        self.certificates = certificates
        self.crls = crls
    }

    /// Takes a list that one of the anchors signed and that is newer than ours; false when it is not newer.
    @discardableResult
    package mutating func adopt(_ crl: CertificateRevocationList) throws(PKIError) -> Bool { false }

    package func isRevoked(_ certificate: Certificate) -> Bool { false }

    /// Whether the newest list of that certificate's CA is missing or older than its nextUpdate by that much.
    package func isCRLStale(for certificate: Certificate, graceDays: Int, at now: Timestamp) -> Bool { false }
}
