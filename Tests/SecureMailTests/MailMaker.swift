import Identifiers
import SMTP

@testable import PKI
@testable import SecureMail

/// Makes mail step by step, so that every step can be made wrong.
struct MailMaker {
    let forest: TestForest
    var signer = TestForest.Identity.hq
    var recipient = TestForest.Identity.van
    var envelope: MessageEnvelope
    var payload = MailMaker.payload
    /// Replaces the gzip member.
    var body: [UInt8]?
    var editEntity: ([UInt8]) -> [UInt8] = { $0 }
    var editSigned: (inout TLV) -> Void = { _ in }
    var editSealed: (inout TLV) -> Void = { _ in }

    /// Some 3 kB that compress as changes do.
    static let payload = Array(
        (0..<40).map {
            "dn: cn=Person \($0),ou=People,dc=reskit,dc=example\nmail: p\($0 * 7919)@reskit.example\n"
        }
        .joined().utf8
    )

    init(_ forest: TestForest) {
        self.forest = forest
        envelope = MessageEnvelope(
            forest: TestForest.forest,
            from: TestForest.dsa(1),
            to: TestForest.dsa(2),
            messageID: TestForest.dsa(0x99),
            inReplyTo: TestForest.dsa(0x98),
            service: "replication",
            created: TestForest.now.adding(seconds: -3600),
            expires: TestForest.now.adding(seconds: 30 * 86_400),
            summary: "changes DC=reskit,DC=example full part 1/1 usn (0,40] asof 40"
        )
    }

    static let header: [(String, String)] = [
        ("From", "<_IsmService@hq.reskit.example>"), ("To", "<_IsmService@van.reskit.example>"),
        ("Date", TestForest.now.mailDate), ("Message-ID", "<1@hq.reskit.example>"),
        ("Subject", "Intersite message"), ("MIME-Version", "1.0"),
        ("Content-Type", "application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m"),
        ("Content-Transfer-Encoding", "base64"),
    ]

    var entity: [UInt8] {
        get throws {
            let packed = try body ?? Compression.deflate(payload, ratioMax: 200)
            return editEntity(MIMEWriter.entity(fields: EnvelopeFields.write(envelope), body: packed))
        }
    }

    var signed: [UInt8] {
        get throws {
            let pair = try forest.pair(signer)
            var tree = TLV(
                try CMS.sign(entity, certificate: pair.certificate, key: pair.key, at: envelope.created)
            )
            editSigned(&tree)
            return tree.encoded
        }
    }

    func sealed(_ signed: [UInt8]) throws -> [UInt8] {
        var tree = TLV(try CMS.encrypt(signed, to: [forest.pair(recipient).certificate]))
        editSealed(&tree)
        return tree.encoded
    }

    static func mail(_ sealed: [UInt8]) -> [UInt8] { MIMEWriter.message(fields: header, base64Body: sealed) }

    var mail: [UInt8] { get throws { Self.mail(try sealed(signed)) } }
}

extension TLV {
    /// The SignedData or AuthEnvelopedData inside a ContentInfo.
    var content: TLV {
        get { self[1][0] }
        set { self[1][0] = newValue }
    }
}
