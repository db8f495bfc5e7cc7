import Foundation
import Identifiers
import SecureMail

@testable import PKI

/// The forest reskit.example with a certificate for every fate; kept as PEM files beside the vectors.
struct TestForest {
    static let now = Timestamp(seconds: 1_795_608_000)  // 2026-11-25T12:00:00Z
    /// When the certificates were made.
    static let made = now.adding(seconds: -14 * 86_400)
    static let forest = dsa(0xf0)

    let anchor: Certificate
    let authority: CertificateAuthority
    /// Number 2 revokes `revoked`; number 1 nothing.
    let crl: CertificateRevocationList
    let oldCRL: CertificateRevocationList
    let pairs: [Identity: KeyPair]

    /// Names of files in `Vectors/pki`, and who they are.
    enum Identity: String, CaseIterable {
        case hq
        case hqRSA = "hq-rsa"
        case hqP384 = "hq-p384"
        case van
        case vanRSA = "van-rsa"
        case vanP384 = "van-p384"
        /// A third member.
        case third
        /// A member that our configuration does not know yet.
        case stranger
        case disabled
        case tombstoned
        case revoked
        /// Issued to HQ's GUID by another CA of the same name.
        case foreign
        case wrongEKU = "wrong-eku"
        case noEKU = "no-eku"
        /// May not sign.
        case wrongKU = "wrong-ku"
        /// Ended on the second day.
        case short
        /// Begins two days after `now`.
        case early

        var dsa: GUID {
            switch self {
            case .hq, .hqRSA, .hqP384, .foreign, .wrongEKU, .noEKU, .wrongKU, .short, .early, .revoked:
                TestForest.dsa(1)
            case .van, .vanRSA, .vanP384: TestForest.dsa(2)
            case .third: TestForest.dsa(3)
            case .stranger: TestForest.dsa(4)
            case .disabled: TestForest.dsa(5)
            case .tombstoned: TestForest.dsa(6)
            }
        }

        var algorithm: KeyAlgorithm {
            switch self {
            case .hqRSA, .vanRSA: .rsa(2048)
            case .hqP384, .vanP384: .p384
            default: .p256
            }
        }
    }

    static func dsa(_ number: UInt64) -> GUID {
        GUID(high: 0x5c1f_0000_0000_4000 | number, low: 0x8000_0000_0000_0000 | number)
    }

    static let members: [GUID: MemberState] = [
        dsa(1): .active, dsa(2): .active, dsa(3): .active, dsa(5): .disabled, dsa(6): .tombstoned,
    ]

    var membership: MembershipSnapshot {
        get throws {
            MembershipSnapshot(
                forest: Self.forest,
                ownDSA: Identity.van.dsa,
                members: Self.members,
                anchors: try TrustAnchors(certificates: [anchor], crls: [crl]),
                lateMailDays: 30,
                crlGraceDays: 60,
                tombstoneLifetimeDays: 180
            )
        }
    }

    func pair(_ identity: Identity) throws -> KeyPair {
        guard let pair = pairs[identity] else { throw VectorFile.BadFile(description: "no \(identity)") }
        return pair
    }

    /// Vancouver, with its older keys of other kinds.
    func protection(limits: SecureMailLimits = SecureMailLimits()) throws -> SMIMEProtection {
        let own = try pair(.van)
        return try SMIMEProtection(
            ownCertificate: own.certificate,
            ownKey: own.key,
            retiredKeys: [pair(.vanRSA), pair(.vanP384)],
            limits: limits
        )
    }
}

// MARK: - Making and keeping

extension TestForest {
    static let directory = VectorFile.directory.appendingPathComponent("pki")

    init() throws {
        func text(_ name: String) throws -> String {
            try String(contentsOf: Self.directory.appendingPathComponent(name), encoding: .utf8)
        }
        anchor = try Certificate(pem: text("ca.pem"))
        authority = try CertificateAuthority(certificate: anchor, key: PrivateKey(pem: text("ca.key.pem")))
        crl = try CertificateRevocationList(pem: text("crl.pem"))
        oldCRL = try CertificateRevocationList(pem: text("crl-old.pem"))
        var pairs: [Identity: KeyPair] = [:]
        for identity in Identity.allCases {
            pairs[identity] = try KeyPair(
                certificate: Certificate(pem: text("\(identity.rawValue).pem")),
                key: PrivateKey(pem: text("\(identity.rawValue).key.pem"))
            )
        }
        self.pairs = pairs
    }

    private static func makeCA() throws -> CertificateAuthority {
        try CertificateAuthority.create(
            commonName: "Reskit Enterprise CA",
            forest: "reskit.example",
            serial: SecureRandom.octets(16),
            at: made
        )
    }

    /// A new forest with new keys.
    init(new: Void) throws {
        let authority = try Self.makeCA()
        let foreign = try Self.makeCA()
        var pairs: [Identity: KeyPair] = [:]
        for identity in Identity.allCases {
            let issuer = identity == .foreign ? foreign : authority
            pairs[identity] = try Self.makePair(identity, issuer: issuer)
        }
        self.authority = authority
        anchor = authority.certificate
        self.pairs = pairs
        oldCRL = try authority.issueCRL(revoked: [], number: 1, at: Self.made, nextUpdateDays: 30)
        let revoked = pairs[.revoked].map { [($0.certificate.serial, Self.made)] } ?? []
        crl = try authority.issueCRL(revoked: revoked, number: 2, at: Self.made, nextUpdateDays: 30)
    }

    private static func makePair(_ identity: Identity, issuer: CertificateAuthority) throws -> KeyPair {
        let key = try PrivateKey.generate(identity.algorithm)
        let address = MailAddress("_IsmService@\(identity.dsa)._msdcs.reskit.example")
        var profile = DSACertificateProfile(
            dsaGUID: identity.dsa,
            mailAddress: try require(address),
            dnsName: "\(identity.rawValue).reskit.example"
        )
        if identity == .short { profile.validDays = 2 }
        let both = [ExtendedKeyUsage.emailProtection, ExtendedKeyUsage.directoryReplication]
        let purposes =
            switch identity {
            case .wrongEKU: [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]
            case .noEKU: [String]()
            default: both + [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]
            }
        let certificate = try issuer.issue(
            to: profile,
            publicKey: key.publicKey,
            purposes: purposes,
            usage: identity == .wrongKU ? .keyAgreement : nil,
            serial: SecureRandom.octets(16),
            at: identity == .early ? now.adding(seconds: 2 * 86_400) : made
        )
        return try KeyPair(certificate: certificate, key: key)
    }

    private static func require<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw VectorFile.BadFile(description: "no value") }
        return value
    }

    func write() throws {
        try FileManager.default.createDirectory(at: Self.directory, withIntermediateDirectories: true)
        func put(_ text: String, _ name: String) throws {
            try text.write(to: Self.directory.appendingPathComponent(name), atomically: true, encoding: .utf8)
        }
        try put(anchor.pem, "ca.pem")
        try put(authority.key.pem, "ca.key.pem")
        try put(crl.pem, "crl.pem")
        try put(oldCRL.pem, "crl-old.pem")
        for (identity, pair) in pairs {
            try put(pair.certificate.pem, "\(identity.rawValue).pem")
            try put(pair.key.pem, "\(identity.rawValue).key.pem")
        }
    }
}
