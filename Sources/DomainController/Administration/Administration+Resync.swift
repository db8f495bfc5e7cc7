package import AdminAPI
import Identifiers
import Replication
import Store

extension DomainControllerService {
    package func resync(_ request: ResyncRequest) async throws -> ResyncReply {
        let view = partners.current
        let context = try contextGUID(request.namingContext, view)
        let name = view.contextName(context)
        guard let partner = view.dsa(named: request.partner) else {
            throw AdminError(
                code: "noSuchPartner",
                message: "no server \"\(request.partner)\" in this forest",
                hint: "bridgehead repl show lists the partners"
            )
        }
        let link = ReplicationLink(namingContext: context, partner: partner.dsaGUID)
        guard view.links.contains(link) else {
            throw AdminError(
                code: "noSuchPartner",
                message: "this DSA does not pull \(name) from \(partner.serverName)",
                hint: "bridgehead repl show lists what it pulls from whom"
            )
        }
        try await agent.resync(link)
        return ResyncReply(namingContext: name, partner: partner.serverName)
    }

    package func lingeringObjects() async throws -> [LingeringReply] {
        let view = partners.current
        let contexts = view.held.map(\.guid).sorted { (view.rank($0), $0) < (view.rank($1), $1) }
        return try await store.snapshot { snapshot in
            try contexts.flatMap { context in
                try snapshot.lingeringObjects(of: context).map { object in
                    LingeringReply(
                        namingContext: view.contextName(context),
                        objectGUID: object.objectGUID,
                        server: view.name(of: object.source),
                        since: object.since,
                        above: object.interval.from,
                        upTo: object.interval.to
                    )
                }
            }
        }
    }
}
