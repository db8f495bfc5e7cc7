package import Identifiers

/// A child domain and its first DSA.
package struct DomainAddRequest: Codable, Hashable, Sendable {
    /// Such as vancouver.reskit.example.
    package var dnsName: String
    package var serverName: String
    /// Made when it does not exist.
    package var siteName: String
    /// Made when it does not exist.
    package var siteLink: String?
    package var cost: Int?
    /// Nil = one below the forest's own `_msdcs` name.
    package var mailAddress: String?
    /// How the new DSA reaches this one, such as `smtp://relay.example:25`.
    package var smtpRoute: String?
    /// False = the new DSA gets schema and configuration by mail, or from a media file; nil counts as true.
    package var media: Bool?

    package init(
        dnsName: String,
        serverName: String,
        siteName: String,
        siteLink: String? = nil,
        cost: Int? = nil,
        mailAddress: String? = nil,
        smtpRoute: String? = nil,
        media: Bool? = nil
    ) {
        self.dnsName = dnsName
        self.serverName = serverName
        self.siteName = siteName
        self.siteLink = siteLink
        self.cost = cost
        self.mailAddress = mailAddress
        self.smtpRoute = smtpRoute
        self.media = media
    }
}

/// What was prepared, and the join file.
package struct DomainAddReply: Codable, Hashable, Sendable {
    package var domain: String
    package var server: String
    package var dsaGUID: GUID
    package var mailAddress: String
    /// JSON; holds a one-time token: mode 0600.
    package var joinFile: String

    package init(
        domain: String,
        server: String,
        dsaGUID: GUID,
        mailAddress: String,
        joinFile: String
    ) {
        self.domain = domain
        self.server = server
        self.dsaGUID = dsaGUID
        self.mailAddress = mailAddress
        self.joinFile = joinFile
    }
}
