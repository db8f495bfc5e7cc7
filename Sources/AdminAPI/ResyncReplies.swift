package import Identifiers

/// Starts a replica of a naming context over from one partner.
package struct ResyncRequest: Codable, Hashable, Sendable {
    /// A DN or GUID.
    package var namingContext: String
    /// A server's name or DSA GUID.
    package var partner: String

    package init(
        namingContext: String,
        partner: String
    ) {
        self.namingContext = namingContext
        self.partner = partner
    }
}

package struct ResyncReply: Codable, Hashable, Sendable {
    package var namingContext: String
    package var partner: String

    package init(
        namingContext: String,
        partner: String
    ) {
        self.namingContext = namingContext
        self.partner = partner
    }

    package var text: String {
        "\(HumanText.line(namingContext)) starts over from \(HumanText.line(partner)).\n"
            + "What is held stays until the partner has shown all it holds; the event \"resynced\" tells the rest.\n"
    }
}

/// An object that a partner still has, although it was deleted and collected here.
package struct LingeringReply: Codable, Hashable, Sendable {
    package var namingContext: String
    package var objectGUID: GUID
    /// Where it lingers.
    package var server: String
    package var since: Timestamp
    /// The partner's USNs that the refused part was about.
    package var above: USN
    package var upTo: USN

    package init(
        namingContext: String,
        objectGUID: GUID,
        server: String,
        since: Timestamp,
        above: USN,
        upTo: USN
    ) {
        self.namingContext = namingContext
        self.objectGUID = objectGUID
        self.server = server
        self.since = since
        self.above = above
        self.upTo = upTo
    }
}

extension [LingeringReply] {
    package var text: String {
        guard !isEmpty else { return "No lingering objects.\n" }
        var table = TextTable(["object", "lingers at", "since", "naming context"])
        for row in self {
            table.add([
                "\(row.objectGUID)", HumanText.line(row.server), RepadminTime.text(row.since),
                HumanText.line(row.namingContext),
            ])
        }
        return table.text
    }
}
