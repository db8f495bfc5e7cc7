import Testing

@testable import PKI

@Suite struct `Private keys` {
    @Test(arguments: [KeyAlgorithm.p256, .p384, .rsa(2048)])
    func `survive PEM, DER and openssl`(_ algorithm: KeyAlgorithm) throws {
        let key = try PrivateKey.generate(algorithm)
        #expect(try PrivateKey(pem: key.pem).publicKey == key.publicKey)
        #expect(try PrivateKey(der: key.der).publicKey == key.publicKey)
        let stock = try StockOpenSSL()
        try stock.write(try key.pem, "key")
        #expect(try stock.run("openssl pkey -in key -check -noout").status == 0)
    }

    @Test func `of openssl's own forms are read`() throws {
        let stock = try StockOpenSSL()
        _ = try stock.run("openssl ecparam -name prime256v1 -genkey -noout -out sec1")
        _ = try stock.run("openssl genrsa -traditional -out pkcs1 2048")
        #expect(
            try PrivateKey(pem: String(decoding: stock.read("sec1"), as: UTF8.self)).publicKey.kind == .p256
        )
        #expect(
            try PrivateKey(pem: String(decoding: stock.read("pkcs1"), as: UTF8.self)).publicKey.kind
                == .rsa(2048)
        )
    }

    @Test func `that are weak, encrypted or damaged are refused`() throws {
        let stock = try StockOpenSSL()
        _ = try stock.run("openssl genrsa -out weak 1024")
        _ = try stock.run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out curve")
        _ = try stock.run("openssl genpkey -algorithm RSA -aes256 -pass pass:secret -out locked")
        _ = try stock.run("openssl genpkey -algorithm ED25519 -out other")
        for name in ["weak", "curve", "locked", "other"] {
            let pem = String(decoding: try stock.read(name), as: UTF8.self)
            #expect(throws: PKIError.self, "\(name)") { try PrivateKey(pem: pem) }
        }
        #expect(throws: PKIError.self) { try PrivateKey(pem: "") }
        #expect(throws: PKIError.self) { try PrivateKey(der: [0x30, 0x80, 0, 0]) }
        #expect(throws: PKIError.weakKey("an RSA key of 1024 bits")) { try PrivateKey.generate(.rsa(1024)) }
    }

    @Test func `describe failures without a word of the key`() throws {
        let pem = try PrivateKey.generate(.p256).pem
        let cut = String(pem.prefix(120))
        let error = #expect(throws: PKIError.self) { try PrivateKey(pem: cut) }
        #expect(error?.description == "no PEM block \"PRIVATE KEY\" found")
    }
}

@Suite struct `Signing requests` {
    @Test func `are proven by their own key, and openssl agrees`() throws {
        let request = try PrivateKey.generate(.p256).makeSigningRequest()
        let stock = try StockOpenSSL()
        try stock.write(request.pem, "csr")
        #expect(try stock.run("openssl req -in csr -verify -noout").output.contains("OK"))
        #expect(try SigningRequest(pem: request.pem) == request)
    }

    @Test func `of openssl with any subject are read for their key alone`() throws {
        let stock = try StockOpenSSL()
        _ = try stock.run(
            "openssl req -new -newkey rsa:2048 -nodes -keyout k -out csr -subj /CN=Administrator"
                + " -addext basicConstraints=critical,CA:TRUE"
        )
        let request = try SigningRequest(pem: String(decoding: stock.read("csr"), as: UTF8.self))
        let certificate = try TestCA().authority.issue(
            to: TestCA.profile,
            publicKeyOf: request,
            serial: SecureRandom.octets(16),
            at: TestCA.now
        )
        #expect(certificate.subject == "")
        #expect(!certificate.isCA)
        #expect(certificate.keyUsage == [.digitalSignature, .keyEncipherment])
    }

    @Test func `with a changed key or signature, or a weak key, are refused`() throws {
        let request = try PrivateKey.generate(.p256).makeSigningRequest()
        for offset in [request.der.count - 5, request.der.count / 2] {
            var der = request.der
            der[offset] ^= 1
            #expect(throws: PKIError.self) { try SigningRequest(der: der) }
        }
        let stock = try StockOpenSSL()
        _ = try stock.run("openssl req -new -newkey rsa:1024 -nodes -keyout k -out csr -subj /CN=x")
        let pem = String(decoding: try stock.read("csr"), as: UTF8.self)
        #expect(throws: PKIError.weakKey("the certificate request has an RSA key of 1024 bits")) {
            try SigningRequest(pem: pem)
        }
    }
}
