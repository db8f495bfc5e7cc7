import AdminAPI
import DirectoryModel
import Foundation
import Identifiers
import Store
import Testing

@testable import DomainController
@testable import InterSiteMessaging
@testable import PKI
@testable import Replication
@testable import SMTP
@testable import SecureMail

/// Mail that must change nothing, in a DSA that runs: one file in Badmail with its reason, one event, one counter.
@Suite(.serialized, .timeLimit(.minutes(10))) struct `Hostile mail at a running DSA` {
    private static let docks = "CN=Docks,CN=Services,\(TwoSites.configuration)"

    private func converged() async throws -> (two: TwoSites, docks: GUID) {
        let two = try await TwoSites()
        try await two.start()
        #expect(try await two.converge())
        let written = try await two.hq.originate(
            WriteRequest(operations: [
                .add(Self.docks, ["objectClass": ["container"], "cn": ["Docks"], "description": ["here"]])
            ])
        )
        #expect(try await two.converge())
        return (two, try #require(written.results.first?.objectGUID))
    }

    /// What must not change: every stamp, vector and cursor.
    private struct State: Hashable {
        let dump: String
        /// Without the times of own entries, which are now.
        let cursors: [String]
        let usn: USN
    }

    private func state(_ two: TwoSites) async throws -> State {
        State(
            dump: try await two.dump(two.van),
            cursors: try await two.van.replicationCursors().namingContexts.map { context in
                let vector = context.vector.map { "\($0.invocationID) \($0.usn)" }
                let sources = context.sources.map {
                    "\($0.dsaGUID) \($0.received) \($0.newestAdopted ?? .zero)"
                }
                return "\(context.objectGUID) \(vector) \(sources)"
            },
            usn: try await two.van.store.snapshot { try $0.highestUSN() }
        )
    }

    private func badmail(_ service: DomainControllerService) async throws -> [MailFileReply] {
        try await service.mailList(MailListQuery(folder: "Badmail"))
    }

    /// What waits to be sent, beside requests by schedule.
    private func answers(of service: DomainControllerService) async throws -> [String] {
        try await service.mailList(MailListQuery(folder: "Queue")).filter {
            $0.summary?.hasPrefix("request ") != true
        }.map(\.id).sorted()
    }

    @Test func `is refused with its own reason, and the next good mail is applied`() async throws {
        let (two, docks) = try await converged()
        let forger = try await Forger(two, docks)
        let van = two.van
        // Requests by schedule would move cursors meanwhile.
        try await van.setRoute(to: "HQ-RES-DC-01", port: 1)
        try await two.hq.setRoute(to: "BR3-VAN-DC-01", port: 1)
        await two.stop(two.hq)
        let before = try await state(two)
        let answered = try await answers(of: van)
        var codes: [String] = []
        for (name, code, mail) in try forger.mails() {
            let counted = try await van.status().eventCounts["mail-refused"] ?? 0
            let files = try await badmail(van)
            let events = van.eventHub.events()
            try await van.drop(mail)
            for await event in events where event.kind == "mail-refused" {
                #expect(event.text.contains("refused (\(code)): "), "\(name): \(event.text)")
                break
            }
            let now = try await badmail(van)
            let new = now.filter { file in !files.contains { $0.id == file.id } }
            #expect(new.count == 1 && new.first?.lastReply?.hasPrefix("\(code): ") == true, "\(name)")
            #expect(try await van.status().eventCounts["mail-refused"] == counted + 1, "\(name)")
            codes.append(code)
        }
        let after = try await state(two)
        #expect(after == before)
        #expect(try await van.read(Self.docks)["description"] == ["here"])
        #expect(Set(codes).count >= 9)
        // Nobody was answered.
        #expect(try await answers(of: van) == answered)

        let copy = two.folder.path + "/hq-again"
        try FileManager.default.copyItem(atPath: two.hqData, toPath: copy)
        try await two.replaceHQ(copy)
        try await two.start(two.hq)
        try await two.connect()
        try await two.hq.write(.change(Self.docks, .replace, "description", "good"))
        #expect(try await two.converge())
        #expect(try await van.read(Self.docks)["description"] == ["good"])
        await two.stop()
    }

    @Test func `a good mail a hundred times is applied once`() async throws {
        let (two, docks) = try await converged()
        let forger = try await Forger(two, docks)
        let van = two.van
        await two.stop(two.hq)
        let mail = try forger.mail()
        let events = van.eventHub.events()
        try await van.drop(mail)
        for await event in events where event.kind == "mail-committed" { break }
        #expect(try await van.read(Self.docks)["description"] == ["forged"])
        let before = try await state(two)
        let again = van.eventHub.events()
        for _ in 1..<100 { try await van.drop(mail) }
        for await event in again where event.kind == "mail-duplicate" {
            if try await van.status().eventCounts["mail-duplicate"] ?? 0 >= 99 { break }
        }
        #expect(try await van.status().eventCounts["mail-duplicate"] == 99)
        let after = try await state(two)
        #expect(after.dump == before.dump && after.usn == before.usn)
        await two.stop(van)
    }

    @Test func `a partner whose clock is ahead is told of, once an hour, and until it is right`() async throws
    {
        let (two, _) = try await converged()
        let (van, hq) = (two.van, two.hq.store.identity.dsaGUID)
        let poke = ReplicationMessage.poke(
            Poke(
                header: await two.hq.agent.messageHeader(van.partners.current.configurationContext.guid),
                usn: .zero
            )
        )
        func receive(ahead seconds: Int64) async throws {
            let created = van.now().adding(seconds: seconds)
            let message = ReceivedMessage(
                id: RandomSource.guid(),
                inReplyTo: nil,
                service: "replication",
                sender: hq,
                payload: ReplicationCodec.encode(poke),
                created: created,
                expires: created.adding(days: 30),
                summary: "poke",
                transport: "test",
                isCRLStale: false,
                fileID: "Drop/poke"
            )
            try await van.agent.receive(message)
        }
        try await receive(ahead: 290)
        #expect(van.eventHub.counts["clockAhead"] == nil)
        try await receive(ahead: 400)
        try await receive(ahead: 500)
        #expect(van.eventHub.counts["clockAhead"] == 1)
        #expect(try await van.replicationNeighbors().alarms.map(\.kind) == ["clockAhead"])
        // A late mail says nothing about clocks.
        try await receive(ahead: -90_000)
        #expect(try await van.replicationNeighbors().alarms.map(\.kind) == ["clockAhead"])
        try await receive(ahead: 0)
        #expect(try await van.replicationNeighbors().alarms.isEmpty)
        await two.stop()
    }
}

extension DomainControllerService {
    /// Puts a mail into Drop as the listener does, so that nothing waits for more of it.
    fileprivate func drop(_ mail: [UInt8]) async throws {
        let spool = try await mailRoot.beginDrop()
        try await mailRoot.append(mail, to: spool)
        try await mailRoot.commitDrop(spool)
    }
}

/// Makes mail for Vancouver as HQ's program would, every step of which can be made wrong.
private struct Forger {
    private let hq: KeyPair
    private let van: KeyPair
    private let other: KeyPair
    private let stranger: KeyPair
    private let otherDSA: GUID
    private let envelope: MessageEnvelope
    private let payload: [UInt8]
    private let now: Timestamp

    init(_ two: TwoSites, _ docks: GUID) async throws {
        func pair(_ data: String) throws -> KeyPair {
            try KeyPair(
                certificate: try Certificate(
                    pem: String(contentsOfFile: data + "/pki/dsa.crt", encoding: .utf8)
                ),
                key: try PrivateKey(pem: String(contentsOfFile: data + "/pki/dsa.key", encoding: .utf8))
            )
        }
        (hq, van, now) = (try pair(two.hqData), try pair(two.vanData), two.van.now())
        _ = try await two.hq.addDomain(
            DomainAddRequest(dnsName: "tokyo.reskit.example", serverName: "BR4-TOK-DC-01", siteName: "Tokyo")
        )
        let key = try PrivateKey.generate(.p256)
        let signed = try await two.hq.signRequest(
            SignRequest(signingRequestPEM: try key.makeSigningRequest().pem, dsa: "BR4-TOK-DC-01")
        )
        other = try KeyPair(certificate: Certificate(pem: signed.certificatePEM), key: key)
        #expect(try await two.converge())
        let view = two.van.partners.current
        otherDSA = try #require(view.dsas.first { $0.serverName == "BR4-TOK-DC-01" }).dsaGUID
        let (hqGUID, vanGUID) = (two.hq.store.identity.dsaGUID, two.van.store.identity.dsaGUID)
        stranger = try Self.stranger(hqGUID, like: view, at: now)
        envelope = MessageEnvelope(
            forest: view.forest,
            from: hqGUID,
            to: vanGUID,
            messageID: RandomSource.guid(),
            service: "replication",
            created: now.adding(seconds: -60),
            expires: now.adding(days: 30),
            summary: "changes"
        )
        payload = ReplicationCodec.encode(.reply(try await Self.part(two, docks)))
    }

    /// Of a CA that calls itself what the enterprise CA is called, for HQ's names.
    private static func stranger(_ dsa: GUID, like view: ConfigurationView, at now: Timestamp) throws
        -> KeyPair
    {
        let authority = try CertificateAuthority.create(
            commonName: "RESKIT Enterprise CA",
            forest: "reskit.example",
            serial: RandomSource.serial(),
            at: now.adding(seconds: -3_600)
        )
        let key = try PrivateKey.generate(.p256)
        let own = try #require(view.dsa(dsa))
        let certificate = try authority.issue(
            to: DSACertificateProfile(
                dsaGUID: dsa,
                mailAddress: own.mailAddress,
                dnsName: "hq-res-dc-01.reskit.example"
            ),
            publicKeyOf: try key.makeSigningRequest(),
            serial: RandomSource.serial(),
            at: now.adding(seconds: -3_600)
        )
        return try KeyPair(certificate: certificate, key: key)
    }

    /// A sound part of HQ with one newer value.
    private static func part(_ two: TwoSites, _ docks: GUID) async throws -> ChangesReply {
        let context = two.van.partners.current.configurationContext.guid
        let time = two.van.now()
        var part = ChangesReply(
            header: await two.hq.agent.messageHeader(context),
            requestID: RandomSource.guid(),
            interval: USNInterval(from: USN(1 << 30), to: USN(1 << 30 + 1)),
            asOf: USN(1 << 31),
            vector: try await two.van.store.snapshot { try $0.vector(of: context, at: time) },
            cutFor: .full,
            partNumber: 1,
            isLast: true
        )
        part.vector[two.van.store.identity.invocationID] = nil
        part.attributes = [try #require(two.hq.store.schema.attribute(named: "description")).oid]
        let stamp = Stamp(
            version: 5,
            time: two.hq.startedAt,
            invocationID: two.hq.store.identity.invocationID,
            originatingUSN: USN(1)
        )
        let value = ReplicatedAttribute(attribute: 0, stamp: stamp, values: [Array("forged".utf8)])
        part.objects = [ReplicatedObject(objectGUID: docks, attributes: [value])]
        return part
    }

    func mail(
        signer: KeyPair? = nil,
        _ edit: (inout MessageEnvelope) -> Void = { _ in }
    ) throws -> [UInt8] {
        Self.message(try CMS.encrypt(signed(signer, edit), to: [van.certificate]))
    }

    private func signed(_ signer: KeyPair?, _ edit: (inout MessageEnvelope) -> Void) throws -> [UInt8] {
        var envelope = envelope
        edit(&envelope)
        let signer = signer ?? hq
        let packed = try Compression.deflate(payload, ratioMax: 200)
        let entity = MIMEWriter.entity(fields: EnvelopeFields.write(envelope), body: packed)
        return try CMS.sign(entity, certificate: signer.certificate, key: signer.key, at: envelope.created)
    }

    private static func message(_ sealed: [UInt8]) -> [UInt8] {
        MIMEWriter.message(
            fields: [
                ("From", "<_IsmService@hq.reskit.example>"), ("To", "<_IsmService@van.reskit.example>"),
                ("Subject", "Intersite message"), ("MIME-Version", "1.0"),
                ("Content-Type", "application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m"),
                ("Content-Transfer-Encoding", "base64"),
            ],
            base64Body: sealed
        )
    }

    /// Bad mails with the code that each must earn.
    func mails() throws -> [(name: String, code: String, mail: [UInt8])] {
        let good = try mail()
        let report = """
            From: <MAILER-DAEMON@relay.example>\r\nTo: <_IsmService@van.reskit.example>\r\nAuto-Submitted: auto-replied\r
            Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\ngone\r\n--b--\r\n
            """
        let lineEnd = (good[..<(good.count * 2 / 3)].lastIndex(of: 0x0a) ?? 0) + 1
        let letters = good.indices.filter { good[$0] > 0x40 }
        var flipped = good
        flipped[letters[letters.count / 2]] ^= 0x01
        let toOther = try CMS.encrypt(signed(nil) { $0.to = otherDSA }, to: [other.certificate])
        return [
            ("unsigned text from a partner", "not-ours", Array("From: <hq@x>\r\n\r\nchanges\r\n".utf8)),
            ("a delivery report", "not-ours", Array(report.utf8)),
            ("signed and not encrypted", "algorithm", Self.message(try signed(nil) { _ in })),
            ("another CA of the same name", "foreign-ca", try mail(signer: stranger)),
            ("another member as the partner", "wrong-from", try mail(signer: other)),
            ("our own mail back", "wrong-to", try mail(signer: van) { ($0.from, $0.to) = ($0.to, $0.from) }),
            ("mail for another, passed on", "wrong-to", try mail { $0.to = otherDSA }),
            ("mail for another, as it was", "no-key", Self.message(toOther)),
            ("another forest", "wrong-forest", try mail { $0.forest = RandomSource.guid() }),
            ("past its time", "expired", try mail { $0.expires = now.adding(seconds: -1) }),
            ("cut", "truncated", Array(good.prefix(lineEnd))),
            ("one bit flipped", "altered", flipped),
        ]
    }
}
