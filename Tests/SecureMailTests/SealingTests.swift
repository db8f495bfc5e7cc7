import Identifiers
import SMTP
import Testing

@testable import PKI
@testable import SecureMail

/// HQ seals to Vancouver.
struct HQ {
    let forest: TestForest
    var protection: SMIMEProtection
    var membership: MembershipSnapshot
    var envelope: MessageEnvelope
    var addressing: MailAddressing
    var recipients: [Certificate]

    init(identity: TestForest.Identity = .hq, limits: SecureMailLimits = SecureMailLimits()) throws {
        forest = try TestForest()
        let pair = try forest.pair(identity)
        protection = try SMIMEProtection(ownCertificate: pair.certificate, ownKey: pair.key, limits: limits)
        membership = try forest.membership
        membership.ownDSA = TestForest.dsa(1)
        envelope = MailMaker(forest).envelope
        addressing = MailAddressing(
            from: try #require(MailAddress("_IsmService@hq.reskit.example")),
            to: try #require(MailAddress("_IsmService@van.reskit.example")),
            messageIDHeader: "1.2@hq.reskit.example",
            date: TestForest.now
        )
        recipients = [try forest.pair(.van).certificate]
    }

    func seal(_ payload: [UInt8] = MailMaker.payload) throws(SealError) -> [UInt8] {
        try protection.seal(
            payload,
            envelope: envelope,
            addressing: addressing,
            to: recipients,
            membership: membership
        )
    }

    /// As Vancouver opens it.
    func open(_ mail: [UInt8], at now: Timestamp = TestForest.now) throws -> OpenOutcome {
        try forest.protection().open(
            mail,
            membership: forest.membership,
            isCommitted: { _, _ in false },
            at: now
        )
    }
}

@Suite struct `Sealing` {
    @Test func `and opening give back payload and envelope`() throws {
        let hq = try HQ()
        let mail = try #require(try hq.open(hq.seal()).mail)
        #expect(mail.payload == MailMaker.payload)
        #expect(mail.envelope == hq.envelope)
        #expect(mail.signer == hq.protection.own.certificate)
        #expect(!mail.crlStale)
        #expect(!mail.wasWrapped)
    }

    @Test(arguments: [0, 1, 65_536, 65_537, 1_000_000])
    func `keeps payloads of every size, random ones too`(_ count: Int) throws {
        let hq = try HQ()
        let payload = try SecureRandom.octets(count)
        #expect(try hq.open(hq.seal(payload)).mail?.payload == payload)
    }

    @Test func `to a certificate and its successor opens with each key`() throws {
        var hq = try HQ()
        hq.recipients = try [.van, .vanRSA, .vanP384].map { try hq.forest.pair($0).certificate }
        let sealed = try hq.seal()
        for identity in [TestForest.Identity.van, .vanRSA, .vanP384] {
            let pair = try hq.forest.pair(identity)
            let protection = try SMIMEProtection(ownCertificate: pair.certificate, ownKey: pair.key)
            let outcome = protection.open(
                sealed,
                membership: try hq.forest.membership,
                isCommitted: { _, _ in false },
                at: TestForest.now
            )
            #expect(outcome.mail?.payload == MailMaker.payload, "\(identity)")
        }
    }

    @Test func `writes seven-bit lines of at most 78 octets with CRLF, and nothing of the content`() throws {
        let hq = try HQ()
        let mail = try hq.seal()
        #expect(mail.allSatisfy { $0 < 0x80 })
        let text = String(decoding: mail, as: UTF8.self)
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.utf8.count <= 78 && !$0.contains("\r") && !$0.contains("\n") })
        let header = try MIMEReader.findSealedPart(in: mail).header
        #expect(header.first("From") == "<_IsmService@hq.reskit.example>")
        #expect(header.first("To") == "<_IsmService@van.reskit.example>")
        #expect(header.first("Message-ID") == "<1.2@hq.reskit.example>")
        #expect(header.first("Subject") == "Intersite message \(hq.envelope.messageID)")
        #expect(header.first("Date") == "Wed, 25 Nov 2026 12:00:00 +0000")
        #expect(header.first("Auto-Submitted") == "auto-generated")
        #expect(header.first("X-Auto-Response-Suppress") == "All")
        #expect(!text.contains("usn ("))
    }

    @Test func `cuts a summary to one printable line`() throws {
        var hq = try HQ()
        hq.envelope.summary = "a\r\nBridgehead-From: x\u{1b}é" + String(repeating: "z", count: 1000)
        let summary = try #require(try hq.open(hq.seal()).mail).envelope.summary
        #expect(summary.hasPrefix("a??Bridgehead-From: x??zzz"))
        #expect(summary.utf8.count == 400)
    }

    @Test func `stops at the limits of payload and mail`() throws {
        var limits = SecureMailLimits()
        limits.payloadOctetsMax = 4000
        limits.sealedOctetsMax = 4000
        let hq = try HQ(limits: limits)
        #expect(throws: SealError.tooLarge(octets: 4001, octetsMax: 4000)) {
            try hq.seal([UInt8](repeating: 0, count: 4001))
        }
        #expect(throws: Never.self) { try hq.seal([UInt8](repeating: 0, count: 4000)) }
        for count in [3000, 4000] {
            let error = #expect(throws: SealError.self) { try hq.seal(SecureRandom.octets(count)) }
            guard case .tooLarge(let octets, 4000) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(octets > 4000)
        }
    }

    @Test func `stays within what the design says a mail costs`() throws {
        let payload = try SecureRandom.octets(1_000_000)
        let count = try HQ().seal(payload).count
        #expect(Double(count) < Double(payload.count) * 1.3685 + 4096)
    }
}

@Suite struct `Sealing refuses` {
    private func code(_ edit: (inout HQ) throws -> Void) throws -> OpenRefusal.Code? {
        var hq = try HQ()
        try edit(&hq)
        let error = #expect(throws: SealError.self) { try hq.seal() }
        guard case .recipient(let refusal) = error else {
            Issue.record("\(String(describing: error))")
            return nil
        }
        return refusal.code
    }

    private func recipient(_ identity: TestForest.Identity) throws -> OpenRefusal.Code? {
        try code {
            $0.recipients = [try $0.forest.pair(identity).certificate]
            $0.envelope.to = identity.dsa
        }
    }

    @Test func `certificates that may not receive`() throws {
        #expect(try recipient(.foreign) == .foreignCA)
        #expect(try recipient(.revoked) == .revoked)
        #expect(try recipient(.wrongEKU) == .wrongEKU)
        #expect(try recipient(.noEKU) == .wrongEKU)
        #expect(try recipient(.short) == .certificateDates)
        #expect(try recipient(.disabled) == .disabled)
        #expect(try recipient(.tombstoned) == .tombstoned)
    }

    @Test func `the certificate of another DSA, also as second recipient`() throws {
        #expect(try code { $0.recipients = [try $0.forest.pair(.third).certificate] } == .wrongTo)
        #expect(try code { $0.recipients.append(try $0.forest.pair(.third).certificate) } == .wrongTo)
    }

    @Test func `a certificate that is not valid yet`() throws {
        var hq = try HQ()
        hq.recipients = [try hq.forest.pair(.early).certificate]
        #expect(throws: SealError.recipientNotYetValid(hq.recipients[0].notBefore)) { try hq.seal() }
    }

    @Test func `no recipient and five of them`() throws {
        var hq = try HQ()
        hq.recipients = []
        #expect(throws: SealError.recipients(count: 0)) { try hq.seal() }
        hq.recipients = Array(repeating: try hq.forest.pair(.van).certificate, count: 5)
        #expect(throws: SealError.recipients(count: 5)) { try hq.seal() }
    }

    @Test func `envelopes that the partner would refuse`() throws {
        let edits: [(inout HQ) -> Void] = [
            { $0.envelope.forest = TestForest.dsa(9) },
            { $0.envelope.from = TestForest.dsa(3) },
            { $0.envelope.service = "Two Words" },
            { $0.envelope.service = "" },
            { $0.envelope.expires = $0.envelope.created.adding(seconds: -1) },
            { $0.envelope.expires = $0.envelope.created.adding(seconds: 180 * 86_400 + 1) },
            { $0.addressing.messageIDHeader = "a@b>\r\nBcc: c@d" },
            { $0.addressing.messageIDHeader = "" },
        ]
        for (index, edit) in edits.enumerated() {
            var hq = try HQ()
            edit(&hq)
            let error = #expect(throws: SealError.self, "edit \(index)") { try hq.seal() }
            guard case .envelope = error else {
                Issue.record("edit \(index): \(String(describing: error))")
                continue
            }
        }
    }

    @Test func `to speak with a certificate that has ended`() throws {
        let error = #expect(throws: SealError.self) { try HQ(identity: .short).seal() }
        guard case .sender(let refusal) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(refusal.code == .certificateDates)
    }

    @Test func `a key that is not the certificate's`() throws {
        let forest = try TestForest()
        #expect(throws: PKIError.keyMismatch) {
            try SMIMEProtection(ownCertificate: forest.pair(.hq).certificate, ownKey: forest.pair(.van).key)
        }
    }
}
