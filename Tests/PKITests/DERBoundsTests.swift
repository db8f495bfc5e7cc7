import Testing

@testable import PKI

@Suite struct `DER bounds` {
    private func check(_ bytes: [UInt8], _ bounds: DERBounds = .message) throws {
        try bounds.check(bytes[...], what: "it")
    }

    @Test func `let well-formed elements pass`() throws {
        try check([0x30, 0])
        try check([0x30, 3, 0x02, 1, 5])
        try check([0x30, 4, 0x30, 0, 0x30, 0])
        try check([0x04, 0x81, 0x80] + [UInt8](repeating: 0, count: 128))
    }

    @Test(arguments: [
        [], [0x30], [0x30, 1], [0x30, 0x81], [0x30, 0x82, 1], [0x04, 0x84, 0x7f, 0xff, 0xff, 0xff],
        [0x04, 0x84, 0xff, 0xff, 0xff, 0xff],
    ])
    func `call what ends early cut short`(_ bytes: [UInt8]) {
        #expect(throws: PKIError.truncated("it")) { try check(bytes) }
    }

    @Test(arguments: [
        [0x30, 0x80, 0, 0],  // indefinite
        [0x30, 0x81, 0x7f],  // not minimal
        [0x30, 0x82, 0, 0x80],
        [0x30, 0x85, 0, 0, 0, 0, 0],  // five length octets
        [0x30, 0xff],
        [0x1f, 0x81, 1, 0],  // long tag
        [0x30, 0, 0],  // octets behind
        [0x30, 2, 0x04, 1],  // child over its parent
        [0x30, 1, 0x04],
        [0x30, 3, 0x30, 2, 0x05],
    ])
    func `refuse everything else`(_ bytes: [UInt8]) {
        let error = #expect(throws: PKIError.self) { try check(bytes) }
        guard case .malformed = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `stop at depth, count and size`() {
        var nested: [UInt8] = [0x05, 0]
        for _ in 0..<10_000 { nested = DERWriter.sequence(nested) }
        #expect(throws: PKIError.malformed("it nests over 24 deep")) { try check(nested) }
        let many = DERWriter.sequence([UInt8](repeating: 0, count: 100_000))
        #expect(throws: PKIError.malformed("it has over 4000 elements")) { try check(many) }
        let small = DERBounds(octetsMax: 10, elementsMax: 10, depthMax: 10)
        #expect(throws: PKIError.tooLarge(what: "it", octets: 100_005, octetsMax: 10)) {
            try check(many, small)
        }
    }

    @Test func `agree with the writer on every length`() throws {
        for count in [0, 1, 127, 128, 255, 256, 65_535, 65_536, 1 << 20] {
            try check(DERWriter.octetString([UInt8](repeating: 7, count: count)))
        }
        #expect(DERWriter.integer(0) == [2, 1, 0])
        #expect(DERWriter.integer(128) == [2, 2, 0, 128])
        #expect(DERWriter.objectIdentifier(OID.ecPublicKey) == [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1])
    }
}

@Suite struct `The walk over messages` {
    @Test func `refuses hostile octets quickly`() {
        var nested: [UInt8] = [0x05, 0]
        for _ in 0..<10_000 { nested = DERWriter.sequence(nested) }
        let hostile: [[UInt8]] = [
            [], [0], nested, [0x30, 0x84, 0x80, 0, 0, 0], [UInt8](repeating: 0x30, count: 1 << 20),
            [UInt8](repeating: 0xff, count: 1 << 20),
            DERWriter.sequence([UInt8](repeating: 0, count: 1 << 20)),
        ]
        for bytes in hostile {
            #expect(throws: CMSFault.self) { try CMSWalk.authEnveloped(bytes) }
            #expect(throws: CMSFault.self) { try CMSWalk.signed(bytes) }
        }
    }

    @Test func `passes what we make, and only in its place`() throws {
        let ca = try TestCA()
        for algorithm in [KeyAlgorithm.p256, .p384, .rsa(2048)] {
            let key = try PrivateKey.generate(algorithm)
            let certificate = try ca.certificate(for: key)
            let signed = try CMS.sign([1, 2, 3], certificate: certificate, key: key, at: TestCA.now)
            try CMSWalk.signed(signed)
            let sealed = try CMS.encrypt(signed, to: [certificate])
            #expect(
                try CMSWalk.authEnveloped(sealed).recipients == [certificate.subjectKeyIdentifier]
            )
            #expect(throws: CMSFault.self) { try CMSWalk.authEnveloped(signed) }
            #expect(throws: CMSFault.self) { try CMSWalk.signed(sealed) }
            let back = try CMS.verify(CMS.decrypt(sealed, certificate: certificate, key: key))
            #expect(back.content == [1, 2, 3])
            #expect(back.signer == certificate)
        }
    }

    @Test func `passes an empty content and one with line ends of every kind`() throws {
        let ca = try TestCA()
        let key = try PrivateKey.generate(.p256)
        let certificate = try ca.certificate(for: key)
        for content in [[], Array("a\nb\r\nc\r\u{0}".utf8)] {
            let signed = try CMS.sign(content, certificate: certificate, key: key, at: TestCA.now)
            #expect(try CMS.verify(signed).content == content)
            let sealed = try CMS.encrypt(content, to: [certificate])
            #expect(try CMS.decrypt(sealed, certificate: certificate, key: key) == content)
        }
    }

    @Test func `leaves a wrong key and a wrong recipient to decryption`() throws {
        let ca = try TestCA()
        let key = try PrivateKey.generate(.p256)
        let certificate = try ca.certificate(for: key)
        let sealed = try CMS.encrypt([1], to: [certificate])
        #expect(throws: CMSFault.altered) {
            try CMS.decrypt(sealed, certificate: certificate, key: .generate(.p256))
        }
    }
}
