import AdminAPI
import DomainController
import Foundation
import Identifiers
import InterSiteMessaging
import Testing

@Suite struct `The mail folders` {
    @Test(.timeLimit(.minutes(3)))
    func `mail copied by hand in reverse order, and all of it again, ends in the same state`() async throws {
        let two = try await TwoSites(partOctetsMax: 6_000)
        try await two.hq.write(
            .add("OU=People,DC=reskit,DC=example", ["objectClass": ["organizationalUnit"], "ou": ["People"]])
        )
        for number in 1...60 {
            try await two.hq.write(
                .add(
                    "CN=Person \(number),OU=People,DC=reskit,DC=example",
                    [
                        "objectClass": ["inetOrgPerson"], "cn": ["Person \(number)"], "sn": ["Person"],
                        "description": [String(repeating: "text \(number) ", count: 40)],
                    ]
                )
            )
        }
        // Vancouver can write to HQ; HQ's way to Vancouver ends at a port where nobody listens.
        let answered = two.hq.kinds()
        try await two.start(two.hq)
        try await two.hq.setRoute(to: "BR3-VAN-DC-01", port: 1)
        try await two.start(two.van)
        try await two.van.setRoute(to: "HQ-RES-DC-01", port: try #require(two.hq.smtpPort))
        for await kind in answered where kind == "answered" {
            if try await two.hq.status().eventCounts["answered"] ?? 0 >= 3 { break }
        }
        let queue = two.folder.appendingPathComponent("hq/mailroot/Queue")
        let drop = two.folder.appendingPathComponent("van/mailroot/Drop")
        let files = try FileManager.default.contentsOfDirectory(atPath: queue.path)
            .filter { $0.hasSuffix(".eml") }.sorted().reversed().map { queue.appendingPathComponent($0) }
        #expect(files.count > 3)

        let copied = try files.map { ($0, try Data(contentsOf: $0)) }
        try await deliver(copied, to: drop, marked: "first", at: two.van, until: "mail-committed")
        let before = try await two.dump(two.van)
        #expect(before.contains(try await two.hq.guid("CN=Person 60,OU=People,DC=reskit,DC=example")))
        try await deliver(copied, to: drop, marked: "again", at: two.van, until: "mail-duplicate")
        #expect(try await two.dump(two.van) == before)
        #expect(try await two.van.status().eventCounts["mail-duplicate"] ?? 0 >= copied.count)

        try await two.connect()
        #expect(try await two.converge())
        await two.stop()
    }

    /// Copies mails into a drop folder and waits until as many events of that kind have come.
    private func deliver(
        _ mails: [(URL, Data)],
        to drop: URL,
        marked mark: String,
        at service: DomainControllerService,
        until kind: String
    ) async throws {
        let events = service.kinds()
        let before = try await service.status().eventCounts[kind] ?? 0
        for (file, data) in mails {
            let name = "\(mark)-\(file.lastPathComponent)"
            let hidden = drop.appendingPathComponent(".\(name)")
            try data.write(to: hidden)
            try FileManager.default.moveItem(at: hidden, to: drop.appendingPathComponent(name))
        }
        for await event in events where event == kind {
            if (try await service.status().eventCounts[kind] ?? 0) - before >= mails.count { return }
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `stock openssl opens a mail from the archive`() async throws {
        let two = try await TwoSites()
        try await two.start()
        #expect(try await two.converge())
        await two.stop()
        let data = two.folder.appendingPathComponent("van")
        let archive = data.appendingPathComponent("mailroot/Archive")
        var opened = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: archive.path).sorted()
        where name.hasSuffix(".eml") && opened == 0 {
            let work = two.folder.appendingPathComponent("openssl-\(name)")
            try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
            let mail = archive.appendingPathComponent(name).path
            let decrypted = try run(
                "openssl",
                "cms",
                "-decrypt",
                "-binary",
                "-in",
                mail,
                "-recip",
                data.path + "/pki/dsa.crt",
                "-inkey",
                data.path + "/pki/dsa.key",
                "-out",
                work.path + "/signed.der"
            )
            // What Vancouver sent is sealed to HQ.
            guard decrypted == 0 else { continue }
            let verified = try run(
                "openssl",
                "cms",
                "-verify",
                "-binary",
                "-inform",
                "DER",
                "-in",
                work.path + "/signed.der",
                "-CAfile",
                data.path + "/pki/ca.crt",
                "-no-CApath",
                "-no-CAstore",
                "-certsout",
                work.path + "/signer.pem",
                "-out",
                work.path + "/entity"
            )
            #expect(verified == 0)
            let inflated = try run(
                "sh",
                "-c",
                "sed '1,/^\\r*$/d' '\(work.path)/entity' | gunzip > '\(work.path)/payload'"
            )
            #expect(inflated == 0)
            let entity = try Data(contentsOf: work.appendingPathComponent("entity"))
            let text = String(decoding: entity, as: UTF8.self)
            #expect(text.contains("Bridgehead-To: \(try await two.van.status().dsaGUID)"))
            #expect(try !Data(contentsOf: work.appendingPathComponent("payload")).isEmpty)
            let shown = try MailInspection.show(
                file: Array(try Data(contentsOf: URL(fileURLWithPath: mail))),
                id: name,
                keyPEM: String(contentsOfFile: data.path + "/pki/dsa.key", encoding: .utf8),
                certificatePEM: String(contentsOfFile: data.path + "/pki/dsa.crt", encoding: .utf8),
                authorityPEM: String(contentsOfFile: data.path + "/pki/ca.crt", encoding: .utf8),
                payload: true
            )
            #expect(shown.verdict == "opened", "without a directory, too: \(shown.reason ?? "")")
            opened += 1
        }
        #expect(opened == 1)
    }

    @discardableResult
    private func run(_ arguments: String...) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}

extension DomainControllerService {
    /// The kinds of what happens from now on.
    func kinds() -> AsyncStream<String> {
        let events = eventHub.events()
        return AsyncStream { continuation in
            let task = Task {
                for await event in events { continuation.yield(event.kind) }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    func guid(_ dn: String) async throws -> String {
        try await object(ObjectQuery(target: ObjectTarget(dn: dn))).objectGUID.description
    }
}
