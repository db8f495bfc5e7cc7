package import Identifiers
package import PKI
package import SecureMail

/// How to reach the next hop of a partner's mail.
package struct Route: Sendable, Hashable {
    package enum StartTLS: String, Sendable, Hashable, CaseIterable {
        /// In the clear; the mail itself is sealed all the same.
        case off
        /// TLS when offered, no certificate check.
        case opportunistic
        /// TLS or nothing, no certificate check.
        case required
        /// TLS with a certificate that hangs below the forest's anchors and carries the host's name.
        case verify
    }

    /// A DNS name or an address.
    package var host: String
    package var port: Int
    package var starttls: StartTLS
    /// TLS from the first octet (`smtps://`).
    package var isImplicitTLS: Bool

    package init(
        host: String,
        port: Int,
        starttls: StartTLS = .opportunistic,
        isImplicitTLS: Bool = false
    ) {
        self.host = host
        self.port = port
        self.starttls = starttls
        self.isImplicitTLS = isImplicitTLS
    }
}

extension Route: CustomStringConvertible {
    package var description: String {
        "\(isImplicitTLS ? "smtps" : "smtp")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}

/// What the directory and the configuration say about a partner.
package struct PartnerRoute: Sendable, Hashable {
    package var dsaGUID: GUID
    /// Its server's name.
    package var name: String
    package var mailAddress: MailAddress
    /// Sealed to all of them.
    package var certificates: [Certificate]
    package var route: Route

    package init(
        dsaGUID: GUID,
        name: String,
        mailAddress: MailAddress,
        certificates: [Certificate],
        route: Route
    ) {
        self.dsaGUID = dsaGUID
        self.name = name
        self.mailAddress = mailAddress
        self.certificates = certificates
        self.route = route
    }
}

/// What a transport asks of the rest of the DSA.
package struct TransportContext: Sendable {
    package var membership: @Sendable () async -> MembershipSnapshot
    package var partner: @Sendable (GUID) async throws -> PartnerRoute
    package var ownAddress: MailAddress
    /// Said in EHLO.
    package var hostName: String
    package var now: @Sendable () -> Timestamp
    package var randomGUID: @Sendable () -> GUID
    /// Called in order of events of one mail, from any thread; must not block.
    package var events: @Sendable (MailEvent) -> Void

    package init(
        membership: @escaping @Sendable () async -> MembershipSnapshot,
        partner: @escaping @Sendable (GUID) async throws -> PartnerRoute,
        ownAddress: MailAddress,
        hostName: String,
        now: @escaping @Sendable () -> Timestamp,
        randomGUID: @escaping @Sendable () -> GUID,
        events: @escaping @Sendable (MailEvent) -> Void
    ) {
        self.membership = membership
        self.partner = partner
        self.ownAddress = ownAddress
        self.hostName = hostName
        self.now = now
        self.randomGUID = randomGUID
        self.events = events
    }
}
