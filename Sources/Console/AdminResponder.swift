import AdminAPI
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// One request, one call of `Administration`; every failure becomes a status and an `AdminErrorBody`.
struct AdminResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let administration: any Administration
    let log: Logger

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        do {
            return try await answer(try route(of: request), to: request)
        } catch {
            let failure = AdminError(error)
            if failure.httpStatus >= 500 {
                log.error("an admin request failed: \(failure)", metadata: ["path": "\(request.uri.path)"])
            }
            return try Self.json(AdminErrorBody(error: failure), status: failure.httpStatus)
        }
    }

    private func route(of request: Request) throws(AdminError) -> AdminRoute {
        let candidates = AdminRoute.allCases.filter { $0.path == request.uri.path }
        guard !candidates.isEmpty else {
            throw AdminError(
                code: "unknownRoute",
                message: "the admin interface has no such path",
                hint: "client and server may be of different versions: bridgehead version"
            )
        }
        guard let route = candidates.first(where: { $0.method == request.method.rawValue }) else {
            let methods = candidates.map(\.method).joined(separator: ", ")
            throw AdminError(code: "methodNotAllowed", message: "\(candidates[0].path) takes \(methods) only")
        }
        return route
    }

    private func answer(_ route: AdminRoute, to request: Request) async throws -> Response {
        switch route {
        case .status: try Self.json(await administration.status())
        case .health: try Self.json(await administration.health())
        case .configuration: try Self.json(await administration.configuration())
        case .events: try await events(request)
        case .replicateNow:
            try Self.json(
                await AdminStreams.untilShutdown { try await administration.replicateNow(body(request)) }
            )
        case .replicationNeighbors: try Self.json(await administration.replicationNeighbors())
        case .replicationSummary: try Self.json(await administration.replicationSummary())
        case .replicationCursors: try Self.json(await administration.replicationCursors())
        case .resync: try Self.json(await administration.resync(body(request)))
        case .lingeringObjects: try Self.json(await administration.lingeringObjects())
        case .compare:
            try Self.json(
                await AdminStreams.untilShutdown { try await administration.compare(body(request)) }
            )
        case .cure: try Self.json(await administration.cure(body(request)))
        case .object: try Self.json(await administration.object(body(request)))
        case .objects: try Self.json(await administration.objects(try search(await body(request))))
        case .originate: try Self.json(await administration.originate(body(request)))
        case .metadata: try Self.json(await administration.metadata(body(request)))
        case .why: try Self.json(await administration.why(body(request)))
        case .importLDIF: importLDIF(request)
        case .export: try await export(body(request))
        case .backup: try await Self.stream(administration.backup(), "application/octet-stream")
        case .createMedia:
            try await Self.stream(administration.createMedia(body(request)), "application/octet-stream")
        case .mailFolders: try Self.json(await administration.mailFolders())
        case .mailList: try Self.json(await administration.mailList(body(request)))
        case .mailShow: try Self.json(await administration.mailShow(body(request)))
        case .mailRelease: try Self.json(await administration.mailRelease(body(request)))
        case .mailDiscard: try Self.json(await administration.mailDiscard(body(request)))
        case .conflicts: try Self.json(await administration.conflicts(try list(await body(request))))
        case .conflict: try Self.json(await administration.conflict(body(request)))
        case .restoreConflict: try Self.json(await administration.restoreConflict(body(request)))
        case .signRequest: try Self.json(await administration.signRequest(body(request)))
        case .certificates: try Self.json(await administration.certificates())
        case .installCertificate: try Self.json(await administration.installCertificate(body(request)))
        case .addDomain: try Self.json(await administration.addDomain(body(request)))
        }
    }

    private func search(_ query: SearchQuery) throws(AdminError) -> SearchQuery {
        guard (1...AdminLimits.searchObjectsMax).contains(query.limit) else {
            throw AdminError(
                code: "invalidQuery",
                message: "a search's limit must be from 1 to \(AdminLimits.searchObjectsMax)"
            )
        }
        return query
    }

    private func list(_ query: ConflictListQuery) throws(AdminError) -> ConflictListQuery {
        guard (1...AdminLimits.conflictsMax).contains(query.limit) else {
            throw AdminError(
                code: "invalidQuery",
                message: "a list's limit must be from 1 to \(AdminLimits.conflictsMax)"
            )
        }
        return query
    }

    // MARK: - Bodies

    private func body<Value: Decodable>(_ request: Request) async throws -> Value {
        let octets: ByteBuffer
        do {
            octets = try await request.body.collect(upTo: AdminLimits.bodyOctetsMax)
        } catch is NIOTooManyBytesError {
            throw AdminError(
                code: "bodyTooLarge",
                message: "the request is over \(AdminLimits.bodyOctetsMax) octets",
                hint: "split it, or use import"
            )
        }
        return try AdminJSON.decode(Value.self, from: Data(octets.readableBytesView))
    }

    static func json(_ value: some Encodable, status: Int = 200) throws -> Response {
        var octets = ByteBuffer(bytes: try AdminJSON.encode(value))
        octets.writeString("\n")
        return Response(
            status: .init(code: status),
            headers: headers("application/json"),
            body: ResponseBody(byteBuffer: octets)
        )
    }

    static func headers(_ contentType: String) -> HTTPFields {
        [.contentType: contentType, .cacheControl: "no-store"]
    }
}
