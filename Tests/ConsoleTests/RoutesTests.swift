import AdminAPI
import AdminClient
import Identifiers
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Admin routes` {
    @Test func `every question comes back answered`() async throws {
        let double = AdministrationDouble()
        try await withServer(double) { server in
            let client = server.client
            let status = try await client.status()
            #expect(status == Sample.status)
            #expect(try await client.health() == Sample.health)
            #expect(try await client.configuration() == Sample.configuration)
            #expect(try await client.replicationNeighbors() == Sample.neighbors)
            #expect(try await client.replicationSummary() == Sample.summary)
            #expect(try await client.replicationCursors() == Sample.cursors)
            #expect(try await client.mailFolders().map(\.folder) == ["Queue"])
            #expect(try await client.certificates() == [Sample.certificate])
        }
        let verbs = double.notes.withLock { $0.requests.map { String($0.prefix { $0 != " " }) } }
        #expect(
            verbs == [
                "status", "health", "configuration", "replicationNeighbors", "replicationSummary",
                "replicationCursors", "mailFolders", "certificates",
            ]
        )
    }

    @Test func `every request arrives as it was`() async throws {
        let double = AdministrationDouble()
        let target = ObjectTarget("CN=Zoë \"x\"\\,y,DC=reskit,DC=example")
        let operations: [WriteOperation] = [
            .add(
                dn: "CN=a",
                attributes: [AttributeReply(name: "photo", values: [AttributeValue([0, 0xff])])]
            ),
            .modify(
                target: target,
                modifications: [AttributeModification(operation: .replace, name: "l", values: [])]
            ),
            .rename(
                target: target,
                newRDN: "CN=b",
                deleteOldRDN: true,
                newSuperior: ObjectTarget(objectGUID: Sample.hq)
            ),
            .delete(target: ObjectTarget(objectGUID: Sample.hq), tree: true),
            .undelete(target: ObjectTarget(objectGUID: Sample.hq), newRDN: nil, newSuperior: nil),
        ]
        try await withServer(double) { server in
            let client = server.client
            _ = try await client.replicateNow(ReplicateNowRequest(partner: "BR3-VAN-DC-01", wait: true))
            _ = try await client.object(ObjectQuery(target: target, deleted: true, attributes: ["cn"]))
            _ = try await client.objects(
                SearchQuery(base: target, scope: .sub, objectClass: "user", limit: 5)
            )
            _ = try await client.originate(WriteRequest(operations: operations))
            _ = try await client.metadata(ObjectQuery(target: target))
            #expect(try await client.why(WhyQuery(target: target, attribute: "cn")) == Sample.why)
            let compared = try await client.compare(CompareRequest(partner: "BR3-VAN-DC-01"))
            #expect(compared == Sample.compare)
            let resync = ResyncRequest(namingContext: Sample.configurationNC, partner: "BR3-VAN-DC-01")
            #expect(try await client.resync(resync).partner == "BR3-VAN-DC-01")
            #expect(try await client.lingeringObjects() == [Sample.lingering])
            _ = try await client.mailList(MailListQuery(folder: "Drop"))
            _ = try await client.mailShow(MailShowQuery(id: "x", payload: true))
            #expect(
                try await client.mailRelease(MailDecisionRequest(id: "x", by: "ada")) == Sample.decision
            )
            #expect(
                try await client.mailDiscard(MailDecisionRequest(id: "x", by: "ada")) == Sample.decision
            )
            #expect(
                try await client.conflicts(ConflictListQuery(object: target, kind: .lostAndFound, limit: 3))
                    == Sample.conflicts
            )
            #expect(try await client.conflict(ConflictQuery(id: 12)) == Sample.conflictShow)
            #expect(try await client.restoreConflict(ConflictQuery(id: 12)) == Sample.write)
            _ = try await client.signRequest(SignRequest(signingRequestPEM: "csr", dsa: "BR3-VAN-DC-01"))
            _ = try await client.installCertificate(InstallCertificateRequest(certificatePEM: "pem"))
            _ = try await client.addDomain(
                DomainAddRequest(
                    dnsName: "vancouver.reskit.example",
                    serverName: "s",
                    siteName: "Vancouver",
                    cost: 50
                )
            )
        }
        let requests = double.notes.withLock { $0.requests }
        #expect(requests.count == 19)
        #expect(
            requests[0]
                == #"replicateNow {"partner":"BR3-VAN-DC-01","timeoutSeconds":600,"wait":true}"#
        )
        let written = try #require(requests[3].split(separator: " ", maxSplits: 1).last)
        let back = try AdminJSON.decode(WriteRequest.self, from: .init(Array(written.utf8)))
        #expect(back.operations == operations)
    }

    @Test func `media comes octet for octet`() async throws {
        let double = AdministrationDouble()
        try await withServer(double) { server in
            var octets: [UInt8] = []
            let pieces = try await server.client.createMedia(MediaRequest(namingContexts: ["DC=x"]))
            for try await piece in pieces { octets += piece }
            #expect(octets == [1, 0, 0xff, 2, 0, 0xff, 3, 0, 0xff])
        }
        #expect(double.notes.withLock { $0.requests } == [#"createMedia {"namingContexts":["DC=x"]}"#])
    }

    @Test func `an error keeps code, result code, sentence and hint`() async throws {
        let failure = AdminError(
            code: "noSuchObject",
            ldapCode: 32,
            message: "there is no CN=Zoë",
            hint: "object get DC=reskit,DC=example"
        )
        try await withServer(AdministrationDouble(failure: failure)) { server in
            let client = server.client
            await #expect(throws: failure) { try await client.status() }
            await #expect(throws: failure) {
                try await client.object(ObjectQuery(target: ObjectTarget("CN=x")))
            }
            await #expect(throws: failure) { try await client.events() }
            await #expect(throws: failure) { try await client.export(ExportQuery()) }
            let answer = try await raw(
                server.path,
                "GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )
            #expect(answer.hasPrefix("HTTP/1.1 404 "))
            #expect(answer.contains(#"{"error":{"code":"noSuchObject","hint":"object get"#))
        }
    }

    @Test func `an unforeseen error is internal and says what it is`() async throws {
        struct Odd: Error, CustomStringConvertible { let description = "the cat sat on it" }
        #expect(AdminError(Odd()) == AdminError(code: "internal", message: "the cat sat on it"))
    }

    @Test func `many clients at once get their own answers`() async throws {
        try await withServer(AdministrationDouble()) { server in
            let client = server.client
            let good = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<40 { group.addTask { try await client.status() == Sample.status } }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(good == 40)
        }
    }
}
