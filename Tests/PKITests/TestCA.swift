import Identifiers

@testable import PKI

/// A forest's CA and what tests ask of it.
struct TestCA {
    static let now = Timestamp(seconds: 1_795_608_000)  // 2026-11-25T12:00:00Z
    static let van = GUID(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff)

    let authority: CertificateAuthority

    init(_ algorithm: KeyAlgorithm = .p256) throws {
        authority = try CertificateAuthority.create(
            commonName: "Reskit Enterprise CA",
            forest: "reskit.example",
            algorithm: algorithm,
            serial: SecureRandom.octets(16),
            at: Self.now
        )
    }

    static var profile: DSACertificateProfile {
        DSACertificateProfile(
            dsaGUID: van,
            mailAddress: MailAddress("_IsmService@van.reskit.example") ?? fallback,
            dnsName: "BR3-VAN-DC-01.vancouver.reskit.example"
        )
    }

    private static var fallback: MailAddress { preconditionFailure("the address above is one") }

    func certificate(for key: PrivateKey) throws -> Certificate {
        try authority.issue(
            to: Self.profile,
            publicKeyOf: key.makeSigningRequest(),
            serial: SecureRandom.octets(16),
            at: Self.now
        )
    }
}
