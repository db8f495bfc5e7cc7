import SwiftASN1

/// The object identifiers that certificates and messages of this product use.
enum OID {
    // Keys and signatures: RFC 5480, RFC 5758, RFC 8017.
    static let ecPublicKey: ASN1ObjectIdentifier = [1, 2, 840, 10045, 2, 1]
    static let p256: ASN1ObjectIdentifier = [1, 2, 840, 10045, 3, 1, 7]
    static let p384: ASN1ObjectIdentifier = [1, 3, 132, 0, 34]
    static let rsaEncryption: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 1]
    static let rsaOAEP: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 7]
    static let mgf1: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 8]
    static let sha256WithRSA: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 11]
    static let sha384WithRSA: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 12]
    static let sha512WithRSA: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 13]
    static let ecdsaWithSHA256: ASN1ObjectIdentifier = [1, 2, 840, 10045, 4, 3, 2]
    static let ecdsaWithSHA384: ASN1ObjectIdentifier = [1, 2, 840, 10045, 4, 3, 3]
    static let ecdsaWithSHA512: ASN1ObjectIdentifier = [1, 2, 840, 10045, 4, 3, 4]
    static let sha256: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 2, 1]
    static let sha384: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 2, 2]
    static let sha512: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 2, 3]

    // Messages: RFC 5652, RFC 5083, RFC 5084, RFC 5753, RFC 3565.
    static let data: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 7, 1]
    static let signedData: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 7, 2]
    static let authEnvelopedData: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 9, 16, 1, 23]
    static let contentType: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 9, 3]
    static let messageDigest: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 9, 4]
    static let aes256GCM: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 1, 46]
    static let aes256Wrap: ASN1ObjectIdentifier = [2, 16, 840, 1, 101, 3, 4, 1, 45]
    static let ecdhWithSHA256KDF: ASN1ObjectIdentifier = [1, 3, 132, 1, 11, 1]
    static let ecdhWithSHA384KDF: ASN1ObjectIdentifier = [1, 3, 132, 1, 11, 2]

    // Extensions: RFC 5280 section 4.2.
    static let subjectKeyIdentifier: ASN1ObjectIdentifier = [2, 5, 29, 14]
    static let keyUsage: ASN1ObjectIdentifier = [2, 5, 29, 15]
    static let subjectAltName: ASN1ObjectIdentifier = [2, 5, 29, 17]
    static let basicConstraints: ASN1ObjectIdentifier = [2, 5, 29, 19]
    static let crlNumber: ASN1ObjectIdentifier = [2, 5, 29, 20]
    static let authorityKeyIdentifier: ASN1ObjectIdentifier = [2, 5, 29, 35]
    static let extendedKeyUsage: ASN1ObjectIdentifier = [2, 5, 29, 37]

    static let serverAuth: ASN1ObjectIdentifier = [1, 3, 6, 1, 5, 5, 7, 3, 1]
    static let clientAuth: ASN1ObjectIdentifier = [1, 3, 6, 1, 5, 5, 7, 3, 2]
    static let emailProtection: ASN1ObjectIdentifier = [1, 3, 6, 1, 5, 5, 7, 3, 4]
    /// Directory service e-mail replication.
    static let directoryReplication: ASN1ObjectIdentifier = [1, 3, 6, 1, 4, 1, 311, 21, 19]
    /// otherName: the DSA's objectGUID.
    static let dsaGUID: ASN1ObjectIdentifier = [1, 3, 6, 1, 4, 1, 311, 25, 1]

    // Names: RFC 4519.
    static let commonName: ASN1ObjectIdentifier = [2, 5, 4, 3]
    static let domainComponent: ASN1ObjectIdentifier = [0, 9, 2342, 19_200_300, 100, 1, 25]

    static let nameAttributes: [ASN1ObjectIdentifier: String] = [
        commonName: "CN", domainComponent: "DC", [2, 5, 4, 6]: "C", [2, 5, 4, 7]: "L", [2, 5, 4, 8]: "ST",
        [2, 5, 4, 10]: "O", [2, 5, 4, 11]: "OU",
    ]
}

/// Dotted identifiers that other targets compare with a certificate's `extendedKeyUsage`.
package enum ExtendedKeyUsage {
    package static let serverAuth = OID.serverAuth.description
    package static let clientAuth = OID.clientAuth.description
    package static let emailProtection = OID.emailProtection.description
    package static let directoryReplication = OID.directoryReplication.description
}
