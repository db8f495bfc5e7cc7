package import Identifiers

/// A certificate, in the words of `cert show`.
package struct CertificateReply: Codable, Hashable, Sendable {
    /// `own`, `retired`, `ca`, `partner` or `signer`.
    package var use: String
    package var file: String?
    package var subject: String
    package var issuer: String
    package var serial: String
    package var notBefore: Timestamp
    package var notAfter: Timestamp
    package var dsaGUID: GUID?
    package var mailAddress: String?
    package var dnsName: String?
    /// Hexadecimal with colons.
    package var fingerprintSHA256: String
    /// One fact a line, labels aligned.
    package var summary: [String]

    package init(
        use: String,
        file: String? = nil,
        subject: String,
        issuer: String,
        serial: String,
        notBefore: Timestamp,
        notAfter: Timestamp,
        dsaGUID: GUID? = nil,
        mailAddress: String? = nil,
        dnsName: String? = nil,
        fingerprintSHA256: String,
        summary: [String] = []
    ) {
        self.use = use
        self.file = file
        self.subject = subject
        self.issuer = issuer
        self.serial = serial
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.dsaGUID = dsaGUID
        self.mailAddress = mailAddress
        self.dnsName = dnsName
        self.fingerprintSHA256 = fingerprintSHA256
        self.summary = summary
    }
}

/// A signing request for the enterprise CA.
package struct SignRequest: Codable, Hashable, Sendable {
    package var signingRequestPEM: String
    /// The server's name or DSA GUID: the certificate is issued from its directory object.
    package var dsa: String

    package init(
        signingRequestPEM: String,
        dsa: String
    ) {
        self.signingRequestPEM = signingRequestPEM
        self.dsa = dsa
    }
}

/// An issued certificate and what it hangs on.
package struct SignReply: Codable, Hashable, Sendable {
    package var server: String
    package var dsaGUID: GUID
    package var serial: String
    package var notAfter: Timestamp
    package var certificatePEM: String
    package var authorityPEM: String
    package var revocationListPEM: String

    package init(
        server: String,
        dsaGUID: GUID,
        serial: String,
        notAfter: Timestamp,
        certificatePEM: String,
        authorityPEM: String,
        revocationListPEM: String
    ) {
        self.server = server
        self.dsaGUID = dsaGUID
        self.serial = serial
        self.notAfter = notAfter
        self.certificatePEM = certificatePEM
        self.authorityPEM = authorityPEM
        self.revocationListPEM = revocationListPEM
    }
}

/// A certificate for this DSA, or a partner's that an external CA issued.
package struct InstallCertificateRequest: Codable, Hashable, Sendable {
    package var certificatePEM: String
    /// The partner's server name or DSA GUID: its certificate is published; nil is this DSA.
    package var dsa: String?

    package init(
        certificatePEM: String,
        dsa: String? = nil
    ) {
        self.certificatePEM = certificatePEM
        self.dsa = dsa
    }
}

/// What was installed.
package struct InstallCertificateReply: Codable, Hashable, Sendable {
    package var certificate: CertificateReply

    package init(
        certificate: CertificateReply
    ) {
        self.certificate = certificate
    }
}
