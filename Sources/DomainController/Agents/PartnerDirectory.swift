import AdminAPI
package import Identifiers
package import InterSiteMessaging
package import Logging
import PKI
package import SecureMail
package import Store
import Synchronization

/// The current `ConfigurationView`, and what mail needs to know from it: members, routes, trust.
package final class PartnerDirectory: Sendable {
    private struct State {
        var view: ConfigurationView
        var anchors: TrustAnchors
        var routes: [RouteRule]
        /// By DER: whether an anchor of ours issued it and no list of ours revokes it.
        var isTrusted: [[UInt8]: Bool] = [:]
        var readsBegun = 0
        var newestRead = 0
    }

    /// A type of its own: a closure that a generic lock holds directly is wrapped once more by every access.
    private struct ChangeAction {
        let run: @Sendable () async -> Void
    }

    private let state: Mutex<State>
    private let store: DirectoryStore
    private let directory: DataDirectory
    private let log: Logger
    private let onChange = Mutex(ChangeAction(run: {}))

    package init(
        store: DirectoryStore,
        directory: DataDirectory,
        routes: [RouteRule],
        log: Logger
    ) async throws {
        self.store = store
        self.directory = directory
        self.log = log
        let anchors = try directory.readTrustAnchors()
        let view = try await Self.read(store)
        state = Mutex(State(view: view, anchors: anchors, routes: routes))
        try adoptRevocationLists(of: view)
    }

    package var current: ConfigurationView { state.withLock { $0.view } }

    package func replaceRoutes(_ routes: [RouteRule]) { state.withLock { $0.routes = routes } }

    /// Called after each reload.
    package func whenChanged(_ action: @escaping @Sendable () async -> Void) {
        onChange.withLock { $0 = ChangeAction(run: action) }
    }

    /// Reads the directory again.
    package func reload() async throws {
        let read = state.withLock { state in
            state.readsBegun += 1
            return state.readsBegun
        }
        let view = try await Self.read(store)
        try adoptRevocationLists(of: view)
        state.withLock { state in
            // Two may read at once; what the later one saw stays.
            guard read > state.newestRead else { return }
            (state.view, state.newestRead, state.isTrusted) = (view, read, [:])
        }
        await onChange.withLock { $0 }.run()
    }

    private static func read(_ store: DirectoryStore) async throws -> ConfigurationView {
        let reader = ConfigurationReader(schema: store.schema, identity: store.identity)
        return try await store.snapshot { try reader.read($0) }
    }

    /// Revocation lists are self-authenticating: a newer one is taken from wherever it comes, and kept outside
    /// the directory, so that its number never goes back.
    private func adoptRevocationLists(of view: ConfigurationView) throws {
        let adopted = state.withLock { state in
            var changed = false
            for list in view.revocationLists where (try? state.anchors.adopt(list)) == true { changed = true }
            if changed { state.isTrusted = [:] }
            return changed ? state.anchors.crls : nil
        }
        guard let adopted else { return }
        try directory.write(Array(adopted.map(\.pem).joined().utf8), to: directory.revocationLists)
        log.info("newer revocation list taken", metadata: ["numbers": "\(adopted.map(\.number))"])
    }

    /// What the ISM and the sealing need, as values and closures.
    package var membership: MembershipSnapshot {
        state.withLock { state in
            let members = state.view.dsas.map { dsa -> (GUID, MemberState) in
                (dsa.dsaGUID, dsa.isTombstone ? .tombstoned : dsa.isDisabled ? .disabled : .active)
            }
            return MembershipSnapshot(
                forest: state.view.forest,
                ownDSA: state.view.own.dsaGUID,
                members: Dictionary(members, uniquingKeysWith: { first, _ in first }),
                anchors: state.anchors,
                lateMailDays: state.view.lateMailDays,
                crlGraceDays: state.view.crlGraceDays,
                tombstoneLifetimeDays: state.view.tombstoneLifetimeDays
            )
        }
    }

    /// - Throws: `AdminError` when the DSA is unknown, has no certificate yet, or no usable address.
    package func route(to dsaGUID: GUID, at now: Timestamp) throws -> PartnerRoute {
        let (view, routes) = state.withLock { ($0.view, $0.routes) }
        guard let dsa = view.dsa(dsaGUID), !dsa.isTombstone else {
            throw AdminError(
                code: "unknownPartner",
                message: "no DSA \(dsaGUID) in this forest",
                hint: "see `bridgehead repl show` for the partners"
            )
        }
        guard !dsa.certificates.isEmpty else {
            throw AdminError(
                code: "noCertificate",
                message: "\(dsa.serverName) has no certificate in the directory yet",
                hint: "sign its request here: bridgehead ca sign FILE --server \(dsa.serverName); or publish "
                    + "what an external CA issued: bridgehead cert install FILE --server \(dsa.serverName)"
            )
        }
        // An old certificate beside a new one must not stop mail; a bad one alone is named by the sealing.
        let usable = dsa.certificates.filter { $0.isValid(at: now) && isTrusted($0) }
        return PartnerRoute(
            dsaGUID: dsaGUID,
            name: dsa.serverName,
            mailAddress: dsa.mailAddress,
            certificates: usable.isEmpty ? Array(dsa.certificates.prefix(1)) : usable,
            route: routes.route(for: dsa)
        )
    }

    /// Checks signatures once, not for every mail; a new reading of the directory checks again.
    private func isTrusted(_ certificate: Certificate) -> Bool {
        // All under the lock: a list adopted meanwhile must not be overlooked.
        state.withLock { state in
            if let known = state.isTrusted[certificate.der] { return known }
            let issuer = try? state.anchors.issuer(of: certificate)
            let isTrusted = issuer.map { !state.anchors.isRevoked(certificate, issuer: $0) } ?? false
            state.isTrusted[certificate.der] = isTrusted
            return isTrusted
        }
    }
}

extension [RouteRule] {
    /// The first rule that fits the DSA, else its own host.
    func route(for dsa: DSAView) -> Route {
        let rule = first {
            $0.matches(
                serverName: dsa.serverName,
                siteName: dsa.siteName,
                dsaGUID: dsa.dsaGUID.description,
                mailDomain: dsa.mailAddress.domain
            )
        }
        return rule?.via ?? Route(host: dsa.dnsHostName, port: 25)
    }
}
