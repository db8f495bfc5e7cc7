import Identifiers
import Testing

@testable import PKI

@Suite struct `Certificates` {
    @Test(arguments: [KeyAlgorithm.p256, .p384, .rsa(3072)])
    func `follow the profile, and openssl verifies them strictly`(_ algorithm: KeyAlgorithm) throws {
        let ca = try TestCA(algorithm)
        let key = try PrivateKey.generate(algorithm)
        let certificate = try ca.certificate(for: key)
        let stock = try StockOpenSSL()
        try stock.write(certificate.pem, "leaf")
        try stock.write(ca.authority.certificate.pem, "ca")
        let verified = try stock.run(
            "openssl verify -x509_strict -attime \(TestCA.now.seconds) -purpose smimesign"
                + " -no-CApath -no-CAstore -CAfile ca leaf"
        )
        #expect(verified.status == 0, "\(verified.output)")
        let text = try stock.run("openssl x509 -in leaf -noout -text").output
        #expect(text.contains("1.3.6.1.4.1.311.21.19"))
        #expect(text.contains("E-mail Protection"))
        #expect(text.contains("email:_IsmService@van.reskit.example"))
        #expect(text.contains("X509v3 Subject Alternative Name: critical"))
        #expect(try TrustAnchors(certificates: [ca.authority.certificate]).issuer(of: certificate).isCA)
    }

    @Test func `carry the DSA's identity and dates`() throws {
        let ca = try TestCA()
        let key = try PrivateKey.generate(.p256)
        let certificate = try ca.certificate(for: key)
        #expect(certificate.dsaGUID == TestCA.van)
        #expect(certificate.mailAddress == "_IsmService@van.reskit.example")
        #expect(certificate.dnsName == "BR3-VAN-DC-01.vancouver.reskit.example")
        #expect(certificate.issuer == "CN=Reskit Enterprise CA,DC=reskit,DC=example")
        #expect(certificate.subject == "")
        #expect(certificate.notBefore == TestCA.now.adding(seconds: -3600))
        #expect(certificate.notAfter == TestCA.now.adding(seconds: 825 * 86_400))
        #expect(certificate.keyUsage == [.digitalSignature, .keyAgreement])
        #expect(certificate.extendedKeyUsage.count == 4)
        #expect(certificate.serial.octets.count == 16)
        #expect(certificate.authorityKeyIdentifier == ca.authority.certificate.subjectKeyIdentifier)
        #expect(certificate.subjectKeyIdentifier == key.publicKey.keyIdentifier)
        #expect(try Certificate(pem: certificate.pem) == certificate)
    }

    @Test func `store the GUID as objectGUID is stored`() throws {
        // 00112233 4455 6677 8899AABBCCDDEEFF in the file is GUID 33221100-5544-7766-8899-aabbccddeeff.
        let certificate = try TestCA().certificate(for: .generate(.p256))
        let stored: [UInt8] = [
            0x04, 16, 0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
            0xee, 0xff,
        ]
        let found = certificate.der.indices.contains { certificate.der[$0...].starts(with: stored) }
        #expect(found)
        #expect(certificate.dsaGUID?.description == "00112233-4455-6677-8899-aabbccddeeff")
    }

    @Test func `beyond 2049 are dated with four digits`() throws {
        let far = Timestamp(seconds: 2_524_607_999)  // 2049-12-31T23:59:59Z
        let authority = try CertificateAuthority.create(
            commonName: "CA",
            forest: "reskit.example",
            validDays: 1,
            serial: SecureRandom.octets(16),
            at: far
        )
        #expect(authority.certificate.notAfter == far.adding(seconds: 86_400))
        #expect(authority.certificate.notBefore == far.adding(seconds: -3600))
    }

    @Test func `of another CA with the same name are refused`() throws {
        let anchors = try TrustAnchors(certificates: [TestCA().authority.certificate])
        let foreign = try TestCA().certificate(for: .generate(.p256))
        let error = #expect(throws: PKIError.self) { try anchors.issuer(of: foreign) }
        #expect(error?.description.contains("does not hang below an anchor") == true)
    }

    @Test func `under a renewed CA are found among two anchors of one name`() throws {
        let old = try TestCA()
        let new = try TestCA()
        let anchors = try TrustAnchors(certificates: [old.authority.certificate, new.authority.certificate])
        let certificate = try new.certificate(for: .generate(.p256))
        #expect(try anchors.issuer(of: certificate) == new.authority.certificate)
    }

    @Test func `with a changed octet do not verify`() throws {
        let ca = try TestCA()
        let anchors = try TrustAnchors(certificates: [ca.authority.certificate])
        let der = try ca.certificate(for: .generate(.p256)).der
        for offset in der.indices {
            var changed = der
            changed[offset] ^= 1
            guard let certificate = try? Certificate(der: changed) else { continue }
            #expect(throws: PKIError.self, "octet \(offset)") { try anchors.issuer(of: certificate) }
        }
    }

    @Test func `cut at any octet are refused`() throws {
        let der = try TestCA().certificate(for: .generate(.p256)).der
        for count in 0..<der.count {
            #expect(throws: PKIError.truncated("certificate")) { try Certificate(der: Array(der[..<count])) }
        }
        #expect(throws: PKIError.self) { try Certificate(der: der + [0]) }
    }

    @Test func `are summed up in aligned lines`() throws {
        let lines = try TestCA().certificate(for: .generate(.p256)).summary
        #expect(lines.contains("DSA            00112233-4455-6677-8899-aabbccddeeff"))
        #expect(lines.contains("may            digitalSignature, keyAgreement"))
        #expect(lines.contains("key            P-256"))
        #expect(
            lines.contains { $0.hasPrefix("purposes       mail protection, directory replication by mail") }
        )
    }

    @Test func `show control characters of a name as question marks`() throws {
        let stock = try StockOpenSSL()
        _ = try stock.run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -out c"
                + " -subj \"/O=a,CN=b/CN=$(printf 'x\\033[31m')\""
        )
        let certificate = try Certificate(pem: String(decoding: stock.read("c"), as: UTF8.self))
        #expect(certificate.subject == "CN=x?[31m,O=a?CN?b")
    }
}

@Suite struct `Serial numbers` {
    @Test func `are read from hexadecimal and ignore leading zeros`() {
        #expect(SerialNumber(hex: "0A:ff") == SerialNumber(octets: [0, 0x0a, 0xff]))
        #expect(SerialNumber(hex: "aff")?.description == "0aff")
        #expect(SerialNumber(octets: []).description == "00")
        #expect(SerialNumber(hex: "") == nil)
        #expect(SerialNumber(hex: "xy") == nil)
        #expect(SerialNumber(hex: String(repeating: "1", count: 41)) == nil)
    }
}

@Suite struct `The certificate authority` {
    @Test func `refuses values that do not belong into a certificate`() throws {
        let serial = try SecureRandom.octets(16)
        #expect(throws: PKIError.self) {
            try CertificateAuthority.create(
                commonName: "",
                forest: "reskit.example",
                serial: serial,
                at: TestCA.now
            )
        }
        #expect(throws: PKIError.self) {
            try CertificateAuthority.create(commonName: "CA", forest: "a..b", serial: serial, at: TestCA.now)
        }
        let authority = try TestCA().authority
        let request = try PrivateKey.generate(.p256).makeSigningRequest()
        var profile = TestCA.profile
        profile.dnsName = "x\u{0}y"
        #expect(throws: PKIError.self) {
            try authority.issue(to: profile, publicKeyOf: request, serial: serial, at: TestCA.now)
        }
        profile = TestCA.profile
        profile.validDays = 0
        #expect(throws: PKIError.self) {
            try authority.issue(to: profile, publicKeyOf: request, serial: serial, at: TestCA.now)
        }
        #expect(throws: PKIError.self) {
            try authority.issue(to: TestCA.profile, publicKeyOf: request, serial: [1], at: TestCA.now)
        }
    }

    @Test func `is taken up only with its own key and a CA's certificate`() throws {
        let ca = try TestCA()
        let other = try PrivateKey.generate(.p256)
        #expect(throws: PKIError.keyMismatch) {
            try CertificateAuthority(certificate: ca.authority.certificate, key: other)
        }
        let leaf = try ca.certificate(for: other)
        #expect(throws: PKIError.self) { try CertificateAuthority(certificate: leaf, key: other) }
        #expect(throws: PKIError.self) { try TrustAnchors(certificates: [leaf]) }
    }
}
