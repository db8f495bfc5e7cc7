import AdminAPI
import DomainController
import Foundation
import Identifiers
import PKI
import Testing

@Suite struct `Partners' certificates` {
    @Test(.timeLimit(.minutes(3)))
    func `an expired certificate beside a good one does not stop mail`() async throws {
        let two = try await TwoSites()
        let authority = try CertificateAuthority(
            certificate: Certificate(
                pem: String(contentsOfFile: two.hqData + "/pki/ca.crt", encoding: .utf8)
            ),
            key: PrivateKey(pem: String(contentsOfFile: two.hqData + "/pki/ca/ca.key", encoding: .utf8))
        )
        let request = try SigningRequest(
            pem: String(contentsOfFile: two.vanData + "/pki/dsa.csr", encoding: .utf8)
        )
        let van = try await two.van.status().dsaGUID
        let address = try #require(MailAddress("old@address.example"))
        let longAgo = DomainControllerService.systemTime().adding(days: -900)
        let expired = try authority.issue(
            to: DSACertificateProfile(dsaGUID: van, mailAddress: address, dnsName: "old.example"),
            publicKeyOf: request,
            serial: RandomSource.serial(),
            at: longAgo
        )
        try await two.hq.write(
            .modify(
                target: ObjectTarget(objectGUID: van),
                modifications: [
                    AttributeModification(
                        operation: .add,
                        name: "userCertificate",
                        values: [AttributeValue(expired.der)]
                    )
                ]
            )
        )
        try await two.start()
        #expect(try await two.converge())
        await two.stop()
    }
}
