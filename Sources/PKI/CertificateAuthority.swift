package import Identifiers
import SwiftASN1

/// What a DSA's certificate says; it comes from the directory object, never from the request.
package struct DSACertificateProfile: Sendable, Hashable {
    package var dsaGUID: GUID
    package var mailAddress: MailAddress
    package var dnsName: String
    package var validDays: Int

    package init(dsaGUID: GUID, mailAddress: MailAddress, dnsName: String, validDays: Int = 825) {
        self.dsaGUID = dsaGUID
        self.mailAddress = mailAddress
        self.dnsName = dnsName
        self.validDays = validDays
    }
}

/// The forest's enterprise CA: a self-signed certificate and its key.
package struct CertificateAuthority: Sendable {
    package let certificate: Certificate
    package let key: PrivateKey

    /// Certificates are valid from this much before they are made: clocks of other sites run behind.
    package static let backdatingSeconds: Int64 = 3600
    package static let validDaysMax = 36_500
    /// Octets of a new serial number.
    package static let serialOctetsCount = 16

    /// Takes up a CA from its files; throws when the certificate is no CA's or the key another's.
    package init(certificate: Certificate, key: PrivateKey) throws(PKIError) {
        guard certificate.isCA, certificate.keyUsage.isSuperset(of: [.keyCertSign, .crlSign]) else {
            throw .notAllowed("the certificate of \(certificate.subject) is no CA's")
        }
        guard certificate.publicKey == key.publicKey else { throw .keyMismatch }
        self.certificate = certificate
        self.key = key
    }

    /// A new CA for a forest's DNS name; `serial` is 16 random octets.
    package static func create(
        commonName: String,
        forest: String,
        algorithm: KeyAlgorithm = .p256,
        validDays: Int = 3650,
        serial: [UInt8],
        at now: Timestamp
    ) throws(PKIError) -> CertificateAuthority {
        let key = try PrivateKey.generate(algorithm)
        let name = try self.name(commonName: commonName, forest: forest)
        let identifier = key.publicKey.keyIdentifier
        let part = try certificatePart(
            serial: serial,
            issuer: name,
            subject: name,
            publicKey: key.publicKey,
            signedBy: key,
            from: now,
            validDays: validDays,
            extensions: [
                DERWriter.extension(
                    OID.basicConstraints,
                    critical: true,
                    DERWriter.sequence(DERWriter.yes, DERWriter.integer(0))
                ),
                DERWriter.extension(OID.keyUsage, critical: true, keyUsage([.keyCertSign, .crlSign])),
                DERWriter.extension(OID.subjectKeyIdentifier, DERWriter.octetString(identifier)),
                authorityKeyIdentifier(identifier),
            ]
        )
        return try CertificateAuthority(certificate: Certificate(der: key.sign(part)), key: key)
    }

    /// A DSA certificate for the request's key; `serial` is 16 random octets.
    package func issue(
        to profile: DSACertificateProfile,
        publicKeyOf request: SigningRequest,
        serial: [UInt8],
        at now: Timestamp
    ) throws(PKIError) -> Certificate {
        try issue(
            to: profile,
            publicKey: request.publicKey,
            purposes: [
                ExtendedKeyUsage.emailProtection, ExtendedKeyUsage.directoryReplication,
                ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth,
            ],
            serial: serial,
            at: now
        )
    }

    /// The form that tests use to make certificates with other purposes.
    func issue(
        to profile: DSACertificateProfile,
        publicKey: PublicKey,
        purposes: [String],
        usage: KeyUsage? = nil,
        serial: [UInt8],
        at now: Timestamp
    ) throws(PKIError) -> Certificate {
        try publicKey.requireStrong("the certificate request")
        let isRSA = if case .rsa = publicKey.kind { true } else { false }
        let usage = usage ?? [.digitalSignature, isRSA ? .keyEncipherment : .keyAgreement]
        var extensions = [
            DERWriter.extension(OID.basicConstraints, critical: true, DERWriter.sequence()),
            DERWriter.extension(OID.keyUsage, critical: true, Self.keyUsage(usage)),
        ]
        if !purposes.isEmpty {
            let list = DERWriter.sequence(
                of: purposes.compactMap { try? ASN1ObjectIdentifier(dotRepresentation: $0) }
                    .map(DERWriter.objectIdentifier)
            )
            extensions.append(DERWriter.extension(OID.extendedKeyUsage, list))
        }
        extensions += [
            DERWriter.extension(OID.subjectKeyIdentifier, DERWriter.octetString(publicKey.keyIdentifier)),
            Self.authorityKeyIdentifier(certificate.subjectKeyIdentifier),
            DERWriter.extension(OID.subjectAltName, critical: true, try Self.alternativeNames(profile)),
        ]
        // The subject is empty: identity is the GUID, and names change.
        let part = try Self.certificatePart(
            serial: serial,
            issuer: certificate.subjectDER,
            subject: DERWriter.sequence(),
            publicKey: publicKey,
            signedBy: key,
            from: now,
            validDays: profile.validDays,
            extensions: extensions
        )
        return try Certificate(der: key.sign(part))
    }

    /// The list of everything revoked so far; `number` is higher than any before.
    package func issueCRL(
        revoked: [(serial: SerialNumber, at: Timestamp)],
        number: UInt64,
        at now: Timestamp,
        nextUpdateDays: Int
    ) throws(PKIError) -> CertificateRevocationList {
        guard (1...Self.validDaysMax).contains(nextUpdateDays) else {
            throw .value("nextUpdate in \(nextUpdateDays) days is out of 1 ... \(Self.validDaysMax)")
        }
        let entries = revoked.map { entry in
            DERWriter.sequence(DERWriter.integer(entry.serial.octets), DERWriter.time(entry.at))
        }
        let extensions = DERWriter.sequence(
            Self.authorityKeyIdentifier(certificate.subjectKeyIdentifier),
            DERWriter.extension(OID.crlNumber, DERWriter.integer(number))
        )
        let part = DERWriter.sequence(
            DERWriter.integer(1),
            key.signatureAlgorithm,
            certificate.subjectDER,
            DERWriter.time(now),
            DERWriter.time(now.adding(days: nextUpdateDays)),
            entries.isEmpty ? [] : DERWriter.sequence(of: entries),
            DERWriter.tagged(0, extensions)
        )
        return try CertificateRevocationList(der: key.sign(part))
    }
}

// MARK: - Pieces of a certificate

extension CertificateAuthority {
    private static func certificatePart(
        serial: [UInt8],
        issuer: [UInt8],
        subject: [UInt8],
        publicKey: PublicKey,
        signedBy key: PrivateKey,
        from now: Timestamp,
        validDays: Int,
        extensions: [[UInt8]]
    ) throws(PKIError) -> [UInt8] {
        guard (1...validDaysMax).contains(validDays) else {
            throw .value("a validity of \(validDays) days is out of 1 ... \(validDaysMax)")
        }
        guard serial.count == serialOctetsCount, let first = serial.first else {
            throw .value("a serial number of \(serial.count) octets is not of \(serialOctetsCount)")
        }
        // Positive and of one length, whatever the random octets are.
        let number = [first & 0x7f | 0x40] + serial.dropFirst()
        return DERWriter.sequence(
            DERWriter.tagged(0, DERWriter.integer(2)),
            DERWriter.integer(number),
            key.signatureAlgorithm,
            issuer,
            DERWriter.sequence(
                DERWriter.time(now.adding(seconds: -backdatingSeconds)),
                DERWriter.time(now.adding(days: validDays))
            ),
            subject,
            publicKey.der,
            DERWriter.tagged(3, DERWriter.sequence(of: extensions))
        )
    }

    private static func name(commonName: String, forest: String) throws(PKIError) -> [UInt8] {
        let labels = forest.split(separator: ".", omittingEmptySubsequences: false)
        let isLabel = { (label: Substring) in
            (1...63).contains(label.utf8.count)
                && label.utf8.allSatisfy { $0 == 0x2d || $0 == 0x5f || UInt8.isASCIIAlphanumeric($0) }
        }
        guard (1...64).contains(commonName.unicodeScalars.count),
            commonName.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
        else { throw .value("a CA's name has 1 ... 64 printable characters") }
        guard labels.allSatisfy(isLabel), forest.utf8.count <= 253 else {
            throw .value("\"\(forest)\" is no DNS name")
        }
        let components = labels.reversed().map { label in
            attribute(OID.domainComponent, DERWriter.ia5String(String(label)))
        }
        return DERWriter.sequence(
            of: components + [attribute(OID.commonName, DERWriter.utf8String(commonName))]
        )
    }

    private static func attribute(_ type: ASN1ObjectIdentifier, _ value: [UInt8]) -> [UInt8] {
        DERWriter.set(ofOne: DERWriter.sequence(DERWriter.objectIdentifier(type), value))
    }

    private static func alternativeNames(_ profile: DSACertificateProfile) throws(PKIError) -> [UInt8] {
        let host = profile.dnsName.utf8
        guard (1...253).contains(host.count),
            host.allSatisfy({ $0 == 0x2d || $0 == 0x2e || $0 == 0x5f || UInt8.isASCIIAlphanumeric($0) })
        else { throw .value("\"\(profile.dnsName)\" is no DNS name") }
        let guid = DERWriter.tagged(
            0,
            DERWriter.objectIdentifier(OID.dsaGUID),
            DERWriter.tagged(0, DERWriter.octetString(profile.dsaGUID.microsoftOctets))
        )
        return DERWriter.sequence(
            guid,
            DERWriter.implicit(1, Array(profile.mailAddress.description.utf8)),
            DERWriter.implicit(2, Array(host))
        )
    }

    private static func authorityKeyIdentifier(_ identifier: [UInt8]) -> [UInt8] {
        DERWriter.extension(
            OID.authorityKeyIdentifier,
            DERWriter.sequence(DERWriter.implicit(0, identifier))
        )
    }

    /// Only the low eight bits are ever set here; trailing zero bits are not written (X.690 section 11.2.2).
    private static func keyUsage(_ usage: KeyUsage) -> [UInt8] {
        var octet: UInt8 = 0
        for bit in 0..<8 where usage.rawValue & (1 << UInt16(bit)) != 0 { octet |= 0x80 >> UInt8(bit) }
        return DERWriter.bitString([octet], unused: UInt8(octet.trailingZeroBitCount & 7))
    }
}

extension UInt8 {
    fileprivate static func isASCIIAlphanumeric(_ octet: UInt8) -> Bool {
        (0x30...0x39).contains(octet) || (0x41...0x5a).contains(octet) || (0x61...0x7a).contains(octet)
    }
}
