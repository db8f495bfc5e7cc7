import AdminAPI
import Foundation
import Identifiers
import PKI
import Replication
import Store
import Testing

@testable import DomainController

@Suite struct `Joining by media and by mail alone` {
    private func people(_ count: Int) -> @Sendable (DomainControllerService) async throws -> Void {
        { hq in
            for number in 0..<count {
                try await hq.write(
                    .add(
                        "CN=Person \(number),DC=reskit,DC=example",
                        ["objectClass": ["inetOrgPerson"], "cn": ["Person \(number)"], "sn": ["P"]]
                    )
                )
            }
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `media brings schema, configuration and the domain; mail brings the rest`() async throws {
        let sites = try await TwoSites(joining: .byMedia, prepare: people(20))
        let last = ObjectTarget(dn: "CN=Person 19,DC=reskit,DC=example")
        #expect(try await sites.van.object(ObjectQuery(target: last)).standing == "placed")
        for context in try await sites.van.replicationCursors().namingContexts {
            let name = context.namingContext
            #expect(!context.vector.isEmpty, "\(name) joined")
        }
        try await sites.hq.write(
            .change("CN=Person 3,DC=reskit,DC=example", .replace, "sn", "Newer")
        )
        try await sites.start()
        #expect(try await sites.converge())
        await sites.stop()
    }

    @Test(.timeLimit(.minutes(5)))
    func `a join file without media: everything comes by mail, in parts`() async throws {
        let sites = try await TwoSites(partOctetsMax: 16 << 10, joining: .byMail, prepare: people(20))
        let target = ObjectTarget(dn: "CN=Person 19,DC=reskit,DC=example")
        await #expect(throws: AdminError.self) {
            _ = try await sites.van.object(ObjectQuery(target: target))
        }
        let before = try await sites.van.status().namingContexts
        #expect(before.first { $0.role == "schema" }?.objects == 0)
        try await sites.start()
        #expect(try await sites.converge(rounds: 20))
        #expect(try await sites.van.object(ObjectQuery(target: target)).standing == "placed")
        for reply in [try await sites.van.replicationCursors(), try await sites.hq.replicationCursors()] {
            for context in reply.namingContexts where context.sources.isEmpty == false {
                #expect(context.sources.allSatisfy { $0.newestAdopted != nil }, "\(context.namingContext)")
            }
        }
        let applied = try await sites.van.status().eventCounts["applied"] ?? 0
        #expect(applied > 8, "schema and configuration do not fit into one part of 16 KiB each")
        await sites.stop()
    }

    @Test func `what is no media of this forest is refused, and nothing is written`() async throws {
        let sites = try await TwoSites()
        let joinFile = try await prepareDSA(at: sites.hq)
        let path = try await sites.hq.writeMedia(in: sites.folder)
        let good = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try MediaSummary(path: path).header.namingContexts.map(\.isPartial) == [false, false, true])

        for cut in [0, 1, 18, 20, 40, good.count / 2, good.count - 300, good.count - 1] {
            #expect(try await code(joinFile, good.prefix(cut), in: sites.folder) == "mediaDamaged", "\(cut)")
        }
        #expect(try await code(joinFile, good + Data([0]), in: sites.folder) == "mediaDamaged")
        for place in stride(from: 23, to: good.count, by: max(1, good.count / 40)) {
            var altered = good
            altered[place] ^= 0x10
            let found = try await code(joinFile, altered, in: sites.folder)
            #expect(
                ["mediaDamaged", "mediaOfOtherForest", "mediaNotTrusted"].contains(found),
                "\(place) \(found)"
            )
        }
        var version = good
        version[17] = 0x39
        #expect(try await code(joinFile, version, in: sites.folder) == "mediaVersion")
        #expect(try await code(joinFile, try stranger(good), in: sites.folder) == "mediaNotTrusted")
        let other = try await TwoSites()
        let foreign = try Data(
            contentsOf: URL(fileURLWithPath: try await other.hq.writeMedia(in: other.folder))
        )
        #expect(try await code(joinFile, foreign, in: sites.folder) == "mediaOfOtherForest")
        let now = DomainControllerService.systemTime()
        let late = try await code(joinFile, good, in: sites.folder, at: now.adding(days: 181))
        #expect(late == "mediaTooOld")
        let early = try await code(joinFile, good, in: sites.folder, at: now.adding(days: -2))
        #expect(early == "mediaAhead" || early == "mediaNotTrusted")
        #expect(try await code(joinFile, nil, in: sites.folder, at: now.adding(days: 181)) == "mediaTooOld")
        #expect(try await code(joinFile, good, in: sites.folder) == "no error")
    }

    @Test func `media is made of what is held in full only`() async throws {
        let sites = try await TwoSites()
        await #expect(throws: AdminError.self) {
            _ = try await sites.hq.writeMedia(in: sites.folder, "DC=vancouver,DC=reskit,DC=example")
        }
        await #expect(throws: AdminError.self) {
            _ = try await sites.hq.writeMedia(in: sites.folder, "DC=nowhere,DC=example")
        }
        let domain = try await sites.hq.writeMedia(in: sites.folder, TwoSites.root)
        #expect(try MediaSummary(path: domain).header.namingContexts.map(\.dn) == [TwoSites.root])
    }

    @Test func `media has more parts than one answer may have`() async throws {
        let sites = try await TwoSites()
        let view = sites.hq.partners.current
        var cutting = MediaWriter(store: sites.hq.store, partialAttributes: view.partialAttributes)
        cutting.partObjects = 1
        let writer = cutting
        let schema = try #require(view.heldContext(view.schemaContext.guid))
        let now = DomainControllerService.systemTime()
        let (parts, usn) = try await sites.hq.store.snapshot { snapshot in
            var parts: [ChangesReply] = []
            try writer.parts(of: [schema], in: snapshot, at: now, requestID: RandomSource.guid()) {
                parts.append(try MediaFile.part($0, "memory"))
            }
            return (parts, try snapshot.highestUSN())
        }
        #expect(parts.count > SourceCycle.creditMax)
        #expect(parts.map(\.interval.from) == [.zero] + parts.map(\.interval.to).dropLast())
        #expect(parts.last?.interval.to == usn && parts.allSatisfy { $0.asOf == usn })
        #expect(Set(parts.flatMap { $0.objects.map(\.objectGUID) }).count >= 358)
    }

    @Test func `a domain's media completes a join file that has the rest`() async throws {
        let sites = try await TwoSites(prepare: people(3))
        let joinFile = try await prepareDSA(at: sites.hq, media: nil)
        let media = try await sites.hq.writeMedia(in: sites.folder, TwoSites.root)
        let data = sites.folder.appendingPathComponent("tok").path
        let alone = try await Join(joinFile: Array(joinFile.utf8), dataDirectory: data + "2")
            .run(log: TwoSites.log, at: DomainControllerService.systemTime())
        let joined = try await Join(joinFile: Array(joinFile.utf8), dataDirectory: data, media: media)
            .run(log: TwoSites.log, at: DomainControllerService.systemTime())
        #expect(joined.objects >= alone.objects + 3)
    }

    // MARK: - Joining a third DSA that never runs

    private func prepareDSA(at hq: DomainControllerService, media: Bool? = false) async throws -> String {
        try await hq.addDomain(
            DomainAddRequest(
                dnsName: "tokyo.reskit.example",
                serverName: "BR4-TOK-DC-01",
                siteName: "Tokyo",
                media: media
            )
        ).joinFile
    }

    private func code(
        _ joinFile: String,
        _ media: Data?,
        in folder: URL,
        at now: Timestamp = DomainControllerService.systemTime()
    ) async throws -> String {
        let data = folder.appendingPathComponent("tokyo").path
        let path = folder.appendingPathComponent("tokyo.media")
        try media?.write(to: path)
        defer { try? FileManager.default.removeItem(atPath: data) }
        do {
            _ = try await Join(
                joinFile: Array(joinFile.utf8),
                dataDirectory: data,
                media: media == nil ? nil : path.path
            ).run(log: TwoSites.log, at: now)
            return "no error"
        } catch {
            #expect(!FileManager.default.fileExists(atPath: data), "\(error)")
            return AdminError(error).code
        }
    }

    /// The same octets, signed by somebody with a certificate of another CA of the same name.
    private func stranger(_ media: Data) throws -> Data {
        var end = MediaFormat.magic.count
        while true {
            let length = media[end..<end + 4].reduce(0) { $0 << 8 | Int($1) }
            end += 4 + length
            if length == 0 { break }
        }
        let now = DomainControllerService.systemTime()
        let authority = try CertificateAuthority.create(
            commonName: "RESKIT Enterprise CA",
            forest: "reskit.example",
            serial: RandomSource.serial(),
            at: now
        )
        let key = try PrivateKey.generate(.p256)
        let certificate = try authority.issue(
            to: DSACertificateProfile(
                dsaGUID: RandomSource.guid(),
                mailAddress: try #require(MailAddress("x@y.example")),
                dnsName: "y.example"
            ),
            publicKeyOf: try key.makeSigningRequest(),
            serial: RandomSource.serial(),
            at: now
        )
        let signed = MediaFormat.signed(Digest.sha256(Array(media[..<end])))
        let signature = try CMS.sign(signed, certificate: certificate, key: key, at: now)
        return media[..<end] + Data(MediaFormat.frame(signature))
    }
}
