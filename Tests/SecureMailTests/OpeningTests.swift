import Identifiers
import Synchronization
import SMTP
import Testing

@testable import PKI
@testable import SecureMail

@Suite struct `Opening` {
    let forest: TestForest
    let maker: MailMaker

    init() throws {
        forest = try TestForest()
        maker = MailMaker(forest)
    }

    private func open(
        _ mail: [UInt8],
        membership: MembershipSnapshot? = nil,
        at now: Timestamp = TestForest.now
    ) throws -> OpenOutcome {
        try forest.protection().open(
            mail,
            membership: membership ?? forest.membership,
            isCommitted: { _, _ in false },
            at: now
        )
    }

    @Test func `by stock openssl works with the documented commands`() throws {
        let hq = try HQ()
        let stock = try StockOpenSSL()
        let van = try forest.pair(.van)
        try stock.write(van.certificate.pem, "van.crt")
        try stock.write(try van.key.pem, "van.key")
        try stock.write(forest.anchor.pem, "ca.crt")
        try stock.write(try hq.seal(), "x.eml")
        let result = try stock.run(
            """
            openssl cms -decrypt -binary -in x.eml -recip van.crt -inkey van.key -out signed.der &&
            openssl cms -verify -binary -inform DER -in signed.der -CAfile ca.crt -no-CApath -no-CAstore \
            -attime \(TestForest.now.seconds) -certsout signer.pem -out entity &&
            sed '/^\\r*$/q' entity > header && sed '1,/^\\r*$/d' entity | gunzip > payload
            """
        )
        #expect(result.status == 0, "\(result.output)")
        #expect(try stock.read("payload") == MailMaker.payload)
        let header = String(decoding: try stock.read("header"), as: UTF8.self)
        #expect(header.contains("Bridgehead-Service: replication\r\n"))
        #expect(header.contains("Bridgehead-From: \(TestForest.dsa(1))\r\n"))
        #expect(header.contains("Bridgehead-Created: 2026-11-25T11:00:00Z\r\n"))
        let signer = try Certificate(pem: String(decoding: stock.read("signer.pem"), as: UTF8.self))
        #expect(try signer == forest.pair(.hq).certificate)
    }

    @Test func `marks mail when the revocation list is missing or too old`() throws {
        let mail = try maker.mail
        var membership = try forest.membership
        membership.crlGraceDays = 0
        let late = forest.crl.nextUpdate.adding(seconds: 1)
        #expect(try open(mail, membership: membership).mail?.crlStale == false)
        #expect(try open(mail, membership: membership, at: forest.crl.nextUpdate).mail?.crlStale == false)
        #expect(try open(mail, membership: membership, at: late).mail?.crlStale == true)
        membership.anchors = try TrustAnchors(certificates: [forest.anchor])
        #expect(try open(mail, membership: membership).mail?.crlStale == true)
    }

    @Test func `asks for the message under its signer's name`() throws {
        let asked = Mutex<[(GUID, GUID)]>([])
        _ = try forest.protection().open(
            maker.mail,
            membership: forest.membership,
            isCommitted: { message, from in
                asked.withLock { $0.append((message, from)) }
                return false
            },
            at: TestForest.now
        )
        let pairs = asked.withLock { $0 }
        #expect(pairs.count == 1)
        #expect(pairs.first?.0 == TestForest.dsa(0x99))
        #expect(pairs.first?.1 == TestForest.dsa(1))
    }

    @Test func `reports a part that a gateway wrapped`() throws {
        let vectors = try VectorFile.all()
        for name in ["multipart", "footer"] {
            let vector = try #require(vectors.first { $0.name == name })
            #expect(try open(vector.mail).mail?.wasWrapped == true, "\(name)")
        }
    }

    @Test func `never reads the outer From`() throws {
        let mail = String(decoding: try maker.mail, as: UTF8.self)
        let forged = mail.replacing("hq.reskit.example", with: "mallory.example")
        #expect(try open(Array(forged.utf8)).verdict == "opened")
    }

    @Test func `refuses a mail over its limit unread`() throws {
        var limits = SecureMailLimits()
        limits.receivedOctetsMax = 1000
        let outcome = try forest.protection(limits: limits).open(
            maker.mail,
            membership: forest.membership,
            isCommitted: { _, _ in false },
            at: TestForest.now
        )
        #expect(outcome.verdict == "refused too-large")
    }

    @Test func `stops at a smaller payload limit`() throws {
        var limits = SecureMailLimits()
        limits.payloadOctetsMax = MailMaker.payload.count - 1
        let membership = try forest.membership
        let small = try forest.protection(limits: limits).open(
            maker.mail,
            membership: membership,
            isCommitted: { _, _ in false },
            at: TestForest.now
        )
        #expect(small.verdict == "refused bomb")
        limits.payloadOctetsMax += 1
        let exact = try forest.protection(limits: limits).open(
            maker.mail,
            membership: membership,
            isCommitted: { _, _ in false },
            at: TestForest.now
        )
        #expect(exact.verdict == "opened")
    }

    @Test func `refuses a certificate without a DSA's name`() throws {
        // Our CA always writes the name; another type of otherName takes its place here.
        let key = try PrivateKey.generate(.p256)
        let certificate = try forest.authority.issue(
            to: DSACertificateProfile(
                dsaGUID: TestForest.dsa(1),
                mailAddress: #require(MailAddress("a@reskit.example")),
                dnsName: "a.reskit.example"
            ),
            publicKeyOf: key.makeSigningRequest(),
            serial: SecureRandom.octets(16),
            at: TestForest.made
        )
        var tree = TLV(certificate.der)
        let part = tree[0].encoded.replacing([0x82, 0x37, 0x19, 0x01], with: [0x82, 0x37, 0x19, 0x02])
        tree = TLV(try forest.authority.key.sign(part))
        let nameless = try Certificate(der: tree.encoded)
        #expect(nameless.dsaGUID == nil)
        let signed = try CMS.sign(maker.entity, certificate: nameless, key: key, at: TestForest.now)
        #expect(try open(MailMaker.mail(maker.sealed(signed))).verdict == "refused no-identity")
    }

    @Test func `works from many tasks at once`() async throws {
        let hq = try HQ()
        let protection = try forest.protection()
        let membership = try forest.membership
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<32 {
                group.addTask {
                    let payload = [UInt8](repeating: UInt8(index), count: 2000 + index)
                    let outcome = protection.open(
                        try hq.seal(payload),
                        membership: membership,
                        isCommitted: { _, _ in false },
                        at: TestForest.now
                    )
                    return outcome.mail?.payload == payload
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }

    @Test func `every refusal has a fault and a sentence`() throws {
        let protection = try forest.protection()
        let membership = try forest.membership
        for vector in try VectorFile.all() {
            let outcome = protection.open(
                vector.mail,
                membership: membership,
                isCommitted: { _, _ in false },
                at: vector.now
            )
            guard case .refused(let refusal) = outcome else { continue }
            #expect(refusal.detail.count > 10 && !refusal.detail.hasSuffix("."), "\(vector.name)")
            #expect(refusal.fault != .ours, "\(vector.name)")
        }
    }
}
