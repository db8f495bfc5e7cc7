import Foundation
import Identifiers
import InterSiteMessaging
import PKI
import SecureMail
import Testing

/// The forest reskit.example with three DSAs: HQ, Vancouver, and one that nobody knows yet.
struct TestForest: Sendable {
    static let now = Timestamp(seconds: 1_795_608_000)  // 2026-11-25T12:00:00Z
    static let forest = GUID(high: 0x5c1f_0000_0000_40f0, low: 0x8000_0000_0000_00f0)
    static let shared = Result { try TestForest() }

    struct Member: Sendable {
        let dsa: GUID
        let name: String
        let address: MailAddress
        let pair: KeyPair

        var identity: TLSIdentity {
            get throws {
                TLSIdentity(certificatesPEM: pair.certificate.pem, keyPEM: try pair.key.pem)
            }
        }
    }

    let authority: CertificateAuthority
    let anchors: TrustAnchors
    let hq: Member
    let vancouver: Member
    let stranger: Member

    init() throws {
        let authority = try CertificateAuthority.create(
            commonName: "Reskit Enterprise CA",
            forest: "reskit.example",
            serial: SecureRandom.octets(16),
            at: Self.now.adding(seconds: -86_400)
        )
        let crl = try authority.issueCRL(revoked: [], number: 1, at: Self.now, nextUpdateDays: 30)
        anchors = try TrustAnchors(certificates: [authority.certificate], crls: [crl])
        hq = try Self.member(1, "HQ-RES-DC-01", "hq", authority)
        vancouver = try Self.member(2, "BR3-VAN-DC-01", "van", authority)
        stranger = try Self.member(3, "BR4-CAL-DC-01", "calgary", authority)
        self.authority = authority
    }

    private static func member(
        _ number: UInt64,
        _ name: String,
        _ host: String,
        _ authority: CertificateAuthority
    ) throws -> Member {
        let dsa = GUID(high: 0x5c1f_0000_0000_4000 | number, low: 0x8000_0000_0000_0000 | number)
        guard let address = MailAddress("_IsmService@\(host).reskit.example") else {
            throw FileError(errno: 22, path: host, operation: .open)
        }
        let key = try PrivateKey.generate(.p256)
        // The name that a test over the loopback interface can check.
        let certificate = try authority.issue(
            to: DSACertificateProfile(dsaGUID: dsa, mailAddress: address, dnsName: "localhost"),
            publicKeyOf: key.makeSigningRequest(),
            serial: SecureRandom.octets(16),
            at: Self.now.adding(seconds: -86_400)
        )
        return Member(
            dsa: dsa,
            name: name,
            address: address,
            pair: try KeyPair(certificate: certificate, key: key)
        )
    }

    func membership(of own: GUID, members: [GUID]) -> MembershipSnapshot {
        MembershipSnapshot(
            forest: Self.forest,
            ownDSA: own,
            members: Dictionary(uniqueKeysWithValues: members.map { ($0, .active) }),
            anchors: anchors
        )
    }

    /// A mail as `sender` would queue it.
    func sealed(
        _ payload: [UInt8],
        id: GUID,
        from sender: Member,
        to recipient: Member,
        service: String = "replication",
        fragment: MessageFragment? = nil,
        created: Timestamp = TestForest.now
    ) throws -> [UInt8] {
        let protection = try SMIMEProtection(ownCertificate: sender.pair.certificate, ownKey: sender.pair.key)
        return try protection.seal(
            payload,
            envelope: MessageEnvelope(
                forest: Self.forest,
                from: sender.dsa,
                to: recipient.dsa,
                messageID: id,
                service: service,
                fragment: fragment,
                created: created,
                expires: created.adding(seconds: 30 * 86_400),
                summary: "test"
            ),
            addressing: MailAddressing(
                from: sender.address,
                to: recipient.address,
                messageIDHeader: "\(TestRandom.guid())@\(sender.address.domain)",
                date: created
            ),
            to: [recipient.pair.certificate],
            membership: membership(of: sender.dsa, members: [sender.dsa, recipient.dsa])
        )
    }
}

enum TestRandom {
    static func guid() -> GUID {
        var generator = SystemRandomNumberGenerator()
        return GUID.random(using: &generator)
    }
}

/// A directory of its own, removed when the test lets go of it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "ism-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

extension TestForest {
    /// The mails of one message cut into `count` fragments, in their order.
    func fragments(
        _ payload: [UInt8],
        count: Int,
        id: GUID,
        digestOf whole: [UInt8]? = nil
    ) throws -> [[UInt8]] {
        let pieces = try #require(FragmentCutter.pieces(of: payload, count: count))
        return try pieces.enumerated().map { index, piece in
            let fragment = MessageFragment(
                number: index + 1,
                count: count,
                wholeSHA256: Digest.sha256(whole ?? payload)
            )
            return try sealed(Array(piece), id: id, from: hq, to: vancouver, fragment: fragment)
        }
    }
}
