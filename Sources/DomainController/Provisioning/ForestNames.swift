import DirectoryModel
import AdminAPI

/// The distinguished names that follow from a forest's name.
package struct ForestNames: Sendable, Hashable {
    /// Lower case: `reskit.example`.
    package let dnsName: String
    /// DN texts, as operators read them.
    package var root: String { Self.domainDN(dnsName) }
    package var configuration: String { "CN=Configuration,\(root)" }
    package var schema: String { "CN=Schema,\(configuration)" }
    package var sites: String { "CN=Sites,\(configuration)" }
    package var partitions: String { "CN=Partitions,\(configuration)" }
    package var services: String { "CN=Services,\(configuration)" }
    package var directoryService: String { "CN=Directory Service,CN=Windows NT,\(services)" }
    package var publicKeyServices: String { "CN=Public Key Services,\(services)" }
    package var interSiteTransports: String { "CN=Inter-Site Transports,\(sites)" }
    package var smtpTransport: String { "CN=SMTP,\(interSiteTransports)" }
    package var ipTransport: String { "CN=IP,\(interSiteTransports)" }

    package func site(_ name: String) -> String { "CN=\(Self.escaped(name)),\(sites)" }
    package func server(_ name: String, site: String) -> String {
        "CN=\(Self.escaped(name)),CN=Servers,\(self.site(site))"
    }
    package func settings(_ server: String, site: String) -> String {
        "CN=NTDS Settings,\(self.server(server, site: site))"
    }

    /// - Throws: `AdminError` unless the name is two or more DNS labels, 63 octets each, 255 in all.
    package init(dnsName: String) throws {
        self.dnsName = try Self.validated(dnsName)
    }

    package static func validated(_ name: String) throws -> String {
        let lower = name.lowercased()
        let labels = lower.split(separator: ".", omittingEmptySubsequences: false)
        let isLabel = { (label: Substring) in
            (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.utf8.allSatisfy { octet in
                    (0x30...0x39).contains(octet) || (0x61...0x7a).contains(octet) || octet == 0x2d
                }
        }
        guard lower.utf8.count <= 255, labels.count >= 2, labels.allSatisfy(isLabel) else {
            throw AdminError(
                code: "invalidName",
                message: "\"\(name)\" is not a DNS name of two or more labels",
                hint: "for example reskit.example"
            )
        }
        return lower
    }

    package static func domainDN(_ dnsName: String) -> String {
        dnsName.split(separator: ".").map { "DC=\($0)" }.joined(separator: ",")
    }

    /// An RDN value as it is written inside a DN text (RFC 4514 section 2.4).
    package static func escaped(_ value: String) -> String {
        RDN(type: .cn, value: value).description(naming: WellKnownNames()).replacing(
            "CN=",
            with: "",
            maxReplacements: 1
        )
    }

    /// The domain's name for people and NetBIOS: its first label in capitals, 15 characters at most.
    package static func flatName(_ dnsName: String) -> String {
        String(dnsName.prefix { $0 != "." }.uppercased().prefix(15))
    }
}
