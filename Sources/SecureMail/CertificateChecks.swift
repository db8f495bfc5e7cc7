package import Identifiers
package import PKI

/// The checks that a signer's and a recipient's certificate pass alike.
package struct CertificateChecks {
    let anchors: TrustAnchors
    let lateMailDays: Int

    /// What a certificate is asked to do.
    package enum Role {
        case signer
        case recipient
    }

    package init(anchors: TrustAnchors, lateMailDays: Int) {
        self.anchors = anchors
        self.lateMailDays = lateMailDays
    }

    /// Chain, purposes and revocation, in this order; the anchor above and the identity inside.
    package func check(
        _ certificate: Certificate,
        as role: Role
    ) throws(OpenRefusal) -> (issuer: Certificate, dsa: GUID) {
        let issuer: Certificate
        do {
            issuer = try anchors.issuer(of: certificate)
        } catch {
            throw OpenRefusal(.foreignCA, error.description)
        }
        // OpenSSL takes a certificate without any purpose for one with all of them.
        let needed = [ExtendedKeyUsage.emailProtection, ExtendedKeyUsage.directoryReplication]
        guard needed.allSatisfy(certificate.extendedKeyUsage.contains) else {
            throw OpenRefusal(
                .wrongEKU,
                "the certificate \(certificate.serial) is not for replication by mail"
            )
        }
        guard !certificate.isCA, certificate.keyUsage.contains(usage(of: certificate, as: role)) else {
            throw OpenRefusal(
                .wrongKU,
                "the key of certificate \(certificate.serial) may not be used for this"
            )
        }
        guard let dsa = certificate.dsaGUID else {
            throw OpenRefusal(.noIdentity, "the certificate \(certificate.serial) names no DSA")
        }
        guard !anchors.isRevoked(certificate, issuer: issuer) else {
            throw OpenRefusal(.revoked, "the certificate \(certificate.serial) is revoked")
        }
        return (issuer, dsa)
    }

    private func usage(of certificate: Certificate, as role: Role) -> KeyUsage {
        switch role {
        case .signer: return .digitalSignature
        case .recipient:
            if case .rsa = certificate.publicKey.kind { return .keyEncipherment }
            return .keyAgreement
        }
    }

    /// Valid when the message was made, and not over for longer than mail may be late.
    package func checkDates(
        _ certificate: Certificate,
        created: Timestamp,
        now: Timestamp
    ) throws(OpenRefusal) {
        guard certificate.isValid(at: created) else {
            throw OpenRefusal(
                .certificateDates,
                "the certificate \(certificate.serial) is valid from \(certificate.notBefore) to "
                    + "\(certificate.notAfter), the message is of \(created)"
            )
        }
        guard now <= certificate.notAfter.adding(days: lateMailDays) else {
            throw OpenRefusal(
                .certificateDates,
                "the certificate \(certificate.serial) ended at \(certificate.notAfter), "
                    + "more than \(lateMailDays) days ago"
            )
        }
    }
}
