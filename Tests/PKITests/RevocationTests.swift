import Identifiers
import Testing

@testable import PKI

@Suite struct `Revocation lists` {
    let ca: TestCA
    let leaf: Certificate

    init() throws {
        ca = try TestCA()
        leaf = try ca.certificate(for: .generate(.p256))
    }

    private func list(_ number: UInt64, revoking serials: [SerialNumber] = []) throws
        -> CertificateRevocationList
    {
        try ca.authority.issueCRL(
            revoked: serials.map { ($0, TestCA.now) },
            number: number,
            at: TestCA.now,
            nextUpdateDays: 7
        )
    }

    @Test func `say what they were made of, and openssl verifies them`() throws {
        let crl = try list(3, revoking: [leaf.serial])
        #expect(crl.number == 3)
        #expect(crl.revokedSerials == [leaf.serial])
        #expect(crl.thisUpdate == TestCA.now)
        #expect(crl.nextUpdate == TestCA.now.adding(seconds: 7 * 86_400))
        #expect(crl.issuer == ca.authority.certificate.subject)
        #expect(try CertificateRevocationList(pem: crl.pem) == crl)
        let stock = try StockOpenSSL()
        try stock.write(crl.pem, "crl")
        try stock.write(ca.authority.certificate.pem, "ca")
        try stock.write(leaf.pem, "leaf")
        #expect(try stock.run("openssl crl -in crl -CAfile ca -noout").output.contains("verify OK"))
        let verified = try stock.run(
            "openssl verify -attime \(TestCA.now.seconds) -crl_check -CRLfile crl -CAfile ca leaf"
        )
        #expect(verified.output.contains("certificate revoked"))
    }

    @Test func `that are empty are lists too`() throws {
        #expect(try list(1).revokedSerials.isEmpty)
        try list(1).verify(by: ca.authority.certificate)
    }

    @Test func `never go back in number`() throws {
        var anchors = try TrustAnchors(certificates: [ca.authority.certificate], crls: [list(5)])
        let issuer = ca.authority.certificate
        #expect(try anchors.adopt(list(6, revoking: [leaf.serial])))
        #expect(anchors.isRevoked(leaf, issuer: issuer))
        #expect(try !anchors.adopt(list(5)))
        #expect(try !anchors.adopt(list(6)))
        #expect(anchors.isRevoked(leaf, issuer: issuer))
        #expect(anchors.crls.map(\.number) == [6])
    }

    @Test func `of a CA with the same name are refused`() throws {
        let foreign = try TestCA().authority.issueCRL(
            revoked: [],
            number: 9,
            at: TestCA.now,
            nextUpdateDays: 7
        )
        var anchors = try TrustAnchors(certificates: [ca.authority.certificate])
        #expect(throws: PKIError.self) { try anchors.adopt(foreign) }
        #expect(throws: PKIError.self) {
            try TrustAnchors(certificates: [ca.authority.certificate], crls: [foreign])
        }
    }

    @Test func `are stale when missing, and when nextUpdate and grace are over`() throws {
        let issuer = ca.authority.certificate
        let none = try TrustAnchors(certificates: [issuer])
        #expect(none.isCRLStale(issuer: issuer, graceDays: 180, at: TestCA.now))
        let anchors = try TrustAnchors(certificates: [issuer], crls: [list(1)])
        let end = TestCA.now.adding(seconds: (7 + 180) * 86_400)
        #expect(!anchors.isCRLStale(issuer: issuer, graceDays: 180, at: end))
        #expect(anchors.isCRLStale(issuer: issuer, graceDays: 180, at: end.adding(seconds: 1)))
    }

    @Test func `changed or cut anywhere are refused`() throws {
        let der = try list(2, revoking: [leaf.serial]).der
        for offset in der.indices {
            var changed = der
            changed[offset] ^= 1
            #expect(throws: PKIError.self, "octet \(offset)") {
                try CertificateRevocationList(der: changed).verify(by: ca.authority.certificate)
            }
            #expect(throws: PKIError.self) { try CertificateRevocationList(der: Array(der[..<offset])) }
        }
    }

    @Test func `of openssl with the partial-list extension are refused`() throws {
        let stock = try StockOpenSSL()
        try stock.write(ca.authority.certificate.pem, "ca")
        try stock.write(try ca.authority.key.pem, "key")
        try stock.write(
            """
            [ca]
            default_ca = d
            [d]
            database = index
            crlnumber = number
            default_md = sha256
            [x]
            authorityKeyIdentifier = keyid
            issuingDistributionPoint = critical,onlyuser:TRUE
            """,
            "cnf"
        )
        let made = try stock.run(
            ": > index && echo 07 > number && openssl ca -config cnf -gencrl -crldays 7 -crlexts x"
                + " -cert ca -keyfile key -out crl"
        )
        try #require(made.status == 0, "\(made.output)")
        let pem = String(decoding: try stock.read("crl"), as: UTF8.self)
        #expect(throws: PKIError.self) { try CertificateRevocationList(pem: pem) }
    }
}
