import AdminAPI
import DomainController
import Foundation
import Identifiers
import PKI
import Testing

@Suite struct `Making DSAs` {
    private static func temporary() throws -> URL {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("provisioning-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    private static func forest(in folder: URL, named name: String = "reskit.example") async throws -> String {
        let data = folder.appendingPathComponent("hq").path
        _ = try await ForestCreation(
            forestName: name,
            serverName: "HQ-RES-DC-01",
            siteName: "Headquarters",
            dataDirectory: data,
            mailAddress: nil,
            caName: nil
        ).run(log: TwoSites.log, at: DomainControllerService.systemTime())
        return data
    }

    private func code(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "no error"
        } catch { return AdminError(error).code }
    }

    @Test(arguments: ["reskit", "", "-a.example", "a..example", "ä.example", "a b.example"])
    func `a forest name that is no DNS name is refused`(name: String) async {
        #expect(await code { _ = try ForestNames(dnsName: name) } == "invalidName")
    }

    @Test func `a directory that holds a DSA is not made again`() async throws {
        let folder = try Self.temporary()
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = try await Self.forest(in: folder)
        let before = try FileManager.default.contentsOfDirectory(atPath: data).sorted()
        #expect(await code { _ = try await Self.forest(in: folder) } == "dataDirectoryInUse")
        #expect(try FileManager.default.contentsOfDirectory(atPath: data).sorted() == before)
    }

    @Test func `keys and data are for the owner alone`() async throws {
        let folder = try Self.temporary()
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = try await Self.forest(in: folder)
        for (path, mode) in [
            ("", 0o700), ("/pki", 0o700), ("/pki/dsa.key", 0o600), ("/pki/ca/ca.key", 0o600),
        ] {
            let attributes = try FileManager.default.attributesOfItem(atPath: data + path)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == mode, "\(path)")
        }
    }

    @Test func `two processes cannot have one data directory`() async throws {
        let folder = try Self.temporary()
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = try await Self.forest(in: folder)
        let configuration = Configuration.standard(dataDirectory: data)
        let first = try await DomainControllerService(configuration: configuration, log: TwoSites.log)
        let second = await code {
            _ = try await DomainControllerService(configuration: configuration, log: TwoSites.log)
        }
        #expect(second == "dataDirectoryLocked")
        withExtendedLifetime(first) {}
    }

    @Test func `a data directory without a DSA is named as such`() async throws {
        let folder = try Self.temporary()
        defer { try? FileManager.default.removeItem(at: folder) }
        let configuration = Configuration.standard(dataDirectory: folder.path)
        #expect(
            await code {
                _ = try await DomainControllerService(configuration: configuration, log: TwoSites.log)
            }
                == "noDSA"
        )
    }

    @Test func `a damaged join file is refused and leaves nothing behind`() async throws {
        let folder = try Self.temporary()
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = try await joinFile(in: folder)
        let data = folder.appendingPathComponent("van").path
        var other = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        other["version"] = 99
        var shorn = other
        shorn["version"] = 1
        shorn["media"] = ["bm90IGd6aXA="]
        var keyless = shorn
        keyless["forest"] = nil
        let cases: [(String, String)] = [
            (String(text.prefix(text.count / 2)), "joinFileDamaged"), ("", "joinFileDamaged"),
            ("\u{0}\u{1}\u{2}", "joinFileDamaged"), (try json(other), "joinFileVersion"),
            (try json(shorn), "joinFileDamaged"), (try json(keyless), "joinFileDamaged"),
        ]
        for (damaged, expected) in cases {
            let found = await code {
                _ = try await Join(joinFile: Array(damaged.utf8), dataDirectory: data)
                    .run(log: TwoSites.log, at: DomainControllerService.systemTime())
            }
            #expect(found == expected)
            #expect(!FileManager.default.fileExists(atPath: data))
        }
    }

    @Test func `certificates of others, of strangers and past their time are refused`() async throws {
        let folder = try Self.temporary()
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = folder.appendingPathComponent("van").path
        let text = try await joinFile(in: folder)
        let joined = try await Join(joinFile: Array(text.utf8), dataDirectory: data)
            .run(log: TwoSites.log, at: DomainControllerService.systemTime())
        let hqCertificate = try Data(contentsOf: folder.appendingPathComponent("hq/pki/dsa.crt"))
        let request = try SigningRequest(
            pem: String(contentsOfFile: joined.signingRequest, encoding: .utf8)
        )
        let stranger = try CertificateAuthority.create(
            commonName: "RESKIT Enterprise CA",
            forest: "reskit.example",
            serial: RandomSource.serial(),
            at: DomainControllerService.systemTime()
        )
        let address = try #require(MailAddress("x@y.example"))
        let foreign = try stranger.issue(
            to: DSACertificateProfile(dsaGUID: joined.dsaGUID, mailAddress: address, dnsName: "y.example"),
            publicKeyOf: request,
            serial: RandomSource.serial(),
            at: DomainControllerService.systemTime()
        )
        for pem in [Array(hqCertificate), Array(foreign.pem.utf8)] {
            let found = await code {
                _ = try await CertificateInstallation(dataDirectory: data, certificatePEM: pem).run()
            }
            #expect(found == "certificateRefused")
        }
        #expect(
            await code {
                _ = try await CertificateInstallation(dataDirectory: data, certificatePEM: Array("junk".utf8))
                    .run()
            } == "certificate"
        )
        #expect(!FileManager.default.fileExists(atPath: data + "/pki/dsa.crt"))
        let served = await code {
            _ = try await DomainControllerService(
                configuration: .standard(dataDirectory: data),
                log: TwoSites.log
            )
        }
        #expect(served == "noCertificate")
    }

    @Test func `a domain is not pulled in full over mail, and the reason is said`() async throws {
        let two = try await TwoSites()
        let found = await code {
            _ = try await two.hq.replicateNow(ReplicateNowRequest(namingContext: TwoSites.root))
        }
        #expect(found == "fullOverMail")
    }

    @Test func `a busy port is an error that names it`() async throws {
        let two = try await TwoSites()
        try await two.start(two.hq)
        var configuration = two.van.currentSettings
        configuration.smtp.port = try #require(two.hq.smtpPort)
        try await two.van.reload(configuration)
        do {
            try await two.van.start()
            Issue.record("the port is taken twice")
        } catch {
            let shown = AdminError(error)
            #expect(shown.message.contains("\(configuration.smtp.port)"))
            #expect(shown.hint != nil)
        }
        await two.stop(two.hq)
    }

    private func joinFile(in folder: URL) async throws -> String {
        let data = try await Self.forest(in: folder)
        let hq = try await DomainControllerService(
            configuration: .standard(dataDirectory: data),
            log: TwoSites.log
        )
        return try await hq.addDomain(
            DomainAddRequest(
                dnsName: "vancouver.reskit.example",
                serverName: "BR3-VAN-DC-01",
                siteName: "Vancouver"
            )
        ).joinFile
    }

    private func json(_ object: [String: Any]) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
    }
}
