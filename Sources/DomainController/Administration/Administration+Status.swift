import Synchronization
import PKI
package import AdminAPI
import Identifiers
import Store

extension DomainControllerService: Administration {
    package func status() async throws -> StatusReply {
        let view = partners.current
        let (usn, contexts) = try await store.snapshot { snapshot in
            let contexts = try view.held.sorted { $0.role.rawValue < $1.role.rawValue }.map { context in
                let counts = try snapshot.counts(of: context.guid)
                return NamingContextStatus(
                    dn: view.contextName(context.guid),
                    objectGUID: context.guid,
                    role: "\(context.role)",
                    isPartial: context.isPartial,
                    objects: counts.objects,
                    tombstones: counts.tombstones
                )
            }
            return (try snapshot.highestUSN(), contexts)
        }
        return StatusReply(
            version: ProductVersion.current,
            name: view.own.serverName,
            site: view.own.siteName,
            domain: view.domains.first { $0.dn == view.ownDomain.dn }?.dnsName ?? "",
            forest: view.names.dnsName,
            forestGUID: view.forest,
            dsaGUID: view.own.dsaGUID,
            invocationID: store.identity.invocationID,
            highestUSN: usn,
            namingContexts: contexts,
            mail: try await mailFolders(),
            startedAt: startedAt,
            smtpPort: smtpPort,
            eventCounts: hub.counts,
            alarms: try await agent.alarms() + heldAlarms(),
            held: try await heldStatus()
        )
    }

    package func health() async throws -> HealthReply {
        let usn = try await store.snapshot { try $0.highestUSN() }
        let inbound = try await replicationNeighbors().inbound
        let failing = inbound.filter(\.isFailing)
        let own = partners.current.own.certificates.first
        let halt = await agent.alarms().first { $0.kind == "halted" }
        let isCertified = own.map { $0.isValid(at: now()) } ?? false
        let held = try await heldStatus()
        let checks = [
            HealthCheck(name: "database", isPassed: true, text: "answers; highest USN \(usn)"),
            HealthCheck(
                name: "listener",
                isPassed: smtpPort != nil,
                text: smtpPort.map { "SMTP on port \($0)" } ?? "no SMTP listener"
            ),
            HealthCheck(
                name: "certificate",
                isPassed: isCertified,
                text: own.map { "valid until \($0.notAfter)" } ?? "the directory has none for this DSA"
            ),
            HealthCheck(
                name: HealthCheck.replication,
                isPassed: failing.isEmpty && halt == nil,
                text: halt?.text ?? "\(failing.count) of \(inbound.count) links fail"
            ),
            HealthCheck(
                name: HealthCheck.held,
                isPassed: held.parts == 0,
                text: held.suspectsOwnClock
                    ? "\(held.parts) parts are held; stamps of several partners are ahead: look at this clock"
                    : "\(held.parts) parts are held"
            ),
        ]
        return HealthReply(isHealthy: checks.allSatisfy(\.isPassed), checks: checks)
    }

    package func configuration() async throws -> ConfigurationReply {
        currentConfiguration.withLock { $0.reply }
    }

    package func events() async throws -> AsyncThrowingStream<EventReply, any Error> {
        AsyncThrowingStream(hub.events())
    }
}
