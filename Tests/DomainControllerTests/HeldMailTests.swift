import AdminAPI
import DirectoryModel
import Foundation
import Identifiers
import InterSiteMessaging
import Replication
import Store
import Testing

@testable import DomainController

@Suite(.serialized, .timeLimit(.minutes(2))) struct `Held mail` {
    let docks = "CN=Docks,CN=Services,\(TwoSites.configuration)"

    /// Both sites equal, with an object of the configuration, and its holder in HQ.
    private func converged() async throws -> (two: TwoSites, docks: GUID) {
        let two = try await TwoSites()
        try await two.start()
        #expect(try await two.converge())
        let written = try await two.hq.originate(
            WriteRequest(operations: [
                .add(docks, ["objectClass": ["container"], "cn": ["Docks"], "description": ["here"]])
            ])
        )
        #expect(try await two.converge())
        return (two, try #require(written.results.first?.objectGUID))
    }

    /// A part of HQ with one attribute of one object, as HQ's program would mail it.
    private func mail(
        _ two: TwoSites,
        _ object: GUID,
        from: Int64 = 1 << 30,
        asOf: Int64 = 1 << 31,
        version: UInt32,
        time: Timestamp? = nil
    ) async throws {
        let (hq, van) = (two.hq, two.van)
        let identity = hq.store.identity
        let context = van.partners.current.configurationContext.guid
        var part = ChangesReply(
            header: await hq.agent.messageHeader(context),
            requestID: RandomSource.guid(),
            interval: USNInterval(from: USN(from), to: USN(from + 1)),
            asOf: USN(asOf),
            vector: UpToDatenessVector(),
            cutFor: .full,
            partNumber: 1,
            isLast: true
        )
        let definition = try #require(hq.store.schema.attribute(named: "description"))
        part.attributes = [definition.oid]
        part.vector = try await van.store.snapshot { try $0.vector(of: context, at: van.now()) }
        part.vector[van.store.identity.invocationID] = nil
        part.objects = [
            ReplicatedObject(
                objectGUID: object,
                attributes: [
                    ReplicatedAttribute(
                        attribute: 0,
                        stamp: Stamp(
                            version: version,
                            time: time ?? hq.startedAt,
                            invocationID: identity.invocationID,
                            originatingUSN: USN(1)
                        ),
                        values: [Array("poison".utf8)]
                    )
                ]
            )
        ]
        _ = try await hq.agent.send(.reply(part), to: van.store.identity.dsaGUID, summary: "part")
    }

    /// Runs `body` and waits until an event of these kinds came.
    private func after(
        _ kinds: Set<String>,
        at service: DomainControllerService,
        _ body: () async throws -> Void
    ) async throws {
        let events = service.eventHub.events()
        try await body()
        for await event in events where kinds.contains(event.kind) { return }
    }

    private func held(_ service: DomainControllerService) async throws -> [MailFileReply] {
        try await service.mailList(MailListQuery(folder: "Held"))
    }

    private func description(_ service: DomainControllerService) async throws -> [String] {
        try await service.read(docks)["description"] ?? []
    }

    @Test func `one copy lies in Held with its reason, and comes in when it is released`() async throws {
        let (two, object) = try await converged()
        let van = two.van
        let copies: [(asOf: Int64, event: String)] = [
            (1 << 31, "mail-held"), (1 << 32, "mail-held"), (1 << 31, "held-repeat"),
        ]
        for copy in copies {
            try await after([copy.event], at: van) {
                try await mail(two, object, asOf: copy.asOf, version: 9_000_000)
            }
        }
        let files = try await held(van)
        let file = try #require(files.first)
        #expect(files.count == 1)
        #expect(file.needsDecision == true && file.held?.reason == "version-leap" && file.held?.times == 3)
        #expect(file.lastReply?.hasPrefix("version-leap: ") == true)
        let shown = try await van.mailShow(MailShowQuery(id: file.id, payload: true))
        #expect(shown.verdict == "held" && shown.hint?.contains("mail release") == true)
        #expect(try await description(van) == ["here"])
        let status = try await van.status()
        #expect(status.held?.parts == 1 && status.held?.sources == ["HQ-RES-DC-01"])
        #expect(status.alarms.map(\.kind).contains("partsHeld"))
        let health = try await van.health()
        #expect(health.checks.first { $0.name == "held" }?.isPassed == false && health.isServing)
        await #expect(throws: AdminError.self) {
            try await van.mailRelease(MailDecisionRequest(id: "no-such-mail", by: "ada"))
        }
        // Nobody looks at it again by himself.
        await van.transport.membershipChanged()
        #expect(try await held(van).count == 1)

        try await after(["held-settled"], at: van) {
            let reply = try await van.mailRelease(MailDecisionRequest(id: file.id, by: "ada"))
            #expect(reply.part?.decision == "released" && reply.folder == "Drop")
        }
        #expect(try await description(van) == ["poison"])
        #expect(try await held(van).isEmpty)
        #expect(try await van.status().held?.parts == 0)
        await two.stop()
    }

    @Test func `what is discarded lies in Badmail, and is not held again until it changes`() async throws {
        let (two, object) = try await converged()
        let van = two.van
        try await after(["mail-held"], at: van) { try await mail(two, object, version: 9_000_000) }
        let file = try #require(try await held(van).first)
        let reply = try await van.mailDiscard(MailDecisionRequest(id: file.id, by: "ada"))
        #expect(reply.folder == "Badmail" && reply.part?.decision == "discarded")
        let bad = try #require(try await van.mailList(MailListQuery(folder: "Badmail")).first)
        #expect(bad.lastReply?.contains("discarded by ada at ") == true)
        #expect(bad.lastReply?.contains("version-leap") == true)
        try await after(["held-repeat"], at: van) {
            try await mail(two, object, asOf: 1 << 32, version: 9_000_000)
        }
        #expect(try await held(van).isEmpty)
        #expect(try await van.status().held?.discarded == 1)
        try await after(["mail-held"], at: van) {
            try await mail(two, object, asOf: 1 << 33, version: 9_500_000)
        }
        #expect(try await held(van).count == 1)
        #expect(try await description(van) == ["here"])
        await two.stop()
    }

    @Test func `parts ahead of two partners' clocks point at our own`() async throws {
        let (two, object) = try await converged()
        let van = two.van
        let ahead = van.now().adding(seconds: 30 * 3600)
        try await after(["mail-held"], at: van) { try await mail(two, object, version: 2, time: ahead) }
        #expect(try await held(van).first?.needsDecision == false)
        #expect(try await van.status().held?.suspectsOwnClock == false)
        // A second partner's, as its mail would leave it.
        let context = van.partners.current.configurationContext.guid
        var other = ChangesReply(
            header: MessageHeader(
                dsaGUID: RandomSource.guid(),
                invocationID: RandomSource.guid(),
                bootRecords: [],
                namingContext: context
            ),
            requestID: RandomSource.guid(),
            interval: USNInterval(from: .zero, to: USN(1)),
            asOf: USN(9),
            vector: UpToDatenessVector(),
            cutFor: .full,
            partNumber: 1,
            isLast: true
        )
        other.attributes = [.objectClass]
        other.objects = [
            ReplicatedObject(
                objectGUID: object,
                attributes: [
                    ReplicatedAttribute(
                        attribute: 0,
                        stamp: Stamp(
                            version: 9,
                            time: ahead,
                            invocationID: other.header.invocationID,
                            originatingUSN: USN(1)
                        ),
                        values: [Array("top".utf8)]
                    )
                ]
            )
        ]
        let context2 = ApplyContext(ownDSA: van.store.identity.dsaGUID, now: van.now())
        _ = try await van.store.apply([other], context: context2)
        #expect(try await van.status().held?.suspectsOwnClock == true)
        try await after(["clock-suspected"], at: van) {
            try await mail(two, object, from: 1 << 32, asOf: 1 << 33, version: 2, time: ahead)
        }
        #expect(try await van.status().alarms.map(\.kind).contains("clockSuspected"))
        #expect(try await van.health().checks.first { $0.name == "held" }?.text.contains("clock") == true)
        await two.stop()
    }

    @Test func `a conflict is listed, shown and restored`() async throws {
        let (two, _) = try await converged()
        for (service, text) in [(two.hq, "of HQ"), (two.van, "of Vancouver")] {
            try await service.write(.change(docks, .replace, "description", text))
        }
        #expect(try await two.converge())
        var lists: [(DomainControllerService, ConflictListReply)] = []
        for service in [two.hq, two.van] {
            lists.append(
                (service, try await service.conflicts(ConflictListQuery(object: ObjectTarget(docks))))
            )
        }
        let (service, list) = try #require(lists.first { !$0.1.conflicts.isEmpty })
        let entry = try #require(list.conflicts.first)
        let id = try #require(entry.id)
        #expect(entry.kind == .attribute && entry.attribute == "description" && entry.dn == docks)
        #expect(Set([entry.losing.server, entry.winning?.server]) == ["HQ-RES-DC-01", "BR3-VAN-DC-01"])
        #expect(!list.text.contains("of HQ") && !list.text.contains("of Vancouver"))
        #expect(try await service.conflicts(ConflictListQuery(kind: .waiting)).conflicts.isEmpty)
        let shown = try await service.conflict(ConflictQuery(id: id))
        let current = try await service.read(docks)["description"] ?? []
        #expect(shown.currentValues.compactMap(\.text) == current && shown.isWinnerStanding)
        let lost = shown.losingValues.compactMap(\.text)
        #expect(Set(lost + current) == ["of HQ", "of Vancouver"])
        let written = try await service.restoreConflict(ConflictQuery(id: id))
        #expect(written.results.first?.dn == docks && written.results.first?.usn != nil)
        #expect(try await two.converge())
        for service in [two.hq, two.van] { #expect(try await service.read(docks)["description"] == lost) }
        await #expect(throws: AdminError.self) { try await service.conflict(ConflictQuery(id: id)) }
        await two.stop()
    }
}
