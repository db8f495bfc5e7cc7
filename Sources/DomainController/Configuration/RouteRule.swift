package import InterSiteMessaging

/// One line of `routes`: whose mail goes by which next hop.
package struct RouteRule: Hashable, Sendable {
    /// A server's name, a site's name, a DSA GUID, a mail domain, `*.domain`, or `*`.
    package var match: String
    package var via: Route
    /// User and password; read and checked, not used yet.
    package var hasAuthentication: Bool

    package init(match: String, via: Route, hasAuthentication: Bool = false) {
        self.match = match
        self.via = via
        self.hasAuthentication = hasAuthentication
    }

    /// ASCII case ignored; `*.domain` also means the domain itself.
    package func matches(serverName: String, siteName: String, dsaGUID: String, mailDomain: String) -> Bool {
        let wanted = match.lowercased()
        if wanted == "*" { return true }
        let domain = mailDomain.lowercased()
        if wanted.hasPrefix("*.") {
            return domain == wanted.dropFirst(2) || domain.hasSuffix(wanted.dropFirst())
        }
        return [serverName.lowercased(), siteName.lowercased(), dsaGUID.lowercased(), domain].contains(wanted)
    }
}

extension RouteRule: CustomStringConvertible {
    package var description: String {
        "\(match) via \(via) starttls \(via.starttls.rawValue)" + (hasAuthentication ? " auth set" : "")
    }
}

extension Route {
    /// Reads `smtp://host:port`, `smtps://host:port`, the port optional, an IPv6 address in brackets.
    ///
    /// Nil when the text is none of them. Without a port: 25, with `smtps` 465.
    package init?(url: String, starttls: StartTLS = .opportunistic) {
        let isImplicit: Bool
        var rest: Substring
        if url.hasPrefix("smtp://") {
            isImplicit = false
            rest = url.dropFirst(7)
        } else if url.hasPrefix("smtps://") {
            isImplicit = true
            rest = url.dropFirst(8)
        } else {
            return nil
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        let host: Substring
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
            guard host.utf8.allSatisfy({ Self.isHexDigit($0) || $0 == 0x3a || $0 == 0x2e }) else {
                return nil
            }
        } else {
            host = rest.prefix { $0 != ":" }
            rest = rest.dropFirst(host.count)
            guard host.utf8.allSatisfy(Self.isHostOctet), host.first != "-" else { return nil }
        }
        guard (1...255).contains(host.utf8.count) else { return nil }
        var port = isImplicit ? 465 : 25
        if !rest.isEmpty {
            let digits = rest.dropFirst()
            guard rest.first == ":", digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits), (1...65_535).contains(number)
            else { return nil }
            port = number
        }
        self.init(host: String(host), port: port, starttls: starttls, isImplicitTLS: isImplicit)
    }

    private static func isHexDigit(_ octet: UInt8) -> Bool {
        (0x30...0x39).contains(octet) || (0x41...0x46).contains(octet) || (0x61...0x66).contains(octet)
    }

    private static func isHostOctet(_ octet: UInt8) -> Bool {
        (0x30...0x39).contains(octet) || (0x41...0x5a).contains(octet) || (0x61...0x7a).contains(octet)
            || octet == 0x2d || octet == 0x2e || octet == 0x5f
    }
}
