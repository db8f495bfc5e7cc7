import AdminAPI
import DirectoryModel
package import Identifiers
import PKI

/// A CA that the forest trusts and that is run elsewhere: its certificate and newest revocation list.
package struct ExternalAuthority: Sendable {
    let certificate: Certificate
    let crl: CertificateRevocationList

    /// - Throws: `AdminError` unless these are one CA's certificate and a list that this CA signed.
    package init(certificatePEM: [UInt8], crlPEM: [UInt8]) throws {
        do {
            let found = try PEMBundle.certificates(String(decoding: certificatePEM, as: UTF8.self))
            let lists = try PEMBundle.revocationLists(String(decoding: crlPEM, as: UTF8.self))
            guard found.count == 1, let certificate = found.first else {
                throw Self.refusal("the CA file holds \(found.count) certificates, not one")
            }
            guard lists.count == 1, let crl = lists.first else {
                throw Self.refusal("the CRL file holds \(lists.count) revocation lists, not one")
            }
            _ = try TrustAnchors(certificates: [certificate], crls: [crl])
            guard certificate.keyUsage.contains(.keyCertSign) else {
                throw Self.refusal("\(certificate.subject) may not sign certificates")
            }
            (self.certificate, self.crl) = (certificate, crl)
        } catch let error as PKIError { throw Self.refusal(error.description) }
    }

    /// The name that the CA's certificate gives itself.
    var commonName: String? {
        guard let name = try? DistinguishedName(parsing: certificate.subject, naming: WellKnownNames())
        else { return nil }
        return name.leaf?.value
    }

    func requireValid(at now: Timestamp) throws {
        guard certificate.isValid(at: now) else {
            throw Self.refusal(
                "the CA's certificate is valid from \(certificate.notBefore) to \(certificate.notAfter)"
            )
        }
        guard now <= crl.nextUpdate else {
            throw Self.refusal("the revocation list ended at \(crl.nextUpdate)")
        }
    }

    private static func refusal(_ message: String) -> AdminError {
        AdminError(
            code: "authorityRefused",
            message: message,
            hint: "certs/own-ca.sh makes both files: init DIR --name NAME, and crl DIR --out FILE"
        )
    }
}

/// What a CA needs to know to issue a DSA's certificate.
package struct EnrolmentSummary: Sendable {
    package let dsaGUID: GUID
    package let mailAddress: MailAddress
    package let dnsName: String
    /// Path of the signing request.
    package let request: String

    package init(dsaGUID: GUID, mailAddress: MailAddress, dnsName: String, request: String) {
        self.dsaGUID = dsaGUID
        self.mailAddress = mailAddress
        self.dnsName = dnsName
        self.request = request
    }

    init(_ profile: DSACertificateProfile, request: String) {
        self.init(
            dsaGUID: profile.dsaGUID,
            mailAddress: profile.mailAddress,
            dnsName: profile.dnsName,
            request: request
        )
    }
}
