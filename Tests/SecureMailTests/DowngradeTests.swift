import Testing

@testable import PKI
@testable import SecureMail

/// What stock openssl still makes for whoever asks: only the list of what we accept decides.
@Suite struct `A downgrade` {
    let forest: TestForest
    let protection: SMIMEProtection
    let membership: MembershipSnapshot

    init() throws {
        forest = try TestForest()
        protection = try forest.protection()
        membership = try forest.membership
    }

    private func open(_ sealed: [UInt8]) -> OpenOutcome {
        let mail = MailMaker.mail(sealed)
        return protection.open(
            mail,
            membership: membership,
            isCommitted: { _, _ in false },
            at: TestForest.now
        )
    }

    private func stock(_ recipient: TestForest.Identity) throws -> StockOpenSSL {
        let stock = try StockOpenSSL()
        let (hq, van) = (try forest.pair(.hq), try forest.pair(recipient))
        try stock.write(van.certificate.pem, "van.crt")
        try stock.write(hq.certificate.pem, "hq.crt")
        try stock.write(try hq.key.pem, "hq.key")
        let maker = MailMaker(forest)
        try stock.write(try maker.entity, "entity")
        try stock.write(try maker.signed, "signed.der")
        return stock
    }

    private func made(_ stock: StockOpenSSL, _ options: String) throws -> [UInt8] {
        let line =
            "openssl cms -encrypt -binary -outform DER -in signed.der -out sealed.der \(options) van.crt"
        let result = try stock.run(line)
        try #require(result.status == 0, "\(options): \(result.output)")
        return try stock.read("sealed.der")
    }

    @Test(arguments: [
        "-provider legacy -provider default -rc2-40", "-provider legacy -provider default -rc2-128",
        "-provider legacy -provider default -des", "-des3", "-aes128", "-aes192", "-aes256", "-camellia256",
        "-aes-128-gcm",
    ])
    func `to another cipher is refused, for keys of both kinds`(cipher: String) throws {
        // Keys of five and eight octets cannot be wrapped for an elliptic curve.
        let isShort = cipher.hasSuffix("-rc2-40") || cipher.hasSuffix("-des")
        for recipient in isShort ? [.vanRSA] : [TestForest.Identity.van, .vanRSA] {
            let outcome = open(try made(stock(recipient), cipher))
            #expect(outcome.verdict == "refused algorithm", "\(cipher): \(outcome)")
        }
    }

    @Test func `to RSA key transport of PKCS #1 is refused, and OAEP with SHA-1 as well`() throws {
        let stock = try stock(.vanRSA)
        for options in ["", "-keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha1"] {
            let line =
                "openssl cms -encrypt -binary -outform DER -in signed.der -out sealed.der -aes-256-gcm "
                + "-recip van.crt -keyid \(options)"
            let result = try stock.run(line)
            try #require(result.status == 0, "\(result.output)")
            let outcome = open(try stock.read("sealed.der"))
            // SHA-1 is the default of OAEP, which is then not written at all.
            #expect(
                ["refused algorithm", "refused malformed"].contains(outcome.verdict),
                "\(options): \(outcome)"
            )
        }
    }

    @Test(arguments: ["sha1", "sha224"])
    func `to another digest is refused`(digest: String) throws {
        let stock = try stock(.van)
        let line =
            "openssl cms -sign -binary -nodetach -md \(digest) -signer hq.crt -inkey hq.key -in entity "
            + "-outform DER -out weak.der"
        let result = try stock.run(line)
        try #require(result.status == 0, "\(result.output)")
        let sealed = try CMS.encrypt(stock.read("weak.der"), to: [forest.pair(.van).certificate])
        let outcome = open(sealed)
        #expect(
            ["refused weak-digest", "refused algorithm"].contains(outcome.verdict),
            "\(digest): \(outcome)"
        )
    }
}
