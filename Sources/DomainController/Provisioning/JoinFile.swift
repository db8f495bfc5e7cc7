package import AdminAPI
package import DirectoryModel
import Foundation
package import Identifiers
package import Store

/// Everything a new DSA needs to come up: made by `domain add`, carried by hand, mode 0600.
package struct JoinFile: Codable, Sendable {
    package struct Context: Codable, Sendable {
        package var guid: GUID
        package var dn: String
        package var role: String
    }

    package struct Inviter: Codable, Sendable {
        package var dsaGUID: GUID
        package var name: String
        package var mailAddress: MailAddress
        package var certificate: String
        package var route: String?
    }

    package struct NewDSA: Codable, Sendable {
        package var dsaGUID: GUID
        package var name: String
        package var site: String
        package var serverDN: String
        package var settingsDN: String
        package var dnsHostName: String
        package var mailAddress: MailAddress
    }

    /// Grows when an older reader could no longer come up from the file.
    package static let currentVersion = 1
    /// Octets of a join file, media included.
    package static let octetsMax = 256 << 20

    package var version: Int
    package var created: Timestamp
    package var forestName: String
    package var forest: GUID
    package var schema: Context
    package var configuration: Context
    package var inviterDomain: Context
    package var domain: Context
    package var domainDNSName: String
    package var anchors: [String]
    package var revocationLists: [String]
    package var inviter: Inviter
    package var dsa: NewDSA
    package var enrolmentToken: String
    /// Snapshot of schema and configuration: ChangesReply parts, each gzip, then base64.
    package var media: [String]
    /// Instead of media: the objects that the first mails need, in the same form; nil in files with media.
    package var seed: [String]?
    /// Nil in files of older programs.
    package var tombstoneLifetimeDays: Int?
}

extension JoinFile {
    package func encoded() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }

    /// - Throws: `AdminError` that says what is damaged.
    package init(decoding octets: [UInt8]) throws {
        guard octets.count <= Self.octetsMax else {
            throw Self.damaged("it has \(octets.count) octets, more than \(Self.octetsMax)")
        }
        struct Version: Codable { var version: Int }
        let data = Data(octets)
        let decoder = JSONDecoder()
        do {
            let version = try decoder.decode(Version.self, from: data).version
            guard version == Self.currentVersion else {
                throw AdminError(
                    code: "joinFileVersion",
                    message:
                        "the join file has version \(version); this program reads \(Self.currentVersion)",
                    hint: "use the same version of bridgehead at both DSAs"
                )
            }
            self = try decoder.decode(JoinFile.self, from: data)
        } catch let error as DecodingError {
            throw Self.damaged(Self.sentence(error))
        }
    }

    package static func damaged(_ reason: String) -> AdminError {
        AdminError(
            code: "joinFileDamaged",
            message: "the join file is damaged: \(reason)",
            hint: "copy it again, or make a new one at the inviting DSA: bridgehead domain add"
        )
    }

    private static func sentence(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "\(key.stringValue) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? "it is not JSON to its end"
                : "\(context.codingPath.map(\.stringValue).joined(separator: ".")) cannot be read"
        @unknown default: "it cannot be read"
        }
    }
}

extension JoinFile.Context {
    package init(_ context: NamingContext, naming: some AttributeNaming) {
        self.init(guid: context.guid, dn: context.dn.description(naming: naming), role: "\(context.role)")
    }

    package func namingContext() throws -> NamingContext {
        guard let role = NamingContextRole.allCases.first(where: { "\($0)" == role }) else {
            throw JoinFile.damaged("\(self.role) is no kind of naming context")
        }
        do {
            return NamingContext(
                guid: guid,
                dn: try DistinguishedName(parsing: dn, naming: WellKnownNames()),
                role: role
            )
        } catch { throw JoinFile.damaged("\(dn) is no distinguished name") }
    }
}
