import Identifiers
import SMTP

@testable import PKI
@testable import SecureMail

/// Makes every vector anew from a forest's keys.
struct VectorMaker {
    let forest: TestForest
    private var vectors: [VectorFile] = []

    static func vectors(of forest: TestForest) throws -> [VectorFile] {
        var maker = VectorMaker(forest: forest)
        try maker.addGood()
        try maker.addStock()
        try maker.addDamaged()
        try maker.addRepackaged()
        try maker.addSigners()
        try maker.addIdentity()
        try maker.addTimes()
        try maker.addAlgorithms()
        try maker.addCompression()
        return maker.vectors
    }

    private init(forest: TestForest) { self.forest = forest }

    private mutating func add(
        _ name: String,
        _ expect: String,
        _ why: String,
        now: Timestamp = TestForest.now,
        isCommitted: Bool = false,
        raw: [UInt8]? = nil,
        _ edit: (inout MailMaker) throws -> Void = { _ in }
    ) throws {
        var maker = MailMaker(forest)
        try edit(&maker)
        var vector = VectorFile(
            name,
            expect,
            why,
            now: now,
            isCommitted: isCommitted,
            mail: try raw ?? maker.mail
        )
        if ["opened", "fragment", "duplicate"].contains(expect) {
            vector.payloadSHA256 = Hex.text(Digest.sha256(maker.payload))
        }
        vectors.append(vector)
    }

    private mutating func addGood() throws {
        try add("good-p256", "opened", "P-256 both ways")
        try add("good-rsa", "opened", "RSA both ways, to an older key of ours") {
            $0.signer = .hqRSA
            $0.recipient = .vanRSA
        }
        try add("good-p384", "opened", "P-384 both ways, to an older key of ours") {
            $0.signer = .hqP384
            $0.recipient = .vanP384
        }
        try add("good-empty-payload", "opened", "a payload of no octets") { $0.payload = [] }
        try add("repeated", "duplicate", "the service has committed this message", isCommitted: true)
    }

    /// The commands that the documentation shows.
    private mutating func addStock() throws {
        let maker = MailMaker(forest)
        try add("good-stock-openssl", "opened", "made by the openssl command", raw: stock(maker))
        let lines = { (entity: [UInt8]) in
            let text = String(decoding: entity.prefix { $0 != 0x1f }, as: UTF8.self)
            return Array(text.replacing("\r\n", with: "\n").utf8) + entity.drop { $0 != 0x1f }
        }
        try add(
            "good-stock-openssl-lf-entity",
            "opened",
            "the signed header ends its lines with LF alone",
            raw: stock(maker, editEntity: lines)
        )
        try add(
            "sha1-digest",
            "refused weak-digest",
            "the signature is made over SHA-1",
            raw: stock(maker, signOptions: "-md sha1")
        )
        try add(
            "no-signed-attributes",
            "refused no-signed-attributes",
            "signed without attributes",
            raw: stock(maker, signOptions: "-noattr -md sha256")
        )
        try add(
            "second-signer",
            "refused second-signer",
            "HQ and the third member sign together",
            raw: stock(maker, signOptions: "-md sha256 -signer third.pem -inkey third.key.pem")
        )
        try add(
            "no-certificate",
            "refused no-signer",
            "the signer's certificate is left out",
            raw: stock(maker, signOptions: "-md sha256 -nocerts")
        )
        try add(
            "detached",
            "refused malformed",
            "the signed content lies nowhere",
            raw: stock(maker, signOptions: "-md sha256", nodetach: "")
        )
        try add(
            "cbc",
            "refused algorithm",
            "EnvelopedData with AES-256-CBC",
            raw: stock(maker, encryptOptions: "-keyid -aes-256-cbc -keyopt ecdh_kdf_md:sha256")
        )
        try add(
            "aes128",
            "refused algorithm",
            "AES-128-GCM",
            raw: stock(maker, encryptOptions: "-keyid -aes-128-gcm -keyopt ecdh_kdf_md:sha256")
        )
        try add(
            "sha1-kdf",
            "refused algorithm",
            "openssl's default key derivation, SHA-1",
            raw: stock(maker, encryptOptions: "-keyid -aes-256-gcm")
        )
        try add(
            "pkcs1-transport",
            "refused algorithm",
            "RSA key transport of PKCS#1 v1.5",
            raw: stock(maker, encryptOptions: "-keyid -aes-256-gcm", recipient: "van-rsa")
        )
        try add(
            "issuer-and-serial",
            "refused recipients",
            "the recipient is named by issuer and serial number",
            raw: stock(maker, encryptOptions: "-aes-256-gcm -keyopt ecdh_kdf_md:sha256")
        )
    }

    private func stock(
        _ maker: MailMaker,
        signOptions: String = "-md sha256",
        encryptOptions: String = "-keyid -aes-256-gcm -keyopt ecdh_kdf_md:sha256",
        recipient: String = "van",
        nodetach: String = "-nodetach",
        editEntity: ([UInt8]) -> [UInt8] = { $0 }
    ) throws -> [UInt8] {
        let stock = try StockOpenSSL()
        for identity in [TestForest.Identity.hq, .third, .van, .vanRSA] {
            let pair = try forest.pair(identity)
            try stock.write(pair.certificate.pem, "\(identity.rawValue).pem")
            try stock.write(try pair.key.pem, "\(identity.rawValue).key.pem")
        }
        try stock.write(editEntity(try maker.entity), "entity")
        let made = try stock.run(
            "openssl cms -sign -binary \(nodetach) -nosmimecap -keyid -signer hq.pem -inkey hq.key.pem"
                + " \(signOptions) -in entity -outform DER -out signed.der"
                + " && openssl cms -encrypt -binary -in signed.der -recip \(recipient).pem"
                + " \(encryptOptions) -outform SMIME -out x.eml"
        )
        guard made.status == 0 else { throw VectorFile.BadFile(description: made.output) }
        return try stock.read("x.eml")
    }

    private mutating func addDamaged() throws {
        let mail = try MailMaker(forest).mail
        let sealed = try MailMaker(forest).sealed(MailMaker(forest).signed)
        var flipped = TLV(sealed)
        flipped.content[2][2].octets[100] ^= 0x10
        try add(
            "altered",
            "refused altered",
            "one bit of the encrypted octets is flipped",
            raw: MailMaker.mail(flipped.encoded)
        )
        try add(
            "truncated",
            "refused truncated",
            "the mail ends in the middle of its base64 text",
            raw: MailMaker.mail(Array(sealed.prefix(sealed.count / 2 / 57 * 57)))
        )
        try add(
            "octets-behind",
            "refused malformed",
            "octets behind the ContentInfo",
            raw: MailMaker.mail(sealed + [0, 0])
        )
        try add("short-tag", "refused short-tag", "a tag of 4 octets, which OpenSSL compares as such") {
            $0.editSealed = { $0.content[3].octets = Array($0.content[3].octets.prefix(4)) }
        }
        try add("tag-length-default", "refused short-tag", "GCM parameters that ask for the default of 12") {
            $0.editSealed = { $0.content[2][1][1].children.removeLast() }
        }
        try add("unauthenticated-attribute", "refused malformed", "an attribute outside the encryption") {
            $0.editSealed = { tree in
                let value = TLV.constructed(0x30, [.primitive(6, [0x55, 4, 3]), .constructed(0x31, [])])
                tree.content.children.append(.constructed(0xa2, [value]))
            }
        }
        try add("five-recipients", "refused recipients", "five recipients") {
            $0.editSealed = { tree in
                let one = tree.content[1][0]
                tree.content[1].children = [one, one, one, one, one]
            }
        }
        try add(
            "plain-text",
            "refused not-ours",
            "a person's mail",
            raw: Array("From: <a@example.com>\r\nSubject: hello\r\n\r\nHello.\r\n".utf8)
        )
        try add(
            "signed-only",
            "refused algorithm",
            "signed, not encrypted",
            raw: MailMaker.mail(MailMaker(forest).signed)
        )
        try add("foreign-key", "refused no-key", "sealed to the third member alone") { $0.recipient = .third }
        try add(
            "lf-lines",
            "opened",
            "a mail store keeps lines with LF alone",
            raw: mail.filter { $0 != 0x0d }
        )
    }

    private mutating func addRepackaged() throws {
        let mail = try MailMaker(forest).mail
        let text = String(decoding: mail, as: UTF8.self)
        let split = text.firstRange(of: "Content-Type")?.lowerBound ?? text.endIndex
        let part = String(text[split...])
        let start = "Received: from a by b; Wed, 25 Nov 2026 12:00:00 +0000\r\n" + text[..<split]
        let boundary = "Content-Type: multipart/mixed;\r\n boundary=\"b 1\"\r\n\r\n"
        let disclaimer = "--b 1\r\nContent-Type: text/plain\r\n\r\nThis mail is confidential.\r\n"
        try add(
            "multipart",
            "opened",
            "a gateway wrapped it into a multipart with its disclaimer",
            raw: Array("\(start)\(boundary)\(disclaimer)--b 1\r\n\(part)\r\n--b 1--\r\n".utf8)
        )
        try add(
            "footer",
            "opened",
            "a gateway wrote its footer behind the base64 text",
            raw: mail + Array("\r\nThis mail is confidential.\r\n".utf8)
        )
        try add(
            "refolded",
            "opened",
            "a relay added and refolded header fields",
            raw: Array((start + part.replacing("; name", with: ";\r\n\tname")).utf8)
        )
    }

    private mutating func addSigners() throws {
        try add("no-signer", "refused no-signer", "SignedData without a signer") {
            $0.editSigned = { tree in
                let last = tree.content.children.count - 1
                tree.content[last].children = []
            }
        }
        let third = TLV(try forest.pair(.third).certificate.der)
        try add("other-certificate", "refused no-signer", "the only certificate inside is another's") {
            $0.editSigned = { $0.content[3].children = [third] }
        }
        try add(
            "enveloped-only",
            "refused malformed",
            "encrypted, never signed",
            raw: MailMaker.mail(MailMaker(forest).sealed(MailMaker(forest).entity))
        )
        try add("bad-signature", "refused bad-signature", "the signed octets were changed before encryption")
        {
            $0.editSigned = { $0.content[2][1][0].octets[400] ^= 1 }
        }
        try add("unsigned-attribute", "refused malformed", "an attribute beside the signature") {
            $0.editSigned = { tree in
                let last = tree.content.children.count - 1
                let value = TLV.constructed(0x30, [.primitive(6, [0x55, 4, 3]), .constructed(0x31, [])])
                tree.content[last][0].children.append(.constructed(0xa1, [value]))
            }
        }
        try add("foreign-ca", "refused foreign-ca", "another CA with the same name issued HQ's GUID") {
            $0.signer = .foreign
        }
        try add("revoked", "refused revoked", "in the list with the highest number") { $0.signer = .revoked }
        let oldList = TLV(forest.oldCRL.der)
        try add("crl-inside", "refused revoked", "the message brings an old list that does not revoke it") {
            $0.signer = .revoked
            $0.editSigned = { $0.content.children.insert(.constructed(0xa1, [oldList]), at: 4) }
        }
        try add("crl-inside-good", "opened", "a list in the message changes nothing") {
            $0.editSigned = { $0.content.children.insert(.constructed(0xa1, [oldList]), at: 4) }
        }
        try add("wrong-eku", "refused wrong-eku", "a TLS certificate signs") { $0.signer = .wrongEKU }
        try add("no-eku", "refused wrong-eku", "a certificate without purposes signs") { $0.signer = .noEKU }
        try add("wrong-ku", "refused wrong-ku", "the key may not sign") { $0.signer = .wrongKU }
    }

    private mutating func addIdentity() throws {
        try add("wrong-from", "refused wrong-from", "the third member speaks as HQ") { $0.signer = .third }
        try add("wrong-to", "refused wrong-to", "for the third member, sealed again to us") {
            $0.envelope.to = TestForest.dsa(3)
        }
        try add("wrong-forest", "refused wrong-forest", "of another forest under the same CA") {
            $0.envelope.forest = TestForest.dsa(0xf1)
        }
        try add("unknown-member", "held unknown-member", "its DSA object has not arrived yet") {
            $0.signer = .stranger
            $0.envelope.from = TestForest.dsa(4)
        }
        try add("unknown-member-wrong-to", "refused wrong-to", "only mail for us may take room in Held") {
            $0.signer = .stranger
            $0.envelope.from = TestForest.dsa(4)
            $0.envelope.to = TestForest.dsa(3)
        }
        try add("disabled", "refused disabled", "a disabled member") {
            $0.signer = .disabled
            $0.envelope.from = TestForest.dsa(5)
        }
        try add("tombstoned", "refused tombstoned", "a removed member") {
            $0.signer = .tombstoned
            $0.envelope.from = TestForest.dsa(6)
        }
        try add("no-from-field", "refused envelope", "the signed header has no Bridgehead-From") {
            $0.editEntity = { $0.replacing("Bridgehead-From".utf8, with: "Bridgehead-Frog".utf8) }
        }
        try add("second-from-field", "refused envelope", "the signed header has two of them") {
            $0.editEntity = { Array("Bridgehead-From: \(TestForest.dsa(3))\r\n".utf8) + $0 }
        }
        try add("fragment-in-order", "fragment", "the second of five pieces of a larger message") {
            let digest = Digest.sha256(MailMaker.payload)
            $0.envelope.fragment = MessageFragment(number: 2, count: 5, wholeSHA256: digest)
        }
        try add("fragment", "refused envelope", "a fragment with a digest of one octet") {
            $0.editEntity = { Array("Bridgehead-Fragment: 1/2; sha256=00\r\n".utf8) + $0 }
        }
        try add("later-version", "refused incompatible", "content of version 2") {
            $0.editEntity = { $0.replacing("version=1".utf8, with: "version=2".utf8) }
        }
    }

    private mutating func addTimes() throws {
        let now = TestForest.now
        try add("expired", "refused expired", "a second over", now: now.adding(seconds: 30 * 86_400 + 1))
        try add("not-expired", "opened", "the last second", now: now.adding(seconds: 30 * 86_400))
        try add(
            "over-lifetime",
            "refused expired",
            "claims a year, the forest's limit is 180 days",
            now: now.adding(seconds: 181 * 86_400)
        ) { $0.envelope.expires = now.adding(seconds: 365 * 86_400) }
        try add("created-ahead", "held created-ahead", "made 25 hours ahead of our clock") {
            $0.envelope.created = now.adding(seconds: 25 * 3600)
        }
        try add("created-ahead-a-little", "opened", "made 23 hours ahead of our clock") {
            $0.envelope.created = now.adding(seconds: 23 * 3600)
        }
        try add("not-yet-valid", "held certificate-not-yet-valid", "the certificate begins in two days") {
            $0.signer = .early
            $0.envelope.created = now
        }
        try add("certificate-over", "refused certificate-dates", "made after the certificate's end") {
            $0.signer = .short
        }
        let inTime = TestForest.made.adding(seconds: 86_400)
        try add(
            "late-mail",
            "opened",
            "made in time, here 30 days after the certificate's end",
            now: TestForest.made.adding(seconds: 32 * 86_400)
        ) {
            $0.signer = .short
            $0.envelope.created = inTime
            $0.envelope.expires = inTime.adding(seconds: 180 * 86_400)
        }
        try add(
            "too-late-mail",
            "refused certificate-dates",
            "made in time, here over 30 days after its end",
            now: TestForest.made.adding(seconds: 32 * 86_400 + 1)
        ) {
            $0.signer = .short
            $0.envelope.created = inTime
            $0.envelope.expires = inTime.adding(seconds: 180 * 86_400)
        }
    }

    private mutating func addAlgorithms() throws {
        let gcm256: [UInt8] = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x2e]
        try add("long-nonce", "refused algorithm", "GCM with a nonce of 16 octets") {
            $0.editSealed = { $0.content[2][1][1][0].octets = [UInt8](repeating: 1, count: 16) }
        }
        try add("unknown-cipher", "refused algorithm", "a cipher nobody knows") {
            $0.editSealed = { $0.content[2][1][0].octets = gcm256.dropLast() + [0x7f] }
        }
        try add("inner-type", "refused algorithm", "the encrypted content claims to be SignedData") {
            $0.editSealed = { $0.content[2][0].octets[8] = 2 }
        }
    }

    private mutating func addCompression() throws {
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        let tight = try Compression.deflate(zeros, level: 9)
        try add("bomb", "refused bomb", "a mebibyte out of a kibibyte") { $0.body = tight }
        try add("good-stored-zeros", "opened", "what compresses too well travels stored") {
            $0.payload = [UInt8](repeating: 0, count: 1 << 16)
        }
        try add("bomb-that-lies", "refused bomb", "the same, claiming 1024 octets") {
            $0.body = tight.dropLast(4) + [0, 4, 0, 0]
        }
        try add("bomb-over-limit", "refused bomb", "claims 4 GiB") {
            $0.body = tight.dropLast(4) + [0xff, 0xff, 0xff, 0xff]
        }
        let member = try Compression.deflate(MailMaker.payload, level: 6)
        try add("two-members", "refused compression", "two gzip members") { $0.body = member + member }
        try add("octets-behind-member", "refused compression", "octets behind the gzip member") {
            $0.body = member + member.suffix(4)
        }
        try add("cut-member", "refused compression", "a gzip member without its end") {
            $0.body = member.prefix(member.count / 2) + member.suffix(4)
        }
        try add("wrong-checksum", "refused compression", "a wrong CRC-32 in the gzip trailer") {
            var damaged = member
            damaged[damaged.count - 8] ^= 1
            $0.body = damaged
        }
        try add("no-gzip", "refused compression", "text where gzip should be") {
            $0.body = Array("plainly no gzip member at all".utf8) + [10, 0, 0, 0]
        }
    }
}
